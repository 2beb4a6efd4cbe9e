//! Generated PCRE patterns: what we translate matches exactly what `preg_match` matches, what PCRE finds bad we refuse,
//! and what we call bad PCRE finds bad. Only "has no translation" is ours to say, and it must stay the smaller part. With
//! generated replacements, what we replace is what `preg_replace` replaces, to the octet.

use std::fmt::Write as _;

use sekisho::authproc::{Pattern, PatternError, Substitution, SubstitutionError};
use serde_json::{Value, json};

use super::dice::Dice;
use super::php;

const PATTERNS: usize = 6000;
const TEXTS: [&str; 24] = [
    "",
    "a",
    "b",
    "ab",
    "aab",
    "abc",
    "A",
    "Ab",
    "a\n",
    "b\n\n",
    "\n",
    "a b",
    "a.b",
    "a-b",
    "a@b.jp",
    "田中",
    "あb",
    "é",
    "É",
    "a1_",
    "7",
    "[a]",
    "&&",
    "\u{212a}\u{2003}ǅ",
];
const ATOMS: [&str; 64] = [
    "a",
    "b",
    "a",
    "b",
    "ab",
    "A",
    "@",
    "-",
    "7",
    " ",
    "#",
    "]",
    "}",
    "{",
    "/",
    "&&",
    ".",
    ".",
    "^",
    "$",
    "$",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "\\A",
    "\\z",
    "\\Z",
    "\\.",
    "\\/",
    "\\@",
    "\\n",
    "\\t",
    "\\x61",
    "\\x{e9}",
    "\\x{7530}",
    "\\Qa.\\E",
    "\\E",
    "\\p{Lu}",
    "\\pL",
    "\\PN",
    "[ab]",
    "[^a]",
    "[a-c]",
    "[]a]",
    "[^]a]",
    "[a&&b]",
    "[a--b]",
    "[a~b-]",
    "[-a]",
    "[[a]",
    "[[:alpha:]_]",
    "[[:^digit:]]",
    "[\\w.]",
    "[\\d-]",
    "[^\\s\\n]",
    "[あ-ん]",
    "田",
    "é",
    "[\\]\\x41-\\x43]",
];
const HARD: [&str; 24] = [
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?>a)",
    "\\1",
    "(?i)",
    "(?s)",
    "(?-i)",
    "(?m)",
    "(?#c)",
    "\\h",
    "\\R",
    "\\K",
    "\\G",
    "[z-a]",
    "[\\d-z]",
    "[[.a.]]",
    "[:alpha:]",
    "\\y",
    "\\x",
    "\\07",
    "(?R)",
    "a\n#b\n",
    "\\p{Han}",
];
const QUANTIFIERS: [&str; 14] =
    ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}?", "{,2}", "++", "**", "{2}{2}", "{x}"];
const GROUPS: [&str; 7] = ["(", "(", "(?:", "(?i:", "(?s-i:", "(?<n>", "(?'m'"];
const FLAGS: [&str; 16] =
    ["", "", "", "i", "u", "u", "iu", "s", "x", "xu", "D", "uD", "A", "U", "isxADUu", "S"];

#[test]
fn patterns_match_what_preg_match_matches() {
    let mut dice = Dice::new(7);
    let patterns: Vec<String> = (0..PATTERNS).map(|_| pattern(&mut dice)).collect();
    let questions: Vec<Value> =
        patterns.iter().map(|pattern| json!({ "match": pattern, "texts": TEXTS })).collect();
    let (mut translated, mut untranslatable, mut different) = (0, 0, Vec::new());
    for (pattern, theirs) in patterns.iter().zip(php::answers(&questions)) {
        match Pattern::parse(pattern) {
            Ok(ours) => {
                translated += 1;
                let mut answers = TEXTS.iter().zip(theirs.as_array().unwrap());
                if let Some((text, theirs)) =
                    answers.find(|(text, theirs)| json!(ours.is_match(text)) != **theirs)
                {
                    different.push(format!("{pattern:?} on {text:?}: PHP says {theirs} ({ours:?})"));
                }
            }
            Err(PatternError::Untranslatable { .. } | PatternError::Flag { .. }) => {
                untranslatable += usize::from(!theirs[0].is_null());
            }
            Err(_) if theirs[0].is_null() => {}
            Err(refused) => different.push(format!("{pattern:?} is good for PHP, but we said: {refused}")),
        }
    }
    different.truncate(20);
    assert!(different.is_empty(), "{different:#?}");
    assert!(
        translated > untranslatable,
        "{translated} translated, {untranslatable} not: the test judges too little"
    );
}

const REPLACEMENTS: [&str; 20] = [
    "", "x", "é", "<$0>", "<\\0>", "$1", "\\1-\\2", "${1}0", "${2}$1", "$", "\\", "\\\\1", "\\$1", "\\\\$1",
    "${1", "$a\\b", "$01", "\\\\\\1", "${12}", "$1$1",
];

#[test]
fn replacements_give_what_preg_replace_gives() {
    let mut dice = Dice::new(11);
    let pairs: Vec<(String, &str)> =
        (0..PATTERNS).map(|_| (pattern(&mut dice), dice.pick(&REPLACEMENTS))).collect();
    let questions: Vec<Value> = pairs
        .iter()
        .map(|(pattern, with)| json!({ "replace": pattern, "with": with, "texts": TEXTS }))
        .collect();
    let (mut translated, mut with_groups, mut untranslatable, mut different) = (0, 0, 0, Vec::new());
    let (mut counted, mut questions_of_groups) = (Vec::new(), Vec::new());
    for ((pattern, with), theirs) in pairs.iter().zip(php::answers(&questions)) {
        match Substitution::parse(pattern, with) {
            Ok(ours) => {
                translated += 1;
                let alone = Pattern::parse(pattern).unwrap();
                with_groups += usize::from(with.contains('1') && pattern.contains('('));
                for (text, theirs) in TEXTS.iter().zip(theirs.as_array().unwrap()) {
                    let ours = json!([hex(&ours.replace(text)), alone.find(text).map(hex)]);
                    if ours != *theirs {
                        different
                            .push(format!("{pattern:?} by {with:?} on {text:?}: PHP {theirs}, we {ours}"));
                        break;
                    }
                }
            }
            Err(SubstitutionError::Group { group, groups }) => {
                assert!(with.contains(&group.to_string()), "{with:?} names no group {group}");
                counted.push((pattern, group, groups));
                questions_of_groups.push(json!({ "groups": pattern }));
            }
            Err(SubstitutionError::Pattern(
                PatternError::Untranslatable { .. } | PatternError::Flag { .. },
            )) => {
                untranslatable += usize::from(!theirs[0].is_null());
            }
            Err(_) if theirs[0].is_null() => {}
            Err(refused) => different.push(format!("{pattern:?} is good for PHP, but we said: {refused}")),
        }
    }
    for ((pattern, group, groups), theirs) in counted.iter().zip(php::answers(&questions_of_groups)) {
        if theirs != json!(groups) || group <= groups {
            different.push(format!("{pattern:?} has {groups} groups, not {group}; PHP counts {theirs}"));
        }
    }
    different.truncate(20);
    assert!(different.is_empty(), "{different:#?}");
    let refused = counted.len();
    assert!(
        translated > PATTERNS / 5 && with_groups > 50 && refused > 50 && untranslatable < PATTERNS / 3,
        "{translated} translated, {with_groups} with groups, {refused} without, {untranslatable} not: the test \
         judges too little"
    );
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut hex, octet| {
        write!(hex, "{octet:02x}").unwrap();
        hex
    })
}

fn pattern(dice: &mut Dice) -> String {
    let body = branches(dice, 2);
    let (open, close) = dice.pick(&[("/", "/"), ("#", "#"), ("{", "}"), ("(", ")"), ("~", "~")]);
    format!("{open}{body}{close}{}", dice.pick(&FLAGS))
}

fn branches(dice: &mut Dice, depth: usize) -> String {
    let branches: Vec<String> = (0..=dice.below(8) / 5).map(|_| sequence(dice, depth)).collect();
    branches.join("|")
}

fn sequence(dice: &mut Dice, depth: usize) -> String {
    let mut sequence = String::new();
    for _ in 0..=dice.below(3) {
        if depth > 0 && dice.once_in(5) {
            sequence.push_str(dice.pick(&GROUPS));
            sequence.push_str(&branches(dice, depth - 1));
            sequence.push(')');
        } else if dice.once_in(30) {
            sequence.push_str(dice.pick(&HARD));
        } else {
            sequence.push_str(dice.pick(&ATOMS));
        }
        if dice.once_in(4) {
            sequence.push_str(dice.pick(&QUANTIFIERS));
        }
    }
    if dice.once_in(3) {
        sequence.push('$');
    }
    sequence
}
