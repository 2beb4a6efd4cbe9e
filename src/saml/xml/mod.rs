//! XML as SAML needs it: [`reader`] reads a hostile document into a tree or refuses it, [`canonical`] writes a tree as
//! exclusive canonical XML into a hash or a buffer, [`writer`] emits documents that are canonical from the start.

pub mod canonical;
pub mod name;
pub mod reader;
pub mod tree;
pub mod writer;

pub use reader::{Limits, XmlError, parse};
pub use tree::Element;
pub use writer::Writer;
