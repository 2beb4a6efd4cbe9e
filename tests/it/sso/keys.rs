//! What is signed and with which key: every Response goes to xmlsec1, samael and bergshamra.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use openssl::nid::Nid;

use super::{Case, assert_refused};
use crate::support::app::sekisho;
use crate::support::browser::Browser;
use crate::support::folder::Folder;
use crate::support::judges::{self, Signed};
use crate::support::pki::Pair;
use crate::support::sp::Sp;
use crate::support::test_app::TestApp;
use crate::support::xml::Element;

/// Attribute values that a careless writer would break.
const HOSTILE: &str = "& < > \\\" ' ]]> </saml:AttributeValue> CR\\rLF\\nTAB\\t 田中 𠮷 e\u{301}";

fn folder() -> Folder {
    let folder = Folder::new();
    let people = folder.read("people.toml").replace("\"Osaka\"", &format!("\"{HOSTILE}\""));
    folder.write_secret("people.toml", &people);
    folder
}

#[tokio::test]
async fn every_part_is_signed_as_the_policy_says() {
    for (policy, wants_assertions_signed, expected) in [
        ("", false, Signed::Both),
        ("sign = \"both\"", true, Signed::Both),
        ("sign = \"assertion\"", false, Signed::Assertion),
        ("sign = \"assertion\"", true, Signed::Assertion),
        ("sign = \"response\"", false, Signed::Response),
        ("sign = \"response\"", true, Signed::Both),
    ] {
        let mut sp = Sp::new("app");
        sp.want_assertions_signed = wants_assertions_signed;
        let mut case = Case::of(folder(), sp, &format!("attributes = [\"ou\"]\n{policy}"));
        case.sign_in_first().await;
        let request = case.ask();
        let page = case.send(&request).await;
        let received = case.accept(&page, &request);
        assert_eq!(judges::signed(&received.xml), expected, "{policy} {wants_assertions_signed}");
        let plain = HOSTILE.replace("\\\"", "\"").replace("\\r", "\r").replace("\\n", "\n");
        assert_eq!(received.attributes()["ou"], ["Sales", &plain.replace("\\t", "\t")]);
        // An error is signed whatever the policy says: SPs act on it.
        let passive = crate::support::request::AuthnRequest { is_passive: Some(true), ..case.ask() };
        case.browser.cookies.clear();
        let page = case.send(&passive).await;
        assert_eq!(case.status(&page, &passive), ["Responder", "NoPassive"]);
    }
}

#[tokio::test]
async fn every_kind_of_key_signs() {
    for (pair, algorithm) in [
        (Pair::rsa(3072), "rsa-sha256"),
        (Pair::rsa(4096), "rsa-sha256"),
        (Pair::ec(Nid::X9_62_PRIME256V1), "ecdsa-sha256"),
        (Pair::ec(Nid::SECP384R1), "ecdsa-sha384"),
    ] {
        let mut folder = folder();
        folder.use_key(&pair);
        let mut case = Case::of(folder, Sp::new("app"), "attributes = [\"ou\", \"displayName\"]");
        case.sign_in_first().await;
        let request = case.ask();
        let page = case.send(&request).await;
        let received = case.accept(&page, &request);
        assert_eq!(judges::signed(&received.xml), Signed::Both);
        let uri = format!("Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#{algorithm}\"");
        assert_eq!(received.xml.matches(&uri).count(), 2, "{}", received.xml);
        let metadata = case.browser.open(&case.url("/saml/metadata")).await;
        assert!(metadata.body.contains(&pair.certificate_base64()));
    }
}

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#";

fn identifier(word: &str) -> String {
    match word {
        "sha256" | "sha512" => format!("http://www.w3.org/2001/04/xmlenc#{word}"),
        "rsa-sha1" | "sha1" => format!("{SHA1}{word}"),
        _ => format!("{MORE}{word}"),
    }
}

/// An SP whose metadata list these algorithms: signatures by their words, digests with a `digest:` before.
fn asking(listed: &str) -> String {
    let method = |word: &str| {
        let (element, word) = match word.strip_prefix("digest:") {
            Some(digest) => ("DigestMethod", digest),
            None => ("SigningMethod", word),
        };
        format!(
            "<alg:{element} xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" Algorithm=\"{}\"/>",
            identifier(word)
        )
    };
    let methods: String = listed.split_whitespace().map(method).collect();
    Sp::new("app").metadata().replace("<md:Extensions>", &format!("<md:Extensions>{methods}"))
}

fn case_of(folder: Folder, metadata: &str, policy: &str) -> Case {
    folder.write("metadata/app.toml", &format!("attributes = [\"ou\"]\n{policy}"));
    folder.write("metadata/app.xml", metadata);
    Case { app: TestApp::start(folder), sp: Sp::new("app"), browser: Browser::new() }
}

fn findings(app: &TestApp) -> Vec<String> {
    app.app().registry.snapshot().findings().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_algorithm_is_the_first_that_the_sp_takes_and_we_can() {
    let sha1 = "allow_sha1_responses = true";
    for (listed, policy, denied, expected) in [
        ("", "", "", "rsa-sha256"),
        ("rsa-sha512 rsa-sha256", "", "", "rsa-sha512"),
        ("ecdsa-sha256 rsa-sha384 rsa-sha256", "", "", "rsa-sha384"),
        ("rsa-sha512 rsa-sha384", "", "rsa-sha512", "rsa-sha384"),
        ("digest:sha512", "", "", "rsa-sha512"),
        ("digest:sha512 rsa-sha256 rsa-sha512", "", "", "rsa-sha512"),
        ("rsa-sha512", "signature_algorithm = \"rsa-sha384\"", "", "rsa-sha384"),
        ("", "", "sha256", "rsa-sha384"),
        // What cannot be met is a finding, and the default signs.
        ("ecdsa-sha256", "", "", "rsa-sha256"),
        ("", "signature_algorithm = \"ecdsa-sha256\"", "", "rsa-sha256"),
        // SHA-1 by its switch alone.
        ("rsa-sha1 rsa-sha384", "", "", "rsa-sha384"),
        ("rsa-sha1", "", "", "rsa-sha256"),
        ("rsa-sha1 rsa-sha384", sha1, "", "rsa-sha1"),
        ("rsa-sha384 rsa-sha1", sha1, "", "rsa-sha384"),
        ("", sha1, "", "rsa-sha1"),
        ("", sha1, "sha1", "rsa-sha256"),
    ] {
        let mut folder = folder();
        if !denied.is_empty() {
            folder.set("saml.denied_algorithms", vec![denied]);
        }
        let mut case = case_of(folder, &asking(listed), policy);
        case.sign_in_first().await;
        let request = case.ask();
        let page = case.send(&request).await;
        let received = case.accept(&page, &request);
        let methods = format!("<ds:SignatureMethod Algorithm=\"{}\">", identifier(expected));
        assert_eq!(received.xml.matches(&methods).count(), 2, "{listed} {policy} {denied}: {}", received.xml);
        let told = findings(&case);
        let tells = |words: &str| told.iter().any(|finding| finding.contains(words));
        let unmet = ["ecdsa-sha256", "rsa-sha1"].contains(&listed) && policy.is_empty();
        assert_eq!(
            tells("its metadata asks for signature algorithms that cannot be used"),
            unmet,
            "{told:?}"
        );
        assert_eq!(tells("signature_algorithm = \"ecdsa-sha256\" cannot be used"), policy.contains("ecdsa"));
        assert_eq!(
            tells("which others can forge; ask when it will take SHA-256"),
            policy == sha1,
            "{told:?}"
        );
        assert_eq!(tells("allow_sha1_responses has no effect"), denied == "sha1", "{told:?}");
    }
}

#[tokio::test]
async fn what_is_denied_is_not_taken_either() {
    for (denied, fine) in [("rsa-sha512", true), ("rsa-sha256", false), ("sha256", false)] {
        let mut folder = folder();
        folder.set("saml.denied_algorithms", vec![denied]);
        let mut case = Case::of(folder, Sp::new("app"), "");
        case.sign_in_first().await;
        let request = case.ask();
        let destined = crate::support::request::AuthnRequest { destination: Some(case.sso()), ..request };
        let url = case.sp.signed_redirect(&case.sso(), &destined.xml(), None);
        let by_redirect = case.browser.open(&url).await;
        let by_post = case.post(&case.sp.signed(&destined.xml()), None).await;
        for page in [by_redirect, by_post] {
            if fine {
                case.accept(&page, &destined);
            } else {
                assert_refused(&page, 400, "SK-SIGNATURE");
            }
        }
    }
}

#[test]
fn a_list_that_leaves_the_key_nothing_does_not_start() {
    let mut folder = Folder::new();
    folder.use_key(&Pair::ec(Nid::X9_62_PRIME256V1));
    folder.set("saml.denied_algorithms", vec!["ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"]);
    for command in ["serve", "metadata"] {
        let run = sekisho(&folder, &[command]).output().unwrap();
        let told = String::from_utf8_lossy(&run.stderr) + String::from_utf8_lossy(&run.stdout);
        assert!(!run.status.success() && told.contains("saml.denied_algorithms leaves nothing"), "{told}");
    }
}

/// A folder with a second key, and what names it in a policy.
fn with_own_key() -> (Folder, Pair, &'static str) {
    let (folder, own) = (folder(), Pair::ec(Nid::SECP384R1));
    folder.write_secret("certs/own.pem", &own.key_pem());
    folder.write("certs/own.crt", &own.certificate_pem());
    (folder, own, "private_key = \"../certs/own.pem\"\ncertificate = \"../certs/own.crt\"\n")
}

#[tokio::test]
async fn an_sp_may_have_a_key_of_its_own() {
    let (folder, own, policy) = with_own_key();
    let other = Sp::new("other");
    folder.register("other", &other, "");
    let mut case = Case::of(folder, Sp::new("app"), policy);
    case.sign_in_first().await;
    let request = case.ask();
    let page = case.send(&request).await;
    case.received(&page).verify(&case.sp, Some(&request.id), &own.certificate_pem());
    // An error is signed with it too; what goes to others is not.
    let passive = crate::support::request::AuthnRequest { is_passive: Some(true), ..case.ask() };
    let page = Browser::new().open(&crate::support::sp::redirect(&case.sso(), &passive.xml(), None)).await;
    judges::accept(&case.received(&page).xml, &own.certificate_pem());
    let request = case.app.request(&other);
    let page = case.send(&request).await;
    let main = case.folder.idp.certificate_pem();
    other.receive(&page).verify(&other, Some(&request.id), &main);
    // The SP is told of it by metadata of its own.
    let url = |sp: &Sp| {
        format!("{}?sp={}", case.app.url("/saml/metadata"), crate::support::sp::percent(&sp.entity_id))
    };
    let mut browser = Browser::new();
    let told = browser.open(&url(&case.sp)).await.body;
    let keys = |xml: &str| -> Vec<String> {
        let root = Element::parse(xml);
        let idp = root.child("IDPSSODescriptor").unwrap();
        let certificate = |key: &Element| key.at("KeyInfo/X509Data/X509Certificate").unwrap().text.clone();
        idp.all("KeyDescriptor").map(certificate).collect()
    };
    assert_eq!(keys(&told), [own.certificate_base64()]);
    assert!(told.contains(&format!("{MORE}ecdsa-sha384\"></ds:SignatureMethod>")), "{told}");
    assert_eq!(
        browser.open(&url(&case.sp)).await.body,
        told,
        "signed once, though ECDSA never gives the same twice"
    );
    assert_eq!(
        browser.open(&url(&other)).await.body,
        browser.open(&case.app.url("/saml/metadata")).await.body
    );
    assert_refused(&browser.open(&url(&Sp::new("unknown"))).await, 404, "SK-NOT-FOUND");
    let run = |arguments: &[&str]| {
        let run = sekisho(&case.app.folder, arguments).output().unwrap();
        (run.status.code(), String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    let (_, printed, _) = run(&["metadata", "--sp", &case.sp.entity_id]);
    assert_eq!(keys(&printed), [own.certificate_base64()]);
    let (_, values, _) = run(&["metadata", "--values", &case.sp.entity_id]);
    assert!(
        values.ends_with(&own.certificate_pem())
            && values.contains("/saml/metadata?sp=https%3A%2F%2Fapp.test%2Fmetadata\n"),
        "{values}"
    );
    let (code, _, error) = run(&["metadata", "--sp", "https://unknown.test/metadata"]);
    assert!(code == Some(1) && error.contains("no SP \"https://unknown.test/metadata\""), "{error}");
}

#[test]
fn an_own_key_that_denied_algorithms_leave_nothing_refuses_its_sp() {
    let (mut folder, _, policy) = with_own_key();
    folder.set("saml.denied_algorithms", vec!["ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"]);
    folder.register("app", &Sp::new("app"), policy);
    let app = TestApp::start(folder);
    assert!(app.app().registry.snapshot().find("https://app.test/metadata").is_none());
    let told = "private_key: saml.denied_algorithms leaves nothing that it can sign with; take some out";
    assert!(findings(&app).iter().any(|finding| finding.contains(told)), "{:?}", findings(&app));
}

#[test]
fn digests_that_cannot_be_used_are_named() {
    let folder = folder();
    folder.write("metadata/app.xml", &asking("digest:sha1"));
    let found = findings(&TestApp::start(folder));
    let told = format!("cannot be used ({SHA1}sha1)");
    assert!(found.iter().any(|finding| finding.contains(&told)), "{found:?}");
}

/// The certificate's time is over, and only that of the identity provider is exchanged by `next_certificate`.
#[test]
fn the_remedy_for_an_expired_certificate_is_that_of_its_key() {
    let (mut folder, _, policy) = with_own_key();
    let expired = Pair::of_sp().expired();
    let both = format!("{}{}", expired.key_pem(), expired.certificate_pem());
    folder.write_secret("certs/decryption.pem", &both);
    folder.set("saml.decryption_keys", vec!["certs/decryption.pem"]);
    folder.write_secret("certs/own.pem", &expired.key_pem());
    folder.write("certs/own.crt", &expired.certificate_pem());
    folder.register("app", &Sp::new("app"), policy);
    let run = sekisho(&folder, &["check", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let remedy = |file: &str| {
        let of_file = |finding: &&serde_json::Value| {
            let is = |key: &str, part: &str| finding[key].as_str().unwrap().contains(part);
            is("file", file) && is("message", "the certificate expired at")
        };
        let finding = report["findings"].as_array().unwrap().iter().find(of_file);
        finding.unwrap_or_else(|| panic!("{report:#}"))["remedy"].as_str().unwrap().to_owned()
    };
    assert!(remedy("decryption.pem").contains("add a new key to saml.decryption_keys"));
    assert!(remedy("app.xml").contains("give the SP the certificate of a new key"));
}

#[test]
fn an_own_key_that_cannot_be_used_refuses_its_sp_alone() {
    for (break_it, told) in [
        (
            (|folder| {
                let key = folder.path("certs/own.pem");
                std::fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
            }) as fn(&Folder),
            "it is open to other users of this machine (mode 0644); chmod 600",
        ),
        (|folder| folder.remove("certs/own.pem"), "Unable to load private key"),
        (
            |folder| folder.write("certs/own.crt", "no certificate"),
            "; put the certificate of the key there",
        ),
        (
            |folder| folder.write_secret("certs/own.pem", "no key"),
            "; put a private key in PEM form there",
        ),
        (
            |folder| folder.write("certs/own.crt", &Pair::of_sp().certificate_pem()),
            "it is not the key of certificate",
        ),
    ] {
        let (folder, _, policy) = with_own_key();
        break_it(&folder);
        folder.register("app", &Sp::new("app"), policy);
        folder.register("other", &Sp::new("other"), "");
        let app = TestApp::start(folder);
        let snapshot = app.app().registry.snapshot();
        assert!(snapshot.find("https://app.test/metadata").is_none());
        assert!(snapshot.find("https://other.test/metadata").is_some());
        let found = findings(&app);
        assert!(found.iter().any(|finding| finding.contains(told)), "{told}: {found:?}");
        let run =
            sekisho(&app.folder, &["metadata", "--values", "https://app.test/metadata"]).output().unwrap();
        assert_eq!(run.status.code(), Some(1), "the other key's values would be a lie");
        // What the finding names as the remedy is enough.
        if told.contains("chmod 600") {
            let key = app.folder.path("certs/own.pem");
            std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
            app.reload();
            assert!(app.app().registry.snapshot().find("https://app.test/metadata").is_some());
        }
    }
}
