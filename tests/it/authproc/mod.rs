//! authproc against SimpleSAMLphp's own filter classes.

mod dice;
mod filters;
mod ldap;
mod patterns;
mod persistent;
mod php;
