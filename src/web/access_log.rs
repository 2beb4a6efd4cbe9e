//! Runs around every request: gives it its id and client address, sets the baseline headers, and writes its one log
//! line. The line never holds a query, a form or a cookie; a failure's cause is on the same line.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};

use crate::app::App;

use super::client_address::client_address;
use super::error::Failure;
use super::headers;
use super::request_id::RequestInfo;

/// How much of a path is logged.
const PATH_LIMIT: usize = 200;

/// The middleware.
pub(crate) async fn around<B: MessageBody>(
    app: web::Data<App>,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    // Only a Unix socket has no peer address.
    let peer = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let address = client_address(peer, req.headers(), &app.site.trusted_proxies);
    let info = RequestInfo { id: Arc::from(app.ids.request_id()), address };
    req.extensions_mut().insert(info.clone());

    let mut answer = next.call(req).await?;
    headers::baseline(answer.headers_mut(), app.site.secure);
    write_line(&answer, &info, began);
    Ok(answer)
}

fn write_line<B>(answer: &ServiceResponse<B>, info: &RequestInfo, began: Instant) {
    let method = answer.request().method();
    let path = printable(answer.request().uri().path());
    let status = answer.status().as_u16();
    let duration_ms = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    let extensions = answer.response().extensions();
    let failure = extensions.get::<Failure>();
    let code = failure.map(|failure| failure.code);
    let cause = failure.map(|failure| printable(&failure.cause)).filter(|cause| !cause.is_empty());
    let cause = cause.as_deref();
    // The level is part of a static call site, hence the two calls.
    if status >= 500 {
        tracing::error!(
            %method, %path, status, duration_ms, error.code = code, error.cause = cause,
            request.id = %info.id, client.address = %info.address, "request"
        );
    } else {
        tracing::info!(
            %method, %path, status, duration_ms, error.code = code, error.cause = cause,
            request.id = %info.id, client.address = %info.address, "request"
        );
    }
}

/// One line, of bounded length: control characters are escaped, also those that turn the direction of text.
fn printable(text: &str) -> Cow<'_, str> {
    if text.len() <= PATH_LIMIT && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let cut = text.chars().count() > 5 * PATH_LIMIT;
    let mut line: String = text.chars().take(5 * PATH_LIMIT).flat_map(escape).collect();
    if cut {
        line.push('…');
    }
    Cow::Owned(line)
}

fn escape(character: char) -> impl Iterator<Item = char> {
    let hidden = character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let shown = (!hidden).then_some(character);
    let escaped = hidden.then(|| character.escape_default());
    shown.into_iter().chain(escaped.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_value_is_one_line_of_bounded_length() {
        assert_eq!(printable("/saml/sso"), "/saml/sso");
        assert_eq!(printable("a\r\nb\u{1b}[31m\u{202e}田"), "a\\r\\nb\\u{1b}[31m\\u{202e}田");
        assert!(printable(&"x".repeat(9000)).chars().count() < 1100);
    }
}
