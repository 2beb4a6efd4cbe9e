//! How a person is named beyond the plain formats: no NameID at all, subject-id and pairwise-id, affiliations, formats of
//! other systems, and the ids of SimpleSAMLphp.

use sekisho::secret::Secret;

use super::asked::entity_attribute;
use super::{Case, EMAIL, PERSISTENT, TRANSIENT, status};
use crate::faults::fake_directory;
use crate::support::app::sign_in;
use crate::support::fake_ldap::{Conduct, FakeLdap};
use crate::support::folder::{Folder, TANAKA};
use crate::support::request::AuthnRequest;
use crate::support::slapd::{BASE, PASSWORD, Slapd};
use crate::support::sp::{Received, Sp};

const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
const PAIRWISE_ID: &str = "urn:oasis:names:tc:SAML:attribute:pairwise-id";
const REQUIREMENT: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
const WINDOWS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName";
const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos";
const X509: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName";
const GROUP: &str = "https://affiliation.test/metadata";

const REFUSED: [&str; 2] = ["Requester", "InvalidNameIDPolicy"];

impl Case {
    async fn got(&mut self, request: &AuthnRequest) -> Received {
        let page = self.send(request).await;
        self.accept(&page, request)
    }

    async fn refused(&mut self, request: &AuthnRequest) -> Vec<String> {
        let page = self.send(request).await;
        self.status(&page, request)
    }

    fn of_format(&self, format: &str) -> AuthnRequest {
        AuthnRequest { name_id_format: Some(format.to_owned()), ..self.ask() }
    }

    fn of_space(&self, qualifier: &str) -> AuthnRequest {
        AuthnRequest { sp_name_qualifier: Some(qualifier.to_owned()), ..self.of_format(PERSISTENT) }
    }
}

/// Tanaka's entry with these attributes more.
fn with_attributes(attributes: &str) -> Folder {
    let folder = Folder::new();
    let people = folder
        .read("people.toml")
        .replace("uid = [\"tanaka\"]", &format!("uid = [\"tanaka\"], {attributes}"));
    folder.write_secret("people.toml", &people);
    folder
}

#[tokio::test]
async fn an_assertion_may_have_no_name() {
    let mut case = Case::signed_in("name_id_format = \"none\"\nattributes = [\"uid\"]").await;
    let request = case.ask();
    let received = case.got(&request).await;
    let subject = received.assertion("Subject");
    assert!(
        subject.child("NameID").is_none() && subject.child("SubjectConfirmation").is_some(),
        "{}",
        received.xml
    );
    assert_eq!(received.attribute_names(), ["uid"]);
    assert_eq!(case.events("assertion_issued").pop().unwrap()["name_id.format"], "none");
    let request = case.ask();
    let again = case.got(&request).await;
    assert_eq!(again.session_index(), received.session_index(), "one session at the SP");
    let request = case.of_format(PERSISTENT);
    assert_eq!(case.got(&request).await.name_id().0, PERSISTENT, "who asks for a format gets it");
    // It is in the store and comes back from there.
    case.restart();
    let request = case.ask();
    let later = case.got(&request).await;
    assert_eq!(later.session_index(), received.session_index());
    case.policy("name_id_format = \"none\"\nname_id_force = true");
    let request = case.of_format(EMAIL);
    assert!(case.got(&request).await.assertion("Subject").child("NameID").is_none());
    // Who is meant is compared all the same.
    let subject = |case: &Case, name: &str| AuthnRequest { subject: Some(name.to_owned()), ..case.ask() };
    let request = subject(&case, TANAKA.0);
    case.got(&request).await;
    let request = subject(&case, "suzuki");
    assert_eq!(case.refused(&request).await, ["Requester", "UnknownPrincipal"]);
}

#[tokio::test]
async fn subject_ids_go_to_those_who_ask_for_them() {
    let folder = || {
        let mut folder = Folder::new();
        folder.set("saml.scope", "Example.co.jp");
        folder.set("saml.subject_id_attribute", "uid");
        folder
    };
    let mut case = Case::of(folder(), Sp::new("app"), "");
    case.sign_in_first().await;
    let request = case.ask();
    assert!(case.got(&request).await.attribute_names().is_empty(), "nobody asks");
    let mut ids = Vec::new();
    for (said, expected) in [
        ("subject-id", vec![SUBJECT_ID]),
        ("pairwise-id", vec![PAIRWISE_ID]),
        ("any", vec![PAIRWISE_ID]),
        ("none", vec![]),
        ("urn:unheard-of", vec![]),
    ] {
        case.describe(&entity_attribute(REQUIREMENT, said), "");
        let request = case.ask();
        let received = case.got(&request).await;
        assert_eq!(received.attribute_names(), expected, "{said}");
        ids.extend(received.attributes().into_values().flatten());
    }
    assert_eq!(ids[0], "tanaka@example.co.jp");
    assert_eq!(ids[1], ids[2]);
    assert_eq!(ids[1].strip_suffix("@example.co.jp").map(str::len), Some(52), "{}", ids[1]);
    let request = case.of_format(PERSISTENT);
    let persistent = case.got(&request).await.name_id().1.to_owned();
    assert_eq!(ids[1], format!("{persistent}@example.co.jp"), "the same people under either name");
    case.policy(&format!("attributes = [\"{SUBJECT_ID}\", \"mail\"]"));
    case.describe(&entity_attribute(REQUIREMENT, "none"), "");
    let request = case.ask();
    assert_eq!(
        case.got(&request).await.attribute_names(),
        ["mail", SUBJECT_ID],
        "the policy's list is the last word"
    );
    // An RequestedAttribute asks too, but not against what the SP says elsewhere.
    case.folder.remove("metadata/app.toml");
    let asks = format!(
        "<md:AttributeConsumingService index=\"0\"><md:ServiceName xml:lang=\"en\">s</md:ServiceName>\
         <md:RequestedAttribute Name=\"{SUBJECT_ID}\"/><md:RequestedAttribute Name=\"uid\"/></md:AttributeConsumingService>"
    );
    for (said, expected) in [
        (None, vec!["uid", SUBJECT_ID]),
        (Some("pairwise-id"), vec!["uid", PAIRWISE_ID]),
        (Some("none"), vec!["uid"]),
    ] {
        let said = said.map(|said| entity_attribute(REQUIREMENT, said)).unwrap_or_default();
        case.describe(&said, &asks);
        let request = case.ask();
        assert_eq!(case.got(&request).await.attribute_names(), expected, "{said}");
    }
}

#[tokio::test]
async fn a_subject_id_of_another_form_does_not_leave() {
    let mut folder = Folder::new();
    folder.set("saml.scope", "example.co.jp");
    folder.set("saml.subject_id_attribute", "mail");
    let mut case = Case::of(folder, Sp::new("app"), &format!("attributes = [\"{SUBJECT_ID}\", \"uid\"]"));
    case.sign_in_first().await;
    let request = case.ask();
    assert_eq!(case.got(&request).await.attribute_names(), ["uid"]);
}

#[tokio::test]
async fn members_of_an_affiliation_know_a_person_by_one_name() {
    let member = |id: &str| format!("<md:AffiliateMember>{id}</md:AffiliateMember>");
    let affiliation = |members: &str| {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{GROUP}\">\
             <md:AffiliationDescriptor affiliationOwnerID=\"https://owner.test\">{members}</md:AffiliationDescriptor>\
             </md:EntityDescriptor>"
        )
    };
    let folder = Folder::new();
    let second = Sp::new("second");
    folder.register("second", &second, "");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    let request = case.of_space(GROUP);
    assert_eq!(case.refused(&request).await, REFUSED, "nobody knows the affiliation");
    case.folder.write("metadata/affiliation.xml", &affiliation(&member(&case.sp.entity_id)));
    case.reload();
    let request = case.of_space(GROUP);
    let name = case.got(&request).await;
    assert_eq!(name.assertion("Subject/NameID").attribute("SPNameQualifier"), Some(GROUP));
    let of_second = |case: &Case| AuthnRequest {
        sp_name_qualifier: Some(GROUP.to_owned()),
        name_id_format: Some(PERSISTENT.to_owned()),
        ..case.request(&second)
    };
    let request = of_second(&case);
    assert_eq!(case.refused_at(&second, &request).await, REFUSED, "it is no member");
    let both = [member(&case.sp.entity_id), member(&second.entity_id)].concat();
    case.folder.write("metadata/affiliation.xml", &affiliation(&both));
    case.reload();
    let request = of_second(&case);
    let page = case.send(&request).await;
    assert_eq!(second.receive(&page).name_id().1, name.name_id().1);
    let request = case.of_format(PERSISTENT);
    assert_ne!(case.got(&request).await.name_id().1, name.name_id().1, "its own name is another");
    // Two files that say different things about one affiliation.
    case.folder.write("metadata/twin.xml", &affiliation(&member(&case.sp.entity_id)));
    case.reload();
    let request = case.of_space(GROUP);
    assert_eq!(case.refused(&request).await, REFUSED);
    let snapshot = case.app.app().registry.snapshot();
    let said = snapshot.findings().iter().filter(|f| f.message.contains("neither is used")).count();
    assert_eq!(said, 2, "{:?}", snapshot.findings());
}

impl Case {
    async fn refused_at(&mut self, sp: &Sp, request: &AuthnRequest) -> Vec<String> {
        let page = self.send(request).await;
        status(&self.app, sp, &page, request)
    }
}

#[tokio::test]
async fn formats_of_other_systems_are_given_where_the_entry_has_them() {
    let attributes =
        "\"msDS-PrincipalName\" = ['EXAMPLE\\tanaka'], krbPrincipalName = [\"tanaka@EXAMPLE.JP\"]";
    let mut case = Case::of(with_attributes(attributes), Sp::new("app"), "");
    case.sign_in_first().await;
    for (format, expected) in [(WINDOWS, "EXAMPLE\\tanaka"), (KERBEROS, "tanaka@EXAMPLE.JP")] {
        let request = case.of_format(format);
        assert_eq!(case.got(&request).await.name_id(), (format, expected));
    }
    let request = case.of_format(X509);
    assert_eq!(case.refused(&request).await, REFUSED);
    let reason = case.events("request_refused").pop().unwrap()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("X509SubjectName needs the DN"), "{reason}");
    let folder = Folder::new();
    folder.write_secret("people.toml", &folder.read("people.toml").replace("tanaka@example.jp", "tanaka"));
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    let request = case.of_format(EMAIL);
    assert_eq!(case.refused(&request).await, REFUSED);
    let reason = case.events("request_refused").pop().unwrap()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("does not look like an e-mail address"), "{reason}");
}

#[tokio::test]
async fn allow_create_changes_nothing() {
    let mut case = Case::signed_in("").await;
    let mut values = Vec::new();
    for allow_create in [None, Some(false), Some(true)] {
        let request = AuthnRequest { allow_create, ..case.of_format(PERSISTENT) };
        values.push(case.got(&request).await.name_id().1.to_owned());
        let request = AuthnRequest { allow_create, ..case.of_format(TRANSIENT) };
        assert_eq!(case.got(&request).await.name_id().0, TRANSIENT);
    }
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}

#[tokio::test]
async fn people_keep_the_ids_that_simplesamlphp_gave_them() {
    let mut folder = with_attributes("eduPersonPrincipalName = [\"tanaka@example.jp\"]");
    folder.set("saml.persistent_id", "legacy-sha1");
    folder.write_secret("certs/salt", "o9bn3kz4q1\n");
    folder.set("saml.legacy_salt_file", "certs/salt");
    folder.set("saml.legacy_attribute", "eduPersonPrincipalName");
    folder.set("saml.legacy_idp_entity_id", "https://old.test/idp");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    let salt = Secret::new("o9bn3kz4q1".to_owned());
    let expected = sekisho::saml::name_id::legacy_persistent(
        &salt,
        "https://old.test/idp",
        &case.sp.entity_id,
        b"tanaka@example.jp",
    );
    let request = case.of_format(PERSISTENT);
    assert_eq!(case.got(&request).await.name_id(), (PERSISTENT, expected.as_str()));
    // A filter that renames or takes the attribute does not change who somebody is.
    case.policy("[[authproc]]\npriority = 1\nfilter = \"AttributeLimit\"\nattributes = [\"uid\"]");
    let request = case.of_format(PERSISTENT);
    assert_eq!(case.got(&request).await.name_id().1, expected);
    case.policy("name_id_attribute = \"uid\"");
    let request = case.of_format(PERSISTENT);
    assert_eq!(case.got(&request).await.name_id().1, TANAKA.0, "an attribute goes before any computing");
}

#[tokio::test]
async fn an_x509_subject_name_is_the_dn_of_the_entry() {
    let slapd = Slapd::start();
    let mut folder = Folder::new();
    folder.add_directory(&Slapd::directory(&[&slapd]));
    folder.write_secret("people.toml", "");
    let mut case = Case::of(folder, Sp::new("app"), "");
    let request = case.of_format(X509);
    let login = case.send(&request).await;
    let page = sign_in(&mut case.browser, &login, ("tanaka", PASSWORD)).await;
    let dn = format!("uid=tanaka,ou=people,{BASE}");
    assert_eq!(case.accept(&page, &request).name_id(), (X509, dn.as_str()));
    let request = case.of_format(WINDOWS);
    assert_eq!(case.refused(&request).await, REFUSED, "slapd has no sAMAccountName");
}

#[tokio::test]
async fn windows_names_are_of_a_directory_with_one_netbios_name() {
    for (netbios, expected) in [("\"FAKE\"", Some("FAKE\\tanaka")), ("\"FAKE\", \"OTHER\"", None), ("", None)]
    {
        let ldap = FakeLdap::start(Conduct::Well, Conduct::Employee).await;
        let mut folder = Folder::new();
        folder.add_directory(&format!("{}netbios_names = [{netbios}]\n", fake_directory(&[&ldap])));
        folder.write_secret("people.toml", "");
        let mut case = Case::of(folder, Sp::new("app"), "");
        let request = case.of_format(KERBEROS);
        let login = case.send(&request).await;
        let page = sign_in(&mut case.browser, &login, ("tanaka", "any")).await;
        assert_eq!(case.accept(&page, &request).name_id(), (KERBEROS, "tanaka@FAKE"));
        let request = case.of_format(WINDOWS);
        match expected {
            Some(name) => assert_eq!(case.got(&request).await.name_id(), (WINDOWS, name)),
            None => assert_eq!(case.refused(&request).await, REFUSED, "{netbios}"),
        }
    }
}
