//! [`Conventions`]: what the places of groups mean. The defaults are those of directories that were made for the
//! service before: people are selected by a group, and rights are groups below `ou=Roles,ou=Groups`.
//!
//! Names without the base at their end are below the base.

use serde::{Deserialize, Serialize};

use super::names;
use crate::directory::dn::Dn;

/// As the configuration has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConventionOptions {
    /// The group of those who are carried, where not everybody is.
    pub idsync: String,
    /// The group of administrators.
    pub admin: String,
    /// Below this, a group is a service that its members may use.
    pub services: String,
    /// Below this, groups are carried as groups.
    pub organizations: String,
    /// Below this, groups are carried as security groups.
    pub security: String,
    /// Below this, a group is a role: its units from the top down and its name are service, class and value.
    pub roles: String,
    /// Units in and below this are no organisations of the company.
    pub container: String,
    /// Other units that are none, with all below them.
    pub other_units: Vec<String>,
    /// More groups whose members are carried.
    pub selecting: Vec<String>,
    /// Which groups are carried.
    pub groups: Carry,
    /// With `groups = "all"`: only those below one of these.
    pub groups_under: Vec<String>,
    /// With `groups = "all"`: groups for rights (bit 0x80000000 of groupType) become security groups.
    pub security_by_type: bool,
    /// What becomes of groups inside groups.
    pub nesting: Nesting,
    /// What `@organization` says.
    pub organization: OrganizationText,
}

impl Default for ConventionOptions {
    fn default() -> Self {
        Self {
            idsync: "cn=idsync,ou=Roles,ou=Groups".to_owned(),
            admin: "cn=admin,ou=Roles,ou=Groups".to_owned(),
            services: "ou=Services,ou=Groups".to_owned(),
            organizations: "ou=Organizations,ou=Groups".to_owned(),
            security: "ou=Security,ou=Groups".to_owned(),
            roles: "ou=Roles,ou=Groups".to_owned(),
            container: "ou=Groups".to_owned(),
            other_units: Vec::new(),
            selecting: Vec::new(),
            groups: Carry::Conventional,
            groups_under: Vec::new(),
            security_by_type: true,
            nesting: Nesting::Expand,
            organization: OrganizationText::Name,
        }
    }
}

/// Which groups are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carry {
    /// Those of the conventions, and every other one too.
    All,
    /// Those of the conventions.
    Conventional,
    /// None; what they say of people holds all the same.
    None,
}

/// What becomes of groups inside groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nesting {
    /// A group has everybody who is in it or in a group inside it.
    Expand,
    /// A group has those who are in it, and the groups that it is the one parent of.
    Keep,
}

/// What `@organization` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationText {
    /// The name of the unit that the entry is in.
    Name,
    /// The names of all units from the top down, with `/` between them.
    Path,
}

/// Why conventions cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConventionError {
    /// An option is no DN.
    #[error(
        "conventions.{option}: {value:?} is no DN; write it as cn=name,ou=unit, with or without {base:?} at its end"
    )]
    NoDn {
        /// Which option.
        option: &'static str,
        /// What it says.
        value: String,
        /// The base of the directory.
        base: String,
    },
    /// The base is none.
    #[error("the base {0:?} is no DN; write it as dc=example,dc=com")]
    Base(String),
}

/// Conventions whose names are whole and normal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conventions {
    pub(super) admin: String,
    pub(super) services: String,
    pub(super) organizations: String,
    pub(super) security: String,
    pub(super) roles: String,
    pub(super) no_units: Vec<String>,
    pub(super) selecting: Vec<String>,
    pub(super) groups: Carry,
    pub(super) groups_under: Vec<String>,
    pub(super) security_by_type: bool,
    pub(super) nesting: Nesting,
    pub(super) organization: OrganizationText,
}

impl Conventions {
    /// Makes the names of `options` whole with `base`.
    pub fn new(options: &ConventionOptions, base: &str) -> Result<Self, ConventionError> {
        let base = Dn::parse(base).ok_or_else(|| ConventionError::Base(base.to_owned()))?;
        let whole = |option, value: &str| whole(option, value, &base);
        let all = |option, values: &[String]| {
            values.iter().map(|value| whole(option, value)).collect::<Result<Vec<_>, _>>()
        };
        let mut no_units = all("other_units", &options.other_units)?;
        no_units.push(whole("container", &options.container)?);
        let mut selecting = all("selecting", &options.selecting)?;
        selecting.push(whole("idsync", &options.idsync)?);
        Ok(Self {
            admin: whole("admin", &options.admin)?,
            services: whole("services", &options.services)?,
            organizations: whole("organizations", &options.organizations)?,
            security: whole("security", &options.security)?,
            roles: whole("roles", &options.roles)?,
            no_units,
            selecting,
            groups: options.groups,
            groups_under: all("groups_under", &options.groups_under)?,
            security_by_type: options.security_by_type,
            nesting: options.nesting,
            organization: options.organization,
        })
    }

    pub(super) fn is_unit(&self, name: &str) -> bool {
        !self.no_units.iter().any(|no| name == no || names::is_below(name, no))
    }
}

fn whole(option: &'static str, value: &str, base: &Dn) -> Result<String, ConventionError> {
    whole_name(value, base).ok_or_else(|| ConventionError::NoDn {
        option,
        value: value.to_owned(),
        base: base.normal(),
    })
}

/// A name with `base` at its end, in its normal form; none where it is no DN.
pub(in crate::sync) fn whole_name(value: &str, base: &Dn) -> Option<String> {
    let parsed = Dn::parse(value.trim())?;
    Some(if parsed.is_under(base) {
        parsed.normal()
    } else {
        format!("{},{}", parsed.normal(), base.normal())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_below_the_base_and_may_say_so() {
        let options = ConventionOptions {
            admin: "CN=Admin, OU=Roles,DC=Example,dc=jp".to_owned(),
            roles: "ou=役割".to_owned(),
            ..ConventionOptions::default()
        };
        let known = Conventions::new(&options, "dc=example,dc=jp").unwrap();
        assert_eq!(known.admin, "cn=admin,ou=roles,dc=example,dc=jp");
        assert_eq!(known.roles, "ou=役割,dc=example,dc=jp");
        assert_eq!(known.selecting, ["cn=idsync,ou=roles,ou=groups,dc=example,dc=jp"]);
        assert_eq!(known.security, "ou=security,ou=groups,dc=example,dc=jp");
    }

    #[test]
    fn what_is_no_name_is_told_with_its_option() {
        let options = ConventionOptions { services: "Services".to_owned(), ..ConventionOptions::default() };
        let error = Conventions::new(&options, "dc=x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "conventions.services: \"Services\" is no DN; write it as cn=name,ou=unit, with or without \"dc=x\" at \
             its end"
        );
        let error = Conventions::new(&ConventionOptions::default(), "example.jp").unwrap_err();
        assert_eq!(error, ConventionError::Base("example.jp".to_owned()));
    }
}
