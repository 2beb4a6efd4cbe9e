//! Changes by the update sequence numbers of one domain controller (\[MS-ADTS\] 3.1.1.1.9), deletions from its
//! Deleted Objects.
//!
//! The number to go on from is read before anything else: what changes meanwhile is seen twice, never missed.

use std::collections::HashSet;
use std::sync::Arc;

use ldap3::Scope;
use ldap3::controls::RawControl;

use super::Gone;
use super::cursor::Mark;
use super::ldap::{Found, MOST_CHANGED, too_many};
use super::reading::{Pages, Reading};
use super::stamp::sweep;
use super::units;
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::connection::{Fault, Query};
use crate::directory::entry_id::{IDS, guid_text, id_of};
use crate::directory::wire::Entry;

/// LDAP_SERVER_SHOW_DELETED_OID.
pub(super) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// Tombstones go after 60 days in the oldest forests: deletions from before are not told any more.
pub(super) const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 30);

/// More objects of a domain than this, changed at once, are as well read anew.
const MOST_TOUCHED: usize = 200_000;

/// The copy of the data that answers: the invocationId of the domain controller.
pub(super) async fn invocation(reading: &mut Reading) -> Result<String, Fault> {
    let refused = |cause: String| Fault::Refused { code: 0, operation: "reading the invocationId", cause };
    let missing = || refused("the root DSE has no dsServiceName".to_owned());
    let service = reading.root.service.clone().ok_or_else(missing)?;
    let entry = reading.entry(&service, &["invocationId"]).await?;
    let id = entry.as_ref().and_then(|entry| guid_text(entry.values("invocationId").first()?));
    id.ok_or_else(|| refused(format!("\"{service}\" does not show it; let bind_dn read that entry")))
}

/// How far this domain controller is.
pub(super) fn mark(reading: &Reading, now: Timestamp) -> Result<Mark, Fault> {
    let missing = || Fault::Refused {
        code: 0,
        operation: "reading the root DSE",
        cause: "it has no highestCommittedUSN".to_owned(),
    };
    Ok(Mark::Usn(reading.root.usn.ok_or_else(missing)?, now))
}

/// What changed after `usn`, which this domain controller gave at `at`.
pub(super) async fn changes(
    reading: &mut Reading,
    query: &Query,
    (usn, at): (u64, Timestamp),
    now: Timestamp,
) -> Result<Found, Fault> {
    let mark = mark(reading, now)?;
    if matches!(mark, Mark::Usn(highest, _) if highest < usn) {
        return Ok(Found::Lost("the domain controller counts less than before; it was restored".to_owned()));
    }
    if at.checked_add(OLDEST).is_ok_and(|end| end < now) {
        let cause = "the last reading is so long ago that deletions may be forgotten";
        return Ok(Found::Lost(cause.to_owned()));
    }
    let context = reading.root.context(&query.base).unwrap_or_default().to_owned();
    if units::touched_since_usn(reading, &context, usn).await? {
        return Ok(units::lost());
    }
    let since = format!("(uSNChanged>={})", usn.saturating_add(1));
    // Before the changes: what is touched after this is either among those or comes the next time. The other way round
    // somebody who was changed in between would count as gone.
    let Some(mut gone) = left_or_deleted(reading, &context, &since).await? else {
        return Ok(too_many());
    };
    let filter = format!("(&{since}{})", query.filter);
    let pages = Pages::of(&query.base, filter, Arc::clone(&query.attributes));
    let Some(changed) = reading.all(pages, MOST_CHANGED).await? else { return Ok(too_many()) };
    if gone.is_none() {
        gone = Some(Gone::AllBut(sweep(reading, query).await?));
    }
    Ok(Found::Since { changed, gone: gone.unwrap_or(Gone::These(Vec::new())), mark })
}

/// Everything that was touched, whether the query names it or not, and what was deleted: whoever of them is not among the
/// changed is gone from the query. The outer `None`: too many. The inner one: deletions are not shown to this account.
async fn left_or_deleted(
    reading: &mut Reading,
    context: &str,
    since: &str,
) -> Result<Option<Option<Gone>>, Fault> {
    if context.is_empty() || !shows_deleted(reading, context).await? {
        return Ok(Some(None));
    }
    let mut ids = HashSet::new();
    let deleted = format!("(&(isDeleted=TRUE){since})");
    let touched = Pages::of(context, since.to_owned(), IDS.map(str::to_owned).into());
    for mut pages in [touched, deleted_objects(context, deleted)] {
        while let Some(page) = pages.next(reading).await? {
            // What has no id that may be read cannot have been carried.
            ids.extend(page.iter().filter_map(|entry| id_of(entry).ok()));
            if ids.len() > MOST_TOUCHED {
                return Ok(None);
            }
        }
    }
    Ok(Some(Some(Gone::These(ids.into_iter().collect()))))
}

/// Whether this account sees what was deleted: an account without the right finds the container empty, so it is one that is
/// found there that proves it.
async fn shows_deleted(reading: &mut Reading, context: &str) -> Result<bool, Fault> {
    let mut pages = deleted_objects(context, "(&(isDeleted=TRUE)(uSNChanged>=1))".to_owned());
    match pages.next(reading).await {
        Ok(page) => Ok(page.is_some_and(|page| page.iter().any(is_readable))),
        Err(Fault::Refused { .. }) => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn is_readable(entry: &Entry) -> bool {
    id_of(entry).is_ok()
}

fn deleted_objects(context: &str, filter: String) -> Pages {
    let shown = RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None };
    let base = format!("CN=Deleted Objects,{context}");
    Pages::of(&base, filter, IDS.map(str::to_owned).into()).with(Scope::OneLevel, shown)
}
