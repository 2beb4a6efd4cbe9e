//! python3-saml (OneLogin's toolkit) from PyPI behind a small web server: `python3_saml.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::idp::IdpMetadata;
use super::{Rig, Seen, http};
use crate::cell::{LogOutBinding, Service, SignOn};
use crate::support::html::Page;
use crate::support::pki::Pair;
use crate::support::process::{Process, free_port};

/// The toolkit with settings for each service.
#[derive(Debug)]
pub struct Python3Saml {
    _place: TempDir,
    port: u16,
    process: Process,
}

impl Rig for Python3Saml {
    const NAME: &'static str = "python3-saml";
    const LACKS: &'static [(SignOn, &'static str)] = &[
        (SignOn::SignedPost, "login() sends by HTTP-Redirect and by nothing else"),
        (SignOn::Artifact, "process_response() takes SAMLResponse by HTTP-POST and by nothing else"),
        (SignOn::Ecp, "it has no PAOS"),
    ];
    const LACKS_LOGOUT: &'static [(LogOutBinding, &'static str)] = &[
        (LogOutBinding::Post, "process_slo() takes messages by HTTP-Redirect and by nothing else"),
        (LogOutBinding::Soap, "process_slo() takes messages by HTTP-Redirect and by nothing else"),
    ];

    async fn start(services: &[Service], idp: &IdpMetadata) -> Self {
        let (place, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings: BTreeMap<String, serde_json::Value> =
            services.iter().map(|service| (service.name(), settings(*service, port))).collect();
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
        write("settings.json", &serde_json::to_string_pretty(&settings).unwrap());
        write("idp.xml", &idp.for_services(SignOn::Redirect, LogOutBinding::Redirect));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/python/bin/python");
        assert!(python.exists(), "{} is missing: `sh tests/setup.sh test` makes it", python.display());
        let mut command = Command::new(python);
        command.arg(root.join("tests/interop/rig/python3_saml.py")).arg(port.to_string()).arg(place.path());
        let mut process = Process::start(&mut command, &place.path().join("python.log"));
        http::wait_for(&mut process, &format!("http://localhost:{port}/")).await;
        Self { _place: place, port, process }
    }

    async fn metadata(&self, service: Service) -> String {
        http::text(&self.url(service, "metadata")).await
    }

    fn page(&self, service: Service) -> String {
        self.url(service, "secret")
    }

    fn log_out(&self, service: Service) -> String {
        self.url(service, "logout")
    }

    fn seen(&self, _: Service, page: &Page) -> Option<Seen> {
        #[derive(Deserialize)]
        struct Shown {
            attributes: BTreeMap<String, Vec<String>>,
            name_id: String,
            format: String,
            session_index: String,
            query: String,
        }
        let shown: Shown = serde_json::from_str(&page.body).ok()?;
        assert!(!shown.session_index.is_empty(), "logout needs a SessionIndex");
        let Shown { attributes, name_id, format, query, .. } = shown;
        Some(Seen { attributes, name_id, format, query })
    }

    fn log(&self) -> String {
        self.process.log()
    }
}

impl Python3Saml {
    fn url(&self, service: Service, path: &str) -> String {
        format!("http://localhost:{}/{}/{path}", self.port, service.name())
    }
}

/// What an application hands to the toolkit; `idp` is added from our metadata.
fn settings(service: Service, port: u16) -> serde_json::Value {
    let base = format!("http://localhost:{port}/{}", service.name());
    json!({
        "strict": true,
        "sp": {
            "entityId": format!("{base}/metadata"),
            "assertionConsumerService": {
                "url": format!("{base}/acs"),
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
            },
            "singleLogoutService": {
                "url": format!("{base}/sls"),
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            },
            "NameIDFormat": service.format.uri(),
            "x509cert": Pair::of_sp().certificate_pem(),
            "privateKey": Pair::of_sp().key_pem(),
        },
        "security": {
            "authnRequestsSigned": service.on.is_signed(),
            "logoutRequestSigned": true,
            "logoutResponseSigned": true,
            "wantMessagesSigned": true,
            "wantAssertionsSigned": true,
            // Its default is PasswordProtectedTransport, which is not so over http.
            "requestedAuthnContext": ["urn:oasis:names:tc:SAML:2.0:ac:classes:Password"],
            "wantAssertionsEncrypted": service.on == SignOn::Encrypted,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            "rejectDeprecatedAlgorithm": true,
        },
    })
}
