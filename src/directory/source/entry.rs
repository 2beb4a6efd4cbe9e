//! [`Wanted`]: an entry as it came over the wire becomes a [`SourceEntry`], without a copy of its values.

use std::sync::Arc;

use foldhash::HashMap;

use super::{Flavour, SourceEntry};
use crate::clock::Timestamp;
use crate::directory::entry_id::{id_filter, id_of};
use crate::directory::ldap::barred;
use crate::directory::person::{LOCKS, is_binary, is_bookkeeping};
use crate::directory::wire::Entry;
use crate::identity::{Attributes, Value, is_secret};

/// What Active Directory tells id, disabled and expired accounts by.
const OF_ACTIVE_DIRECTORY: [&str; 3] = ["objectGUID", "userAccountControl", "accountExpires"];

/// What others tell them by. Each name that a server does not know costs it time with each entry.
const OF_OTHERS: [&str; 3] = ["entryUUID", LOCKS[0], LOCKS[1]];

/// No schema has so many attributes; more names than these are judged one by one.
const MOST_NAMES: usize = 4096;

/// Which attributes are read, and what is kept of an entry.
#[derive(Debug)]
pub(super) struct Wanted {
    any: bool,
    asked: Vec<String>,
    now: Timestamp,
    /// What was decided of a name once.
    kept: HashMap<String, bool>,
}

impl Wanted {
    /// These attributes without any secret one; `now` decides whether an account has expired.
    pub(super) fn new(attributes: &[String], now: Timestamp) -> Self {
        let asked: Vec<String> = attributes.iter().filter(|name| !is_secret(name)).cloned().collect();
        Self { any: asked.iter().any(|name| name == "*"), asked, now, kept: HashMap::default() }
    }

    /// The names to ask a server of this kind for.
    pub(super) fn names(&self, flavour: Flavour) -> Arc<[String]> {
        let mut names = self.asked.clone();
        let needed = match flavour {
            Flavour::ActiveDirectory => OF_ACTIVE_DIRECTORY,
            Flavour::Other => OF_OTHERS,
        };
        for name in needed {
            if !names.iter().any(|held| held.eq_ignore_ascii_case(name)) {
                names.push(name.to_owned());
            }
        }
        names.into()
    }

    /// The entry as it is carried; DN and cause when it has no id.
    pub(super) fn entry(&mut self, entry: Entry) -> Result<SourceEntry, (String, String)> {
        let id = match id_of(&entry) {
            Ok(id) => id,
            Err(cause) => return Err((entry.dn, cause)),
        };
        let disabled = barred(&entry, self.now).is_some();
        let mut attributes = Attributes::new();
        for (name, values) in entry.attributes {
            if self.keeps(&name) {
                let values = values.into_iter().map(|octets| value(&name, octets)).collect::<Vec<_>>();
                if attributes.contains(&name) {
                    attributes.append(&name, values);
                } else {
                    attributes.insert(name, values);
                }
            }
        }
        Ok(SourceEntry { id, dn: entry.dn, disabled, attributes })
    }

    fn keeps(&mut self, name: &str) -> bool {
        if let Some(known) = self.kept.get(name) {
            return *known;
        }
        let asked = self.asked.iter().any(|asked| asked.eq_ignore_ascii_case(name));
        let keeps = !is_secret(name) && (asked || self.any && !is_bookkeeping(name));
        if self.kept.len() < MOST_NAMES {
            self.kept.insert(name.to_owned(), keeps);
        }
        keeps
    }
}

/// Text is UTF-8 without NUL, its control characters included: JSON and LDAP carry them. NUL is what binary data have, and
/// what services end a text at.
fn value(name: &str, octets: Vec<u8>) -> Value {
    if is_binary(name) || octets.contains(&0) {
        return Value::Binary(octets);
    }
    String::from_utf8(octets).map_or_else(|none| Value::Binary(none.into_bytes()), Value::Text)
}

/// The filter for entries with these ids; texts that are no id name nobody. `None` when none is left.
pub(super) fn ids_filter(flavour: Flavour, ids: &[String]) -> Option<String> {
    let all: String =
        ids.iter().filter_map(|id| id_filter(id, flavour == Flavour::ActiveDirectory)).collect();
    (!all.is_empty()).then(|| format!("(|{all})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "8a1c4e0e-0000-4000-8000-000000000001";

    fn wanted(names: &[&str]) -> Wanted {
        Wanted::new(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn ids_become_a_filter_that_means_only_them() {
        let ids =
            ["03020100-0504-0706-0809-0a0b0c0d0e0f", "*", "8a1c4e0e", ")(uid=*", UUID].map(str::to_owned);
        assert_eq!(
            ids_filter(Flavour::Other, &ids).unwrap(),
            format!("(|(entryUUID=03020100-0504-0706-0809-0a0b0c0d0e0f)(entryUUID={UUID}))")
        );
        assert_eq!(
            ids_filter(Flavour::ActiveDirectory, &ids[..1]).unwrap(),
            "(|(objectGUID=\\00\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e\\0f))"
        );
        assert_eq!(ids_filter(Flavour::Other, &ids[1..4]), None);
    }

    #[test]
    fn secrets_are_neither_asked_for_nor_kept() {
        let mut wanted = wanted(&["*", "userPassword", "unicodePwd"]);
        let names = |flavour| wanted.names(flavour).to_vec();
        assert_eq!(
            names(Flavour::ActiveDirectory),
            ["*", "objectGUID", "userAccountControl", "accountExpires"]
        );
        assert_eq!(names(Flavour::Other), ["*", "entryUUID", "pwdAccountLockedTime", "nsAccountLock"]);
        let found = Entry::of(&[
            ("entryUUID", UUID.as_bytes()),
            ("userPassword", b"x"),
            ("unicodePwd", b"x"),
            ("mail", b"a@b"),
            ("badPwdCount", b"1"),
        ]);
        let kept = wanted.entry(found).unwrap();
        assert_eq!(kept.attributes.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["entryUUID", "mail"]);
    }

    #[test]
    fn a_text_with_control_characters_is_a_text_and_octets_are_none() {
        let mut wanted = wanted(&["*"]);
        let told: [(&str, &[u8], bool); 8] = [
            ("title", "主任 \u{1b}[1m".as_bytes(), true),
            ("street", b"\x01\x7f\r\n", true),
            ("l", "\u{85}".as_bytes(), true),
            ("st", b"", true),
            ("photo", b"a\0b", false),
            ("jpegPhoto", &[0xff, 0xd8], false),
            ("objectSid", b"abc", false),
            ("userCertificate;binary", b"abc", false),
        ];
        let mut found: Vec<(&str, &[u8])> = told.iter().map(|(name, octets, _)| (*name, *octets)).collect();
        found.push(("entryUUID", UUID.as_bytes()));
        let kept = wanted.entry(Entry::of(&found)).unwrap().attributes;
        for (name, octets, is_text) in told {
            let value = &kept.values(name).unwrap()[0];
            assert_eq!(value.as_text().is_some(), is_text, "{name}");
            assert_eq!(value.as_bytes(), octets, "{name}");
        }
    }

    #[test]
    fn what_was_asked_for_is_kept_and_what_tells_the_state_is_not() {
        let mut wanted = wanted(&["MAIL", "jpegPhoto"]);
        let found = || {
            Entry::of(&[
                ("entryUUID", UUID.as_bytes()),
                ("userAccountControl", b"514"),
                ("mail", b"a@b"),
                ("jpegPhoto", &[0xff]),
            ])
        };
        let kept = wanted.entry(found()).unwrap();
        assert!(kept.disabled);
        let attributes: Vec<_> =
            kept.attributes.iter().map(|(name, values)| (name, values.to_vec())).collect();
        assert_eq!(
            attributes,
            [("mail", vec!["a@b".into()]), ("jpegPhoto", vec![Value::Binary(vec![0xff])])]
        );
        let expired = [("entryUUID", UUID.as_bytes()), ("accountExpires", b"110000000000000000")];
        assert!(wanted.entry(Entry::of(&expired)).unwrap().disabled);
        let locked = [("entryUUID", UUID.as_bytes()), ("pwdAccountLockedTime", b"20240501115900Z")];
        assert!(!wanted.entry(Entry::of(&locked)).unwrap().disabled, "guessers lock it, too");
        assert!(wanted.entry(Entry::of(&[("mail", b"a@b")])).unwrap_err().1.contains("entryUUID"));
    }
}
