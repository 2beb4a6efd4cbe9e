//! `GET /`: who is signed in and which applications there are; the sign-in page for everybody else.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;

use super::error::WebError;
use super::login;
use super::outcome::init_path;
use super::views::{Application, Home};
use super::visit::Visit;

/// The endpoint.
pub(crate) async fn show(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    open(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

async fn open(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let Some(session) = visit.session().await? else {
        return Ok(login::page(visit, &login::Filled::default(), None));
    };
    let page = Home {
        f: visit.frame(Some(format!("/?lang={}", visit.lang.other().tag()))),
        display_name: &session.subject.display_name,
        login: &session.subject.login,
        applications: applications(visit),
    };
    Ok(visit.page(page.answer()))
}

/// The service providers that are switched on, by name. Who may use one is judged when it is opened.
fn applications(visit: &Visit<'_>) -> Vec<Application> {
    let snapshot = visit.app.registry.snapshot();
    let mut applications: Vec<Application> = snapshot
        .iter()
        .filter(|sp| sp.policy.enabled)
        .map(|sp| Application {
            name: sp.display_name(visit.lang.tag()).to_owned(),
            path: init_path(sp.entity_id()),
        })
        .collect();
    applications.sort_by(|a, b| a.name.cmp(&b.name));
    applications
}
