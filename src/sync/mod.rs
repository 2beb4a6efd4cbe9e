//! Identity synchronisation: accounts, organisations, groups, contacts and roles of a directory, carried to a service.
//!
//! One way of one object: a [`directory::Source`](crate::directory::source::Source) is read, `structure` says what its
//! place and its groups mean, `scope` who is carried at all, `mapping` what it should be at the target ([`Desired`]);
//! `plan` compares that with what is known of the target ([`Link`]) and names the [`Operation`]s, `gate` holds back what
//! is too much at once, `queue` makes the rest durable, and `apply` carries it out at a [`Target`].
//!
//! Everything up to `gate` decides and waits for nobody; a check (`sekisho sync check`) ends there.

pub mod absent;
pub mod apply;
mod coming;
mod emptied;
pub mod engine;
pub mod error;
mod explain;
pub mod expression;
mod few;
mod former;
mod found;
pub mod gate;
mod held;
pub mod hooks;
mod keep;
pub mod ldap_target;
mod leftovers;
pub mod link;
mod linked;
mod listed;
pub mod mapping;
pub mod matching;
mod news;
pub mod notice;
pub mod object;
pub mod operation;
pub mod options;
pub mod pace;
mod person;
pub mod plan;
mod policy;
mod prepare;
pub mod preset;
pub mod problem;
mod queries;
pub mod questions;
mod reading;
pub mod report;
mod rivals;
pub mod schedule;
pub mod scim_target;
pub mod scope;
mod selection;
pub mod state;
pub mod status;
pub mod structure;
pub mod target;
pub mod unsettled;
mod vanished;
pub mod words;

pub use ldap_target::{LdapTarget, LdapTargetOptions};
pub use link::{Link, LinkState};
pub use object::{Desired, ObjectKey, ObjectType, Reference, SourceObject};
pub use operation::{Action, Afterwards, Change, Operation};
pub use scim_target::{ScimOptions, ScimTarget, ScimTargetError, ScimType, Update};
pub use target::{Target, TargetFault, TargetObject};
