//! Passwords changed by the password-modify operation, on a real slapd with a password policy.

use sekisho::directory::dn::Dn;
use sekisho::directory::{Administrator, Login, NoPerson, PasswordReset};
use sekisho::directory::{Directory, DirectoryError, PasswordChange, PasswordRefusal, Reason, Verdict};

use super::{candidate, change, open, options, refused, secret};
use crate::support::fake_ldap::{Conduct, FakeLdap};
use crate::support::slapd::{BASE, PASSWORD, READER_PASSWORD, RESETTER, Slapd};

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

#[tokio::test]
async fn a_person_exchanges_the_own_password() {
    let slapd = Slapd::start();
    let corp = open(options(&slapd));
    assert_eq!(change(&corp, "mori", PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed);
    assert!(slapd.try_password(&dn("mori"), "Sakura-2024-x") && !slapd.try_password(&dn("mori"), PASSWORD));
    // Japanese, and everything that would mean something elsewhere.
    let odd = "さくら\"'\\*)(=,+;<>&%00";
    assert_eq!(change(&corp, "mori", "Sakura-2024-x", odd).await, PasswordChange::Changed);
    assert!(slapd.try_password(&dn("mori"), odd));
}

#[tokio::test]
async fn each_rule_that_was_offended_is_told() {
    let slapd = Slapd::start();
    let corp = open(options(&slapd));
    let short = PasswordRefusal::TooShort { least: None };
    assert_eq!(change(&corp, "mori", PASSWORD, "short").await, refused(short));
    assert_eq!(change(&corp, "mori", PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed);
    let history = refused(PasswordRefusal::InHistory);
    assert_eq!(change(&corp, "mori", "Sakura-2024-x", PASSWORD).await, history);
    let young = refused(PasswordRefusal::TooYoung { until: None });
    assert_eq!(change(&corp, "young", PASSWORD, "Sakura-2024-x").await, young);
    for unusable in ["", "   ", "a\0bcdefghijk", "line\nline-line", &"x".repeat(1025)] {
        let kept = change(&corp, "mori", "Sakura-2024-x", unusable).await;
        assert_eq!(kept, refused(PasswordRefusal::Unusable), "{unusable:?}");
    }
    assert!(slapd.try_password(&dn("mori"), "Sakura-2024-x"));
}

#[tokio::test]
async fn a_wrong_old_password_changes_nothing() {
    let slapd = Slapd::start();
    let corp = open(options(&slapd));
    for wrong in ["wrong", "", " ", "a\0b"] {
        let denied = change(&corp, "mori", wrong, "Sakura-2024-x").await;
        assert_eq!(denied, PasswordChange::Denied(Reason::WrongPassword), "{wrong:?}");
    }
    let locked = change(&corp, "locked", PASSWORD, "Sakura-2024-x").await;
    assert_eq!(locked, PasswordChange::Denied(Reason::Locked { until: None }));
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn who_must_change_does_it_alone_and_who_has_expired_through_the_service_account() {
    let slapd = Slapd::start();
    let corp = open(options(&slapd));
    assert_eq!(change(&corp, "mustchange", PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed);
    let candidate = candidate(&corp, "mustchange").await;
    let verdict = corp.verify(&candidate, &secret("Sakura-2024-x")).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");

    let denied = change(&corp, "expired", "wrong", "Sakura-2024-x").await;
    assert_eq!(denied, PasswordChange::Denied(Reason::WrongPassword));
    let without_right = change(&corp, "expired", PASSWORD, "Sakura-2024-x").await;
    assert_eq!(without_right, refused(PasswordRefusal::NotAllowed));
    let mut writing = options(&slapd);
    writing.bind_dn = Some(RESETTER.to_owned());
    assert_eq!(change(&open(writing), "expired", PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed);
    assert!(slapd.try_password(&dn("expired"), "Sakura-2024-x"));
    let mut nobody = options(&slapd);
    (nobody.bind_dn, nobody.bind_password) = (None, None);
    nobody.dn_pattern = Some(format!("uid={{login}},ou=people,{BASE}"));
    let nobody = open(nobody);
    assert_eq!(change(&nobody, "mori", PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed);
}

#[tokio::test]
async fn a_read_only_directory_changes_nothing() {
    let slapd = Slapd::start();
    let mut options = options(&slapd);
    options.password_change = false;
    let corp = open(options);
    assert!(!corp.changes_passwords());
    let kept = change(&corp, "mori", PASSWORD, "Sakura-2024-x").await;
    assert_eq!(kept, refused(PasswordRefusal::NotAllowed));
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn a_password_that_ends_soon_is_told_with_the_sign_in() {
    let slapd = Slapd::start();
    let ends = |options| {
        let corp = open(options);
        async move {
            let mut ends = Vec::new();
            for login in ["soon", "mori", "tanaka"] {
                let candidate = candidate(&corp, login).await;
                match corp.verify(&candidate, &secret(PASSWORD)).await.unwrap() {
                    Verdict::Accepted(subject) => ends.push(subject.password_expires.is_some()),
                    other @ Verdict::Denied(_) => panic!("{other:?}"),
                }
            }
            ends
        }
    };
    assert_eq!(ends(options(&slapd)).await, [true, false, false]);
    let mut off = options(&slapd);
    off.password_warning = None;
    assert_eq!(ends(off).await, [false; 3]);
    let mut read_only = options(&slapd);
    read_only.password_change = false;
    assert_eq!(ends(read_only).await, [false; 3], "nobody is told who cannot change it here");
}

#[tokio::test]
async fn an_administrator_sets_a_password_with_the_own_bind() {
    let slapd = Slapd::start();
    let mut read_only = options(&slapd);
    read_only.password_change = false;
    let corp = open(read_only);
    let spared = [Dn::parse(&dn("suzuki")).unwrap()];
    let base = Dn::parse(&format!("ou=people,{BASE}")).unwrap();
    let elsewhere = Dn::parse(&format!("ou=groups,{BASE}")).unwrap();
    let reset = async |by: (&str, &str), base: Option<&Dn>, login: &str, new: &str| {
        let password = secret(by.1);
        let by = Administrator { dn: by.0, password: &password, base, spared: &spared };
        corp.reset_password(&by, &Login::parse(login).unwrap(), &secret(new)).await.unwrap()
    };
    let admin = (RESETTER, READER_PASSWORD);
    let changed = reset(admin, Some(&base), "mori", "Sakura-2024-x").await;
    assert!(matches!(&changed, PasswordReset::Changed(subject) if subject.login == "mori"), "{changed:?}");
    assert!(slapd.try_password(&dn("mori"), "Sakura-2024-x") && !slapd.try_password(&dn("mori"), PASSWORD));

    let short = reset(admin, None, "mori", "short").await;
    assert_eq!(short, PasswordReset::Refused(PasswordRefusal::TooShort { least: None }));
    assert_eq!(reset(admin, None, "mori", "").await, PasswordReset::Refused(PasswordRefusal::Unusable));
    let denied = PasswordReset::AdministratorDenied(Reason::WrongPassword);
    assert_eq!(reset((RESETTER, "wrong"), None, "mori", "Momiji-2024-x").await, denied);
    assert_eq!(reset((RESETTER, ""), None, "mori", "Momiji-2024-x").await, denied);
    assert_eq!(reset(("", ""), None, "mori", "Momiji-2024-x").await, denied);
    let weak = (&*dn("u0"), "Passw0rd!0");
    let not_allowed = PasswordReset::Refused(PasswordRefusal::NotAllowed);
    assert_eq!(reset(weak, None, "mori", "Momiji-2024-x").await, not_allowed);
    let nobody = |why| PasswordReset::NoPerson(why);
    assert_eq!(reset(admin, None, "nobody", "Momiji-2024-x").await, nobody(NoPerson::Unknown));
    assert_eq!(reset(admin, None, "twin@example.test", "x").await, nobody(NoPerson::Ambiguous));
    assert_eq!(reset(admin, Some(&elsewhere), "mori", "x").await, nobody(NoPerson::Outside));
    assert_eq!(reset(admin, None, "suzuki", "Momiji-2024-x").await, PasswordReset::Privileged);
    assert!(slapd.try_password(&dn("mori"), "Sakura-2024-x") && slapd.try_password(&dn("suzuki"), PASSWORD));
}

#[tokio::test]
async fn nothing_goes_out_without_verified_tls() {
    let slapd = Slapd::start();
    let mut clear = options(&slapd);
    clear.urls = vec![slapd.ldap_url()];
    let mut blind = options(&slapd);
    blind.verify_certificate = false;
    for options in [clear, blind] {
        assert!(options.check().iter().any(|fault| fault.to_string().starts_with("password_change: ")));
        let mut reading = options;
        reading.password_change = false;
        let corp = open(reading);
        let password = secret(READER_PASSWORD);
        let by = Administrator { dn: RESETTER, password: &password, base: None, spared: &[] };
        let login = Login::parse("mori").unwrap();
        let error = corp.reset_password(&by, &login, &secret("Sakura-2024-x")).await.unwrap_err();
        assert!(matches!(error, DirectoryError::Options { .. }), "{error}");
    }
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn no_answer_is_no_refusal() {
    let fake = FakeLdap::start(Conduct::Close, Conduct::Well).await;
    let mut options = sekisho::directory::LdapOptions::new("corp");
    options.urls = vec![fake.url()];
    "dc=fake".clone_into(&mut options.search_base);
    let corp = open(options);
    let candidate = candidate(&corp, "tanaka").await;
    let error = corp.change_password(&candidate, &secret("old"), &secret("new")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unanswered { .. }), "{error}");
}
