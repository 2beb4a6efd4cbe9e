//! `POST /saml/soap/slo`, `/saml/soap/artifact` and `/saml/soap/ecp`: messages by SOAP (saml-bindings 3.2), and enhanced
//! clients with HTTP Basic (saml-profiles 4.2).

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, ContentType, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use crate::authn::{Answer, Attempt};
use crate::identity::AuthnContext;
use crate::saml::binding::soap::{FaultCode, fault};
use crate::secret::Secret;
use crate::session::Beginning;
use crate::sso::SoapAnswer;

use super::error::{Failure, WebError};
use super::messages;
use super::visit::{BODY_LIMIT, Visit};

const MEDIA_TYPE: &str = "text/xml";

/// LogoutRequests.
pub(crate) async fn slo(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    match envelope(&visit, payload).await {
        Ok(envelope) => answer(&visit, visit.app.logout.receive_soap(&envelope, &visit.context()).await),
        Err(fault) => fault,
    }
}

/// ArtifactResolve.
pub(crate) async fn artifact(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    match envelope(&visit, payload).await {
        Ok(envelope) => answer(&visit, visit.app.sso.resolve_artifact(&envelope, &visit.context()).await),
        Err(fault) => fault,
    }
}

/// AuthnRequests of enhanced clients.
pub(crate) async fn ecp(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    match envelope(&visit, payload).await {
        Ok(envelope) => client(&visit, &envelope).await.unwrap_or_else(|error| broken(&visit, &error)),
        Err(fault) => fault,
    }
}

async fn client(visit: &Visit<'_>, envelope: &[u8]) -> Result<HttpResponse, WebError> {
    let asked = match visit.app.sso.accept_client(envelope, &visit.context()) {
        Ok(asked) => asked,
        Err(fault) => return Ok(answer(visit, fault)),
    };
    let Some((login, password)) = credentials(visit) else { return Ok(challenge(visit, "SK-CREDENTIALS")) };
    let attempt = Attempt { login: &login, password, address: visit.address(), request_id: visit.id() };
    let subject = match visit.app.sign_in.sign_in(attempt).await? {
        Answer::SignedIn(subject) => *subject,
        Answer::Refused(refusal) => return Ok(challenge(visit, messages::refusal(refusal).code)),
    };
    let context = AuthnContext(visit.app.sso.idp.form_class.clone());
    let beginning = Beginning { client: Some(visit.client()), ..Beginning::new(subject, context) };
    let (_token, session) = visit.app.sessions.start(beginning).await?;
    let said = visit.app.sso.answer_client(&asked, &session, &visit.context()).await;
    if session.sp_sessions().is_empty() {
        // Nothing was issued in it, and nobody has its cookie.
        visit.app.sessions.end_all(&[session]).await?;
    }
    Ok(answer(visit, said))
}

/// HTTP Basic (RFC 7617), in UTF-8.
fn credentials(visit: &Visit<'_>) -> Option<(String, Secret<String>)> {
    let header = visit.req.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = header.split_once(' ')?;
    let value = Some(value.trim()).filter(|value| value.len() <= 4096);
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(value?).ok()).flatten()?;
    let decoded = Secret::new(String::from_utf8(decoded).ok()?);
    let (login, password) = decoded.expose().split_once(':')?;
    Some((login.to_owned(), Secret::new(password.to_owned())))
}

fn challenge(visit: &Visit<'_>, code: &'static str) -> HttpResponse {
    let mut answer = faulted(visit, FaultCode::Client, code);
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    let scheme = HeaderValue::from_static("Basic realm=\"sekisho\", charset=\"UTF-8\"");
    answer.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    answer
}

async fn envelope(visit: &Visit<'_>, payload: web::Payload) -> Result<web::Bytes, HttpResponse> {
    visit.body_of(MEDIA_TYPE, BODY_LIMIT, payload).await.map_err(|error| broken(visit, &error))
}

fn broken(visit: &Visit<'_>, error: &WebError) -> HttpResponse {
    let status = error.status();
    let whose = if status.is_server_error() { FaultCode::Server } else { FaultCode::Client };
    let mut answer = faulted(visit, whose, error.code());
    *answer.status_mut() = status;
    answer.extensions_mut().insert(error.failure());
    answer
}

fn answer(visit: &Visit<'_>, answer: SoapAnswer) -> HttpResponse {
    match answer {
        SoapAnswer::Message(envelope) => xml(StatusCode::OK, envelope),
        SoapAnswer::Fault { whose, code } => faulted(visit, whose, code),
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
