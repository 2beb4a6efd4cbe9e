//! DirSync beyond the conformance suite: which ids it names and what it takes for lost, on a real domain; and what no
//! real one can be made to do: another domain controller, more than one answer, and answers that are wrong.

use std::sync::{Arc, Mutex};

use ldap3_proto::proto::LdapResultCode;
use sekisho::clock::{Clock, SignedDuration, SystemClock};
use sekisho::directory::source::{Changes, Cursor, Gone, Source, SourceQuery};
use sekisho::directory::{ChangesBy, DirectoryError, LdapDirectory, LdapOptions};
use sekisho::secret::Secret;
use tokio::sync::mpsc;

use super::source::{Edit, People, Rig, SambaRig, SlapdRig, query, read, suite};
use super::{open, options};
use crate::support::fake_domain::{Controller, Domain, Wrong, locked};
use crate::support::samba::{self, Samba};
use crate::support::slapd::Copies;

const ALL: (&str, &str) = (samba::ADMINISTRATOR, samba::ADMINISTRATOR_PASSWORD);

#[tokio::test]
async fn an_active_directory_is_followed_by_dirsync() {
    let Some(samba) = Samba::shared() else { return };
    suite(&mut SambaRig::with(samba, "source-dirsync", ALL, ChangesBy::DirSync)).await;
}

#[tokio::test]
async fn dirsync_names_what_is_gone_and_what_changed_in_groups() {
    let Some(samba) = Samba::shared() else { return };
    let mut rig = SambaRig::with(samba, "source-dirsync-ids", ALL, ChangesBy::DirSync);
    for login in ["a", "b", "c", "d"] {
        rig.edit(Edit::Add(login));
    }
    let unit = format!("OU=in,OU=source-dirsync-ids,OU=Corp,{}", samba::BASE);
    let group = format!("CN=group,{unit}");
    samba.modify(&format!(
        "dn: {group}\nchangetype: add\nobjectClass: group\nsAMAccountName: dirsync-ids\nmember: CN=a,{unit}\n"
    ));
    let groups = SourceQuery {
        filter: "(objectClass=group)".to_owned(),
        attributes: vec!["member".to_owned()],
        ..rig.query()
    };
    let (_, of_groups, _) = read(rig.source(), &groups).await;
    let (people, cursor, _) = read(rig.source(), &rig.query()).await;
    assert!(cursor.value.starts_with("dirsync:") && cursor.server.len() == 36, "{cursor:?}");
    let id = |login: &str| {
        let mut all = people.values();
        all.find(|entry| entry.attributes.first_text("displayName") == Some(login)).unwrap().id.clone()
    };
    for edit in [Edit::Title("a", "x"), Edit::Delete("b"), Edit::MoveOut("c"), Edit::LeaveFilter("d")] {
        rig.edit(edit);
    }
    for (change, members) in [("add: member\nmember: CN=d", 2), ("delete: member\nmember: CN=a", 1)] {
        samba.modify(&format!("dn: {group}\nchangetype: modify\n{change},{unit}\n"));
        let (changed, _, _) = since(rig.source(), &groups, &of_groups).await;
        let [group] = changed.as_slice() else { panic!("{changed:?}") };
        assert_eq!(group.attributes.values("member").unwrap().len(), members, "{change}");
    }
    let (changed, gone, next) = since(rig.source(), &rig.query(), &cursor).await;
    let names: Vec<_> =
        changed.iter().map(|entry| entry.attributes.first_text("displayName").unwrap()).collect();
    assert_eq!(names, ["a"]);
    let Gone::These(gone) = gone else { panic!("{gone:?}") };
    assert!(["b", "c", "d"].iter().all(|login| gone.contains(&id(login))), "{gone:?}");
    assert!(!gone.contains(&id("a")));
    let (changed, _, _) = since(rig.source(), &rig.query(), &next).await;
    assert!(changed.is_empty(), "told already: {changed:?}");
}

#[tokio::test]
async fn an_account_without_the_right_is_told_which_one_and_what_to_do_without_it() {
    let Some(samba) = Samba::shared() else { return };
    let account = (samba::READER, samba::SERVICE_PASSWORD);
    let rig = SambaRig::with(samba, "source-dirsync-not", account, ChangesBy::DirSync);
    let told = refused(rig.source(), &rig.query()).await;
    for word in ["Replicating Directory Changes", samba::BASE, "changes = \"dirsync\""] {
        assert!(told.contains(word), "{told}");
    }
}

#[tokio::test]
async fn another_way_of_asking_begins_with_a_whole_reading() {
    let Some(samba) = Samba::shared() else { return };
    let rig = |changes| SambaRig::with(samba, "source-dirsync-other", ALL, changes);
    let by_usn = rig(ChangesBy::Usn);
    let by_dirsync = open(LdapOptions { changes: ChangesBy::DirSync, ..by_usn.options() });
    let (_, of_usn, _) = read(by_usn.source(), &by_usn.query()).await;
    let (_, of_dirsync, _) = read(&by_dirsync, &by_usn.query()).await;
    for (source, cursor) in [(&by_dirsync as &dyn Source, &of_usn), (by_usn.source(), &of_dirsync)] {
        let cause = lost(source, &by_usn.query(), cursor).await;
        assert!(cause.contains("another way"), "{cause}");
    }
    // Not a cookie, and one of another domain.
    let garbage = Cursor { value: "dirsync:bm9uZQ==@2024-05-01T12:00:00Z".to_owned(), ..of_dirsync.clone() };
    let cause = lost(&by_dirsync, &by_usn.query(), &garbage).await;
    assert!(cause.contains("so long ago"), "{cause}");
    let time = of_dirsync.value.split_once('@').unwrap().1;
    let garbage = Cursor { value: format!("dirsync:bm9uZQ==@{time}"), ..of_dirsync.clone() };
    let cause = lost(&by_dirsync, &by_usn.query(), &garbage).await;
    assert!(cause.contains("does not take the cookie"), "{cause}");
    let other = Cursor { server: of_usn.server, ..of_dirsync };
    let cause = lost(&by_dirsync, &by_usn.query(), &other).await;
    assert!(cause.contains("another server"), "{cause}");
}

#[tokio::test]
async fn a_server_without_dirsync_refuses_the_key() {
    let rig = SlapdRig::new(Copies::No);
    let directory = open(LdapOptions { changes: ChangesBy::DirSync, ..options(&[&rig.slapd]) });
    let told = refused(&directory, &rig.query()).await;
    assert!(told.contains("only Active Directory has it"), "{told}");
}

async fn refused(source: &dyn Source, query: &SourceQuery) -> String {
    let (sender, _receiver) = mpsc::channel(1);
    let error = source.read(query, sender).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Search { .. }), "{error:?}");
    error.to_string()
}

async fn since(
    source: &dyn Source,
    query: &SourceQuery,
    cursor: &Cursor,
) -> (Vec<sekisho::directory::source::SourceEntry>, Gone, Cursor) {
    match source.changes(query, cursor).await.unwrap() {
        Changes::Since { changed, gone, cursor } => (changed, gone, cursor),
        Changes::Lost(cause) => panic!("{cause}"),
    }
}

async fn lost(source: &dyn Source, query: &SourceQuery, cursor: &Cursor) -> String {
    match source.changes(query, cursor).await.unwrap() {
        Changes::Lost(cause) => cause,
        changes @ Changes::Since { .. } => panic!("{changes:?}"),
    }
}

const BASE: &str = "DC=fake,DC=test";

/// Five people in a unit that has been there for long.
fn domain() -> Arc<Mutex<Domain>> {
    let domain = Domain::new(BASE, "GUID-OF-A-DOMAIN");
    locked(&domain).add(
        &format!("OU=in,{BASE}"),
        &[
            ("objectClass", &["organizationalUnit"]),
            ("objectGUID", &["GUID-OF-THE-UNIT"]),
            ("whenCreated", &["20200101000000.0Z"]),
        ],
    );
    for number in 1..=5 {
        person(&domain, number);
    }
    domain
}

fn dn(number: u32) -> String {
    format!("CN=p{number},OU=in,{BASE}")
}

fn person(domain: &Arc<Mutex<Domain>>, number: u32) {
    let (name, guid) = (format!("p{number}"), format!("GUID-OF-PERSON-{number}"));
    locked(domain).add(
        &dn(number),
        &[
            ("objectClass", &["person", "user"]),
            ("objectGUID", &[&guid]),
            ("displayName", &[&name]),
            ("title", &["clerk"]),
            ("userAccountControl", &["512"]),
        ],
    );
}

fn directory(controllers: &[&Controller]) -> LdapDirectory {
    let mut options = LdapOptions::new("fake");
    options.urls = controllers.iter().map(|controller| controller.url()).collect();
    BASE.clone_into(&mut options.search_base);
    options.bind_dn = Some("CN=service".to_owned());
    options.bind_password = Some(Secret::new("service".to_owned()));
    options.changes = ChangesBy::DirSync;
    open(options)
}

fn names(people: &People) -> Vec<&str> {
    let mut names: Vec<_> =
        people.values().map(|entry| entry.attributes.first_text("displayName").unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn another_domain_controller_goes_on_from_the_cookie_of_the_first() {
    let domain = domain();
    let [first, second] =
        [Controller::start(&domain, "CN=DC1").await, Controller::start(&domain, "CN=DC2").await];
    let source = directory(&[&first, &second]);
    let query = query(&format!("OU=in,{BASE}"));
    let (mut people, cursor, _) = read(&source, &query).await;
    assert_eq!(names(&people), ["p1", "p2", "p3", "p4", "p5"]);
    drop(first);
    locked(&domain).edit(&dn(1), |object| object.set("title", &["chief"]));
    locked(&domain).edit(&dn(2), |object| object.dn = format!("CN=p2,OU=out,{BASE}"));
    locked(&domain).delete(&dn(3));
    person(&domain, 6);
    let (changed, gone, next) = since(&source, &query, &cursor).await;
    super::source::apply(&mut people, changed, gone);
    assert_eq!(names(&people), ["p1", "p4", "p5", "p6"]);
    assert_eq!(people, read(&source, &query).await.0);
    assert_eq!(next.server, cursor.server);
    let (changed, gone, _) = since(&source, &query, &next).await;
    assert_eq!((changed, gone), (vec![], Gone::These(vec![])));
}

#[tokio::test]
async fn answers_are_asked_for_until_there_is_no_more() {
    let domain = domain();
    locked(&domain).at_once = 2;
    let controller = Controller::start(&domain, "CN=DC1").await;
    let source = directory(&[&controller]);
    let query = query(&format!("OU=in,{BASE}"));
    let (_, cursor, _) = read(&source, &query).await;
    // The domain, the unit and five people, by two.
    let asked = || locked(&domain).asked.clone();
    assert_eq!(asked().len(), 4, "{:?}", asked());
    read(&source, &query).await;
    assert_eq!(asked().len(), 4, "the first cookie is good for a while");
    for number in 1..=5 {
        locked(&domain).edit(&dn(number), |object| object.set("title", &["chief"]));
    }
    let (changed, gone, next) = since(&source, &query, &cursor).await;
    assert_eq!((changed.len(), gone, asked().len()), (5, Gone::These(vec![]), 7));
    let (changed, _, _) = since(&source, &query, &next).await;
    assert_eq!(changed, []);
}

#[tokio::test]
async fn an_older_unit_that_was_changed_means_that_all_is_read() {
    let domain = domain();
    let controller = Controller::start(&domain, "CN=DC1").await;
    let source = directory(&[&controller]);
    let query = query(&format!("OU=in,{BASE}"));
    let (_, cursor, _) = read(&source, &query).await;
    let unit = |name: &str, guid: &str, class: &str| {
        locked(&domain).add(
            &format!("{name},{BASE}"),
            &[("objectClass", &[class]), ("objectGUID", &[guid]), ("whenCreated", &["20990101000000.0Z"])],
        );
    };
    unit("OU=new", "GUID-OF-NEW-UNIT", "organizationalUnit");
    since(&source, &query, &cursor).await;
    locked(&domain).edit(&format!("OU=in,{BASE}"), |object| object.set("description", &["x"]));
    let cause = lost(&source, &query, &cursor).await;
    assert!(cause.contains("a unit was changed"), "{cause}");
}

#[tokio::test]
async fn what_is_wrong_with_dirsync_is_no_reading_and_loses_nobody() {
    let begins = [
        (Wrong::Always(LdapResultCode::InsufficentAccessRights), "Replicating Directory Changes"),
        (Wrong::Always(LdapResultCode::UnavailableCriticalExtension), "take changes = \"dirsync\" out"),
        (Wrong::Always(LdapResultCode::UnwillingToPerform), "take changes = \"dirsync\" out"),
        (Wrong::NoControl, "malformed answer of DirSync"),
        (Wrong::NoCookie, "malformed answer of DirSync"),
        (Wrong::Circle, "does not give it"),
    ];
    let query = query(&format!("OU=in,{BASE}"));
    for (wrong, told) in &begins {
        let domain = domain();
        locked(&domain).wrong = wrong.clone();
        let controller = Controller::start(&domain, "CN=DC1").await;
        let (sender, mut receiver) = mpsc::channel(9);
        let error = directory(&[&controller]).read(&query, sender).await.unwrap_err().to_string();
        assert!(error.contains(told), "{wrong:?}: {error}");
        assert!(receiver.recv().await.is_none(), "{wrong:?}");
    }
    let refused = [LdapResultCode::UnwillingToPerform, LdapResultCode::UnavailableCriticalExtension];
    let refused = refused.map(|code| (Wrong::Cookie(code), "does not take the cookie"));
    let nameless = (Wrong::Nameless, "without its objectGUID");
    for (wrong, told) in refused.into_iter().chain([nameless]) {
        let domain = domain();
        let controller = Controller::start(&domain, "CN=DC1").await;
        let source = directory(&[&controller]);
        let (_, cursor, _) = read(&source, &query).await;
        locked(&domain).edit(&dn(1), |object| object.set("title", &["chief"]));
        locked(&domain).wrong = wrong.clone();
        let cause = lost(&source, &query, &cursor).await;
        assert!(cause.contains(told), "{wrong:?}: {cause}");
    }
    for (wrong, told) in begins.into_iter().filter(|(wrong, _)| {
        !matches!(wrong, Wrong::Always(code) if *code != LdapResultCode::InsufficentAccessRights)
    }) {
        let domain = domain();
        let controller = Controller::start(&domain, "CN=DC1").await;
        let source = directory(&[&controller]);
        let (_, cursor, _) = read(&source, &query).await;
        locked(&domain).wrong = wrong.clone();
        let error = source.changes(&query, &cursor).await.unwrap_err().to_string();
        assert!(error.contains(told), "{wrong:?}: {error}");
    }
}

#[tokio::test]
async fn a_domain_controller_that_tells_without_end_is_not_heard_to_the_end() {
    let domain = domain();
    let controller = Controller::start(&domain, "CN=DC1").await;
    let source = directory(&[&controller]);
    let query = query(&format!("OU=in,{BASE}"));
    let (_, cursor, _) = read(&source, &query).await;
    locked(&domain).wrong = Wrong::Endless;
    let cause = lost(&source, &query, &cursor).await;
    assert!(cause.contains("more than 200000 times"), "{cause}");
}

#[tokio::test]
async fn a_unit_that_was_made_as_the_cookie_came_is_an_older_one() {
    let domain = domain();
    let controller = Controller::start(&domain, "CN=DC1").await;
    let source = directory(&[&controller]);
    let query = query(&format!("OU=in,{BASE}"));
    let (_, cursor, _) = read(&source, &query).await;
    // As the clock of a domain controller says that is ahead of ours; told whole, as another one does.
    let ahead = SystemClock.now().checked_add(SignedDuration::from_mins(2)).unwrap();
    let created = ahead.strftime("%Y%m%d%H%M%S.0Z").to_string();
    locked(&domain).add(
        &format!("OU=renamed,{BASE}"),
        &[
            ("objectClass", &["organizationalUnit"]),
            ("objectGUID", &["GUID-OF-NEW-UNIT"]),
            ("whenCreated", &[&created]),
        ],
    );
    let cause = lost(&source, &query, &cursor).await;
    assert!(cause.contains("a unit was changed"), "{cause}");
}
