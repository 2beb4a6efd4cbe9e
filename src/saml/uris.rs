//! Every URN, namespace and element name once.

use super::xml::writer::Namespace;

/// SAML assertions.
pub const SAML: Namespace = Namespace { prefix: "saml", uri: "urn:oasis:names:tc:SAML:2.0:assertion" };
/// SAML protocol.
pub const SAMLP: Namespace = Namespace { prefix: "samlp", uri: "urn:oasis:names:tc:SAML:2.0:protocol" };
/// SAML metadata.
pub const MD: Namespace = Namespace { prefix: "md", uri: "urn:oasis:names:tc:SAML:2.0:metadata" };
/// XML signatures.
pub const DS: Namespace = Namespace { prefix: "ds", uri: "http://www.w3.org/2000/09/xmldsig#" };
/// XML Encryption.
pub const XENC: Namespace = Namespace { prefix: "xenc", uri: "http://www.w3.org/2001/04/xmlenc#" };
/// What XML Encryption 1.1 added.
pub const XENC11: Namespace = Namespace { prefix: "xenc11", uri: "http://www.w3.org/2009/xmlenc11#" };
/// Metadata for user interfaces.
pub const MDUI: Namespace = Namespace { prefix: "mdui", uri: "urn:oasis:names:tc:SAML:metadata:ui" };
/// Metadata about algorithms.
pub const ALG: Namespace = Namespace { prefix: "alg", uri: "urn:oasis:names:tc:SAML:metadata:algsupport" };
/// Shibboleth's metadata extensions.
pub const SHIBMD: Namespace = Namespace { prefix: "shibmd", uri: "urn:mace:shibboleth:metadata:1.0" };
/// Kinds of contact beyond the schema's (REFEDS).
pub const REMD: Namespace = Namespace { prefix: "remd", uri: "http://refeds.org/metadata" };
/// The contact for security incidents (REFEDS Sirtfi).
pub const SECURITY_CONTACT: &str = "http://refeds.org/metadata/contactType/security";
/// Entity attributes in metadata.
pub const MDATTR: Namespace =
    Namespace { prefix: "mdattr", uri: "urn:oasis:names:tc:SAML:metadata:attribute" };
/// SOAP 1.1 envelopes.
pub const SOAP: Namespace = Namespace { prefix: "S", uri: "http://schemas.xmlsoap.org/soap/envelope/" };
/// Enhanced clients and proxies.
pub const ECP: Namespace = Namespace { prefix: "ecp", uri: "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp" };
/// The Asynchronous Single Logout Protocol Extension.
pub const ASYNC_SLO: &str = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo";
/// The namespace of `xml:lang`.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Exclusive canonicalisation, also the namespace of its InclusiveNamespaces.
pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The enveloped-signature transform.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// HTTP Redirect binding (saml-bindings 3.4).
pub const BINDING_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// HTTP POST binding (saml-bindings 3.5).
pub const BINDING_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// HTTP Artifact binding (saml-bindings 3.6).
pub const BINDING_ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
/// SOAP binding (saml-bindings 3.2).
pub const BINDING_SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
/// Reverse SOAP binding (saml-bindings 3.3).
pub const BINDING_PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";

/// Name identifier formats (saml-core 8.3).
pub mod name_id {
    /// Anything.
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    /// An address of RFC 2822.
    pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    /// The subject name of a certificate.
    pub const X509_SUBJECT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName";
    /// DOMAIN\user.
    pub const WINDOWS_DOMAIN: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName";
    /// user@REALM.
    pub const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos";
    /// Pairwise and lasting.
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    /// Pairwise and for one session.
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    /// Not a format but the wish for an EncryptedID (saml-core 3.4.1.1).
    pub const ENCRYPTED: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted";
    /// The identifier of an entity.
    pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    /// The word by which files of the configuration name a format.
    pub const WORDS: [(&str, &str); 8] = [
        ("transient", TRANSIENT),
        ("persistent", PERSISTENT),
        ("emailAddress", EMAIL),
        ("unspecified", UNSPECIFIED),
        ("X509SubjectName", X509_SUBJECT),
        ("WindowsDomainQualifiedName", WINDOWS_DOMAIN),
        ("kerberos", KERBEROS),
        ("entity", ENTITY),
    ];
}

/// Subject identifiers as attributes (saml-subject-id-attr 1.0).
pub mod subject_id {
    /// The same for every service provider.
    pub const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
    /// Another one for each service provider.
    pub const PAIRWISE_ID: &str = "urn:oasis:names:tc:SAML:attribute:pairwise-id";
    /// The entity attribute by which a service provider says which of them it wants.
    pub const REQUIREMENT: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
}

/// Attribute name formats (saml-core 8.2).
pub mod attribute_name {
    /// The name is a URI.
    pub const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
    /// The name is an NCName-like word.
    pub const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
    /// No one knows.
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";
}

macro_rules! names {
    ($(#[$doc:meta])* $namespace:ident: $($constant:ident = $local:literal),+ $(,)?) => {
        $(
            #[doc = concat!("`", $local, "`")]
            pub const $constant: $crate::saml::xml::writer::Name =
                $crate::saml::xml::writer::Name { namespace: &$namespace, local: $local };
        )+
    };
}
pub(crate) use names;
