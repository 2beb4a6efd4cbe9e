//! `sessions list|end`: beside a server that runs.

use serde_json::Value;

use super::sekisho;
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::logout::{LogoutRequest, redirected};
use crate::support::sp::{REDIRECT, Slo, Sp, redirect};

async fn signed_in(
    server: &TestServer,
    sp: &Sp,
    who: (&str, &str),
) -> (Browser, crate::support::sp::Received) {
    let mut browser = Browser::new();
    let page = browser.open(&redirect(&server.sso(), &sp.request().xml(), None)).await;
    let page = sign_in(&mut browser, &page, who).await;
    let received = sp.receive(&page);
    (browser, received)
}

async fn opens(server: &TestServer, sp: &Sp, browser: &mut Browser) -> bool {
    browser.open(&redirect(&server.sso(), &sp.request().xml(), None)).await.url.path() != "/login"
}

#[tokio::test]
async fn an_administrator_ends_the_sessions_of_a_person() {
    let folder = Folder::new();
    let mut sp = Sp::new("app");
    sp.slo = vec![Slo::new(REDIRECT, "https://app.test/slo")];
    folder.register("app", &sp, "name_id_format = \"persistent\"\n");
    let server = TestServer::start(folder).await;
    let place = server.folder.path("");
    let run = |arguments: &[&str]| sekisho(&place, arguments, "");
    let (mut tanaka, received) = signed_in(&server, &sp, TANAKA).await;
    let (mut suzuki, _) = signed_in(&server, &sp, SUZUKI).await;

    let list = run(&["sessions", "list", "--user", "TANAKA"]);
    assert_eq!(list.code, 0, "{}", list.err);
    for words in ["127.0.0.1", "tanaka (people/tanaka)", &sp.entity_id] {
        assert!(list.out.contains(words), "{words} in {}", list.out);
    }
    let json: Value =
        serde_json::from_str(&run(&["sessions", "list", "--subject", "people/suzuki", "--json"]).out)
            .unwrap();
    assert_eq!(
        (json[0]["login"].as_str(), json[0]["sp.entity_id"][0].as_str()),
        (Some("suzuki"), Some(sp.entity_id.as_str()))
    );

    let ended = run(&["sessions", "end", "--user", "tanaka"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "ended a session of tanaka (people/tanaka)\n"),
        "{}",
        ended.err
    );
    let mut looks = 0;
    while opens(&server, &sp, &mut tanaka).await {
        looks += 1;
        assert!(looks < 600, "the server does not see it");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(opens(&server, &sp, &mut suzuki).await);
    for (arguments, code) in [
        (&["sessions", "end", "--user", "tanaka"][..], 1),
        (&["sessions", "list", "--user", "nobody"], 1),
        (&["sessions", "end", "--subject", "tanaka"], 2),
        (&["sessions", "end"], 2),
    ] {
        assert_eq!(run(arguments).code, code, "{arguments:?}");
    }
    let audit = std::fs::read_to_string(server.folder.path("audit.jsonl")).unwrap();
    assert!(audit.contains(r#""login":"tanaka","reason":"ended_by_administrator""#), "{audit}");

    // The SP signs the person out later, and hears the truth.
    let slo = server.url("/saml/slo");
    let (_, name) = received.name_id();
    let request = LogoutRequest {
        destination: Some(slo.clone()),
        ..LogoutRequest::new(&sp.entity_id, name, &[received.session_index()])
    };
    let page = tanaka.step(&Navigation::to(&sp.signed_redirect(&slo, &request.xml(), None))).await;
    let answer = redirected(&page, "https://app.test/slo");
    assert_eq!(crate::support::sp::status(&answer), ["Success"]);
}

#[test]
fn a_name_that_only_a_bind_could_tell_is_not_taken_for_nobody() {
    let mut folder = Folder::new();
    folder.add_directory(
        "name = \"corp\"\nkind = \"ldap\"\nurls = [\"ldap://127.0.0.1:1\"]\ndn_pattern = \"uid={login},dc=example\"\n",
    );
    folder.write_config();
    let ended = sekisho(&folder.path(""), &["sessions", "end", "--user", "yamada"], "");
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.out.contains("write --subject"), "{}", ended.out);
}
