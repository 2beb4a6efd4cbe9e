//! Active Directory as it is, on a real Samba domain controller: names, states of accounts, groups, and locks that are
//! never closed from here.

use std::sync::Arc;

use sekisho::audit::memory::Memory;
use sekisho::authn::{Answer, Attempt, PasswordSignIn, Refusal, ThrottleOptions};
use sekisho::clock::{Clock, SignedDuration, SystemClock};
use sekisho::directory::{Directory, LdapDirectory, Lookup, Reason, Standing, Verdict};
use sekisho::identity::Question;
use sekisho::store::Store;

use super::{candidate, groups, login, open, options, secret, sign_in, values};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::Folder;
use crate::support::samba::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, BASE, PASSWORD, Samba};
use crate::support::slapd::Slapd;

fn domain(samba: &Samba) -> LdapDirectory {
    open(samba.options())
}

#[tokio::test]
async fn a_person_has_many_names() {
    let Some(samba) = Samba::shared() else { return };
    let directory = domain(samba);
    let names = [
        ("tanaka", "tanaka"),
        ("TANAKA", "tanaka"),
        ("tanaka@example.test", "tanaka"),
        ("EXAMPLE\\tanaka", "tanaka"),
        ("example\\Tanaka", "tanaka"),
        ("hanako.suzuki@corp.example.jp", "suzuki"),
        ("Hanako.Suzuki@CORP.example.jp", "suzuki"),
        ("suzuki", "suzuki"),
        ("吉田", "吉田"),
        ("吉田@example.test", "吉田"),
        ("EXAMPLE\\吉田", "吉田"),
        ("yoshida@example.test", "吉田"),
    ];
    for (typed, held) in names {
        let Verdict::Accepted(subject) = sign_in(&directory, typed, PASSWORD).await.unwrap() else {
            panic!("{typed} was refused");
        };
        assert_eq!(subject.login, held, "{typed}");
        assert_eq!(subject.id.key.len(), 32, "objectGUID");
    }
    for stranger in ["OTHER\\tanaka", "tanaka@elsewhere.test", "bob.brown@example.test", "EXAMPLE\\", "*"] {
        assert!(matches!(directory.find(&login(stranger)).await.unwrap(), Lookup::Unknown), "{stranger}");
    }
    let yoshida = candidate(&directory, "吉田").await.subject.unwrap();
    assert_eq!(
        (yoshida.display_name.as_str(), yoshida.attributes.first_text("sn")),
        ("𠮷田 潤", Some("𠮷田"))
    );
}

#[tokio::test]
async fn every_state_of_an_account_is_told_apart() {
    let Some(samba) = Samba::shared() else { return };
    let directory = domain(samba);
    let states = [
        ("disabled", Reason::Disabled),
        ("expiredaccount", Reason::AccountExpired),
        ("expired", Reason::PasswordExpired),
        ("mustchange", Reason::PasswordMustChange),
        ("hours", Reason::LogonHours),
    ];
    for (name, reason) in states {
        assert_eq!(sign_in(&directory, name, PASSWORD).await.unwrap(), Verdict::Denied(reason), "{name}");
    }
    // Not `hours`: Samba counts a wrong password of it as any other.
    for (name, _) in states.iter().take(4) {
        let verdict = sign_in(&directory, name, "wrong").await.unwrap();
        assert!(matches!(verdict, Verdict::Denied(_)), "{name}");
        assert!(!matches!(verdict, Verdict::Denied(Reason::PasswordMustChange)), "{name}: {verdict:?}");
    }
}

#[tokio::test]
async fn only_who_may_not_be_here_loses_the_session() {
    let Some(samba) = Samba::shared() else { return };
    let directory = domain(samba);
    samba.lock(&samba.person("ad-guessed-at"));
    for (name, standing) in [
        ("disabled", Standing::Barred(Reason::Disabled)),
        ("expiredaccount", Standing::Barred(Reason::AccountExpired)),
        ("expired", Standing::Usable),
        ("mustchange", Standing::Usable),
        ("ad-guessed-at", Standing::Usable),
        ("tanaka", Standing::Usable),
    ] {
        let id = candidate(&directory, name).await.subject.unwrap().id;
        assert_eq!(directory.standing(&id).await.unwrap(), standing, "{name}");
    }
}

#[tokio::test]
async fn a_locked_account_says_until_when() {
    let Some(samba) = Samba::shared() else { return };
    let directory = domain(samba);
    samba.lock(&samba.person("ad-locked"));
    let before = SystemClock.now();
    for password in ["wrong", PASSWORD] {
        let verdict = sign_in(&directory, "ad-locked", password).await.unwrap();
        let Verdict::Denied(Reason::Locked { until: Some(until) }) = verdict else { panic!("{verdict:?}") };
        let minutes = until.duration_since(before).as_mins();
        assert!((28..=30).contains(&minutes), "{minutes}");
    }
    // A fine-grained policy that locks for good: nobody knows until when.
    let dn = samba.person("ad-locked-for-good");
    samba.modify(&format!(
        "dn: CN=three-tries,CN=Password Settings Container,CN=System,{BASE}\nchangetype: modify\nadd: msDS-PSOAppliesTo\n\
         msDS-PSOAppliesTo: {dn}\n"
    ));
    samba.lock(&dn);
    let verdict = sign_in(&directory, "ad-locked-for-good", PASSWORD).await.unwrap();
    assert_eq!(verdict, Verdict::Denied(Reason::Locked { until: None }));
}

fn names(mut groups: Vec<String>) -> Vec<String> {
    groups.sort();
    groups.iter().map(|dn| dn.split([',', '=']).nth(1).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn groups_are_nested_and_the_primary_one_is_among_them() {
    let Some(samba) = Samba::shared() else { return };
    let mut narrow = samba.options();
    narrow.search_base = format!("OU=Corp,{BASE}");
    let directory = open(narrow);
    let members = [
        ("alice", &["big", "eng-core", "Domain Users", "eng-all", "all-staff"][..]),
        ("bob", &["eng-core", "Domain Users", "eng-all", "all-staff", "loop-a", "loop-b"]),
        ("tanaka", &["営業", "Domain Users", "all-staff"]),
        ("primary", &["primary-own", "primary-parent", "Domain Users"]),
    ];
    for (name, expected) in members {
        let subject = candidate(&directory, name).await.subject.unwrap();
        let mut expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        let mut held = names(groups(&directory, &subject).await);
        // "Domain Users" is below CN=Users, where people from elsewhere than the base are not searched; as a primary
        // group it is found all the same.
        if name == "primary" {
            held.retain(|group| group != "Domain Users");
            expected.retain(|group| group != "Domain Users");
        }
        held.sort();
        expected.sort();
        assert_eq!(held, expected, "{name}");
        let question = Question::Groups { attribute: Some("sAMAccountName".to_owned()) };
        let mut called = values(&directory, &subject, &question, "sAMAccountName").await;
        called.retain(|group| name != "primary" || group != "Domain Users");
        assert_eq!(called, expected, "{name}, by an attribute");
    }
}

/// Samba cuts only what it is asked to cut.
#[tokio::test]
async fn a_group_of_sixteen_hundred_is_read_whole() {
    let Some(samba) = Samba::shared() else { return };
    let mut options = samba.options();
    options.login_filter = "(sAMAccountName={login})".to_owned();
    options.attributes = vec!["member;range=0-1499".to_owned(), "member".to_owned()];
    let big = candidate(&open(options), "big").await.subject.unwrap();
    assert_eq!(big.attributes.values("member").unwrap().len(), 1601);
}

#[tokio::test]
async fn a_global_catalogue_finds_people_and_does_not_forget_the_lock() {
    let Some(samba) = Samba::shared() else { return };
    let mut options = samba.options();
    options.urls = vec![samba.catalogue_url()];
    let dn = samba.person("ad-catalogue");
    assert!(!samba.try_password(&dn, "wrong"));
    let directory = open(options);
    let found = candidate(&directory, "ad-catalogue").await;
    assert_eq!((found.lockout.wrong, found.lockout.threshold), (1, Some(5)));
    let verdict = directory.verify(&found, &secret(PASSWORD)).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
}

/// The page tells the state of an account to whoever has its password, and to nobody else.
#[tokio::test]
async fn the_page_tells_no_stranger_how_an_account_stands() {
    let Some(samba) = Samba::shared() else { return };
    let mut folder = Folder::new();
    folder.add_directory(&samba.directory());
    let server = TestServer::start(folder).await;
    samba.lock(&samba.person("ad-page-locked"));
    let tries = [
        ("吉田", PASSWORD, ""),
        ("EXAMPLE\\tanaka", PASSWORD, ""),
        ("disabled", "wrong", "SK-CREDENTIALS"),
        ("disabled", PASSWORD, "SK-DISABLED"),
        ("expiredaccount", "wrong", "SK-CREDENTIALS"),
        ("expiredaccount", PASSWORD, "SK-ACCOUNT-EXPIRED"),
        ("hours", PASSWORD, "SK-LOGON-HOURS"),
        ("nobody", PASSWORD, "SK-CREDENTIALS"),
        ("ad-page-locked", "wrong", "SK-LOCKED"),
    ];
    for (name, password, code) in tries {
        let mut browser = Browser::new();
        let page = browser.open(&server.url("/login")).await;
        let page = crate::support::app::sign_in(&mut browser, &page, (name, password)).await;
        assert_eq!(page.status == 200, code.is_empty(), "{name}: {}", page.body);
        assert!(page.body.contains(code), "{name}: no {code} in {}", page.body);
    }
    let locked = server.audit().into_iter().rfind(|event| event["event"] == "sign_in_refused").unwrap();
    assert_eq!(locked["reason"], "locked");
    assert!(locked["locked_until"].is_string(), "{locked}");
}

/// Signing in through the throttle, as the sign-in page does.
struct Front {
    sign_in: PasswordSignIn,
    audit: Arc<Memory>,
    _folder: tempfile::TempDir,
}

impl Front {
    async fn new(directory: LdapDirectory, account_tries: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("s.db").display())).await.unwrap();
        let audit = Arc::new(Memory::default());
        let throttle = ThrottleOptions {
            account_tries,
            address_tries: 1000,
            address_accounts: 1000,
            window: SignedDuration::from_mins(30),
        };
        let directories = vec![Arc::new(directory) as Arc<dyn Directory>];
        let clock = Arc::new(SystemClock);
        let sign_in = PasswordSignIn::new(directories, store, Arc::clone(&audit) as _, clock, throttle);
        Self { sign_in, audit, _folder: folder }
    }

    async fn attempt(&self, name: &str, password: &str) -> Option<Refusal> {
        let address = "192.0.2.1".parse().unwrap();
        let attempt = Attempt { login: name, password: secret(password), address, request_id: "R" };
        match self.sign_in.sign_in(attempt).await.unwrap() {
            Answer::SignedIn(_) => None,
            Answer::Refused(refusal) => Some(refusal),
        }
    }

    fn reasons(&self) -> Vec<String> {
        let records = self.audit.records();
        let value =
            |record| serde_json::to_value(record).unwrap()["reason"].as_str().unwrap_or("").to_owned();
        records.iter().map(value).collect()
    }
}

fn lockout_time(samba: &Samba, dn: &str) -> String {
    samba.value(dn, "lockoutTime").unwrap_or_else(|| "0".to_owned())
}

fn bad_count(samba: &Samba, dn: &str) -> String {
    samba.value(dn, "badPwdCount").unwrap_or_else(|| "0".to_owned())
}

#[tokio::test]
async fn wrong_passwords_never_lock_anybody_out_of_windows() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("ad-guessed");
    // As if the throttle did not count for itself.
    let front = Front::new(domain(samba), 1000).await;
    assert_eq!(front.attempt("ad-guessed", PASSWORD).await, None);
    for _ in 0..12 {
        assert!(front.attempt("ad-guessed", "wrong").await.is_some());
    }
    assert_eq!((lockout_time(samba, &dn).as_str(), bad_count(samba, &dn).as_str()), ("0", "4"));
    assert_eq!(front.attempt("ad-guessed", PASSWORD).await, Some(Refusal::Throttled), "known here: told");
    assert_eq!(front.reasons().last().unwrap(), "near_lockout");
    assert!(samba.try_password(&dn, PASSWORD), "Windows lets the person in");
    assert_eq!(front.attempt("ad-guessed", PASSWORD).await, None, "and then so do we");
}

#[tokio::test]
async fn wrong_passwords_at_windows_count_here() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("ad-windows");
    let front = Front::new(domain(samba), 1000).await;
    assert_eq!(front.attempt("ad-windows", PASSWORD).await, None);
    for _ in 0..3 {
        assert!(!samba.try_password(&dn, "wrong"));
    }
    let stranger = Front::new(domain(samba), 1000).await;
    assert_eq!(stranger.attempt("ad-windows", "wrong").await, Some(Refusal::WrongCredentials));
    assert_eq!(
        (stranger.reasons(), bad_count(samba, &dn)),
        (vec!["near_lockout".to_owned()], "3".to_owned())
    );
    let at_once = (0..8).map(|_| front.attempt("ad-windows", "wrong"));
    futures_util::future::join_all(at_once).await;
    assert_eq!((lockout_time(samba, &dn).as_str(), bad_count(samba, &dn).as_str()), ("0", "4"));
}

#[tokio::test]
async fn a_fine_grained_policy_is_the_one_that_counts() {
    let Some(samba) = Samba::shared() else { return };
    let dn = candidate(&domain(samba), "strict").await.subject.unwrap().dn.unwrap();
    let front = Front::new(domain(samba), 4).await;
    for _ in 0..6 {
        front.attempt("strict", "wrong").await;
    }
    // Three lock; the second place is kept for addresses that signed the person in before.
    assert_eq!((lockout_time(samba, &dn).as_str(), bad_count(samba, &dn).as_str()), ("0", "1"));
    assert_eq!(front.reasons()[..3], ["wrong_password", "near_lockout", "near_lockout"]);
}

/// Who may not read the fine-grained policies takes them to be strict.
#[tokio::test]
async fn a_policy_that_cannot_be_read_is_taken_to_be_strict() {
    let Some(samba) = Samba::shared() else { return };
    let mut options = samba.options();
    options.bind_dn = Some(candidate(&domain(samba), "svc-reset").await.bind_name);
    let dave = candidate(&open(options), "dave").await;
    assert_eq!(dave.lockout.threshold, Some(3));
    let mut options = samba.options();
    options.bind_dn = Some(ADMINISTRATOR.to_owned());
    options.bind_password = Some(secret(ADMINISTRATOR_PASSWORD));
    assert_eq!(candidate(&open(options), "dave").await.lockout.threshold, Some(5));
    assert_eq!(candidate(&domain(samba), "dave").await.lockout.threshold, Some(5));
}

#[tokio::test]
async fn wrong_passwords_never_lock_anybody_out_of_openldap() {
    let slapd = Slapd::start_locking_at(3);
    let (front, direct) = (Front::new(open(options(&[&slapd])), 1000).await, open(options(&[&slapd])));
    assert_eq!(candidate(&direct, "tanaka").await.lockout.threshold, Some(3));
    assert_eq!(front.attempt("tanaka", "wrong").await, Some(Refusal::WrongCredentials));
    assert_eq!(candidate(&direct, "tanaka").await.lockout.wrong, 1);
    for _ in 0..5 {
        assert!(front.attempt("tanaka", "wrong").await.is_some());
    }
    assert_eq!(candidate(&direct, "tanaka").await.lockout.wrong, 1);
    assert!(matches!(sign_in(&direct, "tanaka", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
    assert_eq!(candidate(&direct, "tanaka").await.lockout.wrong, 0);
    let locked = candidate(&direct, "locked").await;
    assert!(locked.lockout.locked && locked.lockout.locked_until.is_none());
}

/// The policies stand beside the people, in the naming context, however search_base is written.
#[tokio::test]
async fn the_lock_of_openldap_is_known_by_any_spelling_of_the_search_base() {
    let slapd = Slapd::start_locking_at(3);
    let mut options = options(&[&slapd]);
    options.search_base = "OU=People, DC=Example, DC=Test".to_owned();
    assert_eq!(candidate(&open(options), "tanaka").await.lockout.threshold, Some(3));
}
