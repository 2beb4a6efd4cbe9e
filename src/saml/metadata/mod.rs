//! Metadata (saml-metadata 2.0): [`sp`] reads what service providers publish, [`idp`] writes what this one publishes.

pub mod affiliation;
mod error;
pub mod idp;
mod read;
pub mod sp;
mod text;

pub use error::{MetadataError, MetadataFault};
