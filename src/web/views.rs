//! The pages: one askama template each (`templates/`), rendered into an answer with the headers of its [`PageKind`].

mod person;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;
use crate::sso::logout::chain::State;
use crate::sso::logout::outcome::{LogoutView, NextView};
use crate::sso::{PostForm, SpNames};

use super::assets;
use super::headers::PageKind;
use super::language::Lang;
use super::messages::{More, Notice, Words};
use super::site::Site;
use super::test_sp::TestSpView;
use super::text::Text;

pub(crate) use person::{
    Application, ChangePassword, HeldSession, HeldSessions, Home, PasswordChanged, PasswordSoon,
};

/// What the frame around every page needs.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    lang: Lang,
    t: &'static Text,
    base: &'a str,
    host: &'a str,
    css: &'static str,
    icon: &'static str,
    request_id: &'a str,
    timezone: &'a TimeZone,
    switch: Option<String>,
}

impl<'a> Frame<'a> {
    /// `switch` is the path (below the base URL) that shows this page in the other language.
    pub(crate) fn new(site: &'a Site, lang: Lang, request_id: &'a str, switch: Option<String>) -> Self {
        let (css, icon) = (assets::STYLE.path(), assets::ICON.path());
        let (base, host, timezone) = (&site.prefix, &site.host, &site.timezone);
        Self { lang, t: Text::of(lang), base, host, css, icon, request_id, timezone, switch }
    }

    /// A moment, to the minute.
    pub(crate) fn time(&self, moment: &Timestamp) -> String {
        moment.to_zoned(self.timezone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// What else is known, likewise.
    pub(crate) fn more(&self, more: &More) -> String {
        let (t, w) = (self.t, self.t.password_change);
        match more {
            More::EndsAt(until) => format!("{}{}{}", t.ends_at, self.time(until), t.ends_at_after),
            More::AtLeast(least) => format!("{}{least}{}", w.at_least, w.at_least_after),
            More::AgainAt(until) => format!("{}{}{}", w.again_at, self.time(until), w.again_at_after),
        }
    }

    /// The sentence in the language of the page.
    fn say(&self, words: &Words) -> &'static str {
        words.in_lang(self.lang)
    }
}

/// Text for the value of an HTML attribute, to the octet: browsers would otherwise rewrite CR and LF.
pub(crate) struct Exact<'a>(pub(crate) &'a str);

impl fmt::Display for Exact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\r', '\n', '\t']) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            f.write_str(match special.as_bytes().first() {
                Some(b'&') => "&amp;",
                Some(b'<') => "&lt;",
                Some(b'>') => "&gt;",
                Some(b'"') => "&quot;",
                Some(b'\'') => "&#39;",
                Some(b'\r') => "&#13;",
                Some(b'\n') => "&#10;",
                _ => "&#9;",
            })?;
            rest = special.get(1..).unwrap_or("");
        }
        f.write_str(rest)
    }
}

impl HtmlSafe for Exact<'_> {}

/// The sign-in page.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(crate) struct SignIn<'a> {
    pub(crate) f: Frame<'a>,
    /// The sealed request; empty when nobody asked.
    pub(crate) pending: &'a str,
    pub(crate) csrf: String,
    /// The application that waits for the sign-in.
    pub(crate) sp_name: Option<String>,
    pub(crate) force_authn: bool,
    pub(crate) login: String,
    /// Whether name and password are asked for.
    pub(crate) form: bool,
    /// Whether a button asks for the ticket.
    pub(crate) ticket: bool,
    pub(crate) notice: Option<Notice>,
}

impl SignIn<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        let status = self.notice.map_or(StatusCode::OK, |notice| status(notice.status));
        html(self, status, PageKind::LeadsToSp)
    }
}

#[derive(Template)]
#[template(path = "post.html")]
struct Post<'a> {
    f: &'a Frame<'a>,
    nonce: &'a str,
    location: Exact<'a>,
    parameter: &'static str,
    /// Base64, whose alphabet needs no escape: ten kilobytes that are not looked through again.
    message: &'a str,
    relay_state: Option<Exact<'a>>,
    sp_name: &'a str,
}

/// The page that takes a message to the SP (saml-bindings 3.5.4).
pub(crate) fn post(frame: &Frame<'_>, form: &PostForm, nonce: &str) -> HttpResponse {
    let page = Post {
        f: frame,
        nonce,
        location: Exact(&form.location),
        parameter: form.kind.parameter(),
        message: &form.message,
        relay_state: form.relay_state.as_deref().map(Exact),
        sp_name: form.names.name(frame.lang.tag()),
    };
    html(&page, StatusCode::OK, PageKind::PostsToSp { nonce })
}

#[derive(Template)]
#[template(path = "onward.html")]
struct Onward<'a> {
    f: &'a Frame<'a>,
    url: Exact<'a>,
    sp_name: &'a str,
}

/// The page that goes on to the address of an SP by itself, also without script.
pub(crate) fn onward(frame: &Frame<'_>, url: &str, names: &SpNames) -> HttpResponse {
    let page = Onward { f: frame, url: Exact(url), sp_name: names.name(frame.lang.tag()) };
    html(&page, StatusCode::OK, PageKind::LeadsToSp)
}

/// Asks before the sign-out, or says that it is done.
#[derive(Debug, Template)]
#[template(path = "logout.html")]
pub(crate) struct Logout<'a> {
    pub(crate) f: Frame<'a>,
    /// Who would be signed out, and the token for it; `None` when nobody is signed in any more.
    pub(crate) question: Option<(String, String)>,
}

impl Logout<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(self, StatusCode::OK, PageKind::LeadsToSp)
    }
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut<'a> {
    f: Frame<'a>,
    nonce: &'a str,
    complete: bool,
    parties: Vec<Party<'a>>,
    /// The application that the browser looks for, and its origin.
    doubtful: Option<(usize, &'a str, &'a str)>,
    /// Where the way leads on; empty for an address of the company's own.
    onward: Option<&'a str>,
}

struct Party<'a> {
    name: &'a str,
    done: bool,
    words: &'static str,
}

/// How far a logout is, and what comes next.
pub(crate) fn logout(frame: Frame<'_>, view: &LogoutView, nonce: &str) -> HttpResponse {
    let tag = frame.lang.tag();
    let t = frame.t;
    let party = view.parties.iter().map(|party| Party {
        name: party.names.name(tag),
        done: party.state == State::SignedOut,
        words: t.logout.state(party.state),
    });
    let parties: Vec<Party<'_>> = party.collect();
    let doubtful = match &view.next {
        NextView::Try { at, names, origin } => Some((*at, names.name(tag), origin.as_str())),
        _ => None,
    };
    let onward = match &view.next {
        NextView::Answer(names) => Some(names.name(tag)),
        NextView::Continue => Some(""),
        _ => None,
    };
    let kind = match doubtful {
        Some((_, _, origin)) => PageKind::LooksFor { nonce, origin },
        None => PageKind::LeadsToSp,
    };
    let complete = parties.iter().all(|party| party.done);
    let page = SignedOut { f: frame, nonce, complete, parties, doubtful, onward };
    html(&page, StatusCode::OK, kind)
}

/// What went wrong, for its page: a sentence in both languages, its code, the request id.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    pub(crate) status: StatusCode,
    pub(crate) notice: Notice,
    /// The application that it is about.
    pub(crate) names: Option<&'a SpNames>,
    /// The path below the base URL where another try may help.
    pub(crate) retry: Option<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    f: &'a Frame<'a>,
    code: &'static str,
    sentence: &'static str,
    other: &'static str,
    sp_name: Option<&'a str>,
    retry: Option<&'a str>,
}

impl Failed<'_> {
    pub(crate) fn answer(&self, frame: &Frame<'_>) -> HttpResponse {
        let page = ErrorPage {
            f: frame,
            code: self.notice.code,
            sentence: self.notice.words.in_lang(frame.lang),
            other: self.notice.words.in_lang(frame.lang.other()),
            sp_name: self.names.map(|names| names.name(frame.lang.tag())),
            retry: self.retry.as_deref(),
        };
        html(&page, self.status, PageKind::Local)
    }
}

#[derive(Template)]
#[template(path = "stale.html")]
struct Stale<'a> {
    f: &'a Frame<'a>,
    sp_name: &'a str,
    path: String,
    other: &'static Text,
    other_name: &'a str,
}

/// A request that is too old, with the way to start again at `path`.
pub(crate) fn stale(frame: &Frame<'_>, names: &SpNames, path: String) -> HttpResponse {
    let other = frame.lang.other();
    let page = Stale {
        f: frame,
        sp_name: names.name(frame.lang.tag()),
        path,
        other: Text::of(other),
        other_name: names.name(other.tag()),
    };
    html(&page, StatusCode::BAD_REQUEST, PageKind::LeadsToSp)
}

/// The built-in SP: its start, or what arrived there.
#[derive(Debug, Template)]
#[template(path = "test_sp.html")]
pub(crate) struct TestSp<'a> {
    pub(crate) f: Frame<'a>,
    /// The path that starts an IdP-initiated sign-on.
    pub(crate) init: String,
    /// A fresh AuthnRequest in base64.
    pub(crate) request: String,
    pub(crate) relay_state: String,
    pub(crate) arrived: Option<Arrived<'a>>,
}

/// What a browser brought to the built-in SP.
#[derive(Debug)]
pub(crate) struct Arrived<'a> {
    pub(crate) view: Result<TestSpView, String>,
    pub(crate) relay_state: &'a str,
    pub(crate) raw: String,
}

impl TestSp<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(self, StatusCode::OK, PageKind::LeadsToSp)
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn html(template: &impl Template, status: StatusCode, kind: PageKind<'_>) -> HttpResponse {
    let Ok(body) = template.render() else {
        return HttpResponse::InternalServerError()
            .content_type(ContentType::plaintext())
            .body("SK-INTERNAL");
    };
    let mut answer = HttpResponseBuilder::new(status).content_type(ContentType::html()).body(body);
    kind.apply(answer.headers_mut());
    answer
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use scraper::{Html, Selector};

    use super::*;
    use crate::saml::binding::Kind;

    fn text_of(answer: HttpResponse) -> String {
        let Ok(body) = answer.into_body().try_into_bytes() else { panic!("the page is in memory") };
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_post_page_brings_relay_state_and_response_through_to_the_octet() {
        let relay_state = " \ta\r\nb\n\rc&amp;\"'</textarea></form><script>x</script>田\u{1f600} ";
        let form = PostForm {
            location: "https://sp.example/acs?a=1&b=\"2\"".to_owned(),
            kind: Kind::Response,
            message: "PHg+/w==".to_owned(),
            relay_state: Some(relay_state.to_owned()),
            names: SpNames { en: "<b>SP</b>".to_owned(), ja: String::new() },
        };
        let site = Site::parse("https://idp.example.jp").unwrap();
        let answer = post(&Frame::new(&site, Lang::En, "ID", None), &form, "n0nce");
        let policy = answer.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'nonce-n0nce'") && !policy.contains("form-action"));
        assert_eq!(answer.headers().get("referrer-policy").unwrap(), "strict-origin");

        let page = text_of(answer);
        let parsed = Html::parse_document(&page);
        let one = |css: &str| {
            let found: Vec<_> = parsed.select(&Selector::parse(css).unwrap()).collect();
            assert_eq!(found.len(), 1, "{css}");
            found[0].value().clone()
        };
        assert_eq!(one("input[name=RelayState]").attr("value"), Some(relay_state));
        assert_eq!(one("input[name=SAMLResponse]").attr("value"), Some("PHg+/w=="));
        assert_eq!(one("form").attr("action"), Some(form.location.as_str()));
        assert_eq!(one("script").attr("nonce"), Some("n0nce"));
        assert_eq!(
            one("form button[type=submit]").attr("name"),
            None,
            "a button without script, adding no field"
        );
        assert!(!page.contains("<b>SP</b>"));
    }

    #[test]
    fn without_relay_state_no_field_is_sent() {
        let form = PostForm {
            location: "https://sp.example/acs".to_owned(),
            kind: Kind::Response,
            message: "PHg+".to_owned(),
            relay_state: None,
            names: SpNames { en: "SP".to_owned(), ja: "サービス".to_owned() },
        };
        let site = Site::parse("https://idp.example.jp").unwrap();
        let page = text_of(post(&Frame::new(&site, Lang::Ja, "ID", None), &form, "n"));
        assert!(
            !page.contains("RelayState") && page.contains("<html lang=\"ja\">") && page.contains("サービス")
        );
    }

    #[test]
    fn exact_keeps_every_octet_through_a_browser() {
        let shown = Exact("a\r\nb\tc\"d'<e>&amp;</textarea>田\u{1f600}").to_string();
        assert_eq!(shown, "a&#13;&#10;b&#9;c&quot;d&#39;&lt;e&gt;&amp;amp;&lt;/textarea&gt;田\u{1f600}");
    }
}
