//! An AuthnRequest as an SP writes it: every field is set by the test, and nothing is checked.

use std::fmt::Write as _;

use sekisho::clock::{Clock, Ids, RandomIds, SystemClock};

/// The fields of an AuthnRequest (saml-core 3.4.1). What is `None` or empty is not written.
#[derive(Debug, Clone)]
pub struct AuthnRequest {
    pub id: String,
    pub version: String,
    pub issue_instant: String,
    pub issuer: Option<String>,
    pub destination: Option<String>,
    pub acs_url: Option<String>,
    pub acs_index: Option<String>,
    /// AttributeConsumingServiceIndex.
    pub attribute_service: Option<String>,
    pub protocol_binding: Option<String>,
    pub force_authn: Option<bool>,
    pub is_passive: Option<bool>,
    pub name_id_format: Option<String>,
    pub sp_name_qualifier: Option<String>,
    pub allow_create: Option<bool>,
    pub comparison: Option<String>,
    pub contexts: Vec<String>,
    /// A `saml:Subject` with this NameID.
    pub subject: Option<String>,
    /// XML to stand before the end of the request.
    pub extra: String,
}

impl AuthnRequest {
    /// The least that an SP sends: an id of its own, the present time, and who it is.
    pub fn new(issuer: &str) -> Self {
        let ids: &dyn Ids = &RandomIds;
        Self {
            id: ids.xml_id(),
            version: "2.0".to_owned(),
            issue_instant: SystemClock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            issuer: Some(issuer.to_owned()),
            destination: None,
            acs_url: None,
            acs_index: None,
            attribute_service: None,
            protocol_binding: None,
            force_authn: None,
            is_passive: None,
            name_id_format: None,
            sp_name_qualifier: None,
            allow_create: None,
            comparison: None,
            contexts: Vec::new(),
            subject: None,
            extra: String::new(),
        }
    }

    /// The document.
    pub fn xml(&self) -> String {
        let mut xml = String::from(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        );
        let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
        for (name, value) in [
            ("ID", Some(self.id.clone())),
            ("Version", Some(self.version.clone())),
            ("IssueInstant", Some(self.issue_instant.clone())),
            ("Destination", self.destination.clone()),
            ("ForceAuthn", flag(self.force_authn)),
            ("IsPassive", flag(self.is_passive)),
            ("ProtocolBinding", self.protocol_binding.clone()),
            ("AssertionConsumerServiceIndex", self.acs_index.clone()),
            ("AssertionConsumerServiceURL", self.acs_url.clone()),
            ("AttributeConsumingServiceIndex", self.attribute_service.clone()),
        ] {
            write_attribute(&mut xml, name, value.as_deref());
        }
        xml.push('>');
        if let Some(issuer) = &self.issuer {
            write_element(&mut xml, "saml:Issuer", issuer);
        }
        if let Some(subject) = &self.subject {
            write!(xml, "<saml:Subject><saml:NameID>{}</saml:NameID></saml:Subject>", escape(subject))
                .unwrap();
        }
        self.write_policy(&mut xml);
        self.write_contexts(&mut xml);
        xml.push_str(&self.extra);
        xml.push_str("</samlp:AuthnRequest>");
        xml
    }

    fn write_policy(&self, xml: &mut String) {
        if self.name_id_format.is_none() && self.sp_name_qualifier.is_none() && self.allow_create.is_none() {
            return;
        }
        xml.push_str("<samlp:NameIDPolicy");
        write_attribute(xml, "Format", self.name_id_format.as_deref());
        write_attribute(xml, "SPNameQualifier", self.sp_name_qualifier.as_deref());
        write_attribute(xml, "AllowCreate", self.allow_create.map(|flag| flag.to_string()).as_deref());
        xml.push_str("/>");
    }

    fn write_contexts(&self, xml: &mut String) {
        if self.contexts.is_empty() {
            return;
        }
        xml.push_str("<samlp:RequestedAuthnContext");
        write_attribute(xml, "Comparison", self.comparison.as_deref());
        xml.push('>');
        for context in &self.contexts {
            write_element(xml, "saml:AuthnContextClassRef", context);
        }
        xml.push_str("</samlp:RequestedAuthnContext>");
    }
}

fn write_attribute(xml: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        write!(xml, " {name}=\"{}\"", escape(value)).unwrap();
    }
}

fn write_element(xml: &mut String, name: &str, text: &str) {
    write!(xml, "<{name}>{}</{name}>", escape(text)).unwrap();
}

/// Text for content and attributes.
pub fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
