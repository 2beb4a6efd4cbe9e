//! Whole servers on a PostgreSQL database: one alone, and two nodes that share what they know.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::faults::{POLICY, ask, enter, received, refused};
use crate::support::app::{TestServer, sekisho, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::html::Page;
use crate::support::logout::{Answer, LogoutRequest, LogoutSp, redirected};
use crate::support::pki::Pair;
use crate::support::postgres::Database;
use crate::support::request::escape;
use crate::support::soap::{post_soap, signed};
use crate::support::sp::{ARTIFACT, REDIRECT, Received, Slo, Sp, redirect, status};

/// The same identity provider at every node.
const ENTITY_ID: &str = "https://idp.example.test/metadata";

/// A node of a database that serves these SPs.
async fn node(database: &Database, sps: &[&Sp]) -> TestServer {
    let mut folder = Folder::new();
    folder.set("store.url", database.url());
    folder.set("saml.entity_id", ENTITY_ID);
    for (at, sp) in sps.iter().enumerate() {
        folder.register(&format!("sp{at}"), sp, &format!("{POLICY}name_id_format = \"persistent\"\n"));
    }
    TestServer::start(folder).await
}

/// One that is signed out by redirect.
fn sp_with_logout() -> Sp {
    Sp { slo: vec![Slo::new(REDIRECT, "https://app.test/slo")], ..Sp::new("app") }
}

/// Whether the person gets on without a page.
async fn is_signed_in(server: &TestServer, browser: &mut Browser, sp: &Sp) -> bool {
    ask(server, browser, sp).await.url.path() != "/login"
}

/// Runs a command beside the server, which must end well; what it wrote.
fn run(server: &TestServer, arguments: &[&str]) -> String {
    let output = sekisho(&server.folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A LogoutRequest for what the SP received, signed, as an address of this node.
fn logout(server: &TestServer, sp: &Sp, received: &Received) -> String {
    let slo = server.url("/saml/slo");
    let request = LogoutRequest {
        destination: Some(slo.clone()),
        ..LogoutRequest::new(&sp.entity_id, received.name_id().1, &[received.session_index()])
    };
    sp.signed_redirect(&slo, &request.xml(), None)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_and_out_over_a_server_on_postgresql() {
    let database = Database::new().await;
    let idp: Arc<Mutex<String>> = Arc::default();
    let sps = ["one", "two"].map(|name| LogoutSp::start(name, &[REDIRECT], Answer::Success, &idp));
    let mut server = node(&database, &[&sps[0].sp, &sps[1].sp]).await;
    *idp.lock().unwrap() = server.url("/saml/slo");
    let mut browser = Browser::new();
    let first = enter(&server, &mut browser, &sps[0].sp, TANAKA).await;
    let first = received(&server, &sps[0].sp, &first);
    server.kill().await;
    server.restart().await;
    let page = ask(&server, &mut browser, &sps[1].sp).await;
    received(&server, &sps[1].sp, &page);
    let page = ask(&server, &mut browser, &sps[0].sp).await;
    let again = received(&server, &sps[0].sp, &page);
    assert_eq!(again.session_index(), first.session_index(), "the same session after kill -9");
    assert!(run(&server, &["sessions", "list", "--user", "tanaka"]).contains(&sps[1].sp.entity_id));

    let page = browser.open(&server.url("/logout")).await;
    let page = browser.submit(&page, &page.form()).await;
    browser.press_on(page).await;
    assert_eq!(sps.each_ref().map(|sp| sp.seen().len()), [1, 1], "each is told once");
    assert!(!is_signed_in(&server, &mut browser, &sps[0].sp).await);

    for expected in [401, 401, 401, 429] {
        let page = enter(&server, &mut Browser::new(), &sps[0].sp, (SUZUKI.0, "wrong")).await;
        assert_eq!(page.status, expected, "{}", page.body);
    }
    let list = run(&server, &["throttle", "list"]);
    assert!(list.contains("suzuki (people/suzuki)") && list.contains("stopped"), "{list}");
    assert!(
        run(&server, &["throttle", "clear", "--user", "suzuki"]).contains("cleared account people/suzuki")
    );
    let page = enter(&server, &mut Browser::new(), &sps[0].sp, SUZUKI).await;
    received(&server, &sps[0].sp, &page);
    assert_eq!(browser.open(&server.url("/readyz")).await.status, 200);
    assert_eq!(server.stop().await, Some(0));
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_knows_the_other_knows() {
    let database = Database::new().await;
    let sp = sp_with_logout();
    // Both begin on an empty database at the same moment.
    let known = [&sp];
    let (one, other) = tokio::join!(node(&database, &known), node(&database, &known));
    let mut browser = Browser::new();
    // The page comes from one, and the form goes to the other.
    let page = ask(&one, &mut browser, &sp).await;
    let first = received(&one, &sp, &sign_in(&mut browser, &page, TANAKA).await);
    let second = received(&other, &sp, &ask(&other, &mut browser, &sp).await);
    assert_eq!((first.session_index(), first.name_id()), (second.session_index(), second.name_id()));

    let stolen = browser.clone();
    let page = browser.open(&other.url("/logout")).await;
    let form = page.forms().into_iter().find(|form| form.action.path() == "/logout").expect("a form");
    browser.submit(&page, &form).await;
    for node in [&one, &other] {
        assert!(!is_signed_in(node, &mut stolen.clone(), &sp).await, "ended at {}", node.url(""));
    }

    // Half the tries at one, half at the other.
    for (node, expected) in [(&one, 401), (&other, 401), (&one, 401), (&other, 429), (&one, 429)] {
        let page = enter(node, &mut Browser::new(), &sp, (SUZUKI.0, "wrong")).await;
        assert_eq!(page.status, expected, "{}", page.body);
    }
    run(&one, &["throttle", "clear", "--all"]);
    received(&other, &sp, &enter(&other, &mut Browser::new(), &sp, SUZUKI).await);
    let json: Value = serde_json::from_str(&run(&one, &["throttle", "list", "--json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 0, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_message_comes_once_whichever_node_it_comes_to() {
    let database = Database::new().await;
    let sp = sp_with_logout();
    let (one, other) = (node(&database, &[&sp]).await, node(&database, &[&sp]).await);
    let mut browser = Browser::new();
    let first = received(&one, &sp, &enter(&one, &mut browser, &sp, TANAKA).await);
    // The same message has to be addressed to both.
    let mut both = LogoutRequest::new(&sp.entity_id, first.name_id().1, &[first.session_index()]);
    both.destination = None;
    let address = |node: &TestServer| sp.signed_redirect(&node.url("/saml/slo"), &both.xml(), None);
    let page = browser.step(&Navigation::to(&address(&one))).await;
    assert_eq!(status(&redirected(&page, "https://app.test/slo")), ["Success"]);
    assert!(!is_signed_in(&other, &mut browser, &sp).await);
    received(&other, &sp, &enter(&other, &mut browser, &sp, TANAKA).await);
    refused(&Browser::new().open(&address(&other)).await, 400, "SK-LOGOUT");
    assert!(is_signed_in(&one, &mut browser, &sp).await, "the new session is not ended by the old message");
    let third = received(&one, &sp, &ask(&one, &mut browser, &sp).await);
    let page = browser.step(&Navigation::to(&logout(&other, &sp, &third))).await;
    assert_eq!(status(&redirected(&page, "https://app.test/slo")), ["Success"]);
    assert!(!is_signed_in(&one, &mut browser, &sp).await);
}

/// A logout that begins at one node goes on at the other, to which the balancer sends the SP's answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_goes_on_at_another_node() {
    let database = Database::new().await;
    let idp: Arc<Mutex<String>> = Arc::default();
    let sps = ["one", "two"].map(|name| LogoutSp::start(name, &[REDIRECT], Answer::Success, &idp));
    let known = [&sps[0].sp, &sps[1].sp];
    let (one, other) = (node(&database, &known).await, node(&database, &known).await);
    *idp.lock().unwrap() = other.url("/saml/slo");
    let mut browser = Browser::new();
    received(&one, known[0], &enter(&one, &mut browser, known[0], TANAKA).await);
    received(&other, known[1], &ask(&other, &mut browser, known[1]).await);
    let page = browser.open(&one.url("/logout")).await;
    let page = browser.submit(&page, &page.form()).await;
    let page = browser.press_on(page).await;
    assert_eq!(sps.each_ref().map(|sp| sp.seen().len()), [1, 1], "{}", page.all_text());
    let told = other.audit().into_iter().chain(one.audit()).filter(|event| event["event"] == "signed_out_at");
    let told: Vec<Value> = told.map(|event| event["outcome"].clone()).collect();
    assert_eq!(told, ["signed_out", "signed_out"]);
}

/// The artifact of a redirect to the SP.
fn artifact(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.body);
    let (_, artifact) = page.header("location").split_once("SAMLart=").expect("an artifact");
    percent_encoding::percent_decode_str(artifact).decode_utf8().unwrap().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_fetched_once_from_any_node() {
    let database = Database::new().await;
    let artifact_acs = vec!["https://app.test/artifact".to_owned()];
    let sp = Sp { artifact_acs, ..Sp::new("app") };
    let (one, other) = (node(&database, &[&sp]).await, node(&database, &[&sp]).await);
    let mut browser = Browser::new();
    received(&one, &sp, &enter(&one, &mut browser, &sp, TANAKA).await);
    let request =
        crate::support::request::AuthnRequest { protocol_binding: Some(ARTIFACT.to_owned()), ..sp.request() };
    let page = browser.step(&Navigation::to(&redirect(&one.sso(), &request.xml(), None))).await;
    let artifact = artifact(&page);
    let mut fetched = Vec::new();
    for (at, node) in [&other, &one, &other].into_iter().enumerate() {
        let url = node.url("/saml/soap/artifact");
        let message = format!(
            "<samlp:ArtifactResolve xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_resolve{at}\" Version=\"2.0\" \
             IssueInstant=\"{}\" Destination=\"{url}\"><saml:Issuer>{}</saml:Issuer>\
             <samlp:Artifact>{}</samlp:Artifact></samlp:ArtifactResolve>",
            request.issue_instant,
            sp.entity_id,
            escape(&artifact),
        );
        let (code, answer) = post_soap(&url, signed(&message, Pair::of_sp()), None).await;
        assert_eq!(code, 200, "{answer}");
        fetched.push(answer.contains("<saml:Assertion"));
    }
    assert_eq!(fetched, [true, false, false]);
}
