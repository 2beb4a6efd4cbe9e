//! An apache of its own for the modules that are service providers: a folder, one process, one port.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Seen, http};
use crate::support::apache;
use crate::support::html::Page;
use crate::support::pki::Pair;
use crate::support::process::{Process, free_port};

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
        let made =
            Self { place: apache::folder(), port: free_port(), environment: Vec::new(), process: None };
        made.write("show", "#!/bin/sh\necho 'Content-Type: text/plain; charset=utf-8'\necho\nexec env\n");
        fs::set_permissions(made.path("show"), fs::Permissions::from_mode(0o755)).unwrap();
        made.write("sp.key", &Pair::of_sp().key_pem());
        made.write("sp.crt", &Pair::of_sp().certificate_pem());
        made
    }

    /// Starts it with these modules and directives, and waits until it answers. `/` and `/SERVICE/secret` are `show`.
    pub async fn start(&mut self, modules: &[&str], directives: &str) {
        let (place, port) = (self.place(), self.port);
        let head = apache::head(self.place.path(), port, &[&["alias", "cgi"], modules].concat());
        let configuration = format!(
            "{head}
            ServerName localhost:{port}
            UseCanonicalName On
            KeepAlive Off
            ScriptAliasMatch ^/$ {place}/show
            ScriptAliasMatch ^/[^/]+/secret {place}/show
            <Location />
                Require all granted
            </Location>
            {directives}
            "
        );
        let mut process = apache::start(self.place.path(), &configuration, &self.environment);
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
