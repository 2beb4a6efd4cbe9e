//! A browser as far as the tests need one: cookies by the rules that matter here (Secure, `__Host-`, SameSite,
//! expiry), redirects, forms, `Origin` and `Referer` by the page's Referrer-Policy. It runs no script, so that what
//! works here works without script.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use reqwest::{Client, Method, Url, redirect};

use super::html::{Form, Page};
use super::http::builder;

/// A person's browser. A clone has the same cookies at the moment of cloning.
#[derive(Debug, Clone)]
pub struct Browser {
    http: Client,
    pub cookies: Vec<Cookie>,
    pub language: String,
    /// What a proxy on the way says, or the browser pretends that one said.
    pub forwarded_for: Option<String>,
    /// Cookies that browsers do not take are dropped as browsers do it, and not reported: they are not ours.
    pub drops_cookies: bool,
}

/// A cookie that the browser keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub host: String,
    pub path: String,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: SameSite,
}

/// When a cookie goes along with a request that another site started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    Lax,
    None,
}

/// One step of a browser: where to, with what, and from which page.
#[derive(Debug, Clone)]
pub struct Navigation {
    method: Method,
    url: Url,
    body: Option<String>,
    from: Option<Initiator>,
    /// `Sec-Fetch-Dest` (W3C Fetch Metadata).
    destination: &'static str,
}

#[derive(Debug, Clone)]
struct Initiator {
    url: Url,
    referrer_policy: String,
}

impl Navigation {
    /// An address typed in, or opened from a bookmark.
    pub fn to(url: &str) -> Self {
        let url = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        Self { method: Method::GET, url, body: None, from: None, destination: "document" }
    }

    /// A form sent from a page.
    pub fn form(page: &Page, form: &Form) -> Self {
        let mut step = Self::to(form.action.as_str()).from(page);
        if form.method == "post" {
            return step.post(&form.fields);
        }
        step.url.set_query(Some(&encode(&form.fields)));
        step
    }

    /// The page that started it.
    pub fn from(mut self, page: &Page) -> Self {
        let referrer_policy = page.header("referrer-policy").to_owned();
        self.from = Some(Initiator { url: page.url.clone(), referrer_policy });
        self
    }

    /// As if a page of another site had started it.
    pub fn by_site(mut self, url: &str) -> Self {
        self.from = Some(Initiator { url: Url::parse(url).unwrap(), referrer_policy: String::new() });
        self
    }

    /// As a page of another site loads a picture: the person sees nothing of it.
    pub fn picture(mut self) -> Self {
        self.destination = "image";
        self
    }

    /// Sends fields as a form does.
    pub fn post(mut self, fields: &[(String, String)]) -> Self {
        self.method = Method::POST;
        self.body = Some(encode(fields));
        self
    }

    fn is_cross_site(&self) -> bool {
        // The port is no part of a site; subdomains of one domain do not occur in the tests.
        self.from.as_ref().is_some_and(|from| {
            (from.url.scheme(), from.url.host_str()) != (self.url.scheme(), self.url.host_str())
        })
    }

    /// The `Origin` of a POST (Fetch, "append a request Origin header").
    fn origin(&self) -> Option<String> {
        let from = self.from.as_ref().filter(|_| self.method == Method::POST)?;
        let same_origin = from.url.origin() == self.url.origin();
        let downgrade = from.url.scheme() == "https" && self.url.scheme() != "https";
        let hidden = match from.referrer_policy.as_str() {
            "no-referrer" => true,
            "same-origin" => !same_origin,
            "unsafe-url" | "origin" | "origin-when-cross-origin" => false,
            _ => downgrade,
        };
        Some(if hidden { "null".to_owned() } else { from.url.origin().ascii_serialization() })
    }

    fn referer(&self) -> Option<String> {
        let from = self.from.as_ref()?;
        let same_origin = from.url.origin() == self.url.origin();
        let full = from.url.as_str().split('#').next()?.to_owned();
        let origin = format!("{}/", from.url.origin().ascii_serialization());
        match from.referrer_policy.as_str() {
            "no-referrer" => None,
            "same-origin" => same_origin.then_some(full),
            "origin" | "strict-origin" => Some(origin),
            _ => Some(if same_origin { full } else { origin }),
        }
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser without cookies that takes any certificate.
    pub fn new() -> Self {
        Self::at(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// A browser at this address of the loopback network: for what is counted per address.
    pub fn at(address: IpAddr) -> Self {
        let http = builder()
            .redirect(redirect::Policy::none())
            .local_address(address)
            // A kept connection may be one to a server that was restarted since.
            .pool_max_idle_per_host(0)
            .build()
            .expect("an HTTP client");
        Self {
            http,
            cookies: Vec::new(),
            language: "en".to_owned(),
            forwarded_for: None,
            drops_cookies: false,
        }
    }

    /// Opens an address and follows its redirects.
    pub async fn open(&mut self, url: &str) -> Page {
        self.navigate(Navigation::to(url)).await
    }

    /// Sends a form of a page and follows the redirects.
    pub async fn submit(&mut self, page: &Page, form: &Form) -> Page {
        self.navigate(Navigation::form(page, form)).await
    }

    /// Goes where the navigation leads, through all redirects.
    pub async fn navigate(&mut self, navigation: Navigation) -> Page {
        let mut next = navigation;
        let mut via = Vec::new();
        for _ in 0..20 {
            let mut page = self.step(&next).await;
            let Some(location) = redirect_target(&page) else {
                page.via = via;
                return page;
            };
            let keeps_method = matches!(page.status, 307 | 308);
            next = Navigation {
                destination: "document",
                method: if keeps_method { next.method } else { Method::GET },
                body: next.body.filter(|_| keeps_method),
                url: location,
                from: next.from,
            };
            via.push(page.url);
        }
        panic!("too many redirects: {via:?}");
    }

    /// One request and its answer, a redirect included.
    pub async fn step(&mut self, navigation: &Navigation) -> Page {
        let mut request = self
            .http
            .request(navigation.method.clone(), navigation.url.clone())
            .header(ACCEPT_LANGUAGE, &self.language)
            .header("Sec-Fetch-Dest", navigation.destination);
        if let Some(address) = &self.forwarded_for {
            request = request.header("X-Forwarded-For", address);
        }
        let cookies = self.cookies_for(navigation);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        if let Some(origin) = navigation.origin() {
            request = request.header(ORIGIN, origin);
        }
        if let Some(referer) = navigation.referer() {
            request = request.header(REFERER, referer);
        }
        if let Some(body) = &navigation.body {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.clone());
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", navigation.url));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for header in headers.get_all(SET_COOKIE) {
            self.keep(header.to_str().expect("a cookie of visible characters"), &navigation.url);
        }
        let body = answer.text().await.expect("a body");
        Page { url: navigation.url.clone(), status, headers, body, via: Vec::new() }
    }

    /// The value of the cookie of this name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.as_str())
    }

    fn cookies_for(&self, navigation: &Navigation) -> String {
        let cross_site = navigation.is_cross_site();
        let safe = navigation.method == Method::GET;
        let goes = self.cookies.iter().filter(|cookie| {
            let same_site = match cookie.same_site {
                SameSite::Strict => !cross_site,
                SameSite::Lax => !cross_site || safe,
                SameSite::None => true,
            };
            same_site
                && Some(cookie.host.as_str()) == navigation.url.host_str()
                && (!cookie.secure || navigation.url.scheme() == "https")
                && is_below(navigation.url.path(), &cookie.path)
        });
        goes.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, header: &str, url: &Url) {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("name=value");
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let attribute =
            |wanted: &str| attributes.iter().find(|(is, _)| is == wanted).map(|(_, value)| *value);
        let cookie = Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            path: attribute("path").unwrap_or("/").to_owned(),
            secure: attribute("secure").is_some(),
            http_only: attribute("httponly").is_some(),
            same_site: match attribute("samesite").map(str::to_ascii_lowercase).as_deref() {
                Some("strict") => SameSite::Strict,
                Some("none") => SameSite::None,
                _ => SameSite::Lax,
            },
        };
        if let Some(fault) = refused(&cookie, url, attribute("domain").is_some()) {
            if self.drops_cookies {
                return;
            }
            panic!("{}: a browser drops the cookie {header:?}: {fault}", url.path());
        }
        self.cookies.retain(|kept| {
            (&kept.name, &kept.host, &kept.path) != (&cookie.name, &cookie.host, &cookie.path)
        });
        let removed = attribute("max-age").is_some_and(|age| age.parse::<i64>().is_ok_and(|age| age <= 0))
            || attribute("expires").is_some_and(|at| at.contains("1970"));
        if !removed {
            self.cookies.push(cookie);
        }
    }
}

/// Why browsers do not take this cookie.
fn refused(cookie: &Cookie, url: &Url, has_domain: bool) -> Option<&'static str> {
    if cookie.secure && url.scheme() != "https" {
        Some("Secure over http")
    } else if cookie.same_site == SameSite::None && !cookie.secure {
        Some("SameSite=None without Secure")
    } else if cookie.name.starts_with("__Host-") && (!cookie.secure || cookie.path != "/" || has_domain) {
        Some("__Host- needs Secure, Path=/ and no Domain")
    } else {
        None
    }
}

fn is_below(path: &str, cookie_path: &str) -> bool {
    path == cookie_path
        || path
            .strip_prefix(cookie_path)
            .is_some_and(|rest| cookie_path.ends_with('/') || rest.starts_with('/'))
}

fn redirect_target(page: &Page) -> Option<Url> {
    let redirects = matches!(page.status, 301 | 302 | 303 | 307 | 308);
    redirects.then(|| page.url.join(page.header(LOCATION.as_str())).expect("a Location"))
}

/// `application/x-www-form-urlencoded`, with line ends as browsers send them: always CR LF.
pub fn encode(fields: &[(String, String)]) -> String {
    let mut url = Url::parse("x:").expect("a URL");
    url.query_pairs_mut().extend_pairs(fields.iter().map(|(name, value)| (name, with_crlf(value))));
    url.query().unwrap_or_default().to_owned()
}

fn with_crlf(value: &str) -> String {
    value.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(browser: &Browser, to: &Navigation) -> String {
        browser.cookies_for(to)
    }

    #[test]
    fn cookies_follow_the_rules_of_sites() {
        let url = Url::parse("https://idp.test/login").unwrap();
        let mut browser = Browser::new();
        browser.keep("__Host-a=1; Path=/; Secure; HttpOnly; SameSite=None", &url);
        browser.keep("b=2; Path=/; SameSite=Lax", &url);
        browser.keep("c=3; Path=/login; SameSite=Strict", &url);
        let to = || Navigation::to("https://idp.test/login");
        assert_eq!(kept(&browser, &to()), "__Host-a=1; b=2; c=3");
        assert_eq!(kept(&browser, &to().by_site("https://sp.test/")), "__Host-a=1; b=2");
        assert_eq!(kept(&browser, &to().by_site("https://sp.test/").post(&[])), "__Host-a=1");
        assert_eq!(kept(&browser, &Navigation::to("http://idp.test/")), "b=2");
        assert_eq!(kept(&browser, &Navigation::to("https://other.test/")), "");
        browser.keep("__Host-a=; Path=/; Secure; Max-Age=0", &url);
        assert_eq!(browser.cookie("__Host-a"), None);
    }

    #[test]
    fn line_ends_are_sent_as_browsers_do() {
        assert_eq!(encode(&[("a b".into(), "\r\n\n\r&".into())]), "a+b=%0D%0A%0D%0A%0D%0A%26");
    }
}
