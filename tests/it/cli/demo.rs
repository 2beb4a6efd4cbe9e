//! The demo's folder: made on first start, kept on the second.

use std::collections::BTreeMap;
use std::path::Path;

use sekisho::config::{Config, DirectoryConfig};
use tempfile::TempDir;

use super::sekisho;

fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_folder_is_made_once_and_kept() {
    let folder = TempDir::new().unwrap();
    let run = || sekisho(folder.path(), &["demo", "--dir", "demo", "--prepare", "--port", "9443"], "");
    let first = run();
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("The demo: https://localhost:9443/test-sp"), "{}", first.out);
    assert!(first.out.contains("user tanaka   password sekisho-tanaka   田中 太郎"), "{}", first.out);
    let config = Config::load(&folder.path().join("demo/sekisho.toml")).unwrap();
    assert!(config.saml.test_sp && config.listen.tls.is_some() && config.base_url.is_https());
    assert!(matches!(&config.directories[..], [DirectoryConfig::File { name, .. }] if name == "demo"));
    let people: toml::Table =
        std::fs::read_to_string(folder.path().join("demo/people.toml")).unwrap().parse().unwrap();
    let people = people["person"].as_array().unwrap();
    assert_eq!(people.len(), 3);
    assert_eq!(people[0]["attributes"]["displayName"][0].as_str(), Some("田中 太郎"));
    let read = || {
        let mut found = BTreeMap::new();
        files(&folder.path().join("demo"), &mut found);
        found
    };
    let before = read();
    assert_eq!(before.len(), 8, "{:?}", before.keys());
    assert_eq!(run().code, 0);
    assert_eq!(read(), before);
}
