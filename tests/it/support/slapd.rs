//! A real Debian slapd as a child process, in a temporary folder, on free ports, with certificates of its own CA.
//!
//! The certificate names `localhost` only, so that `ldaps://127.0.0.1` is a wrong host name. The process is killed when
//! its [`Slapd`] is dropped, and no other process ever is.

use std::fmt::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

use sekisho::directory::LdapOptions;
use sekisho::secret::Secret;

use super::process::free_port;
use super::slapd_people::{entry, ldif, ldif_with};

pub(crate) const BASE: &str = "dc=example,dc=test";
pub(crate) const READER: &str = "cn=reader,ou=service,dc=example,dc=test";
/// May set the password of everybody below `ou=people`.
pub(crate) const RESETTER: &str = "cn=resetter,ou=service,dc=example,dc=test";
/// A group that is not there from the beginning; its members read nothing below `ou=many`.
pub(crate) const BLIND: &str = "cn=blind,dc=example,dc=test";
/// Of all service accounts.
pub(crate) const READER_PASSWORD: &str = "Svc-Passw0rd!";

/// Of the administrator, for [`Slapd::modify`].
const ADMIN_PASSWORD: &str = "Adm-Passw0rd!";

/// How a server tells its copies what changed: not at all, by syncprov, which names what is there, or with a log of its
/// session, which names what is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copies {
    No,
    Present,
    Log,
    /// The same with room for very many changes.
    LongLog,
}

impl Copies {
    /// In slapd.conf, before and in the database.
    fn lines(self) -> (&'static str, &'static str) {
        match self {
            Self::No => ("", ""),
            Self::Present => ("moduleload syncprov", "overlay syncprov"),
            Self::Log => ("moduleload syncprov", "overlay syncprov\nsyncprov-sessionlog 1000"),
            Self::LongLog => ("moduleload syncprov", "overlay syncprov\nsyncprov-sessionlog 100000"),
        }
    }
}

/// The password of everybody but the numbered people, who have [`password_of`].
pub(crate) const PASSWORD: &str = "Passw0rd!User";

/// The rootdn, which has an entry only where the directory is a target.
pub(crate) const ADMINISTRATOR: &str = "cn=admin,dc=example,dc=test";
pub(crate) const ADMINISTRATOR_PASSWORD: &str = "Adm-Passw0rd!";

/// How many numbered people there are: u0, u1 ...
pub(crate) const NUMBERED: usize = 32;

/// The password of a numbered person.
pub(crate) fn password_of(number: usize) -> String {
    format!("Passw0rd!{number}")
}

pub(crate) struct Slapd {
    folder: tempfile::TempDir,
    child: Option<Child>,
    port: u16,
    tls_port: u16,
}

impl Slapd {
    /// Loads the people and waits until the server takes connections.
    pub(crate) fn start() -> Self {
        Self::start_locking_at(50)
    }

    /// The same, with the entry of [`ADMINISTRATOR`], so that there is a password to bind as it, and two empty units,
    /// `ou=target` and `ou=other`.
    pub(crate) fn start_target() -> Self {
        Self::start_on(Self::target_ldif())
    }

    /// The same with refint: whoever names an entry that is renamed or deleted is changed with it, a moment later. A group
    /// that would be empty has `nobody` then.
    pub(crate) fn start_target_with_integrity(nobody: &str) -> Self {
        let lines = format!("overlay refint\nrefint_attributes member manager\nrefint_nothing {nobody}");
        Self::start_with(Self::target_ldif(), ("moduleload refint", &lines))
    }

    /// The same, saying of itself that it is Active Directory, with users of these entries' attributes.
    pub(crate) fn start_as_active_directory(more: &str) -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/slapd");
        let file = |name: &str| data.join(name).display().to_string();
        let (schema, root) = (file("active-directory.schema"), file("active-directory.ldif"));
        let lines = format!("include {schema}\nrootDSE {root}");
        Self::start_with(Self::target_ldif() + more, (&lines, ""))
    }

    fn target_ldif() -> String {
        let mut text = ldif();
        let name = ADMINISTRATOR.split([',', '=']).nth(1).unwrap();
        let password = format!("userPassword: {ADMINISTRATOR_PASSWORD}");
        let lines = ["objectClass: applicationProcess", "objectClass: simpleSecurityObject"];
        let more = [format!("cn: {name}"), password];
        entry(&mut text, ADMINISTRATOR, &[lines[0], lines[1], &more[0], &more[1]]);
        for unit in ["target", "other"] {
            let lines = ["objectClass: organizationalUnit", &format!("ou: {unit}")];
            entry(&mut text, &format!("ou={unit},{BASE}"), &lines);
        }
        text
    }

    /// Options of a directory as [`Slapd::options`] has them, but as [`ADMINISTRATOR`].
    pub(crate) fn writing(&self) -> LdapOptions {
        let mut options = Self::options(&[self]);
        options.bind_dn = Some(ADMINISTRATOR.to_owned());
        options.bind_password = Some(Secret::new(ADMINISTRATOR_PASSWORD.to_owned()));
        options
    }

    /// The lines of an entry as the administrator reads it, operational ones too; `None` when there is none.
    pub(crate) fn lines(&self, dn: &str) -> Option<Vec<String>> {
        let output = Command::new("ldapsearch")
            .args(["-x", "-LLL", "-o", "ldif-wrap=no", "-H", &self.ldap_url()])
            .args(["-D", ADMINISTRATOR, "-w", ADMINISTRATOR_PASSWORD, "-s", "base", "-b", dn, "*", "+"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() || said.contains("No such object (32)"), "{dn}: {said}");
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
    }

    /// The same, with the passwords of the numbered people as sha512-crypt.
    pub(crate) fn start_hashed() -> Self {
        Self::start_on(ldif_with(|line| match line.strip_prefix("userPassword: Passw0rd!") {
            Some(number) if number.parse::<usize>().is_ok() => {
                let password = format!("Passw0rd!{number}");
                let hash = Command::new("openssl").args(["passwd", "-6", &password]).output().unwrap();
                format!("userPassword: {{CRYPT}}{}", String::from_utf8(hash.stdout).unwrap().trim())
            }
            _ => line.to_owned(),
        }))
    }

    /// The same, with so many wrong passwords that lock an account for good.
    pub(crate) fn start_locking_at(wrong: u32) -> Self {
        Self::start_on(ldif().replace("pwdMaxFailure: 50", &format!("pwdMaxFailure: {wrong}")))
    }

    /// For readings of the whole: so many more people, without passwords, below `ou=many`, the account of [`READER`]
    /// without limits, and with syncprov or not.
    pub(crate) fn start_source(copies: Copies, many: usize) -> Self {
        let mut text = ldif();
        let old = "createTimestamp: 20240101000000Z\nmodifyTimestamp: 20240101000000Z";
        writeln!(text, "dn: ou=many,{BASE}\nobjectClass: organizationalUnit\nou: many\n{old}\n").unwrap();
        for number in 0..many {
            let (uid, mail) = (format!("uid: m{number}"), format!("mail: m{number}@example.test"));
            let lines = ["objectClass: inetOrgPerson", &uid, "cn: m", "sn: m", &mail];
            entry(&mut text, &format!("uid=m{number},ou=many,{BASE}"), &lines);
        }
        Self::start_with(text, copies.lines())
    }

    /// With these entries besides, as LDIF: very many of them, with syncprov and a long log.
    pub(crate) fn start_filled(more: &str) -> Self {
        Self::start_with(ldif() + more, Copies::LongLog.lines())
    }

    /// With `memberOf`, which the groups of `member` fill.
    pub(crate) fn start_with_member_of() -> Self {
        Self::start_with(ldif(), ("moduleload memberof", "overlay memberof"))
    }

    fn start_on(ldif: impl AsRef<[u8]>) -> Self {
        Self::start_with(ldif, Copies::No.lines())
    }

    fn start_with(ldif: impl AsRef<[u8]>, more: (&str, &str)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("db")).unwrap();
        write_certificates(path);
        std::fs::write(path.join("slapd.conf"), configuration(path, more)).unwrap();
        std::fs::write(path.join("load.ldif"), ldif).unwrap();
        let loaded = Command::new("/usr/sbin/slapd")
            .args(["-T", "add", "-q", "-f"])
            .arg(path.join("slapd.conf"))
            .arg("-l")
            .arg(path.join("load.ldif"))
            .output()
            .unwrap();
        assert!(loaded.status.success(), "slapadd: {}", String::from_utf8_lossy(&loaded.stderr));
        let (port, tls_port) = (free_port(), free_port());
        let mut slapd = Self { folder, child: None, port, tls_port };
        slapd.restart();
        slapd
    }

    pub(crate) fn ldap_url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    pub(crate) fn ldaps_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    /// A URL that reaches the server under a name that its certificate does not hold.
    pub(crate) fn wrong_name_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The `[[directory]]` "corp" for servers of this kind: LDAPS, verified, with the service account. The certificates of
    /// all are taken.
    pub(crate) fn directory(slapds: &[&Self]) -> String {
        let urls: Vec<String> = slapds.iter().map(|slapd| slapd.ldaps_url()).collect();
        let authorities: String =
            slapds.iter().map(|slapd| std::fs::read_to_string(slapd.ca_file()).unwrap()).collect();
        let file = slapds.first().unwrap().folder.path().join("authorities.pem");
        std::fs::write(&file, authorities).unwrap();
        format!(
            "name = \"corp\"\nkind = \"ldap\"\nurls = {urls:?}\nca_certificate = \"{}\"\nsearch_base = {BASE:?}\n\
             bind_dn = {READER:?}\nbind_password = {READER_PASSWORD:?}\n",
            file.display()
        )
    }

    /// The same for a directory without a server around it, which takes the first one's certificate.
    pub(crate) fn options(slapds: &[&Self]) -> LdapOptions {
        let mut options = LdapOptions::new("corp");
        options.urls = slapds.iter().map(|slapd| slapd.ldaps_url()).collect();
        options.ca_certificate = slapds.first().map(|slapd| slapd.ca_file());
        BASE.clone_into(&mut options.search_base);
        options.bind_dn = Some(READER.to_owned());
        options.bind_password = Some(Secret::new(READER_PASSWORD.to_owned()));
        options
    }

    /// Tries a password directly at the server. True when it was right.
    pub(crate) fn try_password(&self, dn: &str, password: &str) -> bool {
        let tried = Command::new("ldapwhoami")
            .args(["-x", "-H", &self.ldap_url(), "-D", dn, "-w", password])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&tried.stderr);
        assert!(tried.status.success() || said.contains("Invalid credentials (49)"), "{dn}: {said}");
        tried.status.success()
    }

    /// Changes entries as the administrator; the text is LDIF with `changetype`.
    pub(crate) fn modify(&self, ldif: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ldif).unwrap();
        let admin = format!("cn=admin,{BASE}");
        let output = Command::new("ldapmodify")
            .args(["-x", "-H", &self.ldap_url(), "-D", &admin, "-w", ADMIN_PASSWORD, "-f"])
            .arg(file.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}\n{ldif}", String::from_utf8_lossy(&output.stderr));
    }

    /// Ends the server; its data stay.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts the server (again) on the same ports.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let urls = format!("ldap://127.0.0.1:{} ldaps://127.0.0.1:{}", self.port, self.tls_port);
        let mut child = Command::new("/usr/sbin/slapd")
            .args(["-d", "0", "-h", &urls, "-f"])
            .arg(self.folder.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while [self.port, self.tls_port].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err())
        {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("slapd ended by itself: {status}");
            }
            assert!(Instant::now() < deadline, "slapd takes no connections");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child = Some(child);
    }

    /// SIGSTOP: connections are taken by the kernel, and nobody answers.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
        // The signal stops a process when one of its threads takes it; until then others go on answering.
        let tasks = format!("/proc/{}/task", self.child.as_ref().unwrap().id());
        let is_stopped = |task: std::io::Result<std::fs::DirEntry>| {
            let status = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
            status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !std::fs::read_dir(&tasks).unwrap().all(is_stopped) {
            assert!(Instant::now() < deadline, "slapd does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A CA that signed nothing of any [`Slapd`].
pub(crate) fn write_strange_ca(path: &Path) {
    let (_, certificate) = make_certificate("strange CA", &[], None);
    std::fs::write(path, certificate.to_pem().unwrap()).unwrap();
}

fn write_certificates(folder: &Path) {
    let (ca_key, ca) = make_certificate(&format!("test CA of {}", folder.display()), &[], None);
    let (key, certificate) = make_certificate("localhost", &["localhost"], Some((&ca_key, &ca)));
    std::fs::write(folder.join("ca.pem"), ca.to_pem().unwrap()).unwrap();
    std::fs::write(folder.join("server.pem"), certificate.to_pem().unwrap()).unwrap();
    std::fs::write(folder.join("server.key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
}

/// A CA, or the certificate of a server with these names and addresses.
pub(crate) fn make_certificate(
    name: &str,
    names: &[&str],
    issuer: Option<(&PKey<Private>, &X509)>,
) -> (PKey<Private>, X509) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, openssl::bn::MsbOption::ONE, false).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.map_or(&*subject, |(_, ca)| ca.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    if issuer.is_some() {
        let mut alternatives = SubjectAlternativeName::new();
        for name in names {
            let is_address = name.parse::<std::net::IpAddr>().is_ok();
            if is_address {
                alternatives.ip(name)
            } else {
                alternatives.dns(name)
            };
        }
        let alternatives = alternatives.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(alternatives).unwrap();
        builder
            .append_extension(ExtendedKeyUsage::new().server_auth().client_auth().build().unwrap())
            .unwrap();
    } else {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    builder.sign(issuer.map_or(&key, |(ca_key, _)| ca_key), MessageDigest::sha256()).unwrap();
    (key, builder.build())
}

fn configuration(folder: &Path, (module, overlay): (&str, &str)) -> String {
    let w = folder.display();
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/dyngroup.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload dynlist
{module}
TLSCACertificateFile {w}/ca.pem
TLSCertificateFile {w}/server.pem
TLSCertificateKeyFile {w}/server.key
threads 8
loglevel none
database mdb
suffix {BASE}
rootdn cn=admin,{BASE}
rootpw {ADMIN_PASSWORD}
limits dn.exact=\"{READER}\" size=unlimited time=unlimited
directory {w}/db
maxsize 2147483648
envflags nosync
index entryCSN eq
index objectClass,entryUUID,uid,mail,member,uniqueMember eq
access to attrs=userPassword by dn.exact=\"{READER}\" read by dn.exact=\"{RESETTER}\" write by self =xw by anonymous auth by * none
access to dn.children=\"ou=many,{BASE}\" by group.exact=\"{BLIND}\" none by * break
access to * by users read by * none
{overlay}
overlay ppolicy
ppolicy_default cn=default,ou=policies,{BASE}
ppolicy_use_lockout
overlay dynlist
dynlist-attrset groupOfURLs memberURL member+memberOf@groupOfNames*
"
    )
}
