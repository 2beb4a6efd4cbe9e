//! Real and fake peers that the tests talk to.

pub(crate) mod fake_ldap;
pub(crate) mod slapd;
