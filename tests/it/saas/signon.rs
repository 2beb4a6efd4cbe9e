//! One sign-on to each SaaS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::drop_into;
use crate::faults::fake_directory;
use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::fake_ldap::{Attributes, Conduct, FakeLdap};
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::judges::{self, Signed};
use crate::support::request::AuthnRequest;
use crate::support::sp::{Received, Sp, percent, post, redirect};
use crate::support::test_app::TestApp;

const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
const NO_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";

/// Octets that no text holds, whose base64 has `+` and `/` in it.
const GUID: &[u8] = b"\xfb\xef\xbe\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xff\xff\xfe";

/// Where the account was moved from another forest, this one stays. All of it is ASCII.
const CONSISTENCY_GUID: &[u8] = b"ABCDEFGHIJKLMNOP";

/// A person as Active Directory has them.
const YAMADA: Attributes = &[
    ("sAMAccountName", &[b"yamada"]),
    ("userPrincipalName", &[b"yamada@Example.co.jp"]),
    ("mail", &[b"yamada@example.co.jp"]),
    ("displayName", &["山田 花子".as_bytes()]),
    ("sn", &["山田".as_bytes()]),
    ("givenName", &["花子".as_bytes()]),
    ("objectGUID", &[GUID]),
    ("mS-DS-ConsistencyGuid", &[CONSISTENCY_GUID]),
    (
        "memberOf",
        &[
            b"CN=AWS-123456789012-Admin,OU=AWS,DC=example,DC=co,DC=jp",
            b"CN=Sales,OU=Groups,DC=example,DC=co,DC=jp",
            b"CN=AWS-123456789012-ReadOnly,OU=AWS,DC=example,DC=co,DC=jp",
            "CN=経理,OU=Groups,DC=example,DC=co,DC=jp".as_bytes(),
        ],
    ),
];

/// How the sign-on begins.
enum Start {
    /// A request by Redirect that asks for this NameID format.
    Redirect(Option<&'static str>),
    /// The same by POST.
    Post(Option<&'static str>),
    /// At the IdP.
    Here,
}

/// The text of a NameID.
enum Value {
    Of(&'static str),
    /// It tells nothing, and is different at every IdP.
    Computed,
}

/// What the vendor's documents ask for.
struct Wanted {
    fixture: &'static str,
    /// The Issuer of the vendor's requests.
    issuer: &'static str,
    start: Start,
    audience: &'static str,
    acs: &'static str,
    name_id: (&'static str, Value),
    /// Name, NameFormat and values.
    attributes: Vec<(&'static str, &'static str, Vec<&'static str>)>,
    /// The Issuer, if it is not the IdP's entityID.
    idp: Option<&'static str>,
    /// A word of the TOML that an admin may replace by another.
    instead: Option<(&'static str, &'static str)>,
}

impl Wanted {
    async fn sign_on(&self) -> Received {
        let fake = FakeLdap::start(Conduct::Password("sakura"), Conduct::Entry(YAMADA)).await;
        let mut folder = Folder::new();
        folder.add_directory(&fake_directory(&[&fake]));
        drop_into(&folder, Some(self.fixture));
        if let Some((word, other)) = self.instead {
            let policy = format!("metadata/{}.toml", self.fixture);
            folder.write(&policy, &folder.read(&policy).replace(word, other));
        }
        let app = TestApp::start(folder);
        let mut browser = Browser::new();
        let request = match self.start {
            Start::Redirect(format) | Start::Post(format) => Some(AuthnRequest {
                name_id_format: format.map(str::to_owned),
                issue_instant: app.instant(sekisho::clock::SignedDuration::ZERO),
                ..AuthnRequest::new(self.issuer)
            }),
            Start::Here => None,
        };
        let page = self.begin(&mut browser, &app, request.as_ref()).await;
        assert_eq!((page.status, page.url.path()), (200, "/login"), "{}", page.body);
        let page = sign_in(&mut browser, &page, ("yamada", "sakura")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        // A browser writes an address without a path in its own way.
        let action = reqwest::Url::parse(self.acs).unwrap().to_string();
        let sp = Sp { entity_id: self.audience.to_owned(), acs: vec![action], ..Sp::new("saas") };
        let mut received = sp.receive(&page);
        self.acs.clone_into(&mut received.acs);
        let in_response_to = request.as_ref().map(|request| request.id.as_str());
        received.verify(&sp, in_response_to, &app.folder.idp.certificate_pem());
        let idp = self.idp.map_or_else(|| app.folder.entity_id(), str::to_owned);
        assert_eq!(received.response.child("Issuer").unwrap().text, idp);
        assert_eq!(received.assertion("Issuer").text, idp);
        received
    }

    async fn begin(&self, browser: &mut Browser, app: &TestApp, request: Option<&AuthnRequest>) -> Page {
        match (&self.start, request) {
            (Start::Redirect(_), Some(request)) => {
                browser.open(&redirect(&app.sso(), &request.xml(), Some("/where"))).await
            }
            (Start::Post(_), Some(request)) => {
                let navigation = Navigation::to(&app.sso()).post(&post(&request.xml(), Some("/where")));
                browser.navigate(navigation).await
            }
            _ => browser.open(&app.url(&format!("/saml/sso/init?sp={}", percent(self.issuer)))).await,
        }
    }

    /// Signs on, and compares all that an SP would read.
    async fn holds(&self) -> Received {
        let received = self.sign_on().await;
        assert_eq!(judges::signed(&received.xml), Signed::Both, "{}", received.xml);
        match (received.name_id(), &self.name_id) {
            ((format, computed), (wanted, Value::Computed)) => {
                assert_eq!((format, computed.len()), (*wanted, 52), "256 bits in base32: {computed}");
            }
            (got, (format, Value::Of(value))) => assert_eq!(got, (*format, *value)),
        }
        let statement = received.response.at("Assertion/AttributeStatement");
        let got: Vec<(String, String, Vec<String>)> = statement
            .into_iter()
            .flat_map(|statement| statement.all("Attribute"))
            .map(|attribute| {
                let value = |name: &str| attribute.attribute(name).unwrap_or_default().to_owned();
                let values = attribute.all("AttributeValue").map(|value| value.text.clone()).collect();
                (value("Name"), value("NameFormat"), values)
            })
            .collect();
        let wanted: Vec<(String, String, Vec<String>)> = self
            .attributes
            .iter()
            .map(|(name, format, values)| {
                let values = values.iter().map(ToString::to_string).collect();
                ((*name).to_owned(), (*format).to_owned(), values)
            })
            .collect();
        assert_eq!(got, wanted, "{}", received.xml);
        received
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn microsoft_365() {
    let mut wanted = Wanted {
        fixture: "microsoft365",
        issuer: "urn:federation:MicrosoftOnline",
        start: Start::Post(Some(PERSISTENT)),
        audience: "urn:federation:MicrosoftOnline",
        acs: "https://login.microsoftonline.com/login.srf",
        name_id: (PERSISTENT, Value::Of("++++ABEiM0RVZneImf///g==")),
        attributes: vec![("IDPEmail", BASIC, vec!["yamada@Example.co.jp"])],
        idp: Some("https://idp.example.co.jp/saml/example.co.jp"),
        instead: None,
    };
    let received = wanted.holds().await;
    assert_eq!(STANDARD.decode(received.name_id().1).unwrap(), GUID);
    let qualifier = received.assertion("Subject/NameID").attribute("NameQualifier");
    assert_eq!(qualifier, wanted.idp, "the name is of the IdP that the domain knows");
    wanted.instead = Some(("objectGUID", "mS-DS-ConsistencyGuid"));
    wanted.name_id = (PERSISTENT, Value::Of("QUJDREVGR0hJSktMTU5PUA=="));
    wanted.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_workspace() {
    for issuer in ["google.com/a/example.co.jp", "google.com"] {
        let wanted = Wanted {
            fixture: "google",
            issuer,
            start: Start::Redirect(Some(UNSPECIFIED)),
            audience: "google.com/a/example.co.jp",
            acs: "https://www.google.com/a/example.co.jp/acs",
            name_id: (EMAIL, Value::Of("yamada@example.co.jp")),
            attributes: vec![],
            idp: None,
            instead: None,
        };
        let received = wanted.holds().await;
        assert_eq!(received.relay_state.as_deref(), Some("/where"));
        assert!(received.xml.is_ascii(), "Google refuses what is beyond ASCII");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn salesforce() {
    let wanted = Wanted {
        fixture: "salesforce",
        issuer: "https://example.my.salesforce.com",
        start: Start::Here,
        audience: "https://example.my.salesforce.com",
        acs: "https://example.my.salesforce.com?so=00D28000000abcd",
        name_id: (UNSPECIFIED, Value::Of("yamada@Example.co.jp")),
        attributes: vec![],
        idp: None,
        instead: None,
    };
    wanted.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aws() {
    let wanted = Wanted {
        fixture: "aws",
        issuer: "urn:amazon:webservices",
        start: Start::Here,
        audience: "urn:amazon:webservices",
        acs: "https://signin.aws.amazon.com/saml",
        name_id: (PERSISTENT, Value::Computed),
        attributes: vec![
            ("https://aws.amazon.com/SAML/Attributes/RoleSessionName", URI, vec!["yamada@Example.co.jp"]),
            (
                "https://aws.amazon.com/SAML/Attributes/Role",
                URI,
                vec![
                    "arn:aws:iam::123456789012:role/Admin,arn:aws:iam::123456789012:saml-provider/sekisho",
                    "arn:aws:iam::123456789012:role/ReadOnly,arn:aws:iam::123456789012:saml-provider/sekisho",
                    "arn:aws:iam::210987654321:role/Billing,arn:aws:iam::210987654321:saml-provider/sekisho",
                ],
            ),
            ("https://aws.amazon.com/SAML/Attributes/SessionDuration", URI, vec!["28800"]),
        ],
        idp: None,
        instead: None,
    };
    let received = wanted.holds().await;
    assert!(!received.xml.contains("CN="), "no group leaves by its own name");
}

#[tokio::test(flavor = "multi_thread")]
async fn seciosslink() {
    let wanted = Wanted {
        fixture: "seciosslink",
        issuer: "https://slink.secioss.com/example",
        start: Start::Redirect(None),
        audience: "https://slink.secioss.com/example",
        acs: "https://slink.secioss.com/acs",
        name_id: (PERSISTENT, Value::Of("yamada")),
        attributes: vec![
            ("seciosssystemid", BASIC, vec!["yamada"]),
            ("seciossallowedservice", BASIC, vec![""]),
        ],
        idp: None,
        instead: None,
    };
    wanted.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kintone_and_garoon() {
    for format in [None, Some(UNSPECIFIED)] {
        let wanted = Wanted {
            fixture: "kintone",
            issuer: "https://example.cybozu.com",
            start: Start::Redirect(format),
            audience: "https://example.cybozu.com",
            acs: "https://example.cybozu.com/saml/acs",
            name_id: (UNSPECIFIED, Value::Of("yamada")),
            attributes: vec![],
            idp: None,
            instead: None,
        };
        wanted.holds().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zoom() {
    for issuer in ["https://example.zoom.us", "example.zoom.us"] {
        let wanted = Wanted {
            fixture: "zoom",
            issuer,
            start: Start::Redirect(None),
            audience: "https://example.zoom.us",
            acs: "https://example.zoom.us/saml/SSO",
            name_id: (EMAIL, Value::Of("yamada@example.co.jp")),
            attributes: vec![
                ("urn:oid:0.9.2342.19200300.100.1.3", URI, vec!["yamada@example.co.jp"]),
                ("urn:oid:2.5.4.4", URI, vec!["山田"]),
                ("urn:oid:2.5.4.42", URI, vec!["花子"]),
            ],
            idp: None,
            instead: None,
        };
        wanted.holds().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slack() {
    let wanted = Wanted {
        fixture: "slack",
        issuer: "https://slack.com",
        start: Start::Redirect(Some(PERSISTENT)),
        audience: "https://slack.com",
        acs: "https://example.slack.com/sso/saml",
        name_id: (PERSISTENT, Value::Computed),
        attributes: vec![
            ("User.Username", NO_FORMAT, vec!["yamada"]),
            ("User.Email", NO_FORMAT, vec!["yamada@example.co.jp"]),
            ("last_name", NO_FORMAT, vec!["山田"]),
            ("first_name", NO_FORMAT, vec!["花子"]),
        ],
        idp: None,
        instead: None,
    };
    let received = wanted.holds().await;
    let name_id = received.assertion("Subject/NameID");
    assert_eq!(name_id.attribute("SPNameQualifier"), Some("https://slack.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn box_net() {
    let wanted = Wanted {
        fixture: "box",
        issuer: "box.net",
        start: Start::Redirect(None),
        audience: "box.net",
        acs: "https://sso.services.box.net/sp/ACS.saml2",
        name_id: (EMAIL, Value::Of("yamada@example.co.jp")),
        attributes: vec![
            ("mail", BASIC, vec!["yamada@example.co.jp"]),
            ("sn", BASIC, vec!["山田"]),
            ("givenName", BASIC, vec!["花子"]),
        ],
        idp: None,
        instead: None,
    };
    wanted.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freee() {
    let wanted = Wanted {
        fixture: "freee",
        issuer: "https://freee.example/entity-id",
        start: Start::Redirect(Some(EMAIL)),
        audience: "https://freee.example/entity-id",
        acs: "https://freee.example/acs",
        name_id: (EMAIL, Value::Of("yamada@example.co.jp")),
        attributes: vec![],
        idp: None,
        instead: None,
    };
    wanted.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn smarthr() {
    let wanted = Wanted {
        fixture: "smarthr",
        issuer: "https://example.smarthr.jp/external_saml/metadata",
        start: Start::Redirect(Some(UNSPECIFIED)),
        audience: "https://example.smarthr.jp/external_saml/metadata",
        acs: "https://example.smarthr.jp/external_saml/acs",
        name_id: (UNSPECIFIED, Value::Of("yamada@Example.co.jp")),
        attributes: vec![],
        idp: None,
        instead: None,
    };
    wanted.holds().await;
}
