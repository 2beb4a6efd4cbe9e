//! [`Reading`]: one connection of the service account on which all of one call happens, and [`Pages`] on it.
//!
//! Whatever ends a search before its end is a fault: there is no short result. Limits of time hold for one page, or for
//! the next item of a search without pages, never for the whole.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, PagedResults, RawControl};
use ldap3::{LdapResult, ResultEntry, Scope, SearchOptions};

use super::Flavour;
use crate::directory::NO_SUCH_OBJECT;
use crate::directory::active_directory::CAPABILITY;
use crate::directory::connection::{Connection, Fault, Query, complete, guarded, limited};
use crate::directory::policy::innermost;
use crate::directory::server::Server;
use crate::directory::wire::Entry;

/// Active Directory gives no more at once (MaxPageSize).
const PAGE: i32 = 1000;

/// What AD LDS says instead of Active Directory's [`CAPABILITY`].
const LIGHTWEIGHT: &str = "1.2.840.113556.1.4.1851";

const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// So many times the limit of a sign-in's search a page may take: a minute by default.
const PAGE_TIME: u32 = 12;

/// A server that gives so many pages without an entry one after the other is going in circles.
const MOST_EMPTY: usize = 1000;

/// What a server tells of itself in its root DSE.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) flavour: Flavour,
    pub(super) openldap: bool,
    contexts: Vec<String>,
    /// `highestCommittedUSN`.
    pub(super) usn: Option<u64>,
    /// `dsServiceName`: where a domain controller has its settings.
    pub(super) service: Option<String>,
}

impl Root {
    fn of(entry: &Entry) -> Self {
        let says = |name, value: &str| entry.texts(name).any(|text| text.eq_ignore_ascii_case(value));
        let ad = [CAPABILITY, LIGHTWEIGHT].into_iter().any(|oid| says("supportedCapabilities", oid));
        Self {
            flavour: if ad { Flavour::ActiveDirectory } else { Flavour::Other },
            openldap: says("objectClass", "OpenLDAProotDSE"),
            contexts: entry.texts("namingContexts").map(str::to_owned).collect(),
            usn: entry.text("highestCommittedUSN").and_then(|text| text.parse().ok()),
            service: entry.text("dsServiceName").map(str::to_owned),
        }
    }

    /// The naming context that holds this DN.
    pub(super) fn context(&self, dn: &str) -> Option<&str> {
        innermost(self.contexts.iter().map(String::as_str), dn)
    }
}

/// A connection, and what is known of its server.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) server: Arc<Server>,
    pub(super) root: Root,
    pub(super) connection: Connection,
    pub(super) limit: Duration,
}

impl Reading {
    /// Connects anew and asks the server what it is.
    pub(super) async fn open(server: Arc<Server>) -> Result<Self, Fault> {
        if server.url.is_catalogue() {
            // What it lacks would look like what was removed.
            let cause = format!("{} is a global catalogue, which knows few attributes", server.url.text);
            return Err(Fault::Refused { code: 0, operation: "reading", cause });
        }
        Self::of_catalogue(server).await
    }

    /// The same, to read the configuration of the forest, of which a global catalogue has all.
    pub(super) async fn of_catalogue(server: Arc<Server>) -> Result<Self, Fault> {
        let mut connection = server.open_for_search().await?;
        let names = [
            "objectClass",
            "supportedCapabilities",
            "namingContexts",
            "highestCommittedUSN",
            "dsServiceName",
        ];
        let found = connection.search(&Query::of_entry("", &names)).await?;
        let nothing = Entry { dn: String::new(), attributes: Vec::new() };
        let root = Root::of(found.entries.first().unwrap_or(&nothing));
        let limit = server.approach.limits.answer.saturating_mul(PAGE_TIME);
        Ok(Self { server, root, connection, limit })
    }

    /// One entry by its DN, with these attributes.
    pub(super) async fn entry(&mut self, dn: &str, names: &[&str]) -> Result<Option<Entry>, Fault> {
        Ok(self.connection.search(&Query::of_entry(dn, names)).await?.entries.into_iter().next())
    }

    /// All that a search finds, for searches that find little; `None` when it is more than `most`.
    pub(super) async fn all(&mut self, mut pages: Pages, most: usize) -> Result<Option<Vec<Entry>>, Fault> {
        let mut found = Vec::new();
        while let Some(mut page) = pages.next(self).await? {
            found.append(&mut page);
            if found.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// Reads what is missing of attributes that came in part.
    pub(super) async fn complete(&mut self, entries: &mut [Entry]) -> Result<(), Fault> {
        for entry in entries.iter_mut().filter(|entry| entry.cut().is_some()) {
            let whole = complete(&mut self.connection.ldap, entry);
            limited(self.limit, "a part of an attribute", guarded(whole)).await??;
        }
        Ok(())
    }

    /// Runs one search to its end; each entry or message goes to `item`, and references to other servers are counted.
    /// `None` when `item` ended it: then this connection is of no more use. What the result means is for the caller to
    /// [`judge`].
    pub(super) async fn run(
        &mut self,
        query: &Query,
        controls: Vec<RawControl>,
        mut item: impl FnMut(ResultEntry) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<Option<Ended>, Fault> {
        let limit = self.limit;
        let seconds = i32::try_from(limit.as_secs()).unwrap_or(0).max(1);
        let ldap = &mut self.connection.ldap;
        ldap.with_controls(controls).with_search_options(SearchOptions::new().timelimit(seconds));
        let start = ldap.streaming_search(&query.base, query.scope, &query.filter, &*query.attributes);
        let mut stream = limited(limit, "the search", guarded(start)).await?;
        let mut references = 0;
        while let Some(next) = limited(limit, "the search", guarded(stream.next())).await? {
            if next.is_ref() {
                references += 1;
            } else if item(next)?.is_break() {
                return Ok(None);
            }
        }
        Ok(Some(Ended { result: stream.finish().await, references }))
    }
}

/// How a search ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) result: LdapResult,
    pub(super) references: usize,
}

/// Anything but success is no result.
pub(super) fn judge(result: LdapResult, query: &Query) -> Result<LdapResult, Fault> {
    let code = result.rc;
    let refused = |cause: String| Err(Fault::Refused { code, operation: "search", cause });
    match code {
        0 => Ok(result),
        // busy, unavailable
        51 | 52 => Err(Fault::Lost(result.to_string())),
        // timeLimitExceeded, sizeLimitExceeded, adminLimitExceeded
        3 | 4 | 11 => {
            refused(format!("{result}; let the server give bind_dn all that there is, without limits"))
        }
        10 => refused(format!(
            "\"{}\" is held by another server (referral); set the base and urls to match",
            query.base
        )),
        NO_SUCH_OBJECT => {
            refused(format!("{result}: \"{}\" does not exist or may not be read by bind_dn", query.base))
        }
        _ => refused(result.to_string()),
    }
}

/// An item of a search that must be an entry; others are passed over.
pub(super) fn decoded(item: ResultEntry) -> Result<Option<Entry>, Fault> {
    if item.is_intermediate() {
        return Ok(None);
    }
    let malformed = || Fault::Lost("the server sent a malformed entry".to_owned());
    Entry::decode(item).map(Some).ok_or_else(malformed)
}

/// Simple paged results (RFC 2696) of one search.
#[derive(Debug)]
pub(super) struct Pages {
    query: Query,
    /// What goes along with each page.
    controls: Vec<RawControl>,
    cookie: Vec<u8>,
    state: State,
    empty: usize,
    seen: usize,
    references: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    /// The server has given a page and a cookie.
    Paging,
    Ended,
}

impl Pages {
    /// Of a subtree.
    pub(super) fn of(base: &str, filter: String, attributes: Arc<[String]>) -> Self {
        let query = Query { base: base.to_owned(), scope: Scope::Subtree, filter, attributes, limit: 0 };
        Self {
            query,
            controls: Vec::new(),
            cookie: Vec::new(),
            state: State::Fresh,
            empty: 0,
            seen: 0,
            references: 0,
        }
    }

    /// The same with another scope and a control for each page.
    pub(super) fn with(mut self, scope: Scope, control: RawControl) -> Self {
        self.query.scope = scope;
        self.controls.push(control);
        self
    }

    /// The next page, with attributes whole where the server gave a range; `None` when there is none any more.
    pub(super) async fn next(&mut self, reading: &mut Reading) -> Result<Option<Vec<Entry>>, Fault> {
        if self.state == State::Ended {
            return Ok(None);
        }
        let mut controls = self.controls.clone();
        controls.push(PagedResults { size: PAGE, cookie: std::mem::take(&mut self.cookie) }.into());
        let mut entries = Vec::with_capacity(PAGE.unsigned_abs() as usize);
        let limit = reading.limit;
        let running = reading.run(&self.query, controls, |item| {
            entries.extend(decoded(item)?);
            Ok(ControlFlow::Continue(()))
        });
        let ended = limited(limit, "a page", running).await?;
        if let Some(Ended { result, references }) = ended {
            self.references += references;
            let result = judge(result, &self.query)?;
            self.turn(&result.ctrls, entries.len())?;
        }
        if self.state == State::Ended && reading.root.flavour == Flavour::Other {
            self.refuse_what_is_elsewhere()?;
        }
        reading.complete(&mut entries).await?;
        Ok(Some(entries))
    }

    /// Takes over what the server says of the next page.
    fn turn(&mut self, controls: &[Control], count: usize) -> Result<(), Fault> {
        self.seen += count;
        let paged = controls.iter().find(|Control(_, raw)| raw.ctype == PAGED_RESULTS);
        let broken = || Fault::Lost("the server sent a malformed answer to a page".to_owned());
        self.cookie = match (paged, self.state) {
            (Some(Control(_, raw)), _) => raw.val.as_deref().and_then(cookie).ok_or_else(broken)?,
            // It does not know pages: then this was all, since it said success.
            (None, State::Fresh) => Vec::new(),
            (None, _) => {
                return Err(Fault::Lost(
                    "the server forgot between two pages that it gives pages".to_owned(),
                ));
            }
        };
        self.empty = if count == 0 { self.empty + 1 } else { 0 };
        if self.empty > MOST_EMPTY {
            return Err(Fault::Lost(format!("the server sent {MOST_EMPTY} empty pages one after the other")));
        }
        self.state = if self.cookie.is_empty() { State::Ended } else { State::Paging };
        Ok(())
    }

    /// Active Directory names its other partitions with every search; with others a reference means entries that are
    /// not here.
    fn refuse_what_is_elsewhere(&self) -> Result<(), Fault> {
        if self.references == 0 || self.seen > 0 {
            return Ok(());
        }
        let cause = format!(
            "all of \"{}\" is held by other servers (references); set urls to match",
            self.query.base
        );
        Err(Fault::Refused { code: 0, operation: "search", cause })
    }
}

/// The cookie of realSearchControlValue ::= SEQUENCE { size INTEGER, cookie OCTET STRING }.
fn cookie(value: &[u8]) -> Option<Vec<u8>> {
    let (_, sequence) = parse_tag(value).ok()?;
    let mut parts = sequence.expect_constructed()?.into_iter();
    parts.next()?;
    match parts.next()? {
        StructureTag { payload: PL::P(octets), .. } => Some(octets),
        StructureTag { payload: PL::C(_), .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: &[u8]) -> Vec<Control> {
        vec![Control(
            None,
            RawControl { ctype: PAGED_RESULTS.to_owned(), crit: false, val: Some(value.to_vec()) },
        )]
    }

    fn pages() -> Pages {
        Pages::of("dc=x", "(uid=*)".to_owned(), Arc::new([]))
    }

    #[test]
    fn pages_go_on_until_the_cookie_is_empty() {
        let mut pages = pages();
        pages.turn(&answer(&[0x30, 0x06, 0x02, 0x01, 0x00, 0x04, 0x01, 0x07]), 1000).unwrap();
        assert_eq!((pages.state, pages.cookie.as_slice()), (State::Paging, &[7][..]));
        pages.turn(&answer(&[0x30, 0x05, 0x02, 0x01, 0x00, 0x04, 0x00]), 3).unwrap();
        assert_eq!(pages.state, State::Ended);
    }

    #[test]
    fn a_server_without_pages_gives_all_at_once_but_does_not_stop_giving_them() {
        let mut without = pages();
        without.turn(&[], 5000).unwrap();
        assert_eq!(without.state, State::Ended);
        let mut forgetful = pages();
        forgetful.turn(&answer(&[0x30, 0x06, 0x02, 0x01, 0x00, 0x04, 0x01, 0x07]), 1000).unwrap();
        assert!(matches!(forgetful.turn(&[], 1000), Err(Fault::Lost(_))));
    }

    #[test]
    fn a_malformed_cookie_or_a_circle_is_a_fault() {
        for value in [
            &[][..],
            &[0x30, 0x00],
            &[0x30, 0x03, 0x02, 0x01, 0x00],
            &[0x04, 0x01, 0x07],
            &[0x30, 0x7f, 0x02],
        ] {
            assert!(pages().turn(&answer(value), 1).is_err(), "{value:?}");
        }
        let mut circle = pages();
        let going_on = answer(&[0x30, 0x06, 0x02, 0x01, 0x00, 0x04, 0x01, 0x07]);
        let turns = (0..=MOST_EMPTY).map(|_| circle.turn(&going_on, 0)).filter(Result::is_err).count();
        assert_eq!(turns, 1);
    }
}
