//! The entries that a filter of the attribute pipeline looks for.

use ldap3::Scope;

use super::DirectoryError;
use super::connection::Query;
use super::filter::escape_filter;
use super::ldap::LdapDirectory;
use super::person::value;
use super::wire::Entry;
use crate::identity::{Found, Piece, is_secret};

/// A filter that finds more was meant otherwise.
const MOST_FOUND: usize = 1_000;

impl LdapDirectory {
    /// What is below the search base.
    pub(super) async fn found_by(
        &self,
        filter: &[Piece],
        attributes: &[String],
    ) -> Result<Vec<Found>, DirectoryError> {
        let filter: String = filter
            .iter()
            .map(|piece| match piece {
                Piece::Written(text) => text.clone(),
                Piece::Value(octets) => escape_filter(octets),
            })
            .collect();
        let refused = |cause: String| DirectoryError::Refused {
            directory: self.options.name.clone(),
            code: 0,
            operation: "the search of an authproc filter",
            cause,
        };
        let base = self.options.search_base.clone();
        if base.trim().is_empty() {
            return Err(refused(
                "search_base is empty; set it, so that there is something to search".to_owned(),
            ));
        }
        let asked = attributes.iter().filter(|name| !is_secret(name)).cloned().collect();
        let query = Query { base, scope: Scope::Subtree, filter, attributes: asked, limit: MOST_FOUND };
        let answer = self.search(&query).await?;
        if answer.more {
            let filter = query.filter;
            return Err(refused(format!("{filter} finds more than {MOST_FOUND} entries; let it say more")));
        }
        Ok(answer.entries.into_iter().map(|entry| found(entry, attributes)).collect())
    }
}

/// An entry with what was asked for, even where the server gives more.
pub(super) fn found(entry: Entry, asked: &[String]) -> Found {
    let is_asked = |name: &str| asked.iter().any(|asked| asked.eq_ignore_ascii_case(name));
    let held = entry.attributes.into_iter().filter(|(name, _)| is_asked(name) && !is_secret(name));
    let read = |(name, values): (String, Vec<Vec<u8>>)| {
        let values = values.into_iter().map(|octets| value(&name, octets)).collect::<Vec<_>>();
        (name, values)
    };
    Found { dn: entry.dn, attributes: held.map(read).collect() }
}
