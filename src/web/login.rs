//! `GET` and `POST /login`: the sign-in page and the proof of the password.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, rt, web};

use crate::app::App;
use crate::audit::{Event, Record};
use crate::authn::{Answer, Attempt};
use crate::identity::{AuthnContext, Subject};
use crate::secret::Secret;
use crate::session::SsoSession;
use crate::sso::{Outcome, PendingView, RequestContext};

use super::cookie::Cookie;
use super::csrf::{self, PreSession};
use super::error::{Failure, WebError};
use super::form::Form;
use super::messages::{self, Notice};
use super::outcome;
use super::password;
use super::views::SignIn;
use super::visit::Visit;

/// `GET /login[?pending=]`
pub(crate) async fn show(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    open(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

/// `POST /login`
pub(crate) async fn sign_in(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    prove(&visit, payload).await.unwrap_or_else(|error| visit.error(&error))
}

/// What the form is for and what it shows again after a refusal.
#[derive(Debug, Default)]
pub(crate) struct Filled<'a> {
    /// The sealed request.
    pub(crate) pending: Option<&'a str>,
    /// What it says.
    pub(crate) view: Option<PendingView>,
    /// The login name as it was typed.
    pub(crate) login: &'a str,
}

/// The sign-in page.
pub(crate) fn page(visit: &Visit<'_>, filled: &Filled<'_>, notice: Option<Notice>) -> HttpResponse {
    let pre_session = PreSession::of(visit);
    let lang = visit.lang;
    let switch = match filled.pending {
        Some(pending) => format!("/login?pending={pending}&lang={}", lang.other().tag()),
        None => format!("/login?lang={}", lang.other().tag()),
    };
    let view = filled.view.as_ref();
    let hint = view.and_then(|view| view.login_hint.as_deref()).unwrap_or("");
    let page = SignIn {
        f: visit.frame(Some(switch)),
        pending: filled.pending.unwrap_or(""),
        csrf: pre_session.token(&visit.app.seal),
        sp_name: view.map(|view| view.names.name(lang.tag()).to_owned()),
        force_authn: view.is_some_and(|view| view.force_authn),
        login: if filled.login.is_empty() { hint } else { filled.login }.to_owned(),
        notice,
    };
    let mut answer = visit.page(page.answer());
    Visit::set_cookie(&mut answer, pre_session.cookie(visit.jar()));
    if let Some(notice) = notice {
        answer.extensions_mut().insert(Failure { code: notice.code, cause: String::new() });
    }
    answer
}

async fn open(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let query = visit.query()?;
    let Some(pending) = query.filled("pending") else {
        let known = visit.session().await?.is_some();
        return Ok(if known { visit.see_other("/") } else { page(visit, &Filled::default(), None) });
    };
    if let Some(session) = visit.session().await?
        && visit.app.sso.is_met(pending, &session).await
    {
        return Ok(visit.see_other(&resume_path(pending)));
    }
    match visit.app.sso.pending(pending) {
        Some(view) => Ok(page(visit, &Filled { pending: Some(pending), view: Some(view), login: "" }, None)),
        None => unusable(visit, pending).await,
    }
}

/// A sealed request that is too old or not ours: `sso` tells which.
pub(crate) async fn unusable(visit: &Visit<'_>, pending: &str) -> Result<HttpResponse, WebError> {
    match visit.app.sso.resume(pending, None, &visit.context()).await {
        Outcome::Login { .. } => Err(WebError::BadForm),
        outcome => Ok(outcome::answer(visit, outcome)),
    }
}

async fn prove(visit: &Visit<'_>, payload: web::Payload) -> Result<HttpResponse, WebError> {
    let body = visit.body(payload).await?;
    let mut form = Form::parse(&body).ok_or(WebError::BadForm)?;
    let password = Secret::new(form.take("password").ok_or(WebError::BadForm)?);
    let login = form.value("login").ok_or(WebError::BadForm)?;
    let pending = form.filled("pending");
    let view = pending.and_then(|pending| visit.app.sso.pending(pending));
    if let (Some(pending), None) = (pending, &view) {
        return unusable(visit, pending).await;
    }
    let mut filled = Filled { pending, view, login };
    match csrf::check(visit, form.value("csrf")) {
        Ok(()) => {}
        Err(WebError::CsrfToken) => return Ok(page(visit, &filled, Some(messages::FORM_TOO_OLD))),
        Err(foreign) => return Err(foreign),
    }
    let attempt = Attempt { login, password, address: visit.address(), request_id: visit.id() };
    match visit.app.sign_in.sign_in(attempt).await {
        Ok(Answer::SignedIn(subject)) => enter(visit, *subject, pending).await,
        Ok(Answer::Refused(refusal)) => {
            match password::instead_of_refusal(visit, &mut filled, refusal).await? {
                Some(change) => Ok(change),
                None => Ok(page(visit, &filled, Some(messages::refusal(refusal)))),
            }
        }
        Err(error) => Ok(visit.error_with_retry(&error.into(), Some(retry(pending)))),
    }
}

fn retry(pending: Option<&str>) -> String {
    pending.map_or_else(|| "/login".to_owned(), |pending| format!("/login?pending={pending}"))
}

/// The path that goes on with a sealed request.
pub(crate) fn resume_path(pending: &str) -> String {
    format!("/saml/sso/continue?pending={pending}")
}

/// A new session under a new id; whatever session the browser had is dead before. What it issued goes on where it was the
/// same person's; else the service providers that can be told are told.
pub(crate) async fn enter(
    visit: &Visit<'_>,
    subject: Subject,
    pending: Option<&str>,
) -> Result<HttpResponse, WebError> {
    let sessions = &visit.app.sessions;
    let earlier = end_session(visit).await?;
    let context = AuthnContext(visit.app.sso.idp.form_class.clone());
    let (token, session) = sessions.start_after(subject, context, earlier.as_deref()).await?;
    if let Some(left) = earlier.filter(|earlier| earlier.subject.id != session.subject.id) {
        let (logout, id, address) = (Arc::clone(&visit.app.logout), visit.id().to_owned(), visit.address());
        rt::spawn(async move { logout.tell_left(left, &RequestContext { id: &id, address }).await });
    }
    let mut answer = if let Some(warning) = password::warning_path(&session, pending) {
        sessions.settle().await?;
        visit.see_other(&warning)
    } else if let Some(pending) = pending {
        // The sign-on that follows commits the session together with its own.
        visit.see_other(&resume_path(pending))
    } else {
        sessions.settle().await?;
        visit.see_other("/")
    };
    Visit::set_cookie(&mut answer, visit.jar().store(Cookie::Session, token.expose()));
    Ok(answer)
}

/// Ends the browser's session, if it has one, and writes so to the audit trail.
async fn end_session(visit: &Visit<'_>) -> Result<Option<Arc<SsoSession>>, WebError> {
    let Some(token) = visit.token() else { return Ok(None) };
    let Some(session) = visit.app.sessions.find_any(token).await? else { return Ok(None) };
    let Some(session) = visit.app.sessions.end_all(&[session]).await?.pop() else { return Ok(None) };
    let (subject, login) = (session.subject.id.to_string(), session.subject.login.clone());
    let record = Record {
        time: visit.app.clock.now(),
        request_id: visit.id().to_owned(),
        client_address: Some(visit.address()),
        event: Event::SignedOut { subject, login, sp: None },
    };
    visit.app.audit.write(&record)?;
    Ok(Some(session))
}
