//! `GET` and `POST /saml/sso` (and its aliases): AuthnRequests by the Redirect and the POST binding.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::sso::Incoming;

use super::error::WebError;
use super::integrated;
use super::outcome;
use super::visit::Visit;

/// saml-bindings 3.4
pub(crate) async fn redirect(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let answer = async {
        let incoming = Incoming::Redirect { raw_query: visit.raw_query()? };
        accept(&visit, incoming).await
    };
    answer.await.unwrap_or_else(|error| visit.error(&error))
}

/// saml-bindings 3.5
pub(crate) async fn post(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let answer = async {
        let body = visit.body(payload).await?;
        accept(&visit, Incoming::Post { body: &body }).await
    };
    answer.await.unwrap_or_else(|error| visit.error(&error))
}

async fn accept(visit: &Visit<'_>, incoming: Incoming<'_>) -> Result<HttpResponse, WebError> {
    let session = visit.session().await?;
    let context = integrated::context(visit, session.as_deref()).await?;
    let outcome = visit.app.sso.accept(incoming, session.as_ref(), &context).await;
    Ok(outcome::answer(visit, outcome))
}
