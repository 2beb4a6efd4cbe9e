//! The metadata folder: which files are there, and whether they changed since they were last read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::saml::signature::key::sha256_hex;
use crate::saml::xml::Limits;

/// The files of one name: `NAME.xml`, `NAME.toml` or both.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) xml: Option<Entry>,
    pub(super) toml: Option<Entry>,
}

/// A file and what tells whether it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    stamp: Stamp,
}

/// What the file system says of a file; ctime changes even where a copy keeps mtime and size.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    regular: bool,
}

/// What was read of one name.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) xml: Option<Text>,
    pub(super) toml: Option<Text>,
}

/// What was read of one file.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: PathBuf,
    pub(super) bytes: Result<Vec<u8>, ReadFault>,
    /// SHA-256 in hexadecimal; empty if it could not be read.
    pub(super) sha256: String,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadFault {
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

/// All names of the folder. Hidden files are somebody's work in progress.
pub(super) fn list(folder: &Path) -> io::Result<BTreeMap<String, Files>> {
    let mut found: BTreeMap<String, Files> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(stem), Some(extension)) =
            (path.file_stem().and_then(|s| s.to_str()), path.extension().and_then(|e| e.to_str()))
        else {
            continue;
        };
        if stem.starts_with('.') || !matches!(extension, "xml" | "toml") {
            continue;
        }
        let Some(entry) = Entry::of(&path) else { continue };
        let files = found.entry(stem.to_owned()).or_default();
        let slot = if extension == "xml" { &mut files.xml } else { &mut files.toml };
        *slot = Some(entry);
    }
    Ok(found)
}

impl Files {
    /// Reads what is there now.
    pub(super) fn read(&self) -> Content {
        Content { xml: self.xml.as_ref().map(Entry::read), toml: self.toml.as_ref().map(Entry::read) }
    }
}

impl Entry {
    /// The file as it is now; none if there is none.
    fn of(path: &Path) -> Option<Self> {
        // Symbolic links are followed (containers mount files so); the system ends their loops with an error.
        let stamp = match fs::metadata(path) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => Stamp::default(),
        };
        Some(Self { path: path.to_owned(), stamp })
    }

    fn read(&self) -> Text {
        let bytes = read(&self.path);
        let sha256 = bytes.as_ref().map(|bytes| sha256_hex(bytes)).unwrap_or_default();
        Text { path: self.path.clone(), bytes, sha256 }
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            regular: metadata.is_file(),
        }
    }
}

impl Content {
    /// The file that describes the service providers.
    pub(super) fn main(&self) -> Option<&Text> {
        self.xml.as_ref().or(self.toml.as_ref())
    }
}

/// Files elsewhere, as they are now.
pub(super) fn beside(paths: &[PathBuf]) -> Vec<Option<Entry>> {
    paths.iter().map(|path| Entry::of(path)).collect()
}

/// The octets of a regular file of at most the size that metadata may have.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ReadFault> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(ReadFault::Io)?.is_file() {
        return Err(ReadFault::NotRegular);
    }
    let limit = Limits::METADATA.bytes;
    let mut bytes = Vec::new();
    let at_most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(at_most).read_to_end(&mut bytes)).map_err(ReadFault::Io)?;
    if bytes.len() > limit { Err(ReadFault::TooLarge(limit)) } else { Ok(bytes) }
}

/// The name of a file without its folder, for people.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
