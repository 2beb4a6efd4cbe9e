//! `GET` and `POST /saml/slo` (and its aliases): logout messages by the Redirect and the POST binding.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::sso::Incoming;
use crate::sso::logout::Held;

use super::error::WebError;
use super::logout;
use super::visit::Visit;

/// saml-bindings 3.4
pub(crate) async fn redirect(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let answer = async {
        let incoming = Incoming::Redirect { raw_query: visit.raw_query()? };
        Ok::<_, WebError>(receive(&visit, incoming).await)
    };
    answer.await.unwrap_or_else(|error| visit.error(&error))
}

/// saml-bindings 3.5
pub(crate) async fn post(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let answer = async {
        let body = visit.body(payload).await?;
        Ok::<_, WebError>(receive(&visit, Incoming::Post { body: &body }).await)
    };
    answer.await.unwrap_or_else(|error| visit.error(&error))
}

async fn receive(visit: &Visit<'_>, incoming: Incoming<'_>) -> HttpResponse {
    let held = visit.held();
    // What the person does not see takes no step of their logout.
    let chain = held.chain.filter(|_| logout::is_shown(visit));
    let step = visit.app.logout.receive(incoming, Held { chain, ..held }, &visit.context()).await;
    logout::answer(visit, step)
}
