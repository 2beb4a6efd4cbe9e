//! An apache of its own for the modules that are service providers: a folder, one process, one port.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{Seen, http};
use crate::support::html::Page;
use crate::support::pki::Pair;
use crate::support::process::{Process, free_port};

/// What every configuration loads.
const MODULES: [&str; 6] = ["mpm_prefork", "authn_core", "authz_core", "authz_user", "alias", "cgi"];

/// A folder for apache and, once it is started, its process.
#[derive(Debug)]
pub struct Apache {
    place: TempDir,
    port: u16,
    /// What apache and its module see beside the usual environment.
    pub environment: Vec<(&'static str, String)>,
    process: Option<Process>,
}

impl Apache {
    /// Makes the folder, with the service provider's key and a program `show` that shows its environment as text.
    pub fn prepare() -> Self {
        let place = tempfile::tempdir().unwrap();
        // apache drops root, and its user must get in.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let made = Self { place, port: free_port(), environment: Vec::new(), process: None };
        made.write("show", "#!/bin/sh\necho 'Content-Type: text/plain; charset=utf-8'\necho\nexec env\n");
        fs::set_permissions(made.path("show"), fs::Permissions::from_mode(0o755)).unwrap();
        made.write("sp.key", &Pair::of_sp().key_pem());
        made.write("sp.crt", &Pair::of_sp().certificate_pem());
        made
    }

    /// Starts it with these modules and directives, and waits until it answers. `/` and `/SERVICE/secret` are `show`.
    pub async fn start(&mut self, modules: &[&str], directives: &str) {
        let load: Vec<String> = MODULES.iter().chain(modules).map(|name| load(name)).collect();
        let (place, port) = (self.place(), self.port);
        let configuration = format!(
            "{}
            User www-data
            Group www-data
            ServerName localhost:{port}
            UseCanonicalName On
            Listen 127.0.0.1:{port}
            ServerRoot {place}
            DefaultRuntimeDir {place}
            PidFile {place}/apache.pid
            Mutex sem
            ErrorLog {place}/apache.log
            LogLevel info
            KeepAlive Off
            ScriptAliasMatch ^/$ {place}/show
            ScriptAliasMatch ^/[^/]+/secret {place}/show
            <Location />
                Require all granted
            </Location>
            {directives}
            ",
            load.join("\n")
        );
        self.write("apache.conf", &configuration);
        // One process in the foreground, so that nothing is left when it is killed.
        let mut command = Command::new("/usr/sbin/apache2");
        command.arg("-X").arg("-f").arg(self.path("apache.conf")).envs(self.environment.iter().cloned());
        let mut process = Process::start(&mut command, &self.path("apache.log"));
        http::wait_for(&mut process, &self.url("/")).await;
        self.process = Some(process);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// The folder, as configurations name it.
    pub fn place(&self) -> String {
        self.place.path().display().to_string()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Everything that apache wrote so far.
    pub fn log(&self) -> String {
        self.process.as_ref().map_or_else(String::new, Process::log)
    }
}

/// A variable that `show` shows.
pub fn shown<'a>(page: &'a Page, name: &str) -> Option<&'a str> {
    page.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// What was learned about a person: the variables of the attributes begin with `prefix`.
pub fn seen(page: &Page, prefix: &str, format: &str, name_id: &str) -> Seen {
    let held = ["uid", "displayName", "mail"].into_iter().filter_map(|name| {
        Some((name.to_owned(), vec![shown(page, &format!("{prefix}{name}"))?.to_owned()]))
    });
    Seen {
        attributes: held.collect(),
        name_id: name_id.to_owned(),
        format: format.to_owned(),
        query: shown(page, "QUERY_STRING").unwrap_or_default().to_owned(),
    }
}

fn load(name: &str) -> String {
    // Debian names the module of mod_shib so, without the ending of all others.
    let symbol = if name == "shib" { "mod_shib".to_owned() } else { format!("{name}_module") };
    format!("LoadModule {symbol} /usr/lib/apache2/modules/mod_{name}.so")
}
