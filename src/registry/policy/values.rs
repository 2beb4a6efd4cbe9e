//! The values of a policy file: from TOML to what they mean, or the sentence that says what is wrong.

use jiff::SignedDuration;
use toml::de::DeValue;

use super::{Allow, Encrypt, NameIdEncoding, Profile, Sign, UPN_DOMAIN, VerifyRequests};
use crate::authproc::hint;
use crate::saml::encryption::{BlockCipher, EncryptionMethod, KeyTransport};
use crate::saml::name_id::format_of;
use crate::saml::signature::SignatureAlgorithm;
use crate::saml::uris::{attribute_name, name_id};

/// What is wrong with a value, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) remedy: String,
}

pub(super) fn wrong(message: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong { message: message.into(), remedy: remedy.into() }
}

type Read<T> = Result<T, Wrong>;

/// RelayState may have 8 KB in all that we speak.
const RELAY_STATE_MOST: usize = 8 * 1024;

const ATTRIBUTE_NAME_FORMATS: [(&str, &str); 3] = [
    ("uri", attribute_name::URI),
    ("basic", attribute_name::BASIC),
    ("unspecified", attribute_name::UNSPECIFIED),
];

pub(super) fn boolean(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or_else(|| kind(value, "true or false"))
}

pub(super) fn text(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().ok_or_else(|| kind(value, "a string"))?;
    if text.chars().any(char::is_control) {
        return Err(wrong("it holds a control character", "take it out"));
    }
    Ok(text.to_owned())
}

/// A text that is not empty and has no white space at its ends.
pub(super) fn word(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?;
    if text.is_empty() || text.trim() != text {
        return Err(wrong(
            "it is empty or begins or ends with white space",
            "write the value, or remove the key",
        ));
    }
    Ok(text)
}

pub(super) fn list<T>(value: &DeValue<'_>, one: impl Fn(&DeValue<'_>) -> Read<T>) -> Read<Vec<T>> {
    let list = value.as_array().ok_or_else(|| kind(value, "a list in [ ]"))?;
    let entry = |(at, entry): (usize, &toml::Spanned<DeValue<'_>>)| {
        one(entry.get_ref())
            .map_err(|error| Wrong { message: format!("entry {}: {}", at + 1, error.message), ..error })
    };
    list.iter().enumerate().map(entry).collect()
}

/// A list of different words.
pub(super) fn words(value: &DeValue<'_>) -> Read<Vec<String>> {
    let words = list(value, word)?;
    match words.iter().enumerate().find(|(at, word)| words.iter().take(*at).any(|earlier| earlier == *word)) {
        Some((_, twice)) => Err(wrong(format!("\"{twice}\" is in it twice"), "keep one")),
        None => Ok(words),
    }
}

/// An entityID (saml-metadata 2.2.1: at most 1024 characters).
pub(super) fn entity_id(text: &str) -> Read<String> {
    let bad = text.is_empty()
        || text.chars().count() > 1024
        || text.chars().any(|c| c.is_whitespace() || c.is_control());
    if bad {
        let message = "an entityID has 1 to 1024 characters and no white space";
        return Err(wrong(message, "write the entityID as the service provider gives it"));
    }
    Ok(text.to_owned())
}

/// An entityID of the identity provider, with or without the one place that it may hold.
pub(super) fn idp_entity_id(value: &DeValue<'_>) -> Read<String> {
    let id = entity_id(&word(value)?)?;
    let rest = id.replace(UPN_DOMAIN, "");
    if rest.contains(['{', '}']) {
        let message = "it holds a brace that is no part of {upn_domain}";
        return Err(wrong(
            message,
            "write {upn_domain} where the domain of the person's userPrincipalName belongs",
        ));
    }
    // saml-core 8.3.6, and the only thing that Microsoft 365 asks of it.
    if !rest.contains(':') {
        let remedy = "write one such as \"https://idp.example.co.jp/{upn_domain}\"";
        return Err(wrong(format!("\"{id}\" is no URI"), remedy));
    }
    Ok(id)
}

pub(super) fn entity_ids(value: &DeValue<'_>) -> Read<Vec<String>> {
    for id in words(value)? {
        entity_id(&id)?;
    }
    words(value)
}

/// `http` is let through here: whether it may stay is for the registry, as with XML.
pub(super) fn url(value: &DeValue<'_>) -> Read<String> {
    let url = word(value)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || url.contains(char::is_whitespace) {
        return Err(wrong(format!("\"{url}\" is no absolute https URL"), "write it as https://host/path"));
    }
    Ok(url)
}

pub(super) fn urls(value: &DeValue<'_>) -> Read<Vec<String>> {
    let urls = if value.is_str() { vec![url(value)?] } else { list(value, url)? };
    if urls.is_empty() {
        return Err(wrong("it names no URL", "write one, or remove the key"));
    }
    Ok(urls)
}

/// A duration between two bounds, `5m`, `1h30m` or `PT5M`.
pub(super) fn duration(
    value: &DeValue<'_>,
    least: SignedDuration,
    most: SignedDuration,
) -> Read<SignedDuration> {
    let example = "write it as \"30s\", \"5m\", \"1h30m\" or \"PT5M\"";
    let text = value.as_str().ok_or_else(|| wrong(kind(value, "a duration").message, example))?;
    let duration: SignedDuration =
        text.parse().map_err(|_| wrong(format!("\"{text}\" is no duration"), example))?;
    if duration < least || duration > most {
        let remedy = format!("choose one between {least:#} and {most:#}");
        return Err(wrong(format!("{duration:#} is out of bounds"), remedy));
    }
    Ok(duration)
}

/// The URI of the format; none for the word `none`.
pub(super) fn name_id_format(value: &DeValue<'_>) -> Read<Option<String>> {
    let text = text(value)?;
    if text == "none" {
        return Ok(None);
    }
    let format = format_of(&text).map(|format| Some(format.to_owned()));
    format.ok_or_else(|| unknown(&text, &name_id::WORDS, "NameID format"))
}

pub(super) fn attribute_name_format(value: &DeValue<'_>) -> Read<String> {
    uri(&text(value)?, &ATTRIBUTE_NAME_FORMATS, "attribute name format")
}

pub(super) fn name_id_encoding(value: &DeValue<'_>) -> Read<NameIdEncoding> {
    choice(value, &[("text", NameIdEncoding::Text), ("base64", NameIdEncoding::Base64)])
}

pub(super) fn sign(value: &DeValue<'_>) -> Read<Sign> {
    choice(value, &[("assertion", Sign::Assertion), ("response", Sign::Response), ("both", Sign::Both)])
}

pub(super) fn profile(value: &DeValue<'_>) -> Read<Profile> {
    choice(value, &Profile::WORDS)
}

pub(super) fn signature_algorithm(value: &DeValue<'_>) -> Read<SignatureAlgorithm> {
    let text = text(value)?;
    let words: Vec<&str> = SignatureAlgorithm::words().collect();
    SignatureAlgorithm::from_word(&text)
        .ok_or_else(|| wrong(format!("\"{text}\" is unknown"), hint(&text, &words)))
}

pub(super) fn encrypt(value: &DeValue<'_>) -> Read<Encrypt> {
    choice(value, &[("never", Encrypt::Never), ("when-key", Encrypt::WhenKey), ("always", Encrypt::Always)])
}

/// Algorithms by the last part of their URIs.
pub(super) fn encryption_methods(value: &DeValue<'_>) -> Read<Vec<EncryptionMethod>> {
    let ciphers = BlockCipher::ALL.map(BlockCipher::uri);
    let uris: Vec<&str> = ciphers.into_iter().chain(KeyTransport::URIS).collect();
    let known: Vec<(&str, &str)> =
        uris.iter().filter_map(|uri| Some((uri.rsplit_once('#')?.1, *uri))).collect();
    words(value)?
        .iter()
        .map(|word| uri(word, &known, "encryption algorithm"))
        .map(|algorithm| Ok(EncryptionMethod { algorithm: algorithm?, ..EncryptionMethod::default() }))
        .collect()
}

pub(super) fn verify_requests(value: &DeValue<'_>) -> Read<VerifyRequests> {
    let known = [
        ("required", VerifyRequests::Required),
        ("when-key", VerifyRequests::WhenKey),
        ("ignore", VerifyRequests::Ignore),
    ];
    choice(value, &known)
}

pub(super) fn allow(value: &DeValue<'_>) -> Read<Vec<Allow>> {
    let allow = list(value, |entry| {
        let text = word(entry)?;
        match text.split_once(':') {
            Some(("group", written)) => dn(written).map(Allow::Group).ok_or_else(|| {
                let message = format!("\"{written}\" is no distinguished name");
                wrong(message, "write \"group:CN=Sales,OU=Groups,DC=example,DC=jp\"")
            }),
            Some(("user", login)) if !login.trim().is_empty() => Ok(Allow::User(login.to_owned())),
            _ => Err(wrong(format!("\"{text}\" names nobody"), "write \"group:<DN>\" or \"user:<login>\"")),
        }
    })?;
    if allow.is_empty() {
        let remedy = "remove the key to let everyone in; `enabled = false` closes the service provider";
        return Err(wrong("it is empty", remedy));
    }
    Ok(allow)
}

pub(super) fn relay_state(value: &DeValue<'_>) -> Read<Option<String>> {
    let text = text(value)?;
    if text.len() > RELAY_STATE_MOST {
        return Err(wrong(format!("{} octets are more than {RELAY_STATE_MOST}", text.len()), "shorten it"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

pub(super) fn relay_state_prefixes(value: &DeValue<'_>) -> Read<Vec<String>> {
    let prefixes = words(value)?;
    for prefix in &prefixes {
        let host_open = prefix.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
        if host_open {
            let message = format!("\"{prefix}\" also begins the names of other hosts");
            return Err(wrong(message, format!("end it: \"{prefix}/\"")));
        }
    }
    if prefixes.is_empty() {
        return Err(wrong("it is empty", "remove the key to take any RelayState"));
    }
    Ok(prefixes)
}

pub(super) fn kind(value: &DeValue<'_>, wanted: &str) -> Wrong {
    wrong(format!("it must be {wanted}, not {}", value.type_str()), format!("write {wanted}"))
}

fn choice<T: Copy>(value: &DeValue<'_>, known: &[(&str, T)]) -> Read<T> {
    let text = value.as_str().ok_or_else(|| kind(value, "a string"))?;
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let found = known.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| wrong(format!("\"{text}\" is unknown"), hint(text, &words)))
}

fn uri(text: &str, known: &[(&str, &str)], what: &str) -> Read<String> {
    if let Some((_, uri)) = known.iter().find(|(short, uri)| *short == text || *uri == text) {
        return Ok((*uri).to_owned());
    }
    Err(unknown(text, known, what))
}

fn unknown(text: &str, known: &[(&str, &str)], what: &str) -> Wrong {
    let shorts: Vec<&str> = known.iter().map(|(short, _)| *short).collect();
    wrong(format!("\"{text}\" is no {what}"), hint(text, &shorts))
}

/// A DN as servers write it, without blanks around its parts (RFC 4514); `None` unless each part has an attribute type
/// and a value. Escaped commas stay inside a part.
fn dn(text: &str) -> Option<String> {
    let (mut parts, mut escaped) = (vec![String::new()], false);
    for c in text.chars() {
        match c {
            ',' if !escaped => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
        escaped = c == '\\' && !escaped;
    }
    let part = |part: &String| {
        let (kind, value) = part.split_once('=')?;
        let (kind, whole) = (kind.trim(), value.trim_start());
        // An escaped blank at the end belongs to the value.
        let value = Some(whole.trim_end()).filter(|cut| !cut.ends_with('\\')).unwrap_or(whole);
        (!kind.is_empty() && !value.is_empty()).then(|| format!("{kind}={value}"))
    };
    Some(parts.iter().map(part).collect::<Option<Vec<_>>>()?.join(","))
}
