//! `GET` and `POST /login`: the sign-in page, the proof of the password, and the session that follows.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::authn::{Answer, Attempt};
use crate::identity::{AuthnContext, Subject};
use crate::secret::Secret;
use crate::session::{Beginning, SsoSession};
use crate::sso::{Outcome, PendingView, Ticket};

use super::cookie::Cookie;
use super::csrf::{self, PreSession};
use super::error::{Failure, WebError};
use super::form::Form;
use super::integrated;
use super::messages::{self, Notice};
use super::outcome;
use super::password;
use super::views::{self, SignIn};
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

/// What the page is for and what it shows again after a refusal.
#[derive(Debug)]
pub(crate) struct Filled<'a> {
    /// The sealed request.
    pub(crate) pending: Option<&'a str>,
    /// What it says.
    pub(crate) view: Option<PendingView>,
    /// The login name as it was typed.
    pub(crate) login: &'a str,
    ticket: Ticket,
}

impl<'a> Filled<'a> {
    /// With the name that was typed.
    pub(crate) fn with_login(self, login: &'a str) -> Self {
        Self { login, ..self }
    }

    /// Of a browser that may be asked for a ticket or not; `None` when the sealed request cannot be used.
    pub(crate) fn of(visit: &Visit<'_>, pending: Option<&'a str>, ticket: Ticket) -> Option<Self> {
        let view = match pending {
            Some(pending) => Some(visit.app.sso.pending(pending, ticket)?),
            None => None,
        };
        Some(Self { pending, view, login: "", ticket })
    }

    fn by_form(&self) -> bool {
        self.view.as_ref().is_none_or(|view| view.ways.form)
    }

    /// Whether a ticket is asked for, and would do.
    pub(crate) fn by_ticket(&self) -> bool {
        self.ticket != Ticket::Never && self.view.as_ref().is_none_or(|view| view.ways.ticket)
    }

    fn by_click(&self) -> bool {
        self.ticket == Ticket::OnClick && self.by_ticket()
    }
}

/// How somebody proved who they are.
#[derive(Debug)]
pub(crate) enum Proof<'a> {
    /// By the password that they typed.
    Form,
    /// By a ticket, which gives this class.
    Ticket(&'a AuthnContext),
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
        form: filled.by_form(),
        ticket: filled.by_click(),
        notice,
    };
    let mut answer = visit.page(page.answer());
    Visit::set_cookie(&mut answer, pre_session.cookie(visit.jar()));
    if let Some(notice) = notice {
        answer.extensions_mut().insert(Failure { code: notice.code, cause: String::new() });
    }
    answer
}

/// The page for somebody without a ticket of use. Where it could not help either, the browser goes on by itself, and the
/// service provider is told so.
pub(crate) fn without_ticket(visit: &Visit<'_>, filled: &Filled<'_>, notice: Option<Notice>) -> HttpResponse {
    match (filled.pending, &filled.view) {
        (Some(pending), Some(view)) if !view.ways.form && !filled.by_click() => {
            let url = format!("{}{}", visit.app.site.prefix, resume_path(visit, pending));
            views::onward(&visit.frame(None), &url, &view.names)
        }
        _ => page(visit, filled, notice),
    }
}

async fn open(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let query = visit.query()?;
    let pending = query.filled("pending");
    let session = visit.session().await?;
    if let Some(session) = &session
        && is_met(visit, pending, session).await
    {
        return Ok(go_on(visit, pending));
    }
    let ticket = integrated::ticket(visit, session.as_deref()).await?;
    let Some(filled) = Filled::of(visit, pending, ticket) else {
        return unusable(visit, pending.unwrap_or("")).await;
    };
    let mut answer = lead(visit, &filled);
    if visit.is_challenged() && visit.app.integrated.is_some() {
        // apache takes the status of what it shows, and the browser answers a challenge only with this one.
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
    }
    Ok(answer)
}

/// Where a browser goes that has to sign in: to where its ticket is asked for, if that needs nobody; else it gets the page.
pub(crate) fn lead(visit: &Visit<'_>, filled: &Filled<'_>) -> HttpResponse {
    let stays = visit.has_tried_ticket() || visit.has_chosen_language();
    if filled.ticket == Ticket::Silent && filled.by_ticket() && !stays {
        return visit.see_other(&integrated::path(filled.pending));
    }
    without_ticket(visit, filled, None)
}

/// Whether this session is all that is asked for.
pub(crate) async fn is_met(visit: &Visit<'_>, pending: Option<&str>, session: &Arc<SsoSession>) -> bool {
    match pending {
        Some(pending) => visit.app.sso.is_met(pending, session).await,
        None => true,
    }
}

/// Goes on with what is asked for in the session that is there.
pub(crate) fn go_on(visit: &Visit<'_>, pending: Option<&str>) -> HttpResponse {
    visit.see_other(&pending.map_or_else(|| "/".to_owned(), |pending| resume_path(visit, pending)))
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
    let by_ticket = form.value("how") == Some("ticket") && visit.app.integrated.is_some();
    let password = form.take("password").map(Secret::new);
    let login = form.value("login").or(by_ticket.then_some("")).ok_or(WebError::BadForm)?;
    let pending = form.filled("pending");
    let ticket = match &visit.app.integrated {
        Some(_) => integrated::ticket(visit, visit.session().await?.as_deref()).await?,
        None => Ticket::Never,
    };
    let Some(filled) = Filled::of(visit, pending, ticket) else {
        return unusable(visit, pending.unwrap_or("")).await;
    };
    let mut filled = filled.with_login(login);
    match csrf::check(visit, form.value("csrf")) {
        Ok(()) => {}
        Err(WebError::CsrfToken) => return Ok(page(visit, &filled, Some(messages::FORM_TOO_OLD))),
        Err(foreign) => return Err(foreign),
    }
    if by_ticket {
        let mut answer = visit.see_other(&integrated::path(pending));
        Visit::set_cookie(&mut answer, visit.jar().store(Cookie::Ticket, integrated::CLICKED));
        return Ok(answer);
    }
    let password = password.ok_or(WebError::BadForm)?;
    let attempt = Attempt { login, password, address: visit.address(), request_id: visit.id() };
    match visit.app.sign_in.sign_in(attempt).await {
        Ok(Answer::SignedIn(subject)) => enter(visit, *subject, Proof::Form, pending).await,
        Ok(Answer::Refused(refusal)) => Ok(password::instead_of_refusal(visit, &mut filled, refusal)
            .unwrap_or_else(|| page(visit, &filled, Some(messages::refusal(refusal))))),
        Err(error) => Ok(visit.error_with_retry(&error.into(), Some(form_path(visit, pending)))),
    }
}

/// The path of the page itself, which leads to no ticket.
pub(crate) fn form_path(visit: &Visit<'_>, pending: Option<&str>) -> String {
    match (pending, visit.app.integrated.is_some()) {
        (Some(pending), true) => format!("/login?how=form&pending={pending}"),
        (Some(pending), false) => format!("/login?pending={pending}"),
        (None, true) => "/login?how=form".to_owned(),
        (None, false) => "/login".to_owned(),
    }
}

/// Whoever comes from here has signed in, or has tried to: no ticket is asked for any more.
pub(crate) fn resume_path(visit: &Visit<'_>, pending: &str) -> String {
    let tried = if visit.app.integrated.is_some() { "how=form&" } else { "" };
    format!("/saml/sso/continue?{tried}pending={pending}")
}

/// A new session under a new id, in place of whatever session the browser had.
pub(crate) async fn enter(
    visit: &Visit<'_>,
    subject: Subject,
    proof: Proof<'_>,
    pending: Option<&str>,
) -> Result<HttpResponse, WebError> {
    let (context, silent) = match proof {
        Proof::Form => (AuthnContext(visit.app.sso.idp.form_class.clone()), false),
        Proof::Ticket(context) => (context.clone(), true),
    };
    // Whoever showed a ticket did not type the password that ends.
    let warning = if silent { None } else { password::warning_path(&subject, pending) };
    let beginning = Beginning { subject, context, client: Some(visit.client()), silent };
    let token = visit.app.logout.replace(visit.token(), beginning, &visit.context()).await?;
    let mut answer = if let Some(warning) = warning {
        visit.app.sessions.settle().await?;
        visit.see_other(&warning)
    } else if let Some(pending) = pending {
        // The sign-on that follows commits the session together with its own.
        visit.see_other(&resume_path(visit, pending))
    } else {
        visit.app.sessions.settle().await?;
        // From there a browser that keeps no cookies comes to the page, and not to its ticket again.
        visit.see_other(if silent { "/login?how=form" } else { "/" })
    };
    Visit::set_cookie(&mut answer, visit.jar().store(Cookie::Session, token.expose()));
    if visit.jar().read(visit.req.headers(), Cookie::Ticket).is_some() {
        Visit::set_cookie(&mut answer, visit.jar().discard(Cookie::Ticket));
    }
    Ok(answer)
}
