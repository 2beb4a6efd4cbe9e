//! SimpleSAMLphp as a service provider, with a configuration folder of its own, under PHP's built-in web server: one
//! authentication source for each service.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use super::idp::IdpMetadata;
use super::{Rig, Seen, http};
use crate::cell::{LogOutBinding, Service, SignOn};
use crate::support::html::Page;
use crate::support::pki::Pair;
use crate::support::process::{Process, free_port};

/// Where the Debian package is.
const PACKAGE: &str = "/usr/share/simplesamlphp";

/// A SimpleSAMLphp whose `/secret.php/SERVICE` asks for a sign-in and shows as JSON what it learned.
#[derive(Debug)]
pub struct SimpleSamlPhp {
    _place: TempDir,
    port: u16,
    process: Process,
}

impl Rig for SimpleSamlPhp {
    const NAME: &'static str = "simplesamlphp";
    const LACKS: &'static [(SignOn, &'static str)] = &[(
        SignOn::Ecp,
        "its authentication source saml:SP has no PAOS endpoint, and nothing that writes a PAOS request",
    )];
    const LACKS_LOGOUT: &'static [(LogOutBinding, &'static str)] = &[(
        LogOutBinding::Soap,
        "1.19.7 ends the session, but then answers with an error page: it hands setDestination() an array",
    )];

    async fn start(services: &[Service], idp: &IdpMetadata) -> Self {
        let place = tempfile::tempdir().unwrap();
        let port = free_port();
        for folder in ["config", "cert", "metadata", "www", "tmp", "sessions"] {
            fs::create_dir(place.path().join(folder)).unwrap();
        }
        symlink(format!("{PACKAGE}/www"), place.path().join("www/simplesaml")).unwrap();
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
        let path = place.path().display().to_string();
        write(
            "config/config.php",
            &CONFIGURATION.replace("{place}", &path).replace("{port}", &port.to_string()),
        );
        write("config/authsources.php", &sources(services, &idp.entity_id));
        write("cert/sp.key", &Pair::of_sp().key_pem());
        write("cert/sp.crt", &Pair::of_sp().certificate_pem());
        write("metadata/idp.xml", &idp.for_services(SignOn::Redirect, LogOutBinding::Redirect));
        write("metadata/idp-post.xml", &idp.for_services(SignOn::SignedPost, LogOutBinding::Post));
        write("www/secret.php", SECRET_PAGE);
        write("www/logout.php", LOGOUT_PAGE);
        write("www/index.php", "<?php echo 'welcome';");
        let mut command = Command::new("php");
        command.args([
            "-d",
            "opcache.enable_cli=1",
            "-d",
            "error_reporting=E_ALL & ~E_DEPRECATED",
            "-d",
            "display_errors=0",
            "-S",
        ]);
        command.arg(format!("localhost:{port}")).arg("-t").arg(place.path().join("www"));
        command.env("SIMPLESAMLPHP_CONFIG_DIR", place.path().join("config"));
        let mut process = Process::start(&mut command, &place.path().join("php.log"));
        process.wait_for_log("started").await;
        Self { _place: place, port, process }
    }

    async fn metadata(&self, service: Service) -> String {
        http::text(&self.url(&format!("/simplesaml/module.php/saml/sp/metadata.php/{}", service.name())))
            .await
    }

    fn page(&self, service: Service) -> String {
        self.url(&format!("/secret.php/{}", service.name()))
    }

    fn log_out(&self, service: Service) -> String {
        self.url(&format!("/logout.php/{}", service.name()))
    }

    fn seen(&self, _: Service, page: &Page) -> Option<Seen> {
        #[derive(serde::Deserialize)]
        struct Shown {
            attributes: std::collections::BTreeMap<String, Vec<String>>,
            name_id: String,
            format: String,
            query: String,
        }
        let Shown { attributes, name_id, format, query } = serde_json::from_str(&page.body).ok()?;
        Some(Seen { attributes, name_id, format, query })
    }

    fn log(&self) -> String {
        self.process.log()
    }
}

impl SimpleSamlPhp {
    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }
}

/// `config/authsources.php`.
fn sources(services: &[Service], idp: &str) -> String {
    let mut php = String::from("<?php\n$config = [\n");
    for service in services {
        let source = SOURCE
            .replace("{name}", &service.name())
            .replace("{idp}", idp)
            .replace("{format}", service.format.uri())
            .replace("{signed}", if service.on.is_signed() { "true" } else { "false" })
            .replace("{encrypted}", if service.on == SignOn::Encrypted { "true" } else { "false" });
        php.push_str(&source);
        let binding = if service.on == SignOn::Artifact { "HTTP-Artifact" } else { "HTTP-POST" };
        let logout = match SimpleSamlPhp::logout(service.on) {
            LogOutBinding::Redirect | LogOutBinding::Soap => "HTTP-Redirect",
            LogOutBinding::Post => "HTTP-POST",
        };
        writeln!(
            php,
            "        'ProtocolBinding' => 'urn:oasis:names:tc:SAML:2.0:bindings:{binding}',
        'acs.Bindings' => ['urn:oasis:names:tc:SAML:2.0:bindings:{binding}'],
        'SingleLogoutServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:{logout}'],
    ],"
        )
        .unwrap();
    }
    php.push_str("];\n");
    php
}

const SOURCE: &str = "    '{name}' => [
        'saml:SP',
        'entityID' => null,
        'idp' => '{idp}',
        'privatekey' => 'sp.key',
        'certificate' => 'sp.crt',
        'sign.authnrequest' => {signed},
        'sign.logout' => true,
        'validate.logout' => true,
        'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
        'WantAssertionsSigned' => true,
        'assertion.encryption' => {encrypted},
        'NameIDPolicy' => ['Format' => '{format}', 'AllowCreate' => true],
";

const CONFIGURATION: &str = r"<?php
$config = [
    'baseurlpath' => 'http://localhost:{port}/simplesaml/',
    'certdir' => '{place}/cert/',
    'loggingdir' => '{place}/',
    'datadir' => '{place}/tmp/',
    'tempdir' => '{place}/tmp',
    'metadatadir' => '{place}/metadata/',
    // The services whose requests go by POST know an IdP that takes nothing else.
    'metadata.sources' => [[
        'type' => 'xml',
        'file' => '{place}/metadata/' . (str_contains($_SERVER['REQUEST_URI'], 'signed-post') ? 'idp-post.xml' : 'idp.xml'),
    ]],
    'attributenamemapdir' => '/usr/share/simplesamlphp/config/attributemap/',
    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'tests@example.jp',
    'secretsalt' => 'not-so-secret-in-a-test',
    'auth.adminpassword' => 'not-so-secret-in-a-test',
    'timezone' => 'UTC',
    'logging.level' => SimpleSAML\Logger::DEBUG,
    'logging.handler' => 'stderr',
    'showerrors' => true,
    'trusted.url.domains' => ['localhost'],
    'module.enable' => ['core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => '{place}/sessions',
    'store.type' => 'phpsession',
    'language.cookie.secure' => false,
    'theme.use' => 'default',
];
";

const SECRET_PAGE: &str = r"<?php
require_once '/usr/share/simplesamlphp/lib/_autoload.php';
$sp = new \SimpleSAML\Auth\Simple(basename($_SERVER['PATH_INFO']));
$sp->requireAuth();
header('Content-Type: application/json');
$nameId = $sp->getAuthData('saml:sp:NameID');
echo json_encode([
    'attributes' => $sp->getAttributes(),
    'name_id' => $nameId->getValue(),
    'format' => $nameId->getFormat(),
    'query' => $_SERVER['QUERY_STRING'] ?? '',
], JSON_UNESCAPED_UNICODE);
";

const LOGOUT_PAGE: &str = r"<?php
require_once '/usr/share/simplesamlphp/lib/_autoload.php';
$sp = new \SimpleSAML\Auth\Simple(basename($_SERVER['PATH_INFO']));
$sp->logout('/index.php');
";
