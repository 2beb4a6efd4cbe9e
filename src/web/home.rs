//! `GET /`: who is signed in and which applications there are; the sign-in page for everybody else.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::session::SsoSession;

use super::error::WebError;
use super::integrated;
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
        let ticket = integrated::ticket(visit, None).await?;
        let filled = login::Filled::of(visit, None, ticket).ok_or(WebError::BadForm)?;
        return Ok(login::lead(visit, &filled));
    };
    let page = Home {
        f: visit.frame(Some(format!("/?lang={}", visit.lang.other().tag()))),
        display_name: &session.subject.display_name,
        login: &session.subject.login,
        applications: applications(visit, &session).await,
        changes_password: visit.app.sign_in.changes_passwords_of(&session.subject.id.directory),
    };
    Ok(visit.page(page.answer()))
}

/// The service providers that this person may use, by name. While the directory cannot be asked who may use what, the
/// page stands without them: nobody is kept from signing out.
async fn applications(visit: &Visit<'_>, session: &Arc<SsoSession>) -> Vec<Application> {
    let open = visit.app.sso.applications(session).await.unwrap_or_else(|error| {
        tracing::warn!(request.id = %visit.id(), "{error}");
        Vec::new()
    });
    let mut applications: Vec<Application> = open
        .iter()
        .map(|sp| Application {
            name: sp.display_name(visit.lang.tag()).to_owned(),
            path: init_path(sp.entity_id()),
        })
        .collect();
    applications.sort_by(|a, b| a.name.cmp(&b.name));
    applications
}
