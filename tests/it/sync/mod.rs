//! Synchronisation: what only an LDAP directory as a target has, and its faults.

mod ldap_target;
