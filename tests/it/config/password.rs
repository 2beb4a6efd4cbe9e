//! `password_change`, `password_warning` and `[password_api]`: what can be wrong with them.

use sekisho::clock::SignedDuration;
use sekisho::config::DirectoryConfig;

use super::{LEAST, Site};

const CORP: &str = r#"
base_url = "https://idp.example.co.jp/"
[[directory]]
name = "corp"
kind = "ldap"
urls = ["ldaps://dc1.example.co.jp"]
search_base = "DC=example,DC=co,DC=jp"
"#;
const API: &str = r#"
[password_api]
enabled = true
directory = "corp"
callers = ["CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp"]
allowed_networks = ["203.0.113.0/24"]
"#;

fn told(text: &str, said: &str) {
    let faults = Site::new().faults(text);
    assert!(faults.contains(said), "{said:?} is not in:\n{faults}");
}

#[test]
fn passwords_are_not_changed_unless_it_says_so() {
    let read = |more: &str| {
        let config = Site::new().load(&format!("{CORP}{more}")).unwrap();
        let [DirectoryConfig::Ldap(ldap)] = &config.directories[..] else { panic!("one directory") };
        (ldap.password_change, ldap.password_warning)
    };
    let days = |days: i64| Some(SignedDuration::from_hours(24 * days));
    assert_eq!(read(""), (false, days(14)));
    assert_eq!(read("password_change = true\npassword_warning = \"7d\""), (true, days(7)));
    assert_eq!(read("password_change = true\npassword_warning = \"off\""), (true, None));
}

#[test]
fn a_change_without_protection_is_refused() {
    let unverified = format!("{CORP}password_change = true\nverify_certificate = false\n");
    told(&unverified, "directory[1].password_change: new passwords go only over TLS");
    let clear = CORP.replace("ldaps://dc1.example.co.jp", "ldap://127.0.0.1") + "password_change = true\n";
    told(&clear, "directory[1].password_change: new passwords go only over TLS");
    told(
        &format!("{LEAST}password_change = true\n"),
        "directory[1].password_change: a file is never written to",
    );
    told(&format!("{CORP}password_warning = \"1m\"\n"), "choose 1 hour to 366 days, or \"off\"");
}

#[test]
fn the_api_is_off_unless_it_is_switched_on() {
    let site = Site::new();
    assert!(site.load(CORP).unwrap().password_api.is_none());
    let off = format!("{CORP}{API}").replace("enabled = true", "enabled = false");
    assert!(site.load(&off).unwrap().password_api.is_none());
    let api = site.load(&format!("{CORP}{API}")).unwrap().password_api.unwrap();
    assert_eq!((api.directory.as_str(), api.options.calls_per_minute), ("corp", 60));
    assert_eq!((api.options.callers.len(), api.allowed_networks.len()), (1, 1));
}

#[test]
fn an_api_that_nobody_could_call_or_everybody_is_refused() {
    let with = |from: &str, to: &str| format!("{CORP}{API}").replace(from, to);
    let callers = "callers = [\"CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp\"]";
    for (text, said) in [
        (with(callers, "callers = []"), "password_api.callers: is empty, so nobody could call"),
        (with(callers, ""), "password_api.callers: is missing"),
        (with(callers, "callers = [\"svc@example.co.jp\"]"), "\"svc@example.co.jp\" is no DN"),
        (with("[\"203.0.113.0/24\"]", "[]"), "password_api.allowed_networks: is empty"),
        (with("[\"203.0.113.0/24\"]", "[\"all\"]"), "\"all\" is no network"),
        (with("allowed_networks = [\"203.0.113.0/24\"]\n", ""), "password_api.allowed_networks: is missing"),
        (
            with("search_base = \"DC=example,DC=co,DC=jp\"", "search_base = \"example.co.jp\""),
            "the search_base of \"corp\", \"example.co.jp\", is no DN",
        ),
        (
            with("search_base = \"DC=example,DC=co,DC=jp\"", "search_base = \"\""),
            "\"corp\" has no search_base",
        ),
        (with("directory = \"corp\"\n", ""), "password_api.directory: is missing"),
        (with("directory = \"corp\"", "directory = \"crop\""), "there is no directory \"crop\""),
        (with("urls", "verify_certificate = false\nurls"), "is not reached over verified TLS alone"),
        (with("allowed_networks", "calls_per_minute = 0\nallowed_networks"), "0 is out of bounds"),
        (
            with("allowed_networks", "search_base = \"DC=jp\"\nallowed_networks"),
            "is not below the search_base",
        ),
        (
            with("allowed_networks", "client_certificates = \"people.toml\"\nallowed_networks"),
            "is only seen in our own TLS",
        ),
        (with("allowed_networks", "colour = 1\nallowed_networks"), "password_api.colour: unknown key"),
        (format!("{LEAST}{}", API.replace("corp", "local")), "\"local\" is a file"),
    ] {
        told(&text, said);
    }
}
