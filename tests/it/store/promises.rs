//! What signing in needs of a store, whichever it is.

use sekisho::store::{LONGEST_WINDOW, SessionRow, SpSessionRow, Store, StoreError, Write};

use super::Place;

fn session(id: &str, subject: &str) -> SessionRow {
    SessionRow {
        id_hash: id.into(),
        subject: subject.into(),
        body: "{\"名\":1}".into(),
        created_ms: 10,
        last_used_ms: 10,
        expires_ms: 1000,
        sp_sessions: vec![],
    }
}

fn sp_session(id: &str, index: &str) -> SpSessionRow {
    SpSessionRow {
        id_hash: id.into(),
        sp: "https://sp".into(),
        session_index: index.into(),
        name_key: "n".into(),
        body: "{}".into(),
        issued_ms: 7,
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    for place in Place::each().await {
        let store = place.open().await;
        let mut row = session("a", "corp/1");
        row.sp_sessions.push(sp_session("a", "i1"));
        let both = vec![Write::PutSession(row.clone()), Write::PutSession(session("b", "corp/2"))];
        store.commit(both).await.unwrap();
        store.commit(vec![Write::PutSpSession(sp_session("a", "i2"))]).await.unwrap();
        drop(store);
        let store = place.open().await;
        row.sp_sessions.push(sp_session("a", "i2"));
        assert_eq!(store.session("a").await.unwrap(), Some(row.clone()));
        assert_eq!(store.sessions_of("corp/1").await.unwrap(), [row.clone()]);
        assert_eq!(store.sessions_named("n").await.unwrap(), [row]);
        assert_eq!(store.session("c").await.unwrap(), None);
        store.commit(vec![Write::EndSession { id_hash: "a".into() }]).await.unwrap();
        assert_eq!(store.session("a").await.unwrap(), None);
        assert!(store.session("b").await.unwrap().is_some());
    }
}

/// What one node notes late does not revive what another one ended.
#[tokio::test]
async fn a_session_that_lapsed_or_was_revoked_is_over_for_good() {
    for place in Place::each().await {
        let (one, other) = (place.open().await, place.open().await);
        let rows = ["lapsed", "revoked", "used"].map(|id| Write::PutSession(session(id, "s")));
        one.commit(rows.to_vec()).await.unwrap();
        let lapse = Write::LapseSession { id_hash: "lapsed".into(), at_ms: 500 };
        other.commit(vec![lapse, Write::RevokeSession { id_hash: "revoked".into() }]).await.unwrap();
        let touch = |id: &str, last_used_ms| Write::TouchSession { id_hash: id.into(), last_used_ms };
        one.commit(vec![touch("lapsed", 700), touch("revoked", 700), touch("used", 700)]).await.unwrap();
        other.commit(vec![touch("used", 600)]).await.unwrap();
        let times = async |id| {
            let row = one.session(id).await.unwrap().unwrap();
            (row.last_used_ms, row.expires_ms, row.has_lapsed())
        };
        assert_eq!(times("lapsed").await, (0, 500, true));
        assert_eq!(times("revoked").await, (0, 10, true));
        assert_eq!(times("used").await, (700, 1000, false));
    }
}

#[tokio::test]
async fn writers_that_meet_share_a_transaction() {
    for place in Place::each().await {
        let store = place.open().await;
        let writes = (0..200).map(|n| {
            let store = store.clone();
            let write = vec![Write::PutSession(session(&n.to_string(), "s"))];
            tokio::spawn(async move { store.commit(write).await })
        });
        for done in writes.collect::<Vec<_>>() {
            done.await.unwrap().unwrap();
        }
        assert_eq!(store.sessions_of("s").await.unwrap().len(), 200);
        assert!(store.transactions() < 100, "{} transactions", store.transactions());
    }
}

#[tokio::test]
async fn deferred_writes_go_with_the_next_commit_or_by_themselves() {
    for place in Place::each().await {
        let store = place.open().await;
        let ticket = store.defer(Write::PutSession(session("a", "s"))).unwrap();
        store.commit(vec![]).await.unwrap();
        assert!(store.landed(ticket));
        assert_eq!(store.transactions(), 1);
        assert!(store.session("a").await.unwrap().is_some());
        let ticket = store.defer(Write::TouchSession { id_hash: "a".into(), last_used_ms: 70 }).unwrap();
        while !store.landed(ticket) {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.session("a").await.unwrap().unwrap().last_used_ms, 70);
        store.defer(Write::PutSession(session("left", "s"))).unwrap();
        drop(store);
        let store = place.open().await;
        while store.session("left").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    }
}

/// As many nodes at the same time, one after the other as far as the database goes: one is told yes.
#[tokio::test(flavor = "multi_thread")]
async fn a_memo_is_taken_and_a_message_is_new_once() {
    for place in Place::each().await {
        let (one, other) = (place.open().await, place.open().await);
        let put = Write::PutMemo { key: "m".into(), body: "書".into(), expires_ms: 9 };
        one.commit(vec![put.clone()]).await.unwrap();
        assert_eq!(other.memo("m", 8).await.unwrap().as_deref(), Some("書"));
        assert_eq!(other.memo("m", 9).await.unwrap(), None, "its time is over");
        assert_eq!(other.take_memo("m", 9).await.unwrap(), None);
        one.commit(vec![put]).await.unwrap();
        let nodes = || [&one, &other].into_iter().cycle().take(20).cloned();
        let asks = nodes().map(|store| tokio::spawn(async move { store.take_memo("m", 8).await.unwrap() }));
        let firsts =
            nodes().map(|store| tokio::spawn(async move { store.first_use("id", 9).await.unwrap() }));
        let (asks, firsts): (Vec<_>, Vec<_>) = (asks.collect(), firsts.collect());
        let (mut taken, mut first) = (0, 0);
        for (take, is_first) in asks.into_iter().zip(firsts) {
            taken += usize::from(take.await.unwrap().is_some());
            first += usize::from(is_first.await.unwrap());
        }
        assert_eq!((taken, first), (1, 1));
        one.commit(vec![Write::DropMemo { key: "id".into() }]).await.unwrap();
        assert!(other.first_use("id", 9).await.unwrap());
    }
}

#[tokio::test]
async fn tries_are_counted_by_key_and_time() {
    for place in Place::each().await {
        let store = place.open().await;
        let wrong =
            |keys: &[&str], at_ms| Write::WrongTry { keys: keys.iter().map(|&k| k.into()).collect(), at_ms };
        store.commit(vec![wrong(&["a", "b"], 5), wrong(&["a"], 6), wrong(&["a"], 6)]).await.unwrap();
        let keys = ["b".to_owned(), "a".to_owned(), "c".to_owned()];
        assert_eq!(store.tries(&keys, 5).await.unwrap(), [1, 3, 0]);
        assert_eq!(store.tries(&keys, 6).await.unwrap(), [0, 2, 0]);
        assert_eq!(store.all_tries(5).await.unwrap(), [("a".to_owned(), 3, 6), ("b".to_owned(), 1, 5)]);
        store.commit(vec![Write::ClearTries { keys: vec!["a".into()] }]).await.unwrap();
        assert_eq!(store.tries(&keys, 0).await.unwrap(), [1, 0, 0]);
        assert!(store.tries(&[], 0).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn keys_are_counted_by_their_beginning_to_the_octet() {
    for place in Place::each().await {
        let store = place.open().await;
        let keys = ["tried:10.0.0.1|a", "tried:10.0.0.1|a", "tried:10.0.0.1|ÿ田", "tried:10.0.0.1|"];
        let others = ["tried:10.0.0.10|a", "tried:10.0.0|a", "tried:10.0.0.1}", "TRIED:10.0.0.1|a"];
        let wrong = |key: &&str| Write::WrongTry { keys: vec![(*key).to_owned()], at_ms: 5 };
        store.commit(keys.iter().chain(&others).map(wrong).collect()).await.unwrap();
        let tried = async |since| store.keys_tried("tried:10.0.0.1|", since).await.unwrap();
        assert_eq!((tried(5).await, tried(6).await), (3, 0));
    }
}

#[tokio::test]
async fn addresses_and_files_are_remembered() {
    for place in Place::each().await {
        let store = place.open().await;
        let known = |at_ms| Write::KnownAddress { subject: "s".into(), address: "10.0.0.1".into(), at_ms };
        let live =
            |file: &str| Write::LiveFile { entity_id: "e".into(), file: file.into(), sha256: "00".into() };
        store.commit(vec![known(1), live("a.xml")]).await.unwrap();
        store.commit(vec![known(2), live("b.xml")]).await.unwrap();
        assert!(store.known_address("s", "10.0.0.1").await.unwrap());
        assert!(!store.known_address("s", "10.0.0.2").await.unwrap());
        assert!(!store.known_address("t", "10.0.0.1").await.unwrap());
        assert_eq!(store.live_files().await.unwrap(), [("e".into(), "b.xml".into(), "00".into())]);
        store.commit(vec![Write::ForgetLiveFile { entity_id: "e".into() }]).await.unwrap();
        assert!(store.live_files().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn purge_deletes_what_is_over_and_nothing_else() {
    for place in Place::each().await {
        let store = place.open().await;
        let mut over = session("over", "s");
        over.expires_ms = 500;
        over.sp_sessions.push(sp_session("over", "i"));
        let mut live = session("live", "s");
        live.sp_sessions.push(sp_session("live", "j"));
        let wrong = Write::WrongTry { keys: vec!["k".into()], at_ms: 0 };
        let memo = Write::PutMemo { key: "m".into(), body: String::new(), expires_ms: 500 };
        store.commit(vec![Write::PutSession(over), Write::PutSession(live), wrong, memo]).await.unwrap();
        assert_eq!(store.purge(600).await.unwrap(), 1, "a session is known for a day after its time");
        assert_eq!(store.sessions_named("n").await.unwrap().len(), 2);
        let day = i64::try_from(LONGEST_WINDOW.as_millis()).unwrap();
        assert_eq!(store.purge(day + 600).await.unwrap(), 3);
        assert_eq!(store.session("live").await.unwrap().unwrap().sp_sessions.len(), 1);
        assert_eq!(store.sessions_named("n").await.unwrap().len(), 1);
        assert_eq!(store.purge(day + 1_000).await.unwrap(), 2);
        assert_eq!(store.tries(&["k".into()], 0).await.unwrap(), [0]);
    }
}

/// Both change the same rows at the same time, each in an order of its own: the writers' orders may cross.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_write_the_same_rows_do_not_fail_each_other() {
    for place in Place::each().await {
        let (one, other) = (place.open().await, place.open().await);
        let ids: Vec<String> = (0..64).map(|n| format!("{n:02}")).collect();
        one.commit(ids.iter().map(|id| Write::PutSession(session(id, "s"))).collect()).await.unwrap();
        let work = async |store: &Store, odd: usize| {
            for round in 0..40 {
                let writes = ids.iter().enumerate().map(|(at, id)| match (at + odd + round) % 4 {
                    0 => Write::PutSession(session(id, "s")),
                    1 => Write::PutSpSession(sp_session(id, "i")),
                    2 => Write::LapseSession { id_hash: id.clone(), at_ms: 50 },
                    _ => Write::TouchSession { id_hash: id.clone(), last_used_ms: 20 },
                });
                store.commit(writes.collect()).await?;
            }
            Ok::<_, StoreError>(())
        };
        let (first, second) = tokio::join!(work(&one, 0), work(&other, 2));
        first.unwrap();
        second.unwrap();
        assert_eq!(other.sessions_of("s").await.unwrap().len(), 64);
    }
}
