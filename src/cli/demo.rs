//! `sekisho demo`: a complete server in a folder of its own, with three sample people, made on first start and kept.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Failure, keys, serve};
use crate::clock::{Clock, RandomIds, SystemClock};
use crate::config::Config;
use crate::directory::file::hash_password;
use crate::keys::{KeyKind, generate_tls};
use crate::secret::Secret;

/// The arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The demo's folder.
    #[arg(long, default_value = "target/demo")]
    dir: PathBuf,
    /// The port on localhost, taken when the folder is made.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Make the folder and print what it holds, but do not start the server.
    #[arg(long)]
    prepare: bool,
}

/// A person of the demo. Their passwords are no secrets: the demo listens on this machine only.
struct Sample {
    login: &'static str,
    password: &'static str,
    display_name: &'static str,
    surname: &'static str,
    given_name: &'static str,
}

const PEOPLE: [Sample; 3] = [
    Sample {
        login: "tanaka",
        password: "sekisho-tanaka",
        display_name: "田中 太郎",
        surname: "田中",
        given_name: "太郎",
    },
    Sample {
        login: "alice",
        password: "sekisho-alice",
        display_name: "Alice Example",
        surname: "Example",
        given_name: "Alice",
    },
    Sample {
        login: "bob",
        password: "sekisho-bob",
        display_name: "Bob O'Neill & Sons",
        surname: "O'Neill",
        given_name: "Bob",
    },
];

/// Prepares the folder, says what it holds, and serves.
pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let file = prepare(&arguments.dir, arguments.port, out)?;
    let config = Config::load(&file).map_err(Failure::Config)?;
    welcome(&config, out)?;
    out.flush()?;
    if arguments.prepare {
        return Ok(());
    }
    serve::run(config)
}

/// Makes what the folder lacks; what is there stays, so that keys and sessions outlive a restart.
fn prepare(folder: &Path, port: u16, out: &mut dyn Write) -> Result<PathBuf, Failure> {
    let file = folder.join("sekisho.toml");
    let metadata = folder.join("metadata");
    std::fs::create_dir_all(&metadata).with_context(|| format!("cannot make {}", metadata.display()))?;
    keys::create(&file, configuration(port).as_bytes())?;
    let people = folder.join("people.toml");
    if !people.exists() {
        keys::create(&people, sample_people().as_bytes())?;
    }
    let tls = (&*folder.join("certs/tls.key"), &*folder.join("certs/tls.crt"));
    keys::make_files(tls, out, || Ok(generate_tls(&["localhost", "127.0.0.1"], SystemClock.now())?))?;
    let config = Config::load_before_keys(&file).map_err(Failure::Config)?;
    keys::make_pair(&config, KeyKind::Rsa2048, out)?;
    for path in [&config.session.secret_file, &config.saml.name_id_secret_file].into_iter().flatten() {
        keys::make_secret(path, out)?;
    }
    Ok(file)
}

fn sample_people() -> String {
    let mut text =
        String::from("# The people of the demo. `sekisho hash-password` makes the hash of a password.\n");
    for Sample { login, password, display_name, surname, given_name } in PEOPLE {
        let hash = hash_password(&Secret::new(password.to_owned()), &RandomIds);
        let person = format!(
            "\n[[person]]\nlogin = \"{login}\"\npassword = \"{hash}\"\nattributes = {{ uid = [\"{login}\"], \
             mail = [\"{login}@example.jp\"], displayName = [\"{display_name}\"], sn = [\"{surname}\"], \
             givenName = [\"{given_name}\"] }}\n"
        );
        text.push_str(&person);
    }
    text
}

fn configuration(port: u16) -> String {
    format!(
        r#"# The demo's configuration. The commented sample of a real one is sekisho.toml of the source.
base_url = "https://localhost:{port}"

[listen]
address = "127.0.0.1:{port}"
tls_certificate = "certs/tls.crt"
tls_private_key = "certs/tls.key"

[saml]
attributes = ["uid", "mail", "displayName", "sn", "givenName"]
test_sp = true
allow_http_endpoints = true      # an SP under development on this machine

[[directory]]
name = "demo"
kind = "file"
path = "people.toml"

[log]
audit = "audit.jsonl"
"#
    )
}

fn welcome(config: &Config, out: &mut dyn Write) -> std::io::Result<()> {
    let folder = config.file.parent().unwrap_or(Path::new("")).display();
    let url = &config.base_url;
    writeln!(out, "\nThe demo: {url}/test-sp")?;
    writeln!(
        out,
        "(the browser warns about its certificate, which was made here and which nobody vouches for)\n"
    )?;
    for Sample { login, password, display_name, .. } in PEOPLE {
        writeln!(out, "  user {login:<8} password {password:<16} {display_name}")?;
    }
    writeln!(
        out,
        r#"
For your own directory and SPs:
  1. Copy the sample sekisho.toml, set base_url, and describe your directory in it:
       Active Directory                              OpenLDAP
       [[directory]]                                 [[directory]]
       name = "corp"                                 name = "corp"
       kind = "ldap"                                 kind = "ldap"
       urls = ["ldaps://dc1.example.co.jp"]          urls = ["ldaps://ldap.example.co.jp"]
       bind_dn = "CN=svc-sekisho,OU=Service,.."      bind_dn = "cn=sekisho,ou=services,dc=.."
       bind_password_file = "certs/ldap-password"    bind_password_file = "certs/ldap-password"
       search_base = "DC=example,DC=co,DC=jp"        search_base = "ou=people,dc=example,.."
       login_filter = "(sAMAccountName={{login}})"     login_filter = "(uid={{login}})"
  2. Put your signing key into certs/PrivateKey.pem and its certificate into certs/PublicKey.pem,
     or let `sekisho keys generate` make them.
  3. Drop each SP's metadata into metadata/NAME.xml; the running server takes it within 2 seconds.
  4. `sekisho check` tells what is wrong and how to mend it; then `sekisho serve`.
Here: the configuration is {folder}/sekisho.toml, the people are in {folder}/people.toml. Ctrl-C ends the server;
the next start finds the same keys, people and sessions.
"#
    )
}
