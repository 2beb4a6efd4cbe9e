//! Sessions that end without a logout of their browser: by the person from another one, and by what the directory says
//! of the account.

use sekisho::clock::SignedDuration;

use super::SignedIn;
use crate::sso::is_signed_in;
use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{SUZUKI, TANAKA};
use crate::support::html::{Form, Page};
use crate::support::logout::Answer;
use crate::support::process::wait_until;
use crate::support::sp::{REDIRECT, SOAP};

async fn person() -> SignedIn {
    SignedIn::of(&[("one", &[REDIRECT], Answer::Success), ("two", &[SOAP], Answer::Success)]).await
}

/// Another browser of the same person, or of another one.
async fn browser(person: &SignedIn, who: (&str, &str)) -> Browser {
    let mut browser = Browser::new();
    let page = browser.open(&person.app.url("/login?lang=en")).await;
    let page = sign_in(&mut browser, &page, who).await;
    assert_eq!(page.url.path(), "/", "{}", page.body);
    browser
}

async fn sessions(person: &SignedIn, browser: &mut Browser) -> Page {
    browser.open(&person.app.url("/sessions")).await
}

fn ending(page: &Page, which: &str) -> Form {
    let which = which.to_owned();
    page.forms().into_iter().next().expect("a form that ends a session").forge("which", &which)
}

fn reasons(person: &SignedIn) -> Vec<String> {
    let events = person.app.events("session_ended");
    events.iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_the_others() {
    let mut person = person().await;
    let mut phone = browser(&person, TANAKA).await;
    let page = sessions(&person, &mut phone).await;
    let lines = page.texts(".sessions li");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("This browser") && lines[0].contains("127.0.0.1"), "{lines:?}");
    assert!(!lines[1].contains("This browser"), "{lines:?}");
    let home = phone.open(&person.app.url("/")).await;
    assert!(home.link("a[href$=\"/sessions\"]").is_some());

    let page = phone.submit(&page, &ending(&page, "others")).await;
    assert_eq!(page.texts(".sessions li").len(), 1);
    assert!(!person.is_signed_in().await);
    assert!(is_signed_in(&person.app, &person.sps[0].sp, &mut phone).await);
    assert_eq!(reasons(&person), ["ended_elsewhere"]);
    wait_until("the other SP is told", || !person.sps[1].seen().is_empty()).await;
    assert!(person.sps[0].seen().is_empty(), "by redirect it takes the browser of that session");
}

#[tokio::test]
async fn one_session_ends_and_nobody_elses() {
    let mut person = person().await;
    let mut phone = browser(&person, TANAKA).await;
    let mut suzuki = browser(&person, SUZUKI).await;
    let page = sessions(&person, &mut phone).await;
    let handle =
        |page: &Page| page.attribute(".sessions button", "value").expect("a session of another browser");
    let mine = handle(&page);
    let page = sessions(&person, &mut suzuki).await;
    assert!(page.forms().is_empty(), "she has one session, and may not end it here");
    // Her own token, the handle of his session.
    let csrf = suzuki.open(&person.app.url("/logout")).await.form().value("csrf").unwrap().to_owned();
    let fields = [("csrf".to_owned(), csrf), ("which".to_owned(), mine.clone())];
    let theft = Navigation::to(&person.app.url("/sessions")).post(&fields).from(&page);
    assert_eq!(suzuki.navigate(theft).await.status, 200);
    assert!(person.is_signed_in().await);

    let page = sessions(&person, &mut phone).await;
    let forged = Navigation::form(&page, &ending(&page, &mine).forge("csrf", ""));
    assert!(phone.navigate(forged).await.all_text().contains("SK-FORM-TOKEN"));
    let foreign = Navigation::form(&page, &ending(&page, &mine)).by_site("https://evil.test/");
    assert!(phone.navigate(foreign).await.all_text().contains("SK-ORIGIN"));
    assert!(person.is_signed_in().await);
    phone.submit(&page, &ending(&page, &mine)).await;
    assert!(!person.is_signed_in().await);
}

#[tokio::test]
async fn somebody_who_is_disabled_or_deleted_loses_every_session_within_the_time() {
    for (people, reason) in [("disabled = true\n", "disabled"), ("", "gone")] {
        let mut person = person().await;
        let mut phone = browser(&person, TANAKA).await;
        let mut suzuki = browser(&person, SUZUKI).await;
        let text = person.app.folder.read("people.toml");
        let changed = if people.is_empty() {
            text.replace("login = \"tanaka\"", "login = \"tanaka-2\"")
        } else {
            text.replace("login = \"tanaka\"\n", &format!("login = \"tanaka\"\n{people}"))
        };
        assert_ne!(changed, text);
        person.app.folder.write_secret("people.toml", &changed);
        assert!(person.is_signed_in().await, "asked every fifteen minutes");
        person.app.clock.advance(SignedDuration::from_mins(15));
        assert!(!person.is_signed_in().await);
        assert!(!is_signed_in(&person.app, &person.sps[0].sp, &mut phone).await);
        assert!(is_signed_in(&person.app, &person.sps[0].sp, &mut suzuki).await);
        assert_eq!(reasons(&person), [reason, reason]);
        wait_until("the other SP is told", || !person.sps[1].seen().is_empty()).await;
    }
}
