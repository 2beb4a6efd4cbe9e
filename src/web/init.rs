//! `GET /saml/sso/init?sp=ENTITYID[&RelayState=]`: IdP-initiated sign-on (saml-profiles 4.1.5). SimpleSAMLphp's name of
//! the parameter, `spentityid`, is taken too.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;

use super::error::WebError;
use super::integrated;
use super::outcome;
use super::visit::Visit;

/// The endpoint.
pub(crate) async fn start(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    initiate(&visit).await.unwrap_or_else(|error| visit.error(&error))
}

async fn initiate(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let query = visit.query()?;
    let sp = query.filled("sp").or_else(|| query.filled("spentityid")).ok_or(WebError::BadForm)?;
    let session = visit.session().await?;
    let context = integrated::context(visit, session.as_deref()).await?;
    let relay_state = query.value("RelayState");
    let outcome = visit.app.sso.initiate(sp, relay_state, session.as_ref(), &context).await;
    Ok(outcome::answer(visit, outcome))
}
