//! Security headers: [`baseline`] on every answer, [`PageKind`] for what differs between pages (security of pages:
//! Content-Security-Policy, Referrer-Policy, caching).

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

/// What a page does with its forms.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PageKind<'a> {
    /// Its forms and links stay here.
    Local,
    /// Submitting it can lead on to an SP. No `form-action`: browsers apply it to the redirects that follow.
    LeadsToSp,
    /// Leads to an SP, and asks at one origin first whether anybody is there, with the one script that has this nonce.
    LooksFor {
        /// Random, for this answer only.
        nonce: &'a str,
        /// Scheme, host and port of a registered endpoint.
        origin: &'a str,
    },
    /// It posts to an SP by itself, with the one script that has this nonce.
    PostsToSp {
        /// Random, for this answer only.
        nonce: &'a str,
    },
}

const LOCAL: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                     base-uri 'none'; frame-ancestors 'none'";
const LEADS_TO_SP: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

impl PageKind<'_> {
    /// Sets what this kind of page needs.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        let (policy, referrer) = match self {
            Self::Local => (HeaderValue::from_static(LOCAL), "same-origin"),
            Self::LeadsToSp => (HeaderValue::from_static(LEADS_TO_SP), "same-origin"),
            Self::LooksFor { nonce, origin } => {
                let policy =
                    format!("{LEADS_TO_SP}; script-src 'nonce-{nonce}'; connect-src https: {origin}");
                let policy = HeaderValue::try_from(policy);
                (policy.unwrap_or(HeaderValue::from_static(LEADS_TO_SP)), "same-origin")
            }
            Self::PostsToSp { nonce } => {
                let policy = HeaderValue::try_from(format!("{LEADS_TO_SP}; script-src 'nonce-{nonce}'"));
                // `no-referrer` would make browsers send `Origin: null`, which trips service providers.
                (policy.unwrap_or(HeaderValue::from_static(LEADS_TO_SP)), "strict-origin")
            }
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static(referrer));
    }
}

/// What every answer carries; keeps what the endpoint chose itself.
pub(crate) fn baseline(headers: &mut HeaderMap, secure: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(kind: PageKind<'_>) -> (String, String) {
        let mut headers = HeaderMap::new();
        kind.apply(&mut headers);
        let text = |name| headers.get(name).unwrap().to_str().unwrap().to_owned();
        (text(CONTENT_SECURITY_POLICY), text(REFERRER_POLICY))
    }

    #[test]
    fn every_kind_denies_by_default_and_cannot_be_framed() {
        let looks = PageKind::LooksFor { nonce: "n", origin: "https://sp.example" };
        for kind in [PageKind::Local, PageKind::LeadsToSp, looks, PageKind::PostsToSp { nonce: "n" }] {
            let (policy, _) = applied(kind);
            assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe"));
        }
    }

    #[test]
    fn form_action_only_where_nothing_leads_to_an_sp() {
        assert!(applied(PageKind::Local).0.contains("form-action 'self'"));
        assert!(!applied(PageKind::LeadsToSp).0.contains("form-action"));
        let (policy, referrer) = applied(PageKind::PostsToSp { nonce: "abc" });
        assert!(!policy.contains("form-action") && policy.ends_with("script-src 'nonce-abc'"));
        assert_eq!(referrer, "strict-origin");
        assert_eq!(applied(PageKind::LeadsToSp).1, "same-origin");
    }

    #[test]
    fn hsts_only_over_https_and_caching_is_off_unless_chosen() {
        let mut headers = HeaderMap::new();
        baseline(&mut headers, false);
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(headers.get(CACHE_CONTROL).unwrap(), "no-store");
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
        baseline(&mut headers, true);
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(headers.get(CACHE_CONTROL).unwrap(), "public");
    }
}
