//! A client for Enhanced Client or Proxy (saml-profiles 4.2): it takes the SP's request by PAOS, hands it to the IdP by
//! SOAP with a password, and brings the answer back.

use std::ops::Range;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, SET_COOKIE};

use crate::rig::http::client;
use crate::support::browser::{Cookie, SameSite};
use crate::support::xml::Element;

const PAOS: &str = "application/vnd.paos+xml";
const SERVICE: &str = r#"ver="urn:liberty:paos:2003-08";"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp""#;

/// A client that wants to see one page.
pub struct Client {
    page: String,
}

impl Client {
    pub fn new(page: &str) -> Self {
        Self { page: page.to_owned() }
    }

    /// Signs on, and gives the cookies that the SP gave for it.
    pub async fn sign_on(&self, idp: &str, (login, password): (&str, &str)) -> Vec<Cookie> {
        let accept = format!("text/html, {PAOS}");
        let asked = client().get(&self.page).header(ACCEPT, accept).header("PAOS", SERVICE);
        let asked = asked.send().await.unwrap();
        let mut cookies = cookies(&asked);
        let request = text(asked).await;
        let headers = Element::parse(&request).child("Header").expect("a SOAP header").clone();
        let consumer = headers.child("Request").expect("a paos:Request").attribute("responseConsumerURL");
        let relay_state = headers.child("RelayState").map(|state| state.text.clone());

        let question = replace_header(&request, "");
        let answered = client().post(idp).basic_auth(login, Some(password));
        let answered = answered.header(CONTENT_TYPE, "text/xml").body(question).send().await.unwrap();
        let answer = text(answered).await;
        let response = Element::parse(&answer).at("Header/Response").expect("an ecp:Response").clone();
        // What the IdP found in metadata is what the SP asked for, or a thief stands between them.
        assert_eq!(response.attribute("AssertionConsumerServiceURL"), consumer, "{answer}");

        let state = relay_state.map(|state| relay_state_header(&state)).unwrap_or_default();
        let brought = client().post(consumer.unwrap()).header(CONTENT_TYPE, PAOS);
        let brought = brought.body(replace_header(&answer, &state)).send().await.unwrap();
        cookies.extend(self::cookies(&brought));
        let status = brought.status();
        assert!(status.is_redirection(), "{status}: {}\n{answer}", brought.text().await.unwrap());
        cookies
    }
}

/// The body of a successful answer.
async fn text(answer: Response) -> String {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    text
}

fn cookies(answer: &Response) -> Vec<Cookie> {
    let host = answer.url().host_str().unwrap().to_owned();
    let set = answer.headers().get_all(SET_COOKIE).iter().map(|header| header.to_str().unwrap());
    set.map(|header| {
        let (name, value) = header.split(';').next().unwrap().split_once('=').unwrap();
        Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            host: host.clone(),
            path: "/".to_owned(),
            secure: false,
            http_only: true,
            same_site: SameSite::Lax,
        }
    })
    .collect()
}

/// saml-profiles 4.2.4.3: it goes back as it came.
fn relay_state_header(state: &str) -> String {
    let state = quick_xml::escape::escape(state);
    format!(
        "<ecp:RelayState xmlns:ecp=\"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" soap:mustUnderstand=\"1\" \
         soap:actor=\"http://schemas.xmlsoap.org/soap/actor/next\">{state}</ecp:RelayState>"
    )
}

/// The envelope with other header blocks. The body stays as it is to the byte, since it is signed.
fn replace_header(envelope: &str, blocks: &str) -> String {
    let header =
        format!("<h:Header xmlns:h=\"http://schemas.xmlsoap.org/soap/envelope/\">{blocks}</h:Header>");
    let Range { start, end } = header_of(envelope);
    format!("{}{header}{}", &envelope[..start], &envelope[end..])
}

fn header_of(envelope: &str) -> Range<usize> {
    let tag = regex::Regex::new(r"<(\w+:)?Header[\s>]").unwrap();
    let start = tag.find(envelope).expect("a SOAP header").start();
    let tag = regex::Regex::new(r"</(\w+:)?Header\s*>").unwrap();
    start..tag.find(envelope).expect("the end of the SOAP header").end()
}
