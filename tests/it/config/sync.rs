//! `[[sync]]` and `[mail]`: what can be wrong with them, each fault with its line, key and remedy.

use sekisho::config::FaultKind;

use super::Site;

/// The least that carries something; with [`TOKEN`] the keys of a test begin in line 14.
pub(super) const LEAST: &str = r#"base_url = "https://idp.example.co.jp/"
[[directory]]
name = "corp"
kind = "ldap"
urls = ["ldaps://dc1.example.co.jp"]
bind_dn = "CN=svc,DC=example,DC=jp"
bind_password_file = "certs/ldap-password"
search_base = "DC=example,DC=jp"
[[sync]]
name = "idp"
directory = "corp"
url = "https://scim.example.com/v2"
"#;
pub(super) const TOKEN: &str = "token_file = \"certs/scim-token\"\n";

/// The faults of a `[[sync]]` with these further keys, which begin in line 14.
pub(super) fn faults(more: &str) -> String {
    Site::new().faults(&format!("{LEAST}{TOKEN}{more}\n"))
}

/// What is written into a `[[sync]]`, and the fault with its line, its key and its remedy.
const FAULTS: &[(&str, &str)] = &[
    ("colour = 1", ":14: sync[1].colour: unknown key; "),
    ("schedul = \"1h\"", ":14: sync[1].schedul: unknown key; did you mean \"schedule\"?"),
    ("[sync.scope]\nwhose = 1", ":15: sync[1].scope: unknown key \"whose\"; known are: who, "),
    ("[sync.match]\nnon = \"skip\"", ":15: sync[1].match: unknown key \"non\"; known are: none, one"),
    ("[sync.match]\nnone = \"ignore\"", ":15: sync[1].match: \"ignore\" is not known; known are: create, "),
    (
        "[sync.match_by]\nrobot = [\"id\"]",
        ":15: sync[1].match_by: \"robot\" is not known; known are: organization, ",
    ),
    (
        "[sync.match_by]\nuser = [\"id\"]",
        ":14: sync[1].match_by: rule for \"id\" of user: the target is matched by this path, and no rule fills it",
    ),
    ("conventions = \"x\"", ":14: sync[1].conventions: "),
    (
        "[sync.conventions]\nidsinc = \"\"",
        ":15: sync[1].conventions: unknown key \"idsinc\"; known are: idsync, ",
    ),
    (
        "[sync.conventions]\nadmin = \"Admins\"",
        ":14: sync[1].conventions: conventions.admin: \"Admins\" is no DN; write it as cn=name,ou=unit",
    ),
    (
        "[sync.scope]\nexclude = [\"robots\"]",
        ":14: sync[1].scope: scope.exclude: \"robots\" is no DN; write it whole",
    ),
    ("[sync.limits.robot]\ndelete = { percent = 1, count = 1 }", ":14: sync[1].limits.robot: unknown key; "),
    (
        "[sync.limits.user]\nremove = { percent = 1, count = 1 }",
        ":15: sync[1].limits.user: unknown key \"remove\"; known are: delete, ",
    ),
    (
        "[sync.limits.group]\nmembers = { count = 1, percent = 101 }",
        ":15: sync[1].limits.group.members.percent: 101 percent is more than all; write 0 to 100; a high count lets",
    ),
    (
        "[sync.limits.user.delete]\npercent = 200\ncount = 1",
        ":15: sync[1].limits.user.delete.percent: 200 percent is more than all; write 0 to 100",
    ),
    (
        "[sync.limits.user]\ndelete = { percent = 1 }",
        ":15: sync[1].limits.user: count is missing; write it into [sync[1].limits.user]",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsorce = \"title\"",
        ":17: sync[1].map: unknown key \"sorce\"; known are: object, ",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsource = \"x\"\n[[sync.map]]\nobject = \"user\"\npath = \"nickName\"\nsource = \"uper(cn)\"",
        ":18: sync[1].map: rule for \"nickName\" of user: source: ",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"shoeSize\"\nwhen = \"never\"",
        ":14: sync[1].map: rule for \"shoeSize\" of user: when = \"never\": no rule fills this path: correct it",
    ),
    (
        "[[sync.map]]\nobject = \"contact\"\npath = \"mail\"\nsource = \"mail\"",
        ":14: sync[1].map: rule for \"mail\" of contact: the preset has no such object type",
    ),
    (
        "preset = \"diligent-one\"\nobjects = [\"user\"]\n[[sync.map]]\nobject = \"user\"\npath = \"urn:ietf:params:scim:schemas:extension:Diligent:2.0:User:x\"\nsource = \"x\"",
        ":16: sync[1].map: rule for \"urn:ietf:params:scim:schemas:extension:Diligent:2.0:User:x\" of user: the target's schema has no such attribute",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsource = 'lookup(\"t\", title)'",
        ":14: sync[1].map: rule for \"title\" of user: source: there is no lookup table \"t\": add it",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsource = \"title\"\n[[sync.map]]\nobject = \"user\"\npath = \"emails[type\"\nsource = \"mail\"",
        ":18: sync[1].map: rule for \"emails[type\" of user: path is none of SCIM, such as name.givenName or ",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"name.\"\nsource = \"cn\"",
        ":14: sync[1].map: rule for \"name.\" of user: path is none of SCIM, ",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"a b\"\nsource = \"cn\"",
        ": a name has letters, digits, - and _ and begins with a letter; correct the rule",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"Active\"\nsource = \"true\"",
        ":14: sync[1].map: rule for \"Active\" of user: path is where the target is told whether somebody may sign in",
    ),
    (
        "[[sync.map]]\nobject = \"user\"\npath = \"nickName\"\nsource = \"cn\"\nmax_length = 0",
        ":14: sync[1].map: rule for \"nickName\" of user: max_length is 0, so that no value passes; correct the rule",
    ),
    (
        "[sync.match_by]\nuser = []",
        ":14: sync[1].match_by: user is empty, so that nobody would be found at the target; name paths, or take it out",
    ),
    ("preset = \"trustlogn\"", ":14: sync[1].preset: there is no preset \"trustlogn\"; did you mean"),
    (
        "preset = \"ldap\"",
        ":14: sync[1].preset: \"ldap\" fills attributes of LDAP, and url is of a service with SCIM; describe",
    ),
    ("preset = \"trustlogn\"", "did you mean \"trustlogin\"?"),
    (
        "objects = [\"robot\"]",
        ":14: sync[1].objects: \"robot\" is no type of object; choose from organization, ",
    ),
    (
        "objects = [\"contact\"]",
        ":14: sync[1].objects: SCIM 2.0 does not have the type \"contact\"; take it out",
    ),
    ("objects = []", ":14: sync[1].objects: is empty, so nothing would be carried; name what is carried"),
    (
        "filter = \"department=Sales\"",
        ":14: sync[1].filter: \"department=Sales\" is no LDAP filter; write it as in \"(department=Sales)\"",
    ),
    ("user_filter = \"(&(a=b)\"", ":14: sync[1].user_filter: \"(&(a=b)\" is no LDAP filter; "),
    (
        "schedule = \"daily\"",
        ":14: sync[1].schedule: \"daily\" is no duration; write a length of time such as \"15m\", or five fields",
    ),
    ("schedule = \"5s\"", ":14: sync[1].schedule: is too short; write at least \"10s\""),
    ("schedule = \"61 * * * *\"", ":14: sync[1].schedule: \"61 * * * *\" is no schedule: "),
    ("full_schedule = \"0 3 * *\"", ":14: sync[1].full_schedule: \"0 3 * *\" is no schedule: "),
    (
        "schedule = \"0 0 3 * * *\"",
        ":14: sync[1].schedule: \"0 0 3 * * *\" is no schedule: it has 6 fields; write a length of time such as",
    ),
    ("full_schedule = \"0 3 30 2 *\"", "never comes; write a length of time such as"),
    (
        "watch = true",
        ":14: sync[1].watch: stands without a schedule; write a schedule as well, such as \"1h\"",
    ),
    ("watch = \"yes\"", ":14: sync[1].watch: "),
    (
        "token_expires = \"next year\"",
        ":14: sync[1].token_expires: \"next year\" is no day; write a day as in \"2027-08-01\"",
    ),
    ("token_expires = 2027-02-30", ":14:"),
    ("delete_after = \"soon\"", ":14: sync[1].delete_after: \"soon\" is no duration; "),
    ("deactivation = \"delete\"", ":14: sync[1].deactivation: \"delete\" is not known; "),
    ("orphans = \"delete\"", ":14: sync[1].orphans: \"delete\" is not known; "),
    ("in_flight = 0", ":14: sync[1].in_flight: 0 is out of bounds; write a whole number from 1 to 256"),
    (
        "preset = \"trustlogin\"\nbulk = true",
        ":15: sync[1].bulk: preset \"trustlogin\" is of a service without bulk requests; take it out",
    ),
    ("bulk = \"yes\"", ":14: sync[1].bulk: "),
    ("bulk = false\npreset = \"trustlogn\"", ":15: sync[1].preset: there is no preset \"trustlogn\"; "),
    (
        "bulk = false\n[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsorce = \"title\"",
        ":18: sync[1].map: unknown key \"sorce\"; known are: object, ",
    ),
    (
        "[sync.limits.user]\ndelete = { percent = 5, count = 5 }\n[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsorce = \"title\"",
        ":19: sync[1].map: unknown key \"sorce\"; known are: object, ",
    ),
    ("over_limit = \"all\"", ":14: sync[1].over_limit: \"all\" is not known; "),
    (
        "mail_to = [\"it@example.co.jp\"]",
        ":14: sync[1].mail_to: there is no relay to send by; describe it in [mail]",
    ),
    ("mail_to = [\"IT desk\"]", ":14: sync[1].mail_to: \"IT desk\" is no mail address: "),
    ("webhook = \"hooks.example.com\"", ":14: sync[1].webhook: "),
    (
        "hook_before = [\"certs/nowhere\"]",
        "certs/nowhere is no file; write the program, and its arguments after it",
    ),
    (
        "ca_certificate = \"certs/nowhere.pem\"",
        ":14: sync[1].ca_certificate: certs/nowhere.pem does not exist; put it there or name another",
    ),
    (
        "ca_certificate = \"certs/ldap-password\"",
        ":14: sync[1].ca_certificate: certs/ldap-password holds no certificates in PEM; write those of the authorities",
    ),
    ("token = \"x\"", ":14: sync[1].token: is given twice, also as token_file; keep one of the two"),
    (
        "user = \"x\"",
        ":14: sync[1].user: there are a token and an account, and one way to prove who asks is enough; take the token out",
    ),
    ("tables = 1", ":14: sync[1].tables: "),
    ("[mail]\nhost = \"m\"\nfrom = \"a@example.jp\"\ncolour = 1", ":17: mail.colour: unknown key; "),
    ("[mail]\nhost = \"m\"", ":14: mail.from: is missing; write the sender's address"),
    ("[mail]\nhost = \"m\"\nfrom = \"sekisho\"", ":16: mail.from: \"sekisho\" is no mail address: "),
    (
        "[mail]\nhost = \"m\"\nfrom = \"a@example.jp\"\nuser = \"x\"",
        ":17: mail.user: user and password belong together; write both, or neither",
    ),
    (
        "[mail]\nhost = \"m\"\nfrom = \"a@example.jp\"\nuser = \"x\"\npassword = \"x\"\nprotection = \"none\"",
        ":19: mail.protection: the password would be sent in clear; write protection = \"starttls\" or \"tls\"",
    ),
];

#[test]
fn each_fault_is_told_with_line_key_and_remedy() {
    let mut wrong = Vec::new();
    for (more, said) in FAULTS {
        let told = faults(more);
        let one = told.lines().count() == 1 && told.starts_with("sekisho.toml:") && told.contains("; ");
        if !one || !told.contains(said) {
            wrong.push(format!("{more}\n  wanted: {said}\n  told:   {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The configuration with `from` replaced.
fn without(from: &str, to: &str) -> String {
    let text = format!("{LEAST}{TOKEN}");
    assert!(text.contains(from), "{from}");
    Site::new().faults(&text.replace(from, to))
}

#[test]
fn a_target_that_could_not_work_is_refused() {
    let url = "url = \"https://scim.example.com/v2\"\n";
    for (from, to, said) in [
        ("name = \"idp\"\n", "", "sekisho.toml:9: sync[1].name: is missing; give it a short name"),
        (
            "name = \"idp\"",
            "name = \"the idp\"",
            "sekisho.toml:10: sync[1].name: \"the idp\" is no name of a target; use at most 64",
        ),
        (
            "directory = \"corp\"\n",
            "",
            "sekisho.toml:9: sync[1].directory: is missing; name the [[directory]]",
        ),
        (
            "directory = \"corp\"\n",
            "directory = []\n",
            "sekisho.toml:11: sync[1].directory: is missing; name the",
        ),
        (
            "directory = \"corp\"",
            "directory = \"crop\"",
            "sekisho.toml:11: sync[1].directory: there is no directory \"crop\"; did you mean \"corp\"?",
        ),
        (url, "", "sekisho.toml:9: sync[1].url: is missing; write the base URL"),
        (
            "https://scim",
            "http://scim",
            "sekisho.toml:12: sync[1].url: the token would cross the network in clear; write https://",
        ),
        (
            "com/v2",
            "com/v2?a=b",
            "sekisho.toml:12: sync[1].url: https://scim.example.com/v2?a=b: a base URL ends with its path; write it as",
        ),
        (
            "https://scim",
            "https://u:secret@scim",
            "sekisho.toml:12: sync[1].url: scim.example.com: name and password do not belong into the URL; write it as",
        ),
        (
            TOKEN,
            "",
            "sekisho.toml:9: sync[1].token_file: the service would not know who asks; write token_file",
        ),
        (
            TOKEN,
            "user = \"x\"\n",
            "sekisho.toml:9: sync[1].password_file: is missing; write a file with the password",
        ),
        (TOKEN, "password = \"x\"\n", "sekisho.toml:9: sync[1].user: is missing; write the name"),
        (
            TOKEN,
            "token_env = \"NOT_SET_ANYWHERE\"\n",
            "sync[1].token_env: the environment variable NOT_SET_ANYWHERE is not set; set it",
        ),
    ] {
        let told = without(from, to);
        assert!(told.contains(said), "{to}\n  wanted: {said}\n  told:   {told}");
        assert!(told.lines().count() == 1, "one fault, one line: {told}");
    }
    let second =
        "[[sync]]\nname = \"idp\"\ndirectory = \"corp\"\nurl = \"https://b.example.com\"\ntoken = \"x\"";
    let told = faults(second);
    assert_eq!(
        told,
        "sekisho.toml:15: sync[2].name: \"idp\" is the name of another target; give each its own name"
    );
}

#[test]
fn a_token_of_no_use_is_a_warning_and_one_to_come_is_none() {
    let site = Site::new();
    let text = format!("{LEAST}{TOKEN}");
    assert_eq!(site.load(&text).unwrap().warnings, [], "`sekisho sync token set` writes it");
    site.write("certs/scim-token", "secret\n");
    assert_eq!(site.load(&text).unwrap().warnings, []);
    let warning = || {
        let warnings = site.load(&text).unwrap().warnings;
        assert_eq!((warnings.len(), warnings[0].kind, warnings[0].line), (1, FaultKind::Token, Some(13)));
        warnings[0].to_string()
    };
    site.mode("certs/scim-token", 0o644);
    let told = warning();
    let open = "certs/scim-token is open to other users of this machine (mode 0644); chmod 600";
    assert!(told.contains(open), "{told}");
    site.mode("certs/scim-token", 0o600);
    for content in ["", "two\nlines\n"] {
        site.write("certs/scim-token", content);
        assert!(warning().contains("certs/scim-token does not hold one line of text; write"), "{content}");
    }
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let site = Site::new();
    let warned = |more: &str| {
        let warnings = site.load(&format!("{LEAST}{TOKEN}{more}")).unwrap().warnings;
        let folder = format!("{}/", site.0.path().display());
        warnings.iter().map(|one| one.to_string().replace(&folder, "")).collect::<Vec<_>>()
    };
    let limit = "[sync.limits.contact]\ndelete = { percent = 100, count = 1 }\n";
    assert_eq!(
        warned(limit),
        [
            "sekisho.toml:14: sync[1].limits.contact: has no effect: objects of this type are not carried; take it out, or add \"contact\" to objects"
        ]
    );
    assert_eq!(warned(&limit.replace("contact", "user")), [""; 0]);
    let only = "objects = [\"user\"]\n";
    assert_eq!(warned(&format!("{only}{}", limit.replace("contact", "group"))).len(), 1);

    let rule = "[[sync.map]]\nobject = \"user\"\npath = \"title\"\nsource = \"cn\"\n\
                [[sync.map]]\nobject = \"user\"\npath = \"nickName\"\nsource = \"secretary\"\nreference = \"group\"\n";
    assert_eq!(
        warned(&format!("{only}{rule}")),
        [
            "sekisho.toml:19: sync[1].map: rule for \"nickName\" of user: reference names \"group\", which is not carried, so that it never has a value; add \"group\" to objects, or take the rule out"
        ]
    );
    assert_eq!(warned(rule), [""; 0], "groups are carried");
    assert_eq!(warned(&format!("{only}{}", rule.replace("\"group\"", "\"user\""))), [""; 0]);

    let under = "[sync.conventions]\ngroups_under = [\"ou=Lists\"]\n";
    assert_eq!(
        warned(under),
        [
            "sekisho.toml:15: sync[1].conventions.groups_under: has no effect without groups = \"all\"; write groups = \"all\", or take it out"
        ]
    );
    assert_eq!(warned(&format!("{under}groups = \"all\"\n")), [""; 0]);
    assert_eq!(warned("[sync.conventions]\ngroups_under = []\n"), [""; 0]);
}
