//! `GET` and `POST /logout`, `GET /logout/next`: signing out here and, one after the other, everywhere. A link asks first;
//! only our own form ends the session. While a logout is under way, the page says how far it is.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::session::SsoSession;
use crate::sso::logout::outcome::{ChainCookie, LogoutOutcome, LogoutStep, Step};
use crate::sso::logout::steps::Looked;

use super::cookie::Cookie;
use super::csrf::{self, PreSession};
use super::error::WebError;
use super::form::Form;
use super::integrated;
use super::outcome::refuse;
use super::views::{self, Logout};
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

/// `GET /logout/next?how=try|skip&at=PLACE`, `?how=finish`: changes nothing but how far the browser's own logout is.
pub(crate) async fn next(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let how = visit.query().ok().and_then(|query| {
        let at = query.value("at").and_then(|at| at.parse().ok());
        match query.value("how") {
            Some("try") => at.map(Step::Try),
            Some("skip") => at.map(Step::Skip),
            Some("finish") => Some(Step::Finish),
            _ => None,
        }
    });
    let Some(how) = how else { return visit.error(&WebError::BadForm) };
    if !is_shown(&visit) {
        return visit.error(&WebError::ForeignOrigin);
    }
    answer(&visit, visit.app.logout.go_on(how, visit.held(), &visit.context()).await)
}

/// Turns a step of a logout into HTTP.
pub(crate) fn answer(visit: &Visit<'_>, step: LogoutStep) -> HttpResponse {
    let mut answer = match step.outcome {
        LogoutOutcome::Go(url) => visit.away(&url),
        LogoutOutcome::Pause { url, names } => views::onward(&visit.frame(None), &url, &names),
        LogoutOutcome::Post(form) => {
            let nonce = visit.app.ids.token();
            views::post(&visit.frame(None), &form, &nonce)
        }
        LogoutOutcome::Look | LogoutOutcome::Ask => visit.see_other("/logout"),
        LogoutOutcome::Refused(refused) => refuse(visit, &refused),
    };
    if step.signed_out {
        Visit::set_cookie(&mut answer, visit.jar().discard(Cookie::Session));
        if visit.app.integrated.is_some() {
            Visit::set_cookie(&mut answer, visit.jar().store(Cookie::Ticket, integrated::ASK_FIRST));
        }
    }
    let line = match &step.cookie {
        ChainCookie::Set(secret) => visit.jar().store(Cookie::Logout, secret),
        ChainCookie::Drop if visit.held().chain.is_some() => visit.jar().discard(Cookie::Logout),
        ChainCookie::Keep | ChainCookie::Drop => None,
    };
    if line.is_some() {
        Visit::set_cookie(&mut answer, line);
    }
    answer
}

async fn question(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    if !is_shown(visit) {
        return Err(WebError::ForeignOrigin);
    }
    // Also one whose time is over: the service providers may still have the person signed in.
    let known = match visit.token() {
        Some(token) => visit.app.sessions.find_any(token).await?,
        None => None,
    };
    let Some(session) = known else {
        return Ok(match visit.app.logout.look(visit.held(), &visit.context()).await {
            Looked::Step(step) => answer(visit, step),
            Looked::View(view) => {
                let nonce = visit.app.ids.token();
                visit.page(views::logout(visit.frame(Some(switch(visit))), &view, &nonce))
            }
            Looked::Nothing => visit.page(page(visit, None)),
        });
    };
    if visit.app.site.logout_without_question {
        return Ok(answer(visit, visit.app.logout.initiate(visit.held(), &visit.context()).await));
    }
    Ok(asked(visit, &session))
}

/// Whether the browser will show the answer: a picture of another page must not step through somebody's logout.
pub(super) fn is_shown(visit: &Visit<'_>) -> bool {
    visit.req.headers().get("sec-fetch-dest").is_none_or(|destination| destination == "document")
}

fn asked(visit: &Visit<'_>, session: &SsoSession) -> HttpResponse {
    let pre_session = PreSession::of(visit);
    let token = pre_session.token(&visit.app.seal);
    let mut answer = visit.page(page(visit, Some((session.subject.display_name.clone(), token))));
    Visit::set_cookie(&mut answer, pre_session.cookie(visit.jar()));
    answer
}

async fn end(visit: &Visit<'_>, payload: web::Payload) -> Result<HttpResponse, WebError> {
    let body = visit.body(payload).await?;
    let form = Form::parse(&body).ok_or(WebError::BadForm)?;
    csrf::check(visit, form.value("csrf"))?;
    Ok(answer(visit, visit.app.logout.initiate(visit.held(), &visit.context()).await))
}

fn page(visit: &Visit<'_>, question: Option<(String, String)>) -> HttpResponse {
    Logout { f: visit.frame(Some(switch(visit))), question }.answer()
}

fn switch(visit: &Visit<'_>) -> String {
    format!("/logout?lang={}", visit.lang.other().tag())
}
