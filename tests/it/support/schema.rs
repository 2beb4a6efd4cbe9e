//! The schemas of OASIS and Shibboleth as Debian ships them, and xmllint, which judges documents by them without network.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Namespace and file, each after what it imports: libxml2 takes the first that it is given for a namespace.
const SCHEMAS: [(&str, &str); 8] = [
    ("http://www.w3.org/XML/1998/namespace", "xmltooling/xml.xsd"),
    ("http://www.w3.org/2000/09/xmldsig#", "xmltooling/xmldsig-core-schema.xsd"),
    ("http://www.w3.org/2001/04/xmlenc#", "xmltooling/xenc-schema.xsd"),
    ("urn:oasis:names:tc:SAML:2.0:assertion", "opensaml/saml-schema-assertion-2.0.xsd"),
    ("urn:oasis:names:tc:SAML:2.0:metadata", "opensaml/saml-schema-metadata-2.0.xsd"),
    ("urn:oasis:names:tc:SAML:metadata:ui", "opensaml/sstc-saml-metadata-ui-v1.0.xsd"),
    ("urn:oasis:names:tc:SAML:metadata:algsupport", "opensaml/sstc-saml-metadata-algsupport-v1.0.xsd"),
    ("urn:mace:shibboleth:metadata:1.0", "shibboleth/shibboleth-metadata-1.0.xsd"),
];

/// What xmllint has against a metadata document.
pub fn faults(document: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let (driver, file) = (folder.path().join("all.xsd"), folder.path().join("document.xml"));
    let mut schema = "<schema xmlns=\"http://www.w3.org/2001/XMLSchema\">\n".to_owned();
    for (namespace, name) in SCHEMAS {
        let path = format!("/usr/share/xml/{name}");
        assert!(fs::exists(&path).unwrap(), "{path} is missing; tests/setup.sh installs it");
        writeln!(schema, "<import namespace=\"{namespace}\" schemaLocation=\"file://{path}\"/>").unwrap();
    }
    schema.push_str("</schema>\n");
    fs::write(&driver, schema).unwrap();
    fs::write(&file, document).unwrap();
    let judged = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([&driver, &file])
        .output()
        .expect("xmllint is installed");
    (!judged.status.success()).then(|| String::from_utf8_lossy(&judged.stderr).into_owned())
}
