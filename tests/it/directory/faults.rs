//! Servers that are stopped, paused or broken: "cannot say" is never "wrong password", and nobody is asked twice for a
//! password.

use std::sync::Arc;
use std::time::Duration;

use sekisho::clock::SystemClock;
use sekisho::directory::{
    Directory, DirectoryError, LdapDirectory, LdapOptions, Limits, Lookup, Reason, Verdict,
};
use sekisho::secret::Secret;

use super::{candidate, groups, login, open, open_impatient, options, secret, sign_in};
use crate::support::fake_ldap::{Conduct, ENTRY, FakeLdap, SERVICE};
use crate::support::slapd::{PASSWORD, Slapd};

fn fake_options(fakes: &[&FakeLdap]) -> LdapOptions {
    let mut options = LdapOptions::new("fake");
    options.urls = fakes.iter().map(|fake| fake.url()).collect();
    "dc=fake".clone_into(&mut options.search_base);
    options.bind_dn = Some(SERVICE.to_owned());
    options.bind_password = Some(Secret::new("service".to_owned()));
    options
}

fn is_unreachable<T>(answer: &Result<T, DirectoryError>) -> bool {
    matches!(answer, Err(DirectoryError::Unreachable { .. }))
}

#[tokio::test]
async fn a_stopped_server_is_unreachable_until_it_is_back() {
    let mut slapd = Slapd::start();
    let directory = open(options(&[&slapd]));
    let tanaka = candidate(&directory, "tanaka").await;
    sign_in(&directory, "tanaka", PASSWORD).await.unwrap();
    slapd.stop();
    assert!(is_unreachable(&directory.find(&login("tanaka")).await));
    assert!(is_unreachable(&directory.verify(&tanaka, &secret(PASSWORD)).await));
    slapd.restart();
    // Refused at once costs nothing, so it is tried again without a pause.
    assert!(matches!(sign_in(&directory, "tanaka", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
}

#[tokio::test]
async fn a_restart_between_two_sign_ins_is_not_noticed() {
    let mut slapd = Slapd::start();
    let directory = open(options(&[&slapd]));
    sign_in(&directory, "tanaka", PASSWORD).await.unwrap();
    slapd.restart();
    assert!(matches!(sign_in(&directory, "tanaka", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
}

#[tokio::test]
async fn the_second_server_answers_for_a_paused_first_one() {
    let (first, second) = (Slapd::start(), Slapd::start());
    let mut options = options(&[&first, &second]);
    // Each slapd has a CA of its own.
    let both = tempfile::NamedTempFile::new().unwrap();
    let pem = [first.ca_file(), second.ca_file()].map(|file| std::fs::read_to_string(file).unwrap()).concat();
    std::fs::write(both.path(), pem).unwrap();
    options.ca_certificate = Some(both.path().to_owned());
    let directory = open(options);
    sign_in(&directory, "tanaka", PASSWORD).await.unwrap();
    first.pause();
    for _ in 0..3 {
        assert!(matches!(sign_in(&directory, "tanaka", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
    }
    let each = directory.probe_each().await;
    assert!(is_unreachable(&each[0].1) && each[1].1.is_ok(), "{each:?}");
    first.resume();
    drop(second);
    until_it_answers(&directory).await;
}

/// A server that was silent is tried again after a pause.
async fn until_it_answers(directory: &dyn Directory) {
    let mut tries = 0;
    while let Err(error) = directory.find(&login("tanaka")).await {
        tries += 1;
        assert!(tries < 400, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(matches!(sign_in(directory, "tanaka", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
}

#[tokio::test]
async fn a_paused_server_is_unreachable_until_it_goes_on() {
    let slapd = Slapd::start();
    let directory = open_impatient(options(&[&slapd]));
    let tanaka = candidate(&directory, "tanaka").await;
    slapd.pause();
    assert!(is_unreachable(&directory.find(&login("tanaka")).await));
    assert!(is_unreachable(&directory.verify(&tanaka, &secret(PASSWORD)).await));
    slapd.resume();
    until_it_answers(&directory).await;
}

#[tokio::test]
async fn a_refused_service_account_is_not_tried_again_and_again() {
    let fake = FakeLdap::start_with(Conduct::Refuse(""), Conduct::Well, Conduct::Well).await;
    let limits = Limits { retry: Duration::from_mins(1), ..Limits::default() };
    let directory =
        LdapDirectory::with_limits(fake_options(&[&fake]), Arc::new(SystemClock), limits).unwrap();
    for _ in 0..5 {
        let refused = directory.find(&login("tanaka")).await;
        assert!(matches!(refused, Err(DirectoryError::ServiceBind { .. })), "{refused:?}");
    }
    assert_eq!(fake.service_binds(), 1);
}

#[tokio::test]
async fn kept_connections_are_used_again() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let directory = open(fake_options(&[&fake]));
    for _ in 0..5 {
        sign_in(&directory, "tanaka", "x").await.unwrap();
    }
    assert_eq!((fake.service_binds(), fake.binds().len()), (1, 5));
}

/// What was searched for a moment ago shows that the server answers: the bind needs no proof of its own.
#[tokio::test]
async fn a_bind_after_a_search_costs_one_round_trip() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let directory = open(fake_options(&[&fake]));
    sign_in(&directory, "tanaka", "x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    sign_in(&directory, "tanaka", "x").await.unwrap();
    assert_eq!((fake.proofs(), fake.binds().len()), (0, 2));
    let tanaka = candidate(&directory, "tanaka").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    directory.verify(&tanaka, &secret("x")).await.unwrap();
    assert_eq!((fake.proofs(), fake.binds().len()), (1, 3), "nobody answered lately");
}

/// With a `dn_pattern` the entry is read after the bind, and a server that is silent then is out, too.
#[tokio::test]
async fn a_server_that_is_silent_after_the_bind_is_out() {
    let first = FakeLdap::start(Conduct::Well, Conduct::Hang).await;
    let second = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let mut options = fake_options(&[&first, &second]);
    options.dn_pattern = Some("uid={login},dc=fake".to_owned());
    let limits = Limits { retry: Duration::from_mins(1), ..super::impatient() };
    let directory = LdapDirectory::with_limits(options, Arc::new(SystemClock), limits).unwrap();
    let answer = sign_in(&directory, "tanaka", "x").await;
    let Err(DirectoryError::Unreachable { cause, .. }) = answer else { panic!("{answer:?}") };
    assert!(cause.contains(&first.url()), "{cause}");
    assert!(matches!(sign_in(&directory, "tanaka", "x").await.unwrap(), Verdict::Accepted(_)));
    assert_eq!((first.binds().len(), second.binds().len()), (1, 1));
}

#[tokio::test]
async fn passwords_that_prove_nothing_are_never_sent() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let directory = open(fake_options(&[&fake]));
    for blank in ["", " ", "\u{3000}\t", "\0", "x\0"] {
        let verdict = sign_in(&directory, "tanaka", blank).await.unwrap();
        assert_eq!(verdict, Verdict::Denied(Reason::WrongPassword), "{blank:?}");
    }
    assert!(fake.binds().is_empty());
    let mut nameless = candidate(&directory, "tanaka").await;
    nameless.bind_name = " ".to_owned();
    assert!(matches!(directory.verify(&nameless, &secret("x")).await.unwrap(), Verdict::Denied(_)));
    assert!(fake.binds().is_empty());
    assert!(matches!(sign_in(&directory, "tanaka", "x").await.unwrap(), Verdict::Accepted(_)));
    assert_eq!(fake.binds(), [ENTRY]);
}

#[tokio::test]
async fn a_bind_that_was_sent_is_never_sent_again() {
    for fault in
        [Conduct::Hang, Conduct::Close, Conduct::CloseInTheMiddle, Conduct::Garbage, Conduct::Malformed]
    {
        let first = FakeLdap::start(fault, Conduct::Well).await;
        let second = FakeLdap::start(Conduct::Well, Conduct::Well).await;
        let directory = open_impatient(fake_options(&[&first, &second]));
        let answer = sign_in(&directory, "tanaka", "x").await;
        assert!(matches!(answer, Err(DirectoryError::Unanswered { .. })), "{fault:?}: {answer:?}");
        assert_eq!((first.binds().len(), second.binds().len()), (1, 0), "{fault:?}");
        // The broken server is remembered: the next try goes to the other one, once.
        assert!(matches!(sign_in(&directory, "tanaka", "x").await.unwrap(), Verdict::Accepted(_)));
        assert_eq!((first.binds().len(), second.binds().len()), (1, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn a_search_goes_on_to_the_next_server() {
    for fault in
        [Conduct::Hang, Conduct::Close, Conduct::CloseInTheMiddle, Conduct::Garbage, Conduct::Malformed]
    {
        let first = FakeLdap::start(Conduct::Well, fault).await;
        let second = FakeLdap::start(Conduct::Well, Conduct::Well).await;
        let directory = open_impatient(fake_options(&[&first, &second]));
        assert_eq!(candidate(&directory, "tanaka").await.bind_name, ENTRY, "{fault:?}");
        let alone = open_impatient(fake_options(&[&first]));
        assert!(is_unreachable(&alone.find(&login("tanaka")).await), "{fault:?}");
    }
}

/// The first server would have all the time of the call: only one that is asked beside it can answer.
#[tokio::test]
async fn a_silent_server_is_overtaken_by_the_next_one() {
    let first = FakeLdap::start(Conduct::Well, Conduct::Hang).await;
    let second = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let limits =
        Limits { answer: Duration::from_secs(20), total: Duration::from_secs(20), ..Limits::default() };
    let options = fake_options(&[&first, &second]);
    let directory = LdapDirectory::with_limits(options, Arc::new(SystemClock), limits).unwrap();
    assert!(matches!(sign_in(&directory, "tanaka", "x").await.unwrap(), Verdict::Accepted(_)));
    assert_eq!((first.binds().len(), second.binds().len()), (0, 1));
}

#[tokio::test]
async fn anything_but_one_entry_with_an_identity_is_no_person() {
    for several in [Conduct::TwoEntries, Conduct::SizeLimit] {
        let fake = FakeLdap::start(Conduct::Well, several).await;
        let directory = open(fake_options(&[&fake]));
        assert!(matches!(directory.find(&login("tanaka")).await.unwrap(), Lookup::Ambiguous), "{several:?}");
    }
    let fake = FakeLdap::start(Conduct::Well, Conduct::NoIdentity).await;
    let answer = open(fake_options(&[&fake])).find(&login("tanaka")).await;
    let Err(DirectoryError::Entry { dn, cause, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(dn, ENTRY);
    assert!(cause.contains("subject_attribute"), "{cause}");
}

#[tokio::test]
async fn an_active_directory_tells_identity_groups_and_disabled_accounts() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::ActiveDirectory).await;
    let directory = open(fake_options(&[&fake]));
    let tanaka = candidate(&directory, "tanaka").await;
    assert_eq!(tanaka.barred, Some(Reason::Disabled));
    assert_eq!(directory.verify(&tanaka, &secret("x")).await.unwrap(), Verdict::Denied(Reason::Disabled));
    let subject = tanaka.subject.unwrap();
    assert_eq!(subject.id.key, "4142434445464748494a4b4c4d4e4f50");
    assert_eq!(groups(&directory, &subject).await, ["cn=inner,dc=fake", "cn=outer,dc=fake"]);
    let again = directory.find_by_id(&subject.id).await.unwrap().unwrap();
    assert_eq!((again.subject.as_ref(), again.barred), (Some(&subject), Some(Reason::Disabled)));
}

#[tokio::test]
async fn the_sub_codes_of_active_directory_are_heard() {
    let fake = FakeLdap::start(
        Conduct::Refuse(
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 773, v1db1",
        ),
        Conduct::Well,
    )
    .await;
    let verdict = sign_in(&open(fake_options(&[&fake])), "tanaka", "x").await.unwrap();
    assert_eq!(verdict, Verdict::Denied(Reason::PasswordMustChange));
}

#[tokio::test]
async fn a_dropped_sign_in_leaves_no_connection_behind_for_others() {
    let fake = FakeLdap::start(Conduct::Hang, Conduct::Well).await;
    let directory = open(fake_options(&[&fake]));
    let tanaka = candidate(&directory, "tanaka").await;
    let password = secret("x");
    for tries in 1..=2 {
        tokio::select! {
            answer = directory.verify(&tanaka, &password) => panic!("{answer:?}"),
            () = async { while fake.binds().len() < tries { tokio::task::yield_now().await } } => {}
        }
    }
    // A connection that was kept would have the first bind before the second, and its name would not have come.
    assert_eq!(fake.binds(), [ENTRY, ENTRY]);
}

#[tokio::test]
async fn the_counters_of_the_pdc_emulator_count() {
    let (controller, pdc) = (Conduct::Controller(1, "localhost"), Conduct::Controller(4, "localhost"));
    let first = FakeLdap::start(Conduct::Well, controller).await;
    let second = FakeLdap::start(Conduct::Well, pdc).await;
    let mut options = fake_options(&[&first, &second]);
    options.urls[1] = second.url().replace("127.0.0.1", "LOCALHOST");
    let directory = open(options);
    let tanaka = candidate(&directory, "tanaka").await;
    assert_eq!((tanaka.lockout.wrong, tanaka.lockout.threshold), (4, Some(5)));
    let again = directory.find_by_id(&tanaka.subject.unwrap().id).await.unwrap().unwrap();
    assert_eq!(again.lockout, tanaka.lockout);
    // Not by an address: the machine that answered may be any behind a name.
    let alone = open(fake_options(&[&first]));
    assert_eq!(candidate(&alone, "tanaka").await.lockout.wrong, 1);
}

/// It would have all the time of the call; only a look-up that goes on without it can end.
#[tokio::test]
async fn a_pdc_emulator_that_is_silent_stops_nobody() {
    let controller = Conduct::Controller(1, "localhost");
    let first = FakeLdap::start(Conduct::Well, controller).await;
    let second = FakeLdap::start(Conduct::Well, Conduct::Hang).await;
    let mut options = fake_options(&[&first, &second]);
    options.urls[1] = second.url().replace("127.0.0.1", "localhost");
    let limits =
        Limits { answer: Duration::from_mins(1), total: Duration::from_mins(1), ..Limits::default() };
    let directory = LdapDirectory::with_limits(options, Arc::new(SystemClock), limits).unwrap();
    for _ in 0..3 {
        let tanaka = tokio::time::timeout(Duration::from_secs(30), candidate(&directory, "tanaka"));
        assert_eq!(tanaka.await.unwrap().lockout.wrong, 1);
    }
    assert_eq!(second.service_binds(), 1, "asked once, and not again while it is out");
}

#[tokio::test]
async fn an_attribute_that_comes_in_parts_is_read_whole() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Cut).await;
    let subject = candidate(&open(fake_options(&[&fake])), "tanaka").await.subject.unwrap();
    let members = subject.attributes.values("member").unwrap();
    let expected: Vec<String> = (0..7).map(|number| format!("cn=m{number},dc=fake")).collect();
    assert_eq!(members.iter().filter_map(|member| member.as_text()).collect::<Vec<_>>(), expected);
    assert!(!subject.attributes.iter().any(|(name, _)| name.contains(';')));
    let fake = FakeLdap::start(Conduct::Well, Conduct::CutShort).await;
    let answer = open(fake_options(&[&fake])).find(&login("tanaka")).await;
    let Err(DirectoryError::Refused { cause, .. }) = answer else { panic!("{answer:?}") };
    assert!(cause.contains("the rest of member"), "{cause}");
}

#[tokio::test]
async fn nobody_is_sent_to_another_server() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::References).await;
    assert!(matches!(
        sign_in(&open(fake_options(&[&fake])), "tanaka", "x").await.unwrap(),
        Verdict::Accepted(_)
    ));
    let fake = FakeLdap::start(Conduct::Referral, Conduct::Well).await;
    let answer = sign_in(&open(fake_options(&[&fake])), "tanaka", "x").await;
    assert!(matches!(answer, Err(DirectoryError::Refused { operation: "user bind", .. })), "{answer:?}");
    let fake = FakeLdap::start(Conduct::Well, Conduct::Referral).await;
    let answer = open(fake_options(&[&fake])).find(&login("tanaka")).await;
    let Err(DirectoryError::Refused { cause, .. }) = answer else { panic!("{answer:?}") };
    assert!(cause.contains("held by another server"), "{cause}");
}

/// A server that takes connections and never answers the first bind on them.
#[tokio::test]
async fn a_server_that_hangs_from_the_first_is_asked_once() {
    let first = FakeLdap::start_with(Conduct::Hang, Conduct::Well, Conduct::Well).await;
    let second = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let limits = Limits {
        answer: Duration::from_mins(1),
        total: Duration::from_mins(1),
        retry: Duration::from_mins(1),
        ..Limits::default()
    };
    let options = fake_options(&[&first, &second]);
    let directory = LdapDirectory::with_limits(options, Arc::new(SystemClock), limits).unwrap();
    for _ in 0..4 {
        assert!(matches!(sign_in(&directory, "tanaka", "x").await.unwrap(), Verdict::Accepted(_)));
    }
    assert_eq!((first.service_binds(), first.binds().len(), second.binds().len()), (1, 0, 4));
}

#[tokio::test]
async fn a_dead_server_is_not_missed_and_comes_back_by_itself() {
    let (mut first, mut second) = (Slapd::start(), Slapd::start());
    let both = tempfile::NamedTempFile::new().unwrap();
    let pem = [first.ca_file(), second.ca_file()].map(|file| std::fs::read_to_string(file).unwrap()).concat();
    std::fs::write(both.path(), pem).unwrap();
    let mut options = options(&[&first, &second]);
    options.ca_certificate = Some(both.path().to_owned());
    let directory = open(options);
    first.stop();
    for _ in 0..3 {
        assert!(matches!(sign_in(&directory, "tanaka", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
    }
    first.restart();
    second.stop();
    until_it_answers(&directory).await;
}
