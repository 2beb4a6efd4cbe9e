//! Readers of single values: a TOML value in, the type or a complaint with its remedy out.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use toml::de::DeValue;

use super::fault::Complaint;
use crate::authproc::hint;

/// Text, not empty, without control characters.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, Complaint> {
    let text = any_text(value)?;
    match text {
        _ if text.trim().is_empty() => Err(Complaint::wrong("is empty", "write a value or take the key out")),
        _ if text.chars().any(char::is_control) => {
            Err(Complaint::wrong("holds a control character", "write one line of text"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// Text that may be empty, which means the same as no key.
pub(super) fn maybe_text(value: &DeValue<'_>) -> Result<Option<String>, Complaint> {
    match any_text(value)? {
        "" => Ok(None),
        _ => text(value).map(Some),
    }
}

/// `true` or `false`.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, Complaint> {
    value.as_bool().ok_or_else(|| mismatch(value, "true or false", "write true or false, without quotes"))
}

/// A whole number within `range`.
pub(super) fn count(range: RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Result<u32, Complaint> {
    move |value| {
        let remedy = format!("write a whole number from {} to {}", range.start(), range.end());
        let number = value.as_integer().ok_or_else(|| mismatch(value, "a number", &remedy))?;
        let parsed = u32::from_str_radix(number.as_str(), number.radix()).ok();
        parsed
            .filter(|parsed| range.contains(parsed))
            .ok_or_else(|| Complaint::wrong(format!("{number} is out of bounds"), remedy))
    }
}

/// A length of time such as `30m`, `8h`, `1h 30m`, `7d` or `PT8H`, longer than nothing; a day has 24 hours.
pub(super) fn duration(value: &DeValue<'_>) -> Result<SignedDuration, Complaint> {
    let remedy = "write a number with a unit, such as \"30s\", \"10m\", \"8h\" or \"7d\"";
    let written = value.as_str().ok_or_else(|| mismatch(value, "a duration", remedy))?;
    let parsed = written
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| Complaint::wrong(format!("\"{written}\" is no duration"), remedy))?;
    if parsed.is_positive() {
        return Ok(parsed);
    }
    Err(Complaint::wrong(format!("\"{written}\" is not longer than nothing"), remedy))
}

/// A length of time within `range`, which `bounds` describes.
pub(super) fn duration_within(
    range: RangeInclusive<SignedDuration>,
    bounds: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<SignedDuration, Complaint> {
    move |value| {
        let parsed = duration(value)?;
        let wrong = || Complaint::wrong(format!("{parsed:#} is out of bounds"), format!("choose {bounds}"));
        range.contains(&parsed).then_some(parsed).ok_or_else(wrong)
    }
}

/// An IP address with a port.
pub(super) fn address(value: &DeValue<'_>) -> Result<SocketAddr, Complaint> {
    let remedy = "write an IP address with a port, such as \"0.0.0.0:8443\" or \"[::]:8443\"";
    let written = text(value)?;
    written.parse().map_err(|_| Complaint::wrong(format!("\"{written}\" is no address"), remedy))
}

/// An IP network, or one address.
pub(super) fn network(value: &DeValue<'_>) -> Result<IpNet, Complaint> {
    let remedy = "write a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"";
    let written = text(value)?;
    let host = || written.parse::<std::net::IpAddr>().map(IpNet::from);
    written
        .parse()
        .or_else(|_| host())
        .map_err(|_| Complaint::wrong(format!("\"{written}\" is no network"), remedy))
}

/// One of a few words.
pub(super) fn choice<T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl Fn(&DeValue<'_>) -> Result<T, Complaint> {
    move |value| {
        let written = text(value)?;
        let found = words.iter().find(|(word, _)| *word == written);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Complaint::wrong(format!("\"{written}\" is not known"), hint(&written, &known))
        })
    }
}

/// An absolute http or https URL.
pub(super) fn web_url(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    let host = written.strip_prefix("https://").or_else(|| written.strip_prefix("http://"));
    if host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && !written.contains(' ') {
        return Ok(written);
    }
    Err(Complaint::wrong(format!("\"{written}\" is no web address"), "write it whole, from https:// on"))
}

/// A web address that may be empty, which means the same as no key.
pub(super) fn maybe_web_url(value: &DeValue<'_>) -> Result<Option<String>, Complaint> {
    maybe_text(value)?.map(|_| web_url(value)).transpose()
}

fn any_text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Complaint> {
    value.as_str().ok_or_else(|| mismatch(value, "text", "write it in quotes"))
}

/// The complaint about a value of another type.
pub(super) fn mismatch(value: &DeValue<'_>, wanted: &str, remedy: &str) -> Complaint {
    Complaint::wrong(format!("wants {wanted}, found {}", value.type_str()), remedy)
}
