//! Shibboleth SP: mod_shib in apache and shibd beside it, with one application for each service.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::apache::{self, Apache, shown};
use super::idp::{IdpMetadata, without};
use super::{Rig, Seen, http};
use crate::cell::{LogOutBinding, Service, SignOn};
use crate::support::html::Page;
use crate::support::process::Process;
use crate::support::sp::{POST, REDIRECT};

/// An apache that lets nobody see `/SERVICE/secret` without a sign-in, and shows there what it learned.
#[derive(Debug)]
pub struct Shibboleth {
    // apache ends before the daemon that it asks.
    apache: Apache,
    shibd: Process,
}

impl Rig for Shibboleth {
    const NAME: &'static str = "shibboleth";
    const LACKS: &'static [(SignOn, &'static str)] = &[];
    const LACKS_LOGOUT: &'static [(LogOutBinding, &'static str)] = &[];

    async fn start(services: &[Service], idp: &IdpMetadata) -> Self {
        let mut apache = Apache::prepare();
        let place = apache.place();
        apache.write("idp.xml", &idp.for_services(SignOn::Redirect, LogOutBinding::Redirect));
        apache.write("attribute-map.xml", ATTRIBUTE_MAP);
        // Pages and policies that are not ours to write.
        symlink("/etc/shibboleth", apache.path("shibboleth")).unwrap();
        apache.write("shibd.logger", &logger("INFO", &apache.path("shibd.log")));
        apache.write("native.logger", &logger("WARN", &apache.path("native.log")));
        // apache's user writes it.
        apache.write("native.log", "");
        fs::set_permissions(apache.path("native.log"), fs::Permissions::from_mode(0o666)).unwrap();
        let applications: String =
            services.iter().map(|service| application(*service, &apache, &idp.entity_id)).collect();
        let configuration = CONFIGURATION.replace("{applications}", &applications).replace("{place}", &place);
        apache.write("shibboleth2.xml", &configuration);
        let folders = ["SHIBSP_CFGDIR", "SHIBSP_RUNDIR", "SHIBSP_LOGDIR", "SHIBSP_CACHEDIR"];
        apache.environment = folders.map(|folder| (folder, place.clone())).to_vec();
        let mut command = Command::new("/usr/sbin/shibd");
        command.args(["-F", "-f", "-c"]).arg(apache.path("shibboleth2.xml"));
        command.arg("-p").arg(apache.path("shibd.pid")).envs(apache.environment.iter().cloned());
        let mut shibd = Process::start(&mut command, &apache.path("shibd.log"));
        shibd.wait_for_log("listener service starting").await;
        let mut directives = DIRECTIVES.replace("{place}", &place);
        for service in services {
            let location = LOCATION.replace("{name}", &service.name());
            directives.push_str(&location.replace("{format}", service.format.uri()));
        }
        apache.start(&["shib"], &directives).await;
        Self { apache, shibd }
    }

    async fn metadata(&self, service: Service) -> String {
        let url = self.apache.url(&format!("/{}/Shibboleth.sso/Metadata", service.name()));
        let published = http::text(&url).await;
        let unwanted: &[&str] = match Self::logout(service.on) {
            // As it is: SOAP first, and Artifact too.
            LogOutBinding::Soap => &[],
            LogOutBinding::Redirect => &["SOAP", "HTTP-POST", "HTTP-Artifact"],
            LogOutBinding::Post => &["SOAP", "HTTP-Redirect", "HTTP-Artifact"],
        };
        unwanted.iter().fold(published, |xml, binding| without(&xml, "SingleLogoutService", binding))
    }

    fn page(&self, service: Service) -> String {
        self.apache.url(&format!("/{}/secret", service.name()))
    }

    fn log_out(&self, service: Service) -> String {
        let end = self.apache.url("/");
        self.apache.url(&format!("/{}/Shibboleth.sso/Logout?return={end}", service.name()))
    }

    /// By its default it asks for no answer (SAML V2.0 Asynchronous Single Logout).
    fn comes_back(service: Service) -> bool {
        Self::logout(service.on) != LogOutBinding::Redirect
    }

    fn seen(&self, _: Service, page: &Page) -> Option<Seen> {
        let (format, name_id) = shown(page, "nameid")?.split_once('|').expect("Format|Name");
        Some(apache::seen(page, "", format, name_id))
    }

    fn log(&self) -> String {
        let native = fs::read(self.apache.path("native.log")).unwrap();
        let native = String::from_utf8_lossy(&native);
        format!("{}\n{}\n{native}", self.apache.log(), self.shibd.log())
    }
}

/// An application of its own: entityID, handlers, and how it asks.
fn application(service: Service, apache: &Apache, idp: &str) -> String {
    let name = service.name();
    let asks = if service.on == SignOn::SignedPost { POST } else { REDIRECT };
    let logs_out = if Shibboleth::logout(service.on) == LogOutBinding::Post { POST } else { REDIRECT };
    APPLICATION
        .replace("{entity_id}", &apache.url(&format!("/{name}/shibboleth")))
        .replace("{name}", &name)
        .replace("{idp}", idp)
        .replace("{signing}", if service.on.is_signed() { "true" } else { "false" })
        .replace("{asks}", asks)
        .replace("{logs_out}", logs_out)
        .replace("{asynchronous}", if Shibboleth::comes_back(service) { "false" } else { "true" })
        // The places in protocols.xml.
        .replace("{acs_index}", if service.on == SignOn::Artifact { "3" } else { "1" })
        .replace("{ecp}", if service.on == SignOn::Ecp { "true" } else { "false" })
}

fn logger(level: &str, file: &Path) -> String {
    format!(
        "log4j.rootCategory={level}, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.fileName={}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{{%Y-%m-%d %H:%M:%S}} %p %c %x: %m%n
",
        file.display()
    )
}

const DIRECTIVES: &str = "
ShibConfig {place}/shibboleth2.xml
ShibCompatValidUser Off
";

const LOCATION: &str = "
<Location /{name}>
    ShibRequestSetting applicationId {name}
</Location>
<Location /{name}/secret>
    AuthType shibboleth
    ShibRequestSetting requireSession 1
    ShibRequestSetting NameIDFormat {format}
    Require shib-session
</Location>
";

const CONFIGURATION: &str = r#"<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180">
    <OutOfProcess logger="{place}/shibd.logger"/>
    <InProcess logger="{place}/native.logger"/>
    <UnixListener address="{place}/shibd.sock"/>
    <StorageService type="Memory" id="mem" cleanupInterval="900"/>
    <SessionCache type="StorageService" StorageService="mem" inprocTimeout="900"/>
    <ApplicationDefaults entityID="http://localhost/shibboleth" REMOTE_USER="uid"
            requireConfidentiality="false" requireTransportAuth="false">
        <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false" consistentAddress="false"
            handlerSSL="false" cookieProps="http"/>
        <Errors supportContact="root@localhost"/>
        <MetadataProvider type="XML" path="{place}/idp.xml"/>
        <AttributeExtractor type="XML" path="{place}/attribute-map.xml"/>
        <CredentialResolver type="File" key="{place}/sp.key" certificate="{place}/sp.crt"/>
        {applications}
    </ApplicationDefaults>
    <SecurityPolicyProvider type="XML" path="security-policy.xml"/>
    <ProtocolProvider type="XML" path="protocols.xml"/>
</SPConfig>
"#;

const APPLICATION: &str = r#"
<ApplicationOverride id="{name}" entityID="{entity_id}" signing="{signing}"
        signingAlg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">
    <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false" consistentAddress="false"
            handlerURL="/{name}/Shibboleth.sso" handlerSSL="false" cookieProps="http">
        <SSO entityID="{idp}" outgoingBindings="{asks}" acsIndex="{acs_index}" ECP="{ecp}">SAML2</SSO>
        <Logout outgoingBindings="{logs_out}" signing="true" asynchronous="{asynchronous}">SAML2 Local</Logout>
        <Handler type="MetadataGenerator" Location="/Metadata" signing="false"/>
    </Sessions>
</ApplicationOverride>
"#;

const ATTRIBUTE_MAP: &str = r#"<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map">
    <Attribute name="uid" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" id="uid"/>
    <Attribute name="displayName" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" id="displayName"/>
    <Attribute name="mail" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" id="mail"/>
    <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" id="nameid">
        <AttributeDecoder xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="NameIDAttributeDecoder" formatter="$Format|$Name"/>
    </Attribute>
    <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" id="nameid">
        <AttributeDecoder xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="NameIDAttributeDecoder" formatter="$Format|$Name"/>
    </Attribute>
    <Attribute name="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" id="nameid">
        <AttributeDecoder xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="NameIDAttributeDecoder" formatter="$Format|$Name"/>
    </Attribute>
    <Attribute name="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" id="nameid">
        <AttributeDecoder xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="NameIDAttributeDecoder" formatter="$Format|$Name"/>
    </Attribute>
</Attributes>
"#;
