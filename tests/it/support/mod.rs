//! What the tests stand on: a [`Browser`](browser::Browser), a service provider ([`Sp`](sp::Sp)) that judges what it
//! gets by implementations that are not ours ([`judges`]), and a running server ([`TestServer`](app::TestServer)).

pub mod apache;
pub mod app;
pub mod browser;
pub mod decryption;
pub(crate) mod fake_domain;
pub(crate) mod fake_ldap;
pub(crate) mod fake_source;
pub mod folder;
pub mod html;
pub mod http;
pub mod judges;
pub mod logout;
pub(crate) mod negotiate;
pub mod pki;
pub(crate) mod postgres;
pub mod process;
pub mod request;
pub(crate) mod samba;
pub mod schema;
pub(crate) mod scim;
pub(crate) mod scim_proxy;
pub(crate) mod scim_sink;
pub(crate) mod slapd;
pub(crate) mod slapd_people;
pub mod soap;
pub mod sp;
pub mod test_app;
pub mod xml;
