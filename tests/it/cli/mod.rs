//! The commands, run as an admin runs them.

mod check;
mod demo;
mod explain;
mod hash_password;
mod keys;
mod metadata;
mod throttle;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a command left behind.
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Runs `sekisho` in `folder` with `input` on its standard input.
fn sekisho(folder: &Path, arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SEKISHO_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// Writes `sekisho.toml` with a file directory, and an empty metadata folder, into `folder`.
fn site(folder: &Path) {
    let text = "base_url = \"https://idp.example.co.jp\"\n[[directory]]\nname = \"local\"\nkind = \"file\"\n";
    std::fs::write(folder.join("sekisho.toml"), text).unwrap();
    std::fs::create_dir(folder.join("metadata")).unwrap();
    std::fs::write(folder.join("people.toml"), "").unwrap();
    private(&folder.join("people.toml"));
}

fn private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
