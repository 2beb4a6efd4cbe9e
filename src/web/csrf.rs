//! Forms that only our own pages can send: a token bound to a pre-session cookie, and the `Origin` header.

use actix_web::http::header::{HeaderMap, HeaderValue, ORIGIN};

use crate::secret::constant_time_eq;
use crate::session::Seal;

use super::cookie::{Cookie, Jar};
use super::error::WebError;
use super::visit::Visit;

const PURPOSE: &str = "csrf";
/// 256 bits in URL-safe base64.
const ID_LENGTH: usize = 43;

/// A browser before anybody is signed in: a random id in a cookie.
#[derive(Debug)]
pub(crate) struct PreSession {
    id: String,
    fresh: bool,
}

impl PreSession {
    /// The browser's, or a new one. One that is there stays, so that the forms of other tabs stay good.
    pub(crate) fn of(visit: &Visit<'_>) -> Self {
        match Self::sent(visit.jar(), visit.req.headers()) {
            Some(id) => Self { id: id.to_owned(), fresh: false },
            None => Self { id: visit.app.ids.token(), fresh: true },
        }
    }

    fn sent(jar: Jar, headers: &HeaderMap) -> Option<&str> {
        let id = jar.read(headers, Cookie::Visit)?;
        let fits = id.len() == ID_LENGTH
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        fits.then_some(id)
    }

    /// The token for this browser's forms.
    pub(crate) fn token(&self, seal: &Seal) -> String {
        seal.mac(PURPOSE, self.id.as_bytes())
    }

    /// The line that stores a new pre-session.
    pub(crate) fn cookie(&self, jar: Jar) -> Option<HeaderValue> {
        if self.fresh { jar.store(Cookie::Visit, &self.id) } else { None }
    }
}

/// Whether a form with this token came from our own page.
pub(crate) fn check(visit: &Visit<'_>, token: Option<&str>) -> Result<(), WebError> {
    if !origin_fits(visit.req.headers(), &visit.app.site.origin) {
        return Err(WebError::ForeignOrigin);
    }
    let id = PreSession::sent(visit.jar(), visit.req.headers()).ok_or(WebError::CsrfToken)?;
    let expected = visit.app.seal.mac(PURPOSE, id.as_bytes());
    let fits = token.is_some_and(|token| constant_time_eq(token.as_bytes(), expected.as_bytes()));
    if fits { Ok(()) } else { Err(WebError::CsrfToken) }
}

/// No `Origin` is left to the token; `null`, another one, or two of them refuse.
fn origin_fits(headers: &HeaderMap, own: &str) -> bool {
    headers.get_all(ORIGIN).all(|origin| origin.as_bytes() == own.as_bytes())
        && headers.get_all(ORIGIN).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_origin_or_none_passes() {
        let own = "https://idp.example.jp";
        let with = |origins: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(ORIGIN, HeaderValue::from_static(origin));
            }
            origin_fits(&headers, own)
        };
        assert!(with(&[]) && with(&[own]));
        for foreign in
            ["null", "https://evil.example", "http://idp.example.jp", "https://idp.example.jp:8443", ""]
        {
            assert!(!with(&[foreign]), "{foreign}");
        }
        assert!(!with(&[own, own]) && !with(&[own, "https://evil.example"]));
    }
}
