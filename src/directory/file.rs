//! [`FileDirectory`]: `people.toml`, the embedded directory for the demo, for tests and for break-glass accounts.
//!
//! Passwords are argon2id hashes, made by [`hash_password`] (`sekisho hash-password`). A changed file is taken over at
//! the next look-up; a broken one is logged and the last good one stays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2};
use async_trait::async_trait;
use serde::Deserialize;
use toml::Spanned;
use unicode_normalization::UnicodeNormalization;

use super::filter::escape_dn;
use super::{Candidate, Directory, DirectoryError, Lockout, Login, Lookup, Reason, Standing, Verdict};
use crate::clock::Ids;
use crate::identity::{Attributes, Found, Question, Subject, SubjectId, Value, is_secret};
use crate::secret::Secret;

/// So many passwords are tried at once; each takes 19 MiB and some 20 ms of a core.
const HASHES_AT_ONCE: usize = 4;

/// A directory in a file.
#[derive(Debug)]
pub struct FileDirectory {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Below which everybody is, as a DN.
    pub(super) root: String,
    held: Mutex<Held>,
    hashing: Arc<tokio::sync::Semaphore>,
}

/// What is wrong with `people.toml`.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {cause}; check the path and its rights")]
    Read {
        /// Which file.
        file: String,
        /// The system's word.
        cause: std::io::Error,
    },
    /// Not TOML, or not the keys of a person.
    #[error("{file}:{line}: {cause}")]
    Syntax {
        /// Which file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What the parser says; it names the key and the known ones.
        cause: String,
    },
    /// A key with a value that cannot be used.
    #[error("{file}:{line}: {key}: {cause}")]
    Value {
        /// Which file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Which key.
        key: &'static str,
        /// What is wrong and how to mend it.
        cause: String,
    },
}

impl FileDirectory {
    /// Reads the file whole; the first fault in it is the error.
    pub fn load(name: &str, path: &Path) -> Result<Self, FileError> {
        let held = Held::read(name, path)?;
        Ok(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            root: format!("o={}", escape_dn(name)),
            held: Mutex::new(held),
            hashing: Arc::new(tokio::sync::Semaphore::new(HASHES_AT_ONCE)),
        })
    }

    /// The people as the file says now.
    pub(super) fn people(&self) -> Arc<People> {
        let mut held = match self.held.lock() {
            Ok(held) => held,
            Err(poisoned) => poisoned.into_inner(),
        };
        let stamp = Stamp::of(&self.path);
        if stamp != held.stamp {
            match Held::read(&self.name, &self.path) {
                Ok(new) => {
                    tracing::info!(directory = %self.name, file = %self.path.display(), "people reloaded");
                    *held = new;
                }
                Err(cause) => {
                    tracing::error!(directory = %self.name, %cause, "people not reloaded; the last good ones stay");
                    held.stamp = stamp;
                }
            }
        }
        Arc::clone(&held.people)
    }

    fn unavailable(&self, cause: &str) -> DirectoryError {
        DirectoryError::Unreachable { directory: self.name.clone(), cause: cause.to_owned() }
    }
}

#[async_trait]
impl Directory for FileDirectory {
    fn name(&self) -> &str {
        &self.name
    }

    async fn find(&self, login: &Login) -> Result<Lookup, DirectoryError> {
        let people = self.people();
        Ok(people
            .get(&fold(login.as_str()))
            .map_or(Lookup::Unknown, |person| Lookup::Found(person.candidate())))
    }

    async fn verify(
        &self,
        candidate: &Candidate,
        password: &Secret<String>,
    ) -> Result<Verdict, DirectoryError> {
        let people = self.people();
        let Some(person) = people.get(&fold(&candidate.bind_name)) else {
            return Ok(Verdict::Denied(Reason::Unknown));
        };
        if super::is_blank(password) {
            return Ok(Verdict::Denied(Reason::WrongPassword));
        }
        let hash = person.password.clone();
        let password = password.clone();
        let permit = Arc::clone(&self.hashing).acquire_owned().await;
        let matches = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            matches(&hash, &password)
        });
        match matches.await {
            Err(_) => Err(self.unavailable("the password could not be tried")),
            Ok(false) => Ok(Verdict::Denied(Reason::WrongPassword)),
            Ok(true) if person.disabled => Ok(Verdict::Denied(Reason::Disabled)),
            Ok(true) => Ok(Verdict::Accepted(Box::new(person.subject.clone()))),
        }
    }

    async fn find_by_id(&self, id: &SubjectId) -> Result<Option<Box<Candidate>>, DirectoryError> {
        Ok(of_id(&self.people(), id).map(Person::candidate))
    }

    async fn standing(&self, id: &SubjectId) -> Result<Standing, DirectoryError> {
        Ok(match of_id(&self.people(), id) {
            None => Standing::Gone,
            Some(person) if person.disabled => Standing::Barred(Reason::Disabled),
            Some(_) => Standing::Usable,
        })
    }

    /// The groups are the values of the attribute `memberOf`, which are all that is known of them. There is nothing to
    /// search: nothing is found.
    async fn ask(&self, subject: &Subject, question: &Question) -> Result<Vec<Found>, DirectoryError> {
        let Question::Groups { attribute } = question else { return Ok(Vec::new()) };
        let people = self.people();
        let names = of_id(&people, &subject.id).and_then(|one| one.subject.attributes.values("memberOf"));
        let found = |name: &str| {
            let own = attribute.iter().map(|attribute| (attribute.as_str(), vec![name])).collect();
            Found { dn: name.to_owned(), attributes: own }
        };
        Ok(names.unwrap_or_default().iter().filter_map(Value::as_text).map(found).collect())
    }

    /// There are no entries but people; a group is there as far as somebody is in it.
    async fn has(&self, dn: &str) -> Result<bool, DirectoryError> {
        let folded = dn.to_lowercase();
        let is_it = |value: &Value| value.as_text().is_some_and(|group| group.to_lowercase() == folded);
        let people = self.people();
        let mut groups = people.values().filter_map(|one| one.subject.attributes.values("memberOf"));
        Ok(groups.any(|groups| groups.iter().any(is_it)))
    }

    async fn probe(&self) -> Result<(), DirectoryError> {
        match Held::read(&self.name, &self.path) {
            Ok(_) => Ok(()),
            Err(cause) => Err(self.unavailable(&cause.to_string())),
        }
    }
}

/// An argon2id hash (RFC 9106) in the PHC string format for `people.toml`. Should hashing fail, which takes a password of
/// 4 GiB, the answer is `*`, a hash that [`FileDirectory::load`] refuses.
pub fn hash_password(password: &Secret<String>, ids: &dyn Ids) -> String {
    let mut salt = [0; 16];
    ids.fill(&mut salt);
    let hashed = SaltString::encode_b64(&salt).and_then(|salt| {
        Argon2::default().hash_password(password.expose().as_bytes(), &salt).map(|hash| hash.to_string())
    });
    hashed.unwrap_or_else(|_| "*".to_owned())
}

/// The octets of a file: the one place of this module that reads files.
pub(super) fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

pub(super) type People = BTreeMap<String, Person>;

#[derive(Debug)]
pub(super) struct Person {
    pub(super) subject: Subject,
    password: String,
    pub(super) disabled: bool,
}

impl Person {
    fn candidate(&self) -> Box<Candidate> {
        Box::new(Candidate {
            throttle_key: self.subject.id.to_string(),
            bind_name: self.subject.login.clone(),
            subject: Some(self.subject.clone()),
            barred: self.disabled.then_some(Reason::Disabled),
            lockout: Lockout::default(),
        })
    }
}

fn of_id<'a>(people: &'a People, id: &SubjectId) -> Option<&'a Person> {
    people.get(&fold(&id.key)).filter(|person| person.subject.id == *id)
}

#[derive(Debug)]
struct Held {
    stamp: Option<Stamp>,
    people: Arc<People>,
}

#[derive(Debug, PartialEq, Eq)]
struct Stamp(SystemTime, u64);

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self(metadata.modified().ok()?, metadata.len()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    person: Vec<PersonTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonTable {
    login: Spanned<String>,
    password: Spanned<String>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    attributes: BTreeMap<String, Vec<String>>,
}

impl Held {
    fn read(directory: &str, path: &Path) -> Result<Self, FileError> {
        // Before the content: a change between the two is seen at the next look-up.
        let stamp = Stamp::of(path);
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|cause| FileError::Read { file: file.clone(), cause })?;
        let people = parse(directory, &file, &text)?;
        Ok(Self { stamp, people: Arc::new(people) })
    }
}

fn parse(directory: &str, file: &str, text: &str) -> Result<People, FileError> {
    let document: Document = toml::from_str(text).map_err(|error| FileError::Syntax {
        file: file.to_owned(),
        line: line(text, error.span().map_or(0, |span| span.start)),
        cause: error.message().to_owned(),
    })?;
    let mut people = People::new();
    for table in document.person {
        let value = |at: &Spanned<String>, key, cause: &str| FileError::Value {
            file: file.to_owned(),
            line: line(text, at.span().start),
            key,
            cause: cause.to_owned(),
        };
        if Login::parse(table.login.get_ref()).is_none_or(|login| login.as_str() != table.login.get_ref()) {
            let cause = "no login name; write 1 to 256 characters without control characters or outer blanks";
            return Err(value(&table.login, "login", cause));
        }
        if !is_argon2id(table.password.get_ref()) {
            let cause = "no argon2id hash; make one with: sekisho hash-password";
            return Err(value(&table.password, "password", cause));
        }
        let key = fold(table.login.get_ref());
        if people.contains_key(&key) {
            let cause = "a second person of this name (case and width do not tell names apart); rename one";
            return Err(value(&table.login, "login", cause));
        }
        people.insert(key, person(directory, table));
    }
    Ok(people)
}

fn person(directory: &str, table: PersonTable) -> Person {
    let login = table.login.into_inner();
    let attributes: Attributes = table.attributes.into_iter().filter(|(name, _)| !is_secret(name)).collect();
    let display_name = ["displayName", "cn"].iter().find_map(|name| attributes.first_text(name));
    let display_name = display_name.unwrap_or(&login).to_owned();
    let id = SubjectId { directory: directory.to_owned(), key: login.clone() };
    let subject = Subject { id, login, display_name, dn: None, attributes, password_expires: None };
    Person { subject, password: table.password.into_inner(), disabled: table.disabled }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

pub(super) fn fold(login: &str) -> String {
    login.nfkc().collect::<String>().to_lowercase()
}

fn is_argon2id(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Algorithm::try_from(hash.algorithm).is_ok_and(|algorithm| algorithm == Algorithm::Argon2id)
            && hash.hash.is_some()
    })
}

fn matches(hash: &str, password: &Secret<String>) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededIds;

    fn hash(password: &str) -> String {
        hash_password(&Secret::new(password.to_owned()), &SeededIds::new(1))
    }

    #[test]
    fn a_hash_proves_its_password_and_no_other() {
        let hash = hash("pass word 田");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_argon2id(&hash) && !is_argon2id("*") && !is_argon2id("secret"));
        assert!(matches(&hash, &Secret::new("pass word 田".to_owned())));
        assert!(!matches(&hash, &Secret::new("pass word".to_owned())));
    }

    #[test]
    fn faults_name_file_line_key_and_remedy() {
        let fault = |text: &str| parse("local", "people.toml", text).unwrap_err().to_string();
        let unknown = fault("[[person]]\nlogin = \"a\"\npasword = \"x\"\n");
        assert!(unknown.starts_with("people.toml:3: unknown field `pasword`, expected one of"), "{unknown}");
        let plain = fault("[[person]]\nlogin = \"a\"\npassword = \"secret\"\n");
        assert_eq!(plain, "people.toml:3: password: no argon2id hash; make one with: sekisho hash-password");
        assert!(
            fault("[[person]]\nlogin = \"\"\npassword = \"x\"")
                .starts_with("people.toml:2: login: no login name")
        );
        let hash = hash("x");
        let twice = format!(
            "[[person]]\nlogin='Tanaka'\npassword='{hash}'\n[[person]]\nlogin='ｔanaka'\npassword='{hash}'"
        );
        assert!(fault(&twice).starts_with("people.toml:5: login: a second person"));
        assert!(fault("[[person]\n").starts_with("people.toml:1: "));
    }

    #[tokio::test]
    async fn a_changed_file_is_taken_over_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.toml");
        let hash = hash("x");
        std::fs::write(&path, format!("[[person]]\nlogin='a'\npassword='{hash}'\n")).unwrap();
        let directory = FileDirectory::load("local", &path).unwrap();
        let found = async |name: &str| {
            matches!(directory.find(&Login::parse(name).unwrap()).await.unwrap(), Lookup::Found(_))
        };
        assert!(found("A").await && !found("bb").await);
        std::fs::write(&path, format!("[[person]]\nlogin='bb'\npassword='{hash}'\n")).unwrap();
        assert!(!found("a").await && found("bb").await);
        std::fs::write(&path, "[[person]]\nlogin = 1\n").unwrap();
        assert!(found("bb").await);
        assert!(directory.probe().await.is_err());
    }
}
