//! [`Lang`]: the language of the pages, by the `lang` link, the cookie it sets, or `Accept-Language` (RFC 9110 12.5.4).

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Ja,
}

impl Lang {
    /// The tag of `<html lang>`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The one that the switch leads to.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::En => Self::Ja,
            Self::Ja => Self::En,
        }
    }

    /// Reads the value of the link or the cookie; anything else is no wish.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        match tag {
            "en" => Some(Self::En),
            "ja" => Some(Self::Ja),
            _ => None,
        }
    }

    /// The language that a browser prefers among ours; English where it names neither.
    pub(crate) fn accepted(header: &str) -> Self {
        let mut best = (0.0, Self::En);
        for range in header.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let primary = tag.split('-').next().unwrap_or_default();
            let lang = match primary {
                _ if primary.eq_ignore_ascii_case("ja") => Self::Ja,
                _ if primary.eq_ignore_ascii_case("en") => Self::En,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1.0, weight);
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }
}

fn weight(text: &str) -> f32 {
    text.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heavier_language_wins_and_the_first_of_equals() {
        for (header, lang) in [
            ("", Lang::En),
            ("ja", Lang::Ja),
            ("JA-jp", Lang::Ja),
            ("ja,en-US;q=0.9,en;q=0.8", Lang::Ja),
            ("en-US,en;q=0.9,ja;q=0.8", Lang::En),
            ("de-DE, fr;q=0.9, ja;q=0.3, en;q=0.2", Lang::Ja),
            ("en;q=0, ja;q=0.1", Lang::Ja),
            ("en;q=0.5, ja;q=0.5", Lang::En),
            ("fr", Lang::En),
            ("*", Lang::En),
            ("jav;q=1", Lang::En),
            ("ja;q=7, en;q=0.1", Lang::En),
            (";;;,,q=,ja;q", Lang::Ja),
        ] {
            assert_eq!(Lang::accepted(header), lang, "{header}");
        }
    }

    #[test]
    fn only_our_tags_are_a_wish() {
        assert_eq!(Lang::from_tag("ja"), Some(Lang::Ja));
        assert_eq!(Lang::from_tag("ja\r\n"), None);
        assert_eq!(Lang::En.other().other(), Lang::En);
    }
}
