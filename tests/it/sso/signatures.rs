//! Signed requests: when a signature must be there, whose it may be, and what it must cover.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;

use super::{Case, assert_refused};
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::judges;
use crate::support::pki::Pair;
use crate::support::request::AuthnRequest;
use crate::support::sp::{Sp, percent, redirect};

/// How a request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Unsigned,
    Signed,
    /// By a key that is not in the metadata.
    ByStranger,
    /// The document was changed after it was signed.
    Changed,
}

const ALL: [Sent; 4] = [Sent::Unsigned, Sent::Signed, Sent::ByStranger, Sent::Changed];

fn request(case: &Case) -> AuthnRequest {
    AuthnRequest { destination: Some(case.sso()), ..case.ask() }
}

async fn send(case: &mut Case, request: &AuthnRequest, sent: Sent, by_post: bool) -> Page {
    let mut sp = case.sp.clone();
    if sent == Sent::ByStranger {
        sp.pair = Pair::of_idp().clone();
    }
    let xml = request.xml();
    let changed = AuthnRequest { force_authn: Some(false), ..request.clone() }.xml();
    if by_post {
        let xml = match sent {
            Sent::Unsigned => xml,
            Sent::Changed => {
                sp.signed(&xml).replace("Version=\"2.0\"", "Version=\"2.0\" ForceAuthn=\"false\"")
            }
            _ => sp.signed(&xml),
        };
        return case.post(&xml, Some("r")).await;
    }
    let url = match sent {
        Sent::Unsigned => redirect(&case.sso(), &xml, Some("r")),
        Sent::Changed => {
            let signed = sp.signed_redirect(&case.sso(), &xml, Some("r"));
            let tail = signed.split("&SigAlg=").nth(1).unwrap();
            format!("{}&SigAlg={tail}", redirect(&case.sso(), &changed, Some("r")))
        }
        _ => sp.signed_redirect(&case.sso(), &xml, Some("r")),
    };
    case.browser.open(&url).await
}

/// Sends every kind by both bindings; those of `fine` must be answered, the others refused.
async fn judge(case: &mut Case, what: &str, fine: &[Sent]) {
    for sent in ALL {
        for by_post in [false, true] {
            let request = request(case);
            let page = send(case, &request, sent, by_post).await;
            if fine.contains(&sent) {
                assert_eq!(page.status, 200, "{what}, {sent:?}, by post: {by_post}: {}", page.all_text());
                case.accept(&page, &request);
            } else {
                assert_eq!(page.status, 400, "{what}, {sent:?}, by post: {by_post}");
                assert_refused(&page, 400, "SK-SIGNATURE");
            }
        }
    }
}

async fn case(policy: &str, change: impl FnOnce(&mut Folder, &mut Sp)) -> Case {
    let (mut folder, mut sp) = (Folder::new(), Sp::new("app"));
    change(&mut folder, &mut sp);
    let mut case = Case::of(folder, sp, policy);
    case.sign_in_first().await;
    case
}

#[tokio::test]
async fn the_policy_says_when_a_signature_counts() {
    let mut when_key = case("", |_, _| {}).await;
    judge(&mut when_key, "default", &[Sent::Unsigned, Sent::Signed]).await;
    let mut required = case("verify_requests = \"required\"", |_, _| {}).await;
    judge(&mut required, "required", &[Sent::Signed]).await;
    let mut ignored = case("verify_requests = \"ignore\"", |_, _| {}).await;
    judge(&mut ignored, "ignore", &ALL).await;
}

#[tokio::test]
async fn metadata_and_our_own_switch_make_it_required() {
    let mut by_metadata = case("", |_, sp| sp.authn_requests_signed = true).await;
    judge(&mut by_metadata, "AuthnRequestsSigned", &[Sent::Signed]).await;
    let despite = |_: &mut Folder, sp: &mut Sp| sp.authn_requests_signed = true;
    let mut despite_policy = case("verify_requests = \"ignore\"", despite).await;
    judge(&mut despite_policy, "AuthnRequestsSigned over ignore", &[Sent::Signed]).await;
    let ours = |folder: &mut Folder, _: &mut Sp| folder.set("saml.want_authn_requests_signed", true);
    let mut by_us = case("", ours).await;
    judge(&mut by_us, "want_authn_requests_signed", &[Sent::Signed]).await;
}

#[tokio::test]
async fn without_a_registered_key_a_signature_says_nothing() {
    let mut keyless = case("", |_, sp| sp.publishes_key = false).await;
    judge(&mut keyless, "no key", &ALL).await;
    let mut required = case("verify_requests = \"required\"", |_, sp| sp.publishes_key = false).await;
    judge(&mut required, "no key, required", &[]).await;
}

#[tokio::test]
async fn any_certificate_of_the_sp_will_do() {
    let mut case = case("verify_requests = \"required\"", |_, _| {}).await;
    let next = Pair::ec(openssl::nid::Nid::X9_62_PRIME256V1);
    let descriptor = |pair: &Pair| {
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
             <md:AssertionConsumerService ",
            pair.certificate_base64()
        )
    };
    let metadata = case.sp.metadata().replace("<md:AssertionConsumerService ", &descriptor(&next));
    case.folder.write("metadata/app.xml", &metadata);
    case.reload();
    judge(&mut case, "the first key", &[Sent::Signed]).await;
    case.sp.pair = next;
    judge(&mut case, "the second key", &[Sent::Signed]).await;
}

#[tokio::test]
async fn a_signed_post_needs_a_destination() {
    let mut case = case("", |_, _| {}).await;
    let without = case.ask();
    let page = case.post(&case.sp.signed(&without.xml()), None).await;
    assert_refused(&page, 400, "SK-DESTINATION");
    let empty = AuthnRequest { destination: Some(String::new()), ..case.ask() };
    let page = case.post(&case.sp.signed(&empty.xml()), None).await;
    assert_refused(&page, 400, "SK-DESTINATION");
    // Its form cannot be carried to another IdP unseen: the query says where it goes.
    let page = case.browser.open(&case.sp.signed_redirect(&case.sso(), &without.xml(), None)).await;
    case.accept(&page, &without);
    let page = case.post(&without.xml(), None).await;
    case.accept(&page, &without);
}

/// A query signed with this algorithm and digest by the SP's key.
fn query(case: &Case, algorithm: &str, digest: MessageDigest) -> (String, AuthnRequest) {
    let request = request(case);
    let unsigned = redirect(&case.sso(), &request.xml(), None);
    let unsigned = format!("{unsigned}&SigAlg={}", percent(algorithm));
    let query = unsigned.split('?').nth(1).unwrap();
    let mut signer = Signer::new(digest, &case.sp.pair.key).unwrap();
    let signature = signer.sign_oneshot_to_vec(query.as_bytes()).unwrap();
    (format!("{unsigned}&Signature={}", percent(&STANDARD.encode(signature))), request)
}

#[tokio::test]
async fn weak_algorithms_are_refused_and_sha1_needs_its_switch() {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let sha512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
    let md5 = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5";
    let hmac = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
    for (policy, sha1_is_fine) in [("", false), ("allow_sha1_requests = true", true)] {
        let mut case = case(policy, |_, _| {}).await;
        for (algorithm, digest, fine) in [
            (sha1, MessageDigest::sha1(), sha1_is_fine),
            (sha512, MessageDigest::sha512(), true),
            (md5, MessageDigest::md5(), false),
            (hmac, MessageDigest::sha256(), false),
            ("", MessageDigest::sha256(), false),
            // Named as another than it is.
            (sha512, MessageDigest::sha256(), false),
        ] {
            let (url, request) = query(&case, algorithm, digest);
            let page = case.browser.open(&url).await;
            if fine {
                case.accept(&page, &request);
            } else {
                assert_refused(&page, 400, "SK-SIGNATURE");
            }
        }
        // What goes out is not weakened by it.
        let request = case.ask();
        let page = case.send(&request).await;
        assert!(!case.accept(&page, &request).xml.contains("sha1"));
    }
}

#[tokio::test]
async fn what_was_signed_is_what_came_over_the_wire() {
    let mut case = case("verify_requests = \"required\"", |_, _| {}).await;
    let request = request(&case);
    let url = case.sp.signed_redirect(&case.sso(), &request.xml(), Some("a+b"));
    let (head, query) = url.split_once('?').unwrap();
    let mut parts: Vec<&str> = query.split('&').collect();
    parts.reverse();
    let shuffled = format!("{head}?x=1&{}", parts.join("&"));
    let page = case.browser.open(&shuffled).await;
    case.accept(&page, &request);
    for other in ["&RelayState=a%2bb", "&RelayState=a+b", "", "&RelayState=evil"] {
        let page = case.browser.open(&url.replace("&RelayState=a%2Bb", other)).await;
        assert_refused(&page, 400, "SK-SIGNATURE");
    }
    // Lower-case escapes, as .NET writes them, are signed as they stand.
    let relay = url.replace("RelayState=a%2Bb", "RelayState=%e7%94%b0");
    let unsigned = relay.split('?').nth(1).unwrap().split("&Signature=").next().unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &case.sp.pair.key).unwrap();
    let signature = STANDARD.encode(signer.sign_oneshot_to_vec(unsigned.as_bytes()).unwrap());
    let page = case.browser.open(&format!("{head}?{unsigned}&Signature={}", percent(&signature))).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("田"));
}

#[tokio::test]
async fn a_second_signature_or_one_in_the_wrong_place_is_refused() {
    let mut case = case("", |_, _| {}).await;
    let signed = case.sp.signed(&request(&case).xml());
    let start = signed.find("<ds:Signature ").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &signed[start..end];
    assert!(case.post(&signed, None).await.status == 200);
    let page = case.post(&signed.replace(signature, &signature.repeat(2)), None).await;
    assert_refused(&page, 400, "SK-SIGNATURE");
    let inside = format!("<samlp:Extensions>{signature}</samlp:Extensions>");
    let page = case.post(&signed.replace(signature, &inside), None).await;
    assert_refused(&page, 400, "SK-SIGNATURE");
    // The signed request is wrapped into another one of the same SP.
    let root = signed.find("<samlp:AuthnRequest").unwrap();
    let evil = AuthnRequest { acs_url: Some(case.sp.acs[0].clone()), ..request(&case) };
    let wrapped = evil.xml().replace(
        "</samlp:AuthnRequest>",
        &format!("{signature}<samlp:Extensions>{}</samlp:Extensions></samlp:AuthnRequest>", &signed[root..]),
    );
    let page = case.post(&wrapped, None).await;
    assert_refused(&page, 400, "SK-SIGNATURE");
    let request = case.ask();
    let page = case.send(&request).await;
    judges::accept(&case.accept(&page, &request).xml, &case.folder.idp.certificate_pem());
}
