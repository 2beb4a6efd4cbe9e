//! The SaaS of `src/manual/recipes.rs`: a person of an Active Directory signs on to each, with the files of
//! `tests/data/saas` in `metadata/` as they are, and the Response is what the vendor's documents ask for.

mod signon;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::app::sekisho;
use crate::support::folder::Folder;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/saas");

/// Puts the files of one SaaS, or of all, where an admin would put them.
fn drop_into(folder: &Folder, name: Option<&str>) -> usize {
    let mut dropped = 0;
    for entry in fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let stem = Path::new(file).file_stem().unwrap().to_str().unwrap();
        if name.is_none_or(|name| name == stem) {
            folder.write(&format!("metadata/{file}"), &fs::read_to_string(&path).unwrap());
            dropped += 1;
        }
    }
    assert!(dropped > 0, "no fixture {name:?}");
    dropped
}

#[test]
fn check_finds_no_fault_in_any_of_them() {
    let folder = Folder::new();
    let files = drop_into(&folder, None);
    let output = sekisho(&folder, &["check", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["service_providers"].as_array().unwrap().len(), files - 2, "two have XML and TOML");
    let findings = report["findings"].as_array().unwrap();
    // The file of an SP is named without its folder, sekisho.toml with it.
    let of_sp = |finding: &&Value| finding["file"].as_str().is_some_and(|file| !file.contains('/'));
    let bad: Vec<&Value> =
        findings.iter().filter(of_sp).filter(|finding| finding["severity"] != "notice").collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(output.status.code(), Some(0), "{report:#}");
}
