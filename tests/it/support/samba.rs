//! A real Samba domain controller, one for all tests of a run: [`Samba::shared`].
//!
//! It takes root. Elsewhere there is none, and a test that needs one says so and ends. The domain is made once and kept
//! below `target/tmp`; each run works on a copy, on an address of the loopback network that is its own. Samba ends when
//! its standard input does, and that is a pipe from this process: it cannot outlive the tests, however they end.
//!
//! Who lives there is in `tests/data/samba/populate.py`. Tests share the domain: one that changes an account makes
//! itself a [`Samba::person`].

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sekisho::directory::LdapOptions;
use sekisho::secret::Secret;

use super::slapd::make_certificate;

pub(crate) const REALM: &str = "EXAMPLE.TEST";
pub(crate) const DOMAIN: &str = "EXAMPLE";
/// The realm in lower case: the domain of names like `alice@example.test`.
pub(crate) const DNS: &str = "example.test";
pub(crate) const BASE: &str = "DC=example,DC=test";
/// Where the people are made that a test needs for itself.
pub(crate) const ENGINEERING: &str = "OU=Engineering,OU=Corp,DC=example,DC=test";
/// May read, fine-grained policies included, and nothing else.
pub(crate) const READER: &str = "CN=svc-sekisho,OU=Service,OU=Corp,DC=example,DC=test";
/// May reset passwords, unlock, and have passwords changed at the next logon, below `OU=Corp`.
pub(crate) const RESETTER: &str = "CN=svc-reset,OU=Service,OU=Corp,DC=example,DC=test";
/// Holds the names HTTP/localhost, HTTP/sso.localhost and HTTP/sso.example.test; see [`Samba::keytab`].
pub(crate) const HTTP_ACCOUNT: &str = "http-sekisho";
/// Of all service accounts.
pub(crate) const SERVICE_PASSWORD: &str = "Svc-Passw0rd!";
/// Of all people.
pub(crate) const PASSWORD: &str = "Passw0rd!User";
pub(crate) const ADMINISTRATOR: &str = "administrator@example.test";
pub(crate) const ADMINISTRATOR_PASSWORD: &str = "Passw0rd!Admin";

const POPULATE: &str = include_str!("../../data/samba/populate.py");
const PORTS: [u16; 6] = [88, 389, 464, 636, 3268, 3269];

#[derive(Debug)]
pub(crate) struct Samba {
    folder: PathBuf,
    address: Ipv4Addr,
    /// Its standard input is what keeps it alive.
    child: Child,
}

impl Samba {
    /// The one of this run, started by whoever asks first; `None` where there can be none.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Samba, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| match missing() {
            None => Ok(Self::start()),
            Some(cause) => Err(cause),
        });
        shared.as_ref().map_err(|cause| shout(cause)).ok()
    }

    fn start() -> Self {
        let shelf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samba");
        fs::create_dir_all(&shelf).unwrap();
        remove_dead_runs(&shelf);
        let kept = shelf.join(format!("domain-{:016x}", stamp()));
        if !kept.exists() {
            make_domain(&shelf, &kept);
        }
        let folder = shelf.join(format!("run-{}", std::process::id()));
        // The names of sockets have 107 octets at most (unix(7)), and Samba's end with some thirty.
        assert!(folder.as_os_str().len() < 75, "{}: too long for Samba's sockets", folder.display());
        run(Command::new("cp").arg("-a").arg(&kept).arg(&folder));
        let address = free_address();
        write_configuration(&folder, address);
        write_certificates(&folder, address);
        let output = File::create(folder.join("samba.out")).unwrap();
        let child = Command::new("samba")
            // Interactive: what makes it look at its standard input.
            .arg("-i")
            .arg("-s")
            .arg(folder.join("smb.conf"))
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            // A group of its own, which Samba ends as a whole.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut samba = Self { folder, address, child };
        samba.wait();
        samba
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let ports = PORTS.iter().all(|port| TcpStream::connect((self.address, *port)).is_ok());
            if ports && self.ldap("ldapsearch", &["-s", "base", "-b", BASE, "1.1"]).status.success() {
                return;
            }
            let log = || fs::read_to_string(self.folder.join("samba.out")).unwrap_or_default();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("samba ended ({status}); see {}:\n{}", self.folder.display(), log());
            }
            assert!(Instant::now() < deadline, "samba is not ready:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub(crate) fn ldaps_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The global catalogue.
    pub(crate) fn catalogue_url(&self) -> String {
        format!("ldaps://{}:3269", self.address)
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Where this run's domain is, and where a test may put files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// For `KRB5_CONFIG`: the realm, its KDC, and localhost as a host of the realm.
    pub(crate) fn krb5_conf(&self) -> PathBuf {
        self.folder.join("krb5.conf")
    }

    /// The `[[directory]]` "corp" for this domain: LDAPS, verified, with the reading service account.
    pub(crate) fn directory(&self) -> String {
        format!(
            "name = \"corp\"\nkind = \"ldap\"\nurls = [{:?}]\nca_certificate = {:?}\nsearch_base = {BASE:?}\n\
             bind_dn = {READER:?}\nbind_password = {SERVICE_PASSWORD:?}\nnetbios_names = [{DOMAIN:?}]\n",
            self.ldaps_url(),
            self.ca_file().display().to_string(),
        )
    }

    /// The same for a directory without a server around it.
    pub(crate) fn options(&self) -> LdapOptions {
        let mut options = LdapOptions::new("corp");
        options.urls = vec![self.ldaps_url()];
        options.ca_certificate = Some(self.ca_file());
        BASE.clone_into(&mut options.search_base);
        options.bind_dn = Some(READER.to_owned());
        options.bind_password = Some(Secret::new(SERVICE_PASSWORD.to_owned()));
        options.netbios_names = vec![DOMAIN.to_owned()];
        options
    }

    /// Writes the keys of an account, as [`HTTP_ACCOUNT`], into a new file of the folder.
    pub(crate) fn keytab(&self, account: &str, principal: &str) -> PathBuf {
        let file = self.folder.join(format!("{account}-{}.keytab", principal.replace('/', "-")));
        let _ = fs::remove_file(&file);
        self.tool(&[
            "domain",
            "exportkeytab",
            &file.display().to_string(),
            &format!("--principal={principal}"),
        ]);
        file
    }

    /// Runs `samba-tool` on this domain and gives its output.
    pub(crate) fn tool(&self, arguments: &[&str]) -> String {
        let conf = self.folder.join("smb.conf");
        let output = run(Command::new("samba-tool").args(arguments).arg("--configfile").arg(conf));
        String::from_utf8(output.stdout).unwrap()
    }

    /// An account of the test's own in [`ENGINEERING`], with [`PASSWORD`]. Gives its DN.
    pub(crate) fn person(&self, login: &str) -> String {
        let dn = format!("CN={login},{ENGINEERING}");
        let password = data_encoding::BASE64.encode(&unicode_pwd(PASSWORD));
        self.modify(&format!(
            "dn: {dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: {login}\nuserPrincipalName: {login}@{DNS}\n\
             displayName: {login}\nuserAccountControl: 512\nunicodePwd:: {password}\n"
        ));
        dn
    }

    /// Changes entries as the administrator; the text is LDIF with `changetype`.
    pub(crate) fn modify(&self, ldif: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), ldif).unwrap();
        let output = self.ldap("ldapmodify", &["-f", &file.path().display().to_string()]);
        assert!(output.status.success(), "{}\n{ldif}", String::from_utf8_lossy(&output.stderr));
    }

    /// Replaces the values of one attribute as the administrator.
    pub(crate) fn set(&self, dn: &str, attribute: &str, value: &str) {
        let dn = data_encoding::BASE64.encode(dn.as_bytes());
        self.modify(&format!("dn:: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"));
    }

    /// An administrator's new password.
    pub(crate) fn set_password(&self, dn: &str, password: &str) {
        let (dn, password) = (
            data_encoding::BASE64.encode(dn.as_bytes()),
            data_encoding::BASE64.encode(&unicode_pwd(password)),
        );
        self.modify(&format!(
            "dn:: {dn}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {password}\n"
        ));
    }

    /// Makes the password of this account (by its sAMAccountName) so many days old.
    pub(crate) fn age_password(&self, account: &str, days: u32) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/samba/age.py");
        let conf = self.folder.join("smb.conf");
        run(python().arg(script).arg(conf).args([account, &days.to_string()]));
    }

    /// Tries this password directly at the domain controller, as a Windows machine would. True when it was right.
    pub(crate) fn try_password(&self, dn: &str, password: &str) -> bool {
        // Samba knows no "Who am I?".
        self.bind("ldapsearch", dn, password, &["-s", "base", "-b", "", "1.1"]).status.success()
    }

    /// Locks an account as real life does: by wrong passwords.
    pub(crate) fn lock(&self, dn: &str) {
        for _ in 0..5 {
            assert!(!self.try_password(dn, "wrong"));
        }
        assert_ne!(self.value(dn, "lockoutTime").unwrap_or_default(), "0", "{dn} is not locked");
    }

    /// The first value of an attribute as the administrator reads it.
    pub(crate) fn value(&self, dn: &str, attribute: &str) -> Option<String> {
        let output =
            self.ldap("ldapsearch", &["-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, attribute]);
        assert!(output.status.success(), "{dn}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let start = format!("{attribute}:");
        text.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.trim().to_owned())
    }

    /// An objectGUID as [`Samba::value`] gives it, base64 after a colon, in the text form of Windows.
    pub(crate) fn guid(value: &str) -> String {
        let octets = data_encoding::BASE64.decode(value.trim_start_matches([':', ' ']).as_bytes()).unwrap();
        let hex = |order: &[usize]| {
            let part: Vec<u8> = order.iter().map(|at| octets[*at]).collect();
            data_encoding::HEXLOWER.encode(&part)
        };
        let first = [hex(&[3, 2, 1, 0]), hex(&[5, 4]), hex(&[7, 6]), hex(&[8, 9])];
        format!("{}-{}", first.join("-"), hex(&[10, 11, 12, 13, 14, 15]))
    }

    fn ldap(&self, program: &str, arguments: &[&str]) -> Output {
        self.bind(program, ADMINISTRATOR, ADMINISTRATOR_PASSWORD, arguments)
    }

    fn bind(&self, program: &str, name: &str, password: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .env("LDAPTLS_CACERT", self.ca_file())
            .env("LDAPTLS_REQCERT", "demand")
            .args(["-x", "-H", &self.ldaps_url(), "-D", name, "-w", password])
            .args(arguments)
            .output()
            .unwrap()
    }
}

/// A password as `unicodePwd` wants it.
pub(crate) fn unicode_pwd(password: &str) -> Vec<u8> {
    format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Past the capture of a test's output, which nobody reads when the test ends well.
pub(crate) fn shout(cause: &str) {
    let text = format!("\nSKIPPED, NOTHING WAS TESTED against Active Directory: {cause}\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Why there can be no domain controller here.
fn missing() -> Option<String> {
    let id = run(Command::new("id").arg("-u")).stdout;
    if String::from_utf8_lossy(&id).trim() != "0" {
        return Some("Samba as a domain controller takes root; run the tests as root".to_owned());
    }
    let is_there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    let absent = ["samba", "samba-tool", "ldapmodify"].into_iter().find(|program| !is_there(program));
    // As root, whoever runs the tests can install it, and nobody should believe that it was tested.
    absent.map(|program| panic!("{program} is not installed; run tests/setup.sh test"))
}

/// What a kept domain was made of.
fn stamp() -> u64 {
    let mut hasher = DefaultHasher::new();
    (POPULATE, run(Command::new("samba").arg("--version")).stdout, "1").hash(&mut hasher);
    hasher.finish()
}

fn make_domain(shelf: &Path, kept: &Path) {
    let made = shelf.join(format!("run-{}-making", std::process::id()));
    fs::create_dir(&made).unwrap();
    // So that nothing comes in from the system's smb.conf.
    fs::write(made.join("base.conf"), "[global]\n").unwrap();
    let log = run(Command::new("samba-tool")
        .args(["domain", "provision", "--server-role=dc", "--use-rfc2307", "--dns-backend=SAMBA_INTERNAL"])
        .arg(format!("--configfile={}", made.join("base.conf").display()))
        .arg(format!("--targetdir={}", made.display()))
        .arg(format!("--option=posix:eadb={}", made.join("eadb.tdb").display()))
        .args([format!("--realm={REALM}"), format!("--domain={DOMAIN}")])
        .arg(format!("--adminpass={ADMINISTRATOR_PASSWORD}"))
        .args(["--host-name=dc1", "--host-ip=127.0.0.1"])
        .args(["--option=interfaces=127.0.0.1/8", "--option=bind interfaces only=yes"]));
    fs::write(made.join("provision.log"), log.stderr).unwrap();
    write_configuration(&made, Ipv4Addr::LOCALHOST);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/samba/populate.py");
    run(python().arg(script).arg(made.join("smb.conf")));
    fs::rename(&made, kept).unwrap();
}

/// Samba's Python modules belong to the system's Python alone.
fn python() -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-I", "-B"]);
    command
}

fn write_configuration(folder: &Path, address: Ipv4Addr) {
    for name in ["run", "log", "ncalrpc", "ntp_signd", "winbindd"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    let f = folder.display();
    let smb = format!(
        "[global]
netbios name = DC1
realm = {REALM}
workgroup = {DOMAIN}
server role = active directory domain controller
interfaces = {address}/8
bind interfaces only = yes
server services = ldap, cldap, kdc, rpc
dcerpc endpoint servers = epmapper, samr, lsarpc, netlogon, drsuapi
private dir = {f}/private
state directory = {f}/state
lock directory = {f}
cache directory = {f}/cache
binddns dir = {f}/bind-dns
pid directory = {f}/run
ncalrpc dir = {f}/ncalrpc
ntp signd socket directory = {f}/ntp_signd
winbindd socket directory = {f}/winbindd
log file = {f}/log/log.%m
logging = file
log level = 1
posix:eadb = {f}/eadb.tdb
idmap_ldb:use rfc2307 = yes
dns update command = /bin/true
spn update command = /bin/true
gpo update command = /bin/true
load printers = no
disable spoolss = yes
ldap server require strong auth = yes
tls enabled = yes
tls keyfile = {f}/server.key
tls certfile = {f}/server.pem
tls cafile = {f}/ca.pem
old password allowed period = 0
prefork children = 1
"
    );
    fs::write(folder.join("smb.conf"), smb).unwrap();
    let krb5 = format!(
        "[libdefaults]
default_realm = {REALM}
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
default_ccache_name = FILE:{f}/krb5cc
[realms]
{REALM} = {{
    kdc = {address}:88
    kpasswd_server = {address}:464
    admin_server = {address}:464
}}
[domain_realm]
.{DNS} = {REALM}
{DNS} = {REALM}
localhost = {REALM}
.localhost = {REALM}
"
    );
    fs::write(folder.join("krb5.conf"), krb5).unwrap();
}

fn write_certificates(folder: &Path, address: Ipv4Addr) {
    let (ca_key, ca) = make_certificate("test CA of a domain", &[], None);
    let names = ["dc1.example.test", DNS, &address.to_string()];
    let (key, certificate) = make_certificate("dc1.example.test", &names, Some((&ca_key, &ca)));
    fs::write(folder.join("ca.pem"), ca.to_pem().unwrap()).unwrap();
    fs::write(folder.join("server.pem"), certificate.to_pem().unwrap()).unwrap();
    let secret = folder.join("server.key");
    fs::write(&secret, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    // Samba starts no TLS with a key that others may read.
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
}

/// An address of the loopback network on which nobody listens; two runs at once begin to look at different places.
fn free_address() -> Ipv4Addr {
    free_address_for(&PORTS)
}

/// The same for these ports. Each call begins at another place: a test binds an address some time after it got it.
pub(crate) fn free_address_for(ports: &[u16]) -> Ipv4Addr {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let start =
        std::process::id().wrapping_mul(31).wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed) * 1_009);
    let address = |step: u32| {
        let place = start.wrapping_add(step) % 60_000 + 256;
        let [_, _, high, low] = place.to_be_bytes();
        Ipv4Addr::new(127, 77, high, low)
    };
    let is_free = |address: &Ipv4Addr| ports.iter().all(|port| TcpListener::bind((*address, *port)).is_ok());
    (0..100).map(address).find(is_free).expect("a loopback address with free ports")
}

/// What earlier runs left, when their process is gone.
fn remove_dead_runs(shelf: &Path) {
    for entry in fs::read_dir(shelf).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix("run-").and_then(|rest| rest.split('-').next()) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    assert!(output.status.success(), "{command:?}:\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}
