//! An audit trail that cannot be written: nothing happens that it would not tell of.

use std::io::{Seek, SeekFrom, Write};

use super::{ask, enter, folder_with, limit_files, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::folder::{SUZUKI, TANAKA};
use crate::support::sp::Sp;

/// So long that no other file of the server comes near it.
const LONG: u64 = 64 << 20;

/// The events of a trail that began with a hole of [`LONG`] octets.
fn events(server: &TestServer) -> Vec<String> {
    let bytes = std::fs::read(server.folder.path("audit.jsonl")).unwrap();
    let text = String::from_utf8(bytes[usize::try_from(LONG).unwrap()..].to_vec()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_full_disk_under_the_audit_trail_gives_503_and_nothing_unaudited() {
    let sp = Sp::new("kintai");
    let folder = folder_with(&sp);
    let mut trail = std::fs::File::create(folder.path("audit.jsonl")).unwrap();
    trail.seek(SeekFrom::Start(LONG - 1)).unwrap();
    trail.write_all(b"\n").unwrap();
    let server = TestServer::start_on_small_disk(folder).await;
    let mut warm = Browser::new();
    received(&server, &sp, &enter(&server, &mut warm, &sp, TANAKA).await);
    let mut cold = Browser::new();
    let page = ask(&server, &mut cold, &sp).await;

    // Room for a part of a record.
    let before = events(&server).len();
    limit_files(&server, Some(trail.metadata().unwrap().len() + 20));
    refused(&sign_in(&mut cold, &page, SUZUKI).await, 503, "SK-AUDIT");
    assert_eq!(cold.cookie("sekisho"), None, "no session without its record");
    refused(&sign_in(&mut cold, &page, (SUZUKI.0, "wrong")).await, 503, "SK-AUDIT");
    refused(&ask(&server, &mut warm, &sp).await, 503, "SK-UNAVAILABLE");
    let unknown = ask(&server, &mut warm, &Sp::new("nobody")).await;
    refused(&unknown, 503, "SK-UNAVAILABLE");
    let log = server.log();
    assert!(log.lines().any(|line| line.contains("SK-AUDIT") && line.contains("audit.jsonl")), "{log}");

    limit_files(&server, None);
    received(&server, &sp, &ask(&server, &mut warm, &sp).await);
    received(&server, &sp, &sign_in(&mut cold, &page, SUZUKI).await);
    let after = events(&server);
    let good = after.iter().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    // assertion_issued, signed_in, assertion_issued: each on a line of its own behind what broke off.
    assert_eq!(good.count(), before + 3, "{after:#?}");
}
