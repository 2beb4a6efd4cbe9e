//! Logout messages that must end nothing.

use sekisho::clock::SignedDuration;

use super::SignedIn;
use crate::sso::assert_refused;
use crate::support::browser::{Browser, Navigation};
use crate::support::logout::{Answer, LogoutRequest, logout_response, redirected};
use crate::support::pki::Pair;
use crate::support::sp::{POST, REDIRECT, Sp, post, redirect, status};

async fn person() -> SignedIn {
    SignedIn::of(&[("one", &[REDIRECT, POST], Answer::Success), ("two", &[REDIRECT], Answer::Success)]).await
}

/// A person who signs out, and whom the first SP keeps.
async fn kept() -> SignedIn {
    let mut person =
        SignedIn::of(&[("keeps", &[REDIRECT], Answer::Silence), ("next", &[REDIRECT], Answer::Success)])
            .await;
    person.sign_out().await;
    person
}

#[tokio::test]
async fn an_unsigned_request_leads_to_our_own_question_and_no_further() {
    let mut person = person().await;
    let xml = person.request(0).xml();
    let slo = person.app.url("/saml/slo");
    for step in [
        Navigation::to(&redirect(&slo, &xml, None)).by_site("https://one.test/"),
        Navigation::to(&slo).post(&post(&xml, None)).by_site("https://one.test/"),
    ] {
        let page = person.browser.navigate(step).await;
        assert_eq!((page.status, page.url.path()), (200, "/logout"), "{}", page.body);
        assert!(page.all_text().contains("Sign out?"), "{}", page.all_text());
    }
    assert!(person.is_signed_in().await);
    assert!(person.sps[1].seen().is_empty());
}

#[tokio::test]
async fn messages_that_do_not_stand_are_refused() {
    let mut person = person().await;
    let other_key = Sp { pair: Pair::rsa(2048), ..person.sps[0].sp.clone() };
    let away = |seconds: i64| Some(person.app.instant(SignedDuration::from_secs(seconds)));
    let changed = |change: &dyn Fn(&mut LogoutRequest)| {
        let mut request = person.request(0);
        change(&mut request);
        person.by_redirect(0, &request, None)
    };
    let slo = person.app.url("/saml/slo");
    let no_destination = LogoutRequest { destination: None, ..person.request(0) };
    let cut = person.request(0).xml().replace("</saml:Issuer>", "<!-- -->.evil</saml:Issuer>");
    let posted = post(&person.sps[0].sp.signed(&no_destination.xml()), None);
    let mut refused = vec![
        (Navigation::to(&other_key.signed_redirect(&slo, &person.request(0).xml(), None)), "SK-LOGOUT"),
        (
            Navigation::to(&changed(&|r| r.destination = Some("https://idp.other/saml/slo".into()))),
            "SK-LOGOUT",
        ),
        (Navigation::to(&changed(&|r| r.issue_instant = away(-3_700).unwrap())), "SK-LOGOUT"),
        (Navigation::to(&changed(&|r| r.issue_instant = away(400).unwrap())), "SK-LOGOUT"),
        (Navigation::to(&changed(&|r| r.not_on_or_after = away(-301))), "SK-LOGOUT"),
        (Navigation::to(&changed(&|r| "https://nobody.test/".clone_into(&mut r.issuer))), "SK-UNKNOWN-SP"),
        (Navigation::to(&person.sps[0].sp.signed_redirect(&slo, &cut, None)), "SK-UNKNOWN-SP"),
        (Navigation::to(&changed(&|r| r.principal = String::new())), "SK-LOGOUT"),
        (Navigation::to(&slo).post(&posted), "SK-LOGOUT"),
        (Navigation::to(&format!("{slo}?SAMLRequest=AAAA")), "SK-LOGOUT"),
        (Navigation::to(&slo), "SK-NO-REQUEST"),
    ];
    let request = person.by_redirect(0, &person.request(0), None);
    refused.push((Navigation::to(&format!("{request}&SAMLResponse=x")), "SK-LOGOUT"));
    for (step, code) in refused {
        let page = person.browser.navigate(step.clone()).await;
        assert_refused(&page, 400, code);
    }
    assert!(person.is_signed_in().await);
    assert!(person.app.events("signed_out").is_empty());
}

#[tokio::test]
async fn a_request_comes_once() {
    let mut person = person().await;
    let mut everywhere = person.request(0);
    everywhere.session_indexes.clear();
    let address = person.by_redirect(0, &everywhere, None);
    person.browser.step(&Navigation::to(&address)).await;
    assert!(!person.is_signed_in().await);
    person.sign_in().await;
    assert!(person.is_signed_in().await);
    for _ in 0..2 {
        assert_refused(&Browser::new().open(&address).await, 400, "SK-LOGOUT");
        let page = person.browser.open(&address).await;
        assert!(page.all_text().contains("Sign out?"), "where it began that logout: {}", page.body);
        person.app.restart();
    }
    assert!(person.is_signed_in().await, "the new session is not ended by the old request");
}

#[tokio::test]
async fn a_request_for_somebody_else_ends_nothing_and_says_so() {
    let mut person = person().await;
    for principal in [
        "<saml:NameID>somebody-else</saml:NameID>",
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">NAME</saml:NameID>",
        "<saml:NameID NameQualifier=\"https://other.idp/\">NAME</saml:NameID>",
        "<saml:NameID SPNameQualifier=\"https://two.test/metadata\">NAME</saml:NameID>",
        "<saml:NameID>NAME<!-- -->.evil</saml:NameID>",
        "<saml:NameID>evil.<!-- -->NAME</saml:NameID>",
    ] {
        let mut request = person.request(0);
        request.principal = principal.replace("NAME", person.received[0].name_id().1);
        let answer = person.answered(&request).await;
        assert_eq!(status(&answer), ["Requester", "UnknownPrincipal"], "{principal}");
    }
    assert!(person.is_signed_in().await);
    assert!(person.sps[1].seen().is_empty());
}

/// The digest knows nothing of comments: one that a stranger puts in changes neither the signature nor the name.
#[tokio::test]
async fn a_comment_in_a_signed_name_does_not_cut_it() {
    let mut person = person().await;
    let request = person.request(0);
    let signed = person.sps[0].sp.signed(&request.xml());
    let (head, tail) = signed.split_once("</saml:NameID>").unwrap();
    let (head, end) = head.split_at(head.len() - 4);
    let commented = format!("{head}<!-- -->{end}</saml:NameID>{tail}");
    let sent = Navigation::to(&person.app.url("/saml/slo")).post(&post(&commented, None));
    let page = person.browser.navigate(sent).await;
    assert!(page.form_with("SAMLResponse").action.as_str().starts_with(&person.sps[0].sp.slo[1].location));
    assert!(!person.is_signed_in().await);
    assert_eq!(person.sps[1].seen().len(), 1);
}

#[tokio::test]
async fn the_person_of_another_sp_is_not_ones_own() {
    let mut person = person().await;
    // The first SP names the person as the second one knows them.
    let mut request = person.request(1);
    person.sps[0].sp.entity_id.clone_into(&mut request.issuer);
    assert_eq!(status(&person.answered(&request).await), ["Requester", "UnknownPrincipal"]);
    assert!(person.is_signed_in().await);
}

#[tokio::test]
async fn a_request_from_elsewhere_tells_nobody_how_others_know_the_person() {
    let mut person = person().await;
    let address = person.by_redirect(0, &person.request(0), None);
    let page = Browser::new().step(&Navigation::to(&address)).await;
    let answer = redirected(&page, &person.sps[0].sp.slo[0].location);
    assert_eq!(status(&answer), ["Success", "PartialLogout"]);
    assert!(!person.is_signed_in().await);
    assert!(person.sps[1].seen().is_empty());
}

#[tokio::test]
async fn an_answer_from_elsewhere_counts_and_leads_nowhere() {
    let mut person = kept().await;
    let (sp, slo) = (&person.sps[0], person.app.url("/saml/slo"));
    let asked = sp.seen()[0].attribute("ID").unwrap().to_owned();
    let answer = logout_response(&sp.sp.entity_id, &asked, &slo, "Success");
    let address = sp.sp.signed_message(&slo, "SAMLResponse", &answer);
    let page = Browser::new().open(&address).await;
    assert_eq!((page.status, page.url.path()), (200, "/logout"));
    assert!(SignedIn::told(&page).is_empty(), "{}", page.body);
    assert!(person.sps[1].seen().is_empty());

    let page = person.browser.open(&person.app.url("/logout")).await;
    let told = SignedIn::told(&page);
    assert_eq!([told[0].1.as_str(), told[1].1.as_str()], ["Signed out"; 2]);
}

#[tokio::test]
async fn what_an_sp_is_told_opens_nobodys_logout() {
    let person = kept().await;
    let asked = person.sps[0].seen()[0].attribute("ID").unwrap().to_owned();
    let (name, _) = asked.rsplit_once('.').unwrap();
    let mut thief = person.browser.clone();
    for cookie in thief.cookies.iter_mut().filter(|cookie| cookie.name == "sekisho-logout") {
        assert_ne!(cookie.value, name);
        name.clone_into(&mut cookie.value);
    }
    for path in ["/logout", "/logout/next?how=finish"] {
        let page = thief.open(&person.app.url(path)).await;
        assert!(SignedIn::told(&page).is_empty(), "{}", page.body);
    }
    assert!(person.sps[1].seen().is_empty());
}

#[tokio::test]
async fn a_picture_of_another_page_steps_through_nothing() {
    let mut person = kept().await;
    for path in ["/logout", "/logout/next?how=skip&at=0", "/logout/next?how=finish"] {
        let picture = Navigation::to(&person.app.url(path)).picture();
        assert_refused(&person.browser.step(&picture).await, 403, "SK-ORIGIN");
    }
    assert!(person.sps[1].seen().is_empty());
    assert!(person.outcomes().is_empty(), "{:?}", person.outcomes());
}
