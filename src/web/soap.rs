//! `POST /saml/soap/slo`: LogoutRequests by SOAP (saml-bindings 3.2).

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use crate::app::App;
use crate::saml::binding::soap::{FaultCode, fault};
use crate::sso::logout::outcome::SoapAnswer;

use super::error::Failure;
use super::visit::Visit;

const MEDIA_TYPE: &str = "text/xml";

/// The endpoint.
pub(crate) async fn slo(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    match visit.body_of(MEDIA_TYPE, payload).await {
        Ok(envelope) => answer(&visit, visit.app.logout.receive_soap(&envelope, &visit.context()).await),
        Err(error) => {
            let mut answer = faulted(&visit, FaultCode::Client, error.code());
            *answer.status_mut() = error.status();
            answer.extensions_mut().insert(error.failure());
            answer
        }
    }
}

fn answer(visit: &Visit<'_>, answer: SoapAnswer) -> HttpResponse {
    match answer {
        SoapAnswer::Message(envelope) => xml(StatusCode::OK, envelope),
        SoapAnswer::Fault { server, header, code } => {
            let whose = match (header, server) {
                (true, _) => FaultCode::MustUnderstand,
                (false, true) => FaultCode::Server,
                (false, false) => FaultCode::Client,
            };
            faulted(visit, whose, code)
        }
    }
}

/// A stranger learns a code and the id under which the log has the cause, and nothing else.
fn faulted(visit: &Visit<'_>, whose: FaultCode, code: &'static str) -> HttpResponse {
    let text = format!("{code}, request {}", visit.id());
    let mut answer = xml(StatusCode::INTERNAL_SERVER_ERROR, fault(whose, &text));
    answer.extensions_mut().insert(Failure { code, cause: String::new() });
    answer
}

fn xml(status: StatusCode, envelope: Vec<u8>) -> HttpResponse {
    HttpResponseBuilder::new(status).content_type(ContentType::xml()).body(envelope)
}
