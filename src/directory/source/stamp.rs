//! Changes by modifyTimestamp, for servers that know nothing better: what is new is asked for by time, and what is gone is
//! what a sweep of all ids does not find.

use std::sync::Arc;

use super::Gone;
use super::cursor::Mark;
use super::ldap::{Found, MOST_CHANGED, too_many};
use super::reading::{Pages, Reading};
use super::units;
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::connection::{Fault, Query};
use crate::directory::entry_id::{IDS, id_of};

/// Clocks differ, by less than this; so much is read again each time.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// What changed since a reading that began at `since`; `now` begins this one.
pub(super) async fn changes(
    reading: &mut Reading,
    query: &Query,
    since: Timestamp,
    now: Timestamp,
) -> Result<Found, Fault> {
    let since = since.checked_sub(OVERLAP).unwrap_or(Timestamp::UNIX_EPOCH);
    if units::touched_since(reading, &query.base, since).await? {
        return Ok(units::lost());
    }
    let filter = format!("(&(modifyTimestamp>={}){})", units::generalized_time(since), query.filter);
    let pages = Pages::of(&query.base, filter, Arc::clone(&query.attributes));
    let Some(changed) = reading.all(pages, MOST_CHANGED).await? else { return Ok(too_many()) };
    // After the changes: what is deleted in between is gone, and what is new in between comes the next time.
    let gone = Gone::AllBut(sweep(reading, query).await?);
    Ok(Found::Since { changed, gone, mark: Mark::Time(now) })
}

/// The ids of all that the query names.
pub(super) async fn sweep(reading: &mut Reading, query: &Query) -> Result<Vec<String>, Fault> {
    let mut pages = Pages::of(&query.base, query.filter.clone(), IDS.map(str::to_owned).into());
    let mut ids = Vec::new();
    while let Some(page) = pages.next(reading).await? {
        for entry in &page {
            let refused = |cause| Fault::Refused {
                code: 0,
                operation: "reading all ids",
                cause: format!("\"{}\": {cause}", entry.dn),
            };
            ids.push(id_of(entry).map_err(refused)?);
        }
    }
    Ok(ids)
}
