//! Writes the identity provider's own metadata (saml-metadata 2.0), in canonical form, ready to be signed.
//!
//! [`write()`] gives the octets without a signature and the place where it belongs: it is spliced in as the first child of
//! the root (schema order: Signature, Extensions, IDPSSODescriptor, Organization, ContactPerson).

use jiff::{SignedDuration, Timestamp};

use super::sp::{Localized, Logo};
use crate::saml::encryption;
use crate::saml::signature::key::sha256_hex;
use crate::saml::signature::{AlgorithmSet, X509_CERTIFICATE, X509_DATA};
use crate::saml::uris::{
    ALG, BINDING_POST, BINDING_REDIRECT, BINDING_SOAP, DS, MD, MDUI, REMD, SAMLP, SECURITY_CONTACT, SHIBMD,
    names,
};
use crate::saml::xml::Writer;
use crate::saml::xml::writer::{Attr, Name};

names! { MD:
    ENTITY_DESCRIPTOR = "EntityDescriptor",
    EXTENSIONS = "Extensions",
    IDP_SSO_DESCRIPTOR = "IDPSSODescriptor",
    KEY_DESCRIPTOR = "KeyDescriptor",
    ENCRYPTION_METHOD = "EncryptionMethod",
    ARTIFACT_RESOLUTION_SERVICE = "ArtifactResolutionService",
    SINGLE_LOGOUT_SERVICE = "SingleLogoutService",
    NAME_ID_FORMAT = "NameIDFormat",
    SINGLE_SIGN_ON_SERVICE = "SingleSignOnService",
    ORGANIZATION = "Organization",
    ORGANIZATION_NAME = "OrganizationName",
    ORGANIZATION_DISPLAY_NAME = "OrganizationDisplayName",
    ORGANIZATION_URL = "OrganizationURL",
    CONTACT_PERSON = "ContactPerson",
    COMPANY = "Company",
    GIVEN_NAME = "GivenName",
    SUR_NAME = "SurName",
    EMAIL_ADDRESS = "EmailAddress",
    TELEPHONE_NUMBER = "TelephoneNumber",
}
names! { MDUI:
    UI_INFO = "UIInfo",
    DISPLAY_NAME = "DisplayName",
    DESCRIPTION = "Description",
    LOGO = "Logo",
    INFORMATION_URL = "InformationURL",
    PRIVACY_STATEMENT_URL = "PrivacyStatementURL",
}
names! { ALG: DIGEST_METHOD = "DigestMethod", SIGNING_METHOD = "SigningMethod" }
names! { SHIBMD: SCOPE = "Scope" }
names! { DS: KEY_INFO = "KeyInfo" }

/// What the metadata says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdpDescription {
    /// Its name in SAML.
    pub entity_id: String,
    /// URL that takes AuthnRequests by HTTP-Redirect.
    pub sso_redirect: String,
    /// URL that takes AuthnRequests by HTTP-POST.
    pub sso_post: String,
    /// URL that takes AuthnRequests of enhanced clients by SOAP (saml-profiles 4.2); none where ECP is off.
    pub ecp: Option<String>,
    /// URL that takes logout messages by HTTP-Redirect and HTTP-POST.
    pub slo_front: String,
    /// URL that takes LogoutRequests by SOAP.
    pub slo_soap: String,
    /// URL that resolves artifacts.
    pub artifact: String,
    /// Signing certificates in base64 of DER: the active one, then the next.
    pub certificates: Vec<String>,
    /// Certificates to encrypt to, in base64 of DER: for EncryptedID.
    pub encryption_certificates: Vec<String>,
    /// Requests must be signed.
    pub want_authn_requests_signed: bool,
    /// Algorithms that signatures of peers may have.
    pub algorithms: AlgorithmSet,
    /// Formats on offer, the first first.
    pub name_id_formats: Vec<String>,
    /// The scope of scoped attributes.
    pub scope: Option<String>,
    /// Names and logos for pages of others.
    pub ui_info: UiInfo,
    /// Who runs it.
    pub organization: Option<Organization>,
    /// Whom to ask.
    pub contacts: Vec<Contact>,
    /// Where an SP may send people when it fails.
    pub error_url: Option<String>,
    /// Until when copies may be used; copies at SPs expire with it.
    pub valid_until: Option<Timestamp>,
    /// How long copies should be kept before fetching again.
    pub cache_duration: SignedDuration,
}

/// mdui:UIInfo; empty ones are not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UiInfo {
    /// Names by language.
    pub display_names: Vec<Localized>,
    /// A sentence by language.
    pub descriptions: Vec<Localized>,
    /// Pictures; without both sizes one is left out, since the schema needs them.
    pub logos: Vec<Logo>,
    /// Pages about the service, by language.
    pub information_urls: Vec<Localized>,
    /// Privacy statements by language.
    pub privacy_statement_urls: Vec<Localized>,
}

/// md:Organization; the schema wants at least one of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// Formal names by language.
    pub names: Vec<Localized>,
    /// Names that people use, by language; the formal ones when there is none.
    pub display_names: Vec<Localized>,
    /// Home pages by language.
    pub urls: Vec<Localized>,
}

/// md:ContactPerson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What for.
    pub kind: ContactKind,
    /// Company.
    pub company: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub sur_name: Option<String>,
    /// Addresses, with or without `mailto:`.
    pub emails: Vec<String>,
    /// Telephone numbers.
    pub telephones: Vec<String>,
}

/// The five kinds of contact (saml-metadata 2.3.2.2), and one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactKind {
    /// technical
    Technical,
    /// support
    Support,
    /// administrative
    Administrative,
    /// billing
    Billing,
    /// other
    Other,
    /// `other` with the mark of REFEDS for those who handle security incidents.
    Security,
}

impl ContactKind {
    /// The words of the configuration.
    pub const WORDS: [(&str, Self); 6] = [
        ("technical", Self::Technical),
        ("support", Self::Support),
        ("administrative", Self::Administrative),
        ("billing", Self::Billing),
        ("other", Self::Other),
        ("security", Self::Security),
    ];

    /// As the schema writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Technical => "technical",
            Self::Support => "support",
            Self::Administrative => "administrative",
            Self::Billing => "billing",
            Self::Other | Self::Security => "other",
        }
    }
}

/// Metadata without its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The canonical document: what is hashed.
    pub bytes: Vec<u8>,
    /// Where the `ds:Signature` goes: right behind the root's start tag.
    pub insert_at: usize,
}

impl Unsigned {
    /// The document with `signature`, the octets of a `ds:Signature`, in its place.
    pub fn with_signature(self, signature: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes;
        let at = self.insert_at.min(bytes.len());
        bytes.splice(at..at, signature.iter().copied());
        bytes
    }
}

/// The ID of `idp`'s metadata: made of what they say, so that whoever writes the same document names it the same.
pub fn content_id(idp: &IdpDescription) -> String {
    format!("_{}", sha256_hex(&write(idp, "").bytes))
}

/// The metadata of `idp`; `id` becomes the ID of the root, which the signature refers to.
pub fn write(idp: &IdpDescription, id: &str) -> Unsigned {
    let mut w = Writer::with_capacity(8 * 1024);
    let mut attributes: Vec<Attr<'_>> = vec![("ID", id.into()), ("entityID", idp.entity_id.as_str().into())];
    if let Some(until) = idp.valid_until {
        attributes.push(("validUntil", seconds(until).into()));
    }
    attributes.push(("cacheDuration", format!("PT{}S", idp.cache_duration.as_secs().max(0)).into()));
    w.start(&ENTITY_DESCRIPTOR, &mut attributes);
    let insert_at = w.position();
    algorithms(&mut w, idp.algorithms);
    role(&mut w, idp);
    if let Some(organization) = &idp.organization {
        write_organization(&mut w, organization);
    }
    for contact in &idp.contacts {
        write_contact(&mut w, contact);
    }
    Unsigned { bytes: w.finish(), insert_at }
}

/// What signatures of peers are understood here (saml-metadata-algsupport 2.3), best first.
fn algorithms(w: &mut Writer, allowed: AlgorithmSet) {
    if allowed == AlgorithmSet::default() {
        return;
    }
    w.start(&EXTENSIONS, &mut []);
    for digest in allowed.digests() {
        w.leaf(&DIGEST_METHOD, &mut [("Algorithm", digest.uri().into())], "");
    }
    for method in allowed.signatures() {
        w.leaf(&SIGNING_METHOD, &mut [("Algorithm", method.uri().into())], "");
    }
    w.end();
}

fn role(w: &mut Writer, idp: &IdpDescription) {
    let mut attributes: Vec<Attr<'_>> = vec![
        ("protocolSupportEnumeration", SAMLP.uri.into()),
        ("WantAuthnRequestsSigned", idp.want_authn_requests_signed.to_string().into()),
    ];
    if let Some(url) = idp.error_url.as_deref().filter(|url| !url.is_empty()) {
        attributes.push(("errorURL", url.into()));
    }
    w.start(&IDP_SSO_DESCRIPTOR, &mut attributes);
    role_extensions(w, idp);
    for certificate in &idp.certificates {
        key_descriptor(w, "signing", certificate, &[]);
    }
    for certificate in &idp.encryption_certificates {
        key_descriptor(w, "encryption", certificate, &encryption::readable());
    }
    let mut attributes: [Attr<'_>; 4] = [
        ("Binding", BINDING_SOAP.into()),
        ("Location", idp.artifact.as_str().into()),
        ("index", "0".into()),
        ("isDefault", "true".into()),
    ];
    w.leaf(&ARTIFACT_RESOLUTION_SERVICE, &mut attributes, "");
    endpoint(w, &SINGLE_LOGOUT_SERVICE, BINDING_REDIRECT, &idp.slo_front);
    endpoint(w, &SINGLE_LOGOUT_SERVICE, BINDING_POST, &idp.slo_front);
    endpoint(w, &SINGLE_LOGOUT_SERVICE, BINDING_SOAP, &idp.slo_soap);
    for format in &idp.name_id_formats {
        w.leaf(&NAME_ID_FORMAT, &mut [], format);
    }
    endpoint(w, &SINGLE_SIGN_ON_SERVICE, BINDING_REDIRECT, &idp.sso_redirect);
    endpoint(w, &SINGLE_SIGN_ON_SERVICE, BINDING_POST, &idp.sso_post);
    if let Some(ecp) = &idp.ecp {
        endpoint(w, &SINGLE_SIGN_ON_SERVICE, BINDING_SOAP, ecp);
    }
    w.end();
}

fn key_descriptor(w: &mut Writer, purpose: &str, certificate: &str, methods: &[&str]) {
    w.start(&KEY_DESCRIPTOR, &mut [("use", purpose.into())]);
    w.start(&KEY_INFO, &mut []);
    w.start(&X509_DATA, &mut []);
    w.leaf(&X509_CERTIFICATE, &mut [], certificate);
    w.end();
    w.end();
    for method in methods {
        w.leaf(&ENCRYPTION_METHOD, &mut [("Algorithm", (*method).into())], "");
    }
    w.end();
}

fn endpoint(w: &mut Writer, name: &'static Name, binding: &str, location: &str) {
    w.leaf(name, &mut [("Binding", binding.into()), ("Location", location.into())], "");
}

fn role_extensions(w: &mut Writer, idp: &IdpDescription) {
    let scope = idp.scope.as_deref().filter(|scope| !scope.is_empty());
    let with_ui = idp.ui_info != UiInfo::default();
    if scope.is_none() && !with_ui {
        return;
    }
    w.start(&EXTENSIONS, &mut []);
    if let Some(scope) = scope {
        w.leaf(&SCOPE, &mut [("regexp", "false".into())], scope);
    }
    if with_ui {
        let ui = &idp.ui_info;
        w.start(&UI_INFO, &mut []);
        localized(w, &DISPLAY_NAME, &ui.display_names);
        localized(w, &DESCRIPTION, &ui.descriptions);
        for logo in &ui.logos {
            write_logo(w, logo);
        }
        localized(w, &INFORMATION_URL, &ui.information_urls);
        localized(w, &PRIVACY_STATEMENT_URL, &ui.privacy_statement_urls);
        w.end();
    }
    w.end();
}

fn write_logo(w: &mut Writer, logo: &Logo) {
    let (Some(width), Some(height)) = (logo.width, logo.height) else { return };
    let mut attributes: Vec<Attr<'_>> =
        vec![("height", height.to_string().into()), ("width", width.to_string().into())];
    if !logo.lang.is_empty() {
        attributes.push(("xml:lang", logo.lang.as_str().into()));
    }
    w.leaf(&LOGO, &mut attributes, &logo.url);
}

fn write_organization(w: &mut Writer, organization: &Organization) {
    let displayed = &organization.display_names;
    w.start(&ORGANIZATION, &mut []);
    localized(w, &ORGANIZATION_NAME, &organization.names);
    localized(
        w,
        &ORGANIZATION_DISPLAY_NAME,
        if displayed.is_empty() { &organization.names } else { displayed },
    );
    localized(w, &ORGANIZATION_URL, &organization.urls);
    w.end();
}

fn write_contact(w: &mut Writer, contact: &Contact) {
    let kind = ("contactType", contact.kind.as_str().into());
    if contact.kind == ContactKind::Security {
        let mark = ("remd:contactType", SECURITY_CONTACT.into());
        w.start_with(&CONTACT_PERSON, &[&REMD], &mut [kind, mark]);
    } else {
        w.start(&CONTACT_PERSON, &mut [kind]);
    }
    let parts =
        [(&COMPANY, &contact.company), (&GIVEN_NAME, &contact.given_name), (&SUR_NAME, &contact.sur_name)];
    for (name, part) in parts {
        if let Some(text) = part {
            w.leaf(name, &mut [], text);
        }
    }
    for email in &contact.emails {
        let address = email.strip_prefix("mailto:").unwrap_or(email);
        w.leaf(&EMAIL_ADDRESS, &mut [], &format!("mailto:{address}"));
    }
    for number in &contact.telephones {
        w.leaf(&TELEPHONE_NUMBER, &mut [], number);
    }
    w.end();
}

fn localized(w: &mut Writer, name: &'static Name, texts: &[Localized]) {
    for text in texts {
        // xml:lang is required here (saml-metadata 2.2.4).
        let lang = if text.lang.is_empty() { "en" } else { &text.lang };
        w.leaf(name, &mut [("xml:lang", lang.into())], &text.text);
    }
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
