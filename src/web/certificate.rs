//! `GET /saml/certificate.pem` and `.cer`: the signing certificate in the two forms that SaaS consoles ask for.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use crate::app::App;

/// As PEM.
pub(crate) async fn pem(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-pem-file"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"certificate.pem\""))
        .body(app.own.load().certificate_pem.clone())
}

/// As DER.
pub(crate) async fn cer(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/pkix-cert"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"certificate.cer\""))
        .body(app.own.load().certificate_der.clone())
}
