//! Reading TOML without stopping at the first fault.
//!
//! [`Reader`] holds the text and collects faults; a [`Section`] is one table of it. Each of its methods reads one key
//! with one of the readers of `values`, pushes a fault if need be, and goes on with the default. When a section is
//! dropped, the keys that nobody asked for are faults too, so a key exists exactly where it is read.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::fault::{Complaint, ConfigFault, FaultKind};
use super::serde_words::plain;
use crate::authproc::hint;

/// Looks up an environment variable.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The text of one configuration file and what is wrong with it.
pub(super) struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    environment: Environment<'a>,
    faults: RefCell<Vec<ConfigFault>>,
    warnings: RefCell<Vec<ConfigFault>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str, environment: Environment<'a>) -> Self {
        Self { file, text, environment, faults: RefCell::default(), warnings: RefCell::default() }
    }

    /// The document as the outermost section.
    pub(super) fn document(&'a self, table: &'a DeTable<'a>) -> Section<'a> {
        Section {
            reader: self,
            name: String::new(),
            place: None,
            table: Some(table),
            asked: RefCell::default(),
            free: Cell::new(false),
        }
    }

    /// Notes a fault at `span`.
    pub(super) fn fault(&self, span: Option<Range<usize>>, key: String, complaint: Complaint) {
        self.faults.borrow_mut().push(self.placed(span, key, complaint));
    }

    /// All faults, and all that is allowed and dangerous, in the order of their lines.
    pub(super) fn finish(self) -> (Vec<ConfigFault>, Vec<ConfigFault>) {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| fault.line);
        let mut warnings = self.warnings.into_inner();
        warnings.sort_by_key(|warning| warning.line);
        (faults, warnings)
    }

    fn placed(&self, span: Option<Range<usize>>, key: String, complaint: Complaint) -> ConfigFault {
        let Complaint { kind, message, remedy } = complaint;
        let line = span.map(|span| self.line(span.start));
        ConfigFault { kind, file: self.file.to_owned(), line, key, message, remedy }
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// One table of the document, or nothing where the document has none of that name.
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    name: String,
    place: Option<Range<usize>>,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<Vec<&'static str>>,
    /// Its keys are the admin's own words, so none is unknown.
    free: Cell<bool>,
}

impl<'a> Section<'a> {
    /// Whether the document has this section.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Whether `key` is written here.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Whether the table at `key` has `inner`; what is no table has nothing.
    pub(super) fn has_within(&self, key: &'static str, inner: &str) -> bool {
        let table = self.find(key).and_then(|value| value.get_ref().as_table());
        table.is_some_and(|table| table.contains_key(inner))
    }

    /// Where `key` stands: the file, the line, and its name with the section; none where it is not written.
    pub(super) fn stands(&self, key: &'static str) -> Option<(PathBuf, usize, String)> {
        self.find(key)?;
        let line = self.reader.line(self.key_place(key)?.start);
        Some((self.reader.file.to_owned(), line, self.path(key)))
    }

    /// Whether `key` is a list with nothing in it.
    pub(super) fn is_empty_list(&self, key: &'static str) -> bool {
        let list = self.find(key).and_then(|value| value.get_ref().as_array());
        list.is_some_and(|items| items.is_empty())
    }

    /// The value of `key`; none when absent or at fault.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Option<T> {
        let value = self.find(key)?;
        self.take(key, value, read)
    }

    /// The value of `key`, else `default`.
    pub(super) fn or<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// The value of `key`, which must be there.
    pub(super) fn required<T: Default>(
        &self,
        key: &'static str,
        remedy: &str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> T {
        if self.find(key).is_none() {
            self.missing(key, remedy);
        }
        self.optional(key, read).unwrap_or_default()
    }

    /// The values of the list at `key`, each judged by itself; none when absent.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let value = self.find(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.complain(key, Complaint::wrong("is no list", "write it in brackets, [\"..\", \"..\"]"));
            return Some(Vec::new());
        };
        Some(items.iter().filter_map(|item| self.take(key, item, &read)).collect())
    }

    /// The values at `key`, which may be one value or a list.
    pub(super) fn one_or_list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let value = self.find(key)?;
        if value.get_ref().is_array() {
            return self.list(key, read);
        }
        Some(self.take(key, value, read).into_iter().collect())
    }

    /// The table at `key` as a section of its own.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let value = self.find(key);
        let table = value.and_then(|value| value.get_ref().as_table());
        if value.is_some() && table.is_none() {
            self.complain(key, Complaint::wrong("is no table", format!("write it as [{}]", self.path(key))));
        }
        Section {
            reader: self.reader,
            name: self.path(key),
            place: self.key_place(key),
            table,
            asked: RefCell::default(),
            free: Cell::new(false),
        }
    }

    /// The tables of `[[key]]`, in order.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let tables = self.tables(key).into_iter().enumerate();
        let section = |(at, value): (usize, &'a Spanned<DeValue<'a>>)| Section {
            reader: self.reader,
            name: format!("{}[{}]", self.path(key), at + 1),
            place: Some(value.span()),
            table: value.get_ref().as_table(),
            asked: RefCell::default(),
            free: Cell::new(false),
        };
        tables.map(section).collect()
    }

    /// The tables of `[[key]]` as values, for a module that reads them by serde.
    pub(super) fn tables(&self, key: &'static str) -> Vec<&'a Spanned<DeValue<'a>>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let items = value.get_ref().as_array().map(|items| items.iter().collect::<Vec<_>>());
        match items {
            Some(items) if items.iter().all(|item| item.get_ref().is_table()) => items,
            _ => {
                let remedy = format!("write each as [[{}]]", self.path(key));
                self.complain(key, Complaint::wrong("is no list of tables", remedy));
                Vec::new()
            }
        }
    }

    /// The value of `key`, for a module that reads it by serde; none when absent or at fault.
    pub(super) fn by_serde<T: DeserializeOwned>(&self, key: &'static str) -> Option<T> {
        self.deserialize(key, self.find(key)?)
    }

    /// The tables of `[[key]]`, each as [`Section::by_serde`] reads one; none when one is at fault.
    pub(super) fn list_by_serde<T: DeserializeOwned>(&self, key: &'static str) -> Option<Vec<T>> {
        if !self.has(key) {
            return Some(Vec::new());
        }
        let tables = self.tables(key);
        let read: Vec<T> = tables.iter().filter_map(|table| self.deserialize(key, table)).collect();
        (read.len() == tables.len()).then_some(read)
    }

    fn deserialize<T: DeserializeOwned>(&self, key: &'static str, value: &Spanned<DeValue<'a>>) -> Option<T> {
        let read = T::deserialize(ValueDeserializer::from(value.clone()));
        read.map_err(|error| {
            let place = error.span().unwrap_or_else(|| value.span());
            self.reader.fault(Some(place), self.path(key), plain(error.message(), &self.path(key)));
        })
        .ok()
    }

    /// The pairs of the table at `key`, whose keys are the admin's own words.
    pub(super) fn map<K, V>(
        &self,
        key: &'static str,
        read: impl Fn(&str, &DeValue<'_>) -> Result<(K, V), Complaint>,
    ) -> Vec<(K, V)> {
        let section = self.section(key);
        section.free.set(true);
        let mut pairs = Vec::new();
        for (name, value) in section.table.into_iter().flat_map(|table| table.iter()) {
            match read(name.get_ref(), value.get_ref()) {
                Ok(pair) => pairs.push(pair),
                Err(complaint) => {
                    let key = format!("{}.\"{}\"", section.name, name.get_ref());
                    self.reader.fault(Some(value.span()), key, complaint);
                }
            }
        }
        pairs
    }

    /// Takes note of keys that are right but not read yet.
    pub(super) fn known(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend(keys);
    }

    /// Takes every key for right: used where it is not known which keys belong here.
    pub(super) fn ignore_the_rest(&self) {
        self.free.set(true);
    }

    /// Notes a fault at `key`, or at the section when the key is absent.
    pub(super) fn complain(&self, key: &'static str, complaint: Complaint) {
        let place = self.key_place(key).or_else(|| self.place.clone());
        self.reader.fault(place, self.path(key), complaint);
    }

    /// Notes that the value of `key` is allowed, and dangerous or of no effect.
    pub(super) fn warn(&self, key: &'static str, message: impl Into<String>, remedy: impl Into<String>) {
        self.warn_of(key, Complaint::wrong(message, remedy));
    }

    /// The same with a complaint.
    pub(super) fn warn_of(&self, key: &'static str, complaint: Complaint) {
        let warning = self.reader.placed(self.key_place(key), self.path(key), complaint);
        self.reader.warnings.borrow_mut().push(warning);
    }

    /// The same of what stands at `span` in the value of `key`.
    pub(super) fn warn_at(&self, key: &'static str, span: Range<usize>, complaint: Complaint) {
        let warning = self.reader.placed(Some(span), self.path(key), complaint);
        self.reader.warnings.borrow_mut().push(warning);
    }

    /// Notes a fault at `span`, which a module found in the value of `key`.
    pub(super) fn complain_at(&self, key: &'static str, span: Option<Range<usize>>, complaint: Complaint) {
        self.reader.fault(span.or_else(|| self.key_place(key)), self.path(key), complaint);
    }

    /// Notes that `key` must be there and is not.
    pub(super) fn missing(&self, key: &'static str, remedy: &str) {
        self.complain(key, Complaint::wrong("is missing", remedy).kind(FaultKind::MissingKey));
    }

    /// A path as written here, relative to the configuration file.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.reader.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// An environment variable.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.reader.environment)(name)
    }

    fn find(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.table.and_then(|table| table.get(key))
    }

    fn take<T>(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Option<T> {
        read(value.get_ref())
            .map_err(|complaint| self.reader.fault(Some(value.span()), self.path(key), complaint))
            .ok()
    }

    fn key_place(&self, key: &str) -> Option<Range<usize>> {
        self.table.and_then(|table| table.get_key_value(key)).map(|(key, _)| key.span())
    }

    fn path(&self, key: &str) -> String {
        match (self.name.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.name.clone(),
            (false, false) => format!("{}.{key}", self.name),
        }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let Some(table) = self.table.filter(|_| !self.free.get()) else { return };
        let asked = self.asked.get_mut();
        asked.sort_unstable();
        asked.dedup();
        for key in table.keys().filter(|key| !asked.contains(&key.get_ref().as_ref())) {
            let complaint =
                Complaint::wrong("unknown key", hint(key.get_ref(), asked)).kind(FaultKind::UnknownKey);
            let mut name = self.name.clone();
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(key.get_ref());
            self.reader.fault(Some(key.span()), name, complaint);
        }
    }
}
