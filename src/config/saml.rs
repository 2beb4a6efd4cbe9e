//! `[saml]`: the identity provider itself, its keys, its metadata and those of its SPs.

use std::path::PathBuf;

use jiff::SignedDuration;
use toml::de::DeValue;

use super::authproc;
use super::base_url::BaseUrl;
use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use super::subject::Subject;
use super::values::{self, choice, duration, flag, maybe_text, text};
use crate::authproc::FilterConfig;
use crate::secret::Secret;

/// The identity provider.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the file, independent of the others"
)]
#[derive(Debug, Clone)]
pub struct Saml {
    /// `entity_id`. Default: `base_url` + `/saml/metadata`.
    pub entity_id: String,
    /// `private_key`: PEM, readable by its owner only. Default `certs/PrivateKey.pem`.
    pub private_key: PathBuf,
    /// `private_key_passphrase`, also as `_file` or `_env`: for an encrypted key.
    pub private_key_passphrase: Option<Secret<String>>,
    /// `certificate`: PEM, of that key. Default `certs/PublicKey.pem`.
    pub certificate: PathBuf,
    /// `next_certificate`: published beside the first, not used yet.
    pub next_certificate: Option<PathBuf>,
    /// `decryption_keys`: PEM files, each with an RSA key and its certificate, readable by their owner only; published
    /// for SPs to encrypt to. Default: none.
    pub decryption_keys: Vec<PathBuf>,
    /// `metadata`: the folder of the SPs' files. Default `metadata`.
    pub metadata: PathBuf,
    /// `want_authn_requests_signed`: refuse every unsigned AuthnRequest. Default false.
    pub want_authn_requests_signed: bool,
    /// `name_id_secret`, also as `_file` or `_env`: what persistent ids are computed with. Default: the file
    /// `certs/name-id-secret`.
    pub name_id_secret: Secret<Vec<u8>>,
    /// Where that secret came from, if from a file.
    pub name_id_secret_file: Option<PathBuf>,
    /// `aliases`: old paths and the endpoint that answers there.
    pub aliases: Vec<(String, Endpoint)>,
    /// `request_max_age`: how old an AuthnRequest may be. Default 1 h.
    pub request_max_age: SignedDuration,
    /// What SPs are told about persons.
    pub subject: Subject,
    /// `enforce_valid_until`: refuse metadata files whose validUntil has passed. Default false.
    pub enforce_valid_until: bool,
    /// `error_url`, `organization`, `contacts`, `ui_info`, `scope`: what the published metadata says besides.
    pub published: Published,
    /// `logout_without_question`: a link to `/logout` signs out at once. Default false.
    pub logout_without_question: bool,
    /// `after_logout_url`: where people go after a logout that began here. Default: our own page.
    pub after_logout_url: Option<String>,
    /// `test_sp`: the built-in service provider. Default false.
    pub test_sp: bool,
    /// `allow_http_endpoints`: take `http://` endpoints in metadata. Default false.
    pub allow_http_endpoints: bool,
    /// `attributes`: the identity provider's own release list. Default: none.
    pub attributes: Option<Vec<String>>,
    /// `[[saml.authproc]]`: the identity provider's level of the pipeline.
    pub authproc: Vec<FilterConfig>,
}

/// What an alias leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/saml/metadata`
    Metadata,
    /// `/saml/sso`
    Sso,
    /// `/saml/sso/init`
    SsoInit,
    /// `/saml/slo`
    Slo,
    /// `/logout`
    Logout,
    /// `/saml/certificate.pem`
    Certificate,
}

/// What the published metadata says about the company.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// `error_url`: where SPs send people for whom something failed.
    pub error_url: Option<String>,
    /// `organization = { name, display_name, url }`
    pub organization: Option<Organization>,
    /// `contacts = [{ type, name, email }]`
    pub contacts: Vec<Contact>,
    /// `ui_info.display_name`: a text, or a table by language.
    pub display_name: Vec<Localized>,
    /// `ui_info.logo = { url, width, height }`
    pub logo: Option<Logo>,
    /// `scope`: the domain that scoped attributes may name (shibmd:Scope).
    pub scope: Option<String>,
}

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// The value of `xml:lang`.
    pub lang: String,
    /// The text.
    pub text: String,
}

/// md:Organization (saml-metadata 2.3.2.1).
#[derive(Debug, Clone)]
pub struct Organization {
    /// The formal name.
    pub name: Vec<Localized>,
    /// The name for people. Default: the formal one.
    pub display_name: Vec<Localized>,
    /// Where to read about it.
    pub url: Vec<Localized>,
}

/// md:ContactPerson (saml-metadata 2.3.2.2).
#[derive(Debug, Clone)]
pub struct Contact {
    /// `technical`, `support`, `administrative`, `billing` or `other`.
    pub contact_type: &'static str,
    /// The person or team.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: String,
}

/// mdui:Logo.
#[derive(Debug, Clone)]
pub struct Logo {
    /// Where the picture is.
    pub url: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("sso", Endpoint::Sso),
    ("slo", Endpoint::Slo),
    ("metadata", Endpoint::Metadata),
    ("sso-init", Endpoint::SsoInit),
    ("logout", Endpoint::Logout),
    ("certificate", Endpoint::Certificate),
];

const CONTACT_TYPES: &[(&str, &str)] = &[
    ("technical", "technical"),
    ("support", "support"),
    ("administrative", "administrative"),
    ("billing", "billing"),
    ("other", "other"),
];

impl Saml {
    pub(super) fn read(section: &Section<'_>, base_url: &BaseUrl) -> Self {
        let (secret, name_id_secret_file) =
            section.secret_or_file(secret_keys!("name_id_secret"), "certs/name-id-secret");
        let entity_id =
            section.optional("entity_id", entity_id).unwrap_or_else(|| base_url.join("/saml/metadata"));
        let subject = Subject::read(section, base_url, &entity_id);
        let allow_http_endpoints = section.or("allow_http_endpoints", false, flag);
        if allow_http_endpoints {
            let message = "assertions may be sent to SPs without TLS";
            section.warn("allow_http_endpoints", message, "use it for tests and closed networks only");
        }
        Self {
            entity_id,
            private_key: section.private("private_key", Some("certs/PrivateKey.pem")).unwrap_or_default(),
            private_key_passphrase: section.secret(secret_keys!("private_key_passphrase")),
            certificate: section.existing("certificate", Some("certs/PublicKey.pem")).unwrap_or_default(),
            next_certificate: section.existing("next_certificate", None),
            decryption_keys: section.private_list("decryption_keys"),
            metadata: section.existing("metadata", Some("metadata")).unwrap_or_default(),
            want_authn_requests_signed: section.or("want_authn_requests_signed", false, flag),
            name_id_secret: Secret::new(secret.expose().clone().into_bytes()),
            name_id_secret_file,
            aliases: section.map("aliases", alias),
            request_max_age: section.or("request_max_age", SignedDuration::from_hours(1), duration),
            subject,
            enforce_valid_until: section.or("enforce_valid_until", false, flag),
            published: Published::read(section),
            logout_without_question: section.or("logout_without_question", false, flag),
            after_logout_url: section.optional("after_logout_url", web_address).flatten(),
            test_sp: section.or("test_sp", false, flag),
            allow_http_endpoints,
            attributes: section.list("attributes", text),
            authproc: authproc::read(section),
        }
    }
}

impl Published {
    fn read(section: &Section<'_>) -> Self {
        let ui_info = section.section("ui_info");
        Self {
            error_url: section.optional("error_url", web_address).flatten(),
            organization: Organization::read(&section.section("organization")),
            contacts: section.sections("contacts").iter().map(Contact::read).collect(),
            display_name: localized(&ui_info, "display_name"),
            logo: Logo::read(&ui_info.section("logo")),
            scope: section.optional("scope", maybe_text).flatten(),
        }
    }
}

impl Organization {
    fn read(section: &Section<'_>) -> Option<Self> {
        let name = localized(section, "name");
        let display_name = localized(section, "display_name");
        let url = localized(section, "url");
        if section.is_present() {
            for key in ["name", "url"].into_iter().filter(|key| !section.has(key)) {
                section.missing(key, "SPs want an organization with name and url");
            }
        }
        let display_name = if display_name.is_empty() { name.clone() } else { display_name };
        section.is_present().then_some(Self { name, display_name, url })
    }
}

impl Contact {
    fn read(section: &Section<'_>) -> Self {
        Self {
            contact_type: section.or("type", "technical", choice(CONTACT_TYPES)),
            name: section.optional("name", text),
            email: section.required("email", "write the address to reach them at", text),
        }
    }
}

impl Logo {
    fn read(section: &Section<'_>) -> Option<Self> {
        let size = values::count(1..=4096);
        if !section.is_present() {
            return None;
        }
        let remedy = "a logo is { url = \"https://..\", width = 80, height = 60 }";
        Some(Self {
            url: section.required("url", remedy, values::web_url),
            width: section.required("width", remedy, &size),
            height: section.required("height", remedy, &size),
        })
    }
}

/// One text, taken as English, or a table of texts by language.
fn localized(section: &Section<'_>, key: &'static str) -> Vec<Localized> {
    let is_text = |value: &DeValue<'_>| Ok(value.is_str());
    if section.optional(key, is_text).unwrap_or(true) {
        let one = section.optional(key, text);
        return one.into_iter().map(|text| Localized { lang: "en".to_owned(), text }).collect();
    }
    let pairs = section.map(key, |lang, value| Ok((lang.to_owned(), text(value)?)));
    pairs.into_iter().map(|(lang, text)| Localized { lang, text }).collect()
}

/// saml-core 8.3.6: an entityID is a URI of at most 1024 characters.
fn entity_id(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    if written.chars().count() > 1024 || written.contains(char::is_whitespace) {
        let message = format!("\"{written}\" is no entityID");
        return Err(Complaint::wrong(message, "write a URI of at most 1024 characters without blanks"));
    }
    Ok(written)
}

/// A web address, or nothing.
fn web_address(value: &DeValue<'_>) -> Result<Option<String>, Complaint> {
    match maybe_text(value)? {
        Some(_) => values::web_url(value).map(Some),
        None => Ok(None),
    }
}

fn alias(path: &str, value: &DeValue<'_>) -> Result<(String, Endpoint), Complaint> {
    let endpoint = choice(ENDPOINTS)(value)?;
    let fits = path.starts_with('/')
        && !path.contains(['?', '#', '{', '}', '\\'])
        && !path.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    if fits {
        return Ok((path.to_owned(), endpoint));
    }
    let message = format!("\"{path}\" is no path");
    Err(Complaint::wrong(message, "write the old path alone, from its first slash on and without a query"))
}
