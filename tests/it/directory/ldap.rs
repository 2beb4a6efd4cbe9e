//! What only LDAP directories have: password policy, TLS, groups, names in several shapes, exclusive connections.

use std::sync::Arc;

use sekisho::directory::{Directory, DirectoryError, Lookup, Reason, Verdict};

use sekisho::identity::{Piece, Question};

use super::{candidate, groups, login, open, open_impatient, options, sign_in, values};
use crate::support::slapd::{BASE, NUMBERED, PASSWORD, Slapd, password_of, write_strange_ca};

#[tokio::test]
async fn the_password_policy_is_heard() {
    let slapd = Slapd::start();
    let mut with_pattern = options(&[&slapd]);
    with_pattern.dn_pattern = Some(format!("uid={{login}},ou=people,{BASE}"));
    for directory in [open(options(&[&slapd])), open(with_pattern)] {
        for (name, reason) in [
            ("locked", Reason::Locked { until: None }),
            ("mustchange", Reason::PasswordMustChange),
            ("expired", Reason::PasswordExpired),
        ] {
            let verdict = sign_in(&directory, name, PASSWORD).await.unwrap();
            assert_eq!(verdict, Verdict::Denied(reason), "{name}");
        }
        let verdict = sign_in(&directory, "mustchange", "wrong").await.unwrap();
        assert_eq!(verdict, Verdict::Denied(Reason::WrongPassword));
    }
}

/// Whoever comes with a ticket makes no bind that would say so.
#[tokio::test]
async fn a_lock_of_an_administrator_is_seen_before_any_bind() {
    let slapd = Slapd::start();
    let directory = open(options(&[&slapd]));
    assert_eq!(candidate(&directory, "locked").await.barred, Some(Reason::Disabled));
    assert_eq!(candidate(&directory, "tanaka").await.barred, None);
}

#[tokio::test]
async fn names_come_in_several_shapes() {
    let slapd = Slapd::start();
    let mut options = options(&[&slapd]);
    options.netbios_names = vec!["EXAMPLE".to_owned()];
    let directory = open(options);
    for name in ["example\\tanaka", "EXAMPLE\\tanaka", "tanaka@example.test"] {
        let subject = candidate(&directory, name).await.subject.unwrap();
        assert_eq!(subject.login, "tanaka", "{name}");
    }
    for name in ["OTHER\\tanaka", "EXAMPLE\\", "EXAMPLE\\ "] {
        assert!(matches!(directory.find(&login(name)).await.unwrap(), Lookup::Unknown), "{name}");
    }
    assert!(matches!(directory.find(&login("twin@example.test")).await.unwrap(), Lookup::Ambiguous));
}

#[tokio::test]
async fn nested_groups_are_found_and_circles_end() {
    let slapd = Slapd::start();
    let directory = open(options(&[&slapd]));
    let groups = async |name: &str| {
        let subject = candidate(&directory, name).await.subject.unwrap();
        let mut groups = groups(&directory, &subject).await;
        groups.sort();
        groups
    };
    let dn = |name: &str| format!("cn={name},ou=groups,{BASE}");
    assert_eq!(groups("tanaka").await, [dn("circle"), dn("eng-all"), dn("eng-core"), dn("unique")]);
    assert!(groups("suzuki").await.contains(&dn("営業")));
    assert!(groups("u0").await.is_empty());
    let tanaka = candidate(&directory, "tanaka").await.subject.unwrap();
    let question = Question::Groups { attribute: Some("cn".to_owned()) };
    let called = values(&directory, &tanaka, &question, "cn").await;
    assert_eq!(called, ["circle", "eng-all", "eng-core", "unique"]);
    let secret = Question::Groups { attribute: Some("userPassword".to_owned()) };
    assert_eq!(values(&directory, &tanaka, &secret, "userPassword").await, [""; 0]);
}

/// Whose own entry names groups elsewhere than below the search base.
#[tokio::test]
async fn groups_that_the_entry_names_are_read_wherever_they_are() {
    let slapd = Slapd::start_with_member_of();
    for name in ["late", "later"] {
        slapd.modify(&format!(
            "dn: cn={name},ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\ncn: {name}\n\
             member: uid=tanaka,ou=people,{BASE}\n"
        ));
    }
    let question = Question::Groups { attribute: Some("cn".to_owned()) };
    let mut narrow = options(&[&slapd]);
    narrow.search_base = format!("ou=people,{BASE}");
    let directory = open(narrow);
    let tanaka = candidate(&directory, "tanaka").await.subject.unwrap();
    let named = values(&directory, &tanaka, &question, "cn").await;
    assert_eq!(named, ["eng-all", "eng-core", "late", "later"]);
    let whole = open(options(&[&slapd]));
    let called = values(&whole, &tanaka, &question, "cn").await;
    assert_eq!(called, ["circle", "eng-all", "eng-core", "late", "later", "unique"], "each once");
}

#[tokio::test]
async fn a_search_finds_what_its_filter_says_and_values_stay_in_their_place() {
    let slapd = Slapd::start();
    let directory = open(options(&[&slapd]));
    let tanaka = candidate(&directory, "tanaka").await.subject.unwrap();
    let search = |value: &str| Question::Search {
        filter: vec![
            Piece::Written("(&(objectClass=inetOrgPerson)(uid=".to_owned()),
            Piece::Value(value.as_bytes().to_vec()),
            Piece::Written("))".to_owned()),
        ],
        attributes: vec!["uid".to_owned(), "userPassword".to_owned()],
    };
    assert_eq!(values(&directory, &tanaka, &search("suzuki"), "UID").await, ["suzuki"]);
    for value in ["*", "suzuki)(uid=*", "s*", "nobody", ""] {
        assert_eq!(values(&directory, &tanaka, &search(value), "uid").await, [""; 0], "{value}");
    }
    assert_eq!(values(&directory, &tanaka, &search("suzuki"), "userPassword").await, [""; 0]);
    let broken = Question::Search { filter: vec![Piece::Written("(uid".to_owned())], attributes: Vec::new() };
    assert!(directory.ask(&tanaka, &broken).await.is_err());
}

#[tokio::test]
async fn an_untrusted_ca_and_a_wrong_host_name_are_refused() {
    let slapd = Slapd::start();
    let strange = tempfile::NamedTempFile::new().unwrap();
    write_strange_ca(strange.path());
    let mut strange_ca = options(&[&slapd]);
    strange_ca.ca_certificate = Some(strange.path().to_owned());
    let mut no_ca = options(&[&slapd]);
    no_ca.ca_certificate = None;
    let mut start_tls = strange_ca.clone();
    start_tls.urls = vec![slapd.ldap_url()];
    start_tls.start_tls = true;
    let mut wrong_name = options(&[&slapd]);
    wrong_name.urls = vec![slapd.wrong_name_url()];
    for (what, wrong) in
        [("CA", &strange_ca), ("system", &no_ca), ("StartTLS", &start_tls), ("name", &wrong_name)]
    {
        let refused = open(wrong.clone()).probe().await;
        assert!(
            matches!(&refused, Err(DirectoryError::Unreachable { cause, .. }) if cause.contains("certificate verify failed")),
            "{what}: {refused:?}"
        );
        let mut unverified = wrong.clone();
        unverified.verify_certificate = false;
        open(unverified).probe().await.unwrap();
    }
}

#[tokio::test]
async fn a_search_base_that_is_not_there_is_an_error() {
    let slapd = Slapd::start();
    let mut options = options(&[&slapd]);
    options.search_base = format!("ou=nowhere,{BASE}");
    let directory = open_impatient(options);
    assert!(matches!(directory.find(&login("tanaka")).await, Err(DirectoryError::Refused { .. })));
    assert!(matches!(directory.probe().await, Err(DirectoryError::Entry { .. })));
}

/// With a `dn_pattern` everybody's entry is read over the very connection that the bind made theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_people_at_once_are_never_mixed_up() {
    let slapd = Slapd::start();
    let mut with_pattern = options(&[&slapd]);
    with_pattern.dn_pattern = Some(format!("uid={{login}},ou=people,{BASE}"));
    for options in [options(&[&slapd]), with_pattern] {
        let directory = Arc::new(open(options));
        let people = (0..NUMBERED).map(|number| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                let name = format!("u{number}");
                for round in 0..6 {
                    // Every other try is somebody else's password.
                    let other = (number + round) % NUMBERED;
                    let verdict = sign_in(&*directory, &name, &password_of(other)).await.unwrap();
                    match verdict {
                        Verdict::Accepted(subject) => assert_eq!((other, &subject.login), (number, &name)),
                        Verdict::Denied(reason) => {
                            assert_ne!(other, number);
                            assert_eq!(reason, Reason::WrongPassword);
                        }
                    }
                }
            })
        });
        for person in people.collect::<Vec<_>>() {
            person.await.unwrap();
        }
    }
}

#[tokio::test]
async fn names_of_other_domains_are_nobodys() {
    let slapd = Slapd::start();
    let mut options = options(&[&slapd]);
    options.upn_suffixes = vec!["Example.Test".to_owned(), "example.jp".to_owned()];
    let directory = open(options);
    // By mail; by the name before the @; the same.
    for ours in ["tanaka@example.test", "tanaka@EXAMPLE.JP", "tanaka"] {
        assert_eq!(candidate(&directory, ours).await.subject.unwrap().login, "tanaka", "{ours}");
    }
    for other in ["tanaka@other.test", "tanaka@sub.example.test", "tanaka@", "@example.test"] {
        assert!(matches!(directory.find(&login(other)).await.unwrap(), Lookup::Unknown), "{other}");
    }
}
