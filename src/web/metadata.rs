//! `GET /saml/metadata`: what this identity provider tells of itself (saml-metadata 4.1.1).

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use crate::app::App;

/// The endpoint.
pub(crate) async fn show(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/samlmetadata+xml"))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(app.own.load().metadata_xml.clone())
}
