//! Sign-on as a use case: `accept` reads and judges a request, `decide` says what it leads to, `issue` makes the
//! Response. Steps never call one another; [`SingleSignOn`] is the one dispatcher.

pub mod outcome;

pub use outcome::{Outcome, PostForm, Refused, Sentence, SpNames};
