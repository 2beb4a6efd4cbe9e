//! Passwords changed by `unicodePwd`, on a real Samba domain controller.

use sekisho::directory::{
    Administrator, Directory, LdapDirectory, LdapOptions, Login, PasswordChange, PasswordRefusal,
    PasswordReset, Reason, Verdict,
};

use super::{candidate, change, refused, secret};
use crate::support::samba::{PASSWORD, READER, RESETTER, SERVICE_PASSWORD, Samba};

fn open(samba: &Samba) -> LdapDirectory {
    super::open(LdapOptions { password_change: true, ..samba.options() })
}

#[tokio::test]
async fn a_person_exchanges_the_own_password() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("pw-own");
    let corp = open(samba);
    assert_eq!(change(&corp, "pw-own", PASSWORD, "さくらSakura-24").await, PasswordChange::Changed);
    assert!(samba.try_password(&dn, "さくらSakura-24") && !samba.try_password(&dn, PASSWORD));
    let denied = change(&corp, "pw-own", PASSWORD, "Momiji-2024-x").await;
    assert_eq!(denied, PasswordChange::Denied(Reason::WrongPassword));
}

/// Nobody can bind whose password has expired: the service account, which may only read, carries the exchange.
#[tokio::test]
async fn who_must_change_or_has_expired_does_it_by_a_service_account_that_may_only_read() {
    let Some(samba) = Samba::shared() else { return };
    let must = samba.person("pw-must");
    samba.set(&must, "pwdLastSet", "0");
    let old = samba.person("pw-expired");
    samba.age_password("pw-expired", 100);
    let corp = open(samba);
    for (login, dn, reason) in
        [("pw-must", must, Reason::PasswordMustChange), ("pw-expired", old, Reason::PasswordExpired)]
    {
        let person = candidate(&corp, login).await;
        let verdict = corp.verify(&person, &secret(PASSWORD)).await.unwrap();
        assert_eq!(verdict, Verdict::Denied(reason), "{login}");
        let denied = change(&corp, login, "wrong", "Sakura-2024-x").await;
        assert_eq!(denied, PasswordChange::Denied(Reason::WrongPassword), "{login}");
        assert_eq!(change(&corp, login, PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed, "{login}");
        assert!(samba.try_password(&dn, "Sakura-2024-x"), "{login}");
    }
}

#[tokio::test]
async fn each_rule_that_was_offended_is_told() {
    let Some(samba) = Samba::shared() else { return };
    samba.person("pw-rules");
    let corp = open(samba);
    let short = refused(PasswordRefusal::TooShort { least: Some(7) });
    assert_eq!(change(&corp, "pw-rules", PASSWORD, "Aa1!").await, short);
    let simple = refused(PasswordRefusal::NotComplexEnough);
    assert_eq!(change(&corp, "pw-rules", PASSWORD, "aaaaaaaaaa").await, simple);
    assert_eq!(change(&corp, "pw-rules", PASSWORD, "Sakura-2024-x").await, PasswordChange::Changed);
    let history = refused(PasswordRefusal::InHistory);
    assert_eq!(change(&corp, "pw-rules", "Sakura-2024-x", PASSWORD).await, history);
    // A fine-grained policy asks for fourteen.
    let long = refused(PasswordRefusal::TooShort { least: Some(14) });
    assert_eq!(change(&corp, "dave", PASSWORD, "Sakura-2024-x").await, long);
}

#[tokio::test]
async fn a_disabled_account_changes_nothing() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("pw-disabled");
    samba.set(&dn, "userAccountControl", "514");
    let denied = change(&open(samba), "pw-disabled", PASSWORD, "Sakura-2024-x").await;
    assert!(matches!(denied, PasswordChange::Denied(Reason::Disabled | Reason::WrongPassword)), "{denied:?}");
    samba.set(&dn, "userAccountControl", "512");
    assert!(samba.try_password(&dn, PASSWORD));
}

#[tokio::test]
async fn a_password_that_ends_soon_is_told_with_the_sign_in() {
    let Some(samba) = Samba::shared() else { return };
    // Passwords live 42 days.
    for (login, days, told) in [("pw-soon", 40, true), ("pw-later", 20, false)] {
        samba.person(login);
        samba.age_password(login, days);
        let corp = open(samba);
        let person = candidate(&corp, login).await;
        let shown = person.subject.as_ref().and_then(|subject| subject.password_expires);
        assert_eq!(shown.is_some(), told, "{login}");
        match corp.verify(&person, &secret(PASSWORD)).await.unwrap() {
            Verdict::Accepted(subject) => {
                assert_eq!(subject.password_expires.is_some(), told, "{login}");
                assert!(!subject.attributes.contains("msDS-UserPasswordExpiryTimeComputed"));
            }
            other @ Verdict::Denied(_) => panic!("{login}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_administrator_sets_a_password_with_the_own_bind() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("pw-reset");
    let corp = open(samba);
    let reset = async |by: &str, password: &str, login: &str, new: &str| {
        let password = secret(password);
        let by = Administrator { dn: by, password: &password, base: None, spared: &[] };
        corp.reset_password(&by, &Login::parse(login).unwrap(), &secret(new)).await.unwrap()
    };
    let changed = reset(RESETTER, SERVICE_PASSWORD, "pw-reset", "Sakura-2024-x").await;
    assert!(matches!(changed, PasswordReset::Changed(_)), "{changed:?}");
    assert!(samba.try_password(&dn, "Sakura-2024-x") && !samba.try_password(&dn, PASSWORD));
    let denied = PasswordReset::AdministratorDenied(Reason::WrongPassword);
    assert_eq!(reset(RESETTER, "wrong", "pw-reset", "Momiji-2024-x").await, denied);
    let weak = PasswordReset::Refused(PasswordRefusal::NotAllowed);
    assert_eq!(reset(READER, SERVICE_PASSWORD, "pw-reset", "Momiji-2024-x").await, weak);
    let short = PasswordReset::Refused(PasswordRefusal::TooShort { least: Some(7) });
    assert_eq!(reset(RESETTER, SERVICE_PASSWORD, "pw-reset", "Aa1!").await, short);
    for privileged in ["boss", "administrator", "svc-sekisho", "DC1$"] {
        let spared = reset(RESETTER, SERVICE_PASSWORD, privileged, "Momiji-2024-x").await;
        assert_eq!(spared, PasswordReset::Privileged, "{privileged}");
    }
    assert!(samba.try_password(&dn, "Sakura-2024-x"));
}
