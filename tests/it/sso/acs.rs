//! Where the Response goes: to a place that the SP's metadata names, or nowhere.

use super::{Case, assert_refused};
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::request::AuthnRequest;
use crate::support::sp::{PAOS, POST, Sp};

/// What a test does to a request that is otherwise fine.
type Change = fn(&mut AuthnRequest);

/// Three places by POST, of which the second is the default, and one that no browser reaches.
async fn case() -> Case {
    let mut sp = Sp::new("app");
    sp.acs = ["one", "two", "three?a=1&b=2"].map(|path| format!("https://app.test/{path}")).into();
    let folder = Folder::new();
    let mut case = {
        let by_client = format!(
            "<md:AssertionConsumerService Binding=\"{PAOS}\" Location=\"https://app.test/paos\" index=\"9\"/>\n\
             </md:SPSSODescriptor>"
        );
        let metadata = sp.metadata().replace("</md:SPSSODescriptor>", &by_client);
        let metadata = metadata.replace("index=\"1\"", "index=\"1\" isDefault=\"true\"");
        folder.write("metadata/app.xml", &metadata);
        let app = crate::support::test_app::TestApp::start(folder);
        Case { app, sp, browser: crate::support::browser::Browser::new() }
    };
    case.sign_in_first().await;
    case
}

async fn ask(case: &mut Case, change: impl FnOnce(&mut AuthnRequest)) -> (Page, AuthnRequest) {
    let mut request = case.ask();
    change(&mut request);
    (case.send(&request).await, request)
}

#[tokio::test]
async fn url_index_binding_or_default_choose_it() {
    let mut case = case().await;
    let table: [(&str, Change); 7] = [
        ("two", |_| {}),
        ("one", |request| request.acs_url = Some("https://app.test/one".to_owned())),
        ("three?a=1&b=2", |request| request.acs_url = Some("https://app.test/three?a=1&b=2".to_owned())),
        ("three?a=1&b=2", |request| request.acs_index = Some("2".to_owned())),
        ("one", |request| {
            request.acs_url = Some("https://app.test/one".to_owned());
            request.acs_index = Some("0".to_owned());
        }),
        ("two", |request| request.protocol_binding = Some(POST.to_owned())),
        ("one", |request| {
            // Its own binding is used, and the request is noted as odd.
            request.acs_url = Some("https://app.test/one".to_owned());
            request.protocol_binding = Some(PAOS.to_owned());
        }),
    ];
    for (place, change) in table {
        let (page, request) = ask(&mut case, change).await;
        assert_eq!(case.accept(&page, &request).acs, format!("https://app.test/{place}"));
    }
}

#[tokio::test]
async fn nothing_goes_to_a_place_that_is_not_registered() {
    let mut case = case().await;
    for url in [
        "https://evil.test/one",
        "https://app.test/one/",
        "https://app.test/One",
        "https://APP.test/one",
        "https://app.test:443/one",
        "http://app.test/one",
        "https://app.test/one?x",
        "https://app.test/one#x",
        " https://app.test/one",
        "https://app.test/three?a=1&amp;b=2",
        "javascript:alert(1)",
        "",
        "https://app.test/paos",
    ] {
        let (page, _) = ask(&mut case, |request| request.acs_url = Some(url.to_owned())).await;
        assert_refused(&page, 400, "SK-ACS");
        assert!(!page.body.contains("evil") && !page.body.contains("javascript:"), "{}", page.body);
    }
    for index in ["3", "65535", "9"] {
        let (page, _) = ask(&mut case, |request| request.acs_index = Some(index.to_owned())).await;
        assert_refused(&page, 400, "SK-ACS");
    }
    for index in ["-1", "65536", "x", "", "0x0"] {
        let (page, _) = ask(&mut case, |request| request.acs_index = Some(index.to_owned())).await;
        assert_refused(&page, 400, "SK-REQUEST");
    }
    let disagree = |request: &mut AuthnRequest| {
        request.acs_url = Some("https://app.test/one".to_owned());
        request.acs_index = Some("1".to_owned());
    };
    let (page, _) = ask(&mut case, disagree).await;
    assert_refused(&page, 400, "SK-ACS");
    let refused = case.events("request_refused");
    assert_eq!(refused.len(), 22);
    assert!(refused[0]["reason"].as_str().unwrap().contains("https://evil.test/one"), "{}", refused[0]);
    assert!(case.events("assertion_issued").is_empty());
}

#[tokio::test]
async fn a_place_that_is_gone_while_the_person_signs_in_gets_nothing() {
    let mut case = case().await;
    case.browser.cookies.clear();
    let (login, _) = ask(&mut case, |request| request.acs_index = Some("0".to_owned())).await;
    let (_, _) = ask(&mut case, |_| {}).await;
    case.sp.acs.remove(0);
    case.folder.register("app", &case.sp, "");
    case.reload();
    let page = case.enter(&login).await;
    assert_refused(&page, 400, "SK-ACS");
}
