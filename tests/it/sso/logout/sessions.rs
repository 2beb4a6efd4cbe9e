//! Which sessions a logout ends: several of one person, one whose time is over, one that another person took over.

use sekisho::clock::SignedDuration;

use super::SignedIn;
use crate::sso::is_signed_in;
use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{SUZUKI, TANAKA};
use crate::support::logout::Answer;
use crate::support::sp::{REDIRECT, SOAP, redirect, status};

async fn person() -> SignedIn {
    SignedIn::of(&[("one", &[REDIRECT], Answer::Success), ("two", &[SOAP], Answer::Success)]).await
}

#[tokio::test]
async fn without_a_session_index_all_sessions_of_the_person_end() {
    for (named, survives) in [(true, true), (false, false)] {
        let mut person = person().await;
        let mut elsewhere = Browser::new();
        let request = person.app.request(&person.sps[0].sp);
        let page = elsewhere.open(&redirect(&person.app.sso(), &request.xml(), None)).await;
        sign_in(&mut elsewhere, &page, TANAKA).await;
        assert!(is_signed_in(&person.app, &person.sps[0].sp, &mut elsewhere).await);
        let mut request = person.request(0);
        if !named {
            request.session_indexes.clear();
        }
        person.browser.step(&Navigation::to(&person.by_redirect(0, &request, None))).await;
        assert!(!person.is_signed_in().await);
        assert_eq!(
            is_signed_in(&person.app, &person.sps[0].sp, &mut elsewhere).await,
            survives,
            "named: {named}"
        );
    }
}

#[tokio::test]
async fn a_browser_without_our_cookie_is_enough() {
    let mut person = person().await;
    let request = person.request(0);
    let address = person.by_redirect(0, &request, None);
    Browser::new().step(&Navigation::to(&address)).await;
    assert!(!person.is_signed_in().await);
    assert_eq!(person.sps[1].seen().len(), 1);
}

#[tokio::test]
async fn the_browser_of_another_person_is_sent_nowhere_else() {
    let person =
        SignedIn::of(&[("one", &[REDIRECT], Answer::Success), ("two", &[REDIRECT], Answer::Success)]).await;
    let mut suzuki = Browser::new();
    let page = suzuki.open(&person.app.url("/login")).await;
    sign_in(&mut suzuki, &page, SUZUKI).await;
    let request = person.request(0);
    suzuki.step(&Navigation::to(&person.by_redirect(0, &request, None))).await;
    assert!(person.sps[1].seen().is_empty(), "her session there would have ended");
    let home = suzuki.open(&person.app.url("/")).await;
    assert!(home.all_text().contains("鈴木 花子"), "{}", home.all_text());
    assert_eq!(person.outcomes(), [("https://two.test/metadata".to_owned(), "no_browser".to_owned())]);
}

#[tokio::test]
async fn a_session_whose_time_is_over_is_still_signed_out_everywhere() {
    let mut person = person().await;
    person.app.clock.advance(SignedDuration::from_hours(9));
    assert!(!person.is_signed_in().await);
    let request = person.request(0);
    person.browser.step(&Navigation::to(&person.by_redirect(0, &request, None))).await;
    assert_eq!(person.sps[1].seen().len(), 1);
}

#[tokio::test]
async fn our_page_signs_out_everywhere_also_after_the_session_lapsed() {
    let mut person = person().await;
    person.app.clock.advance(SignedDuration::from_hours(9));
    assert!(!person.is_signed_in().await);
    let page = person.sign_out().await;
    assert_eq!(SignedIn::told(&page).len(), 2, "{}", page.body);
    assert_eq!((person.sps[0].seen().len(), person.sps[1].seen().len()), (1, 1));
}

#[tokio::test]
async fn signing_in_anew_keeps_what_must_be_signed_out() {
    let mut person = person().await;
    person.app.clock.advance(SignedDuration::from_secs(1));
    let mut anew = person.app.request(&person.sps[0].sp);
    anew.force_authn = Some(true);
    let page = person.browser.open(&redirect(&person.app.sso(), &anew.xml(), None)).await;
    sign_in(&mut person.browser, &page, TANAKA).await;
    person.sign_out().await;
    let seen = person.sps[1].seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].child("SessionIndex").unwrap().text, person.received[1].session_index());
    assert!(!person.is_signed_in().await);
}

#[tokio::test]
async fn another_person_who_signs_in_leaves_nobody_signed_in_by_soap() {
    let mut person = person().await;
    person.app.clock.advance(SignedDuration::from_secs(1));
    let mut anew = person.app.request(&person.sps[0].sp);
    anew.force_authn = Some(true);
    let page = person.browser.open(&redirect(&person.app.sso(), &anew.xml(), None)).await;
    sign_in(&mut person.browser, &page, SUZUKI).await;
    let told = || !person.outcomes().is_empty();
    crate::support::process::wait_until("the other SP is told", told).await;
    assert_eq!(person.sps[1].seen().len(), 1);
}

#[tokio::test]
async fn nobody_signed_in_is_success() {
    let mut person = person().await;
    let request = person.request(0);
    person.sign_out().await;
    assert_eq!(status(&person.answered(&request).await), ["Success"]);
}
