//! SAML 2.0 as documents: bytes in, typed message out, and back. No I/O, no async, no clock of its own.

pub mod acs;
pub mod artifact;
pub mod assertion;
pub mod authn_request;
pub mod binding;
pub mod encryption;
pub mod error;
pub mod logout;
pub mod message;
pub mod metadata;
pub mod name_id;
pub mod received;
pub mod response;
pub mod signature;
pub mod status;
pub mod subject_id;
pub mod uris;
pub mod xml;
