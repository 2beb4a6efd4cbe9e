//! An apache of a test's own: its folder, what every configuration begins with, its process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::process::Process;

/// What every configuration loads.
const MODULES: [&str; 4] = ["mpm_prefork", "authn_core", "authz_core", "authz_user"];

/// A folder that apache gets into after it has dropped root.
pub(crate) fn folder() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    place
}

/// The first lines: these modules beside the usual ones, one port of this machine, nothing outside the folder.
pub(crate) fn head(place: &Path, port: u16, modules: &[&str]) -> String {
    let load: Vec<String> = MODULES.iter().chain(modules).map(|name| load(name)).collect();
    let place = place.display();
    format!(
        "{}
        User www-data
        Group www-data
        Listen 127.0.0.1:{port}
        ServerRoot {place}
        DefaultRuntimeDir {place}
        PidFile {place}/apache.pid
        Mutex sem
        ErrorLog {place}/apache.log
        LogLevel info",
        load.join("\n")
    )
}

/// One process in the foreground, so that nothing is left when it is killed.
pub(crate) fn start(place: &Path, configuration: &str, environment: &[(&'static str, String)]) -> Process {
    let file = place.join("apache.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new("/usr/sbin/apache2");
    command.arg("-X").arg("-f").arg(file).envs(environment.iter().cloned());
    Process::start(&mut command, &place.join("apache.log"))
}

fn load(name: &str) -> String {
    // Debian names the module of mod_shib so, without the ending of all others.
    let symbol = if name == "shib" { "mod_shib".to_owned() } else { format!("{name}_module") };
    format!("LoadModule {symbol} /usr/lib/apache2/modules/mod_{name}.so")
}
