//! `[sync.ldap]`: another LDAP directory as a target.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::DirectoryConfig;
use super::super::fault::Complaint;
use super::super::reader::Section;
use crate::sync::ObjectType;
use crate::sync::ldap_target::{Disabling, LdapTargetError, LdapTargetOptions, TypeOptions};
use crate::sync::options::Destination;

/// Keys of the other kind of target.
const OF_SCIM: [&str; 10] = [
    "url",
    "token_file",
    "token",
    "token_env",
    "user",
    "password",
    "password_file",
    "password_env",
    "ca_certificate",
    "allow_http",
];

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    /// The `name` of a `[[directory]]`, whose account writes.
    directory: String,
    /// How an account is made unusable. Default: as the server does it.
    disabling: Option<How>,
    /// The only member of a group that has no other. Default: none.
    placeholder: Option<String>,
    /// Whether an entry is deleted with all that is below it. Default: false.
    #[serde(default)]
    tree_delete: bool,
    /// `[sync.ldap.types.user]` and so on.
    types: BTreeMap<ObjectType, TypeText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeText {
    base: String,
    rdn: Option<String>,
    #[serde(default)]
    classes: Vec<String>,
    #[serde(default)]
    auxiliary: Vec<String>,
    member: Option<String>,
    filter: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum How {
    #[serde(rename = "userAccountControl")]
    AccountControl,
    #[serde(rename = "pwdAccountLockedTime")]
    LockedForGood,
    #[serde(rename = "nothing")]
    Nothing,
}

/// The target, or none with all that is wrong with it.
pub(super) fn read(section: &Section<'_>, directories: &[DirectoryConfig]) -> Option<Destination> {
    for key in OF_SCIM.into_iter().filter(|key| section.has(key)) {
        let remedy = "take it out: the [[directory]] that [sync.ldap] names has its own";
        section.complain(key, Complaint::wrong("is of a service with SCIM", remedy));
    }
    let text = section.by_serde::<Text>("ldap")?;
    let known = directories.iter().find(|directory| directory.name() == text.directory);
    if let Some(DirectoryConfig::Ldap(options)) = known
        && options.catalogues() > 0
    {
        let message = format!("\"{}\" has urls of global catalogues (port 3268 or 3269)", options.name);
        section.complain(
            "ldap",
            Complaint::wrong(message, "name a directory with domain controllers: a catalogue is only read"),
        );
    }
    if !matches!(known, Some(DirectoryConfig::Ldap(_))) {
        let message = format!("there is no LDAP directory \"{}\"", text.directory);
        section.complain(
            "ldap",
            Complaint::wrong(message, "describe it in a [[directory]] with kind = \"ldap\""),
        );
        return None;
    }
    let types = text.types.into_iter().map(|(kind, one)| {
        let TypeText { base, rdn, classes, auxiliary, member, filter } = one;
        (kind, TypeOptions { base, rdn, classes, auxiliary, member, filter, attributes: Vec::new() })
    });
    let options = LdapTargetOptions {
        types: types.collect(),
        disabling: text.disabling.map(|how| match how {
            How::AccountControl => Disabling::AccountControl,
            How::LockedForGood => Disabling::locked_for_good(),
            How::Nothing => Disabling::Nothing,
        }),
        placeholder: text.placeholder,
        tree_delete: text.tree_delete,
        ..LdapTargetOptions::default()
    };
    let faults = options.check();
    for fault in &faults {
        let told = match fault {
            LdapTargetError::NoType => {
                "types: there is none; write [sync.ldap.types.user] with its base".to_owned()
            }
            other => other.to_string(),
        };
        let (message, remedy) = told.split_once("; ").unwrap_or((told.as_str(), "correct it"));
        section.complain("ldap", Complaint::wrong(message, remedy));
    }
    faults.is_empty().then_some(Destination::Ldap { directory: text.directory, options })
}
