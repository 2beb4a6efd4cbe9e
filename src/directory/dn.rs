//! [`Dn`]: distinguished names compared as directories do, whatever their spelling.

/// A distinguished name (RFC 4514), folded for comparison: no case, no blanks around separators, escapes undone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dn(Vec<String>);

impl Dn {
    /// `None` for what is no DN, and for the empty one.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = read(text)?;
        Some(Self(parts.iter().map(|(kind, value)| format!("{kind}={}", value.to_lowercase())).collect()))
    }

    /// The values of the parts from the entry upwards, as they are written but for the escapes.
    pub fn values(text: &str) -> Option<Vec<String>> {
        Some(read(text)?.into_iter().map(|(_, value)| value).collect())
    }

    /// One text for all spellings and for no other name, itself a spelling: to look up by. Unlike [`Dn::folded`] it is
    /// whole.
    pub fn normal(&self) -> String {
        let mut text = String::with_capacity(self.0.iter().map(|part| part.len() + 1).sum());
        for part in &self.0 {
            if !text.is_empty() {
                text.push(',');
            }
            let kept = part.trim_end().len();
            for (at, c) in part.char_indices() {
                match c {
                    '\0' => text.push_str("\\00"),
                    ',' | ';' | '\\' | '"' | '<' | '>' => text.extend(['\\', c]),
                    c if at >= kept => text.extend(['\\', c]),
                    c => text.push(c),
                }
            }
        }
        text
    }

    /// One text for all spellings, of at most 256 characters: to count by, not to be sent.
    pub fn folded(&self) -> String {
        self.0.join(",").chars().filter(|c| !c.is_control()).take(256).collect()
    }

    /// Whether this is `base` or below it.
    pub fn is_under(&self, base: &Self) -> bool {
        self.0.ends_with(&base.0)
    }
}

/// Kind, in lower case, and value of each part.
fn read(text: &str) -> Option<Vec<(String, String)>> {
    let mut parts = Vec::new();
    let mut part = Part::default();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ',' | ';' => parts.push(std::mem::take(&mut part).finish()?),
            '\\' => part.push_escaped(&mut rest)?,
            // Quotes are of LDAPv2; an unescaped one has no meaning any more.
            '"' | '<' | '>' | '\0' => return None,
            '=' if part.kind.is_none() => {
                part = Part { kind: Some(std::mem::take(&mut part.octets)), ..Part::default() };
            }
            c => part.push(c),
        }
    }
    parts.push(part.finish()?);
    Some(parts)
}

/// One RDN while it is read: the kind before `=`, and the octets since.
#[derive(Default)]
struct Part {
    kind: Option<Vec<u8>>,
    octets: Vec<u8>,
    /// So many octets at the end were escaped: blanks among them stay.
    kept: usize,
}

impl Part {
    fn push(&mut self, c: char) {
        self.octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `\xx` or a special character (RFC 4514 3).
    fn push_escaped(&mut self, rest: &mut std::str::Chars<'_>) -> Option<()> {
        let first = rest.next()?;
        match first.to_digit(16) {
            Some(high) => {
                let low = rest.next()?.to_digit(16)?;
                self.octets.push(u8::try_from(high * 16 + low).ok()?);
            }
            None => self.push(first),
        }
        self.kept = self.octets.len();
        Some(())
    }

    fn finish(self) -> Option<(String, String)> {
        let kind = String::from_utf8(self.kind?).ok()?;
        let kind = kind.trim().to_lowercase();
        let (kept, free) = self.octets.split_at_checked(self.kept)?;
        let kept = std::str::from_utf8(kept).ok()?;
        let free = std::str::from_utf8(free).ok()?;
        // A leading `#` would be BER in hexadecimal.
        let value = format!("{kept}{}", free.trim_end());
        let value = value.trim_start().to_owned();
        (!kind.is_empty() && !value.is_empty() && !value.starts_with('#')).then_some((kind, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        let one = dn("CN=Davis\\, Jr.,OU=Service,DC=example,DC=jp");
        assert_eq!(one, dn("cn=davis\\2c jr. , ou = service,dc=EXAMPLE;dc=jp"));
        assert_eq!(dn("cn=田中 太郎,dc=x"), dn("CN=\\e7\\94\\b0中 太郎,DC=X"));
        assert_eq!(one.folded(), "cn=davis, jr.,ou=service,dc=example,dc=jp");
        assert_ne!(one, dn("CN=Davis,CN=Jr.,OU=Service,DC=example,DC=jp"));
        assert_ne!(dn("cn=a,dc=x"), dn("cn=a\\20,dc=x"), "an escaped blank is part of the value");
    }

    #[test]
    fn a_normal_name_is_of_one_name_only() {
        assert_eq!(dn("CN=Davis\\2C Jr. , OU=A\\\\B,DC=x").normal(), "cn=davis\\, jr.,ou=a\\\\b,dc=x");
        assert_ne!(dn("cn=a\\,ou\\=b,dc=x").normal(), dn("cn=a,ou=b,dc=x").normal());
        for text in
            ["CN=Davis\\2C Jr. , OU=A\\\\B,DC=x", "cn=a\\20,dc=x", "cn=\\3cb\\3e\\00\\;,dc=x", "cn=a\\20\\20"]
        {
            assert_eq!(dn(&dn(text).normal()), dn(text), "{text}");
        }
    }

    #[test]
    fn values_are_as_written() {
        let values = Dn::values("CN=Admin \\+ Co , OU=管理者,dc=X").unwrap();
        assert_eq!(values, ["Admin + Co", "管理者", "X"]);
        assert_eq!(Dn::values("u@x"), None);
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in [
            "", "cn", "=a", "cn=", "cn=a,", ",cn=a", "cn=a\\", "cn=a\\4", "cn=\"a\"", "cn=#04", "u@x", "E\\u",
        ] {
            assert_eq!(Dn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn under_is_by_whole_parts() {
        let base = dn("ou=people,dc=x");
        assert!(dn("uid=a,ou=People,dc=x").is_under(&base) && base.is_under(&base));
        assert!(!dn("uid=a,ou=staff,dc=x").is_under(&base));
        assert!(!dn("uid=a\\,ou\\=people,dc=x").is_under(&base));
        assert!(!dn("dc=x").is_under(&base));
    }
}
