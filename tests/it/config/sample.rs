//! What a right file means: the repository's sample, the least one, and a full one.

use std::path::Path;

use sekisho::clock::SignedDuration;
use sekisho::config::{Config, DirectoryConfig, Endpoint, FaultKind, LogFormat};

use super::{LEAST, Site};

#[test]
fn the_sample_lacks_nothing_but_its_files() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sekisho.toml");
    let faults = Config::load(&sample).err().unwrap_or_default();
    let others: Vec<_> = faults.iter().filter(|fault| fault.kind != FaultKind::MissingFile).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(Config::load_before_keys(&sample).is_ok());
}

#[test]
fn every_commented_key_of_the_sample_is_known() {
    let site = Site::new();
    for file in [
        "ad-ca.pem",
        "tls.key",
        "tls.crt",
        "next.pem",
        "passphrase",
        "decryption.pem",
        "legacy-salt",
        "callers-ca.pem",
    ] {
        site.write(&format!("certs/{file}"), "x");
    }
    let sample = include_str!("../../../sekisho.toml");
    let opened: Vec<&str> = sample
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.split(' ').nth(1) == Some("=") => rest,
            _ => line,
        })
        .collect();
    // The OpenLDAP alternative has the name of the first.
    let text = opened.join("\n").replacen("name = \"corp\"\nkind", "name = \"openldap\"\nkind", 1);
    let config = site.load(&text).unwrap();
    assert_eq!(
        config.directories.iter().map(DirectoryConfig::name).collect::<Vec<_>>(),
        ["corp", "openldap", "local"]
    );
    assert_eq!((config.sync.len(), config.sync[0].notices.mail_to.len()), (1, 1));
    assert_eq!(config.saml.published.organization.unwrap().display_names[1].text, "株式会社例");
}

#[test]
fn defaults_stand_where_nothing_is_written() {
    let site = Site::new();
    let config = site.load(LEAST).unwrap();
    assert_eq!(config.base_url.as_str(), "https://idp.example.co.jp");
    assert_eq!(config.listen.addresses, ["0.0.0.0:8443".parse().unwrap()]);
    assert!(config.listen.tls.is_none() && config.listen.trusted_proxies.is_empty());
    assert_eq!(config.saml.entity_id, "https://idp.example.co.jp/saml/metadata");
    assert_eq!(config.saml.private_key, site.path("certs/PrivateKey.pem"));
    assert_eq!(config.saml.metadata, site.path("metadata"));
    assert_eq!(config.saml.name_id_secret.expose(), b"fedcba9876543210fedcba9876543210");
    assert_eq!(config.saml.request_max_age, SignedDuration::from_hours(1));
    assert_eq!(config.saml.attributes, None);
    assert_eq!(config.session.lifetime, SignedDuration::from_hours(8));
    assert_eq!(config.session.idle, SignedDuration::from_hours(1));
    assert_eq!(*config.store_url.expose(), format!("sqlite:{}", site.path("sekisho.db").display()));
    assert_eq!((config.throttle.account_tries, config.throttle.address_tries), (4, 30));
    assert_eq!(config.throttle.address_accounts, 10);
    assert_eq!(config.log.level, tracing::Level::INFO);
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert!(
        matches!(&config.directories[..], [DirectoryConfig::File { path, .. }] if *path == site.path("people.toml"))
    );
}

#[test]
fn what_is_written_is_taken() {
    let site = Site::new();
    let config = site
        .load(
            r#"
base_url = "http://localhost:8080"
[listen]
address = ["127.0.0.1:8080", "[::1]:8080"]
trusted_proxies = ["10.0.0.0/8", "192.168.1.1"]
[saml]
entity_id = "urn:example:idp"
aliases = { "/old/SSO.php" = "sso", "/old/metadata" = "metadata" }
request_max_age = "1h 30m"
error_url = ""
attributes = []
[[saml.authproc]]
priority = 60
filter = "AttributeLimit"
[session]
lifetime = "1d"
[store]
url = "postgres://sekisho:pw@db/sekisho"
[[directory]]
name = "corp"
kind = "ldap"
urls = ["ldap://127.0.0.1:3890"]
bind_dn = "cn=admin"
bind_password_file = "certs/ldap-password"
search_base = "dc=example"
upn_suffixes = ["example.jp", "corp.example.jp"]
verify_certificate = false
[[authproc]]
priority = 50
filter = "AttributeMap"
map = { sAMAccountName = "uid" }
[log]
timezone = "Asia/Tokyo"
format = "json"
[integrated]
enabled = false
header = "X-Remote-User"
"#,
        )
        .unwrap();
    assert_eq!(config.listen.addresses.len(), 2);
    assert_eq!(config.listen.trusted_proxies[1].to_string(), "192.168.1.1/32");
    assert_eq!(config.saml.entity_id, "urn:example:idp");
    let aliases =
        [("/old/SSO.php".to_owned(), Endpoint::Sso), ("/old/metadata".to_owned(), Endpoint::Metadata)];
    assert_eq!(config.saml.aliases, aliases);
    assert_eq!(config.saml.request_max_age, SignedDuration::from_mins(90));
    assert_eq!(config.saml.attributes, Some(Vec::new()));
    assert_eq!(config.session.lifetime, SignedDuration::from_hours(24));
    assert_eq!(config.store_url.expose(), "postgres://sekisho:pw@db/sekisho");
    let [DirectoryConfig::Ldap(ldap)] = &config.directories[..] else { panic!("{:?}", config.directories) };
    assert_eq!(ldap.bind_password.as_ref().unwrap().expose(), "s3cret with blanks ");
    assert!(config.integrated.is_none());
    assert_eq!(
        (&ldap.attributes[..], &ldap.upn_suffixes[1..]),
        (&["*".to_owned()][..], &["corp.example.jp".to_owned()][..])
    );
    assert_eq!((config.authproc.len(), config.saml.authproc.len()), (1, 1));
    assert_eq!(config.log.timezone.iana_name(), Some("Asia/Tokyo"));
    let shouts: Vec<&str> = config.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(shouts, ["base_url", "store.url", "directory[1].urls", "directory[1].verify_certificate"]);
}
