//! mod_auth_mellon (lasso) under an apache of its own: a folder with its configuration, one process, one port.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use reqwest::Client;
use tempfile::TempDir;

use crate::support::pki::Pair;
use crate::support::process::{Process, free_port};

/// An apache that lets nobody see `/secret/*` without a sign-in, and shows there what it learned.
#[derive(Debug)]
pub struct Mellon {
    place: TempDir,
    port: u16,
    process: Option<Process>,
}

impl Mellon {
    /// Makes the folder, the keys and the SP's metadata; apache starts later, since it wants the IdP's metadata.
    pub fn prepare() -> Self {
        let place = tempfile::tempdir().unwrap();
        // apache drops root, and its user must get in.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let made = Self { place, port: free_port(), process: None };
        let pair = Pair::of_sp();
        made.write("sp.key", &pair.key_pem());
        made.write("sp.crt", &pair.certificate_pem());
        made.write("sp.xml", &made.metadata());
        made.write("show", "#!/bin/sh\necho 'Content-Type: text/plain; charset=utf-8'\necho\nexec env\n");
        fs::set_permissions(made.path("show"), fs::Permissions::from_mode(0o755)).unwrap();
        made
    }

    /// What `mellon_create_metadata` writes: requests are signed, the Response comes by POST.
    pub fn metadata(&self) -> String {
        let (base, key) = (self.url("/mellon"), Pair::of_sp().certificate_base64());
        let key = format!(
            "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{key}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        );
        format!(
            "<EntityDescriptor entityID=\"{base}/metadata\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">
             <SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"
                 AuthnRequestsSigned=\"true\">
             <KeyDescriptor use=\"encryption\">{key}</KeyDescriptor>
             <KeyDescriptor use=\"signing\">{key}</KeyDescriptor>
             <SingleLogoutService Location=\"{base}/logout\"
                 Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\"/>
             <AssertionConsumerService index=\"0\" isDefault=\"true\" Location=\"{base}/postResponse\"
                 Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"/>
             </SPSSODescriptor></EntityDescriptor>"
        )
    }

    /// Starts apache with this IdP. mellon sends its request by POST only to an IdP that offers nothing else.
    pub async fn start(&mut self, idp_metadata: &str) {
        self.write("idp.xml", idp_metadata);
        self.write("apache.conf", &self.configuration());
        let log = self.path("apache.log");
        // One process in the foreground, so that nothing is left when it is killed.
        let mut process = Process::start(
            Command::new("/usr/sbin/apache2").arg("-X").arg("-f").arg(self.path("apache.conf")),
            &log,
        );
        let url = self.url("/mellon/metadata");
        let http = Client::builder().no_proxy().build().unwrap();
        let answers =
            || async { http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) };
        process.wait_until("apache answers", answers).await;
        self.process = Some(process);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    fn configuration(&self) -> String {
        let (place, port) = (self.place.path().display(), self.port);
        let modules = [
            "mpm_prefork",
            "authn_core",
            "authz_core",
            "authz_user",
            "alias",
            "cgi",
            "setenvif",
            "auth_mellon",
        ];
        let load: Vec<String> = modules
            .iter()
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"))
            .collect();
        let load = load.join("\n");
        format!(
            "{load}
            User www-data
            Group www-data
            ServerName localhost
            Listen 127.0.0.1:{port}
            ServerRoot {place}
            DefaultRuntimeDir {place}
            PidFile {place}/apache.pid
            Mutex sem
            ErrorLog {place}/apache.log
            LogLevel info
            KeepAlive Off
            MellonLockFile {place}/mellon.lock
            # SameSite=None without Secure is dropped by browsers, and this is plain http.
            SetEnvIf Request_URI ^ MELLON_DISABLE_SAMESITE=1
            ScriptAliasMatch ^/secret {place}/show
            <Location />
                Require all granted
                MellonEnable info
                MellonEndpointPath /mellon
                MellonSPMetadataFile {place}/sp.xml
                MellonSPPrivateKeyFile {place}/sp.key
                MellonSPCertFile {place}/sp.crt
                MellonIdPMetadataFile {place}/idp.xml
                MellonSecureCookie Off
                MellonSubjectConfirmationDataAddressCheck Off
            </Location>
            <Location /secret>
                MellonEnable auth
                AuthType Mellon
                Require valid-user
            </Location>
            "
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
}
