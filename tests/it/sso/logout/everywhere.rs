//! A person signs out here, and with it at nine service providers, one of which is dead.

use super::{SignedIn, idp};
use crate::support::browser::Navigation;
use crate::support::folder::Folder;
use crate::support::logout::{Answer, LogoutSp};
use crate::support::sp::{POST, REDIRECT, SOAP};

#[tokio::test]
async fn eight_of_nine_are_signed_out_and_the_dead_one_is_named() {
    let idp = idp();
    let mut sps = vec![LogoutSp::dead("dead", &[REDIRECT])];
    for (name, bindings) in [
        ("one", &[REDIRECT][..]),
        ("two", &[REDIRECT]),
        ("three", &[SOAP, REDIRECT]),
        ("four", &[POST]),
        ("five", &[REDIRECT, POST]),
        ("six", &[SOAP]),
        ("seven", &[POST]),
        ("eight", &[REDIRECT]),
    ] {
        sps.push(LogoutSp::start(name, bindings, Answer::Success, &idp));
    }
    let mut person = SignedIn::at(sps, &idp).await;
    let page = person.sign_out().await;

    // The page waits for the browser to find the dead one, which this browser cannot without script.
    assert_eq!((page.status, page.url.path()), (200, "/logout"), "{}", page.body);
    let told = SignedIn::told(&page);
    assert_eq!(told.iter().filter(|(_, words)| words == "Signed out").count(), 8, "{told:?}");
    assert_eq!(told[0], ("The dead application".to_owned(), "Not reached yet".to_owned()));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'nonce-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(page.attribute("noscript", "class").is_none() && page.body.contains("how=finish"));
    let page = person.browser.open(&person.app.url("/logout/next?how=finish")).await;
    let told = SignedIn::told(&page);
    assert_eq!(told[0].1, "Perhaps still signed in: it could not be reached");

    for (sp, received) in person.sps.iter().zip(&person.received).skip(1) {
        let seen = sp.seen();
        assert_eq!(seen.len(), 1, "{}", sp.sp.entity_id);
        let name_id = seen[0].child("NameID").unwrap();
        assert_eq!(name_id.text, received.name_id().1);
        assert_eq!(name_id.attribute("Format"), Some(received.name_id().0));
        assert_eq!(name_id.attribute("SPNameQualifier"), Some(sp.sp.entity_id.as_str()));
        assert_eq!(seen[0].child("SessionIndex").unwrap().text, received.session_index());
        assert_eq!(seen[0].child("Issuer").unwrap().text, person.app.folder.entity_id());
        let destination = seen[0].attribute("Destination").unwrap();
        assert!(sp.sp.slo.iter().any(|slo| slo.location == destination), "{destination}");
    }
    assert!(!person.is_signed_in().await);
    assert!(person.browser.cookie("sekisho").is_none());
    let outcomes = person.outcomes();
    assert_eq!(outcomes.iter().filter(|(_, outcome)| outcome == "signed_out").count(), 8);
    assert!(outcomes.contains(&("https://dead.test/metadata".into(), "unreachable".into())), "{outcomes:?}");
}

#[tokio::test]
async fn a_dead_back_channel_leaves_the_browser_to_try() {
    let idp = idp();
    let mut dead_soap = LogoutSp::start("front", &[REDIRECT], Answer::Success, &idp);
    let dead = LogoutSp::dead("x", &[SOAP]);
    dead_soap.sp.slo.insert(0, dead.sp.slo[0].clone());
    let nobody = LogoutSp::dead("nobody", &[SOAP]);
    let mut person = SignedIn::at(vec![dead_soap, nobody], &idp).await;
    let page = person.sign_out().await;
    let told = SignedIn::told(&page);
    assert_eq!(told[1].1, "Signed out");
    assert_eq!(told[0].1, "Perhaps still signed in: it could not be reached");
    assert_eq!(person.sps[0].seen().len(), 1);
}

#[tokio::test]
async fn an_sp_without_logout_is_named() {
    let idp = idp();
    let mut person = SignedIn::at(vec![LogoutSp::dead("mute", &[])], &idp).await;
    let page = person.sign_out().await;
    let told = [(
        "The mute application".to_owned(),
        "Still signed in: it cannot be signed out from here".to_owned(),
    )];
    assert_eq!(SignedIn::told(&page), told);
    assert_eq!(person.outcomes(), [("https://mute.test/metadata".to_owned(), "no_endpoint".to_owned())]);
}

#[tokio::test]
async fn no_more_redirects_follow_one_another_than_browsers_follow() {
    let idp = idp();
    let names: Vec<String> = (0..9).map(|at| format!("sp{at}")).collect();
    let sps = names.iter().map(|name| LogoutSp::start(name, &[REDIRECT], Answer::Success, &idp));
    let mut person = SignedIn::at(sps.collect(), &idp).await;
    let page = person.browser.open(&person.app.url("/logout")).await;
    let page = person.browser.submit(&page, &page.form()).await;
    assert!(page.via.len() <= 8, "{} redirects at a stretch", page.via.len());
    let page = person.walk(page).await;
    assert!(page.all_text().contains("You are signed out of every application"), "{}", page.all_text());
    assert_eq!(SignedIn::told(&page).len(), 9);
}

#[tokio::test]
async fn the_way_leads_to_the_companys_own_page_when_all_is_done() {
    let (idp, mut folder) = (idp(), Folder::new());
    folder.set("saml.after_logout_url", "https://intra.example.jp/bye");
    folder.set("saml.logout_without_question", true);
    let sps =
        vec![LogoutSp::start("one", &[REDIRECT], Answer::Success, &idp), LogoutSp::dead("dead", &[REDIRECT])];
    let mut person = SignedIn::with(folder, sps, &idp).await;
    // A link signs out at once, as the switch says.
    let page = person.browser.open(&person.app.url("/logout")).await;
    assert_eq!(SignedIn::told(&page).len(), 2, "{}", page.body);
    assert!(!person.is_signed_in().await);
    let finish = Navigation::to(&person.app.url("/logout/next?how=skip&at=1"));
    let page = person.browser.navigate(finish).await;
    assert!(page.all_text().contains("Perhaps still signed in"), "{}", page.all_text());
    let last = Navigation::to(&page.link("a.button").unwrap());
    let page = person.browser.step(&last).await;
    assert_eq!((page.status, page.header("location")), (303, "https://intra.example.jp/bye"));
}

#[tokio::test]
async fn a_second_click_before_the_first_answer_loses_nothing() {
    let mut person =
        SignedIn::of(&[("one", &[REDIRECT], Answer::Success), ("two", &[REDIRECT], Answer::Success)]).await;
    let page = person.browser.open(&person.app.url("/logout")).await;
    // The browser hears nothing of what its first click did.
    person.browser.clone().step(&Navigation::form(&page, &page.form())).await;
    let page = person.browser.submit(&page, &page.form()).await;
    let page = person.walk(page).await;
    let told = SignedIn::told(&page);
    assert_eq!(
        [told[0].1.as_str(), told[1].1.as_str()],
        ["Perhaps still signed in: it did not confirm", "Signed out"]
    );
    assert_eq!(person.sps[1].seen().len(), 1);
}
