//! Who is in the directory of [`Slapd`](super::slapd::Slapd), as LDIF.

use std::fmt::Write;

use sekisho::clock::{Clock, SignedDuration, SystemClock};

use super::slapd::{BASE, NUMBERED, PASSWORD, READER, READER_PASSWORD, RESETTER, password_of};

pub(super) fn ldif() -> String {
    let mut text =
        format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n");
    for unit in ["people", "groups", "service", "policies"] {
        entry(
            &mut text,
            &format!("ou={unit},{BASE}"),
            &["objectClass: organizationalUnit", &format!("ou: {unit}")],
        );
    }
    entry(
        &mut text,
        READER,
        &[
            "objectClass: applicationProcess",
            "objectClass: simpleSecurityObject",
            "cn: reader",
            &format!("userPassword: {READER_PASSWORD}"),
        ],
    );
    entry(
        &mut text,
        RESETTER,
        &[
            "objectClass: applicationProcess",
            "objectClass: simpleSecurityObject",
            "cn: resetter",
            &format!("userPassword: {READER_PASSWORD}"),
        ],
    );
    policy(&mut text, "default", "0", &["pwdMustChange: TRUE"]);
    policy(&mut text, "short", "86400", &["pwdMustChange: TRUE"]);
    // Ten characters, none of the last three, thirty days, the last fourteen of them with a warning.
    let strict = ["pwdMustChange: FALSE", "pwdMinLength: 10", "pwdInHistory: 3", "pwdCheckQuality: 2"];
    let warned = ["pwdExpireWarning: 1209600", "pwdMinAge: 0"];
    policy(&mut text, "strict", "2592000", &[&strict[..], &warned].concat());
    policy(&mut text, "young", "0", &["pwdMustChange: FALSE", "pwdMinAge: 86400"]);
    person(&mut text, "tanaka", "田中 太郎", PASSWORD, &["title: a&<b>\"c]]>", "mail: tanaka@example.test"]);
    person(&mut text, "suzuki", "鈴木 花子", PASSWORD, &["mail: twin@example.test"]);
    person(&mut text, "yoshida", "𠮷田 潤", PASSWORD, &["mail: twin@example.test"]);
    person(&mut text, "locked", "Lou Locked", PASSWORD, &["pwdAccountLockedTime: 000001010000Z"]);
    person(&mut text, "mustchange", "Rex Reset", PASSWORD, &["pwdReset: TRUE"]);
    let short = format!("pwdPolicySubentry: cn=short,ou=policies,{BASE}");
    person(&mut text, "expired", "Ed Expired", PASSWORD, &["pwdChangedTime: 20200101000000Z", &short]);
    let strict = format!("pwdPolicySubentry: cn=strict,ou=policies,{BASE}");
    let young = format!("pwdPolicySubentry: cn=young,ou=policies,{BASE}");
    person(&mut text, "mori", "森 健", PASSWORD, &[&strict, &changed_days_ago(1)]);
    person(&mut text, "soon", "Sue Soon", PASSWORD, &[&strict, &changed_days_ago(25)]);
    person(&mut text, "young", "Yana Young", PASSWORD, &[&young, &changed_days_ago(0)]);
    for number in 0..NUMBERED {
        let name = format!("u{number}");
        person(&mut text, &name, &name, &password_of(number), &[]);
    }
    group(&mut text, "eng-core", &["uid=tanaka,ou=people", "uid=suzuki,ou=people"]);
    group(&mut text, "eng-all", &["cn=eng-core,ou=groups"]);
    group(&mut text, "営業", &["uid=suzuki,ou=people"]);
    entry(
        &mut text,
        &format!("cn=unique,ou=groups,{BASE}"),
        &[
            "objectClass: groupOfUniqueNames",
            "cn: unique",
            &format!("uniqueMember: cn=eng-all,ou=groups,{BASE}"),
        ],
    );
    entry(
        &mut text,
        &format!("cn=circle,ou=groups,{BASE}"),
        &[
            "objectClass: groupOfUniqueNames",
            "cn: circle",
            &format!("uniqueMember: cn=circle,ou=groups,{BASE}"),
            &format!("uniqueMember: cn=unique,ou=groups,{BASE}"),
        ],
    );
    text
}

pub(super) fn ldif_with(change: impl Fn(&str) -> String) -> String {
    ldif().lines().map(|line| change(line) + "\n").collect()
}

fn policy(text: &mut String, name: &str, max_age: &str, more: &[&str]) {
    let (cn, max_age) = (format!("cn: {name}"), format!("pwdMaxAge: {max_age}"));
    let lines = [
        "objectClass: device",
        "objectClass: pwdPolicy",
        &cn,
        "pwdAttribute: userPassword",
        "pwdLockout: TRUE",
        "pwdMaxFailure: 50",
        "pwdAllowUserChange: TRUE",
        &max_age,
    ];
    entry(text, &format!("cn={name},ou=policies,{BASE}"), &[&lines[..], more].concat());
}

/// When a password was changed, so many days before the test.
fn changed_days_ago(days: i64) -> String {
    let then = SystemClock.now() - SignedDuration::from_hours(24 * days);
    then.strftime("pwdChangedTime: %Y%m%d%H%M%SZ").to_string()
}

fn person(text: &mut String, uid: &str, name: &str, password: &str, more: &[&str]) {
    let family = name.split(' ').next().unwrap();
    let lines = [
        "objectClass: inetOrgPerson".to_owned(),
        format!("uid: {uid}"),
        format!("cn: {name}"),
        format!("sn: {family}"),
        format!("displayName: {name}"),
        format!("userPassword: {password}"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).chain(more.iter().copied()).collect();
    entry(text, &format!("uid={uid},ou=people,{BASE}"), &lines);
}

fn group(text: &mut String, name: &str, members: &[&str]) {
    let mut lines = vec!["objectClass: groupOfNames".to_owned(), format!("cn: {name}")];
    lines.extend(members.iter().map(|member| format!("member: {member},{BASE}")));
    entry(
        text,
        &format!("cn={name},ou=groups,{BASE}"),
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

/// Values are written in base64 where they are not plain ASCII (RFC 2849).
pub(super) fn entry(text: &mut String, dn: &str, lines: &[&str]) {
    let dn = format!("dn: {dn}");
    for line in std::iter::once(dn.as_str()).chain(lines.iter().copied()) {
        let (name, value) = line.split_once(": ").unwrap();
        if value.is_ascii() {
            writeln!(text, "{line}").unwrap();
        } else {
            writeln!(text, "{name}:: {}", data_encoding::BASE64.encode(value.as_bytes())).unwrap();
        }
    }
    text.push('\n');
}
