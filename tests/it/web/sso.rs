//! What sign-on answers in corners that no service provider should lead to, asked without HTTP.

use std::sync::Arc;

use sekisho::app::{App, Ports};
use sekisho::audit::Event;
use sekisho::audit::memory::Memory;
use sekisho::clock::{ManualClock, SeededIds};
use sekisho::config::Config;
use sekisho::identity::{Attributes, AuthnContext, Subject, SubjectId};
use sekisho::session::{Beginning, SsoSession};
use sekisho::sso::{Incoming, Outcome, RequestContext, Sentence, Ticket};

use crate::support::folder::Folder;
use crate::support::sp::{Sp, percent, post};

const NOW: &str = "2026-04-01T00:00:00Z";

struct Idp {
    app: App,
    audit: Arc<Memory>,
    sp: Sp,
    _folder: Folder,
}

impl Idp {
    async fn with(policy: &str) -> Self {
        Self::of(Sp::new("app"), policy).await
    }

    async fn of(sp: Sp, policy: &str) -> Self {
        let mut folder = Folder::new();
        folder.write_secret("people.toml", &folder.read("people.toml"));
        folder.set("saml.allow_http_endpoints", true);
        folder.register("app", &sp, policy);
        let config = Config::load(&folder.write_config()).unwrap();
        let audit = Arc::new(Memory::default());
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let ports = Ports { clock, ids: Arc::new(SeededIds::new(1)), audit: audit.clone() };
        Self { app: App::build(&config, ports).await.unwrap(), audit, sp, _folder: folder }
    }

    async fn signed_in(&self, attributes: Attributes) -> Arc<SsoSession> {
        let subject = Subject {
            id: SubjectId { directory: "local".to_owned(), key: "tanaka".to_owned() },
            login: "tanaka".to_owned(),
            display_name: "Tanaka".to_owned(),
            dn: None,
            attributes,
            password_expires: None,
        };
        let context = AuthnContext(AuthnContext::PASSWORD.to_owned());
        self.app.sessions.start(Beginning::new(subject, context)).await.unwrap().1
    }

    /// A request with these attributes and this content, by POST.
    async fn asked(&self, attributes: &str, inside: &str, session: Option<&Arc<SsoSession>>) -> Outcome {
        let xml = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\" Version=\"2.0\" IssueInstant=\"{NOW}\" \
             {attributes}><saml:Issuer>{}</saml:Issuer>{inside}</samlp:AuthnRequest>",
            self.sp.entity_id
        );
        let fields = post(&xml, None);
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let context = RequestContext { id: "R1", address: [127, 0, 0, 1].into(), ticket: Ticket::Never };
        self.app.sso.accept(Incoming::Post { body: body.join("&").as_bytes() }, session, &context).await
    }

    /// The code and the reason of the last refusal in the audit trail.
    fn refusal(&self) -> (String, String) {
        match self.audit.records().pop().map(|record| record.event) {
            Some(Event::RequestRefused { code, reason, .. }) => (code, reason),
            other => panic!("{other:?}"),
        }
    }
}

fn status(code: &str) -> String {
    format!("urn:oasis:names:tc:SAML:2.0:status:{code}")
}

#[actix_web::test]
async fn what_a_peer_writes_cannot_fill_the_audit_trail() {
    let idp = Idp::with("").await;
    let long = format!("{}:a=\"\"", "x".repeat(100_000));
    let outcome = idp.asked(&long, "", None).await;
    assert!(matches!(outcome, Outcome::Refused(refused) if refused.sentence == Sentence::Unreadable));
    let (_, reason) = idp.refusal();
    assert!(reason.chars().count() < 1_100 && reason.contains("prefix \"xxx"), "{reason}");
}

#[actix_web::test]
async fn a_passive_request_for_somebody_who_is_not_allowed_shows_no_page() {
    let idp = Idp::with("allow = [\"user:suzuki\"]").await;
    let session = idp.signed_in(Attributes::new()).await;
    let outcome = idp.asked("", "", Some(&session)).await;
    assert!(matches!(outcome, Outcome::Refused(refused) if refused.sentence == Sentence::NotAllowed));
    assert!(matches!(idp.asked("IsPassive=\"1\"", "", Some(&session)).await, Outcome::Respond(_)));
    assert_eq!(idp.refusal().0, status("RequestDenied"));
}

#[actix_web::test]
async fn an_encrypted_name_id_is_not_answered_in_the_clear() {
    let sp = Sp { publishes_key: false, ..Sp::new("app") };
    let idp = Idp::of(sp, "name_id_attribute = \"mail\"").await;
    let session = idp.signed_in([("mail", vec!["t@example.jp"])].into_iter().collect()).await;
    let policy = |format: &str| format!("<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:{format}\"/>");
    assert!(matches!(
        idp.asked("", &policy("1.1:nameid-format:emailAddress"), Some(&session)).await,
        Outcome::Respond(_)
    ));
    assert!(matches!(idp.audit.records().pop().unwrap().event, Event::AssertionIssued { .. }));
    idp.asked("", &policy("2.0:nameid-format:encrypted"), Some(&session)).await;
    assert_eq!(idp.refusal().0, status("InvalidNameIDPolicy"));
}

#[actix_web::test]
async fn a_name_id_that_xml_cannot_hold_is_refused_and_not_altered() {
    let idp = Idp::with("name_id_attribute = \"employeeNumber\"").await;
    let session = idp.signed_in([("employeeNumber", vec!["7\u{ffff}"])].into_iter().collect()).await;
    idp.asked("", "", Some(&session)).await;
    assert_eq!(idp.refusal().0, status("InvalidNameIDPolicy"));
}

#[actix_web::test]
async fn an_empty_relay_state_of_a_link_leaves_the_policy_s_in_force() {
    let idp = Idp::with("relay_state = \"https://sp.example/start\"").await;
    let session = idp.signed_in(Attributes::new()).await;
    let context = RequestContext { id: "R1", address: [127, 0, 0, 1].into(), ticket: Ticket::Never };
    for given in [None, Some("")] {
        let outcome = idp.app.sso.initiate(&idp.sp.entity_id, given, Some(&session), &context).await;
        let Outcome::Respond(form) = outcome else { panic!("{outcome:?}") };
        assert_eq!(form.relay_state.as_deref(), Some("https://sp.example/start"));
    }
}
