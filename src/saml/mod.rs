//! SAML 2.0 as documents: bytes in, typed message out, and back. No I/O, no async, no clock of its own.

pub mod metadata;
pub mod signature;
pub mod uris;
pub mod xml;
