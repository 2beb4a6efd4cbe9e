//! [`FileDirectory`] as a [`Source`]: `people.toml` is small, so it is compared as a whole.
//!
//! An entry's id is its attribute `entryUUID` where it has one, else its login; its DN is `uid=<login>,o=<directory>`,
//! or the attribute `dn`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use super::matching::Filter;
use super::{Changes, Cursor, Flavour, Gone, Source, SourceEntry, SourceQuery, There};
use crate::directory::dn::Dn;
use crate::directory::file::{FileDirectory, Person, fold};
use crate::directory::filter::escape_dn;
use crate::directory::{DirectoryError, Login};
use crate::identity::Attributes;

impl FileDirectory {
    fn entries(&self, query: &SourceQuery) -> Result<Vec<SourceEntry>, DirectoryError> {
        let refused = |cause| DirectoryError::Search {
            code: 0,
            directory: self.name.clone(),
            filter: query.filter.clone(),
            base: query.base.clone(),
            cause,
        };
        let no_filter = || refused(format!("\"{}\" is no LDAP filter (RFC 4515)", query.filter));
        let filter = Filter::parse(&query.filter).ok_or_else(no_filter)?;
        let base = if query.base.is_empty() {
            None
        } else {
            let no_dn = || refused(format!("\"{}\" is no DN (RFC 4514)", query.base));
            Some(Dn::parse(&query.base).ok_or_else(no_dn)?)
        };
        let people = self.people();
        let mut found = Vec::new();
        for person in people.values() {
            let attributes = with_names(person);
            let dn = attributes.first_text("dn").map_or_else(
                || format!("uid={},{}", escape_dn(&person.subject.login), self.root),
                str::to_owned,
            );
            let is_below =
                base.as_ref().is_none_or(|base| Dn::parse(&dn).is_some_and(|dn| dn.is_under(base)));
            if is_below && filter.matches(&attributes) {
                found.push(entry(person, dn, attributes, &query.attributes));
            }
        }
        Ok(found)
    }

    fn cursor(&self, entries: &[SourceEntry]) -> Cursor {
        let mut hasher = DefaultHasher::new();
        for entry in entries {
            (&entry.id, &entry.dn, entry.disabled).hash(&mut hasher);
            entry.attributes.iter().for_each(|attribute| attribute.hash(&mut hasher));
        }
        Cursor { server: file(&self.path), value: format!("{}-{:016x}", entries.len(), hasher.finish()) }
    }
}

#[async_trait]
impl Source for FileDirectory {
    fn name(&self) -> &str {
        &self.name
    }

    fn base(&self) -> &str {
        &self.root
    }

    fn account(&self) -> Option<&str> {
        None
    }

    async fn flavour(&self) -> Result<Flavour, DirectoryError> {
        Ok(Flavour::Other)
    }

    async fn read(
        &self,
        query: &SourceQuery,
        parts: mpsc::Sender<Vec<SourceEntry>>,
    ) -> Result<Cursor, DirectoryError> {
        let entries = self.entries(query)?;
        let cursor = self.cursor(&entries);
        if !entries.is_empty() && parts.send(entries).await.is_err() {
            return Err(DirectoryError::Refused {
                directory: self.name.clone(),
                code: 0,
                operation: "reading",
                cause: "nobody takes any more what is read".to_owned(),
            });
        }
        Ok(cursor)
    }

    async fn changes(&self, query: &SourceQuery, cursor: &Cursor) -> Result<Changes, DirectoryError> {
        let entries = self.entries(query)?;
        let now = self.cursor(&entries);
        if now.server != cursor.server {
            return Ok(Changes::Lost(format!("the last reading was of another file: {}", cursor.server)));
        }
        if now == *cursor {
            return Ok(Changes::Since { changed: Vec::new(), gone: Gone::These(Vec::new()), cursor: now });
        }
        let gone = Gone::AllBut(entries.iter().map(|entry| entry.id.clone()).collect());
        Ok(Changes::Since { changed: entries, gone, cursor: now })
    }

    async fn by_ids(&self, query: &SourceQuery, ids: &[String]) -> Result<Vec<SourceEntry>, DirectoryError> {
        let mut entries = self.entries(query)?;
        entries.retain(|entry| ids.contains(&entry.id));
        Ok(entries)
    }

    async fn by_login(&self, query: &SourceQuery, login: &str) -> Result<Vec<SourceEntry>, DirectoryError> {
        let Some(login) = Login::parse(login) else { return Ok(Vec::new()) };
        let id = self.people().get(&fold(login.as_str())).map(id);
        let mut entries = self.entries(query)?;
        entries.retain(|entry| Some(&entry.id) == id.as_ref());
        Ok(entries)
    }

    async fn there(&self, dns: &[String]) -> Result<Vec<There>, DirectoryError> {
        let everybody =
            SourceQuery { base: String::new(), filter: "(objectClass=*)".to_owned(), attributes: Vec::new() };
        let held: Vec<Dn> = self.entries(&everybody)?.iter().filter_map(|one| Dn::parse(&one.dn)).collect();
        let is_there = |dn: &String| match Dn::parse(dn) {
            Some(dn) if held.iter().any(|one| one.is_under(&dn)) => There::Yes,
            Some(_) => There::No,
            None => There::Unsure(format!("\"{dn}\" is no DN (RFC 4514)")),
        };
        Ok(dns.iter().map(is_there).collect())
    }

    async fn watch(&self, _base: &str, _changed: &Notify) -> Result<(), DirectoryError> {
        let cause = "a file tells of no changes; take `watch` out".to_owned();
        Err(DirectoryError::Refused { code: 0, directory: self.name.clone(), operation: "watching", cause })
    }
}

/// What an LDAP directory has as attributes too.
fn with_names(person: &Person) -> Attributes {
    let mut attributes = person.subject.attributes.clone();
    if !attributes.contains("uid") {
        attributes.insert("uid", vec![person.subject.login.as_str().into()]);
    }
    if !attributes.contains("objectClass") {
        attributes.insert("objectClass", vec!["inetOrgPerson".into()]);
    }
    attributes
}

fn id(person: &Person) -> String {
    let uuid = person.subject.attributes.first_text("entryUUID");
    uuid.map_or_else(|| fold(&person.subject.login), str::to_lowercase)
}

fn entry(person: &Person, dn: String, mut attributes: Attributes, asked: &[String]) -> SourceEntry {
    let any = asked.iter().any(|name| name == "*");
    attributes.retain(|name, _| any || asked.iter().any(|asked| asked.eq_ignore_ascii_case(name)));
    SourceEntry { id: id(person), dn, disabled: person.disabled, attributes }
}

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}
