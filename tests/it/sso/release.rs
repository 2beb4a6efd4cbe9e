//! What leaves: the filters of all levels, the release list, who may use an SP at all, and the ancestor's example.

use std::collections::BTreeMap;

use sekisho::clock::SignedDuration;
use toml::Value;

use super::{Case, PERSISTENT, TRANSIENT, assert_refused};
use crate::support::app::sign_in;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::html::Page;
use crate::support::slapd::{PASSWORD, Slapd};
use crate::support::sp::{Received, Sp, percent, redirect};

/// Signs in at the SP with this policy and gives what it received.
async fn received(folder: Folder, sp: Sp, policy: &str) -> Received {
    let mut case = Case::of(folder, sp, policy);
    case.sign_in_first().await;
    let request = case.ask();
    let page = case.send(&request).await;
    let received = case.accept(&page, &request);
    let issued = case.events("assertion_issued").pop().unwrap();
    let named: Vec<&str> =
        issued["attributes"].as_array().unwrap().iter().filter_map(|n| n.as_str()).collect();
    let mut held: Vec<String> = named.into_iter().map(str::to_owned).collect();
    held.sort();
    assert_eq!(held, received.attribute_names(), "the audit names what left");
    received
}

#[tokio::test]
async fn nothing_leaves_that_nobody_asked_for() {
    let plain = || (Folder::new(), Sp::new("app"));
    let (folder, sp) = plain();
    let nothing = received(folder, sp, "").await;
    assert!(nothing.response.at("Assertion/AttributeStatement").is_none());
    assert_eq!(nothing.name_id().0, TRANSIENT);
    for secret in [TANAKA.0, "田中", "example.jp", "Osaka", "argon2"] {
        assert!(!nothing.xml.contains(secret), "{secret}: {}", nothing.xml);
    }
    // A filter that adds or renames is no wish to have anything.
    let (folder, sp) = plain();
    let add = "[[authproc]]\npriority = 1\nfilter = \"AttributeAdd\"\nadd = { tier = [\"gold\"] }";
    assert!(received(folder, sp, add).await.attributes().is_empty());
    let (folder, sp) = plain();
    let switched_off = "attributes = [\"uid\"]\nsend_attributes = false";
    assert!(received(folder, sp, switched_off).await.response.at("Assertion/AttributeStatement").is_none());
}

#[tokio::test]
async fn the_list_in_force_is_the_policys_then_the_metadatas_then_our_own() {
    let mut sp = Sp::new("app");
    sp.requested_attributes = vec!["mail".to_owned(), "displayName".to_owned()];
    let folder = || {
        let mut folder = Folder::new();
        folder.set("saml.attributes", vec!["ou", "uid"]);
        folder
    };
    let policy = "attributes = [\"uid\", \"absent\"]";
    assert_eq!(received(folder(), sp.clone(), policy).await.attribute_names(), ["uid"]);
    assert_eq!(received(folder(), sp.clone(), "").await.attribute_names(), ["displayName", "mail"]);
    sp.requested_attributes.clear();
    assert_eq!(received(folder(), sp, "").await.attribute_names(), ["ou", "uid"]);
    let own = "[[authproc]]\npriority = 1\nfilter = \"AttributeLimit\"\nattributes = [\"mail\"]";
    assert_eq!(received(Folder::new(), Sp::new("app"), own).await.attribute_names(), ["mail"]);
}

#[tokio::test]
async fn one_attribute_has_all_its_values_and_the_format_of_its_name() {
    let policy = "attributes = [\"ou\", \"urn:oid:2.5.4.10\"]\n[[authproc]]\npriority = 1\nfilter = \"AttributeAdd\"\n\
                  add = { \"urn:oid:2.5.4.10\" = [\"</saml:AttributeValue><x>\"] }";
    let got = received(Folder::new(), Sp::new("app"), policy).await;
    assert_eq!(got.attributes()["ou"], ["Sales", "Osaka"]);
    assert_eq!(got.attributes()["urn:oid:2.5.4.10"], ["</saml:AttributeValue><x>"]);
    let format = |received: &Received, name: &str| {
        let statement = received.assertion("AttributeStatement");
        let attribute = statement.all("Attribute").find(|a| a.attribute("Name") == Some(name)).unwrap();
        attribute.attribute("NameFormat").unwrap_or_default().rsplit(':').next().unwrap().to_owned()
    };
    assert_eq!(format(&got, "ou"), "basic");
    assert_eq!(format(&got, "urn:oid:2.5.4.10"), "uri");
    let forced = format!("attribute_name_format = \"unspecified\"\n{policy}");
    assert_eq!(format(&received(Folder::new(), Sp::new("app"), &forced).await, "ou"), "unspecified");
}

/// The configuration of the IdP that sekisho descends from: uid or sAMAccountName is the id at the SP, an attribute with
/// a fixed value goes along, the limit lets through what the SP lists, and the NameID is that id.
const ANCESTOR: &str = r#"
name_id_format = "persistent"
name_id_attribute = "seciosssystemid"
attributes = ["seciosssystemid", "seciossallowedservice"]

[[authproc]]
priority = 50
filter = "AttributeMap"
map = { uid = "seciosssystemid", sAMAccountName = "seciosssystemid" }

[[authproc]]
priority = 60
filter = "AttributeAdd"
add = { seciossallowedservice = [""] }
replace = false

[[authproc]]
priority = 100
filter = "AttributeLimit"
"#;

#[tokio::test]
async fn the_ancestors_example_works_from_end_to_end() {
    let expect = |id: &str| -> BTreeMap<String, Vec<String>> {
        [("seciosssystemid", id), ("seciossallowedservice", "")]
            .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
            .into()
    };
    let got = received(Folder::new(), Sp::new("app"), ANCESTOR).await;
    assert_eq!(got.attributes(), expect(TANAKA.0));
    assert_eq!(got.name_id(), (PERSISTENT, TANAKA.0));
    // An entry of Active Directory has sAMAccountName.
    let folder = Folder::new();
    let people = folder.read("people.toml").replace("uid = [\"tanaka\"]", "sAMAccountName = [\"TANAKA01\"]");
    folder.write_secret("people.toml", &people);
    let got = received(folder, Sp::new("app"), ANCESTOR).await;
    assert_eq!(got.attributes(), expect("TANAKA01"));
    assert_eq!(got.name_id(), (PERSISTENT, "TANAKA01"));
}

#[tokio::test]
async fn filters_of_three_levels_run_by_their_numbers() {
    let mut folder = Folder::new();
    let add = |priority: i64, value: &str| -> Value {
        let text =
            format!("priority = {priority}\nfilter = \"AttributeAdd\"\nadd = {{ order = [\"{value}\"] }}\n");
        Value::Table(text.parse().unwrap())
    };
    folder.set("authproc", vec![add(10, "global"), add(40, "global-late")]);
    folder.set("saml.authproc", vec![add(20, "idp")]);
    let policy = "attributes = [\"order\"]\n[[authproc]]\npriority = 30\nfilter = \"AttributeAdd\"\nadd = { order = [\"sp\"] }\n\
                  [[authproc]]\npriority = 5\nfilter = \"AttributeAdd\"\nadd = { order = [\"sp-early\"] }";
    let got = received(folder, Sp::new("app"), policy).await;
    assert_eq!(got.attributes()["order"], ["sp-early", "global", "idp", "sp", "global-late"]);
}

#[tokio::test]
async fn what_a_filter_demands_of_a_person_is_told_to_the_sp() {
    let demand = "attributes = [\"uid\"]\n[[authproc]]\npriority = 1\nfilter = \"Cardinality\"\n\
                  cardinality = { ou = [1] }";
    let case = Case::new(demand);
    let (mut tanaka, mut suzuki) = (Browser::new(), Browser::new());
    assert!(visit(&case, &mut tanaka, TANAKA).await.body.contains("SAMLResponse"));
    let request = case.ask();
    let page = suzuki.open(&redirect(&case.sso(), &request.xml(), None)).await;
    let page = sign_in(&mut suzuki, &page, SUZUKI).await;
    assert_eq!(case.status(&page, &request), ["Responder", "RequestDenied"]);
    assert!(!case.received(&page).xml.contains("ou has"), "the SP is not told what the person lacks");
    let refused = case.events("request_refused").pop().unwrap();
    assert!(
        refused["reason"].as_str().unwrap().ends_with("ou has 0 values, 1 or more are needed"),
        "{refused}"
    );
    assert_eq!(case.events("assertion_issued").len(), 1);
}

#[tokio::test]
async fn a_filter_that_cannot_be_judged_lets_nobody_through() {
    let torn = "attributes = [\"displayName\"]\n[[authproc]]\npriority = 1\nfilter = \"AttributeAlter\"\n\
                subject = \"displayName\"\npattern = '/^./'\nreplacement = ''";
    let case = Case::new(torn);
    let page = visit(&case, &mut Browser::new(), TANAKA).await;
    assert_refused(&page, 503, "SK-UNAVAILABLE");
    let refused = case.events("request_refused").pop().unwrap();
    assert!(refused["reason"].as_str().unwrap().contains("AttributeAlter cannot be evaluated"), "{refused}");
    assert!(case.events("assertion_issued").is_empty());
}

/// What the person gets at the SP, by Redirect.
async fn visit(case: &Case, browser: &mut Browser, person: (&str, &str)) -> Page {
    let request = case.ask();
    let page = browser.open(&redirect(&case.sso(), &request.xml(), None)).await;
    if page.url.path() == "/login" { sign_in(browser, &page, person).await } else { page }
}

#[tokio::test]
async fn who_may_not_use_an_sp_gets_a_clear_page_and_the_sp_nothing() {
    let case = Case::new("allow = [\"user:Tanaka\"]");
    let (mut tanaka, mut suzuki) = (Browser::new(), Browser::new());
    let page = visit(&case, &mut tanaka, TANAKA).await;
    assert!(page.body.contains("SAMLResponse"));
    for _ in 0..2 {
        let page = visit(&case, &mut suzuki, SUZUKI).await;
        assert_refused(&page, 403, "SK-NOT-ALLOWED");
        assert!(page.all_text().contains("The app application"), "it names the SP: {}", page.all_text());
        assert!(page.all_text().contains("may not use this application"), "{}", page.all_text());
    }
    let init = case.url(&format!("/saml/sso/init?sp={}", percent(&case.sp.entity_id)));
    assert_refused(&suzuki.open(&init).await, 403, "SK-NOT-ALLOWED");
    let refused = case.events("request_refused");
    assert_eq!(refused.len(), 3);
    for event in refused {
        assert_eq!(
            (&event["code"], &event["sp.entity_id"]),
            (&"SK-NOT-ALLOWED".into(), &"https://app.test/metadata".into())
        );
        assert!(event["reason"].as_str().unwrap().contains("suzuki"), "{event}");
    }
    let issued = case.events("assertion_issued");
    assert!(issued.iter().all(|event| event["login"] == TANAKA.0) && issued.len() == 1);
}

#[tokio::test]
async fn allow_asks_the_directory_for_groups_and_refuses_when_it_cannot() {
    let folder = Folder::new();
    let groups = "memberOf = [\"CN=Sales,DC=example,DC=jp\"], uid = [\"tanaka\"]";
    folder.write_secret("people.toml", &folder.read("people.toml").replace("uid = [\"tanaka\"]", groups));
    let policy = "allow = [\"group:cn=sales,dc=example,dc=jp\"]";
    let mut case = Case::of(folder, Sp::new("app"), policy);
    let (mut tanaka, mut suzuki) = (Browser::new(), Browser::new());
    assert!(visit(&case, &mut tanaka, TANAKA).await.body.contains("SAMLResponse"));
    assert_refused(&visit(&case, &mut suzuki, SUZUKI).await, 403, "SK-NOT-ALLOWED");
    // The directory that the person came from is gone: nobody knows whether they may.
    let directories = case.folder.config["directory"].as_array_mut().unwrap();
    directories[0].as_table_mut().unwrap().insert("name".to_owned(), "renamed".into());
    case.restart();
    assert_refused(&visit(&case, &mut tanaka, TANAKA).await, 503, "SK-UNAVAILABLE");
    assert!(case.events("assertion_issued").is_empty());
}

#[tokio::test]
async fn groups_and_what_a_search_finds_are_released_and_nothing_where_the_directory_cannot_say() {
    let mut slapd = Slapd::start();
    let mut folder = Folder::new();
    folder.add_directory(&Slapd::directory(&[&slapd]));
    folder.write_secret("people.toml", "");
    let policy = "attributes = [\"groups\", \"colleagues\"]\n\
                  [[authproc]]\npriority = 10\nfilter = \"AttributeAddUsersGroups\"\nreturn = \"cn\"\n\
                  [[authproc]]\npriority = 20\nfilter = \"AttributeMap\"\nmap = { groups = \"all\" }\n\
                  [[authproc]]\npriority = 30\nfilter = \"AttributeAddFromLDAP\"\nattributes = { colleagues = \"uid\" }\n\
                  search_filter = \"(&(objectClass=inetOrgPerson)(mail=twin@*)(!(uid=%uid%)))\"\n\
                  [[authproc]]\npriority = 40\nfilter = \"AttributeMap\"\nmap = { all = \"groups\" }";
    let case = Case::of(folder, Sp::new("app"), policy);
    let (mut tanaka, mut other) = (Browser::new(), Browser::new());
    let person = ("tanaka", PASSWORD);
    let got = case.received(&visit(&case, &mut tanaka, person).await);
    let mut groups = got.attributes()["groups"].clone();
    groups.sort();
    assert_eq!(groups, ["circle", "eng-all", "eng-core", "unique"], "nested ones too");
    assert_eq!(got.attributes()["colleagues"], ["suzuki", "yoshida"]);
    let page = visit(&case, &mut other, ("u0", "Passw0rd!0")).await;
    assert_eq!(
        case.received(&page).attribute_names(),
        ["colleagues"],
        "who is in no group has no such attribute"
    );
    // What was answered a short time ago still holds; of somebody else nothing is known.
    slapd.stop();
    let again = case.received(&visit(&case, &mut tanaka, person).await);
    assert_eq!(again.attributes(), got.attributes());
    case.clock.advance(SignedDuration::from_mins(40));
    let again = case.received(&visit(&case, &mut tanaka, person).await);
    assert_eq!(again.attributes(), got.attributes());
    case.clock.advance(SignedDuration::from_mins(21));
    assert_refused(&visit(&case, &mut tanaka, person).await, 503, "SK-UNAVAILABLE");
    let refused = case.events("request_refused").pop().unwrap();
    assert!(refused["reason"].as_str().unwrap().starts_with("cannot ask directory \"corp\""), "{refused}");
}
