//! The manual and the README tell the truth: every error code, audit event and log line is there as it really is, and
//! what they show as configuration can be loaded.

mod synchronisation;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use sekisho::audit::{Event, Record};
use sekisho::registry::Policy;

const OPERATIONS: &str = include_str!("../../src/manual/operations.rs");
const MIGRATION: &str = include_str!("../../src/manual/migration.rs");
const INTEROP: &str = include_str!("../../src/manual/interop.rs");
const RECIPES: &str = include_str!("../../src/manual/recipes.rs");

/// The sources of the program without the manual and without tests.
fn sources() -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "manual" {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).unwrap();
                texts.push(text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned());
            }
        }
    }
    texts
}

/// Everything in `text` that looks like a code.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let at = rest.find("SK-")?;
        let code = &rest[at..];
        let end = code.find(|c: char| !c.is_ascii_uppercase() && c != '-').unwrap_or(code.len());
        rest = &code[end..];
        Some(&code[..end])
    })
}

/// The cells of the table under a heading, row by row.
fn table<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, section) = page.split_once(&format!("//! ## {heading}\n")).expect(heading);
    let section = section.split("\n//! ## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("//! | "));
    rows.skip(1).map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_error_code_is_listed_once_and_exists() {
    let sources = sources();
    let used: BTreeSet<&str> = sources.iter().flat_map(|text| codes(text)).filter(|c| *c != "SK-").collect();
    let rows = table(OPERATIONS, "Error codes");
    let listed: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let set: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(set, used);
    assert_eq!(set.len(), listed.len(), "a code is listed twice");
    assert!(rows.iter().all(|row| row.len() == 4 && !row[2].is_empty() && !row[3].is_empty()));
}

#[test]
fn every_log_line_is_written_so() {
    let sources = sources().concat();
    for row in table(OPERATIONS, "The log") {
        let line = row[0].trim_matches('`');
        let fixed = line.split(['<', '>']).step_by(2).map(str::trim).filter(|part| !part.is_empty());
        for part in fixed {
            assert!(sources.contains(part), "{part:?} of {line:?} is nowhere in the program");
        }
    }
}

#[test]
fn every_audit_event_has_its_sample() {
    let samples: Vec<&str> = OPERATIONS.lines().filter_map(|line| line.strip_prefix("//! {")).collect();
    let written: Vec<String> =
        records().iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    assert_eq!(samples, written.iter().map(|line| &line[1..]).collect::<Vec<_>>());
    let events = include_str!("../../src/audit/mod.rs").split_once("pub enum Event {").unwrap().1;
    let events = events.split_once("\n}").unwrap().0;
    let kinds = events.lines().filter(|line| line.starts_with("    ") && line.ends_with(" {")).count();
    assert_eq!(samples.len(), kinds, "a kind of event is missing");
}

fn records() -> Vec<Record> {
    let text = str::to_owned;
    let (subject, login) = ("corp/6886b64a-7ba3-1041-8209-a9f5f090a466", "suzuki");
    let sp = "https://sp.example.com/";
    let by_person = [
        Event::SignedIn {
            subject: text(subject),
            login: text(login),
            context: text("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
        },
        Event::SignInRefused {
            login: text(login),
            subject: Some(text(subject)),
            reason: text("locked"),
            locked_until: Some("2026-11-23T16:31:13Z".parse().unwrap()),
        },
        Event::AssertionIssued {
            subject: text(subject),
            login: text(login),
            sp: text(sp),
            name_id_format: text("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
            attributes: vec![text("displayName"), text("mail")],
            missing: vec![text("employeeNumber")],
            assertion_id: text("_98c1c208d7e9159176d1e51f606944a232fb84b6"),
            in_response_to: Some(text("_3275bffbf2fca66387ba834fe180b933f23f04ec")),
        },
        Event::RequestRefused {
            sp: Some(text(sp)),
            code: text("SK-NOT-ALLOWED"),
            reason: format!("{login} is not in \"allow\" of {sp}"),
        },
        Event::SessionEnded { subject: text(subject), login: text(login), reason: text("disabled") },
        Event::SignedOut { subject: text(subject), login: text(login), sp: Some(text(sp)) },
        Event::SignedOutAt {
            subject: text(subject),
            login: text(login),
            sp: text(sp),
            outcome: text("unreachable"),
        },
    ];
    let by_server = [
        Event::ConfigurationChanged {
            kind: text("metadata"),
            file: text("kintai.xml"),
            change: text("loaded"),
            sha256: text("3f1ccb14befe422b5c21abf6e6aa367c25444bae762868c87bcff7899a08a0e0"),
        },
        Event::ThrottleCleared { against: text("account"), who: text(subject), tries: 3 },
        Event::Server { state: text("started"), version: text(env!("CARGO_PKG_VERSION")) },
    ];
    let record = |event, person: bool| Record {
        time: "2026-11-23T16:01:13.280642962Z".parse().unwrap(),
        request_id: if person { text("WEMTM7AKGGNEGGLW") } else { String::new() },
        client_address: person.then(|| "192.0.2.7".parse().unwrap()),
        event,
    };
    let persons = by_person.into_iter().chain(events_of_passwords(subject, login));
    let persons = persons.map(|event| record(event, true));
    persons.chain(by_server.into_iter().map(|event| record(event, false))).collect()
}

fn events_of_passwords(subject: &str, login: &str) -> [Event; 3] {
    let text = str::to_owned;
    let caller = "CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp";
    [
        Event::PasswordChanged { subject: text(subject), login: text(login), by: text("person") },
        Event::PasswordChangeRefused {
            subject: Some(text(subject)),
            login: text(login),
            by: text(caller),
            reason: text("too_short"),
        },
        Event::PasswordApiRefused { caller: text(caller), reason: text("wrong_password") },
    ]
}

/// What a page names as `` `folder::file::name` ``.
fn named(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter(|line| line.starts_with("//! | "));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    quoted.filter(|text| text.matches("::").count() >= 2 && !text.starts_with("crate::")).collect()
}

#[test]
fn every_test_that_shows_conformance_exists() {
    let page = include_str!("../../src/manual/conformance.rs");
    let named = named(page);
    assert!(named.len() > 30, "{named:?}");
    for test in named {
        let (place, name) = test.rsplit_once("::").unwrap();
        let place = place.replace("::", "/");
        let place = if place.starts_with("interop/") { place } else { format!("it/{place}") };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{place}.rs"));
        let source = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{test}: there is no {place}.rs"));
        let heads = [format!("#[test]\nfn {name}("), format!("#[tokio::test]\nasync fn {name}(")];
        assert!(heads.iter().any(|head| source.contains(head)), "{test} does not exist");
    }
}

/// A requirement is shown, or not met for a reason; none is forgotten.
#[test]
fn every_requirement_has_an_answer() {
    let page = include_str!("../../src/manual/conformance.rs");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect())
        .filter(|cells: &Vec<&str>| cells[0] != "feature" && cells[0] != "requirement")
        .collect();
    for row in &rows {
        let [id, asks, answer] = row.as_slice() else { panic!("{row:?}") };
        let answered = answer.contains("::") || answer.contains("deviation");
        assert!(answered && !asks.is_empty(), "{id}: {answer}");
    }
    for (prefix, count) in [
        ("IIP-G", 3),
        ("IIP-MD", 12),
        ("IIP-SSO", 7),
        ("IIP-EXT", 1),
        ("IIP-ALG", 8),
        ("IIP-IDP", 21),
        ("SDP-G", 4),
        ("SDP-MD", 12),
        ("SDP-ALG", 1),
        ("SDP-IDP", 33),
    ] {
        let ids: Vec<String> =
            rows.iter().map(|row| row[0].to_owned()).filter(|id| id.starts_with(prefix)).collect();
        let expected: Vec<String> = (1..=count).map(|number| format!("{prefix}{number:02}")).collect();
        assert_eq!(ids, expected);
    }
}

/// The examples of a page in one language.
pub(crate) fn examples(page: &str, language: &str) -> Vec<String> {
    let text: Vec<&str> = page
        .lines()
        .map(|line| line.strip_prefix("//!").map_or(line, |l| l.trim_start_matches(' ')))
        .collect();
    let text = text.join("\n");
    let start = format!("```{language}\n");
    let blocks = text.split(start.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn examples_of_policies_can_be_loaded() {
    let pages = [
        (MIGRATION, 3),
        (INTEROP, 1),
        (RECIPES, 11),
        (include_str!("../../README.md"), 1),
        (include_str!("../../metadata/README.md"), 2),
    ];
    for (page, least) in pages {
        let policies: Vec<String> = examples(page, "toml")
            .into_iter()
            .filter(|example| !example.trim_start().starts_with("# sekisho.toml"))
            .collect();
        assert!(policies.len() >= least, "{policies:?}");
        for example in policies {
            let read = Policy::parse(Path::new("metadata/NAME.toml"), &example);
            assert!(read.is_ok(), "{example}\n{:?}", read.err());
        }
    }
}

#[test]
fn examples_for_service_providers_are_what_the_interop_tests_run() {
    let rigs = [
        ("apache", include_str!("../interop/rig/mellon.rs")),
        ("xml", include_str!("../interop/rig/shibboleth.rs")),
        ("php", include_str!("../interop/rig/simplesamlphp.rs")),
        ("json", include_str!("../interop/rig/python3_saml.rs")),
    ];
    for (language, rig) in rigs {
        let examples = examples(INTEROP, language);
        assert!(!examples.is_empty(), "no {language}");
        let lines = examples.iter().flat_map(|example| example.lines()).map(str::trim);
        for line in lines.filter(|line| line.len() > 3) {
            // The rest of a line in which the example has names and paths of its own.
            let parts = if line.contains("example") { beside_names(line) } else { vec![line] };
            for part in parts {
                assert!(rig.contains(part), "{language}: {part:?} of {line:?} is not in the rig");
            }
        }
    }
}

/// What the rigs have otherwise: they have no TLS, and a source for each service.
const NOT_IN_A_RIG: [&str; 3] = ["handlerSSL=\"true\"", "cookieProps=\"https\"", "'default-sp'"];

/// The words of a line without its comment, and without names and paths of the example.
fn beside_names(line: &str) -> Vec<&str> {
    let code = line.split(" <!-- ").next().and_then(|line| line.split(" // ").next()).unwrap_or_default();
    code.split([' ', '>'])
        .filter(|word| !NOT_IN_A_RIG.contains(word))
        .flat_map(|word| {
            let quotes: &[char] = if word.contains("example") { &['"', '\''] } else { &[] };
            word.split(quotes)
        })
        .filter(|part| !part.contains("example") && !part.is_empty())
        .collect()
}

#[test]
fn only_names_and_paths_of_an_example_may_differ() {
    let line = "<A b=\"https://sp.example.com/x\" c=\"true\">D <!-- example -->";
    assert_eq!(beside_names(line), ["<A", "b=", "c=\"true\"", "D"]);
    assert_eq!(beside_names("'idp' => 'https://idp.example.jp', // example"), ["'idp'", "=", ","]);
}

#[test]
fn the_apache_of_the_manual_is_the_one_that_is_tested() {
    let rig = include_str!("support/negotiate.rs");
    let [example] = &examples(include_str!("../../src/manual/integrated.rs"), "apache")[..] else {
        panic!("one example")
    };
    let own = ["ProxyPass", "keytab:", "REMOTE_USER", "Secret \""];
    let lines = example.lines().map(str::trim).filter(|line| !own.iter().any(|own| line.contains(own)));
    for line in lines {
        let written = line.replace('"', "\\\"").replace('{', "{{").replace('}', "}}");
        assert!(rig.contains(&written), "{line:?} is not in the rig");
    }
}

#[test]
fn each_recipe_is_the_file_that_was_tested() {
    let mut files: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/saas"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| {
            fs::read_to_string(path)
                .unwrap()
                .lines()
                .fold(String::new(), |text, line| text + line.trim_start() + "\n")
        })
        .collect();
    let mut shown = examples(RECIPES, "toml");
    files.sort();
    shown.sort();
    assert_eq!(shown, files);
    for section in RECIPES.split("\n//! ## ").skip(2) {
        let name = section.lines().next().unwrap();
        assert!(section.contains("*Not checked*:"), "{name} tells what could not be checked");
        assert!(section.contains("*Source"), "{name} names its sources");
    }
}
