//! [`absent`]: which names of `[sync.conventions]` no directory has. Defaults are none of them: most directories have but
//! a few of these places. Groups that select are told of by each run (`selection`).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::SyncError;
use super::options::SyncOptions;
use super::structure::whole_name;
use crate::directory::dn::Dn;
use crate::directory::source::{Source, There};

/// A name that the configuration gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file.
    pub file: PathBuf,
    /// The line in it.
    pub line: usize,
    /// The key, with its section.
    pub key: String,
    /// A DN, with or without the base of the directory.
    pub name: String,
}

/// What an administrator can do about one.
pub const REMEDY: &str = "make it there, let bind_dn read it, or correct the name";

/// A name that no directory has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// As it is written.
    pub named: Named,
    /// What is wrong; [`REMEDY`] helps.
    pub message: String,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Named { file, line, key, .. } = &self.named;
        write!(f, "{}:{line}: {key}: {}; {REMEDY}", file.display(), self.message)
    }
}

/// Those that none of the directories has, in the order of the configuration. A directory that does not say whether it has
/// one may have it.
pub async fn absent(options: &SyncOptions, sources: &[Arc<dyn Source>]) -> Result<Vec<Absent>, SyncError> {
    let mut open: Vec<(&Named, Vec<String>)> = options.named.iter().map(|one| (one, Vec::new())).collect();
    for (source, of) in sources.iter().zip(&options.sources) {
        if open.is_empty() {
            break;
        }
        let base = of.base.as_deref().unwrap_or(source.base());
        let domains = source.domains(base).await?;
        let parts = match domains {
            Some(domains) => domains.into_iter().map(|one| (one.base().to_owned(), one)).collect(),
            None => vec![(base.to_owned(), Arc::clone(source))],
        };
        for (base, part) in parts {
            open = not_in(part.as_ref(), &base, open).await?;
        }
    }
    let one_place = |tried: &[String]| options.sources.len() == 1 && tried.len() == 1;
    let told = open.into_iter().filter(|(_, tried)| !tried.is_empty()).map(|(named, tried)| {
        let directory = if one_place(&tried) { "the directory has no" } else { "no directory has" };
        Absent { named: named.clone(), message: format!("{directory} {}", tried.join(" or ")) }
    });
    Ok(told.collect())
}

/// Those that a directory has not, with the DNs that were asked for.
async fn not_in<'a>(
    source: &dyn Source,
    base: &str,
    open: Vec<(&'a Named, Vec<String>)>,
) -> Result<Vec<(&'a Named, Vec<String>)>, SyncError> {
    // What is no DN is told when the configuration is read.
    let Some(base) = Dn::parse(base) else { return Ok(Vec::new()) };
    let whole = open.into_iter().filter_map(|(named, tried)| {
        let dn = whole_name(&named.name, &base)?;
        Some((named, tried, dn))
    });
    let whole: Vec<_> = whole.collect();
    let dns: Vec<String> = whole.iter().map(|(.., dn)| dn.clone()).collect();
    let answers = source.there(&dns).await?;
    let missed = whole.into_iter().zip(answers).filter(|(_, answer)| *answer == There::No);
    let missed = missed.map(|((named, mut tried, dn), _)| {
        if !tried.contains(&dn) {
            tried.push(dn);
        }
        (named, tried)
    });
    Ok(missed.collect())
}
