//! The plain values of metadata: encodings, dates, durations, booleans, base64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::{SignedDuration, Span, Timestamp};

/// Certificates come with and without padding, wrapped and indented.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// UTF-8 without a BOM, whatever Unicode encoding the file came in (XML 1.0, appendix F). `None`: broken UTF-16.
pub(super) fn decode(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Some(Cow::Borrowed(rest)),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes).map(Cow::Owned),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes).map(Cow::Owned),
        _ => Some(Cow::Borrowed(bytes)),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Vec<u8>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let text: String =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().ok()?;
    Some(without_declaration(&text).into_bytes())
}

/// The XML declaration names UTF-16, which the text no longer is; line numbers stay.
fn without_declaration(text: &str) -> String {
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((declaration, rest)) => "\n".repeat(declaration.matches('\n').count()) + rest,
        None => text.to_owned(),
    }
}

/// xs:dateTime; without a zone it is UTC (saml-core 1.3.3).
pub(super) fn date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

/// xs:duration; a year counts as 365 days and a month as 30, since only a caching hint is made of it.
pub(super) fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    let days = i64::from(span.get_years()) * 365
        + i64::from(span.get_months()) * 30
        + i64::from(span.get_weeks()) * 7
        + i64::from(span.get_days());
    let seconds = (days * 24 + i64::from(span.get_hours())) * 3600 + span.get_minutes() * 60;
    SignedDuration::from_secs(seconds).checked_add(SignedDuration::new(
        span.get_seconds(),
        i32::try_from(span.get_nanoseconds()).unwrap_or(0),
    ))
}

/// xs:boolean.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The octets of a certificate in base64, with white space and, where somebody pasted a PEM file, its two lines.
pub(super) fn certificate(text: &str) -> Option<Vec<u8>> {
    let compact: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("-----"))
        .flat_map(str::split_whitespace)
        .collect();
    // Any word is base64 of something; DER begins with a SEQUENCE.
    LENIENT.decode(compact).ok().filter(|der| der.first() == Some(&0x30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_xml_schema() {
        assert_eq!(duration("PT1H"), Some(SignedDuration::from_hours(1)));
        assert_eq!(duration("P7D"), Some(SignedDuration::from_hours(168)));
        assert_eq!(duration("PT604800S"), Some(SignedDuration::from_hours(168)));
        assert_eq!(duration("P1Y2M3DT4H5M6S"), Some(SignedDuration::from_secs(428 * 86400 + 14706)));
        assert_eq!(duration("one hour"), None);
    }

    #[test]
    fn dates_with_and_without_zone() {
        let expected: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(date_time(" 2026-01-02T03:04:05Z "), Some(expected));
        assert_eq!(date_time("2026-01-02T12:04:05+09:00"), Some(expected));
        assert_eq!(date_time("2026-01-02T03:04:05"), Some(expected));
        assert_eq!(date_time("tomorrow"), None);
    }

    #[test]
    fn utf16_becomes_utf8_on_the_same_lines() {
        let text = "<?xml version=\"1.0\"\n encoding=\"utf-16\"?><a>関所</a>";
        let le: Vec<u8> =
            std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&le).unwrap().as_ref(), "\n<a>関所</a>".as_bytes());
        assert_eq!(decode(&le[..le.len() - 1]), None);
    }

    #[test]
    fn certificates_as_people_paste_them() {
        assert_eq!(certificate("\n  MA ID\n\tBA==\n"), Some(vec![0x30, 2, 3, 4]));
        assert_eq!(
            certificate("-----BEGIN CERTIFICATE-----\nMAIDBA\n-----END CERTIFICATE-----"),
            Some(vec![0x30, 2, 3, 4])
        );
        assert_eq!(certificate("paste it here"), None);
        assert_eq!(certificate(""), None);
    }
}
