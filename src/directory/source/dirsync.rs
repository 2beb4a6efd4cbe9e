//! Changes by the DirSync control of Active Directory (\[MS-ADTS\] 3.1.1.3.4.1.3). Its cookie is understood by every domain
//! controller of the domain, so that another one goes on where the first is out.
//!
//! The control tells what was touched in the whole domain, the deleted too, with little more than the objectGUID. Whatever
//! it names is read by its id as the query wants it; whoever is not found so is gone.
//!
//! LDAP_DIRSYNC_OBJECT_SECURITY is not set. It would do without the right to replicate, and keep silent about what the
//! account does not see any more, such as what was deleted or moved out of its sight: that would never be gone.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use ldap3::Scope;
use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, RawControl};
use tokio::sync::Mutex;

use super::Flavour;
use super::Gone;
use super::cursor::Mark;
use super::entry::ids_filter;
use super::ldap::{Found, IDS_AT_ONCE, MOST_CHANGED, few, too_many};
use super::reading::{Pages, Reading, decoded, judge};
use super::units;
use super::usn::OLDEST;
use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::directory::connection::{Fault, Query};
use crate::directory::entry_id::{guid_text, id_of};
use crate::directory::wire::Entry;

/// LDAP_SERVER_DIRSYNC_OID, of requests and answers.
const CONTROL: &str = "1.2.840.113556.1.4.841";

/// LDAP_DIRSYNC_INCREMENTAL_VALUES, the highest of 32 bits: of a large group only the members that came and went.
const FLAGS: i32 = i32::MIN;

/// MaxBytes: an answer is cut after about so much.
const MOST_BYTES: i32 = 1 << 20;

/// The one that servers give without being asked.
const ANYTHING: &str = "(objectClass=*)";

/// And one that no object matches.
const NOTHING: &str = "(!(objectClass=*))";

/// So many answers are a circle. For a first cookie a server gives one after each part of its domain that it went through.
const MOST_ANSWERS: usize = 100_000;

/// So many objects are told without end: of one that is changed meanwhile, or that has many members, a server tells more
/// than once, of all of them it does not.
const MOST_TOLD: usize = 10 * MOST_CHANGED;

/// Within a run, a first cookie is good for so long. A server goes through all its objects for one, and an older one only
/// means that something is told twice.
const KEPT: SignedDuration = SignedDuration::from_mins(10);

/// What was made so soon after a cookie counts as older: the clock of a domain controller may be ahead of ours. To take
/// something new for old costs a whole reading; the other way round a renamed unit would be missed.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The last first cookie, with the domain controller and the naming context that it is of. Not of another one: what that
/// has not received yet would count as told.
#[derive(Debug, Default)]
pub(in crate::directory) struct Kept(Mutex<Option<(String, String, Mark)>>);

impl Kept {
    /// From where on changes are to be asked, for a reading of this server that begins now.
    pub(super) async fn mark(
        &self,
        reading: &mut Reading,
        base: &str,
        clock: &dyn Clock,
    ) -> Result<Mark, Fault> {
        let context = context(reading, base)?;
        let server = reading.root.service.clone().unwrap_or_default();
        let mut kept = self.0.lock().await;
        let now = clock.now();
        if let Some((of, held, mark @ Mark::DirSync(_, at))) = &*kept {
            let is_good = at.checked_add(KEPT).is_ok_and(|end| now < end);
            if *of == server && !server.is_empty() && *held == context && is_good {
                return Ok(mark.clone());
            }
        }
        let followed = follow(reading, (&context, NOTHING), Vec::new(), |_| ControlFlow::Continue(()));
        let mark = match followed.await? {
            Followed::To(cookie) => Mark::DirSync(cookie, clock.now()),
            Followed::Stopped => return Err(malformed()),
            Followed::Refused(cause) => {
                let cause = format!("{cause}; take changes = \"dirsync\" out of the [[directory]]");
                return Err(Fault::Refused { code: 0, operation: "DirSync", cause });
            }
        };
        *kept = Some((server, context, mark.clone()));
        Ok(mark)
    }
}

/// The domain that answers, whichever of its domain controllers it is: the objectGUID of its naming context.
pub(super) async fn domain(reading: &mut Reading, base: &str) -> Result<String, Fault> {
    let context = context(reading, base)?;
    let entry = reading.entry(&context, &["objectGUID"]).await?;
    let id = entry.as_ref().and_then(|entry| guid_text(entry.values("objectGUID").first()?));
    let cause = || format!("\"{context}\" does not show its objectGUID; let bind_dn read that entry");
    id.ok_or_else(|| Fault::Refused { code: 0, operation: "DirSync", cause: cause() })
}

/// What changed since this cookie, which had come at `at`.
pub(super) async fn changes(
    reading: &mut Reading,
    query: &Query,
    (cookie, at): (&[u8], Timestamp),
    clock: &dyn Clock,
) -> Result<Found, Fault> {
    if at.checked_add(OLDEST).is_ok_and(|end| end < clock.now()) {
        let cause = "the last reading is so long ago that deletions may be forgotten";
        return Ok(Found::Lost(cause.to_owned()));
    }
    let context = context(reading, &query.base)?;
    let mut touched = Touched::since(at);
    let followed = follow(reading, (&context, ANYTHING), cookie.to_vec(), |entry| touched.take(&entry));
    let cookie = match followed.await? {
        Followed::To(cookie) => cookie,
        Followed::Refused(cause) => {
            return Ok(Found::Lost(format!("the server does not take the cookie any more: {cause}")));
        }
        Followed::Stopped if touched.nameless => {
            return Ok(Found::Lost("the server named an object without its objectGUID".to_owned()));
        }
        Followed::Stopped if touched.ids.len() > MOST_CHANGED => return Ok(too_many()),
        Followed::Stopped => {
            return Ok(Found::Lost(format!("the server named objects more than {MOST_TOLD} times")));
        }
    };
    let now = clock.now();
    for some in touched.old.chunks(IDS_AT_ONCE) {
        let Some(filter) = ids_filter(Flavour::ActiveDirectory, some) else { continue };
        if units::is_among(reading, &context, &filter).await? {
            return Ok(units::lost());
        }
    }
    let ids: Vec<String> = touched.ids.into_iter().collect();
    let mut changed = Vec::new();
    for some in ids.chunks(IDS_AT_ONCE) {
        let Some(filter) = ids_filter(Flavour::ActiveDirectory, some) else { continue };
        let filter = format!("(&{filter}{})", query.filter);
        let pages = Pages::of(&query.base, filter, Arc::clone(&query.attributes));
        changed.extend(few(reading, pages).await?);
    }
    Ok(Found::Since { changed, gone: Gone::These(ids), mark: Mark::DirSync(cookie, now) })
}

/// What the control named.
#[derive(Debug, Default)]
struct Touched {
    ids: HashSet<String>,
    /// Those of them that were there before.
    old: Vec<String>,
    /// The time after which objects are new, as GeneralizedTime.
    since: String,
    nameless: bool,
}

impl Touched {
    /// Nothing yet, after a cookie that had come at `at`.
    fn since(at: Timestamp) -> Self {
        let since = at.checked_add(MARGIN).unwrap_or(Timestamp::MAX);
        Self { since: units::generalized_time(since), ..Self::default() }
    }

    fn take(&mut self, entry: &Entry) -> ControlFlow<()> {
        let Ok(id) = id_of(entry) else {
            self.nameless = true;
            return ControlFlow::Break(());
        };
        // The control gives it of what is new, and of all that another domain controller does not know to be told: so
        // the time itself has to say it, too. Both texts begin with year to second.
        let created = entry.text("whenCreated");
        let is_new = created.is_some_and(|created| created.get(..14) >= self.since.get(..14));
        if self.ids.insert(id.clone()) && !is_new {
            self.old.push(id);
        }
        if self.ids.len() > MOST_CHANGED { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// How following a cookie ended.
enum Followed {
    /// With all; this is the next cookie.
    To(Vec<u8>),
    /// The server takes no such cookie, or does not know the control.
    Refused(String),
    /// Whoever took the objects wanted no more.
    Stopped,
}

/// Asks until nothing is left, from a cookie on; an empty one is none.
async fn follow(
    reading: &mut Reading,
    (context, filter): (&str, &str),
    mut cookie: Vec<u8>,
    mut take: impl FnMut(Entry) -> ControlFlow<()>,
) -> Result<Followed, Fault> {
    let attributes = if filter == NOTHING { "objectGUID" } else { "*" };
    let query = Query {
        base: context.to_owned(),
        scope: Scope::Subtree,
        filter: filter.to_owned(),
        attributes: Arc::new([attributes.to_owned()]),
        limit: 0,
    };
    let mut told = 0;
    for _ in 0..MOST_ANSWERS {
        let control = RawControl { ctype: CONTROL.to_owned(), crit: true, val: Some(request(&cookie)) };
        let item = |item| {
            told += 1;
            if told > MOST_TOLD {
                return Ok(ControlFlow::Break(()));
            }
            Ok(decoded(item)?.map_or(ControlFlow::Continue(()), &mut take))
        };
        let Some(ended) = reading.run(&query, vec![control], item).await? else {
            return Ok(Followed::Stopped);
        };
        let result = match ended.result.rc {
            // insufficientAccessRights
            50 => return Err(without_right(&query.base, &ended.result.to_string())),
            // protocolError, unavailableCriticalExtension, unwillingToPerform
            2 | 12 | 53 => return Ok(Followed::Refused(ended.result.to_string())),
            _ => judge(ended.result, &query)?,
        };
        let Answer { more, cookie: next } = Answer::of(&result.ctrls).ok_or_else(malformed)?;
        if !more {
            return Ok(Followed::To(next));
        }
        if next == cookie {
            break;
        }
        cookie = next;
    }
    Err(Fault::Lost("DirSync says that there is more, and does not give it".to_owned()))
}

fn without_right(context: &str, told: &str) -> Fault {
    Fault::Refused {
        code: 50,
        operation: "DirSync",
        cause: format!(
            "{told}: bind_dn lacks the right \"Replicating Directory Changes\" on \"{context}\"; grant it, or take \
             changes = \"dirsync\" out of the [[directory]]"
        ),
    }
}

fn malformed() -> Fault {
    Fault::Lost("the server sent a malformed answer of DirSync".to_owned())
}

/// The control is for whole naming contexts.
fn context(reading: &Reading, base: &str) -> Result<String, Fault> {
    let cause =
        || format!("\"{base}\" is in no naming context of the server; set search_base and urls to match");
    let none = || Fault::Refused { code: 0, operation: "DirSync", cause: cause() };
    reading.root.context(base).map(str::to_owned).ok_or_else(none)
}

/// DirSyncRequestValue ::= SEQUENCE { Flags INTEGER, MaxBytes INTEGER, Cookie OCTET STRING }.
fn request(cookie: &[u8]) -> Vec<u8> {
    let parts = [integer(FLAGS), integer(MOST_BYTES), tagged(0x04, cookie)].concat();
    tagged(0x30, &parts)
}

fn integer(number: i32) -> Vec<u8> {
    let mut octets = number.to_be_bytes().to_vec();
    // X.690 8.3.2: the first nine bits are not all alike.
    while matches!(octets.as_slice(), [0, next, ..] if *next < 0x80) {
        octets.remove(0);
    }
    tagged(0x02, &octets)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|octet| *octet == 0).collect();
    let mut octets = vec![tag];
    match digits.as_slice() {
        [] => octets.push(0),
        [short] if *short < 0x80 => octets.push(*short),
        long => {
            octets.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            octets.extend_from_slice(long);
        }
    }
    octets.extend_from_slice(content);
    octets
}

/// What an answer says besides objects.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    more: bool,
    cookie: Vec<u8>,
}

impl Answer {
    /// DirSyncResponseValue ::= SEQUENCE { MoreResults INTEGER, unused INTEGER, CookieServer OCTET STRING }.
    fn of(controls: &[Control]) -> Option<Self> {
        let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == CONTROL)?;
        let (_, sequence) = parse_tag(raw.val.as_deref()?).ok()?;
        let mut parts = sequence.expect_constructed()?.into_iter();
        let mut octets = || match parts.next()? {
            StructureTag { payload: PL::P(octets), .. } => Some(octets),
            StructureTag { payload: PL::C(_), .. } => None,
        };
        let (more, _, cookie) = (octets()?, octets()?, octets()?);
        // Without a cookie everything would be told anew, and with it nothing that is gone.
        (!more.is_empty() && !cookie.is_empty())
            .then(|| Self { more: more.iter().any(|octet| *octet != 0), cookie })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_the_specification_has_it() {
        let flags_and_size = [0x02, 0x04, 0x80, 0x00, 0x00, 0x00, 0x02, 0x03, 0x10, 0x00, 0x00];
        let first = [&[0x30, 0x0d][..], &flags_and_size, &[0x04, 0x00]].concat();
        assert_eq!(request(&[]), first);
        let cookie = [7; 200];
        let long = [&[0x30, 0x81, 0xd6][..], &flags_and_size, &[0x04, 0x81, 0xc8], &cookie].concat();
        assert_eq!(request(&cookie), long);
        assert_eq!(tagged(0x04, &[1; 300]).get(..4), Some(&[0x04, 0x82, 0x01, 0x2c][..]));
        assert_eq!([integer(0), integer(127), integer(128)].concat(), [2, 1, 0, 2, 1, 127, 2, 2, 0, 128]);
    }

    #[test]
    fn an_answer_is_whole_or_none() {
        let answer = |value: &[u8]| {
            let raw = RawControl { ctype: CONTROL.to_owned(), crit: false, val: Some(value.to_vec()) };
            Answer::of(&[Control(None, raw)])
        };
        let said = |more, cookie: &[u8]| Some(Answer { more, cookie: cookie.to_vec() });
        assert_eq!(answer(&[0x30, 9, 2, 1, 1, 2, 1, 0, 4, 1, 7]), said(true, &[7]));
        assert_eq!(answer(&[0x30, 9, 2, 1, 0, 2, 1, 5, 4, 1, 7]), said(false, &[7]));
        assert_eq!(answer(&[0x30, 12, 2, 4, 0, 0, 1, 0, 2, 1, 0, 4, 1, 7]), said(true, &[7]));
        let broken: [&[u8]; 7] = [
            &[],
            &[0x30, 0],
            &[0x30, 6, 2, 1, 0, 2, 1, 0],
            &[0x30, 8, 2, 1, 0, 2, 1, 0, 4, 0],
            &[0x30, 8, 2, 0, 2, 1, 0, 4, 1, 7],
            &[0x30, 9, 2, 1, 0, 2, 1, 0, 0x24, 1, 7],
            &[0x04, 1, 7],
        ];
        for value in broken {
            assert_eq!(answer(value), None, "{value:?}");
        }
        assert_eq!(Answer::of(&[]), None);
    }

    #[test]
    fn an_object_is_new_when_it_is_told_whole_and_is_clearly_younger_than_the_cookie() {
        let guid = |number: u8| [number; 16].to_vec();
        let entry = |number, created: Option<&str>| {
            let mut attributes = vec![("objectGUID".to_owned(), vec![guid(number)])];
            attributes.extend(created.map(|at| ("whenCreated".to_owned(), vec![at.into()])));
            Entry { dn: String::new(), attributes }
        };
        let mut touched = Touched::since("2024-05-01T11:55:00Z".parse().unwrap());
        for (number, created) in [
            (1, None),
            (2, Some("20240501120000.0Z")),
            (3, Some("20240501115959.0Z")),
            (4, Some("soon")),
            (1, None),
        ] {
            assert!(touched.take(&entry(number, created)).is_continue());
        }
        let text = |number| guid_text(&guid(number)).unwrap();
        assert_eq!((touched.ids.len(), touched.old.as_slice()), (4, &[text(1), text(3), text(4)][..]));
        assert!(touched.take(&Entry { dn: "cn=x".to_owned(), attributes: Vec::new() }).is_break());
        assert!(touched.nameless);
    }
}
