//! [`Form`]: a query or a body in `application/x-www-form-urlencoded`, read strictly.

use std::borrow::Cow;

/// No form that comes here has a tenth of this; each name is compared with all before it.
const MOST_FIELDS: usize = 100;

/// Names and values. A name that comes twice, octets that are no UTF-8, or too many fields make the whole form unreadable.
#[derive(Debug, Default)]
pub(crate) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// `None` when it cannot be read.
    pub(crate) fn parse(encoded: &'a [u8]) -> Option<Self> {
        let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            let name = decode(name)?;
            if fields.len() >= MOST_FIELDS || fields.iter().any(|(held, _)| *held == name) {
                return None;
            }
            fields.push((name, decode(value.strip_prefix(b"=").unwrap_or_default())?));
        }
        Some(Self(fields))
    }

    /// The value of `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_ref())
    }

    /// The value of `name`, unless it is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.value(name).filter(|value| !value.is_empty())
    }

    /// Takes the value of `name` out, so that the form keeps no copy.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(held, _)| held == name)?;
        Some(self.0.swap_remove(at).1.into_owned())
    }
}

/// Undoes `+` and percent-encoding as the URL standard does (5.1).
fn decode(encoded: &[u8]) -> Option<Cow<'_, str>> {
    if !encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(encoded).ok().map(Cow::Borrowed);
    }
    let mut octets = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => octets.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    octets.push(high << 4 | low);
                    rest = after;
                }
                _ => octets.push(b'%'),
            },
            (other, _) => octets.push(*other),
        }
    }
    String::from_utf8(octets).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_once() {
        let mut form = Form::parse(b"login=%E7%94%B0%E4%B8%AD+x&password=a%2Bb%2525%&empty=&bare").unwrap();
        assert_eq!(form.value("login"), Some("田中 x"));
        assert_eq!(form.take("password").as_deref(), Some("a+b%25%"));
        assert_eq!(form.value("password"), None);
        assert_eq!((form.value("empty"), form.filled("empty")), (Some(""), None));
        assert_eq!(form.value("bare"), Some(""));
    }

    #[test]
    fn doubled_names_and_broken_text_are_refused() {
        for form in [&b"a=1&a=2"[..], b"a=1&%61=2", b"a=%FF", b"\xff=1"] {
            assert!(Form::parse(form).is_none());
        }
        assert!(Form::parse(b"").unwrap().value("a").is_none());
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        let form = |fields: usize| (0..fields).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::parse(form(MOST_FIELDS).as_bytes()).is_some());
        assert!(Form::parse(form(MOST_FIELDS + 1).as_bytes()).is_none());
    }
}
