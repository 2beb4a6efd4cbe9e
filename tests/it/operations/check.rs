//! `sekisho check` as an admin meets it: a good installation, one with its directory down, one with bad SPs.

use std::process::Stdio;

use serde_json::Value;

use crate::faults::folder_with;
use crate::support::app::sekisho;
use crate::support::folder::Folder;
use crate::support::slapd::{BASE, RESETTER, Slapd};
use crate::support::sp::Sp;

fn check(folder: &Folder) -> (Option<i32>, String, Value) {
    let table = sekisho(folder, &["check"]).output().unwrap();
    let json = sekisho(folder, &["check", "--json"]).output().unwrap();
    assert_eq!(table.status.code(), json.status.code());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let parsed = text(json.stdout);
    let parsed = serde_json::from_str(&parsed).unwrap_or_else(|error| panic!("{error}: {parsed}"));
    (table.status.code(), text(table.stdout), parsed)
}

fn errors(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect()
}

#[test]
fn a_good_installation_is_good() {
    let slapd = Slapd::start();
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(&Slapd::directory(&[&slapd]));
    let (code, table, report) = check(&folder);
    assert_eq!(code, Some(0), "{table}");
    assert!(errors(&report).is_empty(), "{report}");
    let line = |begin: &str| {
        table.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {table}"))
    };
    assert!(line("corp ").contains("ldap") && line("corp ").contains("answers"));
    assert!(line("people ").contains("file") && line("people ").contains("answers"));
    let (before, after) = table.split_once(&sp.entity_id).expect("the service provider");
    let row = before.lines().last().unwrap();
    assert!(row.contains("sp.xml ") && row.contains(" both "), "{row}");
    let below: Vec<&str> = after.lines().skip(1).take(2).map(str::trim).collect();
    assert_eq!(below, ["The kintai application", "attributes: uid, displayName, title"]);
    let listed = &report["service_providers"][0];
    assert_eq!(listed["entity_id"], sp.entity_id.as_str());
    // To look changes nothing.
    assert!(!folder.path("sekisho.db").exists() && !folder.path("audit.jsonl").exists());
}

#[test]
fn it_shows_whose_list_an_sp_has() {
    let mut sp = Sp::new("kintai");
    sp.requested_attributes = vec!["mail".to_owned()];
    let mut folder = Folder::new();
    folder.register("sp", &sp, "");
    let shown = |folder: &Folder| {
        let (code, table, report) = check(folder);
        assert_eq!(code, Some(0), "{table}");
        let line = table.lines().find(|line| line.contains("attributes")).expect("a line about attributes");
        let row = &report["service_providers"][0];
        (line.trim().to_owned(), row["attributes"].clone(), row["attributes_by"].clone())
    };
    let (line, names, by) = shown(&folder);
    assert_eq!(
        (line.as_str(), names, by),
        ("attributes (by its metadata): mail", "mail".into(), "metadata".into())
    );
    let category = "<mdattr:EntityAttributes xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
                    <Attribute xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"http://macedir.org/entity-category\">\
                    <AttributeValue>https://c</AttributeValue></Attribute></mdattr:EntityAttributes></md:Extensions>";
    folder.write("metadata/sp.xml", &sp.metadata().replace("</md:Extensions>", category));
    let rule = "entity_category = \"https://c\"\nattributes = [\"uid\"]";
    folder.set("saml.release", vec![toml::Value::Table(rule.parse().unwrap())]);
    let (line, names, by) = shown(&folder);
    assert_eq!(line, "attributes (by its entity attribute): uid");
    assert_eq!((names, by), ("uid".into(), "entity attribute".into()));
}

/// That of an SP that asks for none.
#[test]
fn it_shows_the_name_id_format_that_an_sp_gets() {
    let format = |word: &str| format!("<md:NameIDFormat>urn:oasis:names:tc:SAML:{word}</md:NameIDFormat>");
    let open = format("1.1:nameid-format:unspecified");
    let both = format!("{open}{}", format("2.0:nameid-format:persistent"));
    for (formats, policy, expected) in [
        ("", "", "transient"),
        ("", "name_id_attribute = \"uid\"", "unspecified"),
        ("", "name_id_format = \"none\"", "none"),
        (&*open, "", "transient"),
        (&both, "", "persistent"),
        (&both, "name_id_format = \"emailAddress\"", "emailAddress"),
    ] {
        let sp = Sp::new("kintai");
        let folder = folder_with(&sp);
        let acs = "<md:AssertionConsumerService";
        folder.write("metadata/sp.xml", &sp.metadata().replacen(acs, &format!("{formats}{acs}"), 1));
        folder.write("metadata/sp.toml", policy);
        let (_, table, report) = check(&folder);
        assert_eq!(report["service_providers"][0]["name_id_format"], expected, "{policy}: {table}");
    }
}

#[test]
fn a_directory_that_is_down_is_found_and_the_rest_is_told_too() {
    let mut slapd = Slapd::start();
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(&Slapd::directory(&[&slapd]));
    folder.write("metadata/bad.xml", "<md:EntityDescriptor>\n");
    slapd.stop();
    let (code, table, report) = check(&folder);
    assert_eq!(code, Some(1), "{table}");
    let found = errors(&report);
    assert_eq!(found.len(), 2, "{report}");
    let directory =
        found.iter().find(|finding| finding["subject"] == "directory corp").expect("the directory");
    assert!(directory["message"].as_str().unwrap().contains("Connection refused"), "{directory}");
    let bad = found.iter().find(|finding| finding["file"] == "bad.xml").expect("the file");
    assert!(bad["line"].is_u64() && !bad["remedy"].as_str().unwrap().is_empty(), "{bad}");
    assert!(table.contains("does not answer") && table.contains(&sp.entity_id), "{table}");
    assert!(table.lines().any(|line| line.starts_with("error") && line.contains("bad.xml")), "{table}");
}

#[test]
fn a_server_that_is_down_beside_one_that_answers_is_told_of() {
    let (first, mut second) = (Slapd::start(), Slapd::start());
    let mut folder = folder_with(&Sp::new("kintai"));
    folder.add_directory(&Slapd::directory(&[&first, &second]));
    let down = second.ldaps_url();
    second.stop();
    let (code, table, report) = check(&folder);
    assert_eq!(code, Some(0), "{table}");
    let findings = report["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| finding["subject"] == "directory corp").expect("the server");
    assert_eq!(told["severity"], "warning", "{told}");
    assert!(
        told["message"].as_str().unwrap().starts_with(&format!("this server does not answer: {down}"))
            && table.contains("answers"),
        "{told}"
    );
}

#[test]
fn a_wrong_service_password_and_an_untrusted_server_are_told_apart() {
    let slapd = Slapd::start();
    let good = Slapd::directory(&[&slapd]);
    let wrong = good.replace("Svc-Passw0rd!", "not this one");
    let strange = good.replace("authorities.pem", "server.pem");
    std::fs::write(slapd.ca_file().with_file_name("strange.pem"), Sp::new("x").pair.certificate_pem())
        .unwrap();
    let strange = strange.replace("server.pem", "strange.pem");
    let unverified = format!("{good}verify_certificate = false\n");
    for (directory, code, words) in [
        (wrong, 1, "check bind_dn and bind_password"),
        (strange, 1, "certificate"),
        (unverified, 0, "whoever stands between can pose as the directory"),
    ] {
        let mut folder = folder_with(&Sp::new("kintai"));
        folder.add_directory(&directory);
        let (exit, table, _) = check(&folder);
        assert_eq!(exit, Some(code), "{table}");
        assert!(table.contains(words), "{words}: {table}");
        assert!(!table.contains("Svc-Passw0rd!") && !table.contains("not this one"), "{table}");
    }
}

#[test]
fn what_is_odd_about_service_providers_is_told_without_failing() {
    let mut sp = Sp::new("kintai");
    sp.publishes_key = false;
    sp.authn_requests_signed = true;
    let folder = folder_with(&sp);
    let expired = sp.metadata().replacen("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1);
    folder.write("metadata/sp.xml", &expired);
    let (_, table, report) = check(&folder);
    let findings = report["findings"].as_array().unwrap();
    let tells = |word: &str| {
        findings
            .iter()
            .any(|finding| finding["file"] == "sp.xml" && finding["message"].as_str().unwrap().contains(word))
    };
    assert!(tells("AuthnRequestsSigned") && tells("2020-01-01"), "{table}");
}

#[test]
fn names_that_no_directory_knows_are_told_of() {
    let slapd = Slapd::start_locking_at(4);
    let sp = Sp::new("kintai");
    let mut folder = Folder::new();
    let known = format!("CN=eng-core,ou=groups, {BASE}");
    let allow = format!(
        "allow = [\"group:{known}\", \"group:cn=gone,{BASE}\", \"group:cn=Board\", \"group:cn=nowhere\"]"
    );
    folder.register("sp", &sp, &allow);
    let board =
        folder.read("people.toml").replacen("attributes = {", "attributes = { memberOf = [\"cn=board\"],", 1);
    folder.write_secret("people.toml", &board);
    folder.add_directory(&Slapd::directory(&[&slapd]));
    folder.set("password_api.enabled", true);
    folder.set("password_api.directory", "corp");
    folder.set("password_api.callers", vec![RESETTER.to_owned(), format!("cn=gone,{BASE}")]);
    folder.set("password_api.allowed_networks", vec!["127.0.0.1".to_owned()]);
    let (code, table, report) = check(&folder);
    assert_eq!(code, Some(0), "{table}");
    let findings = report["findings"].as_array().unwrap();
    let told = |subject: &str| -> Vec<String> {
        let about = findings.iter().filter(|finding| finding["subject"] == subject);
        about.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
    };
    let gone = |dn: &str| format!("\"allow\" names the group \"{dn}\", which no directory shows");
    let mut groups = told(&sp.entity_id);
    groups.retain(|message| message.starts_with("\"allow\""));
    assert!(table.contains("sp.toml "), "{table}");
    assert_eq!(groups, [gone(&format!("cn=gone,{BASE}")), gone("cn=nowhere")], "{table}");
    let caller = format!("directory \"corp\" shows no entry \"cn=gone,{BASE}\"");
    assert_eq!(told("password_api.callers"), [caller]);
    let tries = told("throttle.account_tries");
    assert!(tries.len() == 1 && tries[0].contains("directory \"corp\" locks at 4"), "{tries:?}");
}

/// As `sekisho check | head -1` does.
#[test]
fn who_reads_only_the_beginning_gets_no_error() {
    let folder = folder_with(&Sp::new("kintai"));
    let mut child =
        sekisho(&folder, &["check"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap().as_str()), (Some(1), ""));
}
