//! What terminal services keep inside `userParameters` of Active Directory: whole runs, what the directory holds of it
//! afterwards, octet by octet, and that directories without it are not troubled.

use data_encoding::BASE64;

use super::company::Company;
use super::rig::{folder_with, run_in};
use crate::support::folder::Folder;
use crate::support::samba::{self, Samba};
use crate::support::slapd::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, BASE, READER, READER_PASSWORD, Slapd};

const AOKI: &str = "CN=aoki,OU=Staff";
const BABA: &str = "CN=baba,OU=Staff";

/// Who has a room has a home and a profile there; who has a title may not log on.
const RULES: &str = r#"
[[map]]
object = "user"
path = "TerminalServicesHomeDirectory"
source = 'if(present(roomNumber), join("", "\\\\files\\", uid))'
[[map]]
object = "user"
path = "terminalServicesHomeDrive"
source = 'if(present(roomNumber), "H:")'
[[map]]
object = "user"
path = "TerminalServicesProfilePath"
source = 'if(present(roomNumber), join("", "\\\\files\\", roomNumber))'
[[map]]
object = "user"
path = "TerminalServicesAllowLogon"
source = "not(present(title))"
"#;

/// People of Active Directory by their account names.
const ACCOUNTS: &str = r#"
[[map]]
object = "user"
path = "uid"
when = "never"
[[map]]
object = "user"
path = "sAMAccountName"
source = "uid"
required = true
"#;

/// Two people.
fn company() -> Company {
    let company = Company::in_openldap();
    company.unit("OU=Staff");
    company.person(AOKI, "");
    company.person(BABA, "");
    company
}

/// The text of a value: characters before the signature, then names and the octets of values, as digits in UTF-16.
fn parameters(reserved: &str, properties: &[(&str, &[u8])]) -> String {
    let mut units: Vec<u16> = format!("{reserved:48}P").encode_utf16().collect();
    units.push(u16::try_from(properties.len()).unwrap());
    for (name, octets) in properties {
        let digits = data_encoding::HEXLOWER.encode(octets).into_bytes();
        let lengths = [name.len() * 2, digits.len()].map(|length| u16::try_from(length).unwrap());
        units.extend(lengths);
        units.push(1);
        units.extend(name.encode_utf16());
        units.extend(digits.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])));
    }
    String::from_utf16(&units).unwrap()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn narrow(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

const PRESENT: (&str, &[u8]) = ("CtxCfgPresent", &[0x55, 0x1e, 0x0b, 0xb0]);
const MAY: (&str, &[u8]) = ("CtxCfgFlags1", &[0x00, 0xe0, 0x00, 0x10]);
const MAY_NOT: (&str, &[u8]) = ("CtxCfgFlags1", &[0x00, 0xe0, 0x01, 0x10]);

struct Rig {
    company: Company,
    target: Slapd,
    folder: Folder,
}

impl Rig {
    /// Samba takes none of it over LDAP, so the target is a slapd that says it is Active Directory. What only a domain
    /// controller does, such as making a GUID, is there before.
    fn new() -> Self {
        let company = company();
        let account = |name: &str| {
            let guid = BASE64.encode(format!("{name}-has-16-byte").as_bytes());
            let login = company.login(name);
            format!(
                "dn: cn={name},ou=target,{BASE}\nobjectClass: user\nobjectGUID:: {guid}\nsAMAccountName: {login}\n\
                 cn: {name}\nsn: x\nuserAccountControl: 512\n\n"
            )
        };
        let target = Slapd::start_as_active_directory(&(account("aoki") + &account("baba")));
        let keys = format!(
            "name = \"idp\"\ndirectory = \"corp\"\nobjects = [\"user\"]\n{}match_by = {{ user = [\"sAMAccountName\"] }}\n\
             [ldap]\ndirectory = \"there\"\ntypes.user.base = \"ou=target,{BASE}\"\n\
             types.user.filter = \"(objectClass=user)\"\n{RULES}{ACCOUNTS}",
            company.keys()
        );
        Self { folder: folder_with(&[&company.directory(), &writing(&target)], &keys), target, company }
    }

    /// Decoded, where ldapsearch writes base64.
    fn value(&self, name: &str, attribute: &str) -> Option<String> {
        let lines = self.target.lines(&format!("cn={name},ou=target,{BASE}")).unwrap();
        let value = lines.iter().find_map(|line| line.strip_prefix(attribute)?.strip_prefix(':'))?;
        let octets = value.strip_prefix(": ").map(|text| BASE64.decode(text.as_bytes()).unwrap());
        Some(String::from_utf8(octets.unwrap_or_else(|| value.trim_start().into())).unwrap())
    }

    fn held(&self, name: &str) -> Option<String> {
        self.value(name, "userParameters")
    }

    fn put(&self, name: &str, value: &str) {
        let value = BASE64.encode(value.as_bytes());
        self.target.modify(&format!(
            "dn: cn={name},ou=target,{BASE}\nchangetype: modify\nreplace: userParameters\nuserParameters:: {value}\n"
        ));
    }

    fn carried(&self, arguments: &[&str]) -> String {
        let run = run_in(&self.folder, arguments, "");
        assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
        run.out
    }

    /// Runs that write nothing.
    fn settled(&self) {
        let stamps = || ["aoki", "baba"].map(|name| self.value(name, "entryCSN").unwrap());
        let before = stamps();
        for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
            let out = self.carried(arguments);
            assert_eq!(stamps(), before, "{arguments:?}: nothing has changed\n{out}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminal_services_of_active_directory_are_carried_inside_one_value() {
    let rig = Rig::new();
    let set = |place: &str, attribute: &str, value: &str| rig.company.set(place, attribute, value);
    set(AOKI, "roomNumber", "R7");
    rig.carried(&["run", "idp"]);
    let (home, profile, drive) = (r"\\files\corp-aoki", r"\\files\R7", "H:");
    let (homes, profiles, drives) =
        ([narrow(home), wide(home)], [narrow(profile), wide(profile)], [narrow(drive), wide(drive)]);
    let all = |flags| {
        [
            PRESENT,
            flags,
            ("CtxWFHomeDir", &homes[0]),
            ("CtxWFHomeDirW", &homes[1]),
            ("CtxWFProfilePath", &profiles[0]),
            ("CtxWFProfilePathW", &profiles[1]),
            ("CtxWFHomeDirDrive", &drives[0]),
            ("CtxWFHomeDirDriveW", &drives[1]),
        ]
    };
    assert_eq!(rig.held("aoki"), Some(parameters("", &all(MAY))));
    assert_eq!(rig.held("baba"), None, "whoever has nothing set may log on");
    rig.settled();

    // Who may not, in one bit; and one setting less.
    set(BABA, "title", "Temp");
    rig.company.change(
        AOKI,
        "changetype: modify\nadd: title\ntitle: Temp\n-\nreplace: roomNumber\nroomNumber: 営業\n",
    );
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.held("baba"), Some(parameters("", &[PRESENT, MAY_NOT])));
    let profile = wide(r"\\files\営業");
    let mut wanted: Vec<_> = all(MAY_NOT).into_iter().filter(|(name, _)| !name.contains("Profile")).collect();
    wanted.insert(4, ("CtxWFProfilePathW", &profile));
    assert_eq!(rig.held("aoki"), Some(parameters("", &wanted)), "no code page has it");
    rig.settled();
    rig.company.change(AOKI, "changetype: modify\ndelete: title\n-\ndelete: roomNumber\n");
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.held("aoki"), Some(parameters("", &[PRESENT, MAY])));
    rig.settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_keep_in_the_same_value_stays() {
    let rig = Rig::new();
    rig.carried(&["run", "idp"]);
    // Written by hand, with the dial-in of old before it and a property of somebody else; a full run looks at it.
    let dial_in = "m                    d";
    let theirs: (&str, &[u8]) = ("CtxShadow", &[1, 0, 0, 0]);
    let home = narrow(r"\\old\home");
    rig.put("aoki", &parameters(dial_in, &[theirs, PRESENT, ("CtxWFHomeDir", &home), MAY_NOT]));
    rig.company.set(AOKI, "givenName", "花子");
    rig.carried(&["run", "idp", "--full"]);
    assert_eq!(
        rig.held("aoki"),
        Some(parameters(dial_in, &[theirs, PRESENT, ("CtxWFHomeDir", &home), MAY])),
        "whether somebody may log on has a rule with a value, and the home has none"
    );
    rig.settled();

    // What is no such value at all is not overwritten.
    let foreign = format!("{:48}Q and more", "another product");
    rig.put("aoki", &foreign);
    rig.company.set(AOKI, "roomNumber", "R7");
    let run = run_in(&rig.folder, &["run", "idp"], "");
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    assert!(run.err.contains("userParameters stays as it is: it has no signature"), "{}", run.err);
    assert_eq!(rig.held("aoki"), Some(foreign));
}

/// The directory "there", which is written to.
fn writing(target: &Slapd) -> String {
    let there = Slapd::directory(&[target]).replace("\"corp\"", "\"there\"");
    there.replace(READER, ADMINISTRATOR).replace(READER_PASSWORD, ADMINISTRATOR_PASSWORD)
}

/// Runs that change somebody, and change nothing afterwards; settings of terminal services are in none of them.
fn ignored(there: &str, base: &str, accounts: &str, stamp: impl Fn() -> String) {
    let company = company();
    company.set(AOKI, "roomNumber", "R7");
    company.set(AOKI, "title", "Temp");
    let keys = format!(
        "name = \"idp\"\ndirectory = \"corp\"\nobjects = [\"user\"]\n{}[ldap]\ndirectory = \"there\"\n\
         types.user.base = {base:?}\n{RULES}{accounts}",
        company.keys()
    );
    let folder = folder_with(&[&company.directory(), there], &keys);
    let good = |arguments: &[&str]| {
        let run = run_in(&folder, arguments, "");
        assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
        run.out
    };
    assert!(good(&["run", "idp"]).contains("Add=2(2 succeeded)"));
    let before = stamp();
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["check", "idp", "--full"]] {
        let out = good(arguments);
        assert_eq!(stamp(), before, "{out}");
        assert!(!out.contains("would be done"), "{out}");
    }
    company.set(AOKI, "roomNumber", "R8");
    good(&["run", "idp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn terminal_services_are_ignored_by_openldap() {
    let target = Slapd::start_target();
    let dn = format!("uid=corp-aoki,ou=target,{BASE}");
    ignored(&writing(&target), &format!("ou=target,{BASE}"), "", || target.lines(&dn).unwrap().join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn terminal_services_are_ignored_by_samba() {
    let Some(samba) = Samba::shared() else { return };
    let unit = format!("OU=sync-terminal,{}", samba::BASE);
    samba.modify(&format!("dn: {unit}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    let there = samba.directory().replace("\"corp\"", "\"there\"");
    let there = there.replace(samba::READER, samba::ADMINISTRATOR);
    let there = there.replace(samba::SERVICE_PASSWORD, samba::ADMINISTRATOR_PASSWORD);
    let more = "[match_by]\nuser = [\"sAMAccountName\"]\n[[map]]\nobject = \"user\"\npath = \"@password\"\nrandom = true\n";
    let dn = format!("CN=aoki,{unit}");
    ignored(&there, &unit, &format!("{ACCOUNTS}{more}"), || samba.value(&dn, "uSNChanged").unwrap());
    assert_eq!(samba.value(&dn, "userParameters"), None);
}
