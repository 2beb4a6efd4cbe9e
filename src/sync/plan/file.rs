//! [`PlanFile`]: a plan that waits to be looked at: `sekisho sync plan --out FILE`, `sekisho sync apply FILE`. It holds
//! personal data and no secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::digest::StateHash;
use super::outcome::Plan;
use crate::clock::Timestamp;

const VERSION: u32 = 2;

/// A plan, and what it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    version: u32,
    /// The name of the target.
    pub target: String,
    /// When it was made.
    pub made: Timestamp,
    /// What it was made from.
    pub state: String,
    /// What has to be done.
    pub plan: Plan,
    /// Domains of a forest that were not there when it was made: what takes away what they had waits.
    pub vanished: BTreeSet<String>,
    /// The sources that it was made from.
    pub read: BTreeSet<String>,
    /// The names that people had before, as they are to be kept.
    #[serde(default)]
    pub former: BTreeMap<String, String>,
    /// What is odd, could not be carried, or is not clear, in sentences: for whoever looks at it.
    #[serde(default)]
    pub told: Vec<String>,
}

/// Why a plan is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It is no plan.
    #[error("this is no plan of sekisho ({0}); make one: sekisho sync plan --out FILE")]
    NoPlan(String),
    /// It is of another version of sekisho.
    #[error(
        "the plan has version {}, this sekisho knows version {}; make it anew: sekisho sync plan --out FILE",
        .0,
        VERSION
    )]
    Version(u32),
    /// It is of another target.
    #[error("the plan is for the target {planned:?}, not for {asked:?}")]
    Target {
        /// The one that it is for.
        planned: String,
        /// The one that was asked for.
        asked: String,
    },
    /// Something was carried or read since.
    #[error(
        "something has changed since the plan was made at {0}; make it anew: sekisho sync plan --out FILE"
    )]
    Stale(Timestamp),
}

impl From<serde_json::Error> for PlanFileError {
    fn from(cause: serde_json::Error) -> Self {
        Self::NoPlan(cause.to_string())
    }
}

impl PlanFile {
    /// Of a plan for a target, made from this state.
    pub fn new(target: &str, plan: Plan, state: StateHash, made: Timestamp) -> Self {
        Self {
            version: VERSION,
            target: target.to_owned(),
            made,
            state: state.text(),
            plan,
            vanished: BTreeSet::new(),
            read: BTreeSet::new(),
            former: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// As text, for people too.
    pub fn to_text(&self) -> Result<String, PlanFileError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// From the text of a file.
    pub fn parse(text: &str) -> Result<Self, PlanFileError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let Head { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(PlanFileError::Version(version));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The plan, if it is for this target and nothing has changed since.
    pub fn take(self, target: &str, state: StateHash) -> Result<Plan, PlanFileError> {
        if self.target != target {
            return Err(PlanFileError::Target { planned: self.target, asked: target.to_owned() });
        }
        if self.state != state.text() {
            return Err(PlanFileError::Stale(self.made));
        }
        Ok(self.plan)
    }
}
