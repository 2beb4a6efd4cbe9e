//! A wrong file: everything that is wrong with it in one go.

use sekisho::config::{Config, DirectoryConfig, FaultKind};
use sekisho::directory::ChangesBy;

use super::{LEAST, Site};

#[test]
fn what_cannot_be_published_is_refused() {
    let site = Site::new();
    for (keys, said) in [
        ("metadata_valid_for = \"90m\"", "is less than twice metadata_cache_duration"),
        ("metadata_valid_for = \"2h\"\nmetadata_cache_duration = \"61m\"", "is less than twice"),
        ("metadata_cache_duration = \"1s\"", "choose 1m to 366d"),
        ("name_id_formats = [\"persistant\"]", "did you mean \"persistent\"?"),
        ("organization = { name = { japanese_ = \"例\" }, url = \"https://e.jp\" }", "is no language"),
        ("organization = { name = \"例\", url = \"e.jp\" }", "\"e.jp\" is no web address"),
        ("ui_info = { logo = { url = \"https://e.jp/l.png\" } }", "saml.ui_info.logo.width: is missing"),
        (
            "ui_info = { logo = [{ url = \"ftp://e.jp\", width = 1, height = 1 }] }",
            "\"ftp://e.jp\" is no web",
        ),
        ("ui_info = { logos = [] }", "did you mean \"logo\"?"),
        ("contacts = [{ type = \"technical\" }]", "write the address to reach them at"),
        ("contacts = [{ type = \"securty\", email = \"a@e.jp\" }]", "did you mean \"security\"?"),
        ("contacts = [{ email = \"IT desk\" }]", "\"IT desk\" is no e-mail address"),
        ("profile = \"saml2in\"", "did you mean \"saml2int\"?"),
        ("denied_algorithms = [\"rsa-sha265\"]", "did you mean \"rsa-sha256\"?"),
        ("denied_algorithms = [\"sha256\", \"sha384\", \"sha512\"]", "leaves nothing to sign with but SHA-1"),
    ] {
        let faults = site.load(&format!("{LEAST}\n[saml]\n{keys}\n")).expect_err(keys);
        assert!(faults.iter().any(|fault| fault.to_string().contains(said)), "{keys}: {faults:#?}");
    }
}

#[test]
fn administrators_have_an_address_of_their_own() {
    let site = Site::new();
    let both = |address: &str, admin: &str| {
        site.load(&format!("{LEAST}\n[listen]\naddress = \"{address}\"\nadmin = \"{admin}\"\n"))
    };
    let fault = "listen.admin: is an address of listen.address as well; give it a port of its own";
    for (address, admin) in [
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("127.0.0.1:1", "0.0.0.0:1"),
        ("0.0.0.0:1", "127.0.0.1:1"),
        ("[::]:1", "127.0.0.1:1"),
    ] {
        let told: Vec<String> = both(address, admin).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|one| one.ends_with(fault)), "{address} {admin}: {told:?}");
    }
    assert!(both("0.0.0.0:1", "[::1]:1").is_ok() && both("127.0.0.1:1", "127.0.0.1:2").is_ok());
    let warnings = |admin: &str| {
        let config = site.load(&format!("{LEAST}\n[listen]\nadmin = \"{admin}\"\n")).unwrap();
        config.warnings.into_iter().filter(|warning| warning.key == "listen.admin").collect::<Vec<_>>()
    };
    for open in ["0.0.0.0:9090", "[::]:9090", "192.0.2.7:9090"] {
        let told = warnings(open);
        assert_eq!(told.len(), 1, "{open}");
        assert_eq!(told[0].line, Some(8));
        assert!(told[0].message.ends_with("in plain HTTP and without a password"), "{}", told[0]);
        assert!(told[0].remedy.starts_with("write \"127.0.0.1:9090\", or an address of"), "{}", told[0]);
    }
    for own in ["127.0.0.1:9090", "127.0.0.2:9090", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
        assert_eq!(warnings(own), [], "{own}");
    }
}

const WRONG: &str = r#"base_url = "https://idp.example.co.jp/sso?x=1"
colour = "red"

[listen]
adress = "0.0.0.0:8443"
trusted_proxies = ["10.0.0.0/8", "everybody"]
admin = "9090"
tls_certificate = "certs/tls.crt"

[saml]
decryption_keys = ["certs/old.pem"]
request_max_age = "soon"
test_sp = "yes"
aliases = { "/old" = "ssoo", "old" = "slo" }
organization = { name = "Example" }

[session]
lifetime = "9m"
idle = "9h"

[store]
url = "mysql://db"

[[directory]]
name = "corp"
kind = "ldap"
urls = ["ldaps://dc1.example.co.jp", "http://dc2", "ldap://dc3.example.co.jp"]
serach_base = "DC=example"
login_filter = "(uid=%s)"
bind_dn = "cn=svc"

[[directory]]
name = "corp"
kind = "flie"

[integrated]
enabled = true

[throttle]
account_tries = 0
window = "-5m"

[log]
timezone = "Asia/Edo"
level = "inf"
"#;

const FAULTS: &str = r#"sekisho.toml:1: base_url: "https://idp.example.co.jp/sso?x=1" has a query or a fragment; write it as "https://idp.example.co.jp"
sekisho.toml:2: colour: unknown key; known are: authproc, base_url, directory, integrated, listen, log, mail, password_api, saml, session, store, sync, throttle
sekisho.toml:4: listen.tls_private_key: is missing; give both TLS keys, or neither for plain HTTP behind a proxy
sekisho.toml:5: listen.adress: unknown key; did you mean "address"?
sekisho.toml:6: listen.trusted_proxies: "everybody" is no network; write a network such as "10.0.0.0/8" or "2001:db8::/32"
sekisho.toml:7: listen.admin: "9090" is no address; write an IP address with a port, such as "0.0.0.0:8443" or "[::]:8443"
sekisho.toml:8: listen.tls_certificate: certs/tls.crt does not exist; put it there or name another
sekisho.toml:11: saml.decryption_keys: certs/old.pem does not exist; run `sekisho keys generate`, or put it there
sekisho.toml:12: saml.request_max_age: "soon" is no duration; write a number with a unit, such as "30s", "10m", "8h" or "7d"
sekisho.toml:13: saml.test_sp: wants true or false, found string; write true or false, without quotes
sekisho.toml:14: saml.aliases."/old": "ssoo" is not known; did you mean "sso"?
sekisho.toml:14: saml.aliases."old": "old" is no path; write the old path alone, from its first slash on and without a query
sekisho.toml:15: saml.organization.url: is missing; SPs want an organization with name and url
sekisho.toml:18: session.lifetime: 9m is out of bounds; choose 10 minutes to 366 days
sekisho.toml:19: session.idle: is longer than lifetime; make it shorter or equal
sekisho.toml:22: store.url: is no URL of a store; write "sqlite:sekisho.db" or "postgres://user:password@host/database"
sekisho.toml:24: directory[1].search_base: empty; give the DN under which people are, as in "DC=example,DC=co,DC=jp"
sekisho.toml:27: directory[1].urls: "http://dc2" is no LDAP server; write ldaps://host[:port] or ldap://host[:port], nothing after it
sekisho.toml:27: directory[1].urls: "ldap://dc3.example.co.jp" would send passwords in the clear; write ldaps:// or set start_tls = true
sekisho.toml:28: directory[1].serach_base: unknown key; did you mean "search_base"?
sekisho.toml:29: directory[1].login_filter: "(uid=%s)" is no LDAP filter with {login} in it; write it as in "(uid={login})"
sekisho.toml:30: directory[1].bind_dn: only one of them is set; set both, or neither for anonymous searches
sekisho.toml:34: directory[2].kind: "flie" is not known; did you mean "file"?
sekisho.toml:36: integrated.proxies: is missing; name the addresses of the proxies; anybody could say who they are otherwise
sekisho.toml:36: integrated.secret_file: is missing; write a long random secret into a file, and let the proxy send it in secret_header
sekisho.toml:36: integrated.realms: is missing; say which directory a realm is, as in { "EXAMPLE.CO.JP" = "corp", "EXAMPLE" = "corp" }
sekisho.toml:40: throttle.account_tries: 0 is out of bounds; write a whole number from 1 to 1000
sekisho.toml:41: throttle.window: "-5m" is not longer than nothing; write a number with a unit, such as "30s", "10m", "8h" or "7d"
sekisho.toml:44: log.timezone: "Asia/Edo" is no time zone of this machine; write an IANA name such as "Asia/Tokyo" (Debian: package tzdata)
sekisho.toml:45: log.level: "inf" is not known; did you mean "info"?
"#;

#[test]
fn a_wrong_file_is_told_all_at_once() {
    let site = Site::new();
    assert_eq!(site.faults(WRONG), FAULTS.trim_end());
}

#[test]
fn a_wrong_filter_is_told_with_its_line() {
    let site = Site::new();
    let wrong = "\n[[authproc]]\npriority = 50\nfilter = \"AttributeMap\"\n\
                 map = { a = \"b\" }\nduplicat = true\n[[saml.authproc]]\nfilter = \"AtributeAdd\"\n";
    let faults = site.faults(&format!("{LEAST}{wrong}"));
    let lines: Vec<&str> = faults.lines().collect();
    assert_eq!(lines.len(), 2, "{faults}");
    assert!(
        lines[0].starts_with("sekisho.toml:11: authproc: ")
            && lines[0].ends_with("; did you mean \"duplicate\"?"),
        "{faults}"
    );
    assert!(
        lines[1].starts_with("sekisho.toml:13: saml.authproc: ")
            && lines[1].ends_with("; did you mean \"AttributeAdd\"?"),
        "{faults}"
    );
}

#[test]
fn missing_keys_and_sections_are_named() {
    let site = Site::new();
    let faults = site.faults("[[directory]]\nkind = \"ldap\"\n");
    for part in [
        "sekisho.toml: base_url: is missing; write the address that browsers use",
        "sekisho.toml:1: directory[1].name: is missing",
        "sekisho.toml:1: directory[1].urls: there is none; give at least one",
        "sekisho.toml:1: directory[1].search_base: empty; give the DN",
    ] {
        assert!(faults.contains(part), "{part} in {faults}");
    }
    assert!(site.faults("base_url = \"https://a.jp\"").contains("directory: is missing; describe where"));
}

#[test]
fn missing_files_are_named_and_can_be_made_later() {
    let site = Site::new();
    for file in ["certs/PrivateKey.pem", "certs/session-secret", "certs/name-id-secret"] {
        std::fs::remove_file(site.path(file)).unwrap();
    }
    let faults = site.load(LEAST).unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.kind == FaultKind::MissingFile), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.message.starts_with("Unable to load private key")), "{faults:?}");
    let config = Config::load_before_keys(&site.path("sekisho.toml")).unwrap();
    assert_eq!(config.session.secret_file, Some(site.path("certs/session-secret")));
}

#[test]
fn what_is_no_toml_is_told_with_its_lines() {
    let site = Site::new();
    let faults = site.load("base_url = \nlisten = [\n").unwrap_err();
    assert!(faults.iter().all(|fault| fault.kind == FaultKind::Syntax && fault.line.is_some()), "{faults:?}");
    let twice = site.faults("base_url = \"https://a.jp\"\nbase_url = \"https://b.jp\"");
    assert!(twice.starts_with("sekisho.toml:2: duplicate key"), "{twice}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let site = Site::new();
    let faults = Config::load(&site.path("nowhere.toml")).unwrap_err();
    assert_eq!(faults[0].kind, FaultKind::Unreadable);
}

#[test]
fn changes_are_asked_for_in_one_of_two_ways() {
    let directory =
        "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"ldaps://dc1\"]\nsearch_base = \"DC=x\"\n";
    let load = |changes| {
        Site::new().load(&format!("base_url = \"https://idp.test\"\n{directory}changes = \"{changes}\"\n"))
    };
    let told: Vec<String> = load("dirsink").unwrap_err().iter().map(ToString::to_string).collect();
    let expected = ":7: directory[1].changes: \"dirsink\" is not known; did you mean \"dirsync\"?";
    assert!(told.len() == 1 && told[0].ends_with(expected), "{told:?}");
    let config = load("dirsync").unwrap();
    let DirectoryConfig::Ldap(options) = &config.directories[0] else { panic!() };
    assert_eq!(options.changes, ChangesBy::DirSync);
}

#[test]
fn a_suffix_is_what_stands_behind_the_at() {
    let directory =
        "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"ldaps://dc1\"]\nsearch_base = \"DC=x\"\n";
    let text =
        format!("base_url = \"https://idp.test\"\n{directory}upn_suffixes = [\"x.test\", \"@x.test\"]\n");
    let faults: Vec<String> = Site::new().load(&text).unwrap_err().iter().map(ToString::to_string).collect();
    let expected = "sekisho.toml:7: directory[1].upn_suffixes: \"@x.test\" is not what stands behind the @ of a login \
                    name; write it as in \"example.co.jp\"";
    assert!(faults.iter().any(|fault| fault.ends_with(expected)), "{faults:?}");
}
