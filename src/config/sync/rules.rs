//! `preset`, `[[sync.map]]`, `match_by` and `tables`: what values a target gets, and by which it is searched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml::de::DeValue;

use super::super::fault::Complaint;
use super::super::reader::Section;
use super::super::values::text;
use crate::authproc::hint;
use crate::sync::ObjectType;
use crate::sync::mapping::{MappingError, PathForm, RuleFault, RuleText};
use crate::sync::preset::{self, Overrides, Preset};

/// The preset whose rules fill attributes of LDAP.
const LDAP: &str = "ldap";

/// The preset with what the section has in place of it, or none with all that is wrong with it.
pub(super) fn read_preset(section: &Section<'_>) -> Option<Preset> {
    let is_ldap = section.has("ldap");
    let default = if is_ldap { LDAP } else { "generic" };
    let name = section.or("preset", default.to_owned(), text);
    let rules = section.list_by_serde::<RuleText>("map");
    let match_by = section.by_serde::<BTreeMap<ObjectType, Vec<String>>>("match_by").unwrap_or_default();
    let tables = section.by_serde::<BTreeMap<String, BTreeMap<String, String>>>("tables");
    let Ok(preset) = Preset::named(&name) else {
        let known: Vec<&str> = preset::names().collect();
        let message = format!("there is no preset \"{name}\"");
        section.complain("preset", Complaint::wrong(message, hint(&name, &known)));
        return None;
    };
    if is_ldap != (name == LDAP) {
        let (message, remedy) = if is_ldap {
            ("fills paths of SCIM, and [sync.ldap] is a directory", "take it out, or [sync.ldap]")
        } else {
            (
                "fills attributes of LDAP, and url is of a service with SCIM",
                "describe the directory in [sync.ldap], or write another preset",
            )
        };
        section.complain("preset", Complaint::wrong(format!("\"{name}\" {message}"), remedy));
        return None;
    }
    for (kind, _) in match_by.iter().filter(|(_, paths)| paths.is_empty()) {
        let message = format!("{} is empty, so that nobody would be found at the target", kind.key());
        section.complain("match_by", Complaint::wrong(message, "name paths, or take it out"));
    }
    let (rules, tables) = (rules?, Arc::new(tables.unwrap_or_default()));
    let form = if is_ldap { PathForm::Ldap } else { PathForm::Scim };
    let strange = form.faults(&rules);
    let made = preset.overridden(&Overrides { rules, match_by, tables });
    let (preset, mut faults) = match made {
        Ok(preset) => (Some(preset), strange),
        Err(MappingError(found)) => (None, strange.into_iter().chain(found).collect()),
    };
    faults.dedup();
    complain_of_rules(section, &MappingError(faults));
    preset
}

/// Warns of rules whose values are other objects, of a type that is not carried: they never have one.
pub(super) fn warn_of_references(section: &Section<'_>, objects: &BTreeSet<ObjectType>) {
    let rules = if section.has("map") { section.tables("map") } else { Vec::new() };
    for rule in rules {
        let written = |key: &str| rule.get_ref().as_table()?.get(key)?.get_ref().as_str();
        let named = written("reference").and_then(ObjectType::parse);
        let Some(kind) = named.filter(|kind| !objects.contains(kind)).map(ObjectType::key) else { continue };
        let (path, object) = (written("path").unwrap_or_default(), written("object").unwrap_or_default());
        let message = format!(
            "rule for \"{path}\" of {object}: reference names \"{kind}\", which is not carried, so that it never has a value"
        );
        let remedy = format!("add \"{kind}\" to objects, or take the rule out");
        section.warn_at("map", rule.span(), Complaint::wrong(message, remedy));
    }
}

/// Each fault at the line of its own rule; what no rule is to blame for is of `match_by`.
fn complain_of_rules(section: &Section<'_>, error: &MappingError) {
    let rules = if section.has("map") { section.tables("map") } else { Vec::new() };
    for found in &error.0 {
        let of = |rule: &toml::Spanned<DeValue<'_>>| {
            let table = rule.get_ref().as_table()?;
            let written = |key: &str| table.get(key)?.get_ref().as_str();
            let is_it = written("object")? == found.object.key()
                && written("path")?.eq_ignore_ascii_case(&found.path);
            is_it.then(|| rule.span())
        };
        // Of two rules for one path the second is too many.
        let place = rules.iter().rev().find_map(|rule| of(rule));
        let (key, remedy) = match found.fault {
            RuleFault::MatchWithoutRule | RuleFault::NoSuchType if place.is_none() => {
                ("match_by", "correct [sync.match_by]")
            }
            _ => ("map", "correct the rule"),
        };
        section.complain_at(key, place, Complaint::wrong(found.to_string(), remedy));
    }
}
