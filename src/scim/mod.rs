//! SCIM 2.0 as documents (RFC 7643, RFC 7644): bytes in, typed values out, and back. Nothing here waits for anybody.
//!
//! [`Path`] names a value, [`read`] finds it in a resource, [`assemble`] makes a resource of values by their
//! paths, [`patch`] the operations that change one, [`filter`] the question for one, [`bulk`] many requests as one,
//! [`message`] what else goes over the wire. Read with tolerance (names in any case, booleans as texts), written as the
//! RFCs have it.

pub mod body;
pub mod bulk;
pub mod filter;
pub mod json;
pub mod message;
pub mod patch;
pub mod path;

pub use body::{assemble, boolean, read};
pub use path::{Path, ValueFilter};

/// RFC 7643 section 8.7.1
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// RFC 7643 section 8.7.1
pub const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// RFC 7643 section 4.3
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// RFC 7644 section 3.1
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Why something is no SCIM, or cannot become any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScimError {
    /// Not a path of RFC 7644 section 3.10, as far as this program writes them.
    #[error(
        "{path:?} is no SCIM attribute path: {cause}; such as name.givenName or emails[type eq \"work\"].value"
    )]
    Path {
        /// What was to be one.
        path: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// Two values for one place.
    #[error("{0}: another path puts something else there")]
    Collision(String),
    /// One value where the attribute has several.
    #[error("{0} has several values: put a list there, or say which one, as in {0}[type eq \"work\"]")]
    Several(String),
    /// A value that cannot stand at this path.
    #[error("{path}: {cause}")]
    Value {
        /// Where.
        path: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// Not JSON, or not UTF-8.
    #[error("no JSON: {0}")]
    Json(String),
    /// Nested deeper than any resource is.
    #[error("nested deeper than {} levels", json::DEEPEST)]
    Deep,
    /// JSON, but not the message that was awaited.
    #[error("no {message}: {cause}")]
    Message {
        /// The message of RFC 7644.
        message: &'static str,
        /// What is wrong with it.
        cause: &'static str,
    },
}
