//! What each way of following a directory does beyond the conformance suite: which ids it names, what it takes for lost,
//! and that readings are whole.

use std::sync::Arc;

use sekisho::clock::SystemClock;
use sekisho::directory::LdapDirectory;
use sekisho::directory::source::{Changes, Cursor, Gone, Source, SourceQuery, There};

use super::source::{Edit, Rig, SambaRig, SlapdRig, query, read};
use super::{open, options};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{BASE, Copies, RESETTER, Slapd};

fn many(attributes: &[&str]) -> SourceQuery {
    SourceQuery {
        base: format!("ou=many,{BASE}"),
        filter: "(objectClass=inetOrgPerson)".to_owned(),
        attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Changed entries by `displayName`, and the ids that are gone.
async fn since(rig: &dyn Rig, cursor: &Cursor) -> (Vec<String>, Gone, Cursor) {
    match rig.source().changes(&rig.query(), cursor).await.unwrap() {
        Changes::Since { changed, gone, cursor } => {
            let names =
                changed.iter().map(|entry| entry.attributes.first_text("displayName").unwrap().to_owned());
            (names.collect(), gone, cursor)
        }
        Changes::Lost(cause) => panic!("{cause}"),
    }
}

async fn lost(source: &dyn Source, query: &SourceQuery, cursor: &Cursor) -> String {
    match source.changes(query, cursor).await.unwrap() {
        Changes::Lost(cause) => cause,
        changes @ Changes::Since { .. } => panic!("{changes:?}"),
    }
}

#[tokio::test]
async fn many_names_are_asked_for_on_one_connection() {
    let slapd = Slapd::start_source(Copies::Log, 100);
    let directory = open(options(&[&slapd]));
    let number = |at: usize| format!("uid=m{at},ou=many,{BASE}");
    let mut dns: Vec<String> = (0..300).map(number).collect();
    dns.push("uid=a+b,dc=example".to_owned());
    let (people, ..) = read(&directory, &many(&["uid"])).await;
    dns.push(people.into_values().next().unwrap().dn);
    let there = directory.there(&dns).await.unwrap();
    assert_eq!(there.len(), 302);
    assert!(there[..100].iter().all(|one| *one == There::Yes), "{there:?}");
    assert!(there[100..300].iter().all(|one| *one == There::No), "{there:?}");
    // It is no DN; that stops nothing.
    assert!(matches!(&there[300], There::Unsure(cause) if cause.contains("34")), "{:?}", there[300]);
    assert_eq!(there[301], There::Yes);
}

#[tokio::test]
async fn a_reading_is_whole_and_comes_in_pages() {
    let slapd = Slapd::start_source(Copies::Log, 2345);
    let directory = open(options(&[&slapd]));
    let (people, _, parts) = read(&directory, &many(&["uid", "mail", "userPassword"])).await;
    assert_eq!((people.len(), parts), (2345, 3));
    for (id, entry) in &people {
        let uid = entry.attributes.first_text("uid").unwrap();
        assert_eq!(entry.attributes.first_text("mail"), Some(format!("{uid}@example.test").as_str()));
        assert_eq!(
            (entry.dn.as_str(), entry.attributes.len()),
            (format!("uid={uid},ou=many,{BASE}").as_str(), 2)
        );
        assert!(!entry.disabled && id.len() == 36);
    }
    let ids: Vec<String> = people.keys().take(250).cloned().collect();
    let found = directory.by_ids(&many(&["uid"]), &ids).await.unwrap();
    assert_eq!(found.len(), 250);
    // Nobody takes what is read.
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(receiver);
    let answer = directory.read(&many(&["uid"]), sender).await.unwrap_err().to_string();
    assert!(answer.contains("nobody takes"), "{answer}");
}

#[tokio::test]
async fn an_account_with_limits_reads_nothing_rather_than_a_part() {
    let slapd = Slapd::start_source(Copies::No, 600);
    let mut options = options(&[&slapd]);
    options.bind_dn = Some(RESETTER.to_owned());
    let (sender, mut receiver) = tokio::sync::mpsc::channel(9);
    let answer = open(options).read(&many(&["uid"]), sender).await.unwrap_err().to_string();
    assert!(answer.contains("without limits"), "{answer}");
    assert!(receiver.recv().await.is_none(), "all of it is one page");
}

#[tokio::test]
async fn a_session_log_names_exactly_what_is_gone() {
    let mut rig = SlapdRig::new(Copies::Log);
    for login in ["a", "b", "c", "d"] {
        rig.edit(Edit::Add(login));
    }
    let (people, cursor, _) = read(rig.source(), &rig.query()).await;
    assert!(cursor.value.starts_with("sync:"), "{cursor:?}");
    let id = |login: &str| {
        let mut all = people.values();
        all.find(|entry| entry.attributes.first_text("displayName") == Some(login)).unwrap().id.clone()
    };
    let (changed, gone, cursor) = since(&rig, &cursor).await;
    assert_eq!((changed, gone), (vec![], Gone::These(vec![])));
    for edit in [Edit::Title("a", "x"), Edit::Delete("b"), Edit::MoveOut("c"), Edit::LeaveFilter("d")] {
        rig.edit(edit);
    }
    let (changed, gone, _) = since(&rig, &cursor).await;
    assert_eq!(changed, ["a"]);
    let mut expected = vec![id("b"), id("c"), id("d")];
    expected.sort();
    assert_eq!(gone, Gone::These(expected));
}

#[tokio::test]
async fn without_a_log_what_is_there_is_named() {
    let mut rig = SlapdRig::new(Copies::Present);
    for login in ["a", "b", "c"] {
        rig.edit(Edit::Add(login));
    }
    let (_, cursor, _) = read(rig.source(), &rig.query()).await;
    assert!(cursor.value.starts_with("sync:"), "{cursor:?}");
    for edit in [Edit::Title("a", "x"), Edit::Delete("b")] {
        rig.edit(edit);
    }
    let (changed, gone, _) = since(&rig, &cursor).await;
    let mut left: Vec<String> = read(rig.source(), &rig.query()).await.0.into_keys().collect();
    left.sort();
    let Gone::AllBut(mut there) = gone else { panic!("{gone:?}") };
    there.sort();
    assert_eq!((changed, there), (vec!["a".to_owned()], left));
}

#[tokio::test]
async fn a_unit_that_moves_takes_the_cursor_with_it() {
    for copies in [Copies::Log, Copies::Present, Copies::No] {
        let mut rig = SlapdRig::new(copies);
        rig.edit(Edit::Add("a"));
        let (_, cursor, _) = read(rig.source(), &rig.query()).await;
        since(&rig, &cursor).await;
        let unit = format!("ou=many,{BASE}");
        let change = match copies {
            // Any change: which one it was is not told.
            Copies::No => "changetype: modify\nreplace: description\ndescription: x\n",
            _ => "changetype: modrdn\nnewrdn: ou=all\ndeleteoldrdn: 0\n",
        };
        rig.slapd.modify(&format!("dn: {unit}\n{change}"));
        let query = SourceQuery { base: BASE.to_owned(), ..rig.query() };
        let cause = lost(rig.source(), &query, &cursor).await;
        assert!(cause.contains("a unit was changed"), "{copies:?}: {cause}");
        // Read anew, it is followed again; by time, what was changed a moment ago is doubted for ten minutes.
        if copies != Copies::No {
            let (people, cursor, _) = read(rig.source(), &query).await;
            let places = people.values().filter(|one| one.dn.ends_with(&format!("ou=all,{BASE}"))).count();
            assert_eq!(places, 1, "{people:?}");
            assert!(matches!(rig.source().changes(&query, &cursor).await.unwrap(), Changes::Since { .. }));
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_server_or_kind_is_lost() {
    let (mut first, second) = (Slapd::start_source(Copies::Log, 3), Slapd::start_source(Copies::Log, 3));
    let both = tempfile::NamedTempFile::new().unwrap();
    let pem = [first.ca_file(), second.ca_file()].map(|file| std::fs::read_to_string(file).unwrap()).concat();
    std::fs::write(both.path(), pem).unwrap();
    let mut options = options(&[&first, &second]);
    options.ca_certificate = Some(both.path().to_owned());
    let directory = LdapDirectory::new(options, Arc::new(SystemClock)).unwrap();
    let (people, cursor, _) = read(&directory, &many(&["uid"])).await;
    assert_eq!((people.len(), cursor.server.as_str()), (3, first.ldaps_url().as_str()));
    first.stop();
    let cause = lost(&directory, &many(&["uid"]), &cursor).await;
    assert!(cause.contains("another server") && cause.contains(&first.ldaps_url()), "{cause}");
    let (people, other, _) = read(&directory, &many(&["uid"])).await;
    assert_eq!((people.len(), other.server.as_str()), (3, second.ldaps_url().as_str()));
    // Of the second one while the first one is back.
    first.restart();
    assert!(matches!(directory.changes(&many(&["uid"]), &other).await.unwrap(), Changes::Since { .. }));
    for value in ["", "usn:1@2024-05-01T12:00:00Z", "sync:bm8gY29va2ll"] {
        let wrong = Cursor { value: value.to_owned(), ..other.clone() };
        let answer = directory.changes(&many(&["uid"]), &wrong).await;
        assert!(!matches!(answer, Ok(Changes::Since { .. })), "{value}: {answer:?}");
    }
}

#[tokio::test]
async fn deleted_objects_name_exactly_what_is_gone() {
    let Some(samba) = Samba::shared() else { return };
    let account = (samba::ADMINISTRATOR, samba::ADMINISTRATOR_PASSWORD);
    let mut rig = SambaRig::new(samba, "source-deleted", account);
    for login in ["a", "b", "c", "d"] {
        rig.edit(Edit::Add(login));
    }
    let (people, cursor, _) = read(rig.source(), &rig.query()).await;
    assert!(cursor.value.starts_with("usn:") && cursor.server.len() == 36, "{cursor:?}");
    let id = |login: &str| {
        let mut all = people.values();
        all.find(|entry| entry.attributes.first_text("displayName") == Some(login)).unwrap().id.clone()
    };
    for edit in [Edit::Title("a", "x"), Edit::Delete("b"), Edit::MoveOut("c"), Edit::LeaveFilter("d")] {
        rig.edit(edit);
    }
    let (changed, gone, _) = since(&rig, &cursor).await;
    assert_eq!(changed, ["a"]);
    let Gone::These(gone) = gone else { panic!("{gone:?}") };
    // Others change in the domain, too.
    assert!(["b", "c", "d"].iter().all(|login| gone.contains(&id(login))), "{gone:?}");
    assert!(!gone.contains(&id("a")));
    let unit = format!("OU=out,OU=source-deleted,OU=Corp,{}", samba::BASE);
    samba.modify(&format!("dn: {unit}\nchangetype: modrdn\nnewrdn: OU=away\ndeleteoldrdn: 1\n"));
    let cause = lost(rig.source(), &rig.query(), &cursor).await;
    assert!(cause.contains("a unit was changed"), "{cause}");
    for (server, value, told) in [
        ("00000000-0000-0000-0000-000000000000", cursor.value.as_str(), "another server"),
        (cursor.server.as_str(), "usn:99999999999@2024-05-01T12:00:00Z", "restored"),
        (cursor.server.as_str(), "usn:1@2024-05-01T12:00:00Z", "so long ago"),
    ] {
        let wrong = Cursor { server: server.to_owned(), value: value.to_owned() };
        let cause = lost(rig.source(), &rig.query(), &wrong).await;
        assert!(cause.contains(told), "{cause}");
    }
}

#[tokio::test]
async fn a_global_catalogue_is_not_read_but_the_domains_that_it_knows() {
    let Some(samba) = Samba::shared() else { return };
    let mut options = samba.options();
    options.urls = vec![samba.catalogue_url()];
    let directory = open(options.clone());
    let people = query(&format!("OU=Corp,{}", samba::BASE));
    let nowhere = Cursor { server: String::new(), value: "usn:1@2024-05-01T12:00:00Z".to_owned() };
    let (sender, _receiver) = tokio::sync::mpsc::channel(9);
    let refused = [
        directory.read(&people, sender).await.unwrap_err(),
        directory.changes(&people, &nowhere).await.unwrap_err(),
        directory.by_ids(&people, &[]).await.unwrap_err(),
        directory.by_login(&people, "alice").await.unwrap_err(),
        directory.flavour().await.unwrap_err(),
    ];
    for error in refused {
        assert!(error.to_string().contains("is a global catalogue, which knows few attributes"), "{error}");
    }
    let domains = directory.domains(&people.base).await.unwrap().unwrap();
    let [domain] = domains.as_slice() else { panic!("{domains:?}") };
    assert_eq!((domain.name(), domain.base()), ("corp/example.test", people.base.as_str()));
    let (found, cursor, _) = read(domain.as_ref(), &people).await;
    assert!(found.len() > 10, "{found:?}");
    let itself = open(samba.options());
    assert_eq!(cursor.server, read(&itself, &people).await.1.server);
    assert!(itself.domains(&people.base).await.unwrap().is_none());
    let error = directory.domains("DC=elsewhere").await.unwrap_err().to_string();
    assert!(error.contains("no domain of the forest"), "{error}");
}

#[tokio::test]
async fn a_large_group_is_whole() {
    let Some(samba) = Samba::shared() else { return };
    let groups = SourceQuery {
        filter: "(&(objectClass=group)(cn=big))".to_owned(),
        attributes: vec!["member".to_owned()],
        ..query(&format!("OU=Corp,{}", samba::BASE))
    };
    let (found, _, _) = read(&open(samba.options()), &groups).await;
    let big = found.values().next().unwrap();
    assert!(big.attributes.values("member").unwrap().len() > 1500);
}
