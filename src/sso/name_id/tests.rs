//! The table of formats: what each is made of, and what is said where that is not there.

use std::sync::Arc;

use super::*;
use crate::clock::{ManualClock, SeededIds, SignedDuration};
use crate::identity::{AuthnContext, Subject, SubjectId};
use crate::registry::{InMemory, Registry, RegistryOptions};
use crate::saml::uris::subject_id::SUBJECT_ID;
use crate::session::{Beginning, SessionOptions, Sessions};
use crate::store::Store;

const SP: &str = "https://sp.test";
const GROUP: &str = "https://affiliation.test";

/// Service providers by their policies, and an affiliation that has one of them.
const FILES: [(&str, &str); 4] = [
    ("plain.toml", "entity_id = \"https://sp.test\"\nacs = [\"https://sp.test/acs\"]\n"),
    ("other.toml", "entity_id = \"https://other.test\"\nacs = [\"https://other.test/acs\"]\n"),
    (
        "attribute.toml",
        "entity_id = \"https://attribute.test\"\nacs = [\"https://a.test/acs\"]\nname_id_attribute = \"uid\"\n",
    ),
    (
        "affiliation.xml",
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://affiliation.test\">\
         <AffiliationDescriptor affiliationOwnerID=\"https://sp.test\">\
         <AffiliateMember>https://sp.test</AffiliateMember><AffiliateMember>https://attribute.test</AffiliateMember>\
         </AffiliationDescriptor></EntityDescriptor>",
    ),
];

struct World {
    snapshot: Arc<Snapshot>,
    session: Arc<SsoSession>,
    secret: Secret<Vec<u8>>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn of(dn: Option<&str>, attributes: &[(&str, &[&str])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metadata = folder.path().join("metadata");
        std::fs::create_dir(&metadata).unwrap();
        for (name, text) in FILES {
            std::fs::write(metadata.join(name), text).unwrap();
        }
        let clock = Arc::new(ManualClock::at("2026-04-01T09:00:00Z".parse().unwrap()));
        let options = RegistryOptions { folder: metadata, ..RegistryOptions::default() };
        let memory = Arc::new(InMemory::default());
        let registry = Registry::open(options, Arc::clone(&clock) as _, Arc::new(|_| {}), memory).unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("s.db").display())).await.unwrap();
        let options =
            SessionOptions { lifetime: SignedDuration::from_hours(8), idle: SignedDuration::from_hours(8) };
        let sessions = Sessions::new(store, clock, Arc::new(SeededIds::new(1)), options);
        let subject = Subject {
            id: SubjectId { directory: "corp".to_owned(), key: "00ff".to_owned() },
            login: "tanaka".to_owned(),
            display_name: "田中".to_owned(),
            dn: dn.map(str::to_owned),
            attributes: attributes.iter().map(|(name, values)| (*name, values.to_vec())).collect(),
            password_expires: None,
        };
        let context = AuthnContext(AuthnContext::PASSWORD.to_owned());
        let (_, session) = sessions.start(Beginning::new(subject, context)).await.unwrap();
        let secret = Secret::new(vec![7; 32]);
        Self { snapshot: registry.snapshot(), session, secret, _folder: folder }
    }

    fn named(
        &self,
        sp: &str,
        format: &str,
        qualifier: Option<&str>,
        identifiers: &Identifiers,
    ) -> Result<NameId, NameIdError> {
        let requested = NameIdPolicy {
            format: Some(format.to_owned()),
            sp_name_qualifier: qualifier.map(str::to_owned),
            allow_create: false,
        };
        let named = self
            .source(identifiers)
            .name_id(self.snapshot.find(sp).unwrap(), &requested, || "_transient".to_owned())?;
        Ok(named.unwrap())
    }

    fn source<'a>(&'a self, identifiers: &'a Identifiers) -> Source<'a> {
        Source {
            idp: "https://idp.test",
            issuer: "https://idp.test",
            secret: &self.secret,
            identifiers,
            snapshot: &self.snapshot,
            now: self.session.created,
            session: &self.session,
            attributes: &self.session.subject.attributes,
        }
    }
}

fn needs(error: &NameIdError) -> &'static str {
    match error {
        NameIdError::Source { format, .. } => format,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn formats_of_other_systems_are_made_of_the_entry() {
    let dn = "CN=Tanaka,DC=example,DC=jp";
    let world = World::of(Some(dn), &[("sAMAccountName", &["tanaka"]), ("mail", &["t@example.jp"])]).await;
    let netbios = [("corp".to_owned(), "EXAMPLE".to_owned())].into();
    let identifiers = Identifiers { netbios, ..Identifiers::default() };
    for (format, value) in [
        (X509_SUBJECT, dn),
        (WINDOWS_DOMAIN, "EXAMPLE\\tanaka"),
        (KERBEROS, "tanaka@EXAMPLE.JP"),
        (EMAIL, "t@example.jp"),
    ] {
        let name = world.named(SP, format, None, &identifiers).unwrap();
        assert_eq!((name.format.as_str(), name.value.as_str()), (format, value));
        assert_eq!((name.name_qualifier, name.sp_name_qualifier), (None, None));
    }
    let bare = World::of(None, &[("uid", &["tanaka"]), ("mail", &["tanaka"])]).await;
    for (format, said) in [
        (X509_SUBJECT, "X509SubjectName"),
        (WINDOWS_DOMAIN, "WindowsDomainQualifiedName"),
        (KERBEROS, "kerberos"),
    ] {
        assert_eq!(needs(&bare.named(SP, format, None, &identifiers).unwrap_err()), said);
        let name = bare.named("https://attribute.test", format, None, &identifiers).unwrap();
        assert_eq!(name.value, "tanaka", "an attribute that the policy names answers every format");
    }
    assert_eq!(bare.named(SP, EMAIL, None, &identifiers).unwrap_err(), NameIdError::Address);
    let named = bare.named("https://attribute.test", EMAIL, None, &identifiers).unwrap();
    assert_eq!(named.value, "tanaka", "the admin's choice of an attribute is not judged");
}

#[tokio::test]
async fn an_affiliation_shares_one_name_space() {
    let world = World::of(None, &[]).await;
    let identifiers = Identifiers::default();
    let persistent = |sp, qualifier| world.named(sp, PERSISTENT, qualifier, &identifiers);
    let shared = persistent(SP, Some(GROUP)).unwrap();
    assert_eq!(shared.sp_name_qualifier.as_deref(), Some(GROUP));
    assert_ne!(shared.value, persistent(SP, None).unwrap().value);
    assert_eq!(persistent(SP, Some(SP)).unwrap(), persistent(SP, None).unwrap());
    let source = world.source(&identifiers);
    assert!(source.snapshot.is_affiliated(GROUP, "https://attribute.test", source.now));
    for (sp, qualifier) in
        [("https://other.test", GROUP), (SP, "https://other.test"), (SP, "https://nobody.test")]
    {
        assert_eq!(
            persistent(sp, Some(qualifier)).unwrap_err(),
            NameIdError::Qualifier(qualifier.to_owned())
        );
    }
    // The name space of an affiliation is never an SP's, whatever it calls itself.
    let of_sp = persistent(SP, None).unwrap().value;
    assert_ne!(world.source(&identifiers).shared(SP).unwrap(), of_sp);
    let transient = world.named(SP, TRANSIENT, Some(GROUP), &identifiers).unwrap();
    assert_eq!(transient.sp_name_qualifier.as_deref(), Some(GROUP));
}

#[tokio::test]
async fn persistent_names_have_256_characters_at_most() {
    let identifiers = Identifiers::default();
    for (length, fits) in [(256, true), (257, false)] {
        let value = "あ".repeat(length);
        let world = World::of(None, &[("uid", &[&value])]).await;
        let named = |format| world.named("https://attribute.test", format, None, &identifiers);
        assert_eq!(named(PERSISTENT).err(), (!fits).then_some(NameIdError::TooLong));
        assert_eq!(named(UNSPECIFIED).unwrap().value, value);
    }
}

#[tokio::test]
async fn legacy_ids_want_one_value() {
    let legacy = LegacyIds {
        salt: Secret::new("salt".to_owned()),
        attribute: "uid".to_owned(),
        idp: "https://old.test".to_owned(),
    };
    let identifiers = Identifiers { persistent: PersistentIds::LegacySha1(legacy), ..Identifiers::default() };
    let one = World::of(None, &[("uid", &["tanaka"])]).await;
    let id = one.named(SP, PERSISTENT, None, &identifiers).unwrap();
    // sha1sum of uidhashbasesalt16:https://old.test15:https://sp.test6:tanakasalt
    assert_eq!(id.value, "64c7c71ee2cc80ae17a64020b0548d048a21cd98");
    for attributes in [&[][..], &[("uid", &["a", "b"][..])], &[("uid", &[""])]] {
        let world = World::of(None, attributes).await;
        let refused = world.named(SP, PERSISTENT, None, &identifiers).unwrap_err();
        assert_eq!(refused, NameIdError::Legacy("uid".to_owned()), "{attributes:?}");
    }
}

#[tokio::test]
async fn subject_ids_need_a_scope_and_a_value_of_their_form() {
    let world = World::of(None, &[("uid", &["Tanaka"]), ("cn", &["a.b"]), ("ou", &["a", "b"])]).await;
    let set = |scope: Option<&str>, attribute: Option<&str>| Identifiers {
        scope: scope.map(str::to_owned),
        subject_id_attribute: attribute.map(str::to_owned),
        ..Identifiers::default()
    };
    let subject_id = |identifiers: &Identifiers, name| world.source(identifiers).subject_id(name, SP);
    let whole = set(Some("example.jp"), Some("uid"));
    assert_eq!(subject_id(&whole, SUBJECT_ID).unwrap(), "tanaka@example.jp");
    let pairwise = subject_id(&whole, PAIRWISE_ID).unwrap();
    let persistent = world.named(SP, PERSISTENT, None, &whole).unwrap().value;
    assert_eq!(pairwise, format!("{persistent}@example.jp"));
    assert_eq!(subject_id(&set(None, Some("uid")), SUBJECT_ID), Err(SubjectIdError::Scope));
    assert_eq!(subject_id(&set(None, None), PAIRWISE_ID), Err(SubjectIdError::Scope));
    assert_eq!(subject_id(&set(Some("example.jp"), None), SUBJECT_ID), Err(SubjectIdError::Attribute));
    for attribute in ["cn", "ou", "sn"] {
        let refused = subject_id(&set(Some("example.jp"), Some(attribute)), SUBJECT_ID).unwrap_err();
        assert_eq!(refused, SubjectIdError::Value(attribute.to_owned()));
    }
}
