//! `GET /saml/sso/continue?pending=`: goes on with the sealed request after the sign-in.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;

use super::error::WebError;
use super::integrated;
use super::outcome;
use super::visit::Visit;

/// The endpoint.
pub(crate) async fn resume(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    go_on(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

async fn go_on(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let query = visit.query()?;
    let pending = query.filled("pending").ok_or(WebError::BadForm)?;
    let session = visit.session().await?;
    let context = integrated::context(visit, session.as_deref()).await?;
    let outcome = visit.app.sso.resume(pending, session.as_ref(), &context).await;
    Ok(outcome::answer(visit, outcome))
}
