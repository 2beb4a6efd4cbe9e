//! Secrets (`x`, `x_file` or `x_env`) and the other files that the configuration names.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::fault::{Complaint, ConfigFault, FaultKind};
use super::reader::Section;
use super::values::text;
use crate::secret::Secret;

/// Bits that let other people of the machine at a file: everything for others, writing for the group. The group may
/// read, since packaged services own their files as `root:service 0640`.
const OPEN_TO_OTHERS: u32 = 0o027;

/// The words that admins of older installations look for in their logs.
const UNABLE: &str = "Unable to load private key";
/// What to do about a secret that is missing: those with a default file are our own, the others somebody else's.
const MAKE_IT: &str = "run `sekisho keys generate`, or write the secret into it";
const WRITE_IT: &str = "write the secret into it, alone on one line, and chmod 600 it";

/// The three keys by which a secret may be given.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretKeys {
    /// The secret itself.
    pub(super) plain: &'static str,
    /// The path of a file that holds it.
    pub(super) file: &'static str,
    /// The name of an environment variable that holds it.
    pub(super) env: &'static str,
}

/// `secret_keys!("bind_password")` names `bind_password`, `bind_password_file` and `bind_password_env`.
macro_rules! secret_keys {
    ($name:literal) => {
        $crate::config::secrets::SecretKeys {
            plain: $name,
            file: concat!($name, "_file"),
            env: concat!($name, "_env"),
        }
    };
}
pub(super) use secret_keys;

/// A secret and the file it came from.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) value: Secret<String>,
    pub(super) file: Option<PathBuf>,
}

impl Section<'_> {
    /// The secret under one of its three keys; none when there is none of them, or with a fault.
    pub(super) fn secret(&self, keys: SecretKeys) -> Option<Secret<String>> {
        self.find_secret(keys, None).map(|found| found.value).filter(|value| !value.expose().is_empty())
    }

    /// The secret under one of its three keys, else from the file `default`. The path is told even when the file cannot
    /// be read.
    pub(super) fn secret_or_file(
        &self,
        keys: SecretKeys,
        default: &str,
    ) -> (Secret<String>, Option<PathBuf>) {
        match self.find_secret(keys, Some(default)) {
            Some(found) => (found.value, found.file),
            None => (Secret::new(String::new()), None),
        }
    }

    /// The path at `key`, else `default`, of a file that must exist.
    pub(super) fn existing(&self, key: &'static str, default: Option<&str>) -> Option<PathBuf> {
        let written = self.optional(key, text).or_else(|| default.map(str::to_owned))?;
        let path = self.resolve(&written);
        if let Err(cause) = std::fs::metadata(&path) {
            let complaint = match key {
                "private_key" => Complaint {
                    message: format!("{UNABLE}: {} does not exist", path.display()),
                    ..missing_file(&path, &cause, "put your key there, or run `sekisho keys generate`")
                },
                _ => missing_file(&path, &cause, "put it there or name another"),
            };
            self.complain(key, complaint);
        }
        Some(path)
    }

    /// The path at `key` of a private file: it must exist, and only its owner may get at it.
    pub(super) fn private(&self, key: &'static str, default: Option<&str>) -> Option<PathBuf> {
        let path = self.existing(key, default)?;
        if let Some(mut complaint) = std::fs::metadata(&path).ok().and_then(|found| exposed(&path, &found)) {
            if key == "private_key" {
                complaint.message = format!("{UNABLE}: {}", complaint.message);
            }
            self.complain(key, complaint);
        }
        Some(path)
    }

    /// The paths in the list at `key`, each of a private file as in [`Self::private`].
    pub(super) fn private_list(&self, key: &'static str) -> Vec<PathBuf> {
        let paths: Vec<PathBuf> =
            self.list(key, text).unwrap_or_default().iter().map(|written| self.resolve(written)).collect();
        for path in &paths {
            let complaint = match std::fs::metadata(path) {
                Ok(found) => exposed(path, &found),
                Err(cause) => {
                    Some(missing_file(path, &cause, "run `sekisho keys generate`, or put it there"))
                }
            };
            if let Some(complaint) = complaint {
                self.complain(key, complaint);
            }
        }
        paths
    }

    fn find_secret(&self, keys: SecretKeys, default_file: Option<&str>) -> Option<Found> {
        let plain = self.optional(keys.plain, text).map(Secret::new);
        let file = self.optional(keys.file, text);
        let env = self.optional(keys.env, text);
        let written = [keys.plain, keys.file, keys.env].into_iter().filter(|key| self.has(key));
        let written: Vec<&'static str> = written.collect();
        if let [first, second, ..] = written.as_slice() {
            let message = format!("is given twice, also as {first}");
            self.complain(second, Complaint::wrong(message, "keep one of the two"));
            return None;
        }
        if let Some(value) = plain {
            return Some(Found { value, file: None });
        }
        if let Some(name) = env {
            return self.secret_from_variable(keys.env, &name);
        }
        let file = file.or_else(|| default_file.filter(|_| written.is_empty()).map(str::to_owned))?;
        let path = self.resolve(&file);
        let remedy = default_file.map_or(WRITE_IT, |_| MAKE_IT);
        let value = read_secret(&path, remedy).map_err(|complaint| self.complain(keys.file, complaint));
        Some(Found { value: value.unwrap_or_else(|()| Secret::new(String::new())), file: Some(path) })
    }

    fn secret_from_variable(&self, key: &'static str, name: &str) -> Option<Found> {
        if let Some(value) = self.variable(name).filter(|value| !value.is_empty()) {
            return Some(Found { value: Secret::new(value), file: None });
        }
        let message = format!("the environment variable {name} is not set");
        self.complain(key, Complaint::wrong(message, "set it, or use the key with _file"));
        None
    }
}

/// The secret in a file that may change while the server runs, read as every secret of the configuration is.
pub fn read_secret_file(path: &Path) -> Result<Secret<String>, ConfigFault> {
    read_secret(path, WRITE_IT).map_err(|Complaint { kind, message, remedy }| {
        let (file, line, key) = (path.to_owned(), None, String::new());
        ConfigFault { kind, file, line, key, message, remedy }
    })
}

/// The first line of a file that only its owner may read.
fn read_secret(path: &Path, remedy: &str) -> Result<Secret<String>, Complaint> {
    let found = std::fs::metadata(path).map_err(|cause| missing_file(path, &cause, remedy))?;
    if let Some(complaint) = exposed(path, &found) {
        return Err(complaint);
    }
    let content = std::fs::read_to_string(path).map(Secret::new).map_err(|cause| {
        Complaint::wrong(
            format!("cannot read {}: {cause}", path.display()),
            "give its owner, the user of sekisho, the right to read it, and write one line of UTF-8",
        )
    })?;
    let content = content.expose();
    let line = content.strip_suffix('\n').unwrap_or(content);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains(['\n', '\r', '\0']) {
        let message = format!("{} does not hold one line of text", path.display());
        return Err(Complaint::wrong(message, "write the secret into it, alone on one line"));
    }
    Ok(Secret::new(line.to_owned()))
}

fn missing_file(path: &Path, cause: &std::io::Error, remedy: &str) -> Complaint {
    if cause.kind() == std::io::ErrorKind::NotFound {
        let message = format!("{} does not exist", path.display());
        return Complaint::wrong(message, remedy).kind(FaultKind::MissingFile);
    }
    Complaint::wrong(format!("cannot read {}: {cause}", path.display()), "let the user of sekisho read it")
}

fn exposed(path: &Path, found: &Metadata) -> Option<Complaint> {
    let mode = found.permissions().mode() & 0o777;
    (found.is_file() && mode & OPEN_TO_OTHERS != 0).then(|| {
        let message = format!("{} is open to other users of this machine (mode {mode:04o})", path.display());
        Complaint::wrong(message, format!("chmod 600 {}", path.display())).kind(FaultKind::Exposed)
    })
}
