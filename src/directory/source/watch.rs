//! A lasting search that tells that something changed, so that nobody needs to ask again and again: refreshAndPersist of
//! RFC 4533 at OpenLDAP, change notifications of Active Directory (\[MS-ADTS\] 3.1.1.3.4.1.9).
//!
//! It says that there is news, not what: what changed is asked by a cursor, as at any other time, so that what a lasting
//! search misses is late and not lost.

use std::sync::Arc;
use std::time::Duration;

use ldap3::Scope;
use ldap3::controls::{RawControl, RefreshMode, SyncRequest};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Flavour;
use super::reading::{Reading, judge};
use super::sync;
use super::usn::SHOW_DELETED;
use crate::directory::connection::{Fault, Query, guarded, limited};

/// LDAP_SERVER_NOTIFICATION_OID.
const NOTIFICATION: &str = "1.2.840.113556.1.4.528";

/// A firewall may forget a connection on which nothing happens, and neither end hears of it.
const RENEWED_AFTER: Duration = Duration::from_mins(10);

/// Notifies at the beginning, since nobody knows what was before, and at each change below `base` from then on, until it
/// is to be begun anew.
pub(super) async fn watch(reading: &mut Reading, base: &str, changed: &Notify) -> Result<(), Fault> {
    let (base, controls) = match reading.root.flavour {
        Flavour::ActiveDirectory => notification(reading, base),
        Flavour::Other => persist(reading, base).await?,
    };
    let query = Query {
        base,
        scope: Scope::Subtree,
        // Active Directory takes no other one.
        filter: "(objectClass=*)".to_owned(),
        attributes: Arc::new(["1.1".to_owned()]),
        limit: 0,
    };
    let ldap = &mut reading.connection.ldap;
    ldap.with_controls(controls);
    let start = ldap.streaming_search(&query.base, query.scope, &query.filter, &*query.attributes);
    let mut stream = limited(reading.limit, "the lasting search", guarded(start)).await?;
    changed.notify_one();
    let telling = async {
        while let Some(item) = guarded(stream.next()).await? {
            if !item.is_ref() && !item.is_intermediate() {
                changed.notify_one();
            }
        }
        Ok(())
    };
    match timeout(RENEWED_AFTER, telling).await {
        Err(_) => Ok(()),
        Ok(Err(fault)) => Err(fault),
        Ok(Ok(())) => {
            let result = stream.finish().await;
            // e-syncRefreshRequired (RFC 4533 section 2.6)
            if result.rc == 4096 {
                return Ok(());
            }
            let result = judge(result, &query)?;
            let cause = format!("the server ended the lasting search ({result}); it may not have it");
            Err(Fault::Refused { code: 0, operation: "search", cause })
        }
    }
}

/// Of the whole domain: below less than a naming context there are none. Deletions are told to an account that sees what
/// was deleted.
fn notification(reading: &Reading, base: &str) -> (String, Vec<RawControl>) {
    let context = reading.root.context(base).unwrap_or(base).to_owned();
    let notification = RawControl { ctype: NOTIFICATION.to_owned(), crit: true, val: None };
    let deleted = RawControl { ctype: SHOW_DELETED.to_owned(), crit: false, val: None };
    (context, vec![notification, deleted])
}

async fn persist(reading: &mut Reading, base: &str) -> Result<(String, Vec<RawControl>), Fault> {
    let Some(cookie) = sync::cookie(reading, base).await? else {
        let cause = format!(
            "there is no cookie of RFC 4533 for \"{base}\"; OpenLDAP needs the overlay syncprov, and bind_dn must be \
             able to read that entry"
        );
        return Err(Fault::Refused { code: 0, operation: "search", cause });
    };
    let mode = RefreshMode::RefreshAndPersist;
    let mut control = RawControl::from(SyncRequest { mode, cookie: Some(cookie), reload_hint: false });
    control.crit = true;
    Ok((base.to_owned(), vec![control]))
}
