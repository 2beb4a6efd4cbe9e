//! The address for administrators: what is counted, what is known of synchronisation, and who is not ready.

use crate::faults::{enter, folder_with, received};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::TANAKA;
use crate::support::http::client;
use crate::support::process::free_port;
use crate::support::scim_sink::{Faults, ScimSink};
use crate::support::slapd::{BASE, Copies, Slapd};
use crate::support::sp::Sp;
use crate::sync::rig::folder as with_target;

/// Status, media type and body.
async fn get(port: u16, path: &str) -> (u16, String, String) {
    let answer = client().get(format!("http://127.0.0.1:{port}{path}")).send().await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
}

/// The value of a series.
fn value<'a>(text: &'a str, series: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

#[tokio::test]
async fn events_are_counted_where_only_administrators_ask() {
    let (sp, port) = (Sp::new("kintai"), free_port());
    let mut folder = folder_with(&sp);
    folder.set("listen.admin", format!("127.0.0.1:{port}"));
    let mut server = TestServer::start(folder).await;
    let page = enter(&server, &mut Browser::new(), &sp, (TANAKA.0, "wrong")).await;
    assert!(!page.body.contains("SAMLResponse"));
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);

    let (status, kind, text) = get(port, "/metrics").await;
    assert_eq!((status, kind.as_str()), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let events = |event: &str, reason: &str| {
        let series = format!("sekisho_audit_events_total{{event=\"{event}\",reason=\"{reason}\"}}");
        value(&text, &series).map(str::to_owned)
    };
    assert_eq!(events("sign_in_refused", "wrong_password").as_deref(), Some("1"), "{text}");
    assert_eq!(events("signed_in", "").as_deref(), Some("1"), "{text}");
    assert_eq!(events("assertion_issued", "").as_deref(), Some("1"), "{text}");
    let series = server.audit().len();
    let counted = text.lines().filter(|line| line.starts_with("sekisho_audit_events_total"));
    let sum: usize = counted.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(sum, series, "each record is counted: {text}");
    assert!(text.contains("# TYPE sekisho_audit_events counter") && text.ends_with("# EOF\n"), "{text}");
    assert!(!text.contains("tanaka") && !text.contains("sekisho_sync"), "{text}");

    assert_eq!(Browser::new().open(&server.url("/metrics")).await.status, 404, "not for everybody");
    assert_eq!(get(port, "/login").await.0, 404, "nobody signs in there");
    assert_eq!(get(port, "/healthz").await.2, "alive\n");
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test]
async fn who_is_not_ready_is_named_to_administrators() {
    let (mut slapd, port) = (Slapd::start(), free_port());
    let mut folder = folder_with(&Sp::new("kintai"));
    folder.set("directory", toml::Value::Array(Vec::new()));
    folder.add_directory(&Slapd::directory(&[&slapd]));
    folder.set("listen.admin", format!("127.0.0.1:{port}"));
    slapd.stop();
    let server = TestServer::start(folder).await;
    let (status, kind, body) = get(port, "/readyz").await;
    assert_eq!((status, kind.as_str()), (503, "application/json"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["ready"], &body["store"]), (&false.into(), &"answers".into()), "{body}");
    assert!(body["directories"]["corp"].as_str().unwrap().contains("Connection refused"), "{body}");
    assert_eq!(Browser::new().open(&server.url("/readyz")).await.body, "not ready\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_synchronisation_are_counted_and_their_state_is_shown() {
    let (slapd, port) = (Slapd::start_source(Copies::Log, 3), free_port());
    let sink = ScimSink::start(1, Faults { lost: 0, busy: 0 }).await;
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nschedule = \"10s\"\ntoken_expires = 2100-01-01\n"
    );
    let mut folder = with_target(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    folder.set("listen.admin", format!("127.0.0.1:{port}"));
    let mut server = TestServer::start(folder).await;
    server.process.wait_for_log("Differential check finished").await;
    let (_, _, text) = get(port, "/metrics").await;
    for (series, wanted) in [
        ("sekisho_sync_runs_total{target=\"idp\",result=\"complete\"}", "1"),
        ("sekisho_sync_writes_total{target=\"idp\",object=\"user\",type=\"add\",result=\"ok\"}", "3"),
        ("sekisho_sync_writes_total{target=\"idp\",object=\"user\",type=\"add\",result=\"failed\"}", "0"),
        ("sekisho_sync_linked_objects{target=\"idp\",object=\"user\"}", "3"),
        ("sekisho_sync_held_operations{target=\"idp\"}", "0"),
        ("sekisho_sync_failing_operations{target=\"idp\"}", "0"),
        ("sekisho_sync_paused{target=\"idp\"}", "0"),
        ("sekisho_sync_last_run_complete{target=\"idp\"}", "1"),
        ("sekisho_sync_token_expiry_timestamp_seconds{target=\"idp\"}", "4102444800"),
    ] {
        assert_eq!(value(&text, series), Some(wanted), "{series}\n{text}");
    }
    let moment = |name: &str| {
        let series = format!("sekisho_sync_last_run_{name}_timestamp_seconds{{target=\"idp\"}}");
        value(&text, &series).unwrap().parse::<i64>().unwrap()
    };
    assert!(moment("start") > 1_700_000_000 && moment("end") >= moment("start"), "{text}");
}

/// A token of no use: the run ends before it asks anybody, and is told and counted once.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_begin_is_counted() {
    let (slapd, port) = (Slapd::start_source(Copies::No, 0), free_port());
    let sink = ScimSink::start(1, Faults { lost: 0, busy: 0 }).await;
    let mut folder = with_target(&sink.url, &Slapd::directory(&[&slapd]), "schedule = \"10s\"\n");
    folder.write_secret("certs/token", "");
    folder.set("listen.admin", format!("127.0.0.1:{port}"));
    let mut server = TestServer::start(folder).await;
    let series = "sekisho_sync_runs_total{target=\"idp\",result=\"not_begun\"}";
    let counted = || async { value(&get(port, "/metrics").await.2, series) == Some("1") };
    server.process.wait_until("the run is counted", counted).await;
    assert_eq!(server.stop().await, Some(0));
    let told = "the token of target \"idp\": ";
    assert_eq!(server.log().matches(told).count(), 1, "{}", server.log());
}

#[tokio::test]
async fn an_address_that_is_taken_does_not_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut folder = folder_with(&Sp::new("kintai"));
    folder.set("listen.admin", taken.local_addr().unwrap().to_string());
    let output = crate::support::app::sekisho(&folder, &["serve"]).output().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("change listen.admin in "), "{told}");
}
