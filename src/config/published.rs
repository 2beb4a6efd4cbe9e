//! The keys of `[saml]` that the published metadata is made of.

use jiff::SignedDuration;
use toml::de::DeValue;

use super::fault::Complaint;
use super::reader::Section;
use super::values::{self, choice, duration_within, maybe_text, maybe_web_url, text};
use crate::authproc::hint;
use crate::saml::metadata::idp::{Contact, ContactKind, Organization, UiInfo};
use crate::saml::metadata::sp::{Localized, Logo};
use crate::saml::name_id::format_of;
use crate::saml::uris::name_id::{EMAIL, PERSISTENT, TRANSIENT, UNSPECIFIED, WORDS};

/// What the published metadata says beside keys and endpoints.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// `error_url`: where SPs send people for whom something failed.
    pub error_url: Option<String>,
    /// `organization = { name, display_name, url }`; each a text, or a table by language.
    pub organization: Option<Organization>,
    /// `contacts = [{ type, name, sur_name, company, email, telephone }]`
    pub contacts: Vec<Contact>,
    /// `ui_info = { display_name, description, information_url, privacy_statement_url, logo }`
    pub ui_info: UiInfo,
    /// `scope`: the domain that scoped attributes may name (shibmd:Scope).
    pub scope: Option<String>,
    /// `name_id_formats`: the formats on offer, as URIs. Default: persistent, transient, emailAddress, unspecified.
    pub name_id_formats: Vec<String>,
    /// `metadata_cache_duration`: how long SPs should keep a copy before they fetch again. Default 1 h, so that a change
    /// of keys is known within the hour.
    pub cache_duration: SignedDuration,
    /// `metadata_valid_for`: how long after it was signed a copy may be used. Default: for ever, since SPs to which the
    /// metadata was copied by hand would refuse everything from then on.
    pub valid_for: Option<SignedDuration>,
}

const LOGO: &str = "a logo is { url = \"https://..\", width = 80, height = 60 }, with lang = \"ja\" if it is for one language";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const YEAR: SignedDuration = SignedDuration::from_hours(366 * 24);

impl Published {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let (shortest, longest) = (duration_within(MINUTE..=YEAR, "1m to 366d"), YEAR);
        let cache_duration = section.or("metadata_cache_duration", HOUR, shortest);
        let valid_for = section.optional("metadata_valid_for", duration_within(HOUR..=longest, "1h to 366d"));
        if valid_for.is_some_and(|valid_for| valid_for < cache_duration * 2) {
            let message =
                "is less than twice metadata_cache_duration: copies would end before they are renewed";
            let remedy = "make it longer, or metadata_cache_duration shorter";
            section.complain("metadata_valid_for", Complaint::wrong(message, remedy));
        }
        let formats = section.list("name_id_formats", name_id_format).filter(|formats| !formats.is_empty());
        Self {
            error_url: section.optional("error_url", maybe_web_url).flatten(),
            organization: organization(&section.section("organization")),
            contacts: section.sections("contacts").iter().map(contact).collect(),
            ui_info: ui_info(&section.section("ui_info")),
            scope: section.optional("scope", maybe_text).flatten(),
            name_id_formats: formats
                .unwrap_or_else(|| [PERSISTENT, TRANSIENT, EMAIL, UNSPECIFIED].map(str::to_owned).to_vec()),
            cache_duration,
            valid_for,
        }
    }
}

fn organization(section: &Section<'_>) -> Option<Organization> {
    let names = localized(section, "name", text);
    let display_names = localized(section, "display_name", text);
    let urls = localized(section, "url", values::web_url);
    if section.is_present() {
        for key in ["name", "url"].into_iter().filter(|key| !section.has(key)) {
            section.missing(key, "SPs want an organization with name and url");
        }
    }
    section.is_present().then_some(Organization { names, display_names, urls })
}

fn contact(section: &Section<'_>) -> Contact {
    if !section.has("email") {
        section.missing("email", "write the address to reach them at");
    }
    Contact {
        kind: section.or("type", ContactKind::Technical, choice(&ContactKind::WORDS)),
        company: section.optional("company", text),
        given_name: section.optional("name", text),
        sur_name: section.optional("sur_name", text),
        emails: section.one_or_list("email", email).unwrap_or_default(),
        telephones: section.one_or_list("telephone", text).unwrap_or_default(),
    }
}

fn ui_info(section: &Section<'_>) -> UiInfo {
    let is_list = |value: &DeValue<'_>| Ok(value.is_array());
    let logos = match section.optional("logo", is_list) {
        Some(true) => section.sections("logo"),
        Some(false) => vec![section.section("logo")],
        None => Vec::new(),
    };
    UiInfo {
        display_names: localized(section, "display_name", text),
        descriptions: localized(section, "description", text),
        logos: logos.iter().map(logo).collect(),
        information_urls: localized(section, "information_url", values::web_url),
        privacy_statement_urls: localized(section, "privacy_statement_url", values::web_url),
    }
}

fn logo(section: &Section<'_>) -> Logo {
    let size = values::count(1..=4096);
    Logo {
        lang: section.optional("lang", |value| language(&text(value)?)).unwrap_or_default(),
        url: section.required("url", LOGO, values::web_url),
        width: Some(section.required("width", LOGO, &size)),
        height: Some(section.required("height", LOGO, &size)),
    }
}

/// One text, taken as English, or a table of texts by language.
fn localized(
    section: &Section<'_>,
    key: &'static str,
    read: impl Fn(&DeValue<'_>) -> Result<String, Complaint>,
) -> Vec<Localized> {
    let is_table = |value: &DeValue<'_>| Ok(value.is_table());
    if section.optional(key, is_table).unwrap_or(false) {
        let pairs = section.map(key, |lang, value| Ok((language(lang)?, read(value)?)));
        return pairs.into_iter().map(|(lang, text)| Localized { lang, text }).collect();
    }
    let one = section.optional(key, read);
    one.into_iter().map(|text| Localized { lang: "en".to_owned(), text }).collect()
}

/// xs:language, of which `xml:lang` is (XML Schema 2, 3.3.3).
fn language(written: &str) -> Result<String, Complaint> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let first = written.split('-').next().unwrap_or_default();
    if written.split('-').all(part) && first.chars().all(|c| c.is_ascii_alphabetic()) {
        return Ok(written.to_owned());
    }
    let message = format!("\"{written}\" is no language");
    Err(Complaint::wrong(message, "write its code, such as \"en\", \"ja\" or \"zh-Hant\""))
}

fn email(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    if written.contains('@') && !written.contains(char::is_whitespace) {
        return Ok(written);
    }
    let message = format!("\"{written}\" is no e-mail address");
    Err(Complaint::wrong(message, "write the address alone, such as \"it@example.co.jp\""))
}

fn name_id_format(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    format_of(&written).map(str::to_owned).ok_or_else(|| {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        Complaint::wrong(format!("\"{written}\" is no NameID format"), hint(&written, &words))
    })
}
