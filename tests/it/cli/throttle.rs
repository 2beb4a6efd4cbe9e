//! `throttle list|clear`: beside a server that runs.

use serde_json::Value;

use super::sekisho;
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};

async fn try_in(server: &TestServer, login: &str, password: &str) -> u16 {
    let mut browser = Browser::new();
    let page = browser.open(&server.url("/login")).await;
    crate::support::app::sign_in(&mut browser, &page, (login, password)).await.status
}

#[tokio::test]
async fn an_administrator_lets_a_person_try_again() {
    let server = TestServer::start(Folder::new()).await;
    let place = server.folder.path("");
    let run = |arguments: &[&str]| sekisho(&place, arguments, "");
    let none = run(&["throttle", "list"]);
    assert_eq!((none.code, none.out.as_str()), (0, "no wrong password counts at present\n"), "{}", none.err);
    for _ in 0..3 {
        assert_eq!(try_in(&server, TANAKA.0, "wrong").await, 401);
    }
    assert_eq!(try_in(&server, TANAKA.0, TANAKA.1).await, 429);
    assert_eq!(try_in(&server, "田中 nobody", "wrong").await, 401);

    let list = run(&["throttle", "list"]);
    assert_eq!(list.code, 0, "{}", list.err);
    for words in ["account", "tanaka (people/tanaka)", "stopped", "name", "田中 nobody", "4 for 2 accounts  "]
    {
        assert!(list.out.contains(words), "{words} in {}", list.out);
    }
    let json: Value = serde_json::from_str(&run(&["throttle", "list", "--json"]).out).unwrap();
    let account = &json.as_array().unwrap()[0];
    assert_eq!((&account["against"], &account["login"]), (&Value::from("account"), &Value::from("tanaka")));
    assert_eq!((&account["tries"], &account["stopped"]), (&Value::from(3), &Value::from(true)));

    let cleared = run(&["throttle", "clear", "--user", "TANAKA"]);
    assert_eq!(
        (cleared.code, cleared.out.as_str()),
        (0, "cleared account people/tanaka: 3 wrong\n"),
        "{}",
        cleared.err
    );
    let mut tries = 0;
    while try_in(&server, TANAKA.0, TANAKA.1).await == 429 {
        tries += 1;
        assert!(tries < 600, "the server does not see it");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(run(&["throttle", "clear", "--user", SUZUKI.0]).code, 1, "nothing to clear");
    assert_eq!(run(&["throttle", "clear"]).code, 2);
    assert_eq!(run(&["throttle", "clear", "--all", "--user", "x"]).code, 2);
    assert_eq!(run(&["throttle", "clear", "--address", "127.0.0.1"]).code, 0);
    assert_eq!(run(&["throttle", "clear", "--all"]).code, 0);
    assert_eq!(run(&["throttle", "list"]).out, none.out);
    let audit = std::fs::read_to_string(server.folder.path("audit.jsonl")).unwrap();
    assert!(
        audit.contains(r#""event":"throttle_cleared","against":"account","who":"people/tanaka","tries":3"#),
        "{audit}"
    );
}
