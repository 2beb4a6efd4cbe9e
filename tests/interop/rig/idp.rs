//! Our metadata as admins hand it to service providers.

use regex::Regex;

use crate::cell::{LogOutBinding, SignOn};
use crate::support::app::TestServer;

/// What we publish.
#[derive(Debug, Clone)]
pub struct IdpMetadata {
    pub entity_id: String,
    published: String,
}

impl IdpMetadata {
    pub async fn of(server: &TestServer) -> Self {
        let published = super::http::text(&server.url("/saml/metadata")).await;
        Self { entity_id: server.folder.entity_id(), published }
    }

    /// The metadata for services of this kind. Some toolkits send by POST only to an IdP that offers nothing else, so
    /// these get a copy without the endpoints that are not wanted.
    pub fn for_services(&self, on: SignOn, logout: LogOutBinding) -> String {
        let mut metadata = self.published.clone();
        if on == SignOn::SignedPost {
            metadata = without(&metadata, "SingleSignOnService", "HTTP-Redirect");
        }
        if logout == LogOutBinding::Post {
            metadata = without(&metadata, "SingleLogoutService", "HTTP-Redirect");
        }
        metadata
    }
}

/// The metadata without the endpoints of one kind and binding.
pub fn without(metadata: &str, service: &str, binding: &str) -> String {
    let pattern = format!(
        r#"<(\w+:)?{service}\s[^>]*"urn:oasis:names:tc:SAML:2.0:bindings:{binding}"[^>]*(/>|>\s*</(\w+:)?{service}>)"#
    );
    Regex::new(&pattern).unwrap().replace_all(metadata, "").into_owned()
}
