//! The table of [`decide`]: no server, but requests, service providers and sessions that their own modules made.

use std::sync::Arc;

use super::*;
use crate::clock::{ManualClock, SeededIds};
use crate::identity::{Attributes, NameId, Subject, SubjectId};
use crate::registry::{InMemory, Registry, RegistryOptions, Snapshot};
use crate::saml::acs::AcsBinding;
use crate::saml::name_id::NameIdPolicy;
use crate::session::{Ask, Beginning, PendingRequest, SessionOptions, Sessions};
use crate::sso::Demands;
use crate::store::Store;

const WEAK: &str = AuthnContext::PASSWORD;
const FORM: &str = AuthnContext::PASSWORD_PROTECTED_TRANSPORT;
const STRONG: &str = AuthnContext::KERBEROS;

/// Policies by the name of the SP.
const POLICIES: [(&str, &str); 6] = [
    ("plain", ""),
    ("young", "max_authn_age = \"10m\""),
    ("lenient", "ignore_requested_authn_context = true"),
    ("sales", "allow = [\"group:cn=Sales,dc=example\"]"),
    ("tanakas", "allow = [\"user:TANAKA\", \"group:cn=nobody,dc=example\"]"),
    ("others", "allow = [\"user:suzuki\"]"),
];

/// Where everything happens: the clock is the sessions', the folder the registry's.
struct World {
    now: Timestamp,
    clock: Arc<ManualClock>,
    sessions: Sessions,
    snapshot: Arc<Snapshot>,
    ticket: Ticket,
    _folder: tempfile::TempDir,
}

/// Who is signed in: since how many minutes, how, and as whom.
type SignedIn = Option<(i64, &'static str, &'static str)>;

const NOBODY: SignedIn = None;
const TANAKA: SignedIn = Some((60, FORM, "tanaka"));

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metadata = folder.path().join("metadata");
        std::fs::create_dir(&metadata).unwrap();
        for (name, policy) in POLICIES {
            let text = format!("entity_id = \"{name}\"\nacs = [\"https://sp.test/acs\"]\n{policy}\n");
            std::fs::write(metadata.join(format!("{name}.toml")), text).unwrap();
        }
        let now: Timestamp = "2026-04-01T09:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let options = RegistryOptions { folder: metadata, ..RegistryOptions::default() };
        let memory = Arc::new(InMemory::default());
        let registry = Registry::open(options, Arc::clone(&clock) as _, Arc::new(|_| {}), memory).unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let store = Store::open(&url).await.unwrap();
        let options =
            SessionOptions { lifetime: SignedDuration::from_hours(8), idle: SignedDuration::from_hours(8) };
        let sessions = Sessions::new(store, Arc::clone(&clock) as _, Arc::new(SeededIds::new(1)), options);
        Self { now, clock, sessions, snapshot: registry.snapshot(), ticket: Ticket::Never, _folder: folder }
    }

    async fn session(&self, (minutes, class, login): (i64, &str, &str)) -> Arc<SsoSession> {
        let subject = Subject {
            id: person(login),
            login: login.to_owned(),
            display_name: login.to_owned(),
            dn: None,
            attributes: Attributes::new(),
            password_expires: None,
        };
        self.clock.advance(SignedDuration::from_mins(-minutes));
        let (_, session) =
            self.sessions.start(Beginning::new(subject, AuthnContext(class.to_owned()))).await.unwrap();
        self.clock.advance(SignedDuration::from_mins(minutes));
        session
    }

    fn accepted(&self, sp: &str, change: impl FnOnce(&mut Ask)) -> Accepted {
        let mut ask = Ask {
            id: Some("_1".to_owned()),
            received: self.now,
            force_authn: false,
            is_passive: false,
            name_id_policy: NameIdPolicy::default(),
            requested_authn_context: None,
            subject: None,
            subject_encrypted: false,
            attribute_service: None,
            signed_in: None,
        };
        change(&mut ask);
        let pending = PendingRequest {
            sp: sp.to_owned(),
            acs: "https://sp.test/acs".to_owned(),
            binding: AcsBinding::Post,
            relay_state: None,
            ask,
        };
        let demands = Demands {
            destinations: Vec::new(),
            logout_destinations: Vec::new(),
            artifact_destinations: Vec::new(),
            request_max_age: SignedDuration::from_hours(1),
            want_authn_requests_signed: false,
        };
        Accepted::resume(pending, &self.snapshot, &demands, self.now).unwrap()
    }

    async fn decide(
        &self,
        sp: &str,
        signed_in: SignedIn,
        groups: &[&str],
        change: impl FnOnce(&mut Ask),
    ) -> Decision {
        let order = [WEAK, FORM, STRONG].map(str::to_owned);
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let around = Circumstances {
            now: self.now,
            groups: &groups,
            class_order: &order,
            form_class: FORM,
            ticket_class: Some(STRONG),
            ticket: self.ticket,
        };
        let session = match signed_in {
            Some(signed_in) => Some(self.session(signed_in).await),
            None => None,
        };
        decide(&self.accepted(sp, change), session.as_deref(), around)
    }
}

/// A decision without the words for the SP's administrator.
fn shown(decision: &Decision) -> &'static str {
    match decision {
        Decision::Issue => "issue",
        Decision::Login => "login",
        Decision::Forbid => "forbid",
        Decision::Reject(Status { code: RESPONDER, detail: Some(detail), message: Some(_) }) => {
            detail.rsplit(':').next().unwrap()
        }
        Decision::Reject(_) => "another status",
    }
}

fn requested(comparison: Comparison, classes: &[&str]) -> RequestedAuthnContext {
    RequestedAuthnContext { comparison, classes: classes.iter().map(ToString::to_string).collect() }
}

fn exactly(class: &str) -> RequestedAuthnContext {
    requested(Comparison::Exact, &[class])
}

fn person(login: &str) -> SubjectId {
    SubjectId { directory: "corp".to_owned(), key: login.to_owned() }
}

#[tokio::test]
async fn sessions_force_authn_and_is_passive() {
    type Change = fn(&mut Ask);
    let world = World::new().await;
    let table: [(&str, SignedIn, Change, &str); 17] = [
        ("plain", NOBODY, |_| {}, "login"),
        ("plain", TANAKA, |_| {}, "issue"),
        ("plain", NOBODY, |ask| ask.is_passive = true, "NoPassive"),
        ("plain", TANAKA, |ask| ask.is_passive = true, "issue"),
        // ForceAuthn: a sign-in since the request came, by the same person.
        ("plain", NOBODY, |ask| ask.force_authn = true, "login"),
        ("plain", TANAKA, |ask| ask.force_authn = true, "login"),
        ("plain", Some((0, FORM, "tanaka")), |ask| ask.force_authn = true, "issue"),
        ("plain", Some((1, FORM, "tanaka")), |ask| ask.force_authn = true, "login"),
        (
            "plain",
            TANAKA,
            |ask| {
                ask.force_authn = true;
                ask.is_passive = true;
            },
            "NoPassive",
        ),
        (
            "plain",
            Some((0, FORM, "tanaka")),
            |ask| {
                ask.force_authn = true;
                ask.signed_in = Some(person("tanaka"));
            },
            "issue",
        ),
        (
            "plain",
            Some((0, FORM, "suzuki")),
            |ask| {
                ask.force_authn = true;
                ask.signed_in = Some(person("tanaka"));
            },
            "AuthnFailed",
        ),
        // The age of the sign-in and what is left of the session.
        ("young", Some((10, FORM, "tanaka")), |_| {}, "issue"),
        ("young", Some((11, FORM, "tanaka")), |_| {}, "login"),
        ("young", Some((11, FORM, "tanaka")), |ask| ask.is_passive = true, "NoPassive"),
        ("plain", Some((8 * 60 - 5, FORM, "tanaka")), |_| {}, "issue"),
        ("plain", Some((8 * 60 - 4, FORM, "tanaka")), |_| {}, "login"),
        ("plain", Some((8 * 60 - 4, FORM, "tanaka")), |ask| ask.is_passive = true, "NoPassive"),
    ];
    for (row, (sp, signed_in, change, expected)) in table.into_iter().enumerate() {
        let decision = world.decide(sp, signed_in, &[], change).await;
        assert_eq!(shown(&decision), expected, "row {row}: {sp} {signed_in:?}");
    }
}

#[tokio::test]
async fn contexts_are_asked_of_the_session_and_then_of_the_page() {
    let world = World::new().await;
    let weak = Some((60, WEAK, "tanaka"));
    let strong = Some((60, STRONG, "tanaka"));
    for (row, (sp, signed_in, class, passive, expected)) in [
        ("plain", NOBODY, FORM, false, "login"),
        ("plain", NOBODY, FORM, true, "NoPassive"),
        ("plain", NOBODY, STRONG, false, "NoAuthnContext"),
        ("plain", NOBODY, STRONG, true, "NoAuthnContext"),
        ("plain", NOBODY, AuthnContext::UNSPECIFIED, false, "login"),
        ("plain", TANAKA, FORM, false, "issue"),
        ("plain", TANAKA, STRONG, false, "NoAuthnContext"),
        ("plain", TANAKA, AuthnContext::UNSPECIFIED, false, "issue"),
        ("plain", strong, STRONG, false, "issue"),
        // The page could meet it: it is shown, unless that is forbidden.
        ("plain", weak, FORM, false, "login"),
        ("plain", weak, FORM, true, "NoAuthnContext"),
        ("plain", strong, FORM, false, "login"),
        ("lenient", weak, STRONG, false, "issue"),
        ("lenient", NOBODY, STRONG, false, "login"),
    ]
    .into_iter()
    .enumerate()
    {
        let change = |ask: &mut Ask| {
            ask.requested_authn_context = Some(exactly(class));
            ask.is_passive = passive;
        };
        let decision = world.decide(sp, signed_in, &[], change).await;
        assert_eq!(shown(&decision), expected, "row {row}: {sp} {signed_in:?} {class}");
    }
    // ForceAuthn for a class that only another way of signing in gives cannot be met here.
    let forced = |ask: &mut Ask| {
        ask.requested_authn_context = Some(exactly(STRONG));
        ask.force_authn = true;
    };
    assert_eq!(shown(&world.decide("plain", NOBODY, &[], forced).await), "NoAuthnContext");
}

#[tokio::test]
async fn a_ticket_meets_what_needs_no_person() {
    let plain: fn(&mut Ask) = |_| {};
    let passive: fn(&mut Ask) = |ask| ask.is_passive = true;
    let forced: fn(&mut Ask) = |ask| ask.force_authn = true;
    let kerberos: fn(&mut Ask) = |ask| ask.requested_authn_context = Some(exactly(STRONG));
    let kerberos_passive: fn(&mut Ask) = |ask| {
        ask.requested_authn_context = Some(exactly(STRONG));
        ask.is_passive = true;
    };
    let kerberos_forced: fn(&mut Ask) = |ask| {
        ask.requested_authn_context = Some(exactly(STRONG));
        ask.force_authn = true;
    };
    let form_passive: fn(&mut Ask) = |ask| {
        ask.requested_authn_context = Some(exactly(FORM));
        ask.is_passive = true;
    };
    let mut world = World::new().await;
    for (row, (signed_in, change, expected)) in [
        // What becomes of it with Never, OnClick and Silent.
        (NOBODY, plain, ["login", "login", "login"]),
        (NOBODY, passive, ["NoPassive", "NoPassive", "login"]),
        (NOBODY, forced, ["login", "login", "login"]),
        (NOBODY, kerberos, ["NoAuthnContext", "login", "login"]),
        (NOBODY, kerberos_passive, ["NoAuthnContext", "NoAuthnContext", "login"]),
        (NOBODY, kerberos_forced, ["NoAuthnContext", "NoAuthnContext", "NoAuthnContext"]),
        (NOBODY, form_passive, ["NoPassive", "NoPassive", "NoPassive"]),
        (TANAKA, kerberos, ["NoAuthnContext", "login", "login"]),
        (TANAKA, kerberos_passive, ["NoAuthnContext", "NoAuthnContext", "login"]),
        (Some((60, STRONG, "tanaka")), form_passive, ["NoAuthnContext"; 3]),
    ]
    .into_iter()
    .enumerate()
    {
        for (ticket, expected) in [Ticket::Never, Ticket::OnClick, Ticket::Silent].into_iter().zip(expected) {
            world.ticket = ticket;
            let decision = world.decide("plain", signed_in, &[], change).await;
            assert_eq!(shown(&decision), expected, "row {row}: {ticket:?}");
        }
    }
}

#[tokio::test]
async fn force_authn_is_not_met_by_a_ticket() {
    let mut world = World::new().await;
    world.ticket = Ticket::Silent;
    let subject = world.session((0, FORM, "tanaka")).await.subject.clone();
    let beginning = Beginning { silent: true, ..Beginning::new(subject, AuthnContext(FORM.to_owned())) };
    let (_, session) = world.sessions.start(beginning).await.unwrap();
    let around = |world: &World| Circumstances {
        now: world.now,
        groups: &[],
        class_order: &[],
        form_class: FORM,
        ticket_class: Some(FORM),
        ticket: world.ticket,
    };
    let shown_for = |change: fn(&mut Ask)| {
        shown(&decide(&world.accepted("plain", change), Some(&session), around(&world)))
    };
    assert_eq!(shown_for(|_| {}), "issue");
    assert_eq!(shown_for(|ask| ask.force_authn = true), "login", "also where the class is the form's");
    let both: fn(&mut Ask) = |ask| {
        ask.force_authn = true;
        ask.is_passive = true;
    };
    assert_eq!(shown_for(both), "NoPassive");
    let forced = world.accepted("plain", |ask| ask.force_authn = true);
    assert_eq!(Ways::of(&forced, &around(&world)), Ways { form: true, ticket: false });
}

#[tokio::test]
async fn allow_names_people_and_groups_without_case() {
    let world = World::new().await;
    let sales = ["CN=SALES,DC=example", "cn=all,dc=example"];
    for (sp, groups, passive, expected) in [
        ("sales", &sales[..], false, "issue"),
        ("sales", &sales[1..], false, "forbid"),
        ("sales", &[], false, "forbid"),
        ("sales", &sales[1..], true, "RequestDenied"),
        ("sales", &sales[..], true, "issue"),
        ("tanakas", &[], false, "issue"),
        ("others", &sales[..], false, "forbid"),
    ] {
        let decision = world.decide(sp, TANAKA, groups, |ask| ask.is_passive = passive).await;
        assert_eq!(shown(&decision), expected, "{sp} {groups:?} passive: {passive}");
    }
    // Who nobody knows yet signs in first.
    assert_eq!(shown(&world.decide("others", NOBODY, &[], |_| {}).await), "login");
    let named = NameId {
        value: "suzuki".to_owned(),
        format: String::new(),
        name_qualifier: None,
        sp_name_qualifier: None,
    };
    let decision = world.decide("plain", TANAKA, &[], |ask| ask.subject = Some(named)).await;
    assert_eq!(shown(&decision), "issue", "the Subject is judged with the NameID at hand");
}

#[test]
fn contexts_are_compared_by_the_configured_order() {
    use Comparison::{Better, Exact, Maximum, Minimum};
    let order = ["weak", "middle", "strong"].map(str::to_owned);
    let table = [
        (Comparison::Exact, "middle", [false, true, false]),
        (Comparison::Minimum, "middle", [false, true, true]),
        (Comparison::Maximum, "middle", [true, true, false]),
        (Comparison::Better, "middle", [false, false, true]),
        (Comparison::Better, "unknown", [false, false, false]),
        (Comparison::Minimum, "unknown", [false, false, false]),
        (Comparison::Exact, "unknown", [false, false, false]),
        (Comparison::Maximum, "unknown", [false, false, false]),
        (Comparison::Exact, AuthnContext::UNSPECIFIED, [true, true, true]),
        (Comparison::Minimum, AuthnContext::UNSPECIFIED, [true, true, true]),
        (Comparison::Maximum, AuthnContext::UNSPECIFIED, [true, true, true]),
        (Comparison::Better, AuthnContext::UNSPECIFIED, [true, true, true]),
    ];
    for (comparison, wanted, expected) in table {
        let requested = requested(comparison, &[wanted]);
        let met: Vec<_> = order.iter().map(|class| satisfies(&requested, class, &order)).collect();
        assert_eq!(met, expected, "{comparison:?} {wanted}");
    }
    let several = [
        // One of several is enough, but for better: that is stronger than each.
        (Exact, &["strong", "weak"][..], "weak", true),
        (Exact, &["strong", "weak"], "middle", false),
        (Minimum, &["strong", "middle"], "middle", true),
        (Minimum, &["unknown", "middle"], "strong", true),
        (Maximum, &["weak", "middle"], "middle", true),
        (Maximum, &["weak", "unknown"], "middle", false),
        (Better, &["weak", "middle"], "strong", true),
        (Better, &["weak", "middle"], "middle", false),
        (Better, &["weak", "unknown"], "strong", false),
        (Better, &["weak", AuthnContext::UNSPECIFIED], "weak", false),
        // A class outside the order is as strong as itself.
        (Exact, &["unknown"], "unknown", true),
        (Minimum, &["unknown"], "unknown", true),
        (Maximum, &["unknown"], "unknown", true),
        (Better, &["unknown"], "unknown", false),
        (Minimum, &["weak"], "unknown", false),
        // AuthnContextDeclRef alone.
        (Exact, &[], "strong", false),
        (Minimum, &[], "strong", false),
        (Maximum, &[], "weak", false),
        (Better, &[], "strong", false),
    ];
    for (comparison, wanted, class, expected) in several {
        let asked = requested(comparison, wanted);
        assert_eq!(satisfies(&asked, class, &order), expected, "{comparison:?} {wanted:?} by {class}");
    }
}

#[tokio::test]
async fn declarations_cannot_be_met_and_are_no_classes() {
    let world = World::new().await;
    let declared = |ask: &mut Ask| ask.requested_authn_context = Some(requested(Comparison::Exact, &[]));
    for (sp, signed_in, expected) in [
        ("plain", NOBODY, "NoAuthnContext"),
        ("plain", TANAKA, "NoAuthnContext"),
        ("lenient", TANAKA, "issue"),
    ] {
        assert_eq!(shown(&world.decide(sp, signed_in, &[], declared).await), expected, "{sp} {signed_in:?}");
    }
}

#[test]
fn a_ticket_is_asked_for_unless_a_person_would_be_surprised() {
    use Holder::{ByForm, ByTicket, Ended, Lapsed, Nobody};
    for (holder, ticket) in [
        (Nobody, Ticket::Silent),
        (ByTicket, Ticket::Silent),
        (Lapsed, Ticket::Silent),
        (ByForm, Ticket::OnClick),
        (Ended, Ticket::OnClick),
    ] {
        assert_eq!(Ticket::of(None, holder), ticket, "{holder:?}");
        assert_eq!(Ticket::of(Some(true), holder), Ticket::Silent, "{holder:?} after a click");
        assert_eq!(Ticket::of(Some(false), holder), Ticket::OnClick, "{holder:?} after a sign-out");
    }
}
