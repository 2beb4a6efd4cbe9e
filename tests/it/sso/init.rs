//! `GET /saml/sso/init`: a sign-on that begins here, and the other names of an SP.

use super::{Case, assert_refused};
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::sp::{Received, Sp, percent};

impl Case {
    fn init(&self, query: &str) -> String {
        self.url(&format!("/saml/sso/init?{query}"))
    }

    /// The address for this case's SP, with this RelayState as it stands in the query.
    fn init_with(&self, relay_state: Option<&str>) -> String {
        let relay_state = relay_state.map(|raw| format!("&RelayState={raw}")).unwrap_or_default();
        self.init(&format!("sp={}{relay_state}", percent(&self.sp.entity_id)))
    }

    fn unsolicited(&self, page: &Page) -> Received {
        let received = self.received(page);
        received.verify(&self.sp, None, &self.folder.idp.certificate_pem());
        assert!(!received.xml.contains("InResponseTo"), "{}", received.xml);
        received
    }
}

#[tokio::test]
async fn a_link_begins_a_sign_on_with_and_without_a_session() {
    let mut case = Case::new("attributes = [\"uid\"]");
    for parameter in ["sp", "spentityid"] {
        let query =
            format!("{parameter}={}&RelayState=%2Fdeep%3Fa%3Db%2B%E7%94%B0", percent(&case.sp.entity_id));
        let page = case.browser.open(&case.init(&query)).await;
        let page = if parameter == "sp" { case.enter(&page).await } else { page };
        let received = case.unsolicited(&page);
        assert_eq!(received.relay_state.as_deref(), Some("/deep?a=b+田"));
        assert_eq!(received.attributes()["uid"], ["tanaka"]);
    }
    let issued = case.events("assertion_issued");
    assert!(issued.len() == 2 && issued.iter().all(|event| event.get("in_response_to").is_none()));
    let home = case.browser.open(&case.url("/")).await;
    let link = home.link("ul.applications a").expect("the application on the start page");
    assert_eq!(link, case.init_with(None));
    let page = case.browser.open(&link).await;
    assert_eq!(case.unsolicited(&page).relay_state, None);
}

#[tokio::test]
async fn the_policy_gives_a_relay_state_where_the_link_has_none() {
    let mut case = Case::signed_in("relay_state = \"https://app.test/start\"").await;
    let page = case.browser.open(&case.init_with(None)).await;
    assert_eq!(case.unsolicited(&page).relay_state.as_deref(), Some("https://app.test/start"));
    let page = case.browser.open(&case.init_with(Some("other"))).await;
    assert_eq!(case.unsolicited(&page).relay_state.as_deref(), Some("other"));
    // What an SP asks for is not ours to add to.
    let request = case.ask();
    let page = case.send(&request).await;
    assert_eq!(case.accept(&page, &request).relay_state, None);
}

#[tokio::test]
async fn a_relay_state_can_be_bound_to_prefixes() {
    let policy = "relay_state_prefixes = [\"https://app.test/\", \"ss:\"]\nrelay_state = \"elsewhere\"";
    let mut case = Case::signed_in(policy).await;
    for fine in ["https%3A%2F%2Fapp.test%2Fx", "ss:mem:1"] {
        let page = case.browser.open(&case.init_with(Some(fine))).await;
        case.unsolicited(&page);
    }
    for foreign in [
        "https%3A%2F%2Fapp.test.evil.test%2F",
        "https%3A%2F%2Fapp.test",
        "HTTPS%3A%2F%2Fapp.test%2F",
        "https%3A%2F%2Fevil.test%2F%3Fhttps%3A%2F%2Fapp.test%2F",
        "x",
    ] {
        let page = case.browser.open(&case.init_with(Some(foreign))).await;
        assert_refused(&page, 400, "SK-RELAYSTATE");
    }
    let page = case.browser.open(&case.init_with(None)).await;
    assert_eq!(case.unsolicited(&page).relay_state.as_deref(), Some("elsewhere"), "the admin's own word");
    for control in ["a%0Ab", "%00", &"x".repeat(8193)] {
        let page = case.browser.open(&case.init_with(Some(control))).await;
        assert_refused(&page, 400, "SK-RELAYSTATE");
    }
}

#[tokio::test]
async fn nobody_unknown_is_sent_anything() {
    let mut case = Case::signed_in("").await;
    let page = case.browser.open(&case.init("sp=https%3A%2F%2Fevil.test%2F%3Cb%3E")).await;
    assert_refused(&page, 400, "SK-UNKNOWN-SP");
    assert!(!page.body.contains("evil.test"), "{}", page.body);
    let event = case.events("request_refused").pop().unwrap();
    assert_eq!(event["reason"], "Unable to locate metadata for https://evil.test/<b>");
    assert_eq!(event["sp.entity_id"], "https://evil.test/<b>");
    let twice = format!("sp={0}&sp={0}", percent(&case.sp.entity_id));
    for query in ["", "sp=", "RelayState=x", &twice] {
        let page = case.browser.open(&case.init(query)).await;
        assert_refused(&page, 400, "SK-FORM");
    }
}

#[tokio::test]
async fn an_sp_answers_to_its_aliases() {
    let policy =
        "entity_id_aliases = [\"app\", \"https://app.test/old\"]\naudience = [\"urn:one\", \"urn:two\"]";
    let mut case = Case::signed_in(policy).await;
    let mut request = case.ask();
    request.issuer = Some("https://app.test/old".to_owned());
    let page = case.send(&request).await;
    let received = case.received(&page);
    let audience: Vec<_> = received
        .assertion("Conditions/AudienceRestriction")
        .all("Audience")
        .map(|audience| audience.text.clone())
        .collect();
    assert_eq!(audience, ["urn:one", "urn:two"]);
    let page = case.browser.open(&case.init("sp=app")).await;
    assert_eq!(case.received(&page).acs, case.sp.acs[0]);
}

#[tokio::test]
async fn an_sp_without_xml_is_its_toml_alone() {
    let folder = Folder::new();
    let text = "entity_id = \"urn:saas\"\nacs = [\"https://saas.test/acs\"]\nname = \"SaaS\"\nattributes = [\"mail\"]";
    folder.write("metadata/saas.toml", text);
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sp.entity_id = "urn:saas".to_owned();
    case.sp.acs = vec!["https://saas.test/acs".to_owned()];
    let page = case.browser.open(&case.init_with(None)).await;
    assert!(page.all_text().contains("SaaS"), "{}", page.all_text());
    let page = case.enter(&page).await;
    assert_eq!(case.unsolicited(&page).attributes()["mail"], ["tanaka@example.jp"]);
}
