//! `GET` and `POST /logout`: the local sign-out. A link asks first; only our own form ends the session.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::audit::{Event, Record};

use super::cookie::Cookie;
use super::csrf::{self, PreSession};
use super::error::WebError;
use super::form::Form;
use super::views::Logout;
use super::visit::Visit;

/// `GET /logout`
pub(crate) async fn ask(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    question(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

/// `POST /logout`
pub(crate) async fn sign_out(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    end(&visit, payload).await.unwrap_or_else(|error| visit.error(&error))
}

async fn question(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let Some(session) = visit.session().await? else {
        return Ok(visit.page(page(visit, None)));
    };
    let pre_session = PreSession::of(visit);
    let token = pre_session.token(&visit.app.seal);
    let mut answer = visit.page(page(visit, Some((session.subject.display_name.clone(), token))));
    Visit::set_cookie(&mut answer, pre_session.cookie(visit.jar()));
    Ok(answer)
}

async fn end(visit: &Visit<'_>, payload: web::Payload) -> Result<HttpResponse, WebError> {
    let body = visit.body(payload).await?;
    let form = Form::parse(&body).ok_or(WebError::BadForm)?;
    csrf::check(visit, form.value("csrf"))?;
    end_session(visit).await?;
    let mut answer = page(visit, None);
    Visit::set_cookie(&mut answer, visit.jar().discard(Cookie::Session));
    Ok(answer)
}

/// Ends the browser's session, if it has one, and writes so to the audit trail.
pub(crate) async fn end_session(visit: &Visit<'_>) -> Result<(), WebError> {
    let Some(token) = visit.token() else { return Ok(()) };
    let Some(session) = visit.app.sessions.end(token).await? else { return Ok(()) };
    let (subject, login) = (session.subject.id.to_string(), session.subject.login.clone());
    let record = Record {
        time: visit.app.clock.now(),
        request_id: visit.id().to_owned(),
        client_address: Some(visit.address()),
        event: Event::SignedOut { subject, login },
    };
    Ok(visit.app.audit.write(&record)?)
}

fn page(visit: &Visit<'_>, question: Option<(String, String)>) -> HttpResponse {
    let switch = format!("/logout?lang={}", visit.lang.other().tag());
    Logout { f: visit.frame(Some(switch)), question }.answer()
}
