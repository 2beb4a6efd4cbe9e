//! The pages for a new password, as a person meets them: at a sign-in, from the own page, before the password ends.

use sekisho::clock::SignedDuration;

use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::samba::{self, Samba};
use crate::support::slapd::{BASE, PASSWORD, Slapd};
use crate::support::sp::{Sp, redirect};
use crate::support::test_app::TestApp;

const NEW: &str = "Sakura-2024-x";

fn folder(directory: &str, more: &str) -> Folder {
    let mut folder = Folder::new();
    folder.add_directory(&format!("{directory}password_change = true\n{more}"));
    folder
}

fn serve(directory: &str, more: &str) -> (TestApp, Sp) {
    let (folder, sp) = (folder(directory, more), Sp::new("app"));
    folder.register("app", &sp, "");
    (TestApp::start(folder), sp)
}

fn on_slapd(slapd: &Slapd) -> (TestApp, Sp) {
    serve(&Slapd::directory(&[slapd]), "")
}

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

/// Fills in the page for a new password.
async fn renew(browser: &mut Browser, page: &Page, old: &str, new: &str) -> Page {
    let form = page.form_with("old_password").fill("old_password", old);
    let form = form.fill("new_password", new).fill("new_password_again", new);
    browser.navigate(Navigation::form(page, &form)).await
}

fn told(page: &Page, status: u16, code: &str) {
    let notice =
        page.text("#notice").unwrap_or_else(|| panic!("no notice ({}):\n{}", page.status, page.body));
    assert_eq!(page.status, status, "{notice}");
    assert!(notice.contains(code), "{notice}");
}

fn is_home(page: &Page) -> bool {
    page.status == 200 && page.url.path() == "/" && page.body.contains("/logout")
}

async fn enter(browser: &mut Browser, app: &TestApp, who: (&str, &str)) -> Page {
    let page = browser.open(&app.url("/login")).await;
    sign_in(browser, &page, who).await
}

fn reasons(app: &TestApp, event: &str) -> Vec<String> {
    let of = |record: &serde_json::Value| record["reason"].as_str().unwrap().to_owned();
    app.events(event).iter().map(of).collect()
}

/// From the request of an SP to its assertion, with a new password in between.
async fn goes_on(app: &TestApp, sp: &Sp, (login, old): (&str, &str), code: &str) {
    let mut browser = Browser::new();
    let request = app.request(sp);
    let page = browser.open(&redirect(&app.sso(), &request.xml(), Some("state"))).await;
    let page = sign_in(&mut browser, &page, (login, old)).await;
    told(&page, 200, code);
    assert_eq!(page.form().value("login"), Some(login), "the name is not asked for again");
    assert!(page.all_text().contains("to continue to"), "{}", page.all_text());
    assert!(browser.cookie("sekisho").is_none(), "nobody is signed in yet");
    let page = renew(&mut browser, &page, old, NEW).await;
    let received = sp.receive(&page);
    received.verify(sp, Some(&request.id), &app.folder.idp.certificate_pem());
    assert_eq!(received.relay_state.as_deref(), Some("state"));
    let changed = app.events("password_changed");
    assert_eq!((&changed[0]["login"], &changed[0]["by"]), (&login.into(), &"person".into()));
    assert_eq!(app.events("signed_in").len(), 1);
    assert!(is_home(&browser.open(&app.url("/")).await));
}

#[tokio::test]
async fn who_must_change_the_password_goes_on_to_the_service_provider() {
    let slapd = Slapd::start();
    let (app, sp) = on_slapd(&slapd);
    goes_on(&app, &sp, ("mustchange", PASSWORD), "SK-PASSWORD-CHANGE").await;
    assert!(slapd.try_password(&dn("mustchange"), NEW) && !slapd.try_password(&dn("mustchange"), PASSWORD));
}

#[tokio::test]
async fn on_active_directory_too_and_when_the_password_has_expired() {
    let Some(samba) = Samba::shared() else { return };
    let must = samba.person("page-must");
    samba.set(&must, "pwdLastSet", "0");
    let expired = samba.person("page-expired");
    samba.age_password("page-expired", 100);
    for (login, dn, code) in
        [("page-must", must, "SK-PASSWORD-CHANGE"), ("page-expired", expired, "SK-PASSWORD-EXPIRED")]
    {
        let (app, sp) = serve(&samba.directory(), "");
        goes_on(&app, &sp, (login, samba::PASSWORD), code).await;
        assert!(samba.try_password(&dn, NEW), "{login}");
    }
}

#[tokio::test]
async fn each_refusal_is_told_in_words_and_the_next_try_goes_through() {
    let slapd = Slapd::start();
    let (app, _) = on_slapd(&slapd);
    let mut browser = Browser::new();
    assert!(is_home(&enter(&mut browser, &app, ("mori", PASSWORD)).await));
    let home = browser.open(&app.url("/")).await;
    let page = browser.open(&home.link("#change-password").unwrap()).await;
    assert!(page.form().value("login").is_none() && page.all_text().contains("mori"));

    let differs = page.form().fill("old_password", PASSWORD).fill("new_password", NEW);
    let page = browser.navigate(Navigation::form(&page, &differs.fill("new_password_again", "other"))).await;
    told(&page, 422, "SK-PASSWORD-TWICE");
    let page = renew(&mut browser, &page, PASSWORD, PASSWORD).await;
    told(&page, 422, "SK-PASSWORD-HISTORY");
    assert_eq!(app.events("password_change_refused").len(), 0, "so far nothing was asked of the directory");
    let page = renew(&mut browser, &page, PASSWORD, "short").await;
    told(&page, 422, "SK-PASSWORD-SHORT");
    let page = renew(&mut browser, &page, PASSWORD, "   ").await;
    told(&page, 422, "SK-PASSWORD-UNUSABLE");
    let page = renew(&mut browser, &page, "wrong", NEW).await;
    told(&page, 401, "SK-CREDENTIALS");
    assert!(page.all_text().contains("The current password is wrong; if you are sure of it,"));
    let page = renew(&mut browser, &page, PASSWORD, NEW).await;
    assert_eq!((page.status, page.url.path()), (200, "/password/changed"));
    let page = browser.open(&app.url("/password")).await;
    let page = renew(&mut browser, &page, NEW, PASSWORD).await;
    told(&page, 422, "SK-PASSWORD-HISTORY");
    assert_eq!(reasons(&app, "password_change_refused"), ["too_short", "unusable", "in_history"]);
    assert_eq!(reasons(&app, "sign_in_refused"), ["wrong_password"]);
    browser.language = "ja".to_owned();
    let page = browser.open(&app.url("/password")).await;
    let page = renew(&mut browser, &page, NEW, "short").await;
    assert!(page.all_text().contains("新しいパスワードが短すぎます。"), "{}", page.all_text());
}

#[tokio::test]
async fn on_active_directory_the_rule_is_found_out() {
    let Some(samba) = Samba::shared() else { return };
    samba.person("page-rules");
    let (app, _) = serve(&samba.directory(), "");
    let mut browser = Browser::new();
    enter(&mut browser, &app, ("page-rules", samba::PASSWORD)).await;
    let page = browser.open(&app.url("/password")).await;
    let page = renew(&mut browser, &page, samba::PASSWORD, "Aa1!").await;
    told(&page, 422, "SK-PASSWORD-SHORT");
    assert!(page.all_text().contains("at least 7 characters"), "{}", page.all_text());
    let page = renew(&mut browser, &page, samba::PASSWORD, "alllowercase").await;
    told(&page, 422, "SK-PASSWORD-SIMPLE");
    let page = renew(&mut browser, &page, samba::PASSWORD, NEW).await;
    assert_eq!(page.url.path(), "/password/changed");
}

#[tokio::test]
async fn the_sessions_elsewhere_end_and_this_one_stays() {
    let slapd = Slapd::start();
    let (app, _) = on_slapd(&slapd);
    let (mut here, mut there, mut other) = (Browser::new(), Browser::new(), Browser::new());
    assert!(is_home(&enter(&mut other, &app, ("u0", "Passw0rd!0")).await));
    for browser in [&mut here, &mut there] {
        assert!(is_home(&enter(browser, &app, ("mori", PASSWORD)).await));
    }
    let page = here.open(&app.url("/password")).await;
    let page = renew(&mut here, &page, PASSWORD, NEW).await;
    assert_eq!(page.url.path(), "/password/changed");
    assert!(is_home(&here.open(&app.url("/")).await));
    assert!(there.open(&app.url("/")).await.body.contains("name=\"password\""));
    assert_eq!(app.events("session_ended")[0]["reason"], "password_changed");
    assert!(is_home(&other.open(&app.url("/")).await), "another person's");
    // The same without a session: whoever changes it at /password is signed in alone.
    let mut third = Browser::new();
    let page = third.open(&app.url("/password")).await;
    let form = page.form().fill("login", "mori").fill("old_password", NEW);
    let form = form.fill("new_password", "Momiji-2024-x").fill("new_password_again", "Momiji-2024-x");
    assert!(is_home(&third.navigate(Navigation::form(&page, &form)).await));
    assert!(here.open(&app.url("/")).await.body.contains("name=\"password\""));
}

#[tokio::test]
async fn wrong_old_passwords_are_throttled_like_sign_ins() {
    let slapd = Slapd::start();
    let (app, _) = on_slapd(&slapd);
    let mut browser = Browser::new();
    enter(&mut browser, &app, ("mori", PASSWORD)).await;
    let mut page = browser.open(&app.url("/password")).await;
    for _ in 0..4 {
        page = renew(&mut browser, &page, "wrong", NEW).await;
        told(&page, 401, "SK-CREDENTIALS");
    }
    page = renew(&mut browser, &page, PASSWORD, NEW).await;
    told(&page, 429, "SK-THROTTLED");
    let page = enter(&mut Browser::new(), &app, ("mori", PASSWORD)).await;
    told(&page, 429, "SK-THROTTLED");
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
    app.clock.advance(SignedDuration::from_mins(31));
    let page = browser.open(&app.url("/password")).await;
    assert_eq!(renew(&mut browser, &page, PASSWORD, NEW).await.url.path(), "/password/changed");
}

#[tokio::test]
async fn names_that_nobody_has_look_like_wrong_passwords() {
    let slapd = Slapd::start();
    let (app, _) = on_slapd(&slapd);
    let mut pages = Vec::new();
    for login in ["nobody", "mori", TANAKA.0] {
        let mut browser = Browser::new();
        let page = browser.open(&app.url("/password")).await;
        let form = page.form().fill("login", login).fill("old_password", "wrong");
        let form = form.fill("new_password", NEW).fill("new_password_again", NEW);
        let page = browser.navigate(Navigation::form(&page, &form)).await;
        told(&page, 401, "SK-CREDENTIALS");
        pages.push(page.text("#notice p"));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
}

#[tokio::test]
async fn only_our_own_form_changes_a_password() {
    let slapd = Slapd::start();
    let (app, _) = on_slapd(&slapd);
    let mut browser = Browser::new();
    enter(&mut browser, &app, ("mori", PASSWORD)).await;
    let page = browser.open(&app.url("/password")).await;
    let form = page.form().fill("old_password", PASSWORD);
    let form = form.fill("new_password", NEW).fill("new_password_again", NEW);
    let foreign = Navigation::form(&page, &form).by_site("https://evil.test/");
    let refused = browser.navigate(foreign).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let unsigned = browser.navigate(Navigation::form(&page, &form.clone().forge("csrf", "x"))).await;
    told(&unsigned, 403, "SK-FORM-TOKEN");
    let doubled = [form.fields.clone(), vec![("new_password".to_owned(), "y".to_owned())]].concat();
    let doubled = Navigation::to(form.action.as_str()).from(&page).post(&doubled);
    assert_eq!(browser.navigate(doubled).await.status, 400);
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn where_directories_are_read_only_there_is_nothing_of_it() {
    let slapd = Slapd::start();
    let mut folder = Folder::new();
    folder.add_directory(&Slapd::directory(&[&slapd]));
    let app = TestApp::start(folder);
    let mut browser = Browser::new();
    let page = enter(&mut browser, &app, ("mustchange", PASSWORD)).await;
    told(&page, 401, "SK-PASSWORD-CHANGE");
    assert!(page.form().value("old_password").is_none());
    let page = browser.open(&app.url("/password")).await;
    assert!(page.status == 404 && page.body.contains("SK-NO-PASSWORD-CHANGE"), "{}", page.body);
    let home = enter(&mut browser, &app, ("soon", PASSWORD)).await;
    assert!(is_home(&home) && home.link("#change-password").is_none());
    // With a directory beside it whose people can change theirs, those of the file still cannot.
    let (app, _) = on_slapd(&slapd);
    let mut browser = Browser::new();
    let home = enter(&mut browser, &app, TANAKA).await;
    assert!(is_home(&home) && home.link("#change-password").is_none());
    assert_eq!(browser.open(&app.url("/password")).await.status, 404);
    let mut stranger = Browser::new();
    let page = stranger.open(&app.url("/password")).await;
    for (old, status, code) in [("wrong", 401, "SK-CREDENTIALS"), (TANAKA.1, 403, "SK-PASSWORD-DENIED")] {
        let form = page.form().fill("login", TANAKA.0).fill("old_password", old);
        let form = form.fill("new_password", NEW).fill("new_password_again", NEW);
        told(&stranger.navigate(Navigation::form(&page, &form)).await, status, code);
    }
}

#[tokio::test]
async fn a_password_that_ends_soon_is_told_once_and_can_wait() {
    let slapd = Slapd::start();
    let (app, sp) = on_slapd(&slapd);
    let mut browser = Browser::new();
    let request = app.request(&sp);
    let page = browser.open(&redirect(&app.sso(), &request.xml(), None)).await;
    let page = sign_in(&mut browser, &page, ("soon", PASSWORD)).await;
    assert_eq!((page.status, page.url.path()), (200, "/password/soon"));
    assert_eq!(page.text("#ends").as_deref(), Some("Your password expires in 5 days."));
    let later = browser.open(&page.link("#later").unwrap()).await;
    sp.receive(&later).verify(&sp, Some(&request.id), &app.folder.idp.certificate_pem());
    // The session is not told again, and a passive request sees nothing of it.
    for passive in [false, true] {
        let request = crate::support::request::AuthnRequest { is_passive: Some(passive), ..app.request(&sp) };
        let page = browser.open(&redirect(&app.sso(), &request.xml(), None)).await;
        sp.receive(&page).verify(&sp, Some(&request.id), &app.folder.idp.certificate_pem());
    }

    let mut browser = Browser::new();
    let request = app.request(&sp);
    let page = browser.open(&redirect(&app.sso(), &request.xml(), None)).await;
    let page = sign_in(&mut browser, &page, ("soon", PASSWORD)).await;
    let page = browser.open(&page.link("#now").unwrap()).await;
    let page = renew(&mut browser, &page, PASSWORD, NEW).await;
    sp.receive(&page).verify(&sp, Some(&request.id), &app.folder.idp.certificate_pem());
    let home = enter(&mut Browser::new(), &app, ("soon", NEW)).await;
    assert!(is_home(&home), "a new password is not about to end");
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_told_as_that() {
    let mut slapd = Slapd::start();
    let (app, _) = on_slapd(&slapd);
    let mut browser = Browser::new();
    enter(&mut browser, &app, ("mori", PASSWORD)).await;
    let page = browser.open(&app.url("/password")).await;
    slapd.stop();
    let page = renew(&mut browser, &page, PASSWORD, NEW).await;
    assert!(page.status == 503 && page.body.contains("SK-DIRECTORY"), "{}", page.body);
}

#[tokio::test]
async fn no_password_is_in_the_log_or_in_the_audit_trail() {
    let slapd = Slapd::start();
    let mut folder = folder(&Slapd::directory(&[&slapd]), "");
    folder.set("log.level", "trace");
    let server = TestServer::start(folder).await;
    let mut browser = Browser::new();
    let page = browser.open(&server.url("/login")).await;
    sign_in(&mut browser, &page, ("mori", PASSWORD)).await;
    for (old, new) in [("Wr0ng-Secret", NEW), (PASSWORD, "sh0rt"), (PASSWORD, NEW)] {
        let page = browser.open(&server.url("/password")).await;
        renew(&mut browser, &page, old, new).await;
    }
    assert!(slapd.try_password(&dn("mori"), NEW));
    let (log, audit) = (server.log(), server.folder.read("audit.jsonl"));
    assert!(log.contains("mori changed the password") && audit.contains("password_changed"), "{log}");
    for secret in [PASSWORD, NEW, "Wr0ng-Secret", "sh0rt"] {
        assert!(!log.contains(secret) && !audit.contains(secret), "{secret} in:\n{log}\n{audit}");
    }
}
