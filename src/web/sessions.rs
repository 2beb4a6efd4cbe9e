//! `GET` and `POST /sessions`: where a person is signed in, and the end of any of it but this browser's own.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::session::SsoSession;
use crate::sso::logout::sessions::Cause;

use super::agent;
use super::csrf::{self, PreSession};
use super::error::WebError;
use super::form::Form;
use super::views::{HeldSession, HeldSessions};
use super::visit::Visit;

/// So much of the digest of a session's id names it in a form; who knows it can do nothing with it but here.
const HANDLE: usize = 16;

/// `GET /sessions`
pub(crate) async fn show(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    list(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

/// `POST /sessions`: `which` is the handle of a session, or `others`.
pub(crate) async fn end(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    end_some(&visit, payload).await.unwrap_or_else(|error| visit.error(&error))
}

async fn list(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let Some(own) = visit.session().await? else { return Ok(visit.see_other("/")) };
    let sessions = visit.app.sessions.of(&own.subject.id).await?;
    let frame = visit.frame(Some(format!("/sessions?lang={}", visit.lang.other().tag())));
    let shown = sessions.iter().map(|session| HeldSession {
        handle: handle(session),
        is_own: session.id_hash == own.id_hash,
        names: agent::named(session.client.as_ref().map_or("", |client| &client.agent)),
        address: session.client.as_ref().map(|client| client.address.to_string()),
        began: frame.time(&session.created),
        used: frame.time(&session.last_used()),
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|session| !session.is_own);
    let pre_session = PreSession::of(visit);
    let page = HeldSessions { f: frame, csrf: pre_session.token(&visit.app.seal), sessions: shown };
    let mut answer = visit.page(page.answer());
    Visit::set_cookie(&mut answer, pre_session.cookie(visit.jar()));
    Ok(answer)
}

async fn end_some(visit: &Visit<'_>, payload: web::Payload) -> Result<HttpResponse, WebError> {
    let body = visit.body(payload).await?;
    let form = Form::parse(&body).ok_or(WebError::BadForm)?;
    csrf::check(visit, form.value("csrf"))?;
    let which = form.filled("which").ok_or(WebError::BadForm)?;
    let Some(own) = visit.session().await? else { return Ok(visit.see_other("/")) };
    let mut sessions = visit.app.sessions.of(&own.subject.id).await?;
    sessions.retain(|one| one.id_hash != own.id_hash && (which == "others" || which == handle(one)));
    visit.app.logout.end_sessions(&sessions, Cause::Elsewhere, &visit.context()).await?;
    Ok(visit.see_other("/sessions"))
}

fn handle(session: &SsoSession) -> &str {
    session.id_hash.get(..HANDLE).unwrap_or(&session.id_hash)
}
