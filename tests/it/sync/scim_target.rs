//! What goes over the wire to a SCIM service, and what becomes of answers that go wrong: through a proxy that does.

use std::time::Duration;

use sekisho::outgoing::{Credentials, ExchangeOptions};
use sekisho::secret::Secret;
use sekisho::sync::target::{Edit, FaultKind};
use sekisho::sync::{ObjectType, ScimOptions, ScimTarget, ScimTargetError, Target, TargetFault};
use serde_json::{Value, json};

use super::{listed, questions, values};
use crate::support::app::TestServer;
use crate::support::folder::Folder;
use crate::support::process::free_port;
use crate::support::scim::{ScimServer, TOKEN, options, target};
use crate::support::scim_proxy::{Conduct, ScimProxy};

const USER: ObjectType = ObjectType::User;

async fn behind_proxy() -> (ScimServer, ScimProxy, ScimTarget) {
    let server = ScimServer::scimmy().await;
    let proxy = ScimProxy::start(&server.url).await;
    let target = target(options(&proxy.url));
    (server, proxy, target)
}

async fn create(target: &ScimTarget, login: &str) -> Result<String, TargetFault> {
    let made = values([("userName", json!(login)), ("name.familyName", json!("b"))]);
    target.create(USER, &made).await.map(|object| object.id)
}

async fn logins(target: &ScimTarget) -> Vec<Value> {
    let all = listed(target, USER).await.unwrap();
    all.iter().filter_map(|object| target.value(object, "userName")).collect()
}

#[tokio::test]
async fn requests_are_as_the_rfcs_have_them() {
    let (_server, proxy, target) = behind_proxy().await;
    target.probe().await.unwrap();
    assert_eq!(
        proxy.take_lines(),
        ["GET /ServiceProviderConfig", "GET /ResourceTypes", "GET /Users?startIndex=1&count=1"]
    );
    let made = values([
        ("userName", json!("a@b")),
        ("active", json!("True")),
        ("name.givenName", json!("a")),
        ("emails[type eq \"work\"].value", json!("a@b")),
        ("emails[type eq \"work\"].primary", json!(true)),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", json!("IT")),
    ]);
    let id = target.create(USER, &made).await.unwrap().id;
    let [post] = &proxy.take_log()[..] else { panic!("one request") };
    assert_eq!((post.method.as_str(), post.path.as_str()), ("POST", "/Users"));
    assert!(post.head.contains(&format!("authorization: Bearer {TOKEN}\n")), "{}", post.head);
    assert!(post.head.contains("content-type: application/scim+json\n"), "{}", post.head);
    assert!(post.head.contains("accept: application/scim+json\n"), "{}", post.head);
    assert_eq!(
        post.body,
        json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            ],
            "userName": "a@b", "active": true, "name": {"givenName": "a"},
            "emails": [{"type": "work", "value": "a@b", "primary": true}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "IT"},
        })
    );
    let edits = [Edit::Set("active".into(), json!("False")), Edit::Clear("title".into())];
    target.modify(USER, &id, &edits).await.unwrap();
    let [patch] = &proxy.take_log()[..] else { panic!("one request") };
    assert_eq!((patch.method.as_str(), patch.path.as_str()), ("PATCH", format!("/Users/{id}").as_str()));
    assert_eq!(
        patch.body,
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "replace", "path": "active", "value": false}, {"op": "remove", "path": "title"},
        ]})
    );
    target.find(USER, "emails[type eq \"work\"].value", "a+b&c").await.unwrap();
    target.delete(USER, &id).await.unwrap();
    assert_eq!(
        proxy.take_lines(),
        [
            "GET /Users?filter=emails%5Btype%20eq%20%22work%22%20and%20value%20eq%20%22a%2Bb%26c%22%5D&startIndex=1&count=2",
            &format!("DELETE /Users/{id}"),
        ]
    );
}

#[tokio::test]
async fn answers_that_say_no_become_faults() {
    let (_server, proxy, target) = behind_proxy().await;
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let cases = [
        (Conduct::TOO_MANY, FaultKind::Busy, 51, seconds(7)),
        (Conduct::TOO_MANY_BY_DATE, FaultKind::Busy, 51, seconds(30)),
        // A gateway may say so of what the service behind it has done.
        (Conduct::NOT_NOW, FaultKind::Unknown, 51, None),
        (Conduct::UNAUTHORIZED, FaultKind::Unauthorized, 50, None),
        (Conduct::Answer(404, &[], ""), FaultKind::Refused, 53, None),
        (Conduct::Answer(302, &["Location: https://elsewhere.example/"], ""), FaultKind::Refused, 80, None),
        (Conduct::Answer(500, &[], "<html>"), FaultKind::Unknown, 80, None),
        // The service did not hear of it, and nobody can know that.
        (Conduct::DropBefore, FaultKind::Unknown, 81, None),
    ];
    for (conduct, kind, code, retry_after) in cases {
        proxy.next("POST", "/Users", conduct.clone());
        let fault = create(&target, "a@b").await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.code, fault.retry_after),
            (kind, code, retry_after),
            "{conduct:?}: {fault}"
        );
        // Nothing is repeated by itself, and nothing goes to anybody else.
        assert_eq!(proxy.take_lines(), ["POST /Users"], "{conduct:?}");
    }
    assert_eq!(logins(&target).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_creation_without_a_whole_answer_may_have_been() {
    let (_server, proxy, _) = behind_proxy().await;
    let mut impatient = options(&proxy.url);
    impatient.exchange.timeout = Duration::from_millis(1500);
    let target = target(impatient);
    let cases = [
        (Conduct::DropAfter, 81),
        (Conduct::HalfAfter, 81),
        (Conduct::HangAfter, 81),
        (Conduct::Body("{\"id\":"), 80),
        (Conduct::Body("[]"), 80),
        (Conduct::Body("{\"userName\":\"a@b\"}"), 80),
    ];
    for (number, (conduct, code)) in cases.into_iter().enumerate() {
        let login = format!("user-{number}@b");
        proxy.next("POST", "/Users", conduct.clone());
        let fault = create(&target, &login).await.unwrap_err();
        assert_eq!((fault.kind, fault.code), (FaultKind::Unknown, code), "{conduct:?}: {fault}");
        let found = target.find(USER, "userName", &login).await.unwrap();
        assert_eq!(found.len(), 1, "{conduct:?}: it was made");
        // The same again is a conflict, and not a second one.
        assert_eq!(create(&target, &login).await.unwrap_err().kind, FaultKind::Conflict);
    }
}

#[tokio::test]
async fn nobody_there_is_not_heard() {
    let target = target(options(&format!("http://127.0.0.1:{}/scim", free_port())));
    let fault = create(&target, "a@b").await.unwrap_err();
    assert_eq!((fault.kind, fault.code), (FaultKind::Unheard, 81), "{fault}");
    assert_eq!(target.probe().await.unwrap_err().kind, FaultKind::Unheard);
    assert_eq!(listed(&target, USER).await.unwrap_err().kind, FaultKind::Unheard);
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_not_spoken_to() {
    let server = TestServer::start(Folder::tls()).await;
    let mut own = ScimOptions::new(&server.url("/scim"), Credentials::None);
    let fault = target(own.clone()).probe().await.unwrap_err();
    assert_eq!((fault.kind, fault.code), (FaultKind::Unheard, 81), "{fault}");
    own.exchange.authorities = Some(server.folder.idp.certificate_pem().into_bytes());
    // It is heard then, and has no such endpoint.
    let fault = target(own).probe().await.unwrap_err();
    assert_eq!((fault.kind, fault.code), (FaultKind::Refused, 53), "{fault}");
}

#[tokio::test]
async fn a_probe_proves_that_it_is_scim() {
    let (_server, proxy, target) = behind_proxy().await;
    let cases = [
        (Conduct::Answer(405, &[], ""), Ok(false)),
        (Conduct::Answer(200, &[], "<html>sign in</html>"), Err(FaultKind::Unknown)),
        (Conduct::Answer(404, &[], ""), Err(FaultKind::Refused)),
        (Conduct::UNAUTHORIZED, Err(FaultKind::Unauthorized)),
    ];
    for (conduct, wanted) in cases {
        proxy.next("GET", "/Users", conduct.clone());
        let got = target.probe().await.map(|ability| ability.lists).map_err(|fault| fault.kind);
        assert_eq!(got, wanted, "{conduct:?}");
    }
    assert!(target.probe().await.unwrap().lists);
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_an_error() {
    let (_server, proxy, _) = behind_proxy().await;
    let target = target(ScimOptions { page: 2, ..options(&proxy.url) });
    for number in 0..5 {
        create(&target, &format!("user-{number}@b")).await.unwrap();
    }
    assert_eq!(logins(&target).await.len(), 5);
    proxy.take_log();
    let cases = [
        Conduct::Body(r#"{"totalResults":5,"Resources":[]}"#),
        Conduct::Body(r#"{"totalResults":4,"Resources":[{"id":"x"},{"id":"y"}]}"#),
        Conduct::Body(r#"{"totalResults":5,"startIndex":1,"Resources":[{"id":"x"},{"id":"y"}]}"#),
        Conduct::Body(r#"{"totalResults":5,"Resources":[{"id":"x"},{"id":"x"}]}"#),
        Conduct::Body(r#"{"totalResults":5,"Resources":[{"id":"x"},{"userName":"y"}]}"#),
        Conduct::Body(r#"{"Resources":[{"id":"x"}]}"#),
        Conduct::Body("<html>"),
        Conduct::HalfAfter,
    ];
    for conduct in cases {
        proxy.next("GET", "/Users?startIndex=3", conduct.clone());
        let fault = listed(&target, USER).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unknown, "{conduct:?}: {fault}");
        assert_eq!(
            proxy.take_lines(),
            ["GET /Users?startIndex=1&count=2", "GET /Users?startIndex=3&count=2"],
            "{conduct:?}"
        );
    }
    // A page that the service had no time for is asked for again, and no other one is.
    proxy.next("GET", "/Users?startIndex=3", Conduct::Answer(429, &["Retry-After: 1"], ""));
    proxy.next("GET", "/Users?startIndex=3", Conduct::Answer(503, &["Retry-After: 0"], ""));
    assert_eq!(listed(&target, USER).await.unwrap().len(), 5);
    let from = |start: u32| format!("GET /Users?startIndex={start}&count=2");
    assert_eq!(proxy.take_lines(), [from(1), from(3), from(3), from(3), from(5)]);
    let (parts, received) = tokio::sync::mpsc::channel(1);
    drop(received);
    assert_eq!(target.list(USER, parts, &questions()).await.unwrap_err().kind, FaultKind::Unknown);
}

#[tokio::test]
async fn an_answer_larger_than_is_read_is_none() {
    let (_server, proxy, _) = behind_proxy().await;
    let mut small = options(&proxy.url);
    small.exchange.largest = 64;
    let fault = target(small).probe().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unknown);
    assert!(fault.detail.contains("more than 64 bytes"), "{fault}");
}

#[tokio::test]
async fn a_service_that_does_not_filter_finds_nobody() {
    let (_server, proxy, target) = behind_proxy().await;
    let all = r#"{"totalResults":2,"Resources":[{"id":"1","userName":"x@b"},{"id":"2","userName":"a@b"}]}"#;
    proxy.next("GET", "/Users?filter", Conduct::Body(all));
    let fault = target.find(USER, "userName", "a@b").await.unwrap_err();
    assert_eq!((fault.kind, fault.code), (FaultKind::Refused, 53), "{fault}");
    // An object that does not tell its value may be anybody.
    proxy.next("GET", "/Users?filter", Conduct::Body(r#"{"totalResults":1,"Resources":[{"id":"1"}]}"#));
    assert_eq!(target.find(USER, "externalId", "guid").await, Ok(vec![]));
}

#[tokio::test]
async fn a_member_who_is_out_already_keeps_nobody_in() {
    let (_server, proxy, target) = behind_proxy().await;
    let mut ids = Vec::new();
    for number in 0..2 {
        ids.push(create(&target, &format!("user-{number}@b")).await.unwrap());
    }
    let made = values([("displayName", json!("g")), ("members", json!(ids))]);
    let group = target.create(ObjectType::Group, &made).await.unwrap().id;
    let no_target = Conduct::Answer(400, &[], r#"{"scimType":"noTarget"}"#);
    proxy.next("PATCH", "/Groups", no_target.clone());
    proxy.next("PATCH", "/Groups", no_target);
    let leave = Edit::Leave("members".into(), vec!["gone".into(), ids[0].clone()]);
    target.modify(ObjectType::Group, &group, &[leave]).await.unwrap();
    let left = target.read(ObjectType::Group, &group).await.unwrap().unwrap();
    assert_eq!(target.value(&left, "members"), Some(json!([ids[1]])));
}

#[tokio::test]
async fn a_put_of_what_has_changed_meanwhile_is_tried_again_later() {
    let server = ScimServer::scim2().await;
    let proxy = ScimProxy::start(&server.url).await;
    let target = target(ScimOptions { update: sekisho::sync::Update::Put, ..options(&proxy.url) });
    let id = create(&target, "a@b").await.unwrap();
    proxy.take_log();
    let edits = [Edit::Set("title".into(), json!("x"))];
    target.modify(USER, &id, &edits).await.unwrap();
    let log = proxy.take_log();
    assert!(log[1].head.contains("if-match: W/\"1\"\n"), "{}", log[1].head);
    assert_eq!(log[1].body["meta"], Value::Null);
    proxy.next("PUT", "/Users", Conduct::Answer(412, &[], ""));
    assert_eq!(target.modify(USER, &id, &edits).await.unwrap_err().kind, FaultKind::Busy);
}

#[tokio::test]
async fn a_creation_that_is_answered_by_its_place_alone_is_read() {
    let (_server, proxy, target) = behind_proxy().await;
    let id = create(&target, "a@b").await.unwrap();
    let place = Conduct::Answer(201, &["Location: /scim/Users/nobody"], "");
    proxy.next("POST", "/Users", place);
    assert_eq!(create(&target, "b@b").await.unwrap_err().kind, FaultKind::Unknown);
    proxy.next("POST", "/Users", Conduct::Answer(201, &["Location: https://x.example/Users/7?a=b"], ""));
    proxy.next("GET", "/Users/7", Conduct::Answer(200, &[], r#"{"id":7,"userName":"c@b"}"#));
    assert_eq!(create(&target, "c@b").await, Ok("7".to_owned()));
    assert_ne!(id, "7");
}

#[tokio::test]
async fn secrets_are_in_no_fault() {
    let (_server, proxy, target) = behind_proxy().await;
    let echo = r#"{"detail":"Bearer a-token-that-nobody-may-read may not set pa55-w0rd for a@b"}"#;
    proxy.next("POST", "/Users", Conduct::Answer(400, &[], echo));
    let made = values([("userName", json!("a@b")), ("password", json!("pa55-w0rd"))]);
    let fault = target.create(USER, &made).await.unwrap_err();
    assert_eq!(fault.detail, "HTTP 400: Bearer [secret] may not set [secret] for a@b");
    proxy.next("PATCH", "/Users", Conduct::Answer(400, &[], echo));
    let edits = [Edit::Set("password".into(), json!("pa55-w0rd"))];
    let fault = target.modify(USER, "1", &edits).await.unwrap_err();
    assert_eq!(fault.detail, "HTTP 400: Bearer [secret] may not set [secret] for a@b");
    assert!(!format!("{target:?}").contains(TOKEN));
}

type Change = fn(&mut ScimOptions);

#[test]
fn options_that_cannot_be_right_are_refused() {
    let refused = |change: Change| {
        let credentials = Credentials::Basic("sekisho".into(), Secret::new("pa55-w0rd".to_owned()));
        let mut options = ScimOptions::new("https://scim.example/v2/", credentials);
        change(&mut options);
        ScimTarget::new(options).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(refused(|_| {}), Ok(()));
    let cases: [(Change, &str); 8] = [
        (|options| options.base_url = "http://scim.example/v2".into(), "not https"),
        (|options| options.base_url = "https://scim.example/v2?a=b".into(), "ends with its path"),
        (|options| options.base_url = "https://a:b@scim.example/".into(), "do not belong"),
        (|options| options.types.clear(), "at least one type"),
        (|options| options.types.get_mut(&USER).unwrap().endpoint = "../Users".into(), "no endpoint"),
        (|options| options.types.get_mut(&USER).unwrap().active = Some("a b".into()), "active: "),
        (|options| options.page = 0, "page must"),
        (|options| options.members_per_patch = 0, "members_per_patch must"),
    ];
    for (change, wanted) in cases {
        let error = refused(change).unwrap_err();
        assert!(error.contains(wanted) && !error.contains("a:b"), "{error}");
    }
    let broken = Credentials::Bearer(Secret::new("a\nb".to_owned()));
    let error = ScimTarget::new(ScimOptions::new("https://scim.example", broken)).unwrap_err();
    assert!(matches!(error, ScimTargetError::Exchange(_)), "{error}");
    assert_eq!(ExchangeOptions::default().timeout, Duration::from_secs(30));
}
