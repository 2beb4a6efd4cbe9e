//! `POST /api/password`: programs of the company set passwords. JSON in, JSON out.
//!
//! Looked at before the body is read: the network that it comes from, and whether nobody could listen on the way.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::authn::AuthnError;
use crate::password::{ApiAnswer, Call, PasswordApi};
use crate::secret::Secret;

use super::client_address::is_trusted;
use super::error::{Failure, WebError};
use super::tls::Certified;
use super::visit::Visit;

const MEDIA_TYPE: &str = "application/json";
/// No call has a tenth of this.
const BODY_LIMIT: usize = 16 * 1024;
/// The longest name, and the longest password, in octets.
const FIELD_LIMIT: usize = 1024;

const PARAMETER: &str = "Parameter error";
const NOT_AUTHENTICATED: &str = "Not authenticated";
const CALLER: &str = "Bind DN or password is incorrect";
const SUCCEEDED: &str = "Changing password succeeded";
const FAILED: &str = "Changing password failed";

/// What a program sends; every field is text and must be there, and no other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    bind_dn: String,
    bind_password: String,
    login: String,
    password: String,
}

/// What it gets.
#[derive(Serialize)]
struct Said<'a> {
    success: bool,
    code: &'a str,
    message: &'a str,
    request_id: &'a str,
}

/// The endpoint.
pub(crate) async fn set(req: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let Some(api) = &app.password_api else { return visit.error(&WebError::NotFound) };
    if let Some(reason) = why_not(&visit) {
        return match api.refuse("", reason, (visit.id(), visit.address())) {
            Ok(()) => say(&visit, StatusCode::FORBIDDEN, "SK-API-REFUSED", NOT_AUTHENTICATED),
            Err(error) => fault(&visit, &error.into()),
        };
    }
    match read(&visit, payload).await {
        Ok(call) => answer(&visit, api, call).await,
        Err(refused) => refused,
    }
}

/// Any other method.
pub(crate) async fn wrong_method(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    log_parameter(&visit, "SK-METHOD");
    let mut answer = say(&visit, StatusCode::METHOD_NOT_ALLOWED, "SK-METHOD", PARAMETER);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    answer
}

/// Why a call is not even read.
fn why_not(visit: &Visit<'_>) -> Option<&'static str> {
    let site = &visit.app.site;
    let door = site.password_api.as_ref()?;
    if !door.networks.iter().any(|network| network.contains(&visit.address())) {
        return Some("network");
    }
    if door.client_certificate && visit.req.conn_data::<Certified>().is_none() {
        return Some("no_certificate");
    }
    let peer = visit.req.peer_addr().map(|peer| peer.ip().to_canonical());
    let by_proxy = peer.is_some_and(|peer| is_trusted(peer, &site.trusted_proxies));
    let came = Came { tls: visit.req.app_config().secure(), peer, by_proxy };
    (!came.is_protected(visit.req.headers())).then_some("no_tls")
}

/// How a call came to our socket.
struct Came {
    tls: bool,
    peer: Option<IpAddr>,
    by_proxy: bool,
}

impl Came {
    /// Whether nobody could listen: TLS up to us, or up to a proxy that we trust and that says so, or from this machine.
    fn is_protected(&self, headers: &HeaderMap) -> bool {
        let mut said = headers.get_all("x-forwarded-proto").peekable();
        if self.by_proxy && said.peek().is_some() {
            return said.all(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        }
        if self.by_proxy && headers.contains_key("x-forwarded-for") {
            // A proxy that does not say how it was reached.
            return false;
        }
        self.tls || self.peer.is_some_and(|peer| peer.is_loopback())
    }
}

async fn read(visit: &Visit<'_>, payload: web::Payload) -> Result<Call, HttpResponse> {
    let body = match visit.body_of(MEDIA_TYPE, BODY_LIMIT, payload).await {
        Ok(body) => body,
        Err(error) => {
            log_parameter(visit, error.code());
            return Err(say(visit, error.status(), error.code(), PARAMETER));
        }
    };
    let parameter = || {
        log_parameter(visit, "SK-API-PARAMETER");
        say(visit, StatusCode::BAD_REQUEST, "SK-API-PARAMETER", PARAMETER)
    };
    // What serde says of a fault may hold the value, which may be a password.
    let Body { bind_dn, bind_password, login, password } =
        serde_json::from_slice(&body).map_err(|_| parameter())?;
    let (bind_password, password) = (Secret::new(bind_password), Secret::new(password));
    let texts = [&bind_dn, bind_password.expose(), &login, password.expose()];
    if texts.iter().any(|text| text.is_empty() || text.len() > FIELD_LIMIT) {
        return Err(parameter());
    }
    let (address, request_id) = (visit.address(), visit.id().to_owned());
    Ok(Call { bind_dn, bind_password, login, password, address, request_id })
}

async fn answer(visit: &Visit<'_>, api: &PasswordApi, call: Call) -> HttpResponse {
    match api.set(call).await {
        Ok(ApiAnswer::Changed) => say(visit, StatusCode::OK, "SK-OK", SUCCEEDED),
        Ok(ApiAnswer::CallerDenied) => say(visit, StatusCode::UNAUTHORIZED, "SK-API-CALLER", CALLER),
        Ok(ApiAnswer::TooMany) => {
            let mut answer = say(visit, StatusCode::TOO_MANY_REQUESTS, "SK-THROTTLED", NOT_AUTHENTICATED);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
            answer
        }
        Ok(ApiAnswer::Parameter) => {
            log_parameter(visit, "SK-API-PARAMETER");
            say(visit, StatusCode::BAD_REQUEST, "SK-API-PARAMETER", PARAMETER)
        }
        Ok(ApiAnswer::Failed(detail)) => {
            let message = format!("{FAILED}: {}", detail.told());
            say(visit, StatusCode::UNPROCESSABLE_ENTITY, "SK-API-FAILED", &message)
        }
        Err(error) => fault(visit, &error.into()),
    }
}

fn log_parameter(visit: &Visit<'_>, code: &str) {
    tracing::warn!(request.id = %visit.id(), client.address = %visit.address(), code, "{PARAMETER}");
}

/// It could not be found out, or done.
fn fault(visit: &Visit<'_>, error: &WebError) -> HttpResponse {
    let detail = match error {
        WebError::Authn(AuthnError::Directory(_)) => "the directory did not answer",
        _ => "the server has a fault",
    };
    let mut answer = say(visit, error.status(), error.code(), &format!("{FAILED}: {detail}"));
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
    answer.extensions_mut().insert(error.failure());
    answer
}

fn say(visit: &Visit<'_>, status: StatusCode, code: &'static str, message: &str) -> HttpResponse {
    let said = Said { success: status.is_success(), code, message, request_id: visit.id() };
    let mut answer = HttpResponseBuilder::new(status).json(said);
    if !status.is_success() {
        answer.extensions_mut().insert(Failure { code, cause: String::new() });
    }
    answer
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    fn is_protected(tls: bool, peer: &str, by_proxy: bool, headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Came { tls, peer: peer.parse().ok(), by_proxy }.is_protected(&map)
    }

    #[test]
    fn a_call_comes_by_tls_or_from_this_machine() {
        assert!(is_protected(true, "192.0.2.1", false, &[]));
        assert!(is_protected(false, "127.0.0.1", false, &[]) && is_protected(false, "::1", false, &[]));
        assert!(!is_protected(false, "192.0.2.1", false, &[]));
        assert!(
            !is_protected(false, "192.0.2.1", false, &[("x-forwarded-proto", "https")]),
            "no proxy of ours"
        );
    }

    #[test]
    fn a_proxy_must_say_that_it_was_reached_by_tls() {
        let from = |headers| is_protected(false, "127.0.0.1", true, headers);
        assert!(from(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")]));
        assert!(!from(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "http")]));
        assert!(!from(&[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")]));
        assert!(!from(&[("x-forwarded-proto", "https, http")]));
        assert!(!from(&[("x-forwarded-for", "192.0.2.1")]));
        assert!(from(&[]), "the proxy's machine itself");
        assert!(!is_protected(true, "10.0.0.1", true, &[("x-forwarded-proto", "http")]));
    }
}
