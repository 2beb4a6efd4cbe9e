//! `GET /test-sp` and `POST /test-sp/acs`: the built-in service provider, which shows what a sign-in releases.
//! Its entityID is the base URL + `/test-sp`; it is there only when `saml.test_sp` is on.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;

use super::error::WebError;
use super::form::Form;
use super::outcome::init_path;
use super::views::{Arrived, Exact, TestSp};
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
pub fn read(_app: &App, _response: &[u8]) -> Result<TestSpView, String> {
    Err("the built-in service provider cannot verify a Response yet".to_owned())
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
    let form = Form::parse(&body).ok_or(WebError::BadForm)?;
    let encoded = form.value("SAMLResponse").ok_or(WebError::BadForm)?;
    let response = STANDARD.decode(encoded).map_err(|_| WebError::BadForm)?;
    let view = read(visit.app, &response);
    let raw = String::from_utf8_lossy(&response).into_owned();
    let relay_state = form.value("RelayState").unwrap_or("");
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

/// A plain AuthnRequest by the POST binding, which needs no compression (saml-core 3.4.1).
fn authn_request(app: &App) -> String {
    let base = app.site.base_url();
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{now:.0}\" Destination=\"{base}/saml/sso\" \
         AssertionConsumerServiceURL=\"{base}/test-sp/acs\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\">\
         <saml:Issuer>{base}/test-sp</saml:Issuer></samlp:AuthnRequest>",
        id = app.ids.xml_id(),
        now = app.clock.now(),
        base = Exact(&base),
    )
}
