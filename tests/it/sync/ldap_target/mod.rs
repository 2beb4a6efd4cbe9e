//! Another LDAP directory as a target: what it holds afterwards, as ldapsearch shows it, on a real slapd and a real Samba
//! domain controller.

mod active_directory;
mod faults;
mod groups;
mod openldap;

use std::collections::BTreeMap;
use std::sync::Arc;

use sekisho::clock::SystemClock;
use sekisho::directory::write::LdapWriter;
use sekisho::directory::{LdapDirectory, LdapOptions};
use sekisho::sync::ldap_target::TypeOptions;
use sekisho::sync::target::{Edit, FaultKind};
use sekisho::sync::{LdapTarget, LdapTargetOptions, ObjectType, Target, TargetFault, TargetObject};
use serde_json::Value;

use super::listed;
use crate::support::slapd::{BASE, Slapd};

const KINDS: [ObjectType; 4] =
    [ObjectType::Organization, ObjectType::User, ObjectType::Group, ObjectType::SecurityGroup];

/// All of [`KINDS`] below one entry.
pub(super) fn below(base: &str) -> LdapTargetOptions {
    let of = |kind| (kind, TypeOptions { base: base.to_owned(), ..TypeOptions::default() });
    LdapTargetOptions { types: BTreeMap::from(KINDS.map(of)), ..LdapTargetOptions::default() }
}

pub(super) fn open(directory: LdapOptions, options: LdapTargetOptions) -> LdapTarget {
    let directory = LdapDirectory::new(directory, Arc::new(SystemClock)).unwrap();
    LdapTarget::new(LdapWriter::new(Arc::new(directory)), options).unwrap()
}

/// Everything below `ou=target` of this slapd.
fn target(slapd: &Slapd) -> LdapTarget {
    open(slapd.writing(), below(&format!("ou=target,{BASE}")))
}

fn values<const N: usize>(values: [(&str, Value); N]) -> BTreeMap<String, Value> {
    values.into_iter().map(|(path, value)| (path.to_owned(), value)).collect()
}

fn set(path: &str, value: impl Into<Value>) -> Edit {
    Edit::Set(path.to_owned(), value.into())
}

/// A person of OpenLDAP.
async fn person(target: &LdapTarget, uid: &str) -> TargetObject {
    let values = values([("uid", uid.into()), ("cn", uid.into()), ("sn", "田中".into())]);
    target.create(ObjectType::User, &values).await.unwrap()
}

async fn read(target: &LdapTarget, kind: ObjectType, id: &str) -> TargetObject {
    target.read(kind, id).await.unwrap().expect("it is there")
}

fn fault<T: std::fmt::Debug>(answer: Result<T, TargetFault>) -> (FaultKind, u16) {
    let fault = answer.unwrap_err();
    (fault.kind, fault.code)
}

fn texts(value: Option<Value>) -> Vec<String> {
    value.map_or_else(Vec::new, |value| serde_json::from_value(value).unwrap())
}
