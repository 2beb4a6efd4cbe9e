//! The pages of synchronisation and of presets: their examples are worth what they say, their rules can be loaded, and their tables have all that
//! there is.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sekisho::identity::{Attributes, Value};
use sekisho::sync::expression::{Expression, Tables};
use sekisho::sync::gate::Limits;
use sekisho::sync::mapping::RuleText;
use sekisho::sync::matching::MatchRules;
use sekisho::sync::preset::{self, Deletion, Overrides, Preset, Update};
use sekisho::sync::scope::ScopeOptions;
use sekisho::sync::structure::ConventionOptions;
use sekisho::sync::{ObjectKey, ObjectType, SourceObject, words};

use super::{examples, table};

const PAGE: &str = concat!(
    include_str!("../../../src/manual/synchronisation.rs"),
    include_str!("../../../src/manual/presets.rs")
);
const KEYS: &str = include_str!("../../../src/manual/configuration.rs");

/// The person of the page.
fn person() -> SourceObject {
    let [ldif] = &examples(PAGE, "ldif")[..] else { panic!("one person") };
    let mut attributes = Attributes::new();
    let mut dn = String::new();
    for line in ldif.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        match name.strip_suffix(':') {
            Some(name) => attributes.append(name, [Value::Binary(STANDARD.decode(value).unwrap())]),
            None if name == "dn" => value.clone_into(&mut dn),
            None => attributes.append(name, [value.into()]),
        }
    }
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    SourceObject {
        key: ObjectKey::new(ObjectType::User, "00112233-4455-6677-8899-aabbccddeeff"),
        dn,
        active: true,
        attributes,
        facts: BTreeMap::from([
            ("@organization", list(&["Sales"])),
            ("@services", list(&["googleapps", "salesforce"])),
        ]),
        parent: None,
        members: BTreeSet::new(),
    }
}

fn assert_worth(example: &str, told: &str) {
    let plan = BTreeMap::from([("E3".to_owned(), "Office 365 E3".to_owned())]);
    let tables = Tables::from([("plan".to_owned(), plan)]);
    let text = example.strip_prefix('`').and_then(|text| text.strip_suffix('`')).expect(example);
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let worth = expression.evaluate(&person(), &tables).unwrap();
    let told = (told != "nothing").then(|| serde_json::from_str(told.trim_matches('`')).expect(told));
    assert_eq!(worth, told, "{text}");
}

/// What an error names as known.
fn known(wrong: &str) -> Vec<String> {
    let error = Expression::parse(wrong).unwrap_err().to_string();
    error.split_once("known are: ").unwrap().1.split(", ").map(str::to_owned).collect()
}

#[test]
fn each_function_has_its_example() {
    let rows = table(PAGE, "Functions");
    let mut told = Vec::new();
    for row in &rows {
        let [usage, meaning, example, worth] = row[..] else { panic!("{row:?}") };
        assert!(!meaning.is_empty(), "{usage}");
        let name = usage.trim_matches('`').split('(').next().unwrap();
        assert!(example.contains(&format!("{name}(")), "{usage}: {example}");
        let wrong = Expression::parse(&format!("{name}()")).unwrap_err().to_string();
        assert!(wrong.contains(&format!("write {}:", usage.trim_matches('`'))), "{usage}: {wrong}");
        assert_worth(example, worth);
        told.push(name.to_owned());
    }
    told.sort();
    assert_eq!(told, known("zzzzzzzzzzzzzzzz(cn)"));
}

#[test]
fn each_fact_has_its_example() {
    let rows = table(PAGE, "Facts");
    for row in &rows {
        assert_worth(row[0], row[2]);
    }
    let told: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(told, known("@zzzzzzzzzzzzzzzz"));
}

#[test]
fn examples_are_worth_what_the_page_says() {
    let rows = table(PAGE, "Examples");
    assert!(rows.len() > 12, "{rows:?}");
    for row in rows {
        assert_worth(row[0], row[1]);
    }
    assert!(PAGE.contains("at most 4096 octets") && PAGE.contains("at most 32 deep"));
    assert!(Expression::parse(&"x".repeat(4097)).is_err() && Expression::parse(&"x".repeat(4096)).is_ok());
}

#[derive(serde::Deserialize)]
struct File {
    sync: Section,
}

#[derive(serde::Deserialize)]
struct Section {
    map: Vec<RuleText>,
}

#[test]
fn rules_can_be_loaded_and_all_their_keys_are_told() {
    let all = examples(PAGE, "toml");
    let rules: Vec<&String> = all.iter().filter(|example| example.contains("[[sync.map]]")).collect();
    let [example] = rules[..] else { panic!("one example") };
    let file: File = toml::from_str(example).unwrap();
    assert_eq!(file.sync.map.len(), 6);
    let overrides = Overrides { rules: file.sync.map, ..Overrides::default() };
    let preset = Preset::named("generic").unwrap().overridden(&overrides).unwrap();
    let desired = preset.types[&ObjectType::User].mapping.map(&person(), &|_| None).unwrap_err();
    assert_eq!(desired.len(), 1, "example.jp is not example.co.jp: {desired:?}");

    let error = toml::from_str::<RuleText>("zzz = 1").unwrap_err().to_string();
    let fields = error.split_once("expected one of ").expect(&error).1;
    let fields: Vec<&str> = fields.split('`').skip(1).step_by(2).collect();
    let rows = table(PAGE, "Rules");
    let told: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(told, fields);
}

#[test]
fn presets_are_as_the_page_says() {
    let rows = table(PAGE, "Presets");
    let told: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(told, preset::names().collect::<Vec<_>>());
    for row in rows {
        let preset = Preset::named(row[0].trim_matches('`')).unwrap();
        let types = |carried| {
            let types = preset.types.iter().filter(|(_, of)| of.carried == carried);
            types.map(|(kind, _)| kind.key()).collect::<Vec<_>>().join(", ")
        };
        let update = match preset.update {
            Update::Patch => "PATCH",
            Update::Put => "PUT",
        };
        let deletion = match preset.deletion {
            Deletion::Delete => "delete",
            Deletion::DeactivateOnly => "none",
            Deletion::DeactivationDeletes => "by deactivation",
        };
        let warning = preset.token_age_warning_days.map(|days| format!("{days} days")).unwrap_or_default();
        let expected = [
            preset.title.clone(),
            types(true),
            types(false),
            update.to_owned(),
            deletion.to_owned(),
            preset.rate.to_string(),
            warning,
        ];
        assert_eq!(row[1..], expected, "{}", preset.name);
    }
}

#[test]
fn remedies_are_those_of_the_log() {
    let rows = table(PAGE, "Codes");
    let codes: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(codes, ["19", "21", "32", "49", "50", "51", "53", "65", "66", "68", "80", "81"]);
    for row in rows {
        assert_eq!(row[2], words::remedy(row[0].parse().unwrap()), "{}", row[0]);
    }
}

#[test]
fn lines_of_the_log_are_written_so() {
    let sources = concat!(
        include_str!("../../../src/sync/words.rs"),
        include_str!("../../../src/sync/apply/journal.rs")
    );
    let rows = table(PAGE, "The words of the log");
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        let line = row[0].trim_matches('`');
        for part in line.split(['<', '>']).step_by(2).map(str::trim).filter(|part| part.len() > 1) {
            assert!(sources.contains(part), "{part:?} of {line:?} is nowhere in the program");
        }
    }
}

/// The fields of a table of the configuration, as the error of an unknown one names them.
fn fields<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = toml::from_str::<T>("zzz = 1").unwrap_err().to_string();
    let (_, fields) = error.split_once("expected ").expect(&error);
    fields.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn each_key_of_each_table_is_told() {
    let section = |heading: &str| {
        let (_, rest) = KEYS.split_once(&format!("//! ### {heading}\n")).expect(heading);
        rest.split("\n//! ##").next().unwrap()
    };
    for (heading, fields) in [
        ("`[sync.scope]`", fields::<ScopeOptions>()),
        ("`[sync.match]` and `[sync.match_by]`", fields::<MatchRules>()),
        ("`[sync.conventions]`", fields::<ConventionOptions>()),
        ("`[sync.limits.TYPE]`", fields::<Limits>()),
    ] {
        assert!(fields.len() > 1, "{heading}: {fields:?}");
        for field in fields {
            assert!(section(heading).contains(&format!("`{field}`")), "{heading} does not tell of {field}");
        }
    }
}
