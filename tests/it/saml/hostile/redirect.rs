//! The Redirect and POST bindings: what is signed are the octets of the query as they came.

use openssl::base64::encode_block;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sekisho::saml::binding::{BindingError, Kind, post, redirect};
use sekisho::saml::signature::{
    AlgorithmSet, SignatureAlgorithm, SignatureError as S, Signer, VerificationKey,
};

use super::no_key;
use crate::saml::keys::{TestKey, attacker, p256, sp};
use crate::saml::messages::request;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

fn message() -> String {
    let xml = request("_genuine", "https://sp.example/acs", "");
    redirect::query(Kind::Request, xml.as_bytes(), None).unwrap()
}

/// A query as an SP makes it, from its parameters as they are on the wire.
fn signed(key: &TestKey, message: &str, relay_state: Option<&str>, algorithm: &str) -> String {
    let relay_state = relay_state.map(|raw| format!("&RelayState={raw}")).unwrap_or_default();
    let octets = format!("{message}{relay_state}&SigAlg={algorithm}");
    let signature = encode_block(&key.sign(octets.as_bytes()).unwrap()).replace('\n', "");
    format!("{octets}&Signature={}", encoded(&signature))
}

fn genuine() -> String {
    signed(sp(), &message(), Some("a%20b"), &encoded(sp().algorithm().uri()))
}

fn verdict(query: &str, keys: &[VerificationKey]) -> Result<(), S> {
    redirect::Received::request(query).unwrap().verify(keys, AlgorithmSet::SHA2).map(|_| ())
}

#[test]
fn genuine_queries_verify_however_they_are_encoded() {
    let uri = sp().algorithm().uri();
    let lower = encoded(uri).replace("%3A", "%3a").replace("%2F", "%2f");
    for (relay_state, algorithm) in [
        (None, encoded(uri)),
        (Some("a+b"), encoded(uri)),
        (Some("a%20b"), lower.clone()),
        (Some("%e7%94%b0%E4%B8%AD"), uri.replace('#', "%23")),
        (Some("%61~!*'()"), lower),
        (Some(""), encoded(uri)),
    ] {
        let query = signed(sp(), &message(), relay_state, &algorithm);
        assert_eq!(verdict(&query, &sp().registered()), Ok(()), "{query}");
    }
    for key in [sp().with(SignatureAlgorithm::RsaSha512), p256().clone()] {
        let query = signed(&key, &message(), None, &encoded(key.algorithm().uri()));
        assert_eq!(verdict(&query, &key.registered()), Ok(()));
    }
}

/// The order of the query is free; what is signed has an order of its own (saml-bindings 3.4.4.1).
#[test]
fn another_order_and_strange_parameters_change_nothing() {
    let query = genuine();
    let mut parameters: Vec<_> = query.split('&').collect();
    parameters.reverse();
    assert_eq!(verdict(&parameters.join("&"), &sp().registered()), Ok(()));
    assert_eq!(verdict(&format!("utm=1&{query}&x=y"), &sp().registered()), Ok(()));
}

#[test]
fn octets_that_were_not_signed_do_not_verify() {
    let query = genuine();
    let unsigned_state = signed(sp(), &message(), None, &encoded(sp().algorithm().uri()));
    for (changed, why) in [
        (query.replace("a%20b", "a+b"), "the same RelayState in another encoding"),
        (query.replace("a%20b", "%61%20b"), "a letter encoded"),
        (query.replace("%3A", "%3a"), "lower-case hexadecimal"),
        (query.replace("a%20b", "a%20c"), "another RelayState"),
        (query.replace("RelayState=a%20b&", ""), "the RelayState taken away"),
        (format!("{unsigned_state}&RelayState=x"), "a RelayState appended"),
        (query.replace("rsa-sha256", "rsa-sha512"), "another algorithm"),
        (query.replace("SAMLRequest=", "SAMLRequest=%0A"), "white space in the message"),
    ] {
        assert_eq!(verdict(&changed, &sp().registered()), Err(no_key(&sp().registered())), "{why}");
    }
    assert_eq!(verdict(&query, &attacker().registered()), Err(no_key(&attacker().registered())));
    assert_eq!(verdict(&query, &[]), Err(no_key(&[])));
}

#[test]
fn algorithms_that_are_none() {
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "none",
        "",
    ] {
        let query = signed(sp(), &message(), None, &encoded(uri));
        assert_eq!(verdict(&query, &sp().registered()), Err(S::Algorithm(uri.to_owned())));
    }
    let sha1 = sp().with(SignatureAlgorithm::RsaSha1);
    let query = signed(&sha1, &message(), None, &encoded(sha1.algorithm().uri()));
    let received = redirect::Received::request(&query).unwrap();
    assert!(received.verify(&sha1.registered(), AlgorithmSet::ALL).is_ok());
}

#[test]
fn half_a_signature_is_none() {
    let query = genuine();
    let refused = |query: &str| redirect::Received::request(query).unwrap_err();
    let without = |name: &str| {
        let kept: Vec<_> = query.split('&').filter(|p| !p.starts_with(&format!("{name}="))).collect();
        kept.join("&")
    };
    assert_eq!(refused(&without("SigAlg")), BindingError::HalfSigned);
    assert_eq!(refused(&without("Signature")), BindingError::HalfSigned);
    let unsigned = redirect::Received::request(&message()).unwrap();
    assert_eq!(unsigned.verify(&sp().registered(), AlgorithmSet::SHA2), Err(S::Missing));
}

#[test]
fn duplicates_and_mixtures_are_refused() {
    let query = genuine();
    let refused = |query: &str| redirect::Received::request(query).unwrap_err();
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        assert_eq!(refused(&format!("{query}&{name}=x")), BindingError::Duplicate(name));
        assert_eq!(refused(&format!("{name}=x&{query}")), BindingError::Duplicate(name));
        let escaped = name.replace('S', "%53").replace('R', "%52");
        assert_eq!(refused(&format!("{query}&{escaped}")), BindingError::Duplicate(name));
    }
    assert_eq!(refused(&format!("{query}&SAMLResponse=x")), BindingError::RequestAndResponse);
    assert_eq!(refused(&query.replace("SAMLRequest=", "SAMLResponse=")), BindingError::NotARequest);
    let posted = |body: &str| post::Received::request(body.as_bytes()).unwrap_err();
    assert_eq!(posted("SAMLRequest=PGEvPg&SAMLRequest=PGEvPg"), BindingError::Duplicate("SAMLRequest"));
    assert_eq!(posted("SAMLRequest=PGEvPg&SAMLResponse=PGEvPg"), BindingError::RequestAndResponse);
    assert_eq!(posted("SAMLResponse=PGEvPg"), BindingError::NotARequest);
    assert_eq!(posted("SAMLRequest=%3Ca%2F%3E"), BindingError::Base64("SAMLRequest"));
    assert_eq!(posted(""), BindingError::NoMessage);
}

#[test]
fn bombs_do_not_inflate() {
    let bomb = redirect::query(Kind::Request, &vec![b' '; 200_000_000], None).unwrap();
    assert!(bomb.len() < 400_000);
    let refused = redirect::Received::request(&bomb).unwrap_err();
    assert_eq!(refused, BindingError::TooLarge(131_072));
    let large = format!("SAMLRequest={}", "A".repeat(300_000));
    assert_eq!(post::Received::request(large.as_bytes()).unwrap_err(), BindingError::TooLarge(131_072));
}

#[test]
fn relay_states_that_would_not_come_back() {
    let refused =
        |state: &str| redirect::Received::request(&format!("{}&RelayState={state}", message())).unwrap_err();
    for state in ["%00", "%0D%0ASet-Cookie:x", "%7F", "%C2%85"] {
        assert_eq!(refused(state), BindingError::RelayState("holds control characters"), "{state}");
    }
    assert_eq!(refused("%C0%80"), BindingError::RelayState("is not UTF-8"));
    assert_eq!(refused(&"x".repeat(8 * 1024 + 1)), BindingError::RelayState("is longer than 8 KB"));
}
