//! The conformance suite of sources: whatever happens in a directory, following its changes leads to what a full reading
//! finds. It runs on `people.toml`, on slapd with syncprov (with and without its log) and without it, and on Samba, once
//! as an account that sees deleted objects and once as one that does not; by DirSync in `source_dirsync`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use sekisho::clock::{Clock, ManualClock, SeededIds, SignedDuration, SystemClock};
use sekisho::directory::source::{Changes, Cursor, Flavour, Gone, Source, SourceEntry, SourceQuery, There};
use sekisho::directory::{ChangesBy, FileDirectory, LdapDirectory, LdapOptions, hash_password};
use sekisho::secret::Secret;
use tokio::sync::mpsc;

use super::{open, options, secret};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Copies, Slapd};

pub(super) type People = BTreeMap<String, SourceEntry>;

/// What happens to somebody, by the login.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edit {
    Add(&'static str),
    Title(&'static str, &'static str),
    /// Another DN, the same place.
    Rename(&'static str),
    /// To another place, outside the base.
    MoveOut(&'static str),
    MoveIn(&'static str),
    /// The filter of the query is not theirs any more.
    LeaveFilter(&'static str),
    Disable(&'static str),
    Delete(&'static str),
}

/// A directory that can be changed.
pub(super) trait Rig: Send + Sync {
    fn source(&self) -> &dyn Source;
    fn query(&self) -> SourceQuery;
    fn edit(&mut self, edit: Edit);
}

/// Everything, by id; and how many parts it came in.
pub(super) async fn read(source: &dyn Source, query: &SourceQuery) -> (People, Cursor, usize) {
    let (sender, mut receiver) = mpsc::channel::<Vec<SourceEntry>>(1);
    let take = async {
        let (mut people, mut parts) = (People::new(), 0);
        while let Some(part) = receiver.recv().await {
            parts += 1;
            for entry in part {
                let twice = people.insert(entry.id.clone(), entry);
                assert!(twice.is_none(), "{twice:?}");
            }
        }
        (people, parts)
    };
    let (cursor, (people, parts)) = tokio::join!(source.read(query, sender), take);
    (people, cursor.unwrap(), parts)
}

/// Carries changes over to what was known.
pub(super) fn apply(people: &mut People, changed: Vec<SourceEntry>, gone: Gone) {
    for entry in changed {
        people.insert(entry.id.clone(), entry);
    }
    match gone {
        Gone::These(ids) => people.retain(|id, _| !ids.contains(id)),
        Gone::AllBut(ids) => {
            let ids: BTreeSet<String> = ids.into_iter().collect();
            people.retain(|id, _| ids.contains(id));
        }
    }
}

fn title<'a>(people: &'a People, login: &str) -> Option<&'a str> {
    people
        .values()
        .find(|entry| entry.attributes.first_text("displayName") == Some(login))?
        .attributes
        .first_text("title")
}

pub(super) async fn suite(rig: &mut dyn Rig) {
    rig.edit(Edit::Add("ichiro"));
    rig.edit(Edit::Add("jiro"));
    let query = rig.query();
    let (mut people, mut cursor, _) = read(rig.source(), &query).await;
    let logins = |people: &People| -> Vec<String> {
        let mut all: Vec<String> =
            people.values().map(|one| one.attributes.first_text("displayName").unwrap().to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(logins(&people), ["ichiro", "jiro"]);
    let steps: [(&[Edit], &[&str]); 9] = [
        (&[], &["ichiro", "jiro"]),
        (&[Edit::Title("ichiro", "chief")], &["ichiro", "jiro"]),
        (&[Edit::Add("saburo"), Edit::Add("shiro")], &["ichiro", "jiro", "saburo", "shiro"]),
        (&[Edit::Rename("jiro")], &["ichiro", "jiro", "saburo", "shiro"]),
        (&[Edit::MoveOut("jiro"), Edit::Title("saburo", "clerk")], &["ichiro", "saburo", "shiro"]),
        (&[Edit::Delete("ichiro")], &["saburo", "shiro"]),
        (&[Edit::MoveIn("jiro"), Edit::LeaveFilter("shiro")], &["jiro", "saburo"]),
        (&[Edit::Disable("saburo")], &["jiro", "saburo"]),
        (&[Edit::Add("goro"), Edit::Delete("goro"), Edit::Delete("saburo")], &["jiro"]),
    ];
    for (edits, expected) in steps {
        for edit in edits {
            rig.edit(*edit);
        }
        match rig.source().changes(&query, &cursor).await.unwrap() {
            Changes::Since { changed, gone, cursor: next } => {
                apply(&mut people, changed, gone);
                cursor = next;
            }
            Changes::Lost(cause) => panic!("{edits:?}: {cause}"),
        }
        assert_eq!(people, read(rig.source(), &query).await.0, "{edits:?}");
        assert_eq!(logins(&people), expected, "{edits:?}");
        let disabled = people.values().filter(|entry| entry.disabled).count();
        assert_eq!(
            disabled,
            usize::from(edits.iter().any(|edit| matches!(edit, Edit::Disable(_)))),
            "{edits:?}"
        );
    }
    assert_eq!(title(&people, "jiro"), Some("a title"));
    by_name(rig, &query, &people).await;
}

async fn by_name(rig: &mut dyn Rig, query: &SourceQuery, people: &People) {
    let source = rig.source();
    let jiro = people.values().next().unwrap();
    assert_eq!(source.by_login(query, "JIRO").await.unwrap(), std::slice::from_ref(jiro));
    let ids = [jiro.id.clone(), "*".into(), "nobody".into()];
    assert_eq!(source.by_ids(query, &ids).await.unwrap(), std::slice::from_ref(jiro));
    // Shiro has left the filter, and nobody is called like the others.
    for login in ["shiro", "saburo", "*", "jiro)(uid=*", ""] {
        assert_eq!(source.by_login(query, login).await.unwrap(), [], "{login}");
    }
    assert_eq!(source.by_ids(query, &[]).await.unwrap(), []);
    let dns = [jiro.dn.clone(), format!("uid=nobody,{}", query.base), query.base.clone()];
    assert_eq!(source.there(&dns).await.unwrap(), [There::Yes, There::No, There::Yes]);
    let wrong = SourceQuery { filter: "(title=a".to_owned(), ..query.clone() };
    assert!(source.changes(&wrong, &read(source, query).await.1).await.is_err());
}

/// People in a file.
struct FileRig {
    folder: tempfile::TempDir,
    people: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
    disabled: BTreeSet<&'static str>,
    hash: String,
    source: FileDirectory,
}

impl FileRig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.toml");
        std::fs::write(&path, "").unwrap();
        let hash = hash_password(&secret("x"), &SeededIds::new(1));
        let source = FileDirectory::load("local", &path).unwrap();
        Self { folder, people: BTreeMap::new(), disabled: BTreeSet::new(), hash, source }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("people.toml")
    }
}

impl Rig for FileRig {
    fn source(&self) -> &dyn Source {
        &self.source
    }

    fn query(&self) -> SourceQuery {
        query("o=local")
    }

    fn edit(&mut self, edit: Edit) {
        let mut set = |login, name, value: &str| {
            self.people.entry(login).or_default().insert(name, value.to_owned());
        };
        match edit {
            Edit::Add(login) => {
                set(login, "displayName", login);
                set(login, "title", "a title");
                set(login, "objectClass", "person");
            }
            Edit::Title(login, title) => set(login, "title", title),
            Edit::Rename(login) => set(login, "dn", &format!("cn=new {login},o=local")),
            Edit::MoveOut(login) => set(login, "dn", &format!("cn={login},o=elsewhere")),
            Edit::MoveIn(login) => set(login, "dn", &format!("cn={login},ou=back,o=local")),
            Edit::LeaveFilter(login) => set(login, "employeeType", "left"),
            Edit::Disable(login) => drop(self.disabled.insert(login)),
            Edit::Delete(login) => drop(self.people.remove(login)),
        }
        let mut text = String::new();
        for (login, attributes) in &self.people {
            let disabled = self.disabled.contains(login);
            let attributes: Vec<String> =
                attributes.iter().map(|(name, value)| format!("{name} = [{value:?}]")).collect();
            let (hash, attributes) = (&self.hash, attributes.join(", "));
            writeln!(text, "[[person]]\nlogin = {login:?}\npassword = {hash:?}\ndisabled = {disabled}")
                .unwrap();
            writeln!(text, "attributes = {{ {attributes} }}").unwrap();
        }
        std::fs::write(self.path(), text).unwrap();
    }
}

pub(super) fn query(base: &str) -> SourceQuery {
    SourceQuery {
        base: base.to_owned(),
        filter: "(&(objectClass=person)(!(employeeType=left)))".to_owned(),
        attributes: ["displayName", "title", "employeeType", "userPassword"].map(str::to_owned).to_vec(),
    }
}

/// People below `ou=many` of a slapd.
pub(super) struct SlapdRig {
    pub(super) slapd: Slapd,
    source: sekisho::directory::LdapDirectory,
    /// The DNs of those who are not where they began.
    moved: BTreeMap<&'static str, String>,
}

impl SlapdRig {
    pub(super) fn new(copies: Copies) -> Self {
        let slapd = Slapd::start_source(copies, 0);
        slapd.modify(&format!(
            "dn: ou=elsewhere,{}\nchangetype: add\nobjectClass: organizationalUnit\n",
            slapd::BASE
        ));
        let source = open(options(&[&slapd]));
        Self { slapd, source, moved: BTreeMap::new() }
    }

    fn dn(&self, login: &str) -> String {
        let first = || format!("uid={login},ou=many,{}", slapd::BASE);
        self.moved.get(login).cloned().unwrap_or_else(first)
    }
}

impl Rig for SlapdRig {
    fn source(&self) -> &dyn Source {
        &self.source
    }

    fn query(&self) -> SourceQuery {
        query(&format!("ou=many,{}", slapd::BASE))
    }

    fn edit(&mut self, edit: Edit) {
        let base = slapd::BASE;
        let mut go = |login, rdn: &str, unit: &str| {
            let dn = self.dn(login);
            self.moved.insert(login, format!("{rdn},ou={unit},{base}"));
            format!(
                "dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 0\nnewsuperior: ou={unit},{base}\n"
            )
        };
        let ldif = match edit {
            Edit::Add(login) => format!(
                "dn: {}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: {login}\nsn: {login}\ndisplayName: {login}\n\
                 title: a title\nuserPassword: secret\n",
                self.dn(login)
            ),
            Edit::Title(login, title) => set(&self.dn(login), "title", title),
            Edit::Rename(login) => go(login, &format!("cn=new {login}"), "many"),
            Edit::MoveOut(login) => go(login, &format!("uid={login}"), "elsewhere"),
            Edit::MoveIn(login) => go(login, &format!("uid={login}"), "many"),
            Edit::LeaveFilter(login) => set(&self.dn(login), "employeeType", "left"),
            Edit::Disable(login) => set(&self.dn(login), "pwdAccountLockedTime", "000001010000Z"),
            Edit::Delete(login) => format!("dn: {}\nchangetype: delete\n", self.dn(login)),
        };
        self.slapd.modify(&ldif);
    }
}

fn set(dn: &str, name: &str, value: &str) -> String {
    format!("dn: {dn}\nchangetype: modify\nreplace: {name}\n{name}: {value}\n")
}

/// People of a unit of the test's own in the domain.
pub(super) struct SambaRig {
    samba: &'static Samba,
    source: LdapDirectory,
    options: LdapOptions,
    unit: String,
    /// To keep names apart in the domain.
    moved: BTreeMap<&'static str, String>,
}

impl SambaRig {
    /// With two units below `OU=<name>`, read as this account.
    pub(super) fn new(samba: &'static Samba, name: &str, account: (&str, &str)) -> Self {
        Self::with(samba, name, account, ChangesBy::Usn)
    }

    /// The same, asked for changes in this way.
    pub(super) fn with(samba: &'static Samba, name: &str, account: (&str, &str), changes: ChangesBy) -> Self {
        let unit = format!("OU={name},OU=Corp,{}", samba::BASE);
        for dn in [unit.clone(), format!("OU=in,{unit}"), format!("OU=out,{unit}")] {
            samba.modify(&format!("dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n"));
        }
        let mut options = samba.options();
        options.bind_dn = Some(account.0.to_owned());
        options.bind_password = Some(Secret::new(account.1.to_owned()));
        // Logins are unique in a domain, and names here are of one unit.
        "(displayName={login})".clone_into(&mut options.login_filter);
        options.changes = changes;
        // Other tests make units in the domain meanwhile, which must not count as older: with DirSync they do for the
        // first five minutes after a cookie.
        let now = SystemClock.now().checked_sub(SignedDuration::from_mins(5)).unwrap();
        let clock: Arc<dyn Clock> = match changes {
            ChangesBy::DirSync => Arc::new(ManualClock::at(now)),
            ChangesBy::Usn => Arc::new(SystemClock),
        };
        let source = LdapDirectory::new(options.clone(), clock).unwrap();
        Self { samba, source, options, unit, moved: BTreeMap::new() }
    }

    pub(super) fn options(&self) -> LdapOptions {
        self.options.clone()
    }

    fn dn(&self, login: &str) -> String {
        self.moved.get(login).cloned().unwrap_or_else(|| format!("CN={login},OU=in,{}", self.unit))
    }
}

impl Rig for SambaRig {
    fn source(&self) -> &dyn Source {
        &self.source
    }

    fn query(&self) -> SourceQuery {
        query(&format!("OU=in,{}", self.unit))
    }

    fn edit(&mut self, edit: Edit) {
        let mut go = |login, rdn: &str, place: &str| {
            let (dn, unit) = (self.dn(login), format!("OU={place},{}", self.unit));
            self.moved.insert(login, format!("{rdn},{unit}"));
            format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {unit}\n")
        };
        let ldif = match edit {
            Edit::Add(login) => format!(
                "dn: {}\nchangetype: add\nobjectClass: user\ndisplayName: {login}\ntitle: a title\n\
                 userAccountControl: 544\n",
                self.dn(login)
            ),
            Edit::Title(login, title) => set(&self.dn(login), "title", title),
            Edit::Rename(login) => go(login, &format!("CN=new {login}"), "in"),
            Edit::MoveOut(login) => go(login, &format!("CN={login}"), "out"),
            Edit::MoveIn(login) => go(login, &format!("CN={login}"), "in"),
            Edit::LeaveFilter(login) => set(&self.dn(login), "employeeType", "left"),
            Edit::Disable(login) => set(&self.dn(login), "userAccountControl", "546"),
            Edit::Delete(login) => format!("dn: {}\nchangetype: delete\n", self.dn(login)),
        };
        self.samba.modify(&ldif);
    }
}

#[tokio::test]
async fn a_file_is_followed() {
    let mut rig = FileRig::new();
    suite(&mut rig).await;
    let (people, cursor, parts) = read(rig.source(), &rig.query()).await;
    assert_eq!((people.len(), parts, rig.source().flavour().await.unwrap()), (1, 1, Flavour::Other));
    let still = rig.source().changes(&rig.query(), &cursor).await.unwrap();
    assert_eq!(still, Changes::Since { changed: vec![], gone: Gone::These(vec![]), cursor: cursor.clone() });
    let other = Cursor { server: "file:other".to_owned(), ..cursor };
    assert!(matches!(rig.source().changes(&rig.query(), &other).await.unwrap(), Changes::Lost(_)));
}

#[tokio::test]
async fn a_slapd_with_a_session_log_is_followed() {
    suite(&mut SlapdRig::new(Copies::Log)).await;
}

#[tokio::test]
async fn a_slapd_that_tells_what_is_there_is_followed() {
    suite(&mut SlapdRig::new(Copies::Present)).await;
}

#[tokio::test]
async fn a_slapd_without_syncprov_is_followed() {
    let mut rig = SlapdRig::new(Copies::No);
    suite(&mut rig).await;
    assert_eq!(rig.source().account(), Some(slapd::READER));
    assert_eq!((rig.source().name(), rig.source().base()), ("corp", slapd::BASE));
}

#[tokio::test]
async fn an_active_directory_is_followed_by_an_account_that_sees_deleted_objects() {
    let Some(samba) = Samba::shared() else { return };
    let account = (samba::ADMINISTRATOR, samba::ADMINISTRATOR_PASSWORD);
    suite(&mut SambaRig::new(samba, "source-all", account)).await;
}

#[tokio::test]
async fn an_active_directory_is_followed_by_an_account_that_sees_none() {
    let Some(samba) = Samba::shared() else { return };
    let account = (samba::READER, samba::SERVICE_PASSWORD);
    let mut rig = SambaRig::new(samba, "source-some", account);
    suite(&mut rig).await;
    assert_eq!(rig.source().flavour().await.unwrap(), Flavour::ActiveDirectory);
    let (_, cursor, _) = read(rig.source(), &rig.query()).await;
    let Changes::Since { gone, .. } = rig.source().changes(&rig.query(), &cursor).await.unwrap() else {
        panic!()
    };
    assert!(matches!(gone, Gone::AllBut(_)), "{gone:?}");
}
