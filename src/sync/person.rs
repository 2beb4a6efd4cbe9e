//! [`person`]: somebody by the name that an administrator knows: a login name, or the DN.

use super::object::ObjectType;
use super::reading::{Part, collect};
use super::structure::names;
use crate::directory::dn::Dn;
use crate::directory::source::{SourceEntry, SourceQuery};
use crate::directory::{DirectoryError, NO_SUCH_OBJECT};

/// The directory names another server (RFC 4511 section 4.1.10): the entry is not this one's.
const REFERRAL: u32 = 10;

/// Whoever has this login name or DN.
pub(super) async fn person(
    part: &Part,
    name: &str,
) -> Result<Vec<(ObjectType, SourceEntry)>, DirectoryError> {
    let mut found = Vec::new();
    for (kind, query) in part.queries.people() {
        let entries = if is_below(name, &query.query.base) {
            at(part, &query.query, name).await?
        } else {
            part.source.by_login(&query.query, name).await?
        };
        found.extend(entries.into_iter().map(|entry| (kind, entry)));
    }
    Ok(found)
}

fn is_below(name: &str, base: &str) -> bool {
    // Whatever has no equals sign is a login name.
    let dn = Dn::parse(name).filter(|_| name.contains('='));
    dn.zip(Dn::parse(base)).is_some_and(|(dn, base)| dn.is_under(&base))
}

async fn at(part: &Part, query: &SourceQuery, dn: &str) -> Result<Vec<SourceEntry>, DirectoryError> {
    match collect(part, &SourceQuery { base: dn.to_owned(), ..query.clone() }).await {
        Ok((mut entries, _)) => {
            entries.retain(|entry| names::normal(&entry.dn) == names::normal(dn));
            Ok(entries)
        }
        Err(DirectoryError::Search { code: NO_SUCH_OBJECT | REFERRAL, .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
