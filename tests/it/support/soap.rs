//! SOAP as a service provider or an enhanced client speaks it.

use super::http::client;
use super::pki::Pair;
use super::sp::sign;

/// An envelope around a message.
pub fn envelope(message: &str) -> String {
    format!(
        "<soap11:Envelope xmlns:soap11=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap11:Body>{message}\
         </soap11:Body></soap11:Envelope>"
    )
}

/// An envelope around a message that is signed.
pub fn signed(xml: &str, pair: &Pair) -> String {
    let xml = sign(xml, pair);
    envelope(xml.split_once("?>\n").map_or(xml.as_str(), |(_, rest)| rest))
}

/// The message in the Body of an envelope of ours, as it stands.
pub fn message(envelope: &str) -> &str {
    let (_, rest) = envelope.split_once("<S:Body>").expect("a Body");
    rest.split_once("</S:Body>").expect("its end").0
}

/// Sends an envelope, with HTTP Basic where there are credentials; status and body of the answer.
pub async fn post_soap(url: &str, body: String, basic: Option<(&str, &str)>) -> (u16, String) {
    let mut request = client().post(url).header("Content-Type", "text/xml; charset=utf-8").body(body);
    if let Some((login, password)) = basic {
        request = request.basic_auth(login, Some(password));
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}
