//! `profile = "saml2int"`: what it changes, and what `check` says where something is in its way.

use serde_json::Value;

use super::{Case, PERSISTENT, TRANSIENT};
use crate::support::app::sekisho;
use crate::support::decryption::opened;
use crate::support::folder::Folder;
use crate::support::pki::Pair;
use crate::support::request::AuthnRequest;
use crate::support::sp::Sp;

const PROFILE: &str = "profile = \"saml2int\"\nattributes = [\"mail\"]\n";
const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";

#[tokio::test]
async fn the_profile_sets_defaults_that_other_keys_override() {
    for (global, policy, name_id, name_format) in [
        (false, "attributes = [\"mail\"]", PERSISTENT, BASIC),
        (false, PROFILE, TRANSIENT, URI),
        (true, "attributes = [\"mail\"]", TRANSIENT, URI),
        (false, &format!("{PROFILE}attribute_name_format = \"basic\"\n"), TRANSIENT, BASIC),
        (false, &format!("{PROFILE}name_id_format = \"persistent\"\n"), PERSISTENT, URI),
    ] {
        let mut folder = Folder::new();
        if global {
            folder.set("saml.profile", "saml2int");
        }
        let mut case = Case::of(folder, Sp::new("app"), policy);
        case.sign_in_first().await;
        let request = AuthnRequest { name_id_format: Some(PERSISTENT.to_owned()), ..case.ask() };
        let page = case.send(&request).await;
        let received = case.received(&page);
        let sealed = received.response.child("EncryptedAssertion").is_some();
        assert_eq!(sealed, name_format == URI || policy.contains("saml2int"), "{policy}");
        let received = if sealed { opened(&received, Pair::of_sp()) } else { received };
        assert_eq!(received.name_id().0, name_id, "{policy}");
        let attribute = received.assertion("AttributeStatement/Attribute");
        assert_eq!(attribute.attribute("NameFormat"), Some(name_format), "{policy}");
        let snapshot = case.app().registry.snapshot();
        let deviates =
            snapshot.findings().iter().any(|finding| finding.message.contains("goes against its profile"));
        assert_eq!(deviates, policy.contains("basic") || policy.contains("persistent"), "{policy}");
    }
}

#[test]
fn check_tells_what_the_profile_wants_of_the_identity_provider() {
    let wanted = |folder: &Folder| -> Vec<String> {
        let output = sekisho(folder, &["check", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let of_profile =
            |finding: &&Value| finding["message"].as_str().unwrap().starts_with("profile saml2int wants");
        let subject = |finding: &Value| finding["subject"].as_str().unwrap().to_owned();
        findings.iter().filter(of_profile).map(subject).collect()
    };
    let mut folder = Folder::tls();
    folder.register("app", &Sp::new("app"), "");
    assert_eq!(wanted(&folder), [""; 0], "nobody asked for it");
    folder.register("app", &Sp::new("app"), PROFILE);
    let all = [
        "saml.error_url",
        "saml.ui_info.display_name",
        "saml.ui_info.logo",
        "saml.contacts",
        "saml.scope",
        "saml.enforce_valid_until",
    ];
    assert_eq!(wanted(&folder), all);
    let keys: toml::Table = r#"
        error_url = "https://www.example.co.jp/help"
        scope = "example.co.jp"
        enforce_valid_until = true
        ui_info = { display_name = "Example", logo = { url = "https://www.example.co.jp/l.png", width = 8, height = 8 } }
        contacts = [{ type = "technical", email = "it@example.co.jp" }]
    "#
    .parse()
    .unwrap();
    for (key, value) in keys {
        folder.set(&format!("saml.{key}"), value);
    }
    assert_eq!(wanted(&folder), [""; 0]);
}
