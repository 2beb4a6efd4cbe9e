//! [`Visit`]: one request as the endpoints see it. Made first thing in every handler; turns a [`WebError`] into its page.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{
    ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE, USER_AGENT,
};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, rt};

use crate::app::App;
use crate::session::{Client, SsoSession};
use crate::sso::logout::Held;
use crate::sso::{RequestContext, Ticket};

use super::cookie::{Cookie, Jar};
use super::error::WebError;
use super::form::Form;
use super::language::Lang;
use super::messages::Notice;
use super::request_id::RequestInfo;
use super::views::{Failed, Frame};

/// A form of the POST binding; our own forms are far smaller.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;
/// A signed request by the Redirect binding with the longest RelayState fits well.
pub(crate) const QUERY_LIMIT: usize = 48 * 1024;
const BODY_TIME: Duration = Duration::from_secs(10);

/// A request with what is known of who sent it.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) app: &'a App,
    pub(crate) req: &'a HttpRequest,
    pub(crate) lang: Lang,
    info: RequestInfo,
    /// Set when the `lang` link was followed: the cookie has to be stored.
    chosen: bool,
}

impl<'a> Visit<'a> {
    pub(crate) fn of(app: &'a App, req: &'a HttpRequest) -> Self {
        let headers = req.headers();
        let link = || {
            let mut pairs = req.query_string().split('&');
            pairs.find_map(|pair| pair.strip_prefix("lang=")).and_then(Lang::from_tag)
        };
        let cookie = || Jar::new(app.site.secure).read(headers, Cookie::Language).and_then(Lang::from_tag);
        let accepted = || headers.get(ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok()).unwrap_or("");
        let chosen = link();
        let lang = chosen.or_else(cookie).unwrap_or_else(|| Lang::accepted(accepted()));
        Self { app, req, lang, info: RequestInfo::of(req), chosen: chosen.is_some() }
    }

    pub(crate) fn jar(&self) -> Jar {
        Jar::new(self.app.site.secure)
    }

    pub(crate) fn id(&self) -> &str {
        &self.info.id
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.info.address
    }

    /// Whether the address says that a Kerberos ticket was tried; see [`super::integrated`].
    pub(crate) fn has_tried_ticket(&self) -> bool {
        self.is_challenged() || self.says("how=form")
    }

    /// Whether this is the page that a proxy shows inside its own challenge for a ticket.
    pub(crate) fn is_challenged(&self) -> bool {
        self.says("how=challenged")
    }

    fn says(&self, pair: &str) -> bool {
        self.req.query_string().split('&').any(|said| said == pair)
    }

    /// Whether the `lang` link was followed.
    pub(crate) fn has_chosen_language(&self) -> bool {
        self.chosen
    }

    /// What `sso` wants to know of a request; see [`super::integrated::context`] for one that a ticket may meet.
    pub(crate) fn context(&self) -> RequestContext<'_> {
        RequestContext { id: &self.info.id, address: self.info.address, ticket: Ticket::Never }
    }

    /// What every page shows, with the language switch leading to `path` (below the base URL).
    pub(crate) fn frame(&'a self, switch: Option<String>) -> Frame<'a> {
        Frame::new(&self.app.site, self.lang, &self.info.id, switch)
    }

    /// The session cookie's token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.jar().read(self.req.headers(), Cookie::Session).filter(|token| !token.is_empty())
    }

    /// What the browser holds of session and logout.
    pub(crate) fn held(&self) -> Held<'_> {
        let chain = self.jar().read(self.req.headers(), Cookie::Logout).filter(|id| !id.is_empty());
        Held { token: self.token(), chain }
    }

    /// The browser, for the person to tell their sessions apart.
    pub(crate) fn client(&self) -> Client {
        let agent = self.req.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("");
        Client { address: self.address(), agent: agent.chars().take(256).collect() }
    }

    /// The living session of this browser.
    pub(crate) async fn session(&self) -> Result<Option<Arc<SsoSession>>, WebError> {
        match self.token() {
            Some(token) => Ok(self.app.logout.session(token, &self.context()).await?),
            None => Ok(None),
        }
    }

    /// The query as a form.
    pub(crate) fn query(&self) -> Result<Form<'_>, WebError> {
        Form::parse(self.raw_query()?.as_bytes()).ok_or(WebError::BadForm)
    }

    /// The query, octet by octet as it came.
    pub(crate) fn raw_query(&self) -> Result<&str, WebError> {
        let query = self.req.uri().query().unwrap_or("");
        if query.len() > QUERY_LIMIT { Err(WebError::QueryTooLong { limit: QUERY_LIMIT }) } else { Ok(query) }
    }

    /// The body of a form, not inflated whatever its Content-Encoding says, within [`BODY_LIMIT`].
    pub(crate) async fn body(&self, payload: Payload) -> Result<Bytes, WebError> {
        self.body_of("application/x-www-form-urlencoded", BODY_LIMIT, payload).await
    }

    /// A body of this media type, likewise, of at most so many octets.
    pub(crate) async fn body_of(
        &self,
        expected: &str,
        limit: usize,
        payload: Payload,
    ) -> Result<Bytes, WebError> {
        let kind = self.req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(expected) {
            return Err(WebError::MediaType);
        }
        match rt::time::timeout(BODY_TIME, payload.to_bytes_limited(limit)).await {
            Ok(Ok(Ok(body))) => Ok(body),
            Ok(Err(_limit)) => Err(WebError::BodyTooLarge { limit }),
            Ok(Ok(Err(_broken))) => Err(WebError::BodyBroken),
            Err(_elapsed) => Err(WebError::BodyBroken),
        }
    }

    /// 303 to one of our own paths.
    pub(crate) fn see_other(&self, path: &str) -> HttpResponse {
        self.away(&format!("{}{path}", self.app.site.prefix))
    }

    /// 303 to an address that metadata or configuration names; never to one of a request.
    pub(crate) fn away(&self, url: &str) -> HttpResponse {
        let mut answer = HttpResponse::SeeOther().finish();
        match HeaderValue::try_from(url) {
            Ok(location) => {
                answer.headers_mut().insert(LOCATION, location);
                answer
            }
            Err(_) => self.error(&WebError::Answer("an address that no header can hold")),
        }
    }

    /// Adds a `Set-Cookie` line.
    pub(crate) fn set_cookie(answer: &mut HttpResponse, line: Option<HeaderValue>) {
        if let Some(line) = line {
            answer.headers_mut().append(SET_COOKIE, line);
        }
    }

    /// Finishes a page of ours: stores the language when it was chosen on this request.
    pub(crate) fn page(&self, mut answer: HttpResponse) -> HttpResponse {
        if self.chosen {
            Self::set_cookie(&mut answer, self.jar().store(Cookie::Language, self.lang.tag()));
        }
        answer
    }

    /// The page of an error.
    pub(crate) fn error(&self, error: &WebError) -> HttpResponse {
        self.error_with_retry(error, None)
    }

    /// The page of an error that may be gone at the next try, with a link to `retry` (one of our own paths).
    pub(crate) fn error_with_retry(&self, error: &WebError, retry: Option<String>) -> HttpResponse {
        let (status, code) = (error.status(), error.code());
        let notice = Notice { status: status.as_u16(), code, words: error.words(), more: None };
        let mut answer = Failed { status, notice, names: None, retry }.answer(&self.frame(None));
        answer.extensions_mut().insert(error.failure());
        if let WebError::Method { allow } = error {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if error.status().as_u16() == 503 {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        answer
    }
}
