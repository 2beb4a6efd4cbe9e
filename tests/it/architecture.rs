//! The plan of the house as a test: which module may import which, which dependency belongs to whom, what every
//! file carries and how long it may be. The tables below are the plan; the rules read every file of `src`.

mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rules::SourceFile;

/// Module, and what it may import. `*` stands for every module.
const IMPORTS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("secret", &[]),
    ("identity", &["clock", "secret"]),
    ("audit", &["clock", "secret"]),
    ("saml", &["identity", "clock", "secret"]),
    ("scim", &[]),
    ("authproc", &["identity"]),
    ("directory", &["identity", "secret", "clock"]),
    ("store", &["secret", "clock"]),
    ("outgoing", &["secret"]),
    ("keys", &["saml", "secret", "clock"]),
    ("registry", &["saml", "authproc", "audit", "clock"]),
    ("session", &["identity", "saml", "store", "clock", "secret"]),
    ("authn", &["identity", "directory", "store", "audit", "clock", "secret"]),
    ("sso", &["identity", "saml", "authproc", "registry", "session", "outgoing", "audit", "clock", "secret"]),
    ("sync", &["identity", "directory", "store", "session", "scim", "outgoing", "audit", "clock", "secret"]),
    ("password", &["identity", "directory", "authn", "session", "audit", "clock", "secret"]),
    (
        "config",
        &[
            "clock",
            "secret",
            "identity",
            "audit",
            "saml",
            "authproc",
            "directory",
            "store",
            "keys",
            "registry",
            "outgoing",
            "session",
            "authn",
            "sso",
            "password",
            "sync",
        ],
    ),
    ("app", &["*"]),
    (
        "web",
        &[
            "app", "identity", "saml", "sso", "authn", "session", "registry", "password", "audit", "secret",
            "clock",
        ],
    ),
    ("cli", &["*"]),
    ("main", &["cli"]),
    ("lib", &[]),
    ("manual", &[]),
];

/// Dependency (or module of std), and the files and folders that may name it. `*` stands for everywhere but in
/// [`PURE`] modules, `**` for those too.
const OWNERS: &[(&str, &[&str])] = &[
    ("actix_tls", &["web"]),
    ("actix_web", &["web", "cli/serve.rs", "cli/app_part.rs"]),
    ("anyhow", &["cli", "app", "main.rs"]),
    ("arc_swap", &["*"]),
    ("argon2", &["directory/file.rs", "directory/file"]),
    ("askama", &["web/views.rs", "web/views"]),
    ("async_trait", &["*", "identity.rs", "identity/inquiry.rs"]),
    ("base64", &["**"]),
    ("clap", &["cli"]),
    ("cronexpr", &["sync/schedule.rs"]),
    ("data_encoding", &["**"]),
    ("flate2", &["saml"]),
    ("foldhash", &["sync/plan", "sync/structure", "directory/source"]),
    ("futures_util", &["*"]),
    ("getrandom", &["clock.rs"]),
    ("hmac", &["secret.rs"]),
    ("indicatif", &["cli"]),
    ("ipnet", &["authn", "config", "web", "app"]),
    ("jiff", &["**"]),
    ("ldap3", &["directory"]),
    ("lettre", &["outgoing"]),
    ("libgssapi", &["authn/spnego/gss.rs"]),
    ("mimalloc", &["main.rs"]),
    ("native_tls", &["directory"]),
    ("notify", &["registry"]),
    (
        "openssl",
        &[
            "keys",
            "saml/signature.rs",
            "saml/signature",
            "saml/encryption",
            "saml/name_id.rs",
            "saml/artifact.rs",
            "session",
            "secret.rs",
            "web",
        ],
    ),
    ("percent_encoding", &["**"]),
    ("prometheus_client", &["app/metrics.rs"]),
    ("quick_xml", &["saml"]),
    ("regex", &["authproc", "sync"]),
    ("regex_syntax", &["authproc"]),
    ("reqwest", &["outgoing"]),
    ("rpassword", &["cli"]),
    ("serde", &["**"]),
    ("serde_json", &["**"]),
    ("sha2", &["secret.rs", "saml/signature", "session"]),
    ("sqlx", &["store"]),
    ("std::env", &["config", "cli"]),
    ("std::fs", &["config", "keys", "registry", "audit/jsonl.rs", "directory", "store", "cli"]),
    ("std::net", &["*"]),
    ("std::process", &["cli", "main.rs", "clock.rs", "sync/hooks.rs"]),
    ("strsim", &["sync"]),
    ("thiserror", &["**"]),
    ("tokio", &["*"]),
    ("toml", &["config", "registry", "directory/file.rs", "directory/file", "sync/preset.rs"]),
    ("tracing", &["*", "authproc"]),
    ("tracing_subscriber", &["cli", "config"]),
    ("unicode_normalization", &["*"]),
    ("xxhash_rust", &["sync/mapping"]),
    ("zeroize", &["secret.rs", "session", "keys"]),
];

/// Modules of pure functions: no input or output, and no `async fn` but for the port in `identity`.
const PURE: &[&str] = &["saml", "scim", "authproc", "identity"];

/// Lines of one file.
const LONGEST_FILE: usize = 500;

#[test]
fn imports_go_down() {
    assert_none(&rules::imports(&shipped(), IMPORTS));
}

#[test]
fn dependencies_stay_with_their_owners() {
    assert_none(&rules::owners(&shipped(), OWNERS, PURE));
}

#[test]
fn pure_modules_are_not_async() {
    assert_none(&rules::not_async(&shipped(), &["saml", "scim", "authproc"]));
}

#[test]
fn every_module_has_a_place_in_the_table() {
    let known: BTreeSet<&str> = IMPORTS.iter().map(|(module, _)| *module).collect();
    let faults = files("src").into_iter().filter(|file| !known.contains(file.module())).map(|file| {
        format!(
            "{}: {} is in no row of the import table in tests/it/architecture.rs",
            file.path,
            file.module()
        )
    });
    assert_none(&faults.collect::<Vec<_>>());
}

#[test]
fn every_dependency_has_an_owner() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let owned: BTreeSet<&str> = OWNERS.iter().map(|(name, _)| *name).collect();
    let faults =
        manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).filter_map(
            |name| {
                let fault = format!("Cargo.toml: {name} has no owner in tests/it/architecture.rs");
                (!owned.contains(name.as_str())).then_some(fault)
            },
        );
    assert_none(&faults.collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_none(&rules::headers(&all_files()));
}

#[test]
fn no_file_is_too_long() {
    let files = all_files();
    println!("{}", rules::sizes(&files));
    assert_none(&rules::too_long(&files, LONGEST_FILE));
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn all_files() -> Vec<SourceFile> {
    ["src", "tests", "benches"].into_iter().flat_map(files).collect()
}

/// The files of `src` that are part of the program, without those of tests.
fn shipped() -> Vec<SourceFile> {
    let mut files = files("src");
    let tests: BTreeSet<String> = files.iter().flat_map(SourceFile::test_files).collect();
    files.retain(|file| !tests.contains(&file.path));
    files
}

/// Every Rust file below `folder`, with its path from there.
fn files(folder: &str) -> Vec<SourceFile> {
    let top = root().join(folder);
    let mut folders = vec![top.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        for path in entries.collect::<BTreeSet<PathBuf>>() {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&top).unwrap().to_str().unwrap();
                found.push(SourceFile::new(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}
