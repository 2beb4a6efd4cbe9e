//! `GET /test-sp` and `POST /test-sp/acs`: the built-in service provider, which shows what a sign-in releases.
//! Its entityID is the base URL + `/test-sp`; it is there only when `saml.test_sp` is on.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use crate::saml::authn_request::AuthnRequest;
use crate::saml::binding::post;
use crate::saml::received::Received;
use crate::saml::status::SUCCESS;

use super::error::WebError;
use super::outcome::init_path;
use super::views::{Arrived, TestSp};
use super::visit::Visit;

/// What an accepted Response says.
#[derive(Debug, Clone, Default)]
pub struct TestSpView {
    /// The Issuer of the Assertion.
    pub issuer: String,
    /// The value of the NameID and its format.
    pub name_id: Option<(String, String)>,
    /// Name and values, in order.
    pub attributes: Vec<(String, Vec<String>)>,
    /// AuthnContextClassRef.
    pub authn_context: String,
    /// AuthnInstant.
    pub authn_instant: String,
    /// SessionIndex.
    pub session_index: Option<String>,
    /// InResponseTo.
    pub in_response_to: Option<String>,
    /// NotBefore of the Conditions.
    pub not_before: String,
    /// NotOnOrAfter of the Conditions.
    pub not_on_or_after: String,
    /// What was signed and how, for people.
    pub signatures: String,
}

/// Verifies a Response that arrived at the ACS and reads it; the error is the reason for people.
pub fn read(app: &App, response: &[u8]) -> Result<TestSpView, String> {
    let own = app.own.load();
    let received = Received::read(response, std::slice::from_ref(&own.key)).map_err(|e| e.to_string())?;
    if received.status.first().map(String::as_str) != Some(SUCCESS) {
        let message = received.status_message.unwrap_or_default();
        return Err(format!("{} {message}", received.status.join(" / ")));
    }
    let signatures = match (received.response_signed, received.assertion_signed) {
        (true, true) => "Response, Assertion",
        (true, false) => "Response",
        (false, _) => "Assertion",
    };
    Ok(TestSpView {
        issuer: received.issuer.unwrap_or_default(),
        name_id: received.name_id.map(|name_id| (name_id.value, name_id.format)),
        attributes: received.attributes,
        authn_context: received.authn_context.unwrap_or_default(),
        authn_instant: received.authn_instant.unwrap_or_default(),
        session_index: received.session_index,
        in_response_to: received.in_response_to,
        not_before: received.not_before.unwrap_or_default(),
        not_on_or_after: received.not_on_or_after.unwrap_or_default(),
        signatures: signatures.to_owned(),
    })
}

/// `GET /test-sp`
pub(crate) async fn start(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    page(&visit, None)
}

/// `POST /test-sp/acs` (saml-bindings 3.5)
pub(crate) async fn acs(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    receive(&visit, payload).await.unwrap_or_else(|error| visit.error(&error))
}

async fn receive(visit: &Visit<'_>, payload: web::Payload) -> Result<HttpResponse, WebError> {
    let body = visit.body(payload).await?;
    let received = post::Received::response(&body).map_err(|_| WebError::BadForm)?;
    let view = read(visit.app, &received.xml);
    let raw = String::from_utf8_lossy(&received.xml).into_owned();
    let relay_state = received.relay_state.as_deref().unwrap_or("");
    Ok(page(visit, Some(Arrived { view, relay_state, raw })))
}

fn page(visit: &Visit<'_>, arrived: Option<Arrived<'_>>) -> HttpResponse {
    let app = visit.app;
    let switch = format!("/test-sp?lang={}", visit.lang.other().tag());
    let page = TestSp {
        f: visit.frame(Some(switch)),
        init: init_path(&app.site.test_sp_entity_id()),
        request: STANDARD.encode(authn_request(app)),
        relay_state: format!("{}/test-sp", app.site.base_url()),
        arrived,
    };
    visit.page(page.answer())
}

/// A plain AuthnRequest for the POST binding, which needs no compression (saml-core 3.4.1).
fn authn_request(app: &App) -> Vec<u8> {
    let base = app.site.base_url();
    let (destination, acs) = (format!("{base}/saml/sso"), format!("{base}/test-sp/acs"));
    let issuer = app.site.test_sp_entity_id();
    AuthnRequest::write(&app.ids.xml_id(), app.clock.now(), &destination, &issuer, &acs)
}
