//! The reading of a policy file, key by key, so that one fault does not hide the next.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::fault::Faults;
use super::provider::{self, CertificateSource, TomlServiceProvider};
use super::values::{self, Wrong};
use super::{
    Encrypt, EntityPolicy, NameIdEncoding, Policy, PolicyFault, PolicyFile, Profile, VerifyRequests,
};
use crate::authproc::{FilterConfig, hint};
use crate::saml::signature::SignatureAlgorithm;

const POLICY_KEYS: [&str; 31] = [
    "enabled",
    "entity_id_aliases",
    "audience",
    "idp_entity_id",
    "name_id_format",
    "name_id_force",
    "name_id_attribute",
    "name_id_encoding",
    "attributes",
    "attribute_name_format",
    "send_attributes",
    "sign",
    "encrypt",
    "encryption_methods",
    "verify_requests",
    "allow",
    "assertion_lifetime",
    "not_before_skew",
    "session_not_on_or_after",
    "relay_state",
    "relay_state_prefixes",
    "request_max_age",
    "ignore_requested_authn_context",
    "max_authn_age",
    "ecp",
    "allow_sha1_requests",
    "allow_sha1_responses",
    "signature_algorithm",
    "private_key",
    "certificate",
    "profile",
];

const PROVIDER_KEYS: [&str; 6] =
    ["entity_id", "acs", "slo", "certificates", "encryption_certificates", "name"];

/// Keys that later versions will enforce.
const NOT_YET: [&str; 1] = ["attribute_encodings"];

pub(super) fn parse(
    file: &Path,
    text: &str,
    profile: Option<Profile>,
) -> Result<PolicyFile, Vec<PolicyFault>> {
    let mut faults = Faults::new(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        faults.add(error.span(), "", error.message(), "write valid TOML");
    }
    let read = Reader { faults: &mut faults, profile }.file(table.get_ref());
    let found = faults.into_found();
    if found.is_empty() { Ok(read) } else { Err(found) }
}

struct Reader<'r, 'f> {
    faults: &'r mut Faults<'f>,
    /// Of files that name none.
    profile: Option<Profile>,
}

/// The keys of a service provider without XML, as far as they were there.
#[derive(Default)]
struct ProviderDraft {
    entity_id: Option<String>,
    acs: Vec<String>,
    slo: Vec<String>,
    certificates: Vec<CertificateSource>,
    encryption_certificates: Vec<CertificateSource>,
    name: Option<String>,
    /// Where keys of it were, whether they could be read or not.
    at: Vec<(String, Range<usize>)>,
}

impl Reader<'_, '_> {
    fn file(&mut self, table: &DeTable<'_>) -> PolicyFile {
        let profile = named_profile(table).or(self.profile);
        let (mut policy, mut authproc) = (Profile::policy(profile), Vec::new());
        let mut draft = ProviderDraft::default();
        let mut entities = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            match name {
                "authproc" => authproc = self.authproc(value),
                _ if PROVIDER_KEYS.contains(&name) => self.provider_key(&mut draft, name, value),
                _ if POLICY_KEYS.contains(&name) => self.policy_key(&mut policy, name, value),
                // No key of a policy is a table, and an entityID is a URI or at least a host name.
                _ if value.get_ref().is_table() && name.contains([':', '.', '/']) => {
                    entities.push((key, value));
                }
                _ => self.unknown(key),
            }
        }
        self.contradictions(&policy, table);
        let mut by_entity = BTreeMap::new();
        for (key, value) in entities {
            if let Err(wrong) = values::entity_id(key.get_ref()) {
                self.fault(key.span(), key.get_ref(), wrong);
            }
            let entity = self.entity(value, (table, &policy), &authproc);
            by_entity.insert(key.get_ref().to_string(), entity);
        }
        let service_provider = self.provider(draft, &policy, !by_entity.is_empty());
        PolicyFile { policy, service_provider, authproc, by_entity }
    }

    /// A table of an aggregate's file. What names one entity is not taken from the top.
    fn entity(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        (top, top_policy): (&DeTable<'_>, &Policy),
        filters: &[FilterConfig],
    ) -> EntityPolicy {
        let empty = DeTable::new();
        let table = value.get_ref().as_table().unwrap_or(&empty);
        let below = named_profile(table).map_or_else(|| top_policy.clone(), |own| self.over(own, top));
        let mut policy = Policy { entity_id_aliases: Vec::new(), audience: Vec::new(), ..below };
        let mut authproc = filters.to_vec();
        for (key, value) in table {
            let name: &str = key.get_ref();
            match name {
                "authproc" => authproc = self.authproc(value),
                _ if POLICY_KEYS.contains(&name) => self.policy_key(&mut policy, name, value),
                _ if PROVIDER_KEYS.contains(&name) => {
                    let message = "it describes a service provider without XML";
                    self.fault(key.span(), name, values::wrong(message, "remove it: the aggregate says it"));
                }
                _ => self.unknown(key),
            }
        }
        self.contradictions(&policy, table);
        EntityPolicy { policy, authproc }
    }

    /// The keys of `table` over the defaults of a profile. What is wrong with them is told elsewhere.
    fn over(&self, profile: Profile, table: &DeTable<'_>) -> Policy {
        let mut told = Faults::new(self.faults.file(), "");
        let mut reader = Reader { faults: &mut told, profile: None };
        let mut policy = Profile::policy(Some(profile));
        for (key, value) in table.iter().filter(|(key, _)| POLICY_KEYS.contains(&&**key.get_ref())) {
            reader.policy_key(&mut policy, key.get_ref(), value);
        }
        policy
    }

    fn policy_key(&mut self, policy: &mut Policy, key: &str, value: &Spanned<DeValue<'_>>) {
        let (second, minute) = (SignedDuration::from_secs(1), SignedDuration::from_mins(1));
        let (hour, day) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
        let v = value.get_ref();
        let read = match key {
            "enabled" => values::boolean(v).map(|b| policy.enabled = b),
            "entity_id_aliases" => values::entity_ids(v).map(|ids| policy.entity_id_aliases = ids),
            "audience" => values::entity_ids(v).map(|ids| policy.audience = ids),
            "idp_entity_id" => values::idp_entity_id(v).map(|id| policy.idp_entity_id = Some(id)),
            "name_id_format" => values::name_id_format(v).map(|uri| {
                policy.without_name_id = uri.is_none();
                policy.name_id_format = uri;
            }),
            "name_id_force" => values::boolean(v).map(|b| policy.name_id_force = b),
            "name_id_attribute" => values::word(v).map(|name| policy.name_id_attribute = Some(name)),
            "name_id_encoding" => {
                values::name_id_encoding(v).map(|encoding| policy.name_id_encoding = encoding)
            }
            "attributes" => values::words(v).map(|names| policy.attributes = Some(names)),
            "attribute_name_format" => {
                values::attribute_name_format(v).map(|uri| policy.attribute_name_format = Some(uri))
            }
            "send_attributes" => values::boolean(v).map(|b| policy.send_attributes = b),
            "sign" => values::sign(v).map(|sign| policy.sign = sign),
            "encrypt" => values::encrypt(v).map(|encrypt| policy.encrypt = encrypt),
            "encryption_methods" => {
                values::encryption_methods(v).map(|methods| policy.encryption_methods = methods)
            }
            "verify_requests" => values::verify_requests(v).map(|when| policy.verify_requests = when),
            "allow" => values::allow(v).map(|allow| policy.allow = allow),
            "assertion_lifetime" => values::duration(v, minute, day).map(|d| policy.assertion_lifetime = d),
            "not_before_skew" => {
                values::duration(v, SignedDuration::ZERO, hour).map(|d| policy.not_before_skew = d)
            }
            "session_not_on_or_after" => values::boolean(v).map(|b| policy.session_not_on_or_after = b),
            "relay_state" => values::relay_state(v).map(|state| policy.relay_state = state),
            "relay_state_prefixes" => {
                values::relay_state_prefixes(v).map(|list| policy.relay_state_prefixes = list)
            }
            "request_max_age" => values::duration(v, minute, day).map(|d| policy.request_max_age = Some(d)),
            "ignore_requested_authn_context" => {
                values::boolean(v).map(|b| policy.ignore_requested_authn_context = b)
            }
            "max_authn_age" => values::duration(v, second, day * 366).map(|d| policy.max_authn_age = Some(d)),
            "ecp" => values::boolean(v).map(|b| policy.ecp = b),
            "allow_sha1_requests" => values::boolean(v).map(|b| policy.allow_sha1_requests = b),
            "allow_sha1_responses" => values::boolean(v).map(|b| policy.allow_sha1_responses = b),
            "signature_algorithm" => values::signature_algorithm(v).map(|algorithm| {
                policy.signature_algorithm = Some(algorithm);
            }),
            "private_key" => self.path(v).map(|path| policy.private_key = Some(path)),
            "certificate" => self.path(v).map(|path| policy.certificate = Some(path)),
            // Taken at the beginning, since the other keys go over it.
            "profile" => values::profile(v).map(drop),
            _ => Err(values::wrong("it is not read", "remove it")),
        };
        if let Err(wrong) = read {
            self.fault(value.span(), key, wrong);
        }
    }

    /// The name of a file, which starts at the folder of this one.
    fn path(&self, value: &DeValue<'_>) -> Result<PathBuf, Wrong> {
        let folder = self.faults.file().parent().unwrap_or(Path::new(""));
        values::word(value).map(|name| folder.join(name))
    }

    fn provider_key(&mut self, draft: &mut ProviderDraft, key: &str, value: &Spanned<DeValue<'_>>) {
        draft.at.push((key.to_owned(), value.span()));
        let file = self.faults.file();
        let v = value.get_ref();
        let read = match key {
            "entity_id" => values::text(v)
                .and_then(|text| values::entity_id(&text))
                .map(|entity_id| draft.entity_id = Some(entity_id)),
            "acs" => values::urls(v).map(|urls| draft.acs = urls),
            "slo" => values::urls(v).map(|urls| draft.slo = urls),
            "certificates" => values::list(v, |entry| provider::certificate(entry, file))
                .map(|found| draft.certificates = found),
            "encryption_certificates" => values::list(v, |entry| provider::certificate(entry, file))
                .map(|found| draft.encryption_certificates = found),
            _ => values::word(v).map(|name| draft.name = Some(name)),
        };
        if let Err(wrong) = read {
            self.fault(value.span(), key, wrong);
        }
    }

    /// A service provider needs its entityID and a place to send to.
    fn provider(
        &mut self,
        draft: ProviderDraft,
        policy: &Policy,
        aggregate: bool,
    ) -> Option<TomlServiceProvider> {
        let written = |key: &str| draft.at.iter().find(|(held, _)| held == key).map(|(_, span)| span.clone());
        let Some(at) = written("entity_id") else {
            for (key, span) in &draft.at {
                let remedy =
                    "add entity_id if this file is the service provider, or remove the key: the XML says it";
                self.fault(span.clone(), key, values::wrong("it stands without entity_id", remedy));
            }
            return None;
        };
        if aggregate {
            let remedy = "give the service provider a file of its own";
            self.fault(
                at.clone(),
                "entity_id",
                values::wrong("tables for an aggregate's entities are here too", remedy),
            );
        }
        if written("acs").is_none() {
            let remedy = "add acs = [\"https://...\"], the URL that takes the response";
            self.fault(at, "acs", values::wrong("it is missing", remedy));
        }
        if policy.verify_requests == VerifyRequests::Required && draft.certificates.is_empty() {
            let remedy = "add the certificate that signs the requests, or take \"when-key\"";
            let span = written("certificates").or_else(|| written("entity_id")).unwrap_or_default();
            let message = "verify_requests = \"required\" has no certificate to verify with";
            self.fault(span, "certificates", values::wrong(message, remedy));
        }
        if policy.encrypt == Encrypt::Always && draft.encryption_certificates.is_empty() {
            let remedy = "add the certificate to encrypt to, or take \"when-key\"";
            let span =
                written("encryption_certificates").or_else(|| written("entity_id")).unwrap_or_default();
            let message = "encrypt = \"always\" has no certificate to encrypt to";
            self.fault(span, "encryption_certificates", values::wrong(message, remedy));
        }
        Some(TomlServiceProvider {
            entity_id: draft.entity_id?,
            acs: draft.acs,
            slo: draft.slo,
            certificates: draft.certificates,
            encryption_certificates: draft.encryption_certificates,
            name: draft.name,
        })
    }

    /// Keys that have no effect without another one.
    fn contradictions(&mut self, policy: &Policy, table: &DeTable<'_>) {
        let span_of =
            |name: &str| table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, _)| key.span());
        let pair = [
            (policy.private_key.is_some() && policy.certificate.is_none(), "private_key", "certificate"),
            (policy.certificate.is_some() && policy.private_key.is_none(), "certificate", "private_key"),
        ];
        for (alone, key, other) in pair {
            if let Some(span) = span_of(key).filter(|_| alone) {
                let remedy = format!("add {other}, or remove the key");
                self.fault(span, key, values::wrong("a key pair has two files", remedy));
            }
        }
        let sha1 = policy.signature_algorithm == Some(SignatureAlgorithm::RsaSha1);
        if let Some(span) = span_of("signature_algorithm").filter(|_| sha1 && !policy.allow_sha1_responses) {
            let remedy =
                "choose \"rsa-sha256\"; if the SP can do nothing else, add allow_sha1_responses = true";
            self.fault(span, "signature_algorithm", values::wrong("SHA-1 can be forged", remedy));
        }
        let forced =
            span_of("name_id_force").filter(|_| policy.name_id_force && policy.name_id_format.is_none());
        let forced = forced.filter(|_| !policy.without_name_id);
        if let Some(span) = forced.filter(|_| span_of("name_id_format").is_none()) {
            let remedy = "add name_id_format, or remove the key";
            self.fault(span, "name_id_force", values::wrong("there is no format to force", remedy));
        }
        let encoded = policy.name_id_encoding == NameIdEncoding::Base64 && policy.name_id_attribute.is_none();
        let encoded = span_of("name_id_encoding").filter(|_| encoded);
        if let Some(span) = encoded.filter(|_| span_of("name_id_attribute").is_none()) {
            let remedy = "add name_id_attribute, or remove the key";
            self.fault(span, "name_id_encoding", values::wrong("there is no attribute to encode", remedy));
        }
    }

    fn authproc(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<FilterConfig> {
        let Some(tables) = value.get_ref().as_array() else {
            let wrong = values::wrong("it must be a list of tables", "write [[authproc]] with two brackets");
            self.fault(value.span(), "authproc", wrong);
            return Vec::new();
        };
        let mut filters = Vec::new();
        for table in tables {
            match FilterConfig::deserialize(ValueDeserializer::from(table.clone())) {
                Ok(filter) => filters.push(filter),
                Err(error) => {
                    let span = error.span().unwrap_or_else(|| table.span());
                    let remedy = "correct the table, or remove it whole";
                    self.fault(span, "authproc", values::wrong(error.message(), remedy));
                }
            }
        }
        filters
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>) {
        let name: &str = key.get_ref();
        let wrong = if NOT_YET.contains(&name) {
            values::wrong("it is not available yet", "remove the key")
        } else {
            let known: Vec<&str> = POLICY_KEYS.into_iter().chain(PROVIDER_KEYS).chain(["authproc"]).collect();
            values::wrong("there is no such key", hint(name, &known))
        };
        self.fault(key.span(), name, wrong);
    }

    fn fault(&mut self, span: Range<usize>, key: &str, wrong: Wrong) {
        self.faults.add(Some(span), key, wrong.message, &wrong.remedy);
    }
}

fn named_profile(table: &DeTable<'_>) -> Option<Profile> {
    table.get("profile").and_then(|value| values::profile(value.get_ref()).ok())
}
