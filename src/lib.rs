//! sekisho: a SAML 2.0 identity provider for companies whose accounts live in Active Directory or LDAP.
//!
//! Modules in import order; each may import only from the layers above it, and `tests/it/architecture.rs` says so.
//! Start reading at [`sso`] for the way of one sign-on, at [`saml`] for the documents, at [`app`] for how it is wired.

// vocabulary: no I/O, no async
pub mod audit;
pub mod clock;
pub mod identity;
pub mod secret;

// protocol and pipeline as pure functions
pub mod authproc;
pub mod saml;
pub mod scim;

// ports and their adapters
pub mod directory;
pub mod keys;
pub mod outgoing;
pub mod registry;
pub mod session;
pub mod store;

// use cases
pub mod authn;
pub mod password;
pub mod sso;
pub mod sync;

// edges
pub mod app;
pub mod cli;
pub mod config;
pub mod web;

pub mod manual;
