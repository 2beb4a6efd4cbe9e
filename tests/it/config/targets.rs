//! What a right `[[sync]]` and `[mail]` mean: with nothing written, with everything, and as the manual has them.

use std::collections::BTreeSet;

use sekisho::clock::SignedDuration;
use sekisho::outgoing::mail::MailProtection;
use sekisho::sync::ObjectType;
use sekisho::sync::gate::{Limit, Over};
use sekisho::sync::matching::{OnNone, OnOne};
use sekisho::sync::options::{Access, Destination, SyncOptions};
use sekisho::sync::plan::{Deactivation, ImmutableChange, Orphans};
use sekisho::sync::schedule::Schedule;
use sekisho::sync::scope::Who;

use super::Site;
use super::sync::{LEAST, TOKEN, faults};

fn one(more: &str) -> SyncOptions {
    let site = Site::new();
    let mut config =
        site.load(&format!("{LEAST}{TOKEN}{more}\n")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!(config.sync.len(), 1);
    config.sync.remove(0)
}

#[test]
fn defaults_stand_where_nothing_is_written() {
    let options = one("");
    assert_eq!((options.name.as_str(), options.preset.name.as_str()), ("idp", "generic"));
    assert_eq!(options.objects, BTreeSet::from([ObjectType::User, ObjectType::Group]));
    assert_eq!(options.delete_after, SignedDuration::from_hours(24 * 30));
    assert_eq!((options.deactivation, options.orphans), (None, Orphans::Keep));
    assert_eq!((options.immutable_change, options.compare), (ImmutableChange::Skip, true));
    assert_eq!((options.pace.in_flight, options.pace.per_second), (8, Some(10.0)));
    assert!(options.bulk && !one("preset = \"6clicks\"").bulk, "what the preset says");
    assert_eq!(options.gate.over, Over::Destructive);
    assert!(options.gate.types.is_empty());
    assert_eq!(Limit::default(), Limit { percent: 5, count: 50 });
    assert_eq!((options.matching.none, options.matching.one), (OnNone::Create, OnOne::Adopt));
    assert_eq!((options.scope.who, &options.scope.local[..]), (Who::Everyone, &["admin".to_owned()][..]));
    assert!(options.schedule.is_none() && options.full_schedule.is_none() && options.token_expires.is_none());
    assert!(options.notices.mail_to.is_empty() && options.notices.webhook.is_none());
    assert!(options.hooks.before.is_empty() && options.hooks.after.is_empty());
    let Destination::Scim { url, access: Access::TokenFile(path), plain_http: false, .. } =
        &options.destination
    else {
        panic!("{:?}", options.destination)
    };
    assert_eq!(url, "https://scim.example.com/v2");
    assert!(path.ends_with("certs/scim-token") && path.is_absolute(), "{path:?}");
}

/// Every key that there is.
const FULL: &str = r#"
preset = "secioss"
search_base = "OU=Company,DC=example,DC=jp"
filter = "(department=*)"
user_filter = "(objectClass=user)"
contact_filter = "(objectClass=contact)"
group_filter = "(objectClass=group)"
unit_filter = "(objectClass=organizationalUnit)"
objects = ["user", "contact"]
ca_certificate = "certs/ad-ca.pem"
allow_http = true
deactivation = "deactivate-only"
delete_after = "0"
immutable_change = "recreate"
orphans = "deactivate"
compare = false
in_flight = 4
requests_per_second = 2
members_per_request = 100
bulk = false
over_limit = "everything"
schedule = "40s"
full_schedule = "30 3 * * *"
token_expires = 2027-08-01
mail_to = ["it@example.co.jp"]
webhook = "https://hooks.example.com/x"
hook_before = ["certs/hook", "--quick"]
hook_after = ["certs/hook"]
hook_timeout = "5s"

[sync.scope]
who = "selected"
status_attribute = ""
deleted = []
local = ["root"]
exclude = ["OU=Robots,DC=example,DC=jp"]

[sync.match]
none = "report"
one = "report"

[sync.match_by]
user = ["userName"]

[sync.conventions]
idsync = "cn=some,ou=Groups"
groups = "all"
nesting = "keep"
organization = "path"

[sync.limits.user]
delete = { percent = 1, count = 0 }

[[sync.map]]
object = "user"
path = "title"
source = 'lookup("title", title)'

[sync.tables.title]
"部長" = "Manager"

[mail]
host = "mail.example.co.jp"
protection = "tls"
user = "sekisho"
password_file = "certs/mail-password"
from = "sekisho@example.co.jp"
"#;

#[test]
fn what_is_written_is_taken() {
    let site = Site::new();
    for file in ["certs/hook", "certs/mail-password"] {
        site.write(file, "x");
    }
    crate::support::slapd::write_strange_ca(&site.path("certs/ad-ca.pem"));
    let config = site.load(&format!("{LEAST}{TOKEN}{FULL}")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let options = &config.sync[0];
    let source = &options.sources[0];
    assert_eq!(source.base.as_deref(), Some("OU=Company,DC=example,DC=jp"));
    assert_eq!((source.filter.as_deref(), source.filters.len()), (Some("(department=*)"), 4));
    assert_eq!(options.objects, BTreeSet::from([ObjectType::User, ObjectType::Contact]));
    assert_eq!(options.deactivation, Some(Deactivation::DeactivateOnly));
    assert_eq!((options.delete_after, options.compare), (SignedDuration::ZERO, false));
    assert_eq!((options.immutable_change, options.orphans), (ImmutableChange::Recreate, Orphans::Deactivate));
    assert_eq!((options.pace.in_flight, options.pace.per_second), (4, Some(2.0)));
    assert!(options.preset.bulk && !options.bulk);
    assert_eq!((options.preset.members_per_request, options.gate.over), (100, Over::All));
    let user = options.gate.types[&ObjectType::User];
    assert_eq!((user.delete, user.modify), (Limit { percent: 1, count: 0 }, Limit::default()));
    assert!(
        matches!(options.schedule, Some(Schedule::Every(every)) if every == SignedDuration::from_secs(40))
    );
    assert!(matches!(options.full_schedule, Some(Schedule::At(_))));
    let midnight = options.token_expires.unwrap().to_zoned(config.log.timezone.clone());
    assert_eq!(midnight.strftime("%Y-%m-%d %H:%M").to_string(), "2027-08-01 00:00");
    assert_eq!(options.hooks.before[0].arguments, ["--quick"]);
    assert_eq!((options.scope.who, options.matching.none), (Who::Selected, OnNone::Report));
    assert_eq!(options.conventions.idsync, "cn=some,ou=Groups");
    let mail = config.mail.unwrap();
    assert_eq!((mail.port, mail.protection), (465, MailProtection::Tls));
    assert_eq!(mail.account.unwrap().0, "sekisho");
}

const LDAP: &str = r#"base_url = "https://idp.example.co.jp/"
[[directory]]
name = "corp"
kind = "ldap"
urls = ["ldaps://dc1.example.co.jp"]
search_base = "DC=example,DC=jp"
[[directory]]
name = "local"
kind = "file"
[[sync]]
name = "other"
directory = "local"
members_per_request = 7
[sync.ldap]
directory = "corp"
disabling = "nothing"
[sync.ldap.types.user]
base = "ou=people,dc=example,dc=jp"
"#;

#[test]
fn another_directory_can_be_the_target() {
    let config = Site::new().load(LDAP).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let options = &config.sync[0];
    assert_eq!(options.preset.name, "ldap");
    let Destination::Ldap { directory, options } = &options.destination else { panic!("{options:?}") };
    assert_eq!((directory.as_str(), options.chunk), ("corp", 7));
    assert_eq!(options.types[&ObjectType::User].base, "ou=people,dc=example,dc=jp");
    for (from, to, said) in [
        (
            "directory = \"corp\"",
            "directory = \"local\"",
            "sekisho.toml:14: sync[1].ldap: there is no LDAP directory \"local\"; describe it",
        ),
        (
            "disabling = \"nothing\"",
            "disabling = \"shadow\"",
            "sekisho.toml:16: sync[1].ldap: \"shadow\" is not known; known are: userAccountControl",
        ),
        (
            "disabling",
            "colour",
            "sekisho.toml:16: sync[1].ldap: unknown key \"colour\"; known are: directory",
        ),
        (
            "base = \"ou=people,",
            "base = \"people,",
            "sekisho.toml:14: sync[1].ldap: user.base: \"people,dc=example,dc=jp\" is no DN; write one",
        ),
        ("types.user]", "types.robot]", "sekisho.toml:17: sync[1].ldap: \"robot\" is not known"),
        (
            "[sync.ldap.types.user]\nbase = \"ou=people,dc=example,dc=jp\"",
            "types = {}",
            "sekisho.toml:14: sync[1].ldap: types: there is none; write [sync.ldap.types.user] with its base",
        ),
        (
            "members_per",
            "url = \"https://x.example\"\nmembers_per",
            "sekisho.toml:13: sync[1].url: is of a service with SCIM; take it out: the [[directory]] that [sync.ldap]",
        ),
        (
            "[sync.ldap.types.user]\n",
            "[sync.ldap.types.user]\nfilter = \"(x\"\n",
            "sekisho.toml:14: sync[1].ldap: user.filter: \"(x\" is no LDAP filter; write it as in ",
        ),
        (
            "members_per",
            "preset = \"generic\"\nmembers_per",
            "sekisho.toml:13: sync[1].preset: \"generic\" fills paths of SCIM, and [sync.ldap] is a directory; take",
        ),
        (
            "members_per_request = 7\n",
            "map = [{ object = \"user\", path = \"name.givenName\", source = \"cn\" }]\n",
            "sekisho.toml:13: sync[1].map: rule for \"name.givenName\" of user: path is no name of an LDAP attribute",
        ),
    ] {
        let told = Site::new().faults(&LDAP.replace(from, to));
        assert!(told.contains(said), "{to}\n  wanted: {said}\n  told:   {told}");
    }
}

#[test]
fn a_global_catalogue_is_a_source_by_itself_and_no_target() {
    let catalogues = "ldaps://dc1.example.co.jp:3269\", \"ldaps://dc2.example.co.jp:3269";
    let urls = |text: &str, urls| text.replace("ldaps://dc1.example.co.jp", urls);
    let source = format!("{LEAST}{TOKEN}");
    assert!(Site::new().load(&urls(&source, catalogues)).is_ok());
    let told =
        Site::new().faults(&urls(&source, "ldaps://dc1.example.co.jp:3269\", \"ldaps://dc2.example.co.jp"));
    let expected = "sekisho.toml:11: sync[1].directory: \"corp\" has urls of global catalogues (port 3268 or 3269) and \
                    others; leave it those of one kind";
    assert_eq!(told, expected);
    let told = Site::new().faults(&urls(LDAP, catalogues));
    let expected = "sekisho.toml:14: sync[1].ldap: \"corp\" has urls of global catalogues (port 3268 or 3269); name a \
                    directory with domain controllers: a catalogue is only read";
    assert_eq!(told, expected);
}

#[test]
fn what_is_allowed_and_dangerous_is_a_warning() {
    let site = Site::new();
    let text = format!("{LEAST}{TOKEN}allow_http = true\n").replace("https://scim", "http://scim");
    let config = site.load(&text).unwrap();
    let warning = &config.warnings[0];
    assert_eq!((warning.key.as_str(), warning.line), ("sync[1].allow_http", Some(14)));
    let mail =
        |host: &str| format!("[mail]\nhost = \"{host}\"\nfrom = \"a@example.jp\"\nprotection = \"none\"\n");
    let warned = |host| site.load(&format!("{LEAST}{TOKEN}{}", mail(host))).unwrap().warnings;
    let warnings = warned("mail.example.jp");
    assert_eq!((warnings[0].key.as_str(), warnings.len()), ("mail.protection", 1));
    assert_eq!(warned("localhost"), []);
}

/// Every key that is read is told on the page of the configuration, and no other.
#[test]
fn the_manual_tells_every_key() {
    let page = include_str!("../../../src/manual/configuration.rs");
    let (_, page) = page.split_once("//! ## Targets of synchronisation\n").unwrap();
    let table = page.split("\n//! ### ").next().unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("//! | `")?.split(" | ").next());
    let told: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').step_by(2)).collect();
    for key in &told {
        let fault = faults(&format!("{key} = {{ zzz = 1 }}"));
        assert!(!fault.contains("unknown key"), "{key}: {fault}");
    }
    let sources = concat!(
        include_str!("../../../src/config/sync.rs"),
        include_str!("../../../src/config/sync/rules.rs"),
        include_str!("../../../src/config/sync/scim.rs"),
    );
    let read =
        ["section.or(", "section.optional(", "section.required(", "section.list(", "section.one_or_list("];
    let keys = read.iter().flat_map(|call| sources.split(call).skip(1));
    let keys: BTreeSet<&str> = keys.filter_map(|rest| rest.strip_prefix('"')?.split('"').next()).collect();
    assert!(keys.len() > 20, "{keys:?}");
    assert_eq!(keys.difference(&told).collect::<Vec<_>>(), Vec::<&&str>::new(), "keys without a line");
}

#[test]
fn the_example_of_the_manual_can_be_loaded() {
    let page = include_str!("../../../src/manual/synchronisation.rs");
    let examples = crate::manual::examples(page, "toml");
    let whole = examples.iter().find(|example| example.starts_with("# sekisho.toml")).unwrap();
    let (before, _) = LEAST.split_once("[[sync]]").unwrap();
    let config = Site::new().load(&format!("{before}{whole}")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let options = &config.sync[0];
    assert!(options.schedule.is_some() && options.full_schedule.is_some() && options.token_expires.is_some());
}

#[test]
fn groups_for_rights_are_groups_where_security_groups_are_not_carried() {
    let by_type = |keys: &str| {
        Site::new().load(&format!("{LEAST}{TOKEN}{keys}")).unwrap().sync[0].conventions.security_by_type
    };
    assert!(!by_type("objects = [\"user\", \"group\"]\n[sync.conventions]\ngroups = \"all\"\n"));
    assert!(by_type(
        "objects = [\"user\", \"group\", \"security-group\"]\n[sync.conventions]\ngroups = \"all\"\n"
    ));
    assert!(by_type("objects = [\"user\"]\n[sync.conventions]\nsecurity_by_type = true\n"), "as it is said");
}
