//! Changes by the content synchronisation of RFC 4533 (refreshOnly), as OpenLDAP's syncprov gives it.
//!
//! Other servers bind their cookies to one search, so that theirs cannot be had beside a reading by pages; they are asked
//! by `stamp`.

use std::ops::ControlFlow;
use std::sync::Arc;

use ldap3::Scope;
use ldap3::controls::{RawControl, RefreshMode, SyncRequest};

use super::cursor::Mark;
use super::ldap::{Found, MOST_CHANGED};
use super::reading::{Reading, judge};
use super::sync_message::{Done, Refresh};
use super::units;
use crate::directory::connection::{Fault, Query};

/// A filter that no entry matches.
const NOBODY: &str = "(!(objectClass=*))";

fn request(cookie: Option<Vec<u8>>) -> Vec<RawControl> {
    vec![SyncRequest { mode: RefreshMode::RefreshOnly, cookie, reload_hint: false }.into()]
}

/// The cookie of this moment; `None` when the server has none to give.
pub(super) async fn cookie(reading: &mut Reading, base: &str) -> Result<Option<Vec<u8>>, Fault> {
    if !reading.root.openldap {
        return Ok(None);
    }
    let query = Query {
        base: base.to_owned(),
        scope: Scope::Base,
        filter: NOBODY.to_owned(),
        attributes: Arc::new(["1.1".to_owned()]),
        limit: 0,
    };
    let ended = reading.run(&query, request(None), |_| Ok(ControlFlow::Continue(()))).await?;
    let done = ended.filter(|ended| ended.result.rc == 0).and_then(|ended| Done::of(&ended.result.ctrls));
    Ok(done.and_then(|done| done.cookie).filter(|cookie| !cookie.is_empty()))
}

/// What changed since the cookie was given.
pub(super) async fn changes(reading: &mut Reading, query: &Query, cookie: &[u8]) -> Result<Found, Fault> {
    let mut refresh = Refresh::default();
    let ended =
        reading.run(query, request(Some(cookie.to_vec())), |item| refresh.take(item, MOST_CHANGED)).await?;
    let Some(ended) = ended else { return Ok(Found::Lost(refresh.broken())) };
    // e-syncRefreshRequired (RFC 4533 section 2.6); unwillingToPerform, when the server is older than the cookie.
    if matches!(ended.result.rc, 4096 | 53) {
        return Ok(Found::Lost(format!("the server does not take the cookie any more: {}", ended.result)));
    }
    let result = judge(ended.result, query)?;
    let Some(done) = Done::of(&result.ctrls) else {
        return Ok(Found::Lost("the server does not synchronise any more (RFC 4533)".to_owned()));
    };
    let Some((mut changed, gone)) = refresh.end(&done) else {
        return Ok(Found::Lost("the server says that nothing is left".to_owned()));
    };
    // After the refresh: its new cookie holds what was done to units until then.
    if units::touched_since_cookie(reading, &query.base, cookie).await? {
        return Ok(units::lost());
    }
    reading.complete(&mut changed).await?;
    let mark = Mark::Sync(done.cookie.unwrap_or_else(|| cookie.to_vec()));
    Ok(Found::Since { changed, gone, mark })
}
