//! `[integrated]`: what it means and what can be wrong with it.

use sekisho::config::TicketProver;

use super::{LEAST, Site};

const PROXY: &str = r#"
[integrated]
enabled = true
proxies = ["127.0.0.1", "10.0.0.0/28"]
secret_file = "certs/proxy-secret"
realms = { "EXAMPLE.CO.JP" = "local", "EXAMPLE" = "local" }
"#;

fn site() -> Site {
    let site = Site::new();
    site.write("certs/proxy-secret", "0123456789abcdef\n");
    site
}

#[test]
fn a_proxy_with_its_defaults() {
    let config = site().load(&format!("{LEAST}{PROXY}")).unwrap();
    let integrated = config.integrated.unwrap();
    let TicketProver::Proxy(trusted) = &integrated.prover else { panic!("{:?}", integrated.prover) };
    assert_eq!(
        (trusted.header.as_str(), trusted.secret_header.as_str()),
        ("x-remote-user", "x-sekisho-proxy-secret")
    );
    assert_eq!(trusted.secret.expose(), "0123456789abcdef");
    assert_eq!(trusted.proxies.len(), 2);
    assert_eq!(integrated.realms.len(), 2);
    assert_eq!(integrated.authn_context, "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos");
    for anybody in ["203.0.113.9", "2001:db8::1"] {
        let anybody = anybody.parse::<std::net::IpAddr>().unwrap();
        assert!(integrated.networks.iter().any(|network| network.contains(&anybody)));
    }
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

/// A global catalogue: the entries say which domain is theirs.
#[test]
fn one_directory_may_have_several_realms() {
    let site = site();
    let corp = "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"ldaps://gc:3269\"]\nsearch_base = \"dc=example\"\n";
    let realms = "\"EXAMPLE.CO.JP\" = \"corp\", \"CHILD.EXAMPLE.CO.JP\" = \"corp\", \"EXAMPLE\" = \"local\"";
    let proxy = PROXY.replace("\"EXAMPLE.CO.JP\" = \"local\", \"EXAMPLE\" = \"local\"", realms);
    let config = site.load(&format!("{LEAST}{corp}{proxy}")).unwrap();
    assert_eq!(config.integrated.unwrap().realms.len(), 3);
}

#[test]
fn what_cannot_be_believed_does_not_start() {
    let site = site();
    site.write("certs/short", "0123456789abcde\n");
    site.write("certs/blank", "0123456789 abcdef\n");
    let ldap = "[[directory]]\nname = \"pattern\"\nkind = \"ldap\"\nurls = [\"ldaps://dc\"]\n\
                dn_pattern = \"uid={login},dc=example\"\n\
                [[directory]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"ldaps://dc\"]\nsearch_base = \"dc=example\"\n";
    for (from, to, said) in [
        (
            "proxies = [\"127.0.0.1\", \"10.0.0.0/28\"]",
            "proxies = []",
            "integrated.proxies: is missing; name the addresses",
        ),
        ("\"10.0.0.0/28\"", "\"0.0.0.0/0\"", "integrated.proxies: 0.0.0.0/0 is everybody"),
        ("\"10.0.0.0/28\"", "\"::/0\"", "integrated.proxies: ::/0 is everybody"),
        ("\"10.0.0.0/28\"", "\"proxy\"", "integrated.proxies: \"proxy\" is no network"),
        ("certs/proxy-secret", "certs/short", "integrated.secret_file: the secret has 15 characters"),
        (
            "certs/proxy-secret",
            "certs/blank",
            "integrated.secret_file: the secret does not fit into a header",
        ),
        ("certs/proxy-secret", "certs/none", "certs/none does not exist; write the secret into it"),
        (
            "\"EXAMPLE\" = \"local\"",
            "\"EXAMPLE\" = \"locale\"",
            "there is no directory \"locale\"; did you mean \"local\"?",
        ),
        ("\"EXAMPLE\" = \"local\"", "\"example.co.jp\" = \"local\"", "\"example.co.jp\" is in it twice"),
        (
            "\"EXAMPLE\" = \"local\"",
            "\"CHILD.EXAMPLE.CO.JP\" = \"local\"",
            "integrated.realms: directory \"local\" has several realms, and does not",
        ),
        (
            "\"EXAMPLE\" = \"local\"",
            "\"EXAMPLE\" = \"local\", \"CHILD\" = \"local\"",
            "integrated.realms: directory \"local\" has several domains, and does not say which one is \"CHILD\"",
        ),
        (
            "\"EXAMPLE.CO.JP\" = \"local\", \"EXAMPLE\" = \"local\"",
            "\"EXAMPLE.CO.JP\" = \"corp\", \"CHILD.EXAMPLE.CO.JP\" = \"corp\", \"EXAMPLE\" = \"corp\"",
            "integrated.realms: directory \"corp\" has several domains, and does not say which one is \"EXAMPLE\"",
        ),
        ("\"EXAMPLE\" = \"local\"", "\"EXAMPLE\" = \"pattern\"", "directory \"pattern\" has a dn_pattern"),
        (
            "enabled = true",
            "enabled = true\nheader = \"X-Sekisho-Proxy-Secret\"",
            "integrated.secret_header: is the same as header",
        ),
        (
            "enabled = true",
            "enabled = true\nheader = \"Cookie\"",
            "integrated.header: cookie means something else",
        ),
        (
            "enabled = true",
            "enabled = true\nheader = \"Remote User\"",
            "integrated.header: \"remote user\" is no name of a header",
        ),
        (
            "enabled = true",
            "enabled = true\nauthn_context = \"urn:x\"",
            "\"urn:x\" is not in saml.authn_context_order",
        ),
        (
            "enabled = true",
            "enabled = true\nproxis = []",
            "integrated.proxis: unknown key; did you mean \"proxies\"?",
        ),
    ] {
        let text = format!("{LEAST}{ldap}{}", PROXY.replace(from, to));
        let faults = site.faults(&text);
        assert!(faults.lines().count() == 1 && faults.contains(said), "{to}: {faults}");
    }
}

const KEYTAB: &str = r#"
[integrated]
enabled = true
keytab = "certs/http.keytab"
networks = ["10.0.0.0/8"]
realms = { "EXAMPLE.CO.JP" = "local" }
"#;

#[cfg(feature = "kerberos")]
#[test]
fn a_keytab_needs_networks_and_no_proxy() {
    let site = site();
    site.write("certs/http.keytab", "x");
    let config = site.load(&format!("{LEAST}{KEYTAB}")).unwrap();
    assert_eq!(config.integrated.unwrap().keytab(), Some(site.path("certs/http.keytab").as_path()));
    site.mode("certs/http.keytab", 0o644);
    assert!(site.faults(&format!("{LEAST}{KEYTAB}")).contains("open to other users of this machine"));
    site.mode("certs/http.keytab", 0o600);
    for (from, to, said) in [
        ("networks = [\"10.0.0.0/8\"]", "", "integrated.networks: is missing; name the networks"),
        (
            "networks = [\"10.0.0.0/8\"]",
            "networks = []",
            "integrated.networks: is missing; name the networks",
        ),
        ("certs/http.keytab", "certs/none.keytab", "certs/none.keytab does not exist"),
        (
            "enabled = true",
            "enabled = true\nproxies = []",
            "integrated.proxies: is of a proxy, and keytab stands beside it",
        ),
        (
            "enabled = true",
            "enabled = true\nprincipal = \"host/a\"",
            "\"host/a\" is no service that browsers ask for",
        ),
    ] {
        let faults = site.faults(&format!("{LEAST}{}", KEYTAB.replace(from, to)));
        assert!(faults.lines().count() == 1 && faults.contains(said), "{to}: {faults}");
    }
    let everybody = KEYTAB.replace("10.0.0.0/8", "0.0.0.0/0");
    let warned = site.load(&format!("{LEAST}{everybody}")).unwrap().warnings;
    assert!(warned.len() == 1 && warned[0].to_string().contains("everybody is asked"), "{warned:?}");
}

#[cfg(not(feature = "kerberos"))]
#[test]
fn a_program_without_kerberos_refuses_a_keytab() {
    let site = site();
    site.write("certs/http.keytab", "x");
    let faults = site.faults(&format!("{LEAST}{KEYTAB}"));
    assert!(
        faults.contains("integrated.keytab: needs Kerberos, and this program was built without it"),
        "{faults}"
    );
}

#[test]
fn networks_need_a_proxy_that_tells_where_browsers_are() {
    let networks = format!("{LEAST}{PROXY}networks = [\"10.0.0.0/8\"]\n");
    let config = site().load(&networks).unwrap();
    let warned: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert!(warned.len() == 2 && warned[0].contains("come by 127.0.0.1/32"), "{warned:?}");
    let trusted = format!("{networks}[listen]\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n");
    assert!(site().load(&trusted).unwrap().warnings.is_empty());
}
