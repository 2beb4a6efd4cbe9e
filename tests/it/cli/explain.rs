//! `sekisho explain`: what a message is and what would become of it, in the words of the log.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::app::{TestServer, sekisho};
use crate::support::browser::Browser;
use crate::support::folder::Folder;
use crate::support::logout::{LogoutRequest, logout_response};
use crate::support::pki::Pair;
use crate::support::request::AuthnRequest;
use crate::support::sp::{Sp, post, redirect};

/// Exit code and sentences.
fn explain(folder: &Folder, message: &str) -> (Option<i32>, String) {
    let output = sekisho(folder, &["explain", message]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn registered() -> (Folder, Sp) {
    let (folder, sp) = (Folder::new(), Sp::new("app"));
    folder.register("app", &sp, "attributes = [\"uid\", \"mail\"]\n");
    (folder, sp)
}

fn assert_says(told: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(told.contains(sentence), "\"{sentence}\" is missing in:\n{told}");
    }
}

#[test]
fn a_good_request_is_told_whole() {
    let (folder, sp) = registered();
    let mut request = sp.request();
    request.destination = Some(folder.url("/saml/sso"));
    request.acs_index = Some("0".to_owned());
    request.force_authn = Some(true);
    request.name_id_format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned());
    let url = sp.signed_redirect(&folder.url("/saml/sso"), &request.xml(), Some("state"));
    let fingerprint =
        data_encoding::HEXLOWER.encode(&openssl::sha::sha256(&sp.pair.certificate.to_der().unwrap()));
    let (code, told) = explain(&folder, &url);
    assert_eq!(code, Some(0), "{told}");
    assert_says(
        &told,
        &[
            "It came by HTTP-Redirect as SAMLRequest.",
            &format!("It is an AuthnRequest with the ID {}.", request.id),
            "ago by the clock of its sender.",
            "It is from https://app.test/metadata: \"The app application\", described by app.xml.",
            &format!("rsa-sha256; the key of the certificate {fingerprint} verifies it."),
            "It asks for a new sign-in (ForceAuthn).",
            "nameid-format:persistent.",
            "The answer goes to https://app.test/acs by HTTP-POST: which the request names by its index 0.",
            "It is accepted: the person signs in, or has a session, and the SP gets an assertion with what its filters leave of uid, mail.",
        ],
    );
}

#[test]
fn the_same_message_is_known_in_every_form_that_people_copy() {
    let (folder, sp) = registered();
    let xml = AuthnRequest { destination: Some(folder.url("/saml/sso")), ..sp.request() }.xml();
    let signed = sp.signed(&xml);
    let query = redirect("", &xml, None).trim_start_matches('?').to_owned();
    let value = post(&signed, None)[0].1.clone();
    let form = format!("SAMLRequest={}", value.replace('+', "%2B").replace('=', "%3D"));
    let deflated = percent_encoding::percent_decode_str(query.trim_start_matches("SAMLRequest="));
    let deflated = deflated.decode_utf8().unwrap().into_owned();
    for message in [query, form, value, signed, xml, deflated] {
        let (code, told) = explain(&folder, &message);
        assert!(code == Some(0) && told.contains("It is an AuthnRequest with the ID"), "{message}\n{told}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_by_the_sentence_of_the_log() {
    let (folder, sp) = registered();
    let stranger = Sp { pair: Pair::rsa(2048), ..sp.clone() };
    let elsewhere = {
        let mut request = sp.request();
        request.destination = Some("https://other.example/sso".to_owned());
        request.xml()
    };
    let unregistered = {
        let mut request = sp.request();
        request.acs_url = Some("https://evil.test/acs".to_owned());
        request.xml()
    };
    let server = TestServer::start(folder).await;
    let slo = server.url("/saml/slo");
    let logout =
        LogoutRequest { destination: Some(slo.clone()), ..LogoutRequest::new(&sp.entity_id, "n", &[]) };
    for (url, code) in [
        (stranger.signed_redirect(&server.sso(), &sp.request().xml(), None), "SK-SIGNATURE"),
        (redirect(&server.sso(), &elsewhere, None), "SK-DESTINATION"),
        (redirect(&server.sso(), &unregistered, None), "SK-ACS"),
        (redirect(&server.sso(), &Sp::new("nobody").request().xml(), None), "SK-UNKNOWN-SP"),
        (format!("{}?SAMLRequest=AAAA", server.sso()), "SK-REQUEST"),
        (stranger.signed_redirect(&slo, &logout.xml(), None), "SK-SIGNATURE"),
    ] {
        Browser::new().open(&url).await;
        let (exit, told) = explain(&server.folder, &url);
        assert_eq!(exit, Some(1), "{told}");
        assert!(told.contains(&format!("It is refused with {code}")), "{code}:\n{told}");
        let sentence = told.lines().last().unwrap().trim();
        assert!(server.log().contains(sentence), "the log lacks: {sentence}");
    }
}

#[test]
fn keys_that_were_tried_and_the_digest_are_told() {
    let (folder, sp) = registered();
    let stranger = Sp { pair: Pair::rsa(2048), ..sp.clone() };
    let url = stranger.signed_redirect(&folder.url("/saml/sso"), &sp.request().xml(), None);
    let (_, told) = explain(&folder, &url);
    let own = data_encoding::HEXLOWER.encode(&openssl::sha::sha256(&sp.pair.certificate.to_der().unwrap()));
    assert_says(&told, &["What its signature is over has the SHA-256 ", &own[..16], "need not be signed"]);
    let changed =
        sp.signed(&sp.request().xml()).replace("Version=\"2.0\"", "Version=\"2.0\" IsPassive=\"true\"");
    let (code, told) = explain(&folder, &changed);
    assert_eq!(code, Some(1));
    assert_says(&told, &["the digest of the message is ", "the message was changed"]);
}

#[test]
fn logout_messages_are_told_and_what_is_none_is_refused() {
    let (folder, sp) = registered();
    let slo = folder.url("/saml/slo");
    let request = LogoutRequest {
        destination: Some(slo.clone()),
        ..LogoutRequest::new(&sp.entity_id, "t123", &["_s"])
    };
    let (code, told) = explain(&folder, &sp.signed_redirect(&slo, &request.xml(), None));
    assert_eq!(code, Some(0), "{told}");
    assert_says(
        &told,
        &["It is a LogoutRequest", "It names \"t123\"", "SessionIndex _s", "the other SPs are told"],
    );
    let (code, told) = explain(&folder, &redirect(&slo, &request.xml(), None));
    assert_eq!(code, Some(0));
    assert_says(&told, &["It is not signed.", "asked whether to sign out"]);
    folder.register("app", &sp, "enabled = false\n");
    let response = logout_response(&sp.entity_id, "_c.0", &slo, "Success");
    let (code, told) = explain(&folder, &sp.signed_message(&slo, "SAMLResponse", &response));
    assert_eq!(code, Some(0), "{told}");
    assert_says(&told, &["It is a LogoutResponse to _c.0", "It is accepted if a logout waits for it"]);
    for junk in ["hello", "<a/>", "https://example.com/?x=1"] {
        assert_eq!(explain(&folder, junk).0, Some(1), "{junk}");
    }
}

#[test]
fn standard_input_is_read_and_nothing_is_a_misuse() {
    let (folder, sp) = registered();
    let run = |input: &str| {
        let mut command: Command = sekisho(&folder, &["explain", "-"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert_eq!(run(&sp.request().xml()).status.code(), Some(0));
    assert_eq!(run(" \n").status.code(), Some(2));
}
