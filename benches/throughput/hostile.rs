//! Messages that are made to cost: the fixtures of `tests/data/hostile`, and the most that each limit lets through.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::run;
use crate::support::browser::encode;
use crate::support::sp::{RSA_SHA256, Sp, percent, post, redirect};

const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Namespace declarations of one element.
const PREFIXES: usize = 62;

/// How many octets a document may have, with room for what is around it.
const DOCUMENT: usize = 128 * 1024 - 4_000;

/// A request over HTTP.
#[derive(Debug)]
pub struct Message {
    pub name: String,
    pub target: String,
    pub body: Option<String>,
    /// Whether it leads to the sign-in page after all that it costs.
    pub is_accepted: bool,
}

/// All messages, by an SP that is registered with its key, to this address.
pub fn messages(sp: &Sp, sso: &str) -> Vec<Message> {
    let mut messages = fixtures();
    for (name, inside) in documents() {
        let xml = request_with(sp, &inside);
        messages.push(redirected(name, &xml));
        messages.push(posted(name, "/saml/sso", encode(&post(&xml, None))));
    }
    for megabytes in [25, 50] {
        let bomb = " ".repeat(megabytes * 1_000_000);
        messages.push(redirected(&format!("DEFLATE bomb of {megabytes} MB"), &bomb));
    }
    let fields = "a=b%41&".repeat(256 * 1024 / 7 - 10) + "SAMLRequest=x";
    for target in ["/saml/sso", "/login"] {
        messages.push(posted("form of many fields", target, fields.clone()));
    }
    let body = encode(&post(&signed(sp, sso), None));
    let costly = posted("signed request with a list of 64 prefixes", "/saml/sso", body);
    messages.push(Message { is_accepted: true, ..costly });
    messages
}

fn fixtures() -> Vec<Message> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let mut messages = Vec::new();
    for entry in ["message", "xml"].iter().flat_map(|kind| fs::read_dir(folder.join(kind)).unwrap()) {
        let path = entry.unwrap().path();
        let (name, octets) = (path.file_name().unwrap().to_string_lossy(), fs::read(&path).unwrap());
        let body = format!("SAMLRequest={}", percent(&STANDARD.encode(&octets)));
        messages.push(posted(&name, "/saml/sso", body));
        if let Ok(text) = str::from_utf8(&octets) {
            messages.push(redirected(&name, text));
        }
    }
    messages
}

/// What stands in a request, as much as the limit of its size lets through.
fn documents() -> Vec<(&'static str, String)> {
    let numbered = |before: &str, after: &str| {
        let mut text = String::new();
        for number in 0.. {
            write!(text, "{before}{number}{after}").unwrap();
            if text.len() > DOCUMENT {
                break;
            }
        }
        text
    };
    let many = |text: &str| text.repeat(DOCUMENT / text.len());
    let attributes = (0..10).fold(String::new(), |all, number| format!("{all} attr{number}=\"\""));
    vec![
        ("128 KB of elements", many("<a/>")),
        ("128 KB of nested elements", many("<a>")),
        ("128 KB of attributes", format!("<a{}/>", numbered(" a", "=\"\""))),
        ("128 KB of namespaces", format!("<a{}/>", numbered(" xmlns:a", "=\"urn:x\""))),
        ("128 KB of references", many("&amp;")),
        ("128 KB of attributes within the limits", format!("<a{attributes}/>").repeat(980)),
        ("128 KB of prefixes within the limits", prefixes()),
    ]
}

/// Nested elements with many declarations in force, and within them as many elements as are let through, each of which
/// declares prefixes anew.
fn prefixes() -> String {
    let declare = |from: usize, count: usize, uri: &str| {
        let numbers = from..from + count;
        numbers.fold(String::new(), |all, number| format!("{all} xmlns:p{number}=\"urn:{uri}\""))
    };
    let level = |number: usize| format!("<p0:l{}>", declare(number, 3, "y"));
    let leaf = |number: usize| format!("<p0:e{} p1:a=\"\"/>", declare(number % 56, 5, "z"));
    let levels: Vec<String> = (0..55).map(level).collect();
    let leaves: Vec<String> = (0..900).map(leaf).collect();
    format!(
        "<samlp:Extensions><p0:r{}>{}{}{}</p0:r></samlp:Extensions>",
        declare(0, PREFIXES, "x"),
        levels.concat(),
        leaves.concat(),
        "</p0:l>".repeat(55)
    )
}

fn request_with(sp: &Sp, inside: &str) -> String {
    let mut request = sp.request();
    inside.clone_into(&mut request.extra);
    request.xml()
}

/// A request with [`prefixes`], signed with a PrefixList of all of them.
fn signed(sp: &Sp, sso: &str) -> String {
    let list = (0..PREFIXES).fold("saml samlp".to_owned(), |all, number| format!("{all} p{number}"));
    let mut request = sp.request();
    request.destination = Some(sso.to_owned());
    request.extra = prefixes();
    let id = &request.id;
    let template = format!(
        "</saml:Issuer><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/><ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"{EXC_C14N}\">\
         <ec:InclusiveNamespaces xmlns:ec=\"{EXC_C14N}\" PrefixList=\"{list}\"/></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/>\
         </ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    );
    let folder = tempfile::tempdir().unwrap();
    let (document, key) = (folder.path().join("unsigned.xml"), folder.path().join("key.pem"));
    fs::write(&document, request.xml().replacen("</saml:Issuer>", &template, 1)).unwrap();
    fs::write(&key, sp.pair.key_pem()).unwrap();
    let mut command = Command::new("xmlsec1");
    command.args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"]);
    run(command.arg("--privkey-pem").args([&key, &document]))
}

fn redirected(name: &str, xml: &str) -> Message {
    let target = redirect("/saml/sso", xml, None);
    Message { name: format!("{name} by redirect"), target, body: None, is_accepted: false }
}

fn posted(name: &str, target: &str, body: String) -> Message {
    let name = format!("{name} to {target}");
    Message { name, target: target.to_owned(), body: Some(body), is_accepted: false }
}
