//! The configuration file as an admin writes it: right, wrong in every way, and with secrets in every form.

mod faults;
mod integrated;
mod password;
mod sample;
mod secrets;
mod subject;
mod sync;
mod targets;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sekisho::config::{Config, ConfigFault};
use tempfile::TempDir;

/// A folder with the files that a configuration needs.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(TempDir::new().unwrap());
        for (file, content) in [
            ("certs/PrivateKey.pem", "key"),
            ("certs/PublicKey.pem", "certificate"),
            ("certs/session-secret", "0123456789abcdef0123456789abcdef\n"),
            ("certs/name-id-secret", "fedcba9876543210fedcba9876543210\n"),
            ("certs/ldap-password", "s3cret with blanks \r\n"),
            ("people.toml", ""),
            ("metadata/README.md", ""),
        ] {
            site.write(file, content);
        }
        site
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// Writes a file with mode 0600.
    fn write(&self, file: &str, content: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        self.mode(file, 0o600);
    }

    fn mode(&self, file: &str, mode: u32) {
        std::fs::set_permissions(self.path(file), Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self, text: &str) -> Result<Config, Vec<ConfigFault>> {
        self.write("sekisho.toml", text);
        Config::load(&self.path("sekisho.toml"))
    }

    /// The faults, without the folder's changing name.
    fn faults(&self, text: &str) -> String {
        let faults = self.load(text).expect_err("the configuration should be wrong");
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        lines.join("\n").replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// The least that starts.
const LEAST: &str = r#"
base_url = "https://idp.example.co.jp/"
[[directory]]
name = "local"
kind = "file"
"#;
