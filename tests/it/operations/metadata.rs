//! Service providers that come, change and go while the server runs: seen at the SSO endpoint, in the log and in the
//! audit trail, without a restart.

use std::io::Write;

use crate::faults::{POLICY, ask, enter, folder_with, received, refused};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::sp::{Sp, redirect};

/// A server, and a browser that is signed in.
async fn serve(folder: Folder, sp: &Sp) -> (TestServer, Browser) {
    let server = TestServer::start(folder).await;
    let mut browser = Browser::new();
    received(&server, sp, &enter(&server, &mut browser, sp, TANAKA).await);
    (server, browser)
}

/// Waits until a request of this SP is answered so.
async fn until(
    server: &mut TestServer,
    browser: &Browser,
    sp: &Sp,
    what: &str,
    holds: impl Fn(&str) -> bool,
) {
    let sso = server.sso();
    let answered = || async {
        let mut browser = browser.clone();
        holds(&browser.open(&redirect(&sso, &sp.request().xml(), None)).await.body)
    };
    server.process.wait_until(what, answered).await;
}

/// Waits until the audit trail tells this of a file.
async fn audited(server: &mut TestServer, file: &str, kind: &str, change: &str) {
    let path = server.folder.path("audit.jsonl");
    let told = || async {
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).any(|event| {
            event["event"] == "configuration_changed"
                && event["file"] == file
                && event["kind"] == kind
                && event["change"] == change
                && (event["sha256"].as_str().unwrap().len() == 64 || matches!(change, "removed" | "refused"))
                && event["time"].as_str().is_some()
        })
    };
    server.process.wait_until(&format!("{kind} {file} {change} in the audit trail"), told).await;
}

const POSTED: &str = "name=\"SAMLResponse\"";

#[tokio::test]
async fn a_file_that_is_dropped_changed_and_removed_is_live_without_a_restart() {
    let (sp, mut new) = (Sp::new("kintai"), Sp::new("keihi"));
    let (mut server, browser) = serve(folder_with(&sp), &sp).await;
    refused(&ask(&server, &mut browser.clone(), &new).await, 400, "SK-UNKNOWN-SP");
    assert!(server.log().contains(&format!("Unable to locate metadata for {}", new.entity_id)));

    server.folder.register("keihi", &new, "");
    until(&mut server, &browser, &new, "the new SP is live", |page| page.contains(POSTED)).await;
    audited(&mut server, "keihi.xml", "metadata", "loaded").await;

    let moved = "https://keihi.test/moved".to_owned();
    new.acs = vec![moved.clone()];
    server.folder.register("keihi", &new, "");
    until(&mut server, &browser, &new, "its new ACS is live", |page| page.contains(&moved)).await;
    audited(&mut server, "keihi.xml", "metadata", "changed").await;

    server.folder.remove("metadata/keihi.xml");
    until(&mut server, &browser, &new, "it is gone", |page| page.contains("SK-UNKNOWN-SP<")).await;
    audited(&mut server, "keihi.xml", "metadata", "removed").await;
    received(&server, &sp, &ask(&server, &mut browser.clone(), &sp).await);
}

#[tokio::test]
async fn a_broken_file_is_named_with_its_line_and_harms_nobody() {
    let (sp, other) = (Sp::new("kintai"), Sp::new("keihi"));
    let folder = folder_with(&sp);
    folder.register("keihi", &other, "");
    let (mut server, browser) = serve(folder, &sp).await;
    let good = other.metadata();
    server.folder.write("metadata/keihi.xml", &good.replace("</md:SPSSODescriptor>", "</md:Oops>"));
    audited(&mut server, "keihi.xml", "metadata", "refused").await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("Unable to load metadata")).expect("a line");
    let place = 1 + good.lines().position(|line| line.contains("</md:SPSSODescriptor>")).unwrap();
    assert!(line.contains("ERROR") && line.contains("keihi.xml"), "{line}");
    assert!(
        line.contains(&format!("line={place}")) || line.contains(&format!("keihi.xml:{place}")),
        "line {place}: {line}"
    );
    // The last good one and everybody else stay.
    received(&server, &other, &ask(&server, &mut browser.clone(), &other).await);
    received(&server, &sp, &ask(&server, &mut browser.clone(), &sp).await);

    let mut repaired = other.clone();
    repaired.acs = vec!["https://keihi.test/repaired".to_owned()];
    server.folder.register("keihi", &repaired, "");
    until(&mut server, &browser, &other, "it is repaired", |page| page.contains("/repaired")).await;
    audited(&mut server, "keihi.xml", "metadata", "changed").await;
}

#[tokio::test]
async fn a_file_that_is_being_copied_is_used_when_it_is_whole() {
    let (sp, new) = (Sp::new("kintai"), Sp::new("keihi"));
    let (mut server, browser) = serve(folder_with(&sp), &sp).await;
    let text = new.metadata();
    let (head, tail) = text.as_bytes().split_at(text.len() / 2);
    let mut file = std::fs::File::create(server.folder.path("metadata/keihi.xml")).unwrap();
    file.write_all(head).unwrap();
    file.sync_all().unwrap();
    refused(&ask(&server, &mut browser.clone(), &new).await, 400, "SK-UNKNOWN-SP");
    file.write_all(tail).unwrap();
    drop(file);
    until(&mut server, &browser, &new, "the copy is live", |page| page.contains(POSTED)).await;
}

#[tokio::test]
async fn a_changed_policy_is_live_and_a_wrong_one_is_never_skipped() {
    let sp = Sp::new("kintai");
    let (mut server, browser) = serve(folder_with(&sp), &sp).await;
    let asked = |server: &TestServer| {
        let url = redirect(&server.sso(), &sp.request().xml(), None);
        let mut browser = browser.clone();
        async move { browser.open(&url).await }
    };
    let names = |server: &TestServer, page: &Page| received(server, &sp, page).attribute_names();
    assert_eq!(names(&server, &asked(&server).await), ["displayName", "uid"]);

    server.folder.write("metadata/sp.toml", "attributes = [\"mail\"]\n");
    audited(&mut server, "sp.toml", "policy", "changed").await;
    until_released(&mut server, &browser, &sp, &["mail"]).await;

    // The policy before stays in force, and the log names the fault.
    server.folder.write("metadata/sp.toml", "attributes = [\"mail\", \"uid\"]\nalow = [\"user:nobody\"]\n");
    audited(&mut server, "sp.toml", "policy", "refused").await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("alow")).expect("a line that names the key");
    assert!(line.contains("sp.toml") && line.contains("allow"), "{line}");
    assert_eq!(names(&server, &asked(&server).await), ["mail"]);

    server.folder.write("metadata/sp.toml", "allow = [\"user:nobody\"]\n");
    until(&mut server, &browser, &sp, "allow is in force", |page| page.contains("SK-NOT-ALLOWED<")).await;
    server.folder.write("metadata/sp.toml", "enabled = false\n");
    until(&mut server, &browser, &sp, "it is disabled", |page| page.contains("SK-DISABLED-SP<")).await;
    server.folder.remove("metadata/sp.toml");
    until_released(&mut server, &browser, &sp, &[]).await;
    audited(&mut server, "sp.toml", "policy", "removed").await;
}

/// Waits until the SP gets these attributes and no other.
async fn until_released(server: &mut TestServer, browser: &Browser, sp: &Sp, names: &[&str]) {
    let sso = server.sso();
    let answered = || async {
        let page = browser.clone().open(&redirect(&sso, &sp.request().xml(), None)).await;
        page.body.contains(POSTED) && sp.receive(&page).attribute_names() == names
    };
    server.process.wait_until(&format!("{names:?} are released"), answered).await;
}

#[tokio::test]
async fn a_service_provider_may_be_a_toml_alone() {
    let (sp, mut new) = (Sp::new("kintai"), Sp::new("google"));
    let (mut server, browser) = serve(folder_with(&sp), &sp).await;
    new.entity_id = "google.com/a/example.co.jp".to_owned();
    let text = format!(
        "entity_id = {:?}\nentity_id_aliases = [\"google.com\"]\nacs = {:?}\nname = \"Google\"\n{POLICY}",
        new.entity_id, new.acs
    );
    server.folder.write("metadata/google.toml", &text);
    until(&mut server, &browser, &new, "it is live", |page| page.contains(POSTED)).await;
    audited(&mut server, "google.toml", "metadata", "loaded").await;
    received(&server, &new, &ask(&server, &mut browser.clone(), &new).await);
    let mut alias = new.clone();
    alias.entity_id = "google.com".to_owned();
    assert!(ask(&server, &mut browser.clone(), &alias).await.body.contains(POSTED));
}

#[tokio::test]
async fn of_two_files_for_one_entity_the_one_that_was_live_stays_over_a_restart() {
    let sp = Sp::new("kintai");
    let (mut server, browser) = serve(folder_with(&sp), &sp).await;
    let mut thief = sp.clone();
    thief.acs = vec!["https://thief.test/acs".to_owned()];
    // Before "sp.xml" in every order.
    server.folder.register("a", &thief, "");
    audited(&mut server, "a.xml", "metadata", "refused").await;
    for _ in 0..2 {
        received(&server, &sp, &ask(&server, &mut browser.clone(), &sp).await);
        let log = server.log();
        assert!(
            log.lines()
                .any(|line| line.contains("ERROR") && line.contains("a.xml") && line.contains("sp.xml")),
            "{log}"
        );
        server.kill().await;
        server.restart().await;
    }
    // When the old one goes, the other takes its place.
    server.folder.remove("metadata/sp.xml");
    until(&mut server, &browser, &thief, "the other is live", |page| page.contains("https://thief.test/acs"))
        .await;
}

#[tokio::test]
async fn what_is_no_fit_service_provider_is_refused_with_its_reason() {
    let sp = Sp::new("kintai");
    let (mut server, browser) = serve(folder_with(&sp), &sp).await;
    let fresh = |name: &str| Sp { acs: vec![format!("https://{name}.test/acs")], ..Sp::new(name) };
    let clear = Sp { acs: vec!["http://clear.test/acs".to_owned()], ..Sp::new("clear") };
    let script = Sp { acs: vec!["javascript:alert(1)".to_owned()], ..Sp::new("script") };
    let padding = " ".repeat(1 << 20);
    let files = [
        ("clear", clear.metadata(), "http"),
        ("script", script.metadata(), "javascript"),
        ("large", fresh("large").metadata().replace("</md:SPSS", &format!("<!--{padding}--></md:SPSS")), "1"),
        ("dtd", fresh("dtd").metadata().replacen("<md:", "<!DOCTYPE x [<!ENTITY a 'b'>]><md:", 1), "DOCTYPE"),
        ("empty", String::new(), "empty"),
    ];
    for (name, text, _) in &files {
        server.folder.write(&format!("metadata/{name}.xml"), text);
    }
    for (name, _, reason) in &files {
        let file = format!("{name}.xml");
        audited(&mut server, &file, "metadata", "refused").await;
        let log = server.log();
        let line = log.lines().find(|line| line.contains("Unable to load metadata") && line.contains(&file));
        assert!(line.is_some_and(|line| line.contains(reason)), "{name}: {line:?}");
        let asked = ask(&server, &mut browser.clone(), &fresh(name)).await;
        refused(&asked, 400, "SK-UNKNOWN-SP");
    }
    received(&server, &sp, &ask(&server, &mut browser.clone(), &sp).await);
}

#[tokio::test]
async fn metadata_past_its_time_is_a_finding_or_refused_by_the_switch() {
    let sp = Sp::new("kintai");
    let expired = sp.metadata().replacen("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1);
    let folder = Folder::new();
    folder.write("metadata/sp.xml", &expired);
    serve(folder, &sp).await;
    let mut folder = Folder::new();
    folder.write("metadata/sp.xml", &expired);
    folder.set("saml.enforce_valid_until", true);
    let server = TestServer::start(folder).await;
    let page = ask(&server, &mut Browser::new(), &sp).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(server.log().contains("its validUntil has passed"), "{}", server.log());
}
