//! mod_auth_mellon (lasso) under apache: one Location for each service.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::apache::{self, Apache, shown};
use super::idp::IdpMetadata;
use super::{Rig, Seen};
use crate::cell::{LogOutBinding, Service, SignOn};
use crate::support::html::Page;
use crate::support::pki::Pair;
use crate::support::xml::Element;

/// An apache that lets nobody see `/SERVICE/secret` without a sign-in, and shows there what it learned.
#[derive(Debug)]
pub struct Mellon {
    apache: Apache,
}

impl Rig for Mellon {
    const NAME: &'static str = "mellon";
    const LACKS: &'static [(SignOn, &'static str)] = &[];
    const LACKS_LOGOUT: &'static [(LogOutBinding, &'static str)] =
        &[(LogOutBinding::Post, "/mellon/logout takes a POST for SOAP")];

    async fn start(services: &[Service], idp: &IdpMetadata) -> Self {
        let mut apache = Apache::prepare();
        // lasso reads every root certificate of the system each time it reads the IdP's metadata.
        apache.environment.push(("SSL_CERT_FILE", "/dev/null".to_owned()));
        let mut directives = DIRECTIVES.replace("{place}", &apache.place());
        for service in services {
            let name = service.name();
            apache
                .write(&format!("{name}.xml"), &metadata(*service, &apache.url(&format!("/{name}/mellon"))));
            apache.write(&format!("{name}.idp.xml"), &idp.for_services(service.on, Self::logout(service.on)));
            let location = LOCATION.replace("{place}", &apache.place());
            directives.push_str(&location.replace("{name}", &name));
        }
        apache.start(&["setenvif", "auth_mellon"], &directives).await;
        Self { apache }
    }

    async fn metadata(&self, service: Service) -> String {
        let path = format!("/{}/mellon", service.name());
        // It publishes the file that it was given.
        let published = super::http::text(&self.apache.url(&format!("{path}/metadata"))).await;
        assert_eq!(published.trim(), metadata(service, &self.apache.url(&path)).trim());
        published
    }

    fn page(&self, service: Service) -> String {
        self.apache.url(&format!("/{}/secret", service.name()))
    }

    fn log_out(&self, service: Service) -> String {
        let end = self.apache.url("/");
        self.apache.url(&format!("/{}/mellon/logout?ReturnTo={end}", service.name()))
    }

    fn seen(&self, _: Service, page: &Page) -> Option<Seen> {
        let session = STANDARD.decode(shown(page, "MELLON_SESSION")?).expect("a dump of lasso's session");
        let session = Element::parse(&String::from_utf8(session).unwrap());
        let format = format(&session).expect("a NameID with a format");
        Some(apache::seen(page, "MELLON_", format, shown(page, "MELLON_NAME_ID")?))
    }

    fn log(&self) -> String {
        self.apache.log()
    }
}

const DIRECTIVES: &str = "
MellonLockFile {place}/mellon.lock
# SameSite=None without Secure is dropped by browsers, and this is plain http.
SetEnvIf Request_URI ^ MELLON_DISABLE_SAMESITE=1
";

const LOCATION: &str = "
<Location /{name}>
    Require all granted
    MellonEnable info
    MellonVariable {name}
    MellonEndpointPath /{name}/mellon
    MellonSPMetadataFile {place}/{name}.xml
    MellonSPPrivateKeyFile {place}/sp.key
    MellonSPCertFile {place}/sp.crt
    MellonIdPMetadataFile {place}/{name}.idp.xml
    MellonSecureCookie Off
    MellonSubjectConfirmationDataAddressCheck Off
    MellonSessionDump On
</Location>
<Location /{name}/secret>
    MellonEnable auth
    AuthType Mellon
    Require valid-user
</Location>
";

/// The format of the NameID, wherever lasso keeps it.
fn format(element: &Element) -> Option<&str> {
    let own = (element.name == "NameID").then(|| element.attribute("Format")).flatten();
    own.or_else(|| element.children.iter().find_map(format))
}

/// As `mellon_create_metadata` writes it, with what the service is about.
fn metadata(service: Service, base: &str) -> String {
    let certificate = Pair::of_sp().certificate_base64();
    let key = format!(
        "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    let mut logout = String::new();
    if Mellon::logout(service.on) == LogOutBinding::Soap {
        write!(logout, "<SingleLogoutService Location=\"{base}/logout\" Binding=\"{BINDING}:SOAP\"/>")
            .unwrap();
    }
    let (endpoint, binding) = match service.on {
        SignOn::Artifact => ("artifactResponse", "HTTP-Artifact"),
        _ => ("postResponse", "HTTP-POST"),
    };
    let paos = match service.on {
        SignOn::Ecp => format!(
            "<AssertionConsumerService index=\"1\" Location=\"{base}/paosResponse\" Binding=\"{BINDING}:PAOS\"/>"
        ),
        _ => String::new(),
    };
    format!(
        "<EntityDescriptor entityID=\"{base}/metadata\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">
         <SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"
             AuthnRequestsSigned=\"{}\">
         <KeyDescriptor use=\"encryption\">{key}</KeyDescriptor>
         <KeyDescriptor use=\"signing\">{key}</KeyDescriptor>
         {logout}<SingleLogoutService Location=\"{base}/logout\" Binding=\"{BINDING}:HTTP-Redirect\"/>
         <NameIDFormat>{}</NameIDFormat>
         <AssertionConsumerService index=\"0\" isDefault=\"true\" Location=\"{base}/{endpoint}\"
             Binding=\"{BINDING}:{binding}\"/>{paos}
         </SPSSODescriptor></EntityDescriptor>",
        service.on.is_signed(),
        service.format.uri()
    )
}

const BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings";
