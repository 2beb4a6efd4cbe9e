//! Files as administrators write them, and every fault that is named.

use std::path::Path;

use jiff::SignedDuration;

use super::*;

fn parse(text: &str) -> Result<PolicyFile, Vec<String>> {
    let faults = |faults: Vec<PolicyFault>| faults.iter().map(ToString::to_string).collect();
    Policy::parse(Path::new("metadata/sp.toml"), text).map_err(faults)
}

#[test]
fn an_empty_file_is_the_default() {
    let file = parse("").unwrap();
    assert_eq!(file.policy, Policy::default());
    assert!(file.service_provider.is_none() && file.authproc.is_empty() && file.by_entity.is_empty());
}

#[test]
#[expect(clippy::too_many_lines, reason = "every key, once written and once expected")]
fn every_key_is_read() {
    let file = parse(
        r#"
        enabled = false
        entity_id_aliases = ["google.com"]
        audience = ["https://a.example"]
        name_id_format = "persistent"
        name_id_force = true
        name_id_attribute = "objectGUID"
        name_id_encoding = "base64"
        attributes = ["seciosssystemid", "seciossallowedservice"]
        attribute_name_format = "basic"
        send_attributes = false
        sign = "assertion"
        encrypt = "always"
        encryption_methods = ["aes128-gcm", "http://www.w3.org/2009/xmlenc11#rsa-oaep"]
        verify_requests = "ignore"
        allow = ["group:CN = Sales\\, East\\ , OU=Groups ,DC=example,DC=co,DC=jp", "user:tanaka"]
        assertion_lifetime = "1h30m"
        not_before_skew = "PT1M"
        session_not_on_or_after = false
        relay_state = "https://sp.example/start"
        relay_state_prefixes = ["https://sp.example/"]
        idp_entity_id = "https://idp.example/{upn_domain}/saml"
        request_max_age = "10m"
        ignore_requested_authn_context = true
        max_authn_age = "7200s"
        ecp = true
        allow_sha1_requests = true
        allow_sha1_responses = true
        signature_algorithm = "rsa-sha1"
        private_key = "../certs/sp.pem"
        certificate = "../certs/sp.crt"
        profile = "saml2int"
        [[authproc]]
        priority = 100
        filter = "AttributeLimit"
        "#,
    )
    .unwrap();
    let text = |text: &str| text.to_owned();
    let expected = Policy {
        enabled: false,
        entity_id_aliases: vec![text("google.com")],
        audience: vec![text("https://a.example")],
        idp_entity_id: Some(text("https://idp.example/{upn_domain}/saml")),
        name_id_format: Some(text("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")),
        without_name_id: false,
        name_id_force: true,
        name_id_attribute: Some(text("objectGUID")),
        name_id_encoding: NameIdEncoding::Base64,
        attributes: Some(vec![text("seciosssystemid"), text("seciossallowedservice")]),
        attribute_name_format: Some(text("urn:oasis:names:tc:SAML:2.0:attrname-format:basic")),
        send_attributes: false,
        sign: Sign::Assertion,
        encrypt: Encrypt::Always,
        encryption_methods: ["aes128-gcm", "rsa-oaep"]
            .map(|name| EncryptionMethod {
                algorithm: format!("http://www.w3.org/2009/xmlenc11#{name}"),
                ..EncryptionMethod::default()
            })
            .to_vec(),
        verify_requests: VerifyRequests::Ignore,
        allow: vec![
            Allow::Group(text("CN=Sales\\, East\\ ,OU=Groups,DC=example,DC=co,DC=jp")),
            Allow::User(text("tanaka")),
        ],
        assertion_lifetime: SignedDuration::from_mins(90),
        not_before_skew: SignedDuration::from_mins(1),
        session_not_on_or_after: false,
        relay_state: Some(text("https://sp.example/start")),
        relay_state_prefixes: vec![text("https://sp.example/")],
        request_max_age: Some(SignedDuration::from_mins(10)),
        ignore_requested_authn_context: true,
        max_authn_age: Some(SignedDuration::from_hours(2)),
        ecp: true,
        allow_sha1_requests: true,
        allow_sha1_responses: true,
        signature_algorithm: Some(SignatureAlgorithm::RsaSha1),
        private_key: Some("metadata/../certs/sp.pem".into()),
        certificate: Some("metadata/../certs/sp.crt".into()),
        profile: Some(Profile::Saml2int),
    };
    assert_eq!(file.policy, expected);
    assert_eq!(file.authproc.iter().map(FilterConfig::name).collect::<Vec<_>>(), ["AttributeLimit"]);
}

#[test]
fn a_service_provider_may_be_toml_alone() {
    let file = parse(
        r#"
        entity_id = "google.com/a/example.co.jp"
        entity_id_aliases = ["google.com"]
        acs = ["https://www.google.com/a/example.co.jp/acs"]
        slo = "https://www.google.com/logout"
        name = "Google Workspace"
        certificates = ["MAMCAQE=", "google.pem", """
-----BEGIN CERTIFICATE-----
MAMC
AQE=
-----END CERTIFICATE-----
"""]
        encryption_certificates = ["MAMCAQE="]
        encrypt = "always"
        verify_requests = "required"
        audience = []
        enabled = true
        "#,
    )
    .unwrap();
    let der = CertificateSource::Der(vec![0x30, 3, 2, 1, 1]);
    let expected = TomlServiceProvider {
        entity_id: "google.com/a/example.co.jp".to_owned(),
        acs: vec!["https://www.google.com/a/example.co.jp/acs".to_owned()],
        slo: vec!["https://www.google.com/logout".to_owned()],
        certificates: vec![der.clone(), CertificateSource::File("metadata/google.pem".into()), der.clone()],
        encryption_certificates: vec![der],
        name: Some("Google Workspace".to_owned()),
    };
    assert_eq!(file.service_provider, Some(expected));
    assert_eq!(file.policy.entity_id_aliases, ["google.com"]);
}

#[test]
fn an_aggregates_entities_take_what_they_do_not_set_from_the_top() {
    let file = parse(
        r#"
        allow = ["user:top"]
        sign = "response"
        audience = ["https://top.example"]
        [[authproc]]
        priority = 1
        filter = "AttributeLimit"
        ["https://a.example/sp"]
        sign = "both"
        [["https://a.example/sp".authproc]]
        priority = 2
        filter = "AttributeAdd"
        add = { a = "b" }
        ["https://b.example/sp"]
        enabled = false
        "#,
    )
    .unwrap();
    let (a, b) = (&file.by_entity["https://a.example/sp"], &file.by_entity["https://b.example/sp"]);
    assert_eq!((a.policy.sign, b.policy.sign), (Sign::Both, Sign::Response));
    assert_eq!(a.policy.allow, [Allow::User("top".to_owned())]);
    assert!(a.policy.audience.is_empty() && !b.policy.enabled);
    let names = |filters: &[FilterConfig]| filters.iter().map(FilterConfig::name).collect::<Vec<_>>();
    assert_eq!(names(&a.authproc), ["AttributeAdd"]);
    assert_eq!(names(&b.authproc), ["AttributeLimit"]);
}

#[test]
fn all_faults_of_a_file_are_named_at_once_in_its_order() {
    let faults = parse(
        "sgin = \"both\"\nsign = \"bth\"\nencrypt = \"allways\"\nassertion_lifetime = 300\n[[authproc]]\n\
         priority = 1\nfilter = \"AttributeMap\"\nmap = { a = 1 }\n[[authproc]]\npriority = 2\nfilter = \"AttributeAd\"\n",
    )
    .unwrap_err();
    let expected = [
        "metadata/sp.toml:1: sgin: there is no such key: did you mean \"sign\"?",
        "metadata/sp.toml:2: sign: \"bth\" is unknown: did you mean \"both\"?",
        "metadata/sp.toml:3: encrypt: \"allways\" is unknown: did you mean \"always\"?",
        "metadata/sp.toml:4: assertion_lifetime: it must be a duration, not integer: write it as \"30s\", \"5m\", \"1h30m\" or \"PT5M\"",
        "metadata/sp.toml:8: authproc: authproc filter AttributeMap: \"a\" must be a string or a list of strings, not an integer: correct the table, or remove it whole",
        "metadata/sp.toml:11: authproc: unknown authproc filter \"AttributeAd\": did you mean \"AttributeAdd\"?: correct the table, or remove it whole",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn each_bad_value_is_refused() {
    for (text, said) in [
        ("allow = []", ":1: allow: it is empty: remove the key"),
        ("allow = [\"Sales\"]", "entry 1: \"Sales\" names nobody"),
        ("allow = [\"group:Sales\"]", "\"Sales\" is no distinguished name"),
        ("allow = [\"user:a\", \"user: \"]", "entry 2:"),
        ("allow = \"user:a\"", "it must be a list in [ ], not string"),
        ("name_id_format = \"persistant\"", "did you mean \"persistent\"?"),
        ("name_id_force = true", "there is no format to force"),
        ("name_id_encoding = \"base64\"", "there is no attribute to encode"),
        ("assertion_lifetime = \"5 parsecs\"", "is no duration"),
        ("assertion_lifetime = \"0s\"", "out of bounds"),
        ("not_before_skew = \"-1s\"", "out of bounds"),
        ("attributes = [\"a\", \"a\"]", "\"a\" is in it twice"),
        ("attributes = [\"\"]", "it is empty"),
        ("enabled = \"yes\"", "it must be true or false, not string"),
        ("relay_state = \"a\\u0007\"", "control character"),
        ("relay_state_prefixes = [\"https://sp.example\"]", "end it: \"https://sp.example/\""),
        ("relay_state_prefixes = []", "it is empty"),
        ("idp_entity_id = \"x\"", "\"x\" is no URI"),
        ("idp_entity_id = \"urn:x:{domain}\"", "no part of {upn_domain}"),
        ("idp_entity_id = \"urn:x: {upn_domain}\"", "no white space"),
        ("private_key = \"a.pem\"", "a key pair has two files: add certificate"),
        ("certificate = \"a.crt\"", "a key pair has two files: add private_key"),
        ("private_key = 1\ncertificate = \"a.crt\"", "it must be a string, not integer"),
        ("signature_algorithm = \"rsa-sha265\"", "did you mean \"rsa-sha256\"?"),
        ("signature_algorithm = \"hmac-sha256\"", "is unknown"),
        ("signature_algorithm = \"rsa-sha1\"", "SHA-1 can be forged: choose \"rsa-sha256\""),
        ("profile = \"saml2in\"", "did you mean \"saml2int\"?"),
        ("entity_id = \"a b\"\nacs = [\"https://a/\"]", "no white space"),
        ("entity_id = \"a\"", ": acs: it is missing"),
        ("entity_id = \"a\"\nacs = []", "it names no URL"),
        ("entity_id = \"a\"\nacs = [\"javascript:alert(1)\"]", "is no absolute https URL"),
        (
            "entity_id = \"a\"\nacs = [\"https://a/\"]\nverify_requests = \"required\"",
            "no certificate to verify with",
        ),
        (
            "entity_id = \"a\"\nacs = [\"https://a/\"]\nencrypt = \"always\"",
            ":1: encryption_certificates: encrypt = \"always\" has no certificate to encrypt to",
        ),
        ("encryption_methods = [\"rsa-1_5\"]", "\"rsa-1_5\" is no encryption algorithm"),
        ("encryption_methods = [\"aes256_gcm\"]", "did you mean \"aes256-gcm\"?"),
        ("entity_id = \"a\"\nacs = [\"https://a/\"]\n[\"https://b\"]\nenabled = true", "a file of its own"),
        ("acs = [\"https://a/\"]", "it stands without entity_id"),
        ("certificates = [\"-----BEGIN CERTIFICATE-----\"]", "not one PEM certificate"),
        ("[authproc]\npriority = 1", "with two brackets"),
        ("[google.com]\nsign = \"both\"", "google: there is no such key"),
        ("[\"https://a\"]\nacs = [\"https://a/\"]", "the aggregate says it"),
        ("sign = both", ":1: "),
        ("sign = \"both\"\nsign = \"both\"", ":2: "),
    ] {
        let faults = parse(text).expect_err(text);
        assert!(faults.iter().any(|fault| fault.contains(said)), "{text}: {faults:#?}");
    }
}

#[test]
fn none_is_a_format_too() {
    let file = parse(
        "name_id_format = \"none\"\nname_id_force = true\n[\"https://a.example\"]\nname_id_format = \"persistent\"",
    )
    .unwrap();
    assert!(file.policy.without_name_id && file.policy.name_id_format.is_none());
    let own = &file.by_entity["https://a.example"].policy;
    assert!(!own.without_name_id && own.name_id_format.is_some(), "{own:?}");
}

#[test]
fn a_profile_comes_before_the_other_keys_wherever_it_stands() {
    let transient = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient".to_owned());
    let policy = |text: &str| parse(text).unwrap().policy;
    let alone = policy("profile = \"saml2int\"");
    assert_eq!((alone.name_id_format, alone.name_id_force), (transient.clone(), true));
    let last = policy("name_id_force = false\nprofile = \"saml2int\"");
    assert_eq!((last.name_id_format, last.name_id_force), (transient, false));
    let by_default =
        Policy::parse_with(Path::new("metadata/sp.toml"), "sign = \"response\"", Some(Profile::Saml2int));
    let by_default = by_default.unwrap().policy;
    assert_eq!((by_default.profile, by_default.sign), (Some(Profile::Saml2int), Sign::Response));
    assert!(Profile::deviations(&by_default).is_empty());
    assert_eq!(Profile::deviations(&policy("sign = \"assertion\"\nprofile = \"saml2int\""))[0].0, "sign");
    assert!(Profile::deviations(&policy("sign = \"assertion\"")).is_empty());
}

#[test]
fn an_entity_of_an_aggregate_may_have_a_profile_of_its_own() {
    let text = "sign = \"response\"\nsend_attributes = false\n[\"https://a.example\"]\nprofile = \"saml2int\"\n\
                sign = \"both\"\n[\"https://b.example\"]\necp = true";
    let file = parse(text).unwrap();
    let [a, b] = ["https://a.example", "https://b.example"].map(|id| &file.by_entity[id].policy);
    let saml2int = Profile::policy(Some(Profile::Saml2int));
    assert_eq!(*a, Policy { sign: Sign::Both, send_attributes: false, ..saml2int });
    let none = Policy { sign: Sign::Response, send_attributes: false, ecp: true, ..Policy::default() };
    assert_eq!(*b, none);
    let faults = parse("sign = \"bth\"\n[\"https://a.example\"]\nprofile = \"saml2int\"").unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
}

/// SDP-IDP11.
#[test]
fn the_profile_encrypts() {
    assert_eq!(Profile::policy(Some(Profile::Saml2int)).encrypt, Encrypt::Always);
}

#[test]
fn the_2_0_spellings_of_1_1_formats_are_aliases() {
    let file = parse("name_id_format = \"urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress\"").unwrap();
    let email = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    assert_eq!(file.policy.name_id_format.as_deref(), Some(email));
}
