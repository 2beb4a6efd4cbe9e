//! [`Wanted`]: edits, taken apart into what LDAP does by different requests: a name, a place, attributes, members, a
//! password, and whether the account is usable.
//!
//! Paths are attribute names, and these:
//!
//! | path | value |
//! |---|---|
//! | `@rdn` | the value of the attribute that entries are named by; to set that attribute itself is the same |
//! | `@parent` | the id of the entry above, or its DN; none: the base of the type |
//! | `@active` | whether the account is usable |
//! | `@password`, `userPassword`, `unicodePwd` | a new password; never read |
//! | `@groupType` | the type of a group of Active Directory in words, as `universal-security` |
//! | `TerminalServicesHomeDirectory`, `TerminalServicesHomeDrive`, `TerminalServicesProfilePath`, `TerminalServicesAllowLogon` | of a user of Active Directory, inside `userParameters`; taken and not kept elsewhere |
//! | `objectClass` | the auxiliary classes of the entry, of those that the options name |
//!
//! At the attribute for members, and in [`Edit::Join`] and [`Edit::Leave`], values are ids.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::active_directory::{group_type, group_types};
use super::fault::refused;
use super::options::Shape;
use super::user_parameters::Setting;
use crate::identity::Value;
use crate::secret::Secret;
use crate::sync::ObjectType;
use crate::sync::target::{Edit, TargetFault};

/// What is to become of one entry.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// What it is named.
    pub(super) name: Option<String>,
    pub(super) parent: Option<Place>,
    pub(super) active: Option<bool>,
    pub(super) password: Option<Secret<String>>,
    /// Auxiliary classes.
    pub(super) classes: Option<Vec<String>>,
    /// No values: the attribute goes.
    pub(super) attributes: Vec<(String, Vec<Value>)>,
    pub(super) members: Vec<Members>,
    /// None: the setting goes.
    pub(super) terminal: Vec<(Setting, Option<String>)>,
}

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Directly below the base of its type.
    Base,
    /// Below this entry.
    Below(String),
}

/// Members of one attribute, by their ids.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Members {
    pub(super) path: String,
    pub(super) change: Membership,
    pub(super) ids: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    /// These and no others.
    All,
    Join,
    Leave,
}

impl Wanted {
    /// Of the values of a new entry.
    pub(super) fn of_values(values: &BTreeMap<String, Json>, shape: &Shape) -> Result<Self, TargetFault> {
        let mut wanted = Self::default();
        for (path, value) in values {
            wanted.set(path, value, shape, &shape.rdn)?;
        }
        Ok(wanted)
    }

    /// Of the edits of an entry that is named by `rdn`.
    pub(super) fn of_edits(edits: &[Edit], shape: &Shape, rdn: &str) -> Result<Self, TargetFault> {
        let mut wanted = Self::default();
        for edit in edits {
            match edit {
                Edit::Set(path, value) => wanted.set(path, value, shape, rdn)?,
                Edit::Clear(path) => wanted.set(path, &Json::Null, shape, rdn)?,
                Edit::Join(path, ids) => wanted.gather(path, Membership::Join, ids.clone()),
                Edit::Leave(path, ids) => wanted.gather(path, Membership::Leave, ids.clone()),
            }
        }
        Ok(wanted)
    }

    /// Takes an attribute out.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<Value>> {
        let at = self.attributes.iter().position(|(held, _)| held.eq_ignore_ascii_case(name))?;
        Some(self.attributes.remove(at).1)
    }

    fn gather(&mut self, path: &str, change: Membership, ids: Vec<String>) {
        self.members.push(Members { path: path.to_owned(), change, ids });
    }

    fn set(&mut self, path: &str, value: &Json, shape: &Shape, rdn: &str) -> Result<(), TargetFault> {
        let texts = texts(path, value)?;
        let is = |known: &str| path.eq_ignore_ascii_case(known);
        if path == "@active" {
            self.active = Some(truth(value).ok_or_else(|| refused(21, "@active is true or false"))?);
        } else if path == "@parent" {
            self.parent = Some(texts.into_iter().next().map_or(Place::Base, Place::Below));
        } else if ["@password", "userPassword", "unicodePwd"].into_iter().any(is) {
            self.password = texts.into_iter().next().map(Secret::new);
        } else if path == "@rdn" || is(rdn) {
            let [name, more @ ..] = texts.as_slice() else {
                return Err(refused(67, format!("{path} names the entry, which must have a value for it")));
            };
            self.name = Some(name.clone());
            if !more.is_empty() {
                self.attributes.push((rdn.to_owned(), values(texts)));
            }
        } else if path == "@groupType" {
            let number = texts.iter().map(|word| {
                let unknown = || refused(21, format!("@groupType \"{word}\" is none of {}", group_types()));
                group_type(word).ok_or_else(unknown)
            });
            let number = number.collect::<Result<Vec<String>, _>>()?;
            self.attributes.push(("groupType".to_owned(), values(number)));
        } else if let Some(setting) = Setting::of(path).filter(|_| shape.kind == ObjectType::User) {
            let setting = (setting, terminal(path, setting, value, texts)?);
            self.terminal.extend(Some(setting).filter(|_| shape.terminal));
        } else if is("objectClass") {
            self.classes = Some(texts);
        } else if is(&shape.member) {
            self.gather(path, Membership::All, texts);
        } else {
            self.attributes.push((path.to_owned(), values(texts)));
        }
        Ok(())
    }
}

fn values(texts: Vec<String>) -> Vec<Value> {
    texts.into_iter().map(Value::from).collect()
}

/// The values of an attribute: none for nothing and for empty texts, which LDAP does not have.
fn texts(path: &str, value: &Json) -> Result<Vec<String>, TargetFault> {
    Ok(match value {
        Json::Null => Vec::new(),
        Json::String(text) if text.is_empty() => Vec::new(),
        Json::String(text) => vec![text.clone()],
        Json::Bool(truth) => vec![if *truth { "TRUE" } else { "FALSE" }.to_owned()],
        Json::Number(number) => vec![number.to_string()],
        Json::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(texts(path, item)?);
            }
            all
        }
        Json::Object(_) => {
            return Err(refused(21, format!("{path}: an object is no value that a directory can hold")));
        }
    })
}

fn terminal(
    path: &str,
    setting: Setting,
    value: &Json,
    texts: Vec<String>,
) -> Result<Option<String>, TargetFault> {
    let mut texts = texts.into_iter();
    let (first, more) = (texts.next(), texts.next());
    if more.is_some() || first.as_ref().is_some_and(|text| text.contains('\0')) {
        return Err(refused(19, format!("{path} is one text")));
    }
    match (setting, first) {
        (Setting::AllowLogon, Some(_)) => {
            let truth = truth(value).ok_or_else(|| refused(21, format!("{path} is true or false")))?;
            Ok(Some(truth.to_string()))
        }
        (_, first) => Ok(first),
    }
}

fn truth(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(truth) => Some(*truth),
        Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::source::Flavour;
    use crate::sync::ldap_target::options::{LdapTargetOptions, TypeOptions};

    fn shape(kind: ObjectType) -> Shape {
        shape_of(kind, Flavour::Other)
    }

    fn shape_of(kind: ObjectType, flavour: Flavour) -> Shape {
        let options = TypeOptions { base: "dc=x".into(), ..TypeOptions::default() };
        let types = BTreeMap::from([(kind, options)]);
        LdapTargetOptions { types, ..LdapTargetOptions::default() }.shape(kind, flavour).unwrap()
    }

    fn set(edits: &[(&str, Json)]) -> Result<Wanted, TargetFault> {
        let edits: Vec<Edit> =
            edits.iter().map(|(path, value)| Edit::Set((*path).to_owned(), value.clone())).collect();
        Wanted::of_edits(&edits, &shape(ObjectType::User), "uid")
    }

    #[test]
    fn paths_go_to_what_they_are() {
        let wanted = set(&[
            ("UID", json!("tanaka")),
            ("@parent", json!("id-1")),
            ("@active", json!("False")),
            ("userPassword", json!("s3cret")),
            ("mail", json!(["a@x", "b@x", ""])),
            ("title", json!("")),
            ("employeeNumber", json!(7)),
            ("isRetired", json!(true)),
            ("objectClass", json!(["posixAccount"])),
            ("terminalServicesHomeDrive", json!("H:")),
            ("TerminalServicesAllowLogon", json!("FALSE")),
        ])
        .unwrap();
        assert_eq!((wanted.name.as_deref(), wanted.active), (Some("tanaka"), Some(false)));
        assert_eq!(wanted.parent, Some(Place::Below("id-1".into())));
        assert_eq!(wanted.password.unwrap().expose(), "s3cret");
        assert_eq!(wanted.classes, Some(vec!["posixAccount".to_owned()]));
        let attributes: Vec<(&str, usize)> =
            wanted.attributes.iter().map(|(name, values)| (name.as_str(), values.len())).collect();
        assert_eq!(attributes, [("mail", 2), ("title", 0), ("employeeNumber", 1), ("isRetired", 1)]);
        assert_eq!(wanted.terminal, [], "nobody keeps it here");
        assert_eq!(set(&[("@parent", Json::Null)]).unwrap().parent, Some(Place::Base));
        let both = set(&[("uid", json!(["a", "b"]))]).unwrap();
        assert_eq!((both.name.as_deref(), both.attributes.len()), (Some("a"), 1));
    }

    #[test]
    fn terminal_services_are_of_users_of_active_directory() {
        let edits = [
            Edit::Set("terminalServicesHomeDrive".into(), json!("H:")),
            Edit::Set("TerminalServicesAllowLogon".into(), json!("FALSE")),
            Edit::Clear("TerminalServicesProfilePath".into()),
        ];
        let of = |kind| Wanted::of_edits(&edits, &shape_of(kind, Flavour::ActiveDirectory), "CN").unwrap();
        let terminal = [
            (Setting::HomeDrive, Some("H:".to_owned())),
            (Setting::AllowLogon, Some("false".to_owned())),
            (Setting::ProfilePath, None),
        ];
        assert_eq!(of(ObjectType::User).terminal, terminal);
        let contact = of(ObjectType::Contact);
        assert_eq!((contact.terminal.len(), contact.attributes.len()), (0, 3));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_code() {
        let code = |path, value| set(&[(path, value)]).unwrap_err().code;
        assert_eq!(code("uid", Json::Null), 67);
        assert_eq!(code("@active", json!("maybe")), 21);
        assert_eq!(code("mail", json!({"value": "a"})), 21);
        assert_eq!(code("@groupType", json!("forest")), 21);
        assert_eq!(code("TerminalServicesAllowLogon", json!("maybe")), 21);
        assert_eq!(code("TerminalServicesHomeDrive", json!(["G:", "H:"])), 19);
        assert_eq!(code("TerminalServicesHomeDrive", json!("H:\0")), 19);
    }

    #[test]
    fn members_are_ids() {
        let edits = [
            Edit::Set("MEMBER".into(), json!(["1"])),
            Edit::Join("member".into(), vec!["2".into()]),
            Edit::Leave("owner".into(), vec!["3".into()]),
        ];
        let wanted = Wanted::of_edits(&edits, &shape(ObjectType::Group), "cn").unwrap();
        let members = |path: &str, change, id: &str| Members {
            path: path.to_owned(),
            change,
            ids: vec![id.to_owned()],
        };
        assert_eq!(
            wanted.members,
            [
                members("MEMBER", Membership::All, "1"),
                members("member", Membership::Join, "2"),
                members("owner", Membership::Leave, "3")
            ]
        );
    }
}
