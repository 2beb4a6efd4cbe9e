//! A page as a browser holds it, and the forms on it, found by what they are and not by what we know of our templates.

use reqwest::Url;
use reqwest::header::HeaderMap;
use scraper::{ElementRef, Html, Selector};

/// What came back for a navigation, after its redirects.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    /// The addresses that redirected here, in order.
    pub via: Vec<Url>,
}

impl Page {
    /// The header's value, or nothing at all.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The only form of the page.
    pub fn form(&self) -> Form {
        let mut forms = self.forms();
        assert_eq!(forms.len(), 1, "one form is expected on {} ({}):\n{}", self.url, self.status, self.body);
        forms.remove(0)
    }

    /// The form that has a field of this name.
    pub fn form_with(&self, field: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.value(field).is_some());
        found.unwrap_or_else(|| {
            panic!("no form with {field} on {} ({}):\n{}", self.url, self.status, self.body)
        })
    }

    /// Every form of the page.
    pub fn forms(&self) -> Vec<Form> {
        let document = Html::parse_document(&self.body);
        document.select(&selector("form")).map(|form| Form::read(&self.url, form)).collect()
    }

    /// The text of the first element that the CSS selector finds, with its blanks folded.
    pub fn text(&self, css: &str) -> Option<String> {
        let document = Html::parse_document(&self.body);
        let found = document.select(&selector(css)).next()?;
        Some(fold(&found.text().collect::<String>()))
    }

    /// The texts of all elements that the CSS selector finds, with their blanks folded.
    pub fn texts(&self, css: &str) -> Vec<String> {
        let document = Html::parse_document(&self.body);
        let css = selector(css);
        document.select(&css).map(|element| fold(&element.text().collect::<Vec<_>>().join(" "))).collect()
    }

    /// An attribute of the first element that the CSS selector finds.
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let document = Html::parse_document(&self.body);
        Some(document.select(&selector(css)).next()?.attr(name)?.to_owned())
    }

    /// Where the first link that the CSS selector finds leads.
    pub fn link(&self, css: &str) -> Option<String> {
        let document = Html::parse_document(&self.body);
        let target = document.select(&selector(css)).next()?.attr("href")?;
        Some(self.url.join(target).expect("a URL").to_string())
    }

    /// Where the page goes at once by itself.
    pub fn refresh(&self) -> Option<String> {
        let content = self.attribute("head > meta[http-equiv=refresh]", "content")?;
        let (seconds, target) = content.split_once(";url=")?;
        (seconds == "0").then(|| self.url.join(target).expect("a URL").to_string())
    }

    /// All text of the page that a person would see.
    pub fn all_text(&self) -> String {
        let document = Html::parse_document(&self.body);
        let found = document.select(&selector("body")).next();
        found.map_or_else(String::new, |body| fold(&body.text().collect::<Vec<_>>().join(" ")))
    }
}

/// A form with the values that submitting it now would send.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: Url,
    pub method: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    fn read(page: &Url, form: ElementRef<'_>) -> Self {
        let action = form.attr("action").unwrap_or_default();
        let named = selector("input[name], textarea[name], button[name]");
        Self {
            action: page.join(action).expect("the form's action is a URL"),
            method: form.attr("method").unwrap_or("get").to_ascii_lowercase(),
            fields: form.select(&named).filter_map(successful).collect(),
        }
    }

    /// The value that would be sent under this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// Fills a field in, which must be on the form.
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(is, _)| is == name);
        value.clone_into(&mut field.unwrap_or_else(|| panic!("the form has no field {name}")).1);
        self
    }

    /// Changes or adds a field behind the page's back, as an attacker would.
    pub fn forge(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(is, _)| is != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Name and value of a control that is sent without being clicked (HTML, "constructing the entry list").
fn successful(control: ElementRef<'_>) -> Option<(String, String)> {
    let kind = control.attr("type").unwrap_or("text").to_ascii_lowercase();
    let name = control.attr("name")?.to_owned();
    match (control.value().name(), kind.as_str()) {
        _ if control.attr("disabled").is_some() => None,
        ("button", _) | (_, "submit" | "button" | "image" | "reset") => None,
        (_, "checkbox" | "radio") => {
            control.attr("checked").map(|_| (name, control.attr("value").unwrap_or("on").to_owned()))
        }
        ("textarea", _) => Some((name, control.text().collect())),
        _ => Some((name, control.attr("value").unwrap_or_default().to_owned())),
    }
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("{css}: {error}"))
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_what_a_browser_would() {
        let page = Page {
            url: Url::parse("https://idp.test/login?pending=x").unwrap(),
            status: 200,
            headers: HeaderMap::new(),
            body: "<form method=POST action='/login'><input type=hidden name=csrf value='a&amp;b'><input name=login>\
                   <input type=checkbox name=stay><button name=go value=1>Go</button></form>"
                .to_owned(),
            via: Vec::new(),
        };
        let form = page.form().fill("login", "tanaka");
        assert_eq!((form.method.as_str(), form.action.as_str()), ("post", "https://idp.test/login"));
        assert_eq!(form.fields, [("csrf".into(), "a&b".into()), ("login".into(), "tanaka".to_owned())]);
    }
}
