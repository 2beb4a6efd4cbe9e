//! What is read around a write: entries by DN, by id and by filter, and all of them page by page.

use ldap3::controls::{Control, ControlType, PagedResults, RawControl};
use ldap3::{Ldap, LdapError, LdapResult, Scope, SearchOptions};
use tokio::sync::mpsc;

use super::super::connection::{Fault, Query, guarded, limited};
use super::super::entry_id::{id_filter, id_of};
use super::super::wire::Entry;
use super::home::Line;
use super::{DirectoryEntry, LdapWriter, WriteFault};
use crate::identity::{Attributes, Value, is_secret};

/// Entries of one page; Active Directory gives no more than 1,000, OpenLDAP 500 as it is installed.
const PAGE: i32 = 500;
/// So many pages may be empty one after another: a filter may leave out much.
const MOST_EMPTY: u32 = 1_000;

/// More entries in one answer are taken for a fault of the server.
const MOST_ENTRIES: usize = 100_000;

/// What a server that makes no sense is refused with.
const PROTOCOL_ERROR: u32 = 2;

/// Ids in one filter.
const BATCH: usize = 100;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Below which entry, itself included.
    pub base: String,
    /// Which ones (RFC 4515).
    pub filter: String,
    /// With which attributes; none: all that people set. Secret ones are never asked for, nor kept.
    pub attributes: Vec<String>,
    /// At most so many; 0 is no limit.
    pub limit: usize,
}

struct Page {
    entries: Vec<Entry>,
    malformed: bool,
    result: LdapResult,
    /// Where the next page begins; empty after the last.
    cookie: Vec<u8>,
}

impl LdapWriter {
    /// One entry by its DN; `None` when there is none.
    pub async fn read(&self, dn: &str, attributes: &[String]) -> Result<Option<DirectoryEntry>, WriteFault> {
        let filter = "(objectClass=*)".to_owned();
        let reading = Reading { base: dn.to_owned(), filter, attributes: attributes.to_vec(), limit: 1 };
        match self.found(&reading, Scope::Base).await {
            Ok(found) => Ok(found.into_iter().next()),
            Err(fault) if fault.code() == Some(32) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The entries that a filter names, below the base.
    pub async fn search(&self, reading: &Reading) -> Result<Vec<DirectoryEntry>, WriteFault> {
        self.found(reading, Scope::Subtree).await
    }

    /// Entries by their ids (objectGUID or entryUUID in text form), those of them that match the base and filter of
    /// `reading`, in any order.
    pub async fn by_ids(&self, reading: &Reading, ids: &[String]) -> Result<Vec<DirectoryEntry>, WriteFault> {
        let active_directory = self.is_active_directory().await?;
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            let each: Vec<String> = batch.iter().filter_map(|id| id_filter(id, active_directory)).collect();
            let any = match each.as_slice() {
                [] => continue,
                [one] => one.clone(),
                more => format!("(|{})", more.concat()),
            };
            let filter = format!("(&{}{any})", reading.filter);
            let part = Reading { filter, limit: 0, ..reading.clone() };
            found.extend(self.found(&part, Scope::Subtree).await?);
        }
        Ok(found)
    }

    /// All entries that a filter names, page by page. Only an `Ok` says that these were all; a receiver that is gone
    /// ends it with [`WriteFault::Refused`].
    pub async fn list(
        &self,
        reading: &Reading,
        parts: mpsc::Sender<Vec<DirectoryEntry>>,
    ) -> Result<(), WriteFault> {
        let mut line = self.line().await?;
        let mut cookie = Vec::new();
        let mut empty = 0;
        loop {
            let control = RawControl::from(PagedResults { size: PAGE, cookie: cookie.clone() });
            let page = match self.page(&mut line, reading, Scope::Subtree, Some(control)).await {
                // Nothing was heard yet: a kept connection had died.
                Err(Fault::Lost(cause)) if line.kept => {
                    self.leave(&line.home, &Fault::Lost(cause));
                    line = self.line().await?;
                    line.kept = false;
                    continue;
                }
                other => other.map_err(|fault| self.lost(&line, &fault))?,
            };
            line.kept = false;
            cookie.clone_from(&page.cookie);
            let entries = self.judged(&mut line, reading, page).await?;
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            if empty > MOST_EMPTY {
                return Err(WriteFault::here("search", &reading.base, 80, "the server's pages have no end"));
            }
            if !entries.is_empty() && parts.send(entries).await.is_err() {
                return Err(WriteFault::here("search", &reading.base, 88, "nobody waits for the entries"));
            }
            if cookie.is_empty() {
                line.give_back();
                return Ok(());
            }
        }
    }

    async fn found(&self, reading: &Reading, scope: Scope) -> Result<Vec<DirectoryEntry>, WriteFault> {
        if ldap3::parse_filter(&reading.filter).is_err() {
            let text = format!("\"{}\" is no filter", reading.filter);
            return Err(WriteFault::here("search", &reading.base, 87, text));
        }
        let mut line = self.line().await?;
        let page = match self.page(&mut line, reading, scope, None).await {
            Err(Fault::Lost(cause)) if line.kept => {
                self.leave(&line.home, &Fault::Lost(cause));
                line = self.line().await?;
                self.page(&mut line, reading, scope, None).await
            }
            other => other,
        };
        let page = page.map_err(|fault| self.lost(&line, &fault))?;
        let found = self.judged(&mut line, reading, page).await;
        if found.as_ref().err().and_then(WriteFault::code) != Some(PROTOCOL_ERROR) {
            line.give_back();
        }
        found
    }

    async fn page(
        &self,
        line: &mut Line,
        reading: &Reading,
        scope: Scope,
        control: Option<RawControl>,
    ) -> Result<Page, Fault> {
        let ldap = &mut line.lease.connection.ldap;
        limited(self.patience(), "the search", guarded(page(ldap, reading, scope, control))).await
    }

    fn lost(&self, line: &Line, fault: &Fault) -> WriteFault {
        self.leave(&line.home, fault);
        self.not_connected(&line.home, fault)
    }

    /// The entries of an answer, whole.
    async fn judged(
        &self,
        line: &mut Line,
        reading: &Reading,
        page: Page,
    ) -> Result<Vec<DirectoryEntry>, WriteFault> {
        let refused = |code, text: &str| WriteFault::here("search", &reading.base, code, text);
        match page.result.rc {
            0 => {}
            4 if reading.limit > 0 && !page.entries.is_empty() => {}
            4 => return Err(refused(4, "raise the size limit of bind_dn at the server")),
            code => return Err(refused(code, &page.result.text)),
        }
        if page.malformed {
            return Err(refused(PROTOCOL_ERROR, "the server sent a malformed entry"));
        }
        let mut entries = Vec::with_capacity(page.entries.len());
        for mut entry in page.entries {
            if entry.cut().is_some() {
                let names: Vec<String> = asked(&reading.attributes);
                let query = Query::entry(&entry.dn, names.into());
                let found = line.lease.connection.search(&query).await;
                let found = found.map_err(|fault| refused(PROTOCOL_ERROR, &fault.to_string()))?;
                // Removed meanwhile, when there is none.
                let Some(whole) = found.entries.into_iter().next() else { continue };
                entry = whole;
            }
            let id = id_of(&entry).map_err(|cause| WriteFault::here("search", &entry.dn, 50, cause))?;
            entries.push(DirectoryEntry { id, attributes: attributes(&entry), dn: entry.dn });
        }
        Ok(entries)
    }
}

/// What is asked for: the id always, secrets never.
fn asked(names: &[String]) -> Vec<String> {
    let all = ["*".to_owned()];
    let wanted = if names.is_empty() { &all } else { names };
    let ids = ["objectGUID", "entryUUID"].map(str::to_owned);
    wanted.iter().filter(|name| !is_secret(name)).cloned().chain(ids).collect()
}

async fn page(
    ldap: &mut Ldap,
    reading: &Reading,
    scope: Scope,
    control: Option<RawControl>,
) -> Result<Page, LdapError> {
    if let Some(control) = control {
        ldap.with_controls(vec![control]);
    }
    let limit = i32::try_from(reading.limit).unwrap_or(0);
    let mut stream = ldap
        .with_search_options(SearchOptions::new().sizelimit(limit))
        .streaming_search(&reading.base, scope, &reading.filter, asked(&reading.attributes))
        .await?;
    let (mut entries, mut malformed) = (Vec::new(), false);
    while let Some(item) = stream.next().await? {
        if item.is_ref() || item.is_intermediate() {
            continue;
        }
        match Entry::decode(item) {
            Some(entry) if entries.len() < MOST_ENTRIES => entries.push(entry),
            _ => malformed = true,
        }
    }
    let result = stream.finish().await;
    if reading.limit > 0 {
        // A server that minds no size limit.
        entries.truncate(reading.limit);
    }
    let cookie = next_cookie(&result.ctrls);
    Ok(Page { entries, malformed, result, cookie })
}

fn next_cookie(controls: &[Control]) -> Vec<u8> {
    let paged = controls.iter().find(|Control(kind, _)| matches!(kind, Some(ControlType::PagedResults)));
    paged.map(|Control(_, raw)| raw.parse::<PagedResults>().cookie).unwrap_or_default()
}

fn attributes(entry: &Entry) -> Attributes {
    let mut kept = Attributes::new();
    for (name, values) in entry.attributes.iter().filter(|(name, _)| !is_secret(name)) {
        kept.append(name, values.iter().map(|octets| value(octets)));
    }
    kept
}

fn value(octets: &[u8]) -> Value {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.contains('\0') => text.into(),
        _ => Value::Binary(octets.to_vec()),
    }
}
