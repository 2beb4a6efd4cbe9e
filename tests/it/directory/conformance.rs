//! The conformance suite: what every directory must do alike, run on `people.toml`, on a real slapd by StartTLS, by LDAPS
//! and with a `dn_pattern`, and on a real Samba domain.

use sekisho::clock::SeededIds;
use sekisho::directory::{
    Candidate, Directory, FileDirectory, Lookup, Reason, Standing, Verdict, hash_password,
};
use sekisho::identity::SubjectId;

use super::{candidate, groups, login, open, options, secret, sign_in};
use crate::support::samba::Samba;
use crate::support::slapd::{BASE, PASSWORD, Slapd};

/// Whether a name can be looked up before the password is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finds {
    Entries,
    Names,
}

async fn suite(directory: &dyn Directory, finds: Finds) {
    directory.probe().await.unwrap();
    the_right_password_gives_the_person(directory, finds).await;
    wrong_passwords_are_denied(directory).await;
    unknown_and_injected_names_are_nobody(directory, finds).await;
    a_person_is_read_again_by_the_stable_identity(directory).await;
}

async fn the_right_password_gives_the_person(directory: &dyn Directory, finds: Finds) {
    let found = candidate(directory, "tanaka").await;
    assert_eq!(found.subject.is_some(), finds == Finds::Entries);
    assert!(found.barred.is_none() && !found.throttle_key.is_empty());
    for spelling in ["tanaka", "TANAKA", " tanaka "] {
        let Verdict::Accepted(subject) = sign_in(directory, spelling, PASSWORD).await.unwrap() else {
            panic!("{spelling} was refused");
        };
        assert_eq!(subject.id.directory, directory.name());
        // What is told comes from the entry, not from what was typed.
        assert_eq!((subject.login.as_str(), subject.display_name.as_str()), ("tanaka", "田中 太郎"));
        assert_eq!(subject.attributes.first_text("cn"), Some("田中 太郎"));
        assert_eq!(subject.attributes.first_text("title"), Some("a&<b>\"c]]>"));
        assert!(!subject.attributes.iter().any(|(name, _)| name.eq_ignore_ascii_case("userPassword")));
    }
}

async fn wrong_passwords_are_denied(directory: &dyn Directory) {
    for wrong in
        ["wrong", "", " ", "\u{3000}", "\t\n", "\0", "Passw0rd!User\0", "passw0rd!user", "Passw0rd!User "]
    {
        let verdict = sign_in(directory, "tanaka", wrong).await.unwrap();
        assert_eq!(verdict, Verdict::Denied(Reason::WrongPassword), "{wrong:?}");
    }
    // A refused try spoils nothing for the next one.
    assert!(matches!(sign_in(directory, "suzuki", PASSWORD).await.unwrap(), Verdict::Accepted(_)));
}

async fn unknown_and_injected_names_are_nobody(directory: &dyn Directory, finds: Finds) {
    let hostile = [
        "nobody",
        "*",
        "tan*",
        "tanaka)(uid=*",
        "*)(objectClass=*",
        "tanaka\\2a",
        "tanaka,ou=people",
        "\\",
        "()",
        "tanaka,ou=people,dc=example,dc=test",
        "太郎",
        "OTHER\\tanaka",
        "a+uid=tanaka",
        "#tanaka",
        "\"tanaka\"",
    ];
    for name in hostile {
        match directory.find(&login(name)).await.unwrap() {
            Lookup::Unknown => {}
            Lookup::Found(found) if finds == Finds::Names => {
                let verdict = directory.verify(&found, &secret(PASSWORD)).await.unwrap();
                assert_eq!(verdict, Verdict::Denied(Reason::WrongPassword), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

async fn a_person_is_read_again_by_the_stable_identity(directory: &dyn Directory) {
    let Verdict::Accepted(subject) = sign_in(directory, "tanaka", PASSWORD).await.unwrap() else {
        panic!("refused");
    };
    assert_eq!(directory.standing(&subject.id).await.unwrap(), Standing::Usable);
    let again = directory.find_by_id(&subject.id).await.unwrap().unwrap();
    assert_eq!(again.subject.as_ref(), Some(&*subject));
    let named = candidate(directory, "tanaka").await;
    if named.subject.is_some() {
        let told =
            |one: &Candidate| (one.throttle_key.clone(), one.bind_name.clone(), one.barred, one.lockout);
        assert_eq!(told(&again), told(&named));
    }
    for key in ["", "*", "00000000-0000-0000-0000-000000000000", "0123456789abcdef0123456789abcdef"] {
        let id = SubjectId { key: key.to_owned(), ..subject.id.clone() };
        assert!(directory.find_by_id(&id).await.unwrap().is_none(), "{key}");
        assert_eq!(directory.standing(&id).await.unwrap(), Standing::Gone, "{key}");
    }
    let elsewhere = SubjectId { directory: "elsewhere".to_owned(), ..subject.id.clone() };
    assert!(directory.find_by_id(&elsewhere).await.unwrap().is_none());
}

#[tokio::test]
async fn a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.toml");
    let hash = hash_password(&secret(PASSWORD), &SeededIds::new(1));
    let people = format!(
        "[[person]]\nlogin = \"tanaka\"\npassword = \"{hash}\"\nattributes = {{ uid = [\"tanaka\"], cn = [\"田中 太郎\"], \
         displayName = [\"田中 太郎\"], title = ['a&<b>\"c]]>'], memberOf = [\"eng\"], userPassword = [\"x\"] }}\n\
         [[person]]\nlogin = \"suzuki\"\npassword = \"{hash}\"\n\
         [[person]]\nlogin = \"gone\"\npassword = \"{hash}\"\ndisabled = true\n"
    );
    std::fs::write(&path, people).unwrap();
    let directory = FileDirectory::load("local", &path).unwrap();
    suite(&directory, Finds::Entries).await;

    assert_eq!(candidate(&directory, "gone").await.barred, Some(Reason::Disabled));
    assert_eq!(sign_in(&directory, "gone", PASSWORD).await.unwrap(), Verdict::Denied(Reason::Disabled));
    assert_eq!(sign_in(&directory, "gone", "wrong").await.unwrap(), Verdict::Denied(Reason::WrongPassword));
    let tanaka = candidate(&directory, "tanaka").await.subject.unwrap();
    assert_eq!(groups(&directory, &tanaka).await, ["eng"]);
}

#[tokio::test]
async fn slapd_by_ldaps() {
    let slapd = Slapd::start();
    suite(&open(options(&[&slapd])), Finds::Entries).await;
}

#[tokio::test]
async fn samba_by_ldaps() {
    let Some(samba) = Samba::shared() else { return };
    suite(&open(samba.options()), Finds::Entries).await;
}

#[tokio::test]
async fn slapd_by_start_tls() {
    let slapd = Slapd::start();
    let mut options = options(&[&slapd]);
    options.urls = vec![slapd.ldap_url()];
    options.start_tls = true;
    suite(&open(options), Finds::Entries).await;
}

#[tokio::test]
async fn slapd_with_a_dn_pattern() {
    let slapd = Slapd::start();
    let mut options = options(&[&slapd]);
    options.dn_pattern = Some(format!("uid={{login}},ou=people,{BASE}"));
    suite(&open(options), Finds::Names).await;
}
