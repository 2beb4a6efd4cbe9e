//! [`LdapDirectory`] as a [`Source`]: each call is one connection to one server, and another one is asked only before the
//! first entry has come.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use ldap3::Scope;
use tokio::sync::{Notify, mpsc};

use super::cursor::Mark;
use super::entry::{Wanted, ids_filter};
use super::reading::{Pages, Reading};
use super::{
    Changes, Cursor, Flavour, Gone, Source, SourceEntry, SourceQuery, There, dirsync, stamp, sync, usn, watch,
};
use crate::directory::connection::{Fault, Query};
use crate::directory::server::Server;
use crate::directory::wire::Entry;
use crate::directory::{ChangesBy, DirectoryError, LdapDirectory, Login, NO_SUCH_OBJECT};

/// More changes than this are as well read anew, which takes no memory for all of them at once.
pub(super) const MOST_CHANGED: usize = 20_000;

/// So many ids are asked for in one filter.
pub(super) const IDS_AT_ONCE: usize = 100;

/// What a server says of changes.
#[derive(Debug)]
pub(super) enum Found {
    /// These; `mark` is where to go on.
    Since { changed: Vec<Entry>, gone: Gone, mark: Mark },
    /// It cannot say.
    Lost(String),
}

/// More than [`MOST_CHANGED`].
pub(super) fn too_many() -> Found {
    Found::Lost(format!("more than {MOST_CHANGED} entries changed"))
}

/// All that a search for at most [`IDS_AT_ONCE`] entries finds.
pub(super) async fn few(reading: &mut Reading, pages: Pages) -> Result<Vec<Entry>, Fault> {
    let most = 2 * IDS_AT_ONCE;
    let cause = || format!("a search for few entries found more than {most}");
    let too_many = || Fault::Refused { code: 0, operation: "search", cause: cause() };
    reading.all(pages, most).await?.ok_or_else(too_many)
}

/// A reading whose first page has come.
struct Begun {
    reading: Reading,
    cursor: Cursor,
    pages: Pages,
    first: Option<Vec<Entry>>,
}

impl LdapDirectory {
    async fn begin(&self, server: Arc<Server>, query: &Query, wanted: &Wanted) -> Result<Begun, Fault> {
        let mut reading = Reading::open(server).await?;
        let query = asked_of(&reading, query, wanted);
        let cursor = self.cursor(&mut reading, &query.base).await?;
        let mut pages = Pages::of(&query.base, query.filter.clone(), Arc::clone(&query.attributes));
        let first = pages.next(&mut reading).await?;
        Ok(Begun { reading, cursor, pages, first })
    }

    /// From where on changes are to be asked of this server.
    async fn cursor(&self, reading: &mut Reading, base: &str) -> Result<Cursor, Fault> {
        let now = self.clock.now();
        let mark = match (reading.root.flavour, self.options.changes) {
            (Flavour::ActiveDirectory, ChangesBy::Usn) => usn::mark(reading, now)?,
            (Flavour::ActiveDirectory, ChangesBy::DirSync) => {
                self.first_cookie.mark(reading, base, &*self.clock).await?
            }
            (Flavour::Other, ChangesBy::DirSync) => {
                let cause =
                    "only Active Directory has it; take changes = \"dirsync\" out of the [[directory]]";
                return Err(Fault::Refused { code: 0, operation: "DirSync", cause: cause.to_owned() });
            }
            (Flavour::Other, ChangesBy::Usn) => {
                sync::cookie(reading, base).await?.map_or(Mark::Time(now), Mark::Sync)
            }
        };
        Ok(Cursor { server: self.copy(reading, base).await?, value: mark.text() })
    }

    /// Which copy of the data a server has, as far as cursors are bound to one.
    async fn copy(&self, reading: &mut Reading, base: &str) -> Result<String, Fault> {
        match (reading.root.flavour, self.options.changes) {
            (Flavour::ActiveDirectory, ChangesBy::Usn) => usn::invocation(reading).await,
            (Flavour::ActiveDirectory, ChangesBy::DirSync) => dirsync::domain(reading, base).await,
            (Flavour::Other, _) => Ok(reading.server.url.text.clone()),
        }
    }

    /// `None` when the cursor is not this server's.
    async fn changes_at(
        &self,
        server: Arc<Server>,
        query: &Query,
        wanted: &Wanted,
        (copied_from, mark): (&str, &Mark),
    ) -> Result<Option<Found>, Fault> {
        let mut reading = Reading::open(server).await?;
        let is_dirsync = matches!(mark, Mark::DirSync(..));
        if is_dirsync != (self.options.changes == ChangesBy::DirSync) {
            let cause = "changes were asked for in another way before (changes in the [[directory]])";
            return Ok(Some(Found::Lost(cause.to_owned())));
        }
        if self.copy(&mut reading, &query.base).await? != copied_from {
            return Ok(None);
        }
        let query = &asked_of(&reading, query, wanted);
        let now = self.clock.now();
        match (mark, reading.root.flavour) {
            (Mark::Usn(number, at), Flavour::ActiveDirectory) => {
                usn::changes(&mut reading, query, (*number, *at), now).await.map(Some)
            }
            (Mark::DirSync(cookie, at), Flavour::ActiveDirectory) => {
                dirsync::changes(&mut reading, query, (cookie, *at), &*self.clock).await.map(Some)
            }
            (Mark::Sync(cookie), Flavour::Other) => {
                sync::changes(&mut reading, query, cookie).await.map(Some)
            }
            (Mark::Time(since), Flavour::Other) => {
                stamp::changes(&mut reading, query, *since, now).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The query but for its attributes; refuses a filter that is none.
    fn asked(&self, query: &SourceQuery) -> Result<Query, DirectoryError> {
        let filter = query.filter.trim();
        let filter = if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") };
        if ldap3::parse_filter(&filter).is_err() {
            let cause = format!("\"{}\" is no LDAP filter (RFC 4515)", query.filter);
            return Err(self.refused("reading", cause));
        }
        let base = query.base.clone();
        Ok(Query { base, scope: Scope::Subtree, filter, attributes: Arc::new([]), limit: 0 })
    }

    fn kept(&self, wanted: &mut Wanted, entries: Vec<Entry>) -> Result<Vec<SourceEntry>, DirectoryError> {
        let kept = entries.into_iter().map(|entry| wanted.entry(entry)).collect::<Result<_, _>>();
        kept.map_err(|(dn, cause)| self.unusable(&dn, cause))
    }

    /// All that match one of these filters, one after the other, from one server.
    async fn matching(
        &self,
        query: &SourceQuery,
        filters: impl Fn(Flavour) -> Vec<String>,
        first_only: bool,
    ) -> Result<Vec<SourceEntry>, DirectoryError> {
        let mut wanted = Wanted::new(&query.attributes, self.clock.now());
        let asked = self.asked(query)?;
        let (asked, filters, names) = (&asked, &filters, &wanted);
        let found = self.servers.ask_in_turn(|server| async move {
            let mut reading = Reading::open(server).await?;
            let asked = asked_of(&reading, asked, names);
            let mut found = Vec::new();
            for filter in filters(reading.root.flavour) {
                let filter = format!("(&{}{filter})", asked.filter);
                let pages = Pages::of(&asked.base, filter, Arc::clone(&asked.attributes));
                found.extend(few(&mut reading, pages).await?);
                if first_only && !found.is_empty() {
                    break;
                }
            }
            Ok(Some(found))
        });
        let found = found.await?.unwrap_or_default();
        self.kept(&mut wanted, found)
    }

    /// [`Source::read`], but for the query in its errors.
    async fn read_all(
        &self,
        query: &SourceQuery,
        parts: mpsc::Sender<Vec<SourceEntry>>,
    ) -> Result<Cursor, DirectoryError> {
        let mut wanted = Wanted::new(&query.attributes, self.clock.now());
        let (asked, names) = (&self.asked(query)?, &wanted);
        let begun = self
            .servers
            .ask_in_turn(|server| async move { self.begin(server, asked, names).await.map(Some) });
        let none = || self.refused("reading", "no server was asked".to_owned());
        let Begun { mut reading, cursor, mut pages, first } = begun.await?.ok_or_else(none)?;
        let mut page = first;
        while let Some(entries) = page {
            let kept = self.kept(&mut wanted, entries)?;
            if !kept.is_empty() && parts.send(kept).await.is_err() {
                return Err(self.refused("reading", "nobody takes any more what is read".to_owned()));
            }
            page = match pages.next(&mut reading).await {
                Ok(page) => page,
                Err(fault) => {
                    self.servers.note(&reading.server, &fault);
                    return Err(self.servers.error(&reading.server, &fault));
                }
            };
        }
        Ok(cursor)
    }

    /// [`Source::changes`], but for the query in its errors.
    async fn changed(&self, query: &SourceQuery, cursor: &Cursor) -> Result<Changes, DirectoryError> {
        let mut wanted = Wanted::new(&query.attributes, self.clock.now());
        let asked = &self.asked(query)?;
        let Some(mark) = &Mark::parse(&cursor.value) else {
            return Ok(Changes::Lost(format!("\"{}\" is no cursor", cursor.value)));
        };
        let from = (cursor.server.as_str(), mark);
        let found = self.servers.ask_in_turn(|server| self.changes_at(server, asked, &wanted, from)).await?;
        Ok(match found {
            None => Changes::Lost(format!("the last reading was of another server: {}", cursor.server)),
            Some(Found::Lost(cause)) => Changes::Lost(cause),
            Some(Found::Since { changed, gone, mark }) => {
                let changed = self.kept(&mut wanted, changed)?;
                let gone = without(gone, &changed);
                let cursor = Cursor { server: cursor.server.clone(), value: mark.text() };
                Changes::Since { changed, gone, cursor }
            }
        })
    }

    fn refused(&self, operation: &'static str, cause: String) -> DirectoryError {
        DirectoryError::Refused { code: 0, directory: self.options.name.clone(), operation, cause }
    }
}

#[async_trait]
impl Source for LdapDirectory {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn base(&self) -> &str {
        &self.options.search_base
    }

    fn account(&self) -> Option<&str> {
        self.options.bind_dn.as_deref()
    }

    async fn domains(&self, base: &str) -> Result<Option<Vec<Arc<dyn Source>>>, DirectoryError> {
        if self.options.catalogues() < self.options.urls.len() {
            return Ok(None);
        }
        self.forest(base).await.map(Some)
    }

    async fn flavour(&self) -> Result<Flavour, DirectoryError> {
        let asked = self.servers.ask_in_turn(|server| async move {
            Reading::open(server).await.map(|reading| Some(reading.root.flavour))
        });
        Ok(asked.await?.unwrap_or(Flavour::Other))
    }

    async fn read(
        &self,
        query: &SourceQuery,
        parts: mpsc::Sender<Vec<SourceEntry>>,
    ) -> Result<Cursor, DirectoryError> {
        self.read_all(query, parts).await.map_err(|error| searched(error, query))
    }

    async fn changes(&self, query: &SourceQuery, cursor: &Cursor) -> Result<Changes, DirectoryError> {
        self.changed(query, cursor).await.map_err(|error| searched(error, query))
    }

    async fn by_ids(&self, query: &SourceQuery, ids: &[String]) -> Result<Vec<SourceEntry>, DirectoryError> {
        let filters =
            |flavour| ids.chunks(IDS_AT_ONCE).filter_map(|part| ids_filter(flavour, part)).collect();
        self.matching(query, filters, false).await.map_err(|error| searched(error, query))
    }

    async fn by_login(&self, query: &SourceQuery, login: &str) -> Result<Vec<SourceEntry>, DirectoryError> {
        let Some(login) = Login::parse(login) else { return Ok(Vec::new()) };
        let names = self.local_names(login.as_str());
        let filters = |_| names.iter().map(|name| self.login_filter.filter(name)).collect();
        self.matching(query, filters, true).await.map_err(|error| searched(error, query))
    }

    async fn there(&self, dns: &[String]) -> Result<Vec<There>, DirectoryError> {
        self.are_there(dns).await
    }

    async fn watch(&self, base: &str, changed: &Notify) -> Result<(), DirectoryError> {
        let opened = self.servers.ask_in_turn(|server| async { Reading::open(server).await.map(Some) });
        let none = || self.refused("watching", "no server was asked".to_owned());
        let mut reading = opened.await?.ok_or_else(none)?;
        watch::watch(&mut reading, base, changed).await.map_err(|fault| {
            self.servers.note(&reading.server, &fault);
            self.servers.error(&reading.server, &fault)
        })
    }
}

/// The error with what was asked; where the base is not there, with the keys that name it.
fn searched(error: DirectoryError, query: &SourceQuery) -> DirectoryError {
    let DirectoryError::Refused { code, directory, operation, cause } = error else { return error };
    let mut cause = if operation == "search" { cause } else { format!("{operation}: {cause}") };
    if code == NO_SUCH_OBJECT {
        cause = format!(
            "{cause}; correct search_base of the [[directory]] \
             \"{directory}\", or of the [[sync]] where that has its own"
        );
    }
    DirectoryError::Search { code, directory, filter: query.filter.clone(), base: query.base.clone(), cause }
}

/// The query with the attributes that a server of this kind knows.
fn asked_of(reading: &Reading, query: &Query, wanted: &Wanted) -> Query {
    Query { attributes: wanted.names(reading.root.flavour), ..query.clone() }
}

/// Who changed is there.
fn without(gone: Gone, changed: &[SourceEntry]) -> Gone {
    let there: HashSet<&str> = changed.iter().map(|entry| entry.id.as_str()).collect();
    match gone {
        Gone::These(mut ids) => {
            ids.retain(|id| !there.contains(id.as_str()));
            ids.sort_unstable();
            Gone::These(ids)
        }
        Gone::AllBut(mut ids) => {
            let known: HashSet<String> = ids.iter().cloned().collect();
            ids.extend(there.into_iter().filter(|id| !known.contains(*id)).map(str::to_owned));
            Gone::AllBut(ids)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Attributes;

    #[test]
    fn a_base_is_corrected_where_the_code_says_so_and_not_the_text() {
        let query =
            SourceQuery { base: "dc=x".to_owned(), filter: "(cn=*)".to_owned(), attributes: Vec::new() };
        for (code, is_remedied) in [(32, true), (53, false)] {
            let cause = "text: noSuchObject".to_owned();
            let refused =
                DirectoryError::Refused { code, directory: "corp".to_owned(), operation: "search", cause };
            let DirectoryError::Search { code: told, cause, .. } = searched(refused, &query) else {
                panic!()
            };
            assert_eq!((told, cause.contains("correct search_base")), (code, is_remedied));
        }
    }

    #[test]
    fn who_changed_is_not_gone() {
        let changed = ["b", "c"].map(|id| SourceEntry {
            id: id.to_owned(),
            dn: String::new(),
            disabled: false,
            attributes: Attributes::new(),
        });
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(without(Gone::These(ids(&["d", "b", "a"])), &changed), Gone::These(ids(&["a", "d"])));
        let Gone::AllBut(mut there) = without(Gone::AllBut(ids(&["a", "b"])), &changed) else { panic!() };
        there.sort_unstable();
        assert_eq!(there, ids(&["a", "b", "c"]));
    }
}
