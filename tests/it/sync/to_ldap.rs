//! Whole runs to another LDAP directory, by the commands: from slapd and from a Samba domain controller to a second slapd,
//! and what ldapsearch shows there.

use std::fmt::Write as _;

use super::rig::{folder_with, run_in};
use crate::support::folder::Folder;
use crate::support::process::wait_until;
use crate::support::samba::{self, Samba};
use crate::support::slapd::{
    ADMINISTRATOR, ADMINISTRATOR_PASSWORD, BASE, Copies, READER, READER_PASSWORD, Slapd,
};

const PEOPLE: &str = "ou=people,ou=target";
const GROUPS: &str = "ou=lists,ou=target";
const NOBODY: &str = "cn=nobody";

/// A source, a target directory, and the folder of the commands.
pub(super) struct Rig {
    pub(super) target: Slapd,
    pub(super) folder: Folder,
}

impl Rig {
    /// From the directory "corp" that `source` describes, below the target's `ou=target`.
    pub(super) fn new(source: &str, more: &str) -> Self {
        let target = Slapd::start_target_with_integrity(&format!("{NOBODY},{BASE}"));
        for name in ["people", "lists", "contacts", "security", "roles"] {
            let unit = format!("changetype: add\nobjectClass: organizationalUnit\nou: {name}\n");
            target.modify(&format!("dn: ou={name},ou=target,{BASE}\n{unit}"));
        }
        let own = Slapd::directory(&[&target]).replace("\"corp\"", "\"there\"");
        let own = own.replace(READER, ADMINISTRATOR).replace(READER_PASSWORD, ADMINISTRATOR_PASSWORD);
        let keys = format!(
            "name = \"idp\"\ndirectory = \"corp\"\ndelete_after = \"0\"\n{more}\n\
             [limits.user]\ndelete = {{ percent = 100, count = 9 }}\n\
             [ldap]\ndirectory = \"there\"\nplaceholder = \"{NOBODY},{BASE}\"\n\
             types.user.base = \"{PEOPLE},{BASE}\"\ntypes.organization.base = \"{PEOPLE},{BASE}\"\n\
             types.group.base = \"{GROUPS},{BASE}\"\ntypes.contact.base = \"ou=contacts,ou=target,{BASE}\"\n\
             types.security-group.base = \"ou=security,ou=target,{BASE}\"\n\
             types.role.base = \"ou=roles,ou=target,{BASE}\"\n"
        );
        Self { folder: folder_with(&[source, &own], &keys), target }
    }

    /// A command that must end well, and what it printed.
    pub(super) fn carried(&self, arguments: &[&str]) -> String {
        let run = run_in(&self.folder, arguments, "");
        assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
        run.out
    }

    /// Two runs that write nothing: the entries stay as they are to the last change.
    pub(super) fn settled(&self, dns: &[&str]) {
        let stamps = || dns.iter().map(|dn| self.values(dn, "entryCSN")).collect::<Vec<_>>();
        let before = stamps();
        for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
            let told = run_in(&self.folder, &["check", "idp", "--full"], "").out;
            let out = self.carried(arguments);
            let out = format!("{told}\n{out}");
            assert!(!out.contains("Object=User") || out.contains("Modify=0(0 succeeded)"), "{out}");
            assert_eq!(stamps(), before, "{arguments:?}: nothing has changed\n{out}");
        }
    }

    pub(super) fn is_there(&self, place: &str) -> bool {
        self.target.lines(&format!("{place},{BASE}")).is_some()
    }

    /// The values of an attribute of an entry that must be there.
    pub(super) fn values(&self, place: &str, attribute: &str) -> Vec<String> {
        let dn = format!("{place},{BASE}");
        let lines = self.target.lines(&dn).unwrap_or_else(|| panic!("{dn} is not there"));
        let start = format!("{attribute}: ");
        let mut values: Vec<String> =
            lines.iter().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect();
        values.sort();
        values
    }

    /// The id of an entry at the target.
    pub(super) fn id(&self, place: &str) -> Vec<String> {
        let id = self.values(place, "entryUUID");
        assert_eq!(id.len(), 1);
        id
    }
}

/// Two units with three people, and two groups, one inside the other.
pub(super) fn company(slapd: &Slapd, manager: &str) {
    let mut ldif = String::new();
    let mut add = |dn: &str, lines: &str| {
        writeln!(ldif, "dn: {dn},{BASE}\nchangetype: add\n{lines}").unwrap();
    };
    let unit = |name: &str| format!("objectClass: organizationalUnit\nou: {name}\n");
    let units = [
        ("ou=Staff", "Staff"),
        ("ou=Sales,ou=Staff", "Sales"),
        ("ou=Dev,ou=Staff", "Dev"),
        ("ou=Groups,ou=Staff", "Groups"),
        ("ou=Organizations,ou=Groups,ou=Staff", "Organizations"),
    ];
    for (dn, name) in units {
        add(dn, &unit(name));
    }
    for (uid, place) in [("aoki", "Sales"), ("baba", "Sales"), ("chiba", "Dev")] {
        let person = format!(
            "objectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}-sn\ngivenName: {uid}-gn\n{manager}"
        );
        add(&format!("uid={uid},ou={place},ou=Staff"), &person);
    }
    let group = |name: &str, members: &[&str]| {
        let members: Vec<String> =
            members.iter().map(|dn| format!("member: {dn},ou=Staff,{BASE}\n")).collect();
        let members = members.concat();
        format!("objectClass: groupOfNames\ncn: {name}\n{members}")
    };
    let place = "ou=Organizations,ou=Groups";
    add(&format!("cn=inner,{place},ou=Staff"), &group("inner", &["uid=chiba,ou=Dev"]));
    let nested = format!("cn=inner,{place}");
    add(&format!("cn=outer,{place},ou=Staff"), &group("outer", &["uid=aoki,ou=Sales", &nested]));
    slapd.modify(&ldif);
}

pub(super) fn source_keys(more: &str) -> String {
    format!("search_base = \"ou=Staff,{BASE}\"\n{more}")
}

/// A person of the target, or a group, by the DN without the base.
pub(super) fn person(uid: &str) -> String {
    format!("uid={uid},{PEOPLE}")
}

fn group(cn: &str) -> String {
    format!("cn={cn},{GROUPS}")
}

fn whole(places: &[String]) -> Vec<String> {
    let mut whole: Vec<String> = places.iter().map(|place| format!("{place},{BASE}")).collect();
    whole.sort();
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_reaches_another_directory() {
    let source = Slapd::start_source(Copies::Log, 0);
    company(&source, &format!("manager: uid=baba,ou=Sales,ou=Staff,{BASE}\n"));
    let rig = Rig::new(&Slapd::directory(&[&source]), &source_keys(""));
    let out = rig.carried(&["run", "idp"]);
    assert!(out.contains("Data=IDP Object=User Total=3 Add=3(3 succeeded)"), "{out}");
    let (aoki, baba, chiba) = (person("aoki"), person("baba"), person("chiba"));
    for (place, given) in [(&aoki, "aoki-gn"), (&baba, "baba-gn"), (&chiba, "chiba-gn")] {
        assert_eq!(rig.values(place, "givenName"), [given]);
        assert_eq!(rig.values(place, "manager"), whole(std::slice::from_ref(&baba)));
        assert_eq!(rig.values(place, "pwdAccountLockedTime"), [""; 0]);
    }
    let members = |cn: &str| rig.values(&group(cn), "member");
    assert_eq!(members("inner"), whole(std::slice::from_ref(&chiba)));
    assert_eq!(members("outer"), whole(&[aoki.clone(), chiba.clone()]), "nested");
    rig.settled(&[&aoki, &baba, &chiba, &group("inner"), &group("outer")]);

    // A value, another name, another unit: the same entry at the target.
    let id = rig.id(&chiba);
    source.modify(&format!(
        "dn: uid=aoki,ou=Sales,ou=Staff,{BASE}\nchangetype: modify\nreplace: sn\nsn:: 6Z2S5pyo\n\n\
         dn: uid=chiba,ou=Dev,ou=Staff,{BASE}\nchangetype: modrdn\nnewrdn: uid=chida\ndeleteoldrdn: 1\n\
         newsuperior: ou=Sales,ou=Staff,{BASE}\n\n\
         dn: cn=inner,ou=Organizations,ou=Groups,ou=Staff,{BASE}\nchangetype: modify\nreplace: member\n\
         member: uid=chida,ou=Sales,ou=Staff,{BASE}\nmember: uid=baba,ou=Sales,ou=Staff,{BASE}\n"
    ));
    rig.carried(&["run", "idp"]);
    let renamed = person("chida");
    let lines = rig.target.lines(&format!("{aoki},{BASE}")).unwrap();
    assert!(lines.contains(&"sn:: 6Z2S5pyo".to_owned()), "{lines:?}");
    assert_eq!((rig.id(&renamed), rig.is_there(&chiba)), (id, false));
    assert_eq!(rig.values(&renamed, "uid"), ["chida"]);
    // The server changes groups after a rename by itself.
    let (inner, outer) =
        (whole(&[baba.clone(), renamed.clone()]), whole(&[aoki.clone(), baba.clone(), renamed.clone()]));
    wait_until("the new name in the groups", || members("inner") == inner && members("outer") == outer).await;
    rig.settled(&[&aoki, &baba, &renamed, &group("inner"), &group("outer")]);
    leaving(&source, &rig);
}

fn leaving(source: &Slapd, rig: &Rig) {
    let (aoki, baba, chida) = (person("aoki"), person("baba"), person("chida"));
    let lock = "pwdAccountLockedTime: 000001010000Z";
    let dn = format!("dn: uid=aoki,ou=Sales,ou=Staff,{BASE}\nchangetype: modify\n");
    source.modify(&format!("{dn}add: pwdAccountLockedTime\n{lock}\n"));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.values(&aoki, "pwdAccountLockedTime"), ["000001010000Z"]);
    source.modify(&format!("{dn}delete: pwdAccountLockedTime\n"));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.values(&aoki, "pwdAccountLockedTime"), [""; 0]);

    // Nobody of a group is left at the target: the placeholder is.
    let inner = format!("cn=inner,ou=Organizations,ou=Groups,ou=Staff,{BASE}");
    source.modify(&format!(
        "dn: uid=chida,ou=Sales,ou=Staff,{BASE}\nchangetype: delete\n\n\
         dn: {inner}\nchangetype: modify\nreplace: member\nmember: cn=elsewhere,{BASE}\n"
    ));
    let out = rig.carried(&["run", "idp"]);
    assert_eq!((rig.is_there(&chida), rig.is_there(&baba)), (false, true), "{out}");
    assert!(out.contains("Delete=1(1 succeeded)"), "{out}");
    assert_eq!(rig.values(&group("inner"), "member"), [format!("{NOBODY},{BASE}")]);
    assert_eq!(rig.values(&group("outer"), "member"), whole(std::slice::from_ref(&aoki)));
    source.modify(&format!("dn: {inner}\nchangetype: delete\n"));
    rig.carried(&["run", "idp"]);
    assert_eq!((rig.is_there(&group("inner")), rig.is_there(&group("outer"))), (false, true));
    rig.settled(&[&aoki, &baba, &group("outer")]);
}

/// The tree is carried, and people stand in it.
#[tokio::test(flavor = "multi_thread")]
async fn units_are_carried_and_people_move_between_them() {
    let source = Slapd::start_source(Copies::Log, 0);
    company(&source, "");
    let keys = source_keys(
        "objects = [\"organization\", \"user\"]\n\
         map = [{ object = \"user\", path = \"@parent\", source = \"@parent\" }]",
    );
    let rig = Rig::new(&Slapd::directory(&[&source]), &keys);
    rig.carried(&["run", "idp"]);
    let place = |uid: &str, unit: &str| format!("uid={uid},ou={unit},ou=Staff,{PEOPLE}");
    let (aoki, chiba) = (place("aoki", "Sales"), place("chiba", "Dev"));
    assert!(rig.is_there(&aoki) && rig.is_there(&chiba), "{:?}", rig.carried(&["check", "idp", "--full"]));
    assert!(
        !rig.is_there(&format!("ou=Groups,ou=Staff,{PEOPLE}")),
        "units of groups are none of the company"
    );
    rig.settled(&[&aoki, &chiba]);
    let id = rig.id(&chiba);
    source.modify(&format!(
        "dn: uid=chiba,ou=Dev,ou=Staff,{BASE}\nchangetype: modrdn\nnewrdn: uid=chiba\ndeleteoldrdn: 1\n\
         newsuperior: ou=Sales,ou=Staff,{BASE}\n"
    ));
    rig.carried(&["run", "idp"]);
    assert_eq!((rig.id(&place("chiba", "Sales")), rig.is_there(&chiba)), (id.clone(), false));

    // A unit with another name takes everybody with it.
    source.modify(&format!(
        "dn: ou=Sales,ou=Staff,{BASE}\nchangetype: modrdn\nnewrdn: ou=Trade\ndeleteoldrdn: 1\n"
    ));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.id(&place("chiba", "Trade")), id);
    assert!(rig.is_there(&place("aoki", "Trade")) && !rig.is_there(&format!("ou=Sales,ou=Staff,{PEOPLE}")));
    rig.settled(&[&place("aoki", "Trade"), &place("chiba", "Trade")]);
}

/// From Active Directory: people by their account names.
#[tokio::test(flavor = "multi_thread")]
async fn active_directory_is_carried_to_another_directory() {
    let Some(samba) = Samba::shared() else { return };
    let unit = format!("OU=sync-to-ldap,{}", samba::BASE);
    samba.modify(&format!("dn: {unit}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    let password = data_encoding::BASE64.encode(&samba::unicode_pwd(samba::PASSWORD));
    let boss = format!("CN=The Boss,{unit}");
    for (name, login) in [("The Boss", "tl-boss"), ("A. Clerk", "tl-clerk")] {
        samba.modify(&format!(
            "dn: CN={name},{unit}\nchangetype: add\nobjectClass: user\nsAMAccountName: {login}\nsn: {login}\n\
             userAccountControl: 512\nunicodePwd:: {password}\n"
        ));
    }
    samba.set(&format!("CN=A. Clerk,{unit}"), "manager", &boss);
    let rig = Rig::new(&samba.directory(), &format!("search_base = {unit:?}\nobjects = [\"user\"]"));
    rig.carried(&["run", "idp"]);
    let (boss_there, clerk_there) = (person("tl-boss"), person("tl-clerk"));
    assert_eq!(rig.values(&clerk_there, "cn"), ["A. Clerk"]);
    assert_eq!(rig.values(&clerk_there, "manager"), whole(std::slice::from_ref(&boss_there)));
    rig.settled(&[&boss_there, &clerk_there]);
    samba.set(&format!("CN=A. Clerk,{unit}"), "userAccountControl", "514");
    samba.modify(&format!("dn: {boss}\nchangetype: delete\n"));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.values(&clerk_there, "pwdAccountLockedTime"), ["000001010000Z"]);
    assert!(!rig.is_there(&boss_there));
    assert_eq!(rig.values(&clerk_there, "manager"), [""; 0]);
}
