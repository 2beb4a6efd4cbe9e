//! An entry becomes a [`Subject`]: stable identity, names, and attributes without any secret.

use super::active_directory::{guid_key, guid_octets};
use super::filter::{escape_filter, escape_octets};
use super::options::LdapOptions;
use super::password_policy::{COMPUTED_EXPIRY, computed_expiry};
use super::policy::COUNTERS;
use super::wire::Entry;
use crate::identity::{Attributes, Subject, SubjectId, Value, is_secret};

/// Read always: identity, names, and what bars an account.
pub(super) const NEEDED: [&str; 8] = [
    "objectGUID",
    "entryUUID",
    "sAMAccountName",
    "uid",
    "userPrincipalName",
    "mail",
    "userAccountControl",
    "accountExpires",
];

/// By which OpenLDAP (draft-behera-ldap-password-policy 5.3.3) and 389 Directory Server say that an administrator has
/// locked the account. Operational: they only come when asked for by name.
pub(super) const LOCKS: [&str; 2] = ["pwdAccountLockedTime", "nsAccountLock"];

/// The attributes to ask for.
pub(super) fn requested(options: &LdapOptions) -> Vec<String> {
    let asked = options.attributes.iter().filter(|name| !is_secret(name)).map(String::as_str);
    let names = options.display_name_attributes.iter().map(String::as_str);
    let mut all: Vec<String> = Vec::new();
    let expiry = options.warns_before().map(|_| COMPUTED_EXPIRY);
    let needed = NEEDED.into_iter().chain(LOCKS).chain(COUNTERS).chain(expiry);
    for name in asked.chain(needed).chain(names).chain(options.subject_attribute.as_deref()) {
        if !all.iter().any(|held| held.eq_ignore_ascii_case(name)) {
            all.push(name.to_owned());
        }
    }
    all
}

/// The person whom an entry describes; an error text when it has no stable identity.
pub(super) fn subject(entry: &Entry, options: &LdapOptions) -> Result<Subject, String> {
    let key = stable_key(entry, options)?;
    let login =
        ["sAMAccountName", "uid", "userPrincipalName", "mail"].iter().find_map(|name| entry.text(name));
    let login = login.unwrap_or(&entry.dn).to_owned();
    let display_name = options
        .display_name_attributes
        .iter()
        .find_map(|name| entry.text(name).filter(|text| !text.trim().is_empty()))
        .unwrap_or(&login)
        .to_owned();
    Ok(Subject {
        id: SubjectId { directory: options.name.clone(), key },
        login,
        display_name,
        dn: Some(entry.dn.clone()),
        attributes: attributes(entry, options),
        password_expires: computed_expiry(entry),
    })
}

/// The filter that finds a person by the key again; `None` when no entry can have that key.
pub(super) fn key_filter(key: &str, options: &LdapOptions) -> Option<String> {
    let guid = || Some(format!("(objectGUID={})", escape_octets(&guid_octets(key)?)));
    match options.subject_attribute.as_deref() {
        Some(name) if is_guid(name) => guid(),
        Some(name) => Some(format!("({name}={})", escape_filter(key.as_bytes()))),
        None if key.contains('-') => Some(format!("(entryUUID={})", escape_filter(key.as_bytes()))),
        None => guid(),
    }
}

/// What a directory notes about sign-ins: `*` does not mean it, since it changes with each of them.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    let noted = ["lastLogon", "lastLogonTimestamp", "lastLogoff", "logonCount"];
    COUNTERS.iter().chain(&LOCKS).chain(&noted).any(|counter| counter.eq_ignore_ascii_case(name))
}

fn is_guid(name: &str) -> bool {
    name.eq_ignore_ascii_case("objectGUID")
}

fn stable_key(entry: &Entry, options: &LdapOptions) -> Result<String, String> {
    let Some(name) = options.subject_attribute.as_deref() else {
        return single(entry, "objectGUID").or_else(|_| single(entry, "entryUUID")).map_err(|_| {
            "neither objectGUID nor entryUUID can be read; let bind_dn read one of them, or name another attribute \
             that never changes as subject_attribute"
                .to_owned()
        });
    };
    single(entry, name).map_err(|cause| {
        format!(
            "{name} {cause}; let bind_dn read it, or set subject_attribute to an attribute with one value"
        )
    })
}

fn single(entry: &Entry, name: &str) -> Result<String, &'static str> {
    match entry.values(name) {
        [] => Err("is missing"),
        [value] if is_guid(name) && value.len() == 16 => Ok(guid_key(value)),
        [_] if is_guid(name) => Err("is not 16 octets long"),
        [value] => match std::str::from_utf8(value) {
            Ok(text) if !text.trim().is_empty() => Ok(text.to_owned()),
            Ok(_) => Err("is empty"),
            Err(_) => Err("is no text"),
        },
        [_, _, ..] => Err("has more than one value"),
    }
}

fn attributes(entry: &Entry, options: &LdapOptions) -> Attributes {
    let any = options.attributes.iter().any(|name| name == "*");
    let asked = |name: &str| options.attributes.iter().any(|asked| asked.eq_ignore_ascii_case(name));
    let mut kept = Attributes::new();
    for (name, values) in &entry.attributes {
        let ours = name.eq_ignore_ascii_case(COMPUTED_EXPIRY) && !asked(name);
        if !is_secret(name) && !ours && (any && !is_bookkeeping(name) || asked(name)) {
            kept.append(name, values.iter().map(|octets| value(name, octets.clone())));
        }
    }
    kept
}

/// Whether an attribute holds octets that mean no text, whatever they look like.
pub(super) fn is_binary(name: &str) -> bool {
    is_guid(name)
        || name.eq_ignore_ascii_case("objectSid")
        || name.split(';').skip(1).any(|option| option.eq_ignore_ascii_case("binary"))
}

/// Text is UTF-8 without control characters other than TAB, LF and CR, which is what the XML of an assertion can hold;
/// objectGUID and objectSid never are.
pub(super) fn value(name: &str, octets: Vec<u8>) -> Value {
    if is_binary(name) {
        return Value::Binary(octets);
    }
    match String::from_utf8(octets) {
        Ok(text) if holds_controls(&text) => Value::Binary(text.into_bytes()),
        Ok(text) => Value::Text(text),
        Err(none) => Value::Binary(none.into_bytes()),
    }
}

/// Whether there are other control characters in it than tabs and line breaks.
fn holds_controls(text: &str) -> bool {
    // Almost all texts are plain, and there are millions of them.
    let is_plain = text.bytes().all(|octet| matches!(octet, 0x20..=0x7e));
    !is_plain && text.chars().any(|c| c.is_control() && !"\t\n\r".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_reach_the_subject() {
        let mut options = LdapOptions::new("corp");
        options.attributes = vec!["*".into(), "userPassword".into(), "msLAPS-Password".into()];
        let secret = [
            "userPassword",
            "unicodePwd",
            "ms-Mcs-AdmPwd",
            "msLAPS-EncryptedPassword",
            "supplementalCredentials",
            "krbPrincipalKey",
            "sambaNTPassword",
            "SAMBALMPASSWORD",
            "msPKIAccountCredentials",
            "userPassword;x-old",
        ];
        let mut all: Vec<(&str, &[u8])> = secret.iter().map(|name| (*name, b"s3cret".as_slice())).collect();
        all.extend([("entryUUID", b"u-1".as_slice()), ("uid", b"t".as_slice())]);
        let subject = subject(&Entry::of(&all), &options).unwrap();
        assert_eq!(subject.attributes.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["entryUUID", "uid"]);
        assert!(!requested(&options).iter().any(|name| is_secret(name)));
    }

    #[test]
    fn control_characters_make_a_value_binary() {
        for (octets, is_text) in [
            (&b"plain ~"[..], true),
            (b"two\r\n\tlines", true),
            ("田中".as_bytes(), true),
            (b"", true),
            (b"a\x00", false),
            (b"\x1f", false),
            (b"\x7f", false),
            ("\u{85}".as_bytes(), false),
            (b"\xff", false),
        ] {
            let found = value("description", octets.to_vec());
            assert_eq!(found.as_text().is_some(), is_text, "{octets:?}");
            assert_eq!(found.as_bytes(), octets);
        }
    }

    #[test]
    fn the_key_is_the_guid_or_the_uuid_or_what_is_configured() {
        let mut options = LdapOptions::new("corp");
        // All sixteen octets are ASCII here: still a GUID, still binary.
        let found = Entry::of(&[("objectGUID", b"ABCDEFGHIJKLMNOP"), ("employeeNumber", b"7"), ("cn", b"T")]);
        let person = subject(&found, &options).unwrap();
        assert_eq!(person.id.key, "4142434445464748494a4b4c4d4e4f50");
        assert_eq!(
            person.attributes.values("objectGUID"),
            Some(&[Value::Binary(b"ABCDEFGHIJKLMNOP".to_vec())][..])
        );
        assert_eq!(person.login, "uid=t,dc=example");
        assert_eq!(
            key_filter(&person.id.key, &options).unwrap(),
            "(objectGUID=\\41\\42\\43\\44\\45\\46\\47\\48\\49\\4a\\4b\\4c\\4d\\4e\\4f\\50)"
        );
        assert_eq!(key_filter("a-b", &options).unwrap(), "(entryUUID=a-b)");
        assert_eq!(key_filter("xyz", &options), None);
        options.subject_attribute = Some("employeeNumber".into());
        assert_eq!(subject(&found, &options).unwrap().id.key, "7");
        assert_eq!(key_filter("*", &options).unwrap(), "(employeeNumber=\\2a)");
        options.subject_attribute = Some("nsUniqueId".into());
        assert!(
            subject(&found, &options).unwrap_err().starts_with("nsUniqueId is missing; let bind_dn read it")
        );
    }

    #[test]
    fn locks_are_read_and_not_released() {
        let mut options = LdapOptions::new("corp");
        for lock in LOCKS {
            assert!(requested(&options).iter().any(|name| name == lock), "{lock}");
        }
        let locked = Entry::of(&[("entryUUID", b"u-1"), ("uid", b"t"), ("nsAccountLock", b"TRUE")]);
        assert!(subject(&locked, &options).unwrap().attributes.values("nsAccountLock").is_none());
        options.attributes = vec!["nsAccountLock".into()];
        assert!(subject(&locked, &options).unwrap().attributes.values("nsAccountLock").is_some());
    }

    #[test]
    fn only_what_is_asked_for_goes_on() {
        let mut options = LdapOptions::new("corp");
        options.attributes = vec!["MAIL".into()];
        let found =
            Entry::of(&[("entryUUID", b"u-1"), ("mail", b"a@b"), ("uid", b"t"), ("cn", "田中".as_bytes())]);
        let person = subject(&found, &options).unwrap();
        assert_eq!(person.attributes.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["mail"]);
        assert_eq!((person.login.as_str(), person.display_name.as_str()), ("t", "田中"));
    }

    #[test]
    fn octets_that_are_no_clean_text_are_binary() {
        assert_eq!(value("cn", "太郎\n".into()), Value::Text("太郎\n".into()));
        assert_eq!(value("x", b"a\0b".to_vec()), Value::Binary(b"a\0b".to_vec()));
        assert_eq!(value("x", vec![0xff]), Value::Binary(vec![0xff]));
        assert_eq!(value("userCertificate;binary", b"abc".to_vec()), Value::Binary(b"abc".to_vec()));
    }
}
