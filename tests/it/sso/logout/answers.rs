//! What service providers answer, and that the chain goes on past each of them.

use super::SignedIn;
use crate::sso::assert_refused;
use crate::support::browser::Navigation;
use crate::support::logout::{Answer, logout_response};
use crate::support::sp::{POST, REDIRECT, SOAP};

#[tokio::test]
async fn whatever_one_answers_the_next_is_told() {
    for (answer, binding, words, outcome) in [
        (Answer::Refusal, REDIRECT, "Still signed in: it refused", "refused"),
        // By POST from another site a browser brings no Lax cookie: the page that follows has it.
        (Answer::Unsigned, POST, "Perhaps still signed in: it did not confirm", "no_answer"),
        (Answer::Unsigned, REDIRECT, "Perhaps still signed in: it did not confirm", "bad_answer"),
        (Answer::Forged, REDIRECT, "Perhaps still signed in: it did not confirm", "bad_answer"),
        (Answer::Garbage, REDIRECT, "Perhaps still signed in: it did not confirm", "bad_answer"),
        // By SOAP the connection was ours and to a registered endpoint.
        (Answer::Unsigned, SOAP, "Signed out", "signed_out"),
        (Answer::Refusal, SOAP, "Still signed in: it refused", "refused"),
        (Answer::Forged, SOAP, "Perhaps still signed in: it did not confirm", "bad_answer"),
        (Answer::Garbage, SOAP, "Perhaps still signed in: it did not confirm", "bad_answer"),
        (Answer::Silence, SOAP, "Perhaps still signed in: it did not confirm", "no_answer"),
    ] {
        let sps = [("odd", &[binding][..], answer), ("next", &[REDIRECT], Answer::Success)];
        let mut person = SignedIn::of(&sps).await;
        let page = person.sign_out().await;
        let told = SignedIn::told(&page);
        assert_eq!(told.len(), 2, "{answer:?} {binding}: {}", page.body);
        assert_eq!(told[0].1, words, "{answer:?} {binding}");
        assert_eq!(told[1].1, "Signed out", "{answer:?} {binding}");
        assert_eq!(person.sps[1].seen().len(), 1, "{answer:?} {binding}");
        let odd = ("https://odd.test/metadata".to_owned(), outcome.to_owned());
        assert!(person.outcomes().contains(&odd), "{answer:?} {binding}: {:?}", person.outcomes());
    }
}

#[tokio::test]
async fn a_browser_that_is_kept_comes_back_and_goes_on() {
    let mut person =
        SignedIn::of(&[("keeps", &[REDIRECT], Answer::Silence), ("next", &[REDIRECT], Answer::Success)])
            .await;
    let page = person.sign_out().await;
    assert_eq!(page.body, "You are here.");
    let page = person.browser.open(&person.app.url("/logout")).await;
    let told = SignedIn::told(&page);
    assert_eq!(told[0].1, "Perhaps still signed in: it did not confirm");
    assert_eq!(told[1].1, "Signed out");

    // It answers after all, when nobody waits for it any more.
    let asked = person.sps[0].seen()[0].attribute("ID").unwrap().to_owned();
    let late = logout_response(&person.sps[0].sp.entity_id, &asked, &person.app.url("/saml/slo"), "Success");
    let address = person.sps[0].sp.signed_message(&person.app.url("/saml/slo"), "SAMLResponse", &late);
    let page = person.browser.open(&address).await;
    assert_eq!(SignedIn::told(&page)[0].1, "Signed out");
}

#[tokio::test]
async fn an_answer_to_nothing_is_refused() {
    let mut person =
        SignedIn::of(&[("one", &[REDIRECT], Answer::Silence), ("two", &[REDIRECT], Answer::Success)]).await;
    let slo = person.app.url("/saml/slo");
    let unasked = logout_response(&person.sps[0].sp.entity_id, "_1234", &slo, "Success");
    let page = person.browser.open(&person.sps[0].sp.signed_message(&slo, "SAMLResponse", &unasked)).await;
    assert_refused(&page, 400, "SK-LOGOUT");

    person.sign_out().await;
    let asked = person.sps[0].seen()[0].attribute("ID").unwrap().to_owned();
    // Another service provider of the same session speaks for the first.
    let by_other = logout_response(&person.sps[1].sp.entity_id, &asked, &slo, "Success");
    let address = person.sps[1].sp.signed_message(&slo, "SAMLResponse", &by_other);
    let mut stranger = person.browser.clone();
    stranger.cookies.clear();
    let page = stranger.navigate(Navigation::to(&address)).await;
    assert_refused(&page, 400, "SK-LOGOUT");
    assert!(person.outcomes().is_empty(), "{:?}", person.outcomes());
}
