//! SimpleSAMLphp as a service provider, with a configuration folder of its own, under PHP's built-in web server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use reqwest::Client;
use tempfile::TempDir;

use crate::support::pki::Pair;
use crate::support::process::{Process, free_port};

/// Where the Debian package is.
const PACKAGE: &str = "/usr/share/simplesamlphp";

/// A SimpleSAMLphp whose `/secret.php` asks for a sign-in and shows as JSON what it learned.
#[derive(Debug)]
pub struct SimpleSamlPhp {
    place: TempDir,
    port: u16,
    _process: Process,
}

impl SimpleSamlPhp {
    /// Starts it with an IdP of this entityID, whose metadata comes later by [`Self::trust`].
    pub async fn start(idp: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let port = free_port();
        for folder in ["config", "cert", "metadata", "www", "tmp", "sessions"] {
            fs::create_dir(place.path().join(folder)).unwrap();
        }
        symlink(format!("{PACKAGE}/www"), place.path().join("www/simplesaml")).unwrap();
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
        write("config/config.php", &configuration(&place.path().display().to_string(), port));
        write("config/authsources.php", &sources(idp));
        write("cert/sp.key", &Pair::of_sp().key_pem());
        write("cert/sp.crt", &Pair::of_sp().certificate_pem());
        write("metadata/idp.xml", "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>");
        write("www/secret.php", SECRET_PAGE);
        let mut process = Process::start(
            Command::new("php")
                .args(["-d", "error_reporting=E_ALL & ~E_DEPRECATED", "-d", "display_errors=0", "-S"])
                .arg(format!("localhost:{port}"))
                .arg("-t")
                .arg(place.path().join("www"))
                .env("SIMPLESAMLPHP_CONFIG_DIR", place.path().join("config")),
            &place.path().join("php.log"),
        );
        process.wait_for_log("started").await;
        Self { place, port, _process: process }
    }

    /// The SP's own metadata, as it publishes it.
    pub async fn metadata(&self) -> String {
        let url = self.url("/simplesaml/module.php/saml/sp/metadata.php/default-sp");
        let http = Client::builder().no_proxy().build().unwrap();
        let answer = http.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.text().await.unwrap()
    }

    /// Gives it the IdP's metadata.
    pub fn trust(&self, idp_metadata: &str) {
        fs::write(self.path("metadata/idp.xml"), idp_metadata).unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }
}

fn configuration(place: &str, port: u16) -> String {
    format!(
        "<?php
        $config = [
            'baseurlpath' => 'http://localhost:{port}/simplesaml/',
            'certdir' => '{place}/cert/',
            'loggingdir' => '{place}/',
            'datadir' => '{place}/tmp/',
            'tempdir' => '{place}/tmp',
            'metadatadir' => '{place}/metadata/',
            'metadata.sources' => [['type' => 'xml', 'file' => '{place}/metadata/idp.xml']],
            'attributenamemapdir' => '{PACKAGE}/config/attributemap/',
            'technicalcontact_name' => 'Tests',
            'technicalcontact_email' => 'tests@example.jp',
            'secretsalt' => 'not-so-secret-in-a-test',
            'auth.adminpassword' => 'not-so-secret-in-a-test',
            'timezone' => 'UTC',
            'logging.level' => SimpleSAML\\Logger::DEBUG,
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
        "
    )
}

fn sources(idp: &str) -> String {
    format!(
        "<?php
        $config = ['default-sp' => [
            'saml:SP',
            'entityID' => null,
            'idp' => '{idp}',
            'privatekey' => 'sp.key',
            'certificate' => 'sp.crt',
            'sign.authnrequest' => true,
            'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
            'WantAssertionsSigned' => true,
            'NameIDPolicy' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        ]];
        "
    )
}

const SECRET_PAGE: &str = "<?php
require_once '/usr/share/simplesamlphp/lib/_autoload.php';
$sp = new \\SimpleSAML\\Auth\\Simple('default-sp');
$sp->requireAuth();
header('Content-Type: application/json');
$nameId = $sp->getAuthData('saml:sp:NameID');
echo json_encode([
    'attributes' => $sp->getAttributes(),
    'name_id' => $nameId->getValue(),
    'format' => $nameId->getFormat(),
    'query' => $_GET,
], JSON_UNESCAPED_UNICODE);
";
