//! [`Preset`]: a service that is known: its rules, its endpoints, and what it can not.
//!
//! The files in `presets/` are the presets, and each begins with the document that it was made from. Their rules are in the
//! very form of `[[sync.map]]`, so that a configuration can take the place of single ones: [`Preset::overridden`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::expression::Tables;
use super::mapping::{Mapping, MappingError, RuleError, RuleFault, RuleText, When};
use super::object::ObjectType;

/// The presets by their names.
const FILES: [(&str, &str); 6] = [
    ("6clicks", include_str!("presets/6clicks.toml")),
    ("diligent-one", include_str!("presets/diligent-one.toml")),
    ("generic", include_str!("presets/generic.toml")),
    ("ldap", include_str!("presets/ldap.toml")),
    ("secioss", include_str!("presets/secioss.toml")),
    ("trustlogin", include_str!("presets/trustlogin.toml")),
];

/// The most members of a request, and the most requests a second, that a preset may name.
const MOST: u32 = 100_000;

/// What is known of a service.
#[derive(Debug, Clone)]
pub struct Preset {
    /// As the configuration names it.
    pub name: String,
    /// As people call it.
    pub title: String,
    /// What it carries.
    pub types: BTreeMap<ObjectType, TypePreset>,
    /// How an object is changed.
    pub update: Update,
    /// The most members that one request adds or removes.
    pub members_per_request: u32,
    /// Days after which a token should be replaced: the service does not warn of its end.
    pub token_age_warning_days: Option<u32>,
    /// Requests a second.
    pub rate: u32,
    /// Whether bulk requests may be used where the service announces them (RFC 7644 section 3.7).
    pub bulk: bool,
    /// What becomes of objects that are gone from the source.
    pub deletion: Deletion,
}

/// What is known of an object type at a service.
#[derive(Debug, Clone)]
pub struct TypePreset {
    /// Whether it is carried where the configuration says nothing.
    pub carried: bool,
    /// Below the base URL.
    pub endpoint: String,
    /// The URN of the resource; those of extensions follow from the paths.
    pub schemas: Vec<String>,
    /// The rules.
    pub mapping: Mapping,
    /// The path that says whether it is usable; none: an object of this type always is.
    pub active: Option<String>,
    /// The path of members.
    pub members: Option<String>,
    /// Paths that cannot be changed after creation.
    pub immutable: Vec<String>,
    /// Paths that are sent and not kept, or not given back: they are not compared with what the service has.
    pub write_only: Vec<String>,
    /// Paths that the service has and no rule fills: the configuration may.
    pub offered: Vec<String>,
    /// The URN of an extension that has no other attributes than those of the rules and of `offered`.
    pub closed: Option<String>,
}

/// How an object is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// Only what differs (RFC 7644 section 3.5.2).
    Patch,
    /// As a whole (RFC 7644 section 3.5.1).
    Put,
}

/// What becomes of objects that are gone from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletion {
    /// They are deactivated, and deleted when the time of the ladder is over.
    Delete,
    /// They are deactivated and stay: the service deletes nothing by SCIM.
    DeactivateOnly,
    /// They are deactivated, and the service takes that as a deletion.
    DeactivationDeletes,
}

/// What a configuration says of the rules of a preset.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `[[sync.map]]`.
    pub rules: Vec<RuleText>,
    /// The paths to match by, the most trusted first, in place of the preset's, by object type.
    pub match_by: BTreeMap<ObjectType, Vec<String>>,
    /// The tables for `lookup`.
    pub tables: Arc<Tables>,
}

/// Why a preset cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// There is none of that name.
    #[error("there is no preset \"{name}\"; known are: {}", names().collect::<Vec<_>>().join(", "))]
    Unknown {
        /// As it was asked for.
        name: String,
    },
    /// The text is no preset.
    #[error("preset: {0}")]
    Form(#[from] toml::de::Error),
    /// A number is 0 or too large.
    #[error("preset: {0} must be 1 to {MOST}")]
    Number(&'static str),
    /// Its rules cannot be.
    #[error("preset: {0}")]
    Rules(#[from] MappingError),
}

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().map(|(name, _)| name)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetText {
    name: String,
    title: String,
    update: Update,
    members_per_request: u32,
    token_age_warning_days: Option<u32>,
    rate: u32,
    bulk: bool,
    deletion: Deletion,
    types: BTreeMap<ObjectType, TypeText>,
    map: Vec<RuleText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeText {
    #[serde(default = "yes")]
    carried: bool,
    endpoint: String,
    schemas: Vec<String>,
    active: Option<String>,
    match_by: Vec<String>,
    #[serde(default)]
    immutable: Vec<String>,
    #[serde(default)]
    write_only: Vec<String>,
    #[serde(default)]
    offered: Vec<String>,
    closed: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Preset {
    /// The preset of that name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn named(name: &str) -> Result<Self, PresetError> {
        let file = FILES.into_iter().find(|(known, _)| *known == name);
        Self::parse(file.ok_or_else(|| PresetError::Unknown { name: name.to_owned() })?.1)
    }

    /// Reads a preset.
    ///
    /// # Errors
    ///
    /// What is wrong with its form, or with all of its rules.
    pub fn parse(text: &str) -> Result<Self, PresetError> {
        let mut text: PresetText = toml::from_str(text)?;
        let (map, types) = (std::mem::take(&mut text.map), std::mem::take(&mut text.types));
        let numbers = [("members_per_request", text.members_per_request), ("rate", text.rate)];
        if let Some((key, _)) = numbers.into_iter().find(|(_, number)| !(1..=MOST).contains(number)) {
            return Err(PresetError::Number(key));
        }
        let (mut faults, mut ready) = (Vec::new(), BTreeMap::new());
        faults.extend(homeless(&map, |object| types.contains_key(&object)));
        for (object, text) in types {
            let own = map.iter().filter(|rule| rule.object == object).cloned().collect();
            match Mapping::new(object, own, text.match_by.clone(), Arc::default()) {
                Ok(mapping) => drop(ready.insert(object, TypePreset::new(text, mapping))),
                Err(MappingError(found)) => faults.extend(found),
            }
        }
        if !faults.is_empty() {
            return Err(MappingError(faults).into());
        }
        Ok(Self {
            name: text.name,
            title: text.title,
            types: ready,
            update: text.update,
            members_per_request: text.members_per_request,
            token_age_warning_days: text.token_age_warning_days,
            rate: text.rate,
            bulk: text.bulk,
            deletion: text.deletion,
        })
    }

    /// The same with what a configuration says.
    ///
    /// # Errors
    ///
    /// All faults of all rules.
    pub fn overridden(mut self, by: &Overrides) -> Result<Self, MappingError> {
        let mut faults = homeless(&by.rules, |object| self.types.contains_key(&object));
        let strange = by.match_by.keys().filter(|object| !self.types.contains_key(object));
        faults.extend(strange.map(|object| RuleError {
            object: *object,
            path: "match_by".to_owned(),
            fault: RuleFault::NoSuchType,
        }));
        for (object, preset) in &mut self.types {
            let own: Vec<RuleText> = by.rules.iter().filter(|rule| rule.object == *object).cloned().collect();
            faults.extend(own.iter().filter_map(|rule| preset.refusal(rule)));
            let match_by = by.match_by.get(object).map(Vec::as_slice);
            match preset.mapping.clone().with_tables(Arc::clone(&by.tables)).changed(own, match_by) {
                Ok(mapping) => {
                    preset.members = mapping.members().map(str::to_owned);
                    preset.mapping = mapping;
                }
                Err(MappingError(found)) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(self) } else { Err(MappingError(faults)) }
    }
}

impl TypePreset {
    fn new(text: TypeText, mapping: Mapping) -> Self {
        Self {
            carried: text.carried,
            endpoint: text.endpoint,
            schemas: text.schemas,
            active: text.active,
            members: mapping.members().map(str::to_owned),
            immutable: text.immutable,
            write_only: text.write_only,
            offered: text.offered,
            closed: text.closed,
            mapping,
        }
    }

    /// Why the service cannot have what a rule fills.
    fn refusal(&self, rule: &RuleText) -> Option<RuleError> {
        if self.active.as_ref().is_some_and(|active| active.eq_ignore_ascii_case(&rule.path)) {
            let fault = RuleFault::Usable;
            return Some(RuleError { object: rule.object, path: rule.path.clone(), fault });
        }
        let closed = self.closed.as_ref().filter(|urn| {
            let start = rule.path.get(..urn.len()).is_some_and(|start| start.eq_ignore_ascii_case(urn));
            start && rule.path.get(urn.len()..).is_some_and(|rest| rest.starts_with(':'))
        })?;
        let known = self.mapping.paths().chain(self.offered.iter().map(String::as_str));
        let known: Vec<&str> = known.filter(|path| path.starts_with(closed.as_str())).collect();
        if rule.when == When::Never || known.iter().any(|path| path.eq_ignore_ascii_case(&rule.path)) {
            return None;
        }
        let names = known.iter().filter_map(|path| path.rsplit(':').next()).map(str::to_owned);
        let fault = RuleFault::NoSuchAttribute(names.collect());
        Some(RuleError { object: rule.object, path: rule.path.clone(), fault })
    }
}

/// Rules of types that there are not.
fn homeless(rules: &[RuleText], has: impl Fn(ObjectType) -> bool) -> Vec<RuleError> {
    let homeless = rules.iter().filter(|rule| !has(rule.object));
    let fault = |rule: &RuleText| RuleError {
        object: rule.object,
        path: rule.path.clone(),
        fault: RuleFault::NoSuchType,
    };
    homeless.map(fault).collect()
}

#[cfg(test)]
mod tests;
