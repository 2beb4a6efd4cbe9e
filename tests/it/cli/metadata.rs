//! `metadata --values`: what SaaS consoles ask for.

use tempfile::TempDir;

use super::{sekisho, site};

#[test]
fn values_are_those_that_a_console_asks_for() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    assert_eq!(sekisho(folder.path(), &["keys", "generate", "--ec"], "").code, 0);
    let run = sekisho(folder.path(), &["metadata", "--values", "https://sp.example.jp/a?b"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    for line in [
        "entityID (issuer)     https://idp.example.co.jp/saml/metadata\n",
        "sign-on URL           https://idp.example.co.jp/saml/sso\n",
        "logout URL            https://idp.example.co.jp/logout\n",
        "start URL of this SP  https://idp.example.co.jp/saml/sso/init?sp=https%3A%2F%2Fsp.example.jp%2Fa%3Fb\n",
        "certificate is        CN=idp.example.co.jp, EC P-256\n",
    ] {
        assert!(run.out.contains(line), "{line} in {}", run.out);
    }
    let pem = std::fs::read_to_string(folder.path().join("certs/PublicKey.pem")).unwrap();
    assert!(run.out.ends_with(&pem));
    let x509 = openssl::x509::X509::from_pem(pem.as_bytes()).unwrap();
    for (name, digest) in [
        ("fingerprint SHA-1  ", openssl::hash::MessageDigest::sha1()),
        ("fingerprint SHA-256", openssl::hash::MessageDigest::sha256()),
    ] {
        let line = run.out.lines().find(|line| line.starts_with(name)).unwrap();
        let shown = line.split_whitespace().last().unwrap().replace(':', "");
        assert_eq!(shown, data_encoding::HEXUPPER.encode(&x509.digest(digest).unwrap()));
    }
}

#[test]
fn an_sp_that_knows_us_by_another_name_is_told_that_one() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    assert_eq!(sekisho(folder.path(), &["keys", "generate"], "").code, 0);
    let policy = "entity_id = \"https://sp.test/\"\nacs = \"https://sp.test/acs\"\n\
                  idp_entity_id = \"https://idp.test/{upn_domain}\"\n";
    std::fs::write(folder.path().join("metadata/sp.toml"), policy).unwrap();
    let run = sekisho(folder.path(), &["metadata", "--values", "https://sp.test/"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.starts_with("entityID (issuer)     https://idp.test/{upn_domain}\n"), "{}", run.out);
}

#[test]
fn the_address_for_a_new_password_is_there_where_it_works() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    assert_eq!(sekisho(folder.path(), &["keys", "generate"], "").code, 0);
    let file = folder.path().join("sekisho.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    for (change, shown) in [(false, false), (true, true)] {
        let directory = format!(
            "\n[[directory]]\nname = \"ldap\"\nkind = \"ldap\"\nurls = [\"ldaps://dc1.example.jp\"]\n\
             search_base = \"DC=example,DC=jp\"\npassword_change = {change}\n"
        );
        std::fs::write(&file, format!("{text}{directory}")).unwrap();
        let run = sekisho(folder.path(), &["metadata", "--values"], "");
        assert_eq!(run.code, 0, "{}", run.err);
        let line = "password URL          https://idp.example.co.jp/password\n";
        assert_eq!(run.out.contains(line), shown, "{}", run.out);
    }
}
