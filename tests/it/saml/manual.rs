//! The page of attacks tells the truth: each test that it names is there, and no hostile test is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The tests of a file, as `module::name`.
fn tests_of(file: &Path, module: &str) -> Vec<String> {
    let source = fs::read_to_string(file).unwrap();
    let attributes = ["#[test]", "#[tokio::test]", "#[tokio::test(flavor = \"multi_thread\")]"];
    let after_attribute = attributes.iter().flat_map(|attribute| source.split(attribute).skip(1));
    after_attribute
        .map(|rest| {
            let (_, name) = rest.split_once("fn ").unwrap();
            format!("{module}::{}", name.split_once('(').unwrap().0)
        })
        .collect()
}

#[test]
fn every_attack_has_its_test_and_every_hostile_test_its_line() {
    let page = fs::read_to_string(root().join("src/manual/attacks.rs")).unwrap();
    let named: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_suffix("` |")?.rsplit_once('`').map(|(_, test)| test.to_owned()))
        .collect();
    let mut there = BTreeSet::new();
    for module in ["documents", "encryption", "redirect", "response", "signature", "wrapping"] {
        let file = root().join("tests/it/saml/hostile").join(module).with_extension("rs");
        there.extend(tests_of(&file, &format!("hostile::{module}")));
    }
    there.extend(tests_of(&root().join("tests/it/sso/logout/hostile.rs"), "logout::hostile"));
    assert_eq!(there.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "tests without a line");
    for module in ["written", "requests"] {
        let file = root().join("tests/it/saml").join(module).with_extension("rs");
        there.extend(tests_of(&file, module));
    }
    there.extend(tests_of(&root().join("tests/it/registry/hostile.rs"), "registry::hostile"));
    for module in [
        "logout/answers",
        "logout/sessions",
        "logout/soap",
        "artifact",
        "ecp",
        "integrated/header",
        "integrated/way",
        "integrated/apache",
        "integrated/spnego",
    ] {
        let file = root().join("tests/it/sso").join(module).with_extension("rs");
        there.extend(tests_of(&file, &module.replace('/', "::")));
    }
    for module in ["integrated", "throttle"] {
        let file = root().join("src/authn/tests").join(module).with_extension("rs");
        there.extend(tests_of(&file, &format!("authn::tests::{module}")));
    }
    for module in ["active_directory", "conformance", "faults", "ldap"] {
        let file = root().join("tests/it/directory").join(module).with_extension("rs");
        there.extend(tests_of(&file, &format!("directory::{module}")));
    }
    for module in ["api", "ldap", "pages"] {
        let file = root().join("tests/it/password").join(module).with_extension("rs");
        there.extend(tests_of(&file, &format!("password::{module}")));
    }
    let synchronisation = [
        ("src", "sync/plan/tests/ladder"),
        ("src", "sync/gate/tests"),
        ("src", "sync/words"),
        ("src", "sync/hooks"),
        ("src", "sync/structure/tests"),
        ("src", "sync/apply/tests/ways"),
        ("src", "sync/scim_target/bulk/tests"),
        ("src", "scim/bulk"),
        ("src", "scim/filter"),
        ("src", "scim/json"),
        ("tests/it", "sync/run"),
        ("tests/it", "sync/taken_away"),
        ("tests/it", "sync/told"),
        ("tests/it", "operations/admin"),
        ("tests/it", "sync/hostile"),
        ("tests/it", "sync/scim_target"),
        ("tests/it", "sync/ldap_target/faults"),
        ("tests/it", "config/sync"),
    ];
    for (folder, module) in synchronisation {
        let file = root().join(folder).join(module).with_extension("rs");
        there.extend(tests_of(&file, &module.replace('/', "::")));
    }
    assert_eq!(named.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "lines without a test");
}
