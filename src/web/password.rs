//! `GET` and `POST /password`: a new password for somebody who is signed in, or who cannot sign in before; `GET
//! /password/soon`: the word, right after a sign-in, that the password ends soon.
//!
//! The old password is asked for in every case and proved by the directory. Who came with a name goes on as from the
//! sign-in page; who is signed in stays so, and is signed out elsewhere.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::authn::{ChangeAttempt, Refusal, Whose};
use crate::clock::Timestamp;
use crate::identity::Subject;
use crate::password::Changing;
use crate::secret::Secret;
use crate::session::SsoSession;
use crate::sso::{PendingView, Ticket};

use super::csrf::{self, PreSession};
use super::error::{Failure, WebError};
use super::form::Form;
use super::login::{self, Filled, Proof};
use super::messages::{self, Notice};
use super::password_text as told;
use super::text::Text;
use super::views::{ChangePassword, PasswordChanged, PasswordSoon};
use super::visit::Visit;

/// `GET /password[?pending=]`
pub(crate) async fn show(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    open(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

/// `POST /password`
pub(crate) async fn change(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    exchange(&visit, payload).await.unwrap_or_else(|error| visit.error(&error))
}

/// `GET /password/changed`
pub(crate) async fn changed(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let switch = format!("/password/changed?lang={}", visit.lang.other().tag());
    let page = PasswordChanged { f: visit.frame(Some(switch)) };
    visit.page(page.answer())
}

/// `GET /password/soon[?pending=]`
pub(crate) async fn soon(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    warn(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

/// What the page for a new password is for.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// The sealed request that waits.
    pub(crate) pending: Option<&'a str>,
    /// What it says.
    pub(crate) view: Option<PendingView>,
    /// The login name; of somebody who is signed in it is not asked for.
    pub(crate) login: &'a str,
    /// Set when the person is signed in.
    pub(crate) session: Option<&'a SsoSession>,
}

/// The page for a new password.
pub(crate) fn page(visit: &Visit<'_>, wanted: &Wanted<'_>, notice: Option<Notice>) -> HttpResponse {
    let pre_session = PreSession::of(visit);
    let lang = visit.lang;
    let switch = match wanted.pending {
        Some(pending) => format!("/password?pending={pending}&lang={}", lang.other().tag()),
        None => format!("/password?lang={}", lang.other().tag()),
    };
    let page = ChangePassword {
        f: visit.frame(Some(switch)),
        pending: wanted.pending.unwrap_or(""),
        csrf: pre_session.token(&visit.app.seal),
        sp_name: wanted.view.as_ref().map(|view| view.names.name(lang.tag()).to_owned()),
        signed_in: wanted.session.is_some(),
        login: wanted.session.map_or(wanted.login, |session| &session.subject.login).to_owned(),
        cancel: wanted.pending.map_or_else(|| "/".to_owned(), |pending| login::resume_path(visit, pending)),
        notice,
    };
    let mut answer = visit.page(page.answer());
    Visit::set_cookie(&mut answer, pre_session.cookie(visit.jar()));
    if let Some(notice) = notice {
        answer.extensions_mut().insert(Failure { code: notice.code, cause: String::new() });
    }
    answer
}

/// The page for somebody whose right password may not sign in any more, if passwords can be changed here.
pub(crate) fn instead_of_refusal(
    visit: &Visit<'_>,
    filled: &mut Filled<'_>,
    refusal: Refusal,
) -> Option<HttpResponse> {
    let (Refusal::PasswordExpired { changeable: true } | Refusal::PasswordMustChange { changeable: true }) =
        refusal
    else {
        return None;
    };
    let view = filled.view.take();
    let wanted = Wanted { pending: filled.pending, view, login: filled.login, session: None };
    Some(page(visit, &wanted, Some(told::due(refusal))))
}

/// Where somebody who has just signed in goes first whose password ends soon.
pub(crate) fn warning_path(subject: &Subject, pending: Option<&str>) -> Option<String> {
    subject.password_expires?;
    Some(match pending {
        Some(pending) => format!("/password/soon?pending={pending}"),
        None => "/password/soon".to_owned(),
    })
}

async fn open(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let query = visit.query()?;
    let session = session(visit).await?;
    let pending = query.filled("pending");
    let view = pending.and_then(|pending| visit.app.sso.pending(pending, Ticket::Never));
    if let (Some(pending), None) = (pending, &view) {
        return login::unusable(visit, pending).await;
    }
    Ok(page(visit, &Wanted { pending, view, login: "", session: session.as_deref() }, None))
}

/// Who is signed in; an error where this person's password, or nobody's, can be changed here.
async fn session(visit: &Visit<'_>) -> Result<Option<Arc<SsoSession>>, WebError> {
    let session = visit.session().await?;
    let can = match &session {
        Some(session) => visit.app.sign_in.changes_passwords_of(&session.subject.id.directory),
        None => visit.app.sign_in.changes_passwords(),
    };
    if can { Ok(session) } else { Err(WebError::NoPasswordChange) }
}

async fn exchange(visit: &Visit<'_>, payload: web::Payload) -> Result<HttpResponse, WebError> {
    let body = visit.body(payload).await?;
    let mut form = Form::parse(&body).ok_or(WebError::BadForm)?;
    let mut secret = |name| form.take(name).map(Secret::new).ok_or(WebError::BadForm);
    let (old, new, again) = (secret("old_password")?, secret("new_password")?, secret("new_password_again")?);
    let pending = form.filled("pending");
    let view = pending.and_then(|pending| visit.app.sso.pending(pending, Ticket::Never));
    if let (Some(pending), None) = (pending, &view) {
        return login::unusable(visit, pending).await;
    }
    let named = form.filled("login");
    let session = match named {
        Some(_) if visit.app.sign_in.changes_passwords() => None,
        _ => session(visit).await?,
    };
    let wanted = Wanted { pending, view, login: named.unwrap_or(""), session: session.as_deref() };
    match csrf::check(visit, form.value("csrf")) {
        Ok(()) => {}
        Err(WebError::CsrfToken) => return Ok(page(visit, &wanted, Some(told::FORM_TOO_OLD))),
        Err(foreign) => return Err(foreign),
    }
    let whose = match (named, &session) {
        (Some(login), _) => Whose::Named(login.to_owned()),
        (None, Some(session)) => Whose::SignedIn(Box::new(session.subject.clone())),
        (None, None) => return Ok(page(visit, &wanted, Some(told::FORM_TOO_OLD))),
    };
    if let Some(notice) = told::of_typing(old.expose(), new.expose(), again.expose()) {
        return Ok(page(visit, &wanted, Some(notice)));
    }
    let (address, request_id) = (visit.address(), visit.id().to_owned());
    let attempt = ChangeAttempt { whose, old, new, address, request_id };
    match visit.app.passwords.change(attempt, visit.token()).await? {
        Changing::Changed { signed_in: Some(subject) } => {
            login::enter(visit, *subject, Proof::Form, pending).await
        }
        Changing::Changed { signed_in: None } => match (named, pending) {
            (Some(login), _) => sign_in_again(visit, pending, login).await,
            (None, Some(pending)) => Ok(visit.see_other(&login::resume_path(visit, pending))),
            (None, None) => Ok(visit.see_other("/password/changed")),
        },
        Changing::Kept(refusal) => Ok(page(visit, &wanted, Some(told::kept(refusal)))),
        Changing::Refused(refusal) => Ok(page(visit, &wanted, Some(told::refused(refusal, named.is_some())))),
    }
}

/// The sign-in page, for the new password.
async fn sign_in_again(
    visit: &Visit<'_>,
    pending: Option<&str>,
    login: &str,
) -> Result<HttpResponse, WebError> {
    let Some(filled) = Filled::of(visit, pending, Ticket::Never) else {
        return login::unusable(visit, pending.unwrap_or("")).await;
    };
    Ok(login::page(visit, &filled.with_login(login), Some(messages::PASSWORD_CHANGED)))
}

async fn warn(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let query = visit.query()?;
    let pending = query.filled("pending");
    if let Some(pending) = pending
        && visit.app.sso.pending(pending, Ticket::Never).is_none()
    {
        return login::unusable(visit, pending).await;
    }
    let onward = pending.map_or_else(|| "/".to_owned(), |pending| login::resume_path(visit, pending));
    let ends = visit.session().await?.and_then(|session| session.subject.password_expires);
    let Some(ends) = ends else { return Ok(visit.see_other(&onward)) };
    let with = |path: &str, more: &str| match pending {
        Some(pending) => format!("{path}?pending={pending}{more}"),
        None if more.is_empty() => path.to_owned(),
        None => format!("{path}?{}", more.trim_start_matches('&')),
    };
    let switch = with("/password/soon", &format!("&lang={}", visit.lang.other().tag()));
    let page = PasswordSoon {
        f: visit.frame(Some(switch)),
        sentence: Text::of(visit.lang).password_change.ends(days_left(ends, visit.app.clock.now())),
        change: with("/password", ""),
        onward,
    };
    Ok(visit.page(page.answer()))
}

/// Begun days until then.
fn days_left(ends: Timestamp, now: Timestamp) -> i64 {
    let seconds = ends.duration_since(now).as_secs().max(0);
    (seconds + 86_399) / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_begun_day_is_a_day() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let left = |seconds: i64| days_left(Timestamp::from_second(1_700_000_000 + seconds).unwrap(), now);
        assert_eq!((left(-5), left(0), left(1), left(86_400), left(86_401)), (0, 0, 1, 1, 2));
    }
}
