//! A directory of 100,000 people, folders that synchronise it, and commands of which is known what they took.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::folder::Folder;
use crate::support::scim::TOKEN;
use crate::support::slapd::{BASE, Slapd};

/// How many there are in all.
pub const PEOPLE: usize = 100_000;
/// Of them below [`TEN`].
pub const TEN_THOUSAND: usize = 10_000;
/// Of them below [`TWO`].
pub const TWO_THOUSAND: usize = 2_000;
pub const ALL: &str = "ou=all,dc=example,dc=test";
const TEN: &str = "ou=ten,ou=all,dc=example,dc=test";
const TWO: &str = "ou=two,ou=ten,ou=all,dc=example,dc=test";

/// The attributes of each person that are carried; with objectClass and what the server adds there are more.
pub const ATTRIBUTES: [&str; 16] = [
    "uid",
    "cn",
    "sn",
    "givenName",
    "displayName",
    "mail",
    "title",
    "telephoneNumber",
    "mobile",
    "facsimileTelephoneNumber",
    "street",
    "l",
    "st",
    "postalCode",
    "employeeNumber",
    "departmentNumber",
];

/// All of them in one slapd, below [`ALL`], without passwords.
pub fn directory() -> Slapd {
    assert!(ALL.ends_with(BASE));
    let mut text = String::with_capacity(PEOPLE * 800);
    let old = "createTimestamp: 20240101000000Z\nmodifyTimestamp: 20240101000000Z";
    for (dn, name) in [(ALL, "all"), (TEN, "ten"), (TWO, "two")] {
        writeln!(text, "dn: {dn}\nobjectClass: organizationalUnit\nou: {name}\n{old}\n").unwrap();
    }
    for number in 0..PEOPLE {
        let dn = dn(number);
        writeln!(
            text,
            "dn: {dn}\nobjectClass: inetOrgPerson\nuid: p{number:05}\ncn: Taro Person {number:05}\nsn: Person\n\
             givenName: Taro\ndisplayName: Taro Person {number:05}\nmail: p{number:05}@example.test\n\
             title: Engineer\ntelephoneNumber: +81 3 {number:08}\nmobile: +81 90 {number:08}\n\
             facsimileTelephoneNumber: +81 4 {number:08}\nstreet: {number} Chome\nl: Chiyoda\nst: Tokyo\n\
             postalCode: 100-0001\nemployeeNumber: {number}\ndepartmentNumber: {}\n{old}\n",
            number % 100
        )
        .unwrap();
    }
    Slapd::start_filled(&text)
}

/// Where a person is.
pub fn dn(number: usize) -> String {
    let unit = match number {
        ..TWO_THOUSAND => TWO,
        TWO_THOUSAND..TEN_THOUSAND => TEN,
        _ => ALL,
    };
    format!("uid=p{number:05},{unit}")
}

/// Gives so many people another title.
pub fn promote(slapd: &Slapd, people: std::ops::Range<usize>, title: &str) {
    let mut text = String::new();
    for number in people {
        let dn = dn(number);
        writeln!(text, "dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {title}\n").unwrap();
    }
    slapd.modify(&text);
}

/// A folder with a target `idp` at this URL, of all who are below a base.
pub fn folder(slapd: &Slapd, url: &str, people: usize) -> Folder {
    folder_with(slapd, url, people, "")
}

/// The same with further keys.
pub fn folder_with(slapd: &Slapd, url: &str, people: usize, more: &str) -> Folder {
    let base = match people {
        TWO_THOUSAND => TWO,
        TEN_THOUSAND => TEN,
        _ => ALL,
    };
    let mut folder = Folder::new();
    folder.add_directory(&Slapd::directory(&[slapd]));
    let keys = format!(
        "name = \"idp\"\ndirectory = \"corp\"\nsearch_base = {base:?}\nurl = {url:?}\nallow_http = true\n\
         token_file = \"certs/token\"\nrequests_per_second = 100000\ncompare = false\nin_flight = 8\n{more}"
    );
    folder.config.insert("sync".to_owned(), vec![toml::Value::Table(keys.parse().unwrap())].into());
    folder.write_secret("certs/token", &format!("{TOKEN}\n"));
    folder.write_config();
    folder
}

/// What a command took.
#[derive(Debug)]
pub struct Took {
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_mb: f64,
    pub output: String,
}

/// Runs `sekisho sync` with these arguments to its end.
pub fn sync(folder: &Folder, arguments: &[&str]) -> Took {
    let log = folder.path("command.log");
    let file = fs::File::create(&log).unwrap();
    let started = Instant::now();
    // Another build can be measured by the same bench, for a comparison.
    let binary = std::env::var_os("SEKISHO_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_sekisho").into());
    let mut child = Command::new(binary)
        .arg("sync")
        .args(arguments)
        .current_dir(folder.root())
        .env_remove("SEKISHO_CONFIG")
        .stdin(Stdio::null())
        .stderr(file.try_clone().unwrap())
        .stdout(file)
        .spawn()
        .unwrap();
    let place = format!("/proc/{}", child.id());
    let mut peak_mb = 0.0;
    // Until it is a zombie: then its times are final, and it is not yet gone.
    let (seconds, cpu_seconds) = loop {
        let status = fs::read_to_string(format!("{place}/status")).unwrap();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let peak = field("VmHWM").and_then(|line| line.split_whitespace().next());
        peak_mb = peak.map_or(peak_mb, |kilobytes| kilobytes.parse::<f64>().unwrap() / 1024.0);
        if field("State").unwrap().trim().starts_with('Z') {
            break (started.elapsed().as_secs_f64(), cpu_seconds(&place));
        }
        thread::sleep(Duration::from_millis(2));
    };
    let status = child.wait().unwrap();
    let output = fs::read_to_string(&log).unwrap();
    assert!(status.success(), "sync {arguments:?}: {status}\n{output}");
    Took { seconds, cpu_seconds, peak_mb, output }
}

fn cpu_seconds(place: &str) -> f64 {
    let stat = fs::read_to_string(format!("{place}/stat")).unwrap();
    // The second field is the name in parentheses; utime and stime are the 14th and 15th (proc(5)).
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    // CLK_TCK is 100 on every Linux of today.
    ticks.sum::<f64>() / 100.0
}
