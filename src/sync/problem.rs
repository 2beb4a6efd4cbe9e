//! [`Problem`]: what could not be carried, or is not clear, in a sentence; by its [`ProblemKind`] many of a kind are told
//! as a few and the number of the others.

use std::fmt;

/// Something that could not be carried, or is not clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub kind: ProblemKind,
    /// The sentence, which names the object.
    pub told: String,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// A value.
    Invalid,
    /// An object of the target that is somebody else's, or one of several.
    Conflict,
    /// What `match` wants to be told and no more.
    Reported,
    /// What the target was not asked for, or did not answer.
    Unasked,
    /// What was gone from the target.
    Lost,
    /// Something of which there are few by nature.
    Few,
}

impl Problem {
    /// Of a kind, told by sentences.
    pub(super) fn each<T: fmt::Display>(
        kind: ProblemKind,
        sentences: impl IntoIterator<Item = T>,
    ) -> impl Iterator<Item = Self> {
        sentences.into_iter().map(move |told| Self { kind, told: told.to_string() })
    }
}

impl ProblemKind {
    /// What many of them are called; none where there are never many.
    pub fn many(self) -> Option<&'static str> {
        match self {
            Self::Invalid => Some("values that do not pass the rules"),
            Self::Conflict => Some("objects in conflict"),
            Self::Reported => Some("objects that match has reported"),
            Self::Unasked => Some("objects that were not looked for"),
            Self::Lost => Some("objects that were gone from the target"),
            Self::Few => None,
        }
    }

    /// Whether they are kept until they are over.
    pub fn is_kept(self) -> bool {
        matches!(self, Self::Invalid | Self::Conflict | Self::Reported)
    }
}
