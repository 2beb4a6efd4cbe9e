//! One PHP process that answers JSON lines with JSON lines.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const SIMPLESAMLPHP: &str = "/usr/share/simplesamlphp";
const REMEDY: &str = "run: apt-get install -y --no-install-recommends php-cli php-ldap simplesamlphp";

/// What SimpleSAMLphp and PHP make of `cases`, in their order.
pub(super) fn answers(cases: &[Value]) -> Vec<Value> {
    answers_at(cases, None)
}

/// The same beside a directory whose certificate this authority has signed.
pub(super) fn answers_at(cases: &[Value], authority: Option<&Path>) -> Vec<Value> {
    assert!(Path::new(SIMPLESAMLPHP).join("lib/_autoload.php").exists(), "no {SIMPLESAMLPHP}; {REMEDY}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/authproc/simplesamlphp.php");
    let mut php = Command::new("php")
        .args([script, SIMPLESAMLPHP])
        .envs(authority.map(|file| ("LDAPTLS_CACERT", file)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("php does not start: {error}; {REMEDY}"));
    let lines: Vec<String> = cases.iter().map(ToString::to_string).collect();
    let lines = lines.join("\n") + "\n";
    let mut stdin = php.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let stdout = BufReader::new(php.stdout.take().unwrap());
    let answers: Vec<Value> = stdout
        .lines()
        .map(Result::unwrap)
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("PHP wrote {line:?}: {error}")))
        .collect();
    let status = php.wait().unwrap();
    assert!(
        status.success(),
        "php ended with {status} at case {}",
        cases[answers.len().min(cases.len() - 1)]
    );
    writer.join().unwrap().unwrap();
    assert_eq!(answers.len(), cases.len());
    answers
}
