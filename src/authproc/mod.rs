//! The attribute pipeline: what happens to a person's attributes between the directory and a service provider.
//!
//! Filters carry SimpleSAMLphp's names and option words and give its results; `tests/it/authproc` compares them with
//! the PHP classes themselves. A filter is a pure function of the attributes and of what [`Context`] holds; one that needs
//! the directory's word says what it would ask ([`FilterError::Unanswered`]), and the chain is run again with the answer. A
//! [`FilterConfig`] is read from one `[[authproc]]` table; a [`Chain`] is built of three lists of them (global, identity
//! provider, service provider) and ends with the release: what no list names does not leave.
//!
//! A new filter is a file with a [`Filter`], its options and a page of examples, and a line in `config.rs`'s list.
//!
//! ```
//! use sekisho::authproc::{Chain, Context, FilterConfig};
//! use sekisho::identity::Attributes;
//!
//! let table = r#"
//!     priority = 50
//!     filter = "AttributeMap"
//!     map = { sAMAccountName = "uid" }
//! "#;
//! let map: FilterConfig = toml::from_str(table)?;
//! let chain = Chain::build(&[map], &[], &[])?;
//! let person: Attributes = [("sAMAccountName", vec!["tanaka"]), ("cn", vec!["田中"])].into_iter().collect();
//! let released = ["uid".to_owned()];
//! let context = Context { sp_attributes: Some(&released), ..Context::default() };
//! let attributes = chain.run(person, &context)?;
//! assert_eq!(attributes.first_text("uid"), Some("tanaka"));
//! assert_eq!(attributes.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod attribute_add;
pub mod attribute_add_from_ldap;
pub mod attribute_add_users_groups;
pub mod attribute_alter;
pub mod attribute_copy;
pub mod attribute_limit;
pub mod attribute_map;
pub mod attribute_value_map;
pub mod cardinality;
pub mod cardinality_single;
mod chain;
mod config;
mod nearest;
mod pcre;
pub mod scope_attribute;
pub mod scope_from_attribute;
mod search_filter;
mod setting;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

pub use chain::{Chain, ChainError};
pub use config::FilterConfig;
pub use nearest::{hint, nearest};
pub use pcre::{Pattern, PatternError, Substitution, SubstitutionError};

use crate::identity::{Attributes, Found, Question};

/// One step of the pipeline.
pub trait Filter: Debug + Send + Sync {
    /// The name in the configuration.
    fn name(&self) -> &'static str;

    /// The attributes after this step. An error ends the sign-on; it is never skipped.
    fn apply(&self, attributes: Attributes, context: &Context<'_>) -> Result<Attributes, FilterError>;

    /// Whether the filter has a list of its own that counts as a release list.
    fn has_release_list(&self) -> bool {
        false
    }
}

/// What a filter may know beside the attributes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The service provider's release list: the `attributes` of its policy, else the names of its RequestedAttributes.
    pub sp_attributes: Option<&'a [String]>,
    /// The identity provider's release list: `saml.attributes`.
    pub idp_attributes: Option<&'a [String]>,
    /// What the person's directory has answered so far.
    pub answers: Option<&'a Answers>,
}

/// What the directory of a person answered to the questions of a chain.
pub type Answers = HashMap<Question, Arc<[Found]>>;

impl<'a> Context<'a> {
    /// The release list in force: the service provider's, else the identity provider's.
    pub fn release_list(&self) -> Option<&'a [String]> {
        self.sp_attributes.or(self.idp_attributes)
    }

    /// What the directory says to this; an error for whoever can ask it where it has not been asked yet.
    fn answer(&self, question: Question) -> Result<&'a [Found], FilterError> {
        match self.answers.and_then(|answers| answers.get(&question)) {
            Some(found) => Ok(found),
            None => Err(FilterError::Unanswered(Box::new(question))),
        }
    }
}

/// A filter could not be evaluated, or refuses this person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// What the filter needs is not there or cannot be judged.
    #[error("authproc filter {filter} cannot be evaluated: {cause}")]
    Unevaluable {
        /// The name of the filter.
        filter: &'static str,
        /// What is wrong, for the log.
        cause: String,
    },
    /// The person does not have what the filter demands.
    #[error("authproc filter {filter} refuses: {cause}")]
    Refused {
        /// The name of the filter.
        filter: &'static str,
        /// What the person lacks, for the log.
        cause: String,
    },
    /// A filter needs the directory's word: to be asked, and the chain to be run again with it in [`Context::answers`].
    #[error("an authproc filter needs what the directory was not asked")]
    Unanswered(Box<Question>),
}
