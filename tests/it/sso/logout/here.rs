//! `/logout`: the local sign-out, and that nothing signs out but our own form.

use crate::sso::{Case, assert_refused};
use crate::support::browser::Navigation;

#[tokio::test]
async fn a_person_signs_out_here() {
    let mut case = Case::signed_in("").await;
    assert!(case.is_signed_in().await);
    let kept = case.browser.clone();
    let page = case.browser.open(&case.url("/logout")).await;
    assert!(page.all_text().contains("田中 太郎") && page.all_text().contains("Sign out?"));
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("form-action"), "browsers apply it to the redirect to the first SP: {policy}");
    assert!(case.is_signed_in().await, "to ask is not to sign out");
    let done = case.browser.submit(&page, &page.form()).await;
    assert!(done.all_text().contains("You are signed out"), "{}", done.all_text());
    assert!(case.browser.cookie("sekisho").is_none());
    assert!(!case.is_signed_in().await);
    let events = case.events("signed_out");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["login"], "tanaka");
    case.browser = kept;
    assert!(!case.is_signed_in().await, "the session is dead, not only its cookie");
    case.restart();
    assert!(!case.is_signed_in().await, "and stays so");
    let page = case.browser.open(&case.url("/logout")).await;
    assert!(page.forms().is_empty(), "nobody is left to sign out");
}

#[tokio::test]
async fn no_other_site_signs_anybody_out() {
    let mut case = Case::signed_in("").await;
    let page = case.browser.open(&case.url("/logout")).await;
    let form = page.form();
    for (step, code) in [
        (Navigation::form(&page, &form).by_site("https://evil.test/"), "SK-ORIGIN"),
        (Navigation::form(&page, &form.clone().forge("csrf", "x")), "SK-FORM-TOKEN"),
        (Navigation::to(&case.url("/logout")).post(&[]), "SK-FORM-TOKEN"),
    ] {
        let page = case.browser.navigate(step).await;
        assert_refused(&page, 403, code);
    }
    assert!(case.is_signed_in().await);
    assert!(case.events("signed_out").is_empty());
}
