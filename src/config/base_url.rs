//! `base_url`: the public address of the server, which is never taken from a request.

use std::fmt;

use super::fault::Complaint;

/// Scheme, host and port, without a slash at the end: `https://idp.example.co.jp`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address without a slash at the end, host in lower case, default port left out.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether browsers reach it over TLS, here or at a proxy in front.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        match authority.split_once(']') {
            Some((address, _)) => address.trim_start_matches('['),
            None => authority.split(':').next().unwrap_or_default(),
        }
    }

    /// The address of `path`, which starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    pub(super) fn parse(written: &str) -> Result<Self, Complaint> {
        let remedy = "write it as \"https://idp.example.co.jp\"";
        let wrong = |what: &str| Complaint::wrong(format!("\"{written}\" {what}"), remedy);
        let (scheme, rest) =
            written.split_once("://").ok_or_else(|| wrong("does not start with https://"))?;
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", ":443"),
            "http" => ("http", ":80"),
            _ => return Err(wrong("is neither https:// nor http://")),
        };
        if rest.contains(['?', '#']) {
            return Err(wrong("has a query or a fragment"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.trim_matches('/').is_empty() {
            return Err(wrong("has a path, and sekisho answers at the top of its host"));
        }
        if authority.contains('@') {
            return Err(wrong("holds a user name"));
        }
        let authority = authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
        if !is_host_and_port(authority) {
            return Err(wrong("has no valid host name (international names are written in their xn-- form)"));
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_host_and_port(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("ipv6", port),
        Some(_) => return false,
        None => match authority.find(':') {
            Some(at) => authority.split_at(at),
            None => (authority, ""),
        },
    };
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok_and(|port| port != 0) && !digits.starts_with('+'),
        None => port.is_empty(),
    };
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    port_fits && host.split('.').all(label_fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_browsers_would_show() {
        for (written, kept, host) in [
            ("https://IdP.Example.co.jp/", "https://idp.example.co.jp", "idp.example.co.jp"),
            ("https://idp.example.co.jp:443", "https://idp.example.co.jp", "idp.example.co.jp"),
            ("http://localhost:8080//", "http://localhost:8080", "localhost"),
            ("HTTP://[::1]:8080", "http://[::1]:8080", "::1"),
        ] {
            let parsed = BaseUrl::parse(written).unwrap();
            assert_eq!((parsed.as_str(), parsed.host()), (kept, host));
        }
        assert!(!BaseUrl::parse("http://localhost").unwrap().is_https());
        assert_eq!(BaseUrl::parse("https://a.jp/").unwrap().join("/login"), "https://a.jp/login");
    }

    #[test]
    fn refuses_what_would_surprise() {
        for (written, why) in [
            ("idp.example.co.jp", "does not start"),
            ("ftp://idp", "neither"),
            ("https://idp/?a=b", "query"),
            ("https://idp/#x", "fragment"),
            ("https://idp/sso", "path"),
            ("https://me@idp", "user name"),
            ("https://", "host"),
            ("https://関所.jp", "host"),
            ("https://idp:70000", "host"),
            ("https://idp..jp", "host"),
            ("https://[::1", "host"),
        ] {
            let complaint = BaseUrl::parse(written).unwrap_err();
            assert!(complaint.message.contains(why), "{written}: {}", complaint.message);
        }
    }
}
