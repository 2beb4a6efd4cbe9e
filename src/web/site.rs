//! [`Site`]: what the server knows of its own place on the network. Own URLs come from here and never from a request.

use actix_web::http::Uri;
use ipnet::IpNet;
use jiff::tz::TimeZone;

/// The public address of this identity provider and what depends on it.
#[derive(Debug, Clone)]
pub struct Site {
    /// `https` or `http`.
    pub scheme: String,
    /// Host name in lower case, without port.
    pub host: String,
    /// The port, unless it is the scheme's own.
    pub port: Option<u16>,
    /// Path before every route, without a slash at its end; usually empty.
    pub prefix: String,
    /// Scheme, host and port as browsers write them into `Origin`.
    pub origin: String,
    /// Whether browsers come by https: decides on cookie names, `Secure` and HSTS.
    pub secure: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Old paths, and the endpoint that each of them means.
    pub aliases: Vec<(String, Endpoint)>,
    /// Whether the built-in service provider is offered.
    pub test_sp: bool,
    /// Of the times that pages show.
    pub timezone: TimeZone,
    /// Who is let in to the password API; none: there is no such API.
    pub password_api: Option<ApiDoor>,
    /// Whether a link to `/logout` signs out without a question.
    pub logout_without_question: bool,
}

/// What a call of the password API must have before it is read.
#[derive(Debug, Clone)]
pub struct ApiDoor {
    /// Where it may come from.
    pub networks: Vec<IpNet>,
    /// Whether it must bring a certificate.
    pub client_certificate: bool,
}

/// An endpoint that old paths can be mapped onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/saml/sso`
    Sso,
    /// `/saml/sso/init`
    SsoInit,
    /// `/saml/slo`
    Slo,
    /// `/logout`
    Logout,
    /// `/saml/metadata`
    Metadata,
    /// `/saml/certificate.pem`
    Certificate,
}

/// Why a `base_url` cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SiteError {
    /// No URL with a host.
    #[error("base_url \"{0}\" is no absolute URL; write it like https://idp.example.co.jp")]
    NotAbsolute(String),
    /// Another scheme.
    #[error("base_url \"{0}\" must begin with https:// (or http:// where there is no TLS)")]
    Scheme(String),
    /// Something that a base URL cannot have.
    #[error(
        "base_url \"{0}\" must not contain a user, a query or braces; write only scheme, host, port and path"
    )]
    Extra(String),
}

impl Site {
    /// Reads a `base_url`; everything else is left at its default (no proxies, no aliases, no test SP).
    pub fn parse(base_url: &str) -> Result<Self, SiteError> {
        let wrong = || SiteError::NotAbsolute(base_url.to_owned());
        let uri: Uri = base_url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(SiteError::Scheme(base_url.to_owned())),
        };
        if authority.as_str().contains('@') || base_url.contains(['?', '#', '{', '}']) {
            return Err(SiteError::Extra(base_url.to_owned()));
        }
        let scheme = if secure { "https" } else { "http" };
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong());
        }
        let port = authority.port_u16().filter(|port| *port != if secure { 443 } else { 80 });
        let origin = match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            host,
            port,
            prefix: uri.path().trim_end_matches('/').to_owned(),
            origin,
            secure,
            trusted_proxies: Vec::new(),
            aliases: Vec::new(),
            test_sp: false,
            timezone: TimeZone::UTC,
            password_api: None,
            logout_without_question: false,
        })
    }

    /// The base URL without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.origin, self.prefix)
    }

    /// The entityID of the built-in service provider.
    pub fn test_sp_entity_id(&self) -> String {
        format!("{}{}/test-sp", self.origin, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_what_a_browser_sends() {
        for (base, origin, prefix) in [
            ("https://IdP.example.jp", "https://idp.example.jp", ""),
            ("https://idp.example.jp:443/", "https://idp.example.jp", ""),
            ("https://idp.example.jp:8443/sso/", "https://idp.example.jp:8443", "/sso"),
            ("http://127.0.0.1:80", "http://127.0.0.1", ""),
            ("http://[::1]:8080", "http://[::1]:8080", ""),
        ] {
            let site = Site::parse(base).unwrap();
            assert_eq!((site.origin.as_str(), site.prefix.as_str()), (origin, prefix), "{base}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for base in ["", "idp.example.jp", "/saml", "ftp://h", "https://u@h", "https://h/?a", "https://h/{x}"]
        {
            assert!(Site::parse(base).is_err(), "{base}");
        }
    }
}
