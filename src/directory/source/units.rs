//! Units that were changed: when one is renamed or moved, all that is below it has another DN or has left the query, and no
//! server notes that at those entries. So a unit that was there before and is different now means that all must be read.

use std::sync::Arc;

use super::ldap::Found;
use super::reading::{Pages, Reading};
use crate::clock::Timestamp;
use crate::directory::connection::Fault;
use crate::directory::wire::Entry;

/// What people are put into.
const UNITS: &str = "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=organization)\
    (objectClass=locality)(objectClass=country))";

/// Policies of Active Directory are containers by their class, and change often.
const POLICY: &str = "groupPolicyContainer";

/// A unit was changed.
pub(super) fn lost() -> Found {
    Found::Lost("a unit was changed, and with it perhaps the place of all that is below it".to_owned())
}

/// Whether one that is older than this sequence number was changed after it.
pub(super) async fn touched_since_usn(reading: &mut Reading, context: &str, usn: u64) -> Result<bool, Fault> {
    let next = usn.saturating_add(1);
    let filter = format!("(&(uSNChanged>={next})(!(uSNCreated>={next})){UNITS})");
    is_any(reading, context, filter).await
}

/// Whether one that is older than this moment was changed after it.
pub(super) async fn touched_since(
    reading: &mut Reading,
    base: &str,
    since: Timestamp,
) -> Result<bool, Fault> {
    let context = reading.root.context(base).unwrap_or(base).to_owned();
    let time = generalized_time(since);
    let filter = format!("(&(modifyTimestamp>={time})(!(createTimestamp>={time})){UNITS})");
    is_any(reading, &context, filter).await
}

/// Whether one that is older than this cookie of OpenLDAP was changed after it.
pub(super) async fn touched_since_cookie(
    reading: &mut Reading,
    base: &str,
    cookie: &[u8],
) -> Result<bool, Fault> {
    let numbers = numbers(cookie);
    let Some(oldest) = numbers.iter().min().copied() else { return Ok(true) };
    let context = reading.root.context(base).unwrap_or(base).to_owned();
    let attributes = Arc::new(["entryCSN".to_owned(), "createTimestamp".to_owned()]);
    let mut pages = Pages::of(&context, format!("(&(entryCSN>={oldest}){UNITS})"), attributes);
    while let Some(page) = pages.next(reading).await? {
        let is_touched = |created: Option<&str>, changed: Option<&str>| {
            created.zip(changed).is_none_or(|(created, changed)| is_touched(created, changed, &numbers))
        };
        if page.iter().any(|unit| is_touched(unit.text("createTimestamp"), unit.text("entryCSN"))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of these, by a filter that names their ids, is a unit.
pub(super) async fn is_among(reading: &mut Reading, context: &str, ids: &str) -> Result<bool, Fault> {
    is_any(reading, context, format!("(&{ids}{UNITS})")).await
}

async fn is_any(reading: &mut Reading, context: &str, filter: String) -> Result<bool, Fault> {
    let mut pages = Pages::of(context, filter, Arc::new(["objectClass".to_owned()]));
    while let Some(page) = pages.next(reading).await? {
        // Not by the filter: a server whose schema does not know the class would take nothing for everything.
        let is_policy =
            |unit: &Entry| unit.texts("objectClass").any(|class| class.eq_ignore_ascii_case(POLICY));
        if !page.iter().all(is_policy) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The change sequence numbers in `rid=000,csn=<number>;<number>`; each is `<time>#<count>#<server>#<part>`.
fn numbers(cookie: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(cookie).unwrap_or_default();
    let all = text.split(',').find_map(|part| part.strip_prefix("csn=")).unwrap_or_default();
    all.split(';').filter(|number| is_number(number)).collect()
}

fn is_number(text: &str) -> bool {
    text.contains('#') && text.chars().all(|c| c.is_ascii_alphanumeric() || "#.".contains(c))
}

/// Servers count by themselves: a change is new when it is newer than the last one of the same server.
fn is_touched(created: &str, changed: &str, numbers: &[&str]) -> bool {
    let server = |number: &str| number.split('#').nth(2).map(str::to_owned);
    let Some(last) = numbers.iter().find(|number| server(number) == server(changed)) else { return true };
    // Both begin with year to second.
    changed > *last && created.get(..14) <= last.get(..14)
}

/// GeneralizedTime of UTC (RFC 4517 section 3.3.13).
pub(super) fn generalized_time(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_cookie_are_found() {
        let (one, two) =
            ("20240501115900.123456Z#000000#000#000000", "20240501120000.000000Z#000000#00a#000000");
        let cookie = format!("rid=001,sid=002,csn={one};{two}");
        assert_eq!(numbers(cookie.as_bytes()), [one, two]);
        assert_eq!(numbers(format!("csn={one},delcsn={two}").as_bytes()), [one]);
        for none in ["", "rid=001", "csn=", "csn=*)(uid=*", "server:389#cn=reader:dc=x#12"] {
            assert_eq!(numbers(none.as_bytes()), Vec::<&str>::new(), "{none}");
        }
    }

    #[test]
    fn a_unit_is_touched_when_it_was_there_before_and_is_newer_than_its_server_s_last() {
        let number = |second: u32, server| format!("202405011159{second:02}.000000Z#000000#{server}#000000");
        let (first, second) = (number(10, "001"), number(50, "002"));
        let numbers = [first.as_str(), second.as_str()];
        let cases = [
            ("20240501115900Z", number(11, "001"), true),
            ("20240501115900Z", number(10, "001"), false),
            ("20240501115900Z", number(40, "002"), false),
            ("20240501115900Z", number(51, "002"), true),
            ("20240501115900Z", number(1, "003"), true),
            ("20240501115911Z", number(12, "001"), false),
        ];
        for (created, changed, expected) in cases {
            assert_eq!(is_touched(created, &changed, &numbers), expected, "{created} {changed}");
        }
        assert_eq!(generalized_time("2024-05-01T11:59:00.5Z".parse().unwrap()), "20240501115900Z");
    }
}
