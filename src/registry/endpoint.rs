//! Which URLs of metadata a browser or a back channel may be sent to.

use std::net::Ipv4Addr;

/// Why a URL is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EndpointFault {
    /// `javascript:`, `data:`, `ftp:` ...
    #[error("it is no https URL")]
    Scheme,
    /// `http:` to another machine.
    #[error("it is http, which anybody on the way can read and change")]
    Clear,
    /// No host, a user name in it, or characters that no URL has.
    #[error("it is no well-formed URL")]
    Malformed,
}

impl EndpointFault {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Scheme | Self::Malformed => "ask the service provider for valid metadata",
            Self::Clear => "use https; in a closed network saml.allow_http_endpoints = true permits http",
        }
    }
}

/// Judges the Location of an endpoint: https, or http to this machine, or http where a switch permits it.
pub(super) fn check(url: &str, allow_http: bool) -> Result<(), EndpointFault> {
    let (scheme, rest) = url.split_once(':').ok_or(EndpointFault::Malformed)?;
    let clear = scheme.eq_ignore_ascii_case("http");
    if !clear && !scheme.eq_ignore_ascii_case("https") {
        return Err(EndpointFault::Scheme);
    }
    // Browsers drop tabs and line ends and take a backslash for a slash: what we judge must be what they see.
    if url.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '"' | '<' | '>')) {
        return Err(EndpointFault::Malformed);
    }
    let rest = rest.strip_prefix("//").ok_or(EndpointFault::Malformed)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host(authority).ok_or(EndpointFault::Malformed)?;
    if clear && !allow_http && !is_loopback(host) {
        return Err(EndpointFault::Clear);
    }
    Ok(())
}

/// Whether the URL is one of http.
pub(super) fn is_clear(url: &str) -> bool {
    url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
}

fn host(authority: &str) -> Option<&str> {
    let (host, port) = if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let numeric = port.is_none_or(|port| port.is_empty() || port.parse::<u16>().is_ok());
    (!host.is_empty() && !authority.contains('@') && numeric).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host == "::1"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_taken() {
        for url in [
            "https://sp.example.org/acs",
            "HTTPS://sp.example.org:8443/acs?x=1",
            "http://127.0.0.1:8080/acs",
            "http://localhost/acs",
            "http://[::1]:80/acs",
            "https://[2001:db8::1]/acs",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        assert_eq!(check("http://sp.intra/acs", true), Ok(()));
    }

    #[test]
    fn everything_else_is_refused_for_its_reason() {
        use EndpointFault::{Clear, Malformed, Scheme};
        for (url, fault) in [
            ("javascript:alert(1)", Scheme),
            ("JavaScript://sp.example.org/%0aalert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("java\tscript:alert(1)", Scheme),
            ("/acs", Malformed),
            ("https:/acs", Malformed),
            ("https://", Malformed),
            ("https:///acs", Malformed),
            ("https://user@sp.example.org/acs", Malformed),
            ("https://sp.example.org\\@evil.example/acs", Malformed),
            ("https://sp.example.org/a\u{0}b", Malformed),
            ("https://sp.example.org:99999/", Malformed),
            ("http://sp.example.org/acs", Clear),
            ("http://127.0.0.1.evil.example/acs", Clear),
            ("http://localhost.evil.example/acs", Clear),
        ] {
            assert_eq!(check(url, false), Err(fault), "{url}");
        }
        assert_eq!(check("javascript:alert(1)", true), Err(Scheme));
    }
}
