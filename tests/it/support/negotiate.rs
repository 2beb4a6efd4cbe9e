//! Kerberos as browsers and proxies know it: a person's [`Ticket`] from the Samba KDC, [`Curl`] that shows it, and a
//! [`Front`]: apache with mod_auth_gssapi, configured as `src/manual/integrated.rs` says.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tempfile::TempDir;

use super::apache;
use super::folder::Folder;
use super::html::Page;
use super::process::{Process, free_port};
use super::samba::{DOMAIN, HTTP_ACCOUNT, PASSWORD, REALM, Samba};

/// The service that browsers ask the KDC for when they go to `http://localhost`.
pub(crate) const PRINCIPAL: &str = "HTTP/localhost";

/// What a person's machine holds after the sign-in to Windows.
#[derive(Debug)]
pub(crate) struct Ticket {
    folder: TempDir,
    krb5_conf: PathBuf,
}

impl Ticket {
    /// Of a person with [`PASSWORD`].
    pub(crate) fn of(samba: &Samba, login: &str) -> Self {
        let ticket = Self::none(samba);
        let mut kinit = Command::new("kinit");
        kinit.arg(format!("{login}@{REALM}")).envs(ticket.environment());
        kinit.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = kinit.spawn().expect("kinit");
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{login}: {}", String::from_utf8_lossy(&output.stderr));
        ticket
    }

    /// Of a machine outside the domain.
    pub(crate) fn none(samba: &Samba) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), krb5_conf: samba.krb5_conf() }
    }

    /// What programs of that machine see.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("KRB5_CONFIG", self.krb5_conf.display().to_string()),
            ("KRB5CCNAME", format!("FILE:{}", self.folder.path().join("cache").display())),
        ]
    }
}

/// A browser that shows the ticket where it is asked for, follows redirects and keeps cookies.
#[derive(Debug)]
pub(crate) struct Curl<'a> {
    ticket: &'a Ticket,
    folder: TempDir,
    /// More arguments of each request.
    pub(crate) arguments: Vec<String>,
}

impl<'a> Curl<'a> {
    pub(crate) fn with(ticket: &'a Ticket) -> Self {
        Self { ticket, folder: tempfile::tempdir().unwrap(), arguments: Vec::new() }
    }

    /// Opens an address.
    pub(crate) fn open(&self, url: &str) -> Page {
        let file = |name: &str| self.folder.path().join(name);
        let _ = fs::remove_file(file("body"));
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--location", "--anyauth", "-u", ":", "--noproxy", "*", "-w", "%{url_effective}"]);
        curl.arg("-b").arg(file("jar")).arg("-c").arg(file("jar"));
        curl.arg("-D").arg(file("headers")).arg("-o").arg(file("body"));
        let output = curl.args(&self.arguments).arg(url).envs(self.ticket.environment()).output().unwrap();
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        let url = Url::parse(std::str::from_utf8(&output.stdout).unwrap()).unwrap();
        let (status, headers) = last(&fs::read_to_string(file("headers")).unwrap());
        // Without a body there is no file, and one of an answer before would be taken for it.
        let body = fs::read_to_string(file("body")).unwrap_or_default();
        Page { url, status, headers, body, via: Vec::new() }
    }
}

/// Status and headers of the last answer.
fn last(answers: &str) -> (u16, HeaderMap) {
    let answer = answers.trim_end().rsplit("\r\n\r\n").next().unwrap();
    let (line, fields) = answer.split_once("\r\n").unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let fields = fields.lines().filter_map(|field| field.split_once(": "));
    let pair = |(name, value): (&str, &str)| {
        (HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields.map(pair) {
        headers.append(name, value);
    }
    (status, headers)
}

/// The keys of the service, in a file that this user may read.
pub(crate) fn keytab(samba: &Samba, folder: &Path) -> PathBuf {
    // Each export takes the file of the one before away, under the eyes of other tests.
    static EXPORTED: OnceLock<PathBuf> = OnceLock::new();
    let exported = EXPORTED.get_or_init(|| samba.keytab(HTTP_ACCOUNT, PRINCIPAL));
    let file = folder.join("http.keytab");
    fs::copy(exported, &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// What apache adds for the person whose ticket it has proved.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    /// `user@REALM`
    AtRealm,
    /// `DOMAIN\user`, as IIS does.
    InDomain,
    /// `user`
    Bare,
}

/// apache in front of a server at a port of this machine.
#[derive(Debug)]
pub(crate) struct Front {
    place: TempDir,
    pub(crate) port: u16,
    _process: Process,
}

impl Front {
    /// Starts it, and waits until it listens. The server need not be there yet.
    pub(crate) async fn start(samba: &Samba, backend: u16, secret: &str, named: Named) -> Self {
        let place = apache::folder();
        let file = keytab(samba, place.path());
        chown(&file, Some(id("-u", "www-data")), None).unwrap();
        let krb5_conf = place.path().join("krb5.conf");
        fs::copy(samba.krb5_conf(), &krb5_conf).unwrap();
        let port = free_port();
        let configuration = configuration(place.path(), (port, backend), secret, named);
        let environment = [("KRB5_CONFIG", krb5_conf.display().to_string())];
        let mut process = apache::start(place.path(), &configuration, &environment);
        let listens = || async { std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() };
        process.wait_until("listening", listens).await;
        Self { place, port, _process: process }
    }

    /// Everything that apache wrote so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("apache.log")).unwrap_or_default()
    }
}

fn configuration(place: &Path, (port, backend): (u16, u16), secret: &str, named: Named) -> String {
    let head = apache::head(place, port, &["auth_gssapi", "headers", "proxy", "proxy_http"]);
    let (local, name) = match named {
        Named::AtRealm => ("Off", "expr=%{REMOTE_USER}"),
        Named::InDomain => ("On", r"expr=EXAMPLE\\\\%{REMOTE_USER}"),
        Named::Bare => ("On", "expr=%{REMOTE_USER}"),
    };
    let place = place.display();
    format!(
        "{head}
        ServerName localhost
        LimitRequestFieldSize 65536
        ProxyPass / http://127.0.0.1:{backend}/
        RequestHeader unset X-Remote-User early
        RequestHeader unset X_Remote_User early
        RequestHeader unset X-Sekisho-Proxy-Secret early
        <Location /login/integrated>
            AuthType GSSAPI
            AuthName sekisho
            GssapiCredStore keytab:{place}/http.keytab
            GssapiAllowedMech krb5
            GssapiNegotiateOnce On
            GssapiLocalName {local}
            Require valid-user
            ErrorDocument 401 \"/login?how=challenged&%{{QUERY_STRING}}\"
            RequestHeader set X-Remote-User \"{name}\"
            RequestHeader set X-Sekisho-Proxy-Secret \"{secret}\"
            RequestHeader unset Authorization
        </Location>
        "
    )
}

fn id(what: &str, user: &str) -> u32 {
    let output = Command::new("id").args([what, user]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The token that a browser with this ticket sends to `http://localhost`, for what browsers do not do with it. Each call
/// makes another one. `service`: what the ticket is for, usually `HTTP`.
pub(crate) fn token(ticket: &Ticket, service: &str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        head.iter().find_map(|line| Some(line.strip_prefix("Authorization: Negotiate ")?.to_owned()))
    });
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--negotiate", "-u", ":", "--noproxy", "*", "--service-name", service, &url]);
    let output = curl.envs(ticket.environment()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let heard = heard.join().unwrap();
    heard.unwrap_or_else(|| panic!("no ticket for {service}: {}", String::from_utf8_lossy(&output.stderr)))
}

impl Front {
    /// A server's folder behind this apache, with the accounts of the domain beside its own.
    pub(crate) fn prepare(&self, samba: &Samba, folder: &mut Folder, secret: &str) {
        folder.set("base_url", format!("http://localhost:{}", self.port));
        folder.set("listen.trusted_proxies", vec!["127.0.0.1/32"]);
        folder.write_secret("certs/proxy-secret", secret);
        folder.set("integrated.proxies", vec!["127.0.0.1/32"]);
        folder.set("integrated.secret_file", "certs/proxy-secret");
        in_domain(samba, folder);
    }
}

/// A server's folder with a keytab of its own: browsers at 127.0.0.1 are asked for tickets.
pub(crate) fn prepare_native(samba: &Samba, folder: &mut Folder) {
    keytab(samba, &folder.path("certs"));
    folder.set("integrated.keytab", "certs/http.keytab");
    folder.set("integrated.networks", vec!["127.0.0.1/32"]);
    in_domain(samba, folder);
}

fn in_domain(samba: &Samba, folder: &mut Folder) {
    folder.add_directory(&samba.directory());
    folder.set("integrated.enabled", true);
    folder.set_in("integrated.realms", REALM, "corp");
    folder.set_in("integrated.realms", DOMAIN, "corp");
}
