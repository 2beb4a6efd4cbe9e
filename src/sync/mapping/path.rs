//! [`PathForm`]: whether what rules name as their paths can be one at the target at all.

use super::{RuleError, RuleFault, RuleText, When};
use crate::directory::write::is_attribute;
use crate::scim::{Path, ScimError};

/// What an LDAP directory has of an entry beside its attributes, or in another form than they do.
const OF_ENTRY: [&str; 5] = ["@active", "@groupType", "@parent", "@password", "@rdn"];

/// What a path of a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathForm {
    /// A SCIM attribute path (RFC 7644 section 3.10).
    Scim,
    /// An LDAP attribute description (RFC 4512 section 2.5).
    Ldap,
}

impl PathForm {
    /// The faults of rules whose path is of another form. What a rule removes is told when it is not there, and what no
    /// path can be by the rule itself.
    pub fn faults(self, rules: &[RuleText]) -> Vec<RuleError> {
        let judged = rules.iter().filter(|rule| rule.when != When::Never && !rule.has_odd_path());
        judged
            .filter_map(|rule| {
                let fault = self.fault(&rule.path)?;
                Some(RuleError { object: rule.object, path: rule.path.clone(), fault })
            })
            .collect()
    }

    fn fault(self, path: &str) -> Option<RuleFault> {
        match self {
            Self::Scim => match Path::parse(path) {
                Ok(_) => None,
                Err(ScimError::Path { cause, .. }) => Some(RuleFault::NoScimPath(cause)),
                Err(_) => Some(RuleFault::Path),
            },
            Self::Ldap => {
                let is_known = OF_ENTRY.contains(&path) || is_attribute(path);
                (!is_known).then_some(RuleFault::NoAttribute)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(form: PathForm, path: &str) -> Vec<RuleFault> {
        let text = format!("object = \"user\"\npath = '{path}'\nsource = \"cn\"");
        let rule: RuleText = toml::from_str(&text).unwrap();
        form.faults(&[rule]).into_iter().map(|error| error.fault).collect()
    }

    #[test]
    fn a_path_is_of_the_form_of_its_target() {
        for good in ["nickName", "emails[type eq \"work\"].value", "urn:a:b:2.0:User:x.y", ""] {
            assert_eq!(faults(PathForm::Scim, good), [], "{good}");
        }
        for wrong in ["emails[type", "name.", "a b"] {
            let found = faults(PathForm::Scim, wrong);
            assert!(matches!(found.as_slice(), [RuleFault::NoScimPath(_)]), "{wrong}: {found:?}");
        }
        for good in
            ["cn", "cn;lang-ja", "TerminalServicesHomeDrive", "2.5.4.3", "@parent", "@password", "@rdn"]
        {
            assert_eq!(faults(PathForm::Ldap, good), [], "{good}");
        }
        for wrong in ["name.", "a b", "@other", "emails[type eq \"work\"].value"] {
            assert_eq!(faults(PathForm::Ldap, wrong), [RuleFault::NoAttribute], "{wrong}");
        }
    }
}
