//! [`LdapTargetOptions`]: where the objects of each type are in the target directory and what they are made of, with the
//! defaults of Active Directory and of OpenLDAP.

use std::collections::BTreeMap;

use super::active_directory::USER_PARAMETERS;
use crate::directory::dn::Dn;
use crate::directory::filter::is_filter;
use crate::directory::source::Flavour;
use crate::directory::write::is_attribute;
use crate::sync::ObjectType;

/// Members that are sent with one request.
const CHUNK: usize = 500;

/// Attributes that hold the DN of another entry.
const REFERENCES: [&str; 7] =
    ["manager", "managedBy", "secretary", "assistant", "owner", "seeAlso", "roleOccupant"];

/// What is carried to an LDAP directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapTargetOptions {
    /// The types that it takes; the others are refused with 53.
    pub types: BTreeMap<ObjectType, TypeOptions>,
    /// How an account is made unusable; none: as the server does it ([`Disabling::of`]).
    pub disabling: Option<Disabling>,
    /// Attributes whose value is another object's id, which is sent as its DN.
    pub references: Vec<String>,
    /// Members that are sent with one request; at least 1.
    pub chunk: usize,
    /// A DN, of an entry or of none, that is the only member of a group that has no other: groupOfNames and
    /// groupOfUniqueNames must have one. It is written by this target and taken out again by it, and never told as a
    /// member. Without it a group that would be empty is refused by such a server with 65.
    pub placeholder: Option<String>,
    /// Whether an entry is deleted with all that is below it, where the server knows the control
    /// 1.2.840.113556.1.4.805; else the deletion of a parent is refused with 66.
    pub tree_delete: bool,
}

impl Default for LdapTargetOptions {
    fn default() -> Self {
        Self {
            types: BTreeMap::new(),
            disabling: None,
            references: REFERENCES.map(str::to_owned).into(),
            chunk: CHUNK,
            placeholder: None,
            tree_delete: false,
        }
    }
}

/// The objects of one type. What is left empty is as the kind of server has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeOptions {
    /// Below which entry they are, and where they are made when they have no parent.
    pub base: String,
    /// What they are named by: `uid` for users of OpenLDAP, `ou` for organisations, else `cn`.
    pub rdn: Option<String>,
    /// Their object classes, the structural one first; by it they are found.
    pub classes: Vec<String>,
    /// Auxiliary classes that entries are made with, and that the path `objectClass` adds and takes away.
    pub auxiliary: Vec<String>,
    /// What holds the members: `member`, or `uniqueMember`, `roleOccupant`.
    pub member: Option<String>,
    /// Which entries are of this type (RFC 4515); none: those of the structural class.
    pub filter: Option<String>,
    /// What is read of them; none: all that people set.
    pub attributes: Vec<String>,
}

/// How an account is made unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disabling {
    /// Bit 2 of `userAccountControl`.
    AccountControl,
    /// An attribute that has one value then, and another one or none while the account is usable.
    Attribute {
        /// Which.
        name: String,
        /// Its value of a disabled account.
        disabled: String,
        /// Its value of a usable account; none: it has none.
        enabled: Option<String>,
    },
    /// Not at all: accounts stay usable until they are deleted.
    Nothing,
}

impl Disabling {
    /// `pwdAccountLockedTime=000001010000Z`, locked for good (draft-behera-ldap-password-policy 5.3.3); takes OpenLDAP's
    /// overlay ppolicy.
    pub fn locked_for_good() -> Self {
        Self::Attribute {
            name: "pwdAccountLockedTime".to_owned(),
            disabled: "000001010000Z".to_owned(),
            enabled: None,
        }
    }

    /// As a kind of server does it.
    pub fn of(flavour: Flavour) -> Self {
        match flavour {
            Flavour::ActiveDirectory => Self::AccountControl,
            Flavour::Other => Self::locked_for_good(),
        }
    }
}

/// What is wrong with the options; each names the key and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdapTargetError {
    /// No types.
    #[error(
        "objects: there is none; give at least one type with its base, as in user.base = \"ou=people,dc=x\""
    )]
    NoType,
    /// No DN.
    #[error("{kind}.base: \"{base}\" is no DN; write one, as in ou=people,dc=example,dc=jp")]
    Base {
        /// Of which type.
        kind: &'static str,
        /// What was given.
        base: String,
    },
    /// No attribute.
    #[error("{key}: \"{name}\" is no name of an attribute; write one as the schema of the directory has it")]
    Attribute {
        /// Where.
        key: String,
        /// What was given.
        name: String,
    },
    /// No filter.
    #[error(
        "{kind}.filter: \"{filter}\" is no LDAP filter; write it as in \"(employeeType=staff)\" (RFC 4515)"
    )]
    Filter {
        /// Of which type.
        kind: &'static str,
        /// What was given.
        filter: String,
    },
    /// No DN.
    #[error("placeholder: \"{0}\" is no DN; write one, as in cn=nobody,dc=example,dc=jp")]
    Placeholder(String),
    /// Nothing would be sent.
    #[error("chunk: 0 members cannot be sent at once; write 1 or more")]
    Chunk,
}

impl LdapTargetOptions {
    /// Everything that is wrong; empty when they can be used.
    pub fn check(&self) -> Vec<LdapTargetError> {
        let mut faults = Vec::new();
        if self.types.is_empty() {
            faults.push(LdapTargetError::NoType);
        }
        for (kind, options) in &self.types {
            let kind = kind.key();
            if Dn::parse(&options.base).is_none() {
                faults.push(LdapTargetError::Base { kind, base: options.base.clone() });
            }
            // It becomes a part of another filter, where it needs its brackets.
            let is_one = |filter: &&String| filter.starts_with('(') && is_filter(filter);
            if let Some(filter) = options.filter.as_ref().filter(|filter| !is_one(filter)) {
                faults.push(LdapTargetError::Filter { kind, filter: filter.clone() });
            }
            let named = [("rdn", options.rdn.as_ref()), ("member", options.member.as_ref())];
            for (key, name) in named.into_iter().filter_map(|(key, name)| Some((key, name?))) {
                if !is_attribute(name) {
                    let key = format!("{kind}.{key}");
                    faults.push(LdapTargetError::Attribute { key, name: name.clone() });
                }
            }
        }
        if let Some(Disabling::Attribute { name, .. }) = self.disabling.as_ref()
            && !is_attribute(name)
        {
            faults.push(LdapTargetError::Attribute { key: "disabling".to_owned(), name: name.clone() });
        }
        if let Some(dn) = self.placeholder.as_ref().filter(|dn| Dn::parse(dn).is_none()) {
            faults.push(LdapTargetError::Placeholder(dn.clone()));
        }
        if self.chunk == 0 {
            faults.push(LdapTargetError::Chunk);
        }
        faults
    }

    /// The bases, without those that are below others.
    pub(super) fn roots(&self) -> Vec<String> {
        let mut bases: Vec<(Dn, &str)> = Vec::new();
        for base in self.types.values().map(|options| options.base.as_str()) {
            let Some(dn) = Dn::parse(base) else { continue };
            if bases.iter().any(|(held, _)| dn.is_under(held)) {
                continue;
            }
            bases.retain(|(held, _)| !held.is_under(&dn));
            bases.push((dn, base));
        }
        bases.into_iter().map(|(_, base)| base.to_owned()).collect()
    }

    /// A type as this kind of server has it; `None` when it is not carried.
    pub(super) fn shape(&self, kind: ObjectType, flavour: Flavour) -> Option<Shape> {
        let options = self.types.get(&kind)?;
        let (rdn, class) = defaults(kind, flavour);
        let mut classes = options.classes.clone();
        let filter = match (&options.filter, classes.first(), flavour) {
            (Some(filter), _, _) => filter.clone(),
            (None, Some(class), _) => format!("(objectClass={class})"),
            // Computers are users too.
            (None, None, Flavour::ActiveDirectory) if kind == ObjectType::User => {
                "(&(objectCategory=person)(objectClass=user))".to_owned()
            }
            (None, None, _) => format!("(objectClass={class})"),
        };
        if classes.is_empty() {
            classes.push(class.to_owned());
        }
        let disabling = self.disabling.clone().unwrap_or_else(|| Disabling::of(flavour));
        let is_group = matches!(kind, ObjectType::Group | ObjectType::SecurityGroup | ObjectType::Role);
        let placeholder = self.placeholder.clone().filter(|_| is_group && flavour == Flavour::Other);
        Some(Shape {
            kind,
            flavour,
            base: options.base.clone(),
            rdn: options.rdn.clone().unwrap_or_else(|| rdn.to_owned()),
            classes,
            auxiliary: options.auxiliary.clone(),
            member: options.member.clone().unwrap_or_else(|| "member".to_owned()),
            filter,
            attributes: options.attributes.clone(),
            disabling: if kind == ObjectType::User { disabling } else { Disabling::Nothing },
            placeholder,
            terminal: flavour == Flavour::ActiveDirectory && kind == ObjectType::User,
        })
    }
}

/// A type as it is at this target.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) kind: ObjectType,
    pub(super) flavour: Flavour,
    pub(super) base: String,
    pub(super) rdn: String,
    pub(super) classes: Vec<String>,
    pub(super) auxiliary: Vec<String>,
    pub(super) member: String,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
    pub(super) disabling: Disabling,
    pub(super) placeholder: Option<String>,
    /// Whether settings of terminal services are kept.
    pub(super) terminal: bool,
}

impl Shape {
    pub(super) fn is_active_directory(&self) -> bool {
        self.flavour == Flavour::ActiveDirectory
    }

    /// What is read to tell of an object.
    pub(super) fn read(&self) -> Vec<String> {
        let mut names =
            if self.attributes.is_empty() { vec!["*".to_owned()] } else { self.attributes.clone() };
        names.extend(self.state());
        names
    }

    /// What is read to change one.
    pub(super) fn state(&self) -> Vec<String> {
        let mut names = vec!["objectClass".to_owned(), self.rdn.clone()];
        match &self.disabling {
            Disabling::AccountControl => names.push("userAccountControl".to_owned()),
            Disabling::Attribute { name, .. } => names.push(name.clone()),
            Disabling::Nothing => {}
        }
        if self.terminal {
            names.push(USER_PARAMETERS.to_owned());
        }
        names
    }
}

fn defaults(kind: ObjectType, flavour: Flavour) -> (&'static str, &'static str) {
    match (flavour, kind) {
        (_, ObjectType::Organization) => ("ou", "organizationalUnit"),
        (Flavour::ActiveDirectory, ObjectType::User) => ("CN", "user"),
        (Flavour::ActiveDirectory, ObjectType::Contact) => ("CN", "contact"),
        (Flavour::ActiveDirectory, _) => ("CN", "group"),
        (Flavour::Other, ObjectType::User) => ("uid", "inetOrgPerson"),
        (Flavour::Other, ObjectType::Contact) => ("cn", "inetOrgPerson"),
        (Flavour::Other, _) => ("cn", "groupOfNames"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(bases: &[(ObjectType, &str)]) -> LdapTargetOptions {
        let of = |base: &str| TypeOptions { base: base.to_owned(), ..TypeOptions::default() };
        let types = bases.iter().map(|(kind, base)| (*kind, of(base))).collect();
        LdapTargetOptions { types, ..LdapTargetOptions::default() }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        assert_eq!(LdapTargetOptions::default().check(), [LdapTargetError::NoType]);
        let mut wrong = options(&[(ObjectType::User, "people")]);
        wrong.types.get_mut(&ObjectType::User).unwrap().rdn = Some("u id".into());
        wrong.types.get_mut(&ObjectType::User).unwrap().filter = Some("(x".into());
        wrong.placeholder = Some("nobody".into());
        wrong.chunk = 0;
        assert_eq!(
            wrong.check(),
            [
                LdapTargetError::Base { kind: "user", base: "people".into() },
                LdapTargetError::Filter { kind: "user", filter: "(x".into() },
                LdapTargetError::Attribute { key: "user.rdn".into(), name: "u id".into() },
                LdapTargetError::Placeholder("nobody".into()),
                LdapTargetError::Chunk,
            ]
        );
        assert_eq!(options(&[(ObjectType::User, "ou=people,dc=x")]).check(), []);
    }

    #[test]
    fn roots_are_not_below_one_another() {
        use ObjectType::{Group, Organization, User};
        let of = |bases: &[(ObjectType, &str)]| options(bases).roots();
        assert_eq!(of(&[(User, "ou=a,dc=x"), (Group, "OU=b,ou=a, DC=x")]), ["ou=a,dc=x"]);
        assert_eq!(of(&[(Organization, "ou=b,dc=x"), (User, "dc=x"), (Group, "dc=X")]), ["dc=x"]);
        assert_eq!(of(&[(User, "ou=a,dc=x"), (Group, "ou=b,dc=x")]), ["ou=a,dc=x", "ou=b,dc=x"]);
    }

    #[test]
    fn a_type_is_as_its_server_has_it() {
        let mut options = options(&[(ObjectType::User, "dc=x"), (ObjectType::Group, "dc=x")]);
        options.placeholder = Some("cn=nobody".into());
        let shape = |options: &LdapTargetOptions, kind, flavour| options.shape(kind, flavour).unwrap();
        let user = shape(&options, ObjectType::User, Flavour::ActiveDirectory);
        assert_eq!((user.rdn.as_str(), user.classes[0].as_str()), ("CN", "user"));
        assert_eq!(user.filter, "(&(objectCategory=person)(objectClass=user))");
        assert_eq!((user.disabling, user.placeholder), (Disabling::AccountControl, None));
        let user = shape(&options, ObjectType::User, Flavour::Other);
        assert_eq!((user.rdn.as_str(), user.filter.as_str()), ("uid", "(objectClass=inetOrgPerson)"));
        let group = shape(&options, ObjectType::Group, Flavour::Other);
        assert_eq!((group.disabling, group.placeholder.as_deref()), (Disabling::Nothing, Some("cn=nobody")));
        options.types.get_mut(&ObjectType::User).unwrap().classes = vec!["corpPerson".into()];
        let user = shape(&options, ObjectType::User, Flavour::ActiveDirectory);
        assert_eq!(user.filter, "(objectClass=corpPerson)");
        assert!(options.shape(ObjectType::Role, Flavour::Other).is_none());
    }
}
