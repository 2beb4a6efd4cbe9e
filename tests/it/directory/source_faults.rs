//! Readings that are cut: none of them is taken for a whole.

use std::sync::Arc;
use std::time::Duration;

use ldap3_proto::proto::LdapResultCode;
use sekisho::clock::SystemClock;
use sekisho::directory::source::{Cursor, Source, SourceEntry, SourceQuery};
use sekisho::directory::{DirectoryError, LdapDirectory, LdapOptions, Limits};
use sekisho::secret::Secret;
use tokio::sync::mpsc;

use super::source::read;
use crate::support::fake_ldap::{Conduct, FakeLdap, SERVICE};
use crate::support::fake_source::{Break, FakeSource, PAGE};

/// Silence is noticed after a second and a half.
fn directory(urls: Vec<String>) -> LdapDirectory {
    let mut options = LdapOptions::new("fake");
    options.urls = urls;
    "dc=fake".clone_into(&mut options.search_base);
    options.bind_dn = Some(SERVICE.to_owned());
    options.bind_password = Some(Secret::new("service".to_owned()));
    let limits = Limits { answer: Duration::from_millis(125), ..Limits::default() };
    LdapDirectory::with_limits(options, Arc::new(SystemClock), limits).unwrap()
}

fn query() -> SourceQuery {
    SourceQuery {
        base: "dc=fake".to_owned(),
        filter: "(uid=*)".to_owned(),
        attributes: vec!["uid".to_owned(), "member".to_owned()],
    }
}

/// How many entries came, and how it ended.
async fn outcome(directory: &LdapDirectory) -> (usize, Result<Cursor, DirectoryError>) {
    let (sender, mut receiver) = mpsc::channel::<Vec<SourceEntry>>(1);
    let query = query();
    let count = async {
        let mut count = 0;
        while let Some(part) = receiver.recv().await {
            count += part.len();
        }
        count
    };
    let (ended, count) = tokio::join!(directory.read(&query, sender), count);
    (count, ended)
}

#[tokio::test]
async fn three_pages_are_read() {
    let fake = FakeSource::start(Break::Never).await;
    let (people, cursor, parts) = read(&directory(vec![fake.url()]), &query()).await;
    assert_eq!((people.len(), parts), (3 * PAGE, 3));
    assert_eq!(cursor.server, fake.url());
    assert!(cursor.value.starts_with("time:"), "{cursor:?}");
}

#[tokio::test]
async fn a_reading_that_is_cut_is_an_error_and_no_short_one() {
    let cuts = [
        (Break::Close, "closed the connection"),
        (Break::CloseBetween, "closed the connection"),
        (Break::Garbage, ""),
        (Break::Hang, "no answer"),
        (Break::Result(LdapResultCode::SizeLimitExceeded), "without limits"),
        (Break::Result(LdapResultCode::TimeLimitExceeded), "without limits"),
        (Break::Result(LdapResultCode::AdminLimitExceeded), "without limits"),
        (Break::Result(LdapResultCode::Referral), "held by another server"),
        (Break::Result(LdapResultCode::Busy), "rc=51"),
        (Break::Result(LdapResultCode::Other), "rc=80"),
        (Break::Forgetful, "forgot between two pages"),
        (Break::BadControl, "forgot between two pages"),
        (Break::NoId, "entryUUID"),
        (Break::Circle, "empty pages"),
        (Break::Elsewhere, "held by other servers"),
    ];
    for (fault, told) in cuts {
        let fake = FakeSource::start(fault.clone()).await;
        let whole = FakeSource::start(Break::Never).await;
        let (count, ended) = outcome(&directory(vec![fake.url(), whole.url()])).await;
        if fault == Break::Circle {
            // It never gave a first entry, so the next server is asked.
            continue;
        }
        let error = match ended {
            Err(error) => error.to_string(),
            Ok(cursor) => panic!("{fault:?}: {count} entries and {cursor:?}"),
        };
        assert!(error.contains(told), "{fault:?}: {error}");
        assert_eq!(count, if fault == Break::Elsewhere { 0 } else { PAGE }, "{fault:?}");
    }
}

#[tokio::test]
async fn before_the_first_page_the_next_server_is_asked() {
    for fault in
        [Conduct::Hang, Conduct::Close, Conduct::CloseInTheMiddle, Conduct::Garbage, Conduct::Malformed]
    {
        let first = FakeLdap::start(Conduct::Well, fault).await;
        let second = FakeSource::start(Break::Never).await;
        let (people, cursor, _) = read(&directory(vec![first.url(), second.url()]), &query()).await;
        assert_eq!((people.len(), cursor.server), (3 * PAGE, second.url()), "{fault:?}");
    }
}

#[tokio::test]
async fn values_that_come_in_parts_are_whole_or_an_error() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Cut).await;
    let (found, _, _) = read(&directory(vec![fake.url()]), &query()).await;
    let entry = found.values().next().unwrap();
    assert_eq!(entry.id, "44434241-4645-4847-494a-4b4c4d4e4f50");
    let expected: Vec<String> = (0..7).map(|number| format!("cn=m{number},dc=fake")).collect();
    let members = entry.attributes.values("member").unwrap();
    assert_eq!(members.iter().filter_map(|member| member.as_text()).collect::<Vec<_>>(), expected);
    let fake = FakeLdap::start(Conduct::Well, Conduct::CutShort).await;
    let (count, ended) = outcome(&directory(vec![fake.url()])).await;
    assert!(ended.unwrap_err().to_string().contains("the rest of member"));
    assert_eq!(count, 0);
}

#[tokio::test]
async fn a_circle_ends() {
    let fake = FakeSource::start(Break::Circle).await;
    let (count, ended) = outcome(&directory(vec![fake.url()])).await;
    assert!(ended.unwrap_err().to_string().contains("empty pages"));
    assert_eq!(count, 0);
}
