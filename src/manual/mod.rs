//! The manual: documentation only, read by `cargo doc`.
//!
//! | page | for whom |
//! |---|---|
//! | [`configuration`] | admins: the one file, its secrets and its keys |
//! | [`operations`] | admins: log lines, audit events, error codes, backup, roll-over, proxies, several nodes |
//! | [`integrated`] | admins: signing in by the Kerberos ticket of Windows: apache, keytab, browsers |
//! | [`migration`] | admins who come from SimpleSAMLphp: file names, old paths, filters and options side by side |
//! | [`synchronisation`] | admins: accounts carried to services: commands, schedules, safety, log lines |
//! | [`presets`] | admins: what an object is at a service: presets, rules, and the language of expressions |
//! | [`recipes`] | admins: Microsoft 365, Google Workspace, Salesforce, AWS, kintone and other SaaS, one by one |
//! | [`interop`] | admins: SP software, one by one: mod_auth_mellon, Shibboleth SP, SimpleSAMLphp, python3-saml, others |
//! | [`flow`] | developers: one sign-on walked through the code, cold and warm, and what is stored and written when |
//! | [`decisions`] | developers: what was decided, why, and what was rejected |
//! | [`conformance`] | both: what OASIS, Kantara and saml2int ask of an identity provider, and the test that shows it |
//! | [`attacks`] | both: what an attacker may try, how it is refused, and the test that holds it |
//!
//! What a filter of the attribute pipeline does is told, with examples, on the filter's own page:
//! [`attribute_map`](crate::authproc::attribute_map), [`attribute_add`](crate::authproc::attribute_add),
//! [`attribute_copy`](crate::authproc::attribute_copy), [`attribute_alter`](crate::authproc::attribute_alter),
//! [`attribute_value_map`](crate::authproc::attribute_value_map),
//! [`attribute_limit`](crate::authproc::attribute_limit), [`scope_attribute`](crate::authproc::scope_attribute),
//! [`scope_from_attribute`](crate::authproc::scope_from_attribute), [`cardinality`](crate::authproc::cardinality),
//! [`cardinality_single`](crate::authproc::cardinality_single). What each key of an SP's policy file means is told at
//! the fields of [`Policy`](crate::registry::Policy).

pub mod attacks;
pub mod configuration;
pub mod conformance;
pub mod decisions;
pub mod flow;
pub mod integrated;
pub mod interop;
pub mod migration;
pub mod operations;
pub mod presets;
pub mod recipes;
pub mod synchronisation;
