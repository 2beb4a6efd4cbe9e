//! The cookies: their names, how they are read, and the `Set-Cookie` lines. See [`Jar`].
//!
//! With an https base URL every name has the prefix `__Host-` (RFC 6265bis 4.1.3.2) and SameSite=None, because a
//! request by the POST binding comes cross-site; with http browsers take neither, so the names are plain and Lax.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};

/// What is kept in the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The token of the SSO session.
    Session,
    /// The pre-session that CSRF tokens are bound to.
    Visit,
    /// The logout that the browser is in.
    Logout,
    /// The language that was chosen.
    Language,
    /// Whether a Kerberos ticket is asked for only on a click.
    Ticket,
}

impl Cookie {
    fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-sekisho",
            (Self::Session, false) => "sekisho",
            (Self::Visit, true) => "__Host-sekisho-visit",
            (Self::Visit, false) => "sekisho-visit",
            (Self::Logout, true) => "__Host-sekisho-logout",
            (Self::Logout, false) => "sekisho-logout",
            (Self::Language, true) => "__Host-sekisho-lang",
            (Self::Language, false) => "sekisho-lang",
            (Self::Ticket, true) => "__Host-sekisho-ticket",
            (Self::Ticket, false) => "sekisho-ticket",
        }
    }
}

/// Reads and writes cookies the way the base URL asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jar {
    secure: bool,
}

impl Jar {
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The value that the browser sent; the first of several of one name.
    pub(crate) fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
        let name = cookie.name(self.secure);
        headers
            .get_all(COOKIE)
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .find_map(|pair| pair.trim_start().strip_prefix(name)?.strip_prefix('='))
            .map(str::trim_end)
    }

    /// The `Set-Cookie` line that stores `value` until the browser closes, the language for a year.
    /// `None` when the value holds what a cookie cannot (RFC 6265 4.1.1).
    pub(crate) fn store(self, cookie: Cookie, value: &str) -> Option<HeaderValue> {
        let fits = value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\'));
        let age = if cookie == Cookie::Language { "; Max-Age=31536000" } else { "" };
        if fits { self.line(cookie, value, age) } else { None }
    }

    /// The `Set-Cookie` line that takes the cookie away.
    pub(crate) fn discard(self, cookie: Cookie) -> Option<HeaderValue> {
        self.line(cookie, "", "; Max-Age=0")
    }

    fn line(self, cookie: Cookie, value: &str, age: &str) -> Option<HeaderValue> {
        let guard = if self.secure { "; Secure; SameSite=None" } else { "; SameSite=Lax" };
        let name = cookie.name(self.secure);
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly{guard}{age}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn https_cookies_are_host_bound_and_cross_site() {
        let line = Jar::new(true).store(Cookie::Session, "abc").unwrap();
        assert_eq!(line, "__Host-sekisho=abc; Path=/; HttpOnly; Secure; SameSite=None");
        let gone = Jar::new(true).discard(Cookie::Session).unwrap();
        assert_eq!(gone, "__Host-sekisho=; Path=/; HttpOnly; Secure; SameSite=None; Max-Age=0");
    }

    #[test]
    fn http_cookies_are_plain_and_lax() {
        let line = Jar::new(false).store(Cookie::Session, "abc").unwrap();
        assert_eq!(line, "sekisho=abc; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_only() {
        let sent =
            headers(&["sekisho-visit=v; x__Host-sekisho=no;__Host-sekisho=a=b ", "__Host-sekisho=late"]);
        assert_eq!(Jar::new(true).read(&sent, Cookie::Session), Some("a=b"));
        assert_eq!(Jar::new(true).read(&sent, Cookie::Visit), None);
        assert_eq!(Jar::new(false).read(&sent, Cookie::Session), None);
        assert_eq!(Jar::new(false).read(&sent, Cookie::Visit), Some("v"));
    }

    #[test]
    fn a_value_cannot_break_out_of_its_cookie() {
        for value in ["a; Domain=x", "a\r\nX: y", "a b", "\u{e9}"] {
            assert_eq!(Jar::new(true).store(Cookie::Session, value), None, "{value:?}");
        }
    }
}
