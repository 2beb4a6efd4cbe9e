//! A folder with everything that a server needs: `sekisho.toml`, keys, people, metadata. Each test changes what it is
//! about and starts a server on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use tempfile::TempDir;
use toml::{Table, Value};

use super::pki::Pair;
use super::process::free_port;
use super::sp::Sp;

/// Login and password of the first person of `people.toml`.
pub const TANAKA: (&str, &str) = ("tanaka", "sakura-2024");
/// Login and password of the second person.
pub const SUZUKI: (&str, &str) = ("suzuki", "momiji-2024");

/// A configuration folder for one server, gone with the test.
#[derive(Debug)]
pub struct Folder {
    place: TempDir,
    /// `sekisho.toml`, written when the server starts.
    pub config: Table,
    pub port: u16,
    pub idp: Pair,
}

impl Folder {
    /// Plain HTTP on a free port, two people in `people.toml`, an RSA-2048 key, no SP.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let made = Self { place: folder, config: base_config(port), port, idp: Pair::of_idp().clone() };
        for name in ["metadata", "certs"] {
            fs::create_dir(made.path(name)).unwrap();
        }
        made.write_secret("certs/session-secret", &"5e".repeat(32));
        made.write_secret("certs/name-id-secret", &"1d".repeat(32));
        made.write_key(&made.idp.clone());
        made.write_secret("people.toml", people());
        made
    }

    /// The same over TLS.
    pub fn tls() -> Self {
        let mut made = Self::new();
        made.write("certs/tls.crt", &made.idp.certificate_pem());
        made.write_secret("certs/tls.key", &made.idp.key_pem());
        made.set("base_url", format!("https://localhost:{}", made.port));
        made.set("listen.tls_certificate", "certs/tls.crt");
        made.set("listen.tls_private_key", "certs/tls.key");
        made
    }

    /// Moves the server to another port.
    pub fn move_to(&mut self, port: u16) {
        let scheme = if self.url("").starts_with("https://") { "https" } else { "http" };
        self.port = port;
        self.set("base_url", format!("{scheme}://localhost:{port}"));
        self.set("listen.address", format!("127.0.0.1:{port}"));
    }

    /// Sets a key of `sekisho.toml`, `saml.test_sp` for one in a table.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let mut table = &mut self.config;
        let mut parts: Vec<&str> = key.split('.').collect();
        let last = parts.pop().expect("a key");
        for part in parts {
            let entry = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
            table = entry.as_table_mut().unwrap_or_else(|| panic!("{part} of {key} is no table"));
        }
        table.insert(last.to_owned(), value.into());
    }

    /// Sets a key of a table, whatever marks the key has.
    pub fn set_in(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        self.set(&format!("{table}.placeholder"), true);
        let found = table.split('.').fold(&mut self.config, |held, part| held[part].as_table_mut().unwrap());
        found.remove("placeholder");
        found.insert(key.to_owned(), value.into());
    }

    /// Adds a `[[directory]]` before those that are there.
    pub fn add_directory(&mut self, keys: &str) {
        let table: Table = keys.parse().unwrap_or_else(|error| panic!("{error}:\n{keys}"));
        self.config["directory"].as_array_mut().unwrap().insert(0, Value::Table(table));
    }

    /// Makes this the signing key.
    pub fn use_key(&mut self, pair: &Pair) {
        self.idp = pair.clone();
        self.write_key(pair);
    }

    fn write_key(&self, pair: &Pair) {
        self.write_secret("certs/PrivateKey.pem", &pair.key_pem());
        self.write("certs/PublicKey.pem", &pair.certificate_pem());
    }

    /// Registers an SP: its metadata, and its policy unless that is empty.
    pub fn register(&self, name: &str, sp: &Sp, policy: &str) {
        if !policy.is_empty() {
            self.write(&format!("metadata/{name}.toml"), policy);
        }
        self.write(&format!("metadata/{name}.xml"), &sp.metadata());
    }

    /// Writes a file as editors do: beside its place, then moved there.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let beside = path.with_extension("written");
        fs::write(&beside, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        fs::rename(&beside, &path).unwrap();
    }

    /// Writes a file that only its owner may read.
    pub fn write_secret(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.place.path()
    }

    /// Writes `sekisho.toml` and gives its path.
    pub fn write_config(&self) -> PathBuf {
        self.write_secret("sekisho.toml", &self.config.to_string());
        self.path("sekisho.toml")
    }

    /// `base_url` with this path behind it.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config["base_url"].as_str().unwrap())
    }

    /// Our entityID.
    pub fn entity_id(&self) -> String {
        self.url("/saml/metadata")
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

fn base_config(port: u16) -> Table {
    let config = format!(
        r#"
        base_url = "http://localhost:{port}"
        [listen]
        address = "127.0.0.1:{port}"
        [saml]
        name_id_secret_file = "certs/name-id-secret"
        [session]
        secret_file = "certs/session-secret"
        [store]
        url = "sqlite:sekisho.db"
        [[directory]]
        name = "people"
        kind = "file"
        path = "people.toml"
        [log]
        audit = "audit.jsonl"
        "#
    );
    config.parse().expect("the base configuration")
}

/// `people.toml`; the hashes are weak on purpose, so that a sign-in costs the tests nothing.
fn people() -> &'static str {
    static PEOPLE: OnceLock<String> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        format!(
            r#"
            [[person]]
            login = "{}"
            password = "{}"
            attributes = {{ uid = ["tanaka"], mail = ["tanaka@example.jp"], displayName = ["田中 太郎"], ou = ["Sales", "Osaka"] }}
            [[person]]
            login = "{}"
            password = "{}"
            attributes = {{ uid = ["suzuki"], mail = ["suzuki@example.jp"], displayName = ["鈴木 花子"] }}
            "#,
            TANAKA.0,
            argon2id(TANAKA.1),
            SUZUKI.0,
            argon2id(SUZUKI.1)
        )
    })
}

/// An argon2id hash of the least cost.
pub fn argon2id(password: &str) -> String {
    let salt = SaltString::encode_b64(b"sekisho-tests-00").unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
    hasher.hash_password(password.as_bytes(), &salt).unwrap().to_string()
}
