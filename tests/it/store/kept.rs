//! What synchronisation needs of a store, whichever it is.

use sekisho::store::{Fence, KeyRow, LinkRow, Mark, MemberRow, OperationRow, RunRow, SyncStore, SyncWrite};

use super::Place;

async fn open(place: &Place) -> SyncStore {
    place.open().await.sync_state().await.unwrap()
}

fn key(id: &str) -> KeyRow {
    ("user".into(), id.into())
}

fn link(id: &str, target_id: &str) -> LinkRow {
    LinkRow {
        key: key(id),
        target_id: target_id.into(),
        dn: format!("UID={id},dc=x"),
        name: format!("uid={id},dc=x"),
        state: "active".into(),
        since_ms: 0,
        sums: "{}".into(),
    }
}

fn members(id: &str, shard: i64, who: &str) -> MemberRow {
    MemberRow { key: key(id), path: "members".into(), shard, members: who.into() }
}

fn operation(run: i64, seq: i64, state: &str) -> OperationRow {
    let mark = Mark { state: state.into(), at_ms: 5, ..Mark::default() };
    OperationRow { run, seq, key: key(&format!("u{seq}")), phase: seq, body: "{}".into(), mark }
}

#[tokio::test]
async fn links_are_found_by_both_ids_and_read_in_pages() {
    for place in Place::each().await {
        let store = open(&place).await;
        let links = (0..100).map(|n| link(&format!("u{n:03}"), &format!("t{n}"))).collect();
        let other = vec![link("u000", "elsewhere")];
        assert!(store.commit("a", None, vec![SyncWrite::PutLinks(links)]).await.unwrap());
        assert!(store.commit("b", None, vec![SyncWrite::PutLinks(other)]).await.unwrap());
        let first = store.links_after("a", &KeyRow::default(), 60).await.unwrap();
        let rest = store.links_after("a", &first[59].key, 60).await.unwrap();
        assert_eq!((first.len(), rest.len(), rest[39].key.1.as_str()), (60, 40, "u099"));
        assert_eq!(store.links_at("a", &[key("t7")]).await.unwrap(), [link("u007", "t7")]);
        assert_eq!(store.links("a", &[key("u000"), key("u001"), key("no")]).await.unwrap().len(), 2);
        assert_eq!(store.links("b", &[key("u000")]).await.unwrap(), [link("u000", "elsewhere")]);
    }
}

#[tokio::test]
async fn one_statement_takes_the_last_of_a_key_and_a_link_takes_its_members_along() {
    for place in Place::each().await {
        let store = open(&place).await;
        let twice = SyncWrite::PutLinks(vec![link("u", "t1"), link("u", "t2"), link("v", "t3")]);
        let parts = vec![members("u", 0, "a"), members("u", 1, "b"), members("v", 0, "c")];
        store.commit("a", None, vec![twice, SyncWrite::PutMembers(parts)]).await.unwrap();
        assert_eq!(store.links("a", &[key("u")]).await.unwrap()[0].target_id, "t2");
        store.commit("a", None, vec![SyncWrite::PutMembers(vec![members("u", 0, "")])]).await.unwrap();
        assert_eq!(store.members("a", &[key("u")]).await.unwrap(), [members("u", 1, "b")]);
        assert_eq!(store.members_between("a", &key("u"), &key("v")).await.unwrap().len(), 2);
        store.commit("a", None, vec![SyncWrite::DropLinks(vec![key("u")])]).await.unwrap();
        assert!(store.members("a", &[key("u")]).await.unwrap().is_empty());
        assert_eq!(store.members("a", &[key("v")]).await.unwrap(), [members("v", 0, "c")]);
        assert!(store.links("a", &[key("u")]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_lease_is_one_holders_until_its_time_or_its_end() {
    for place in Place::each().await {
        let (store, elsewhere) = (open(&place).await, open(&place).await);
        assert!(store.lease("a", "one", (0, 100)).await.unwrap());
        assert!(!elsewhere.lease("a", "two", (50, 150)).await.unwrap(), "it is one's");
        assert!(elsewhere.lease("b", "two", (50, 150)).await.unwrap(), "another target");
        assert!(store.lease("a", "one", (90, 190)).await.unwrap(), "renewed");
        assert!(elsewhere.lease("a", "two", (190, 290)).await.unwrap(), "its time is over");
        assert!(!store.lease("a", "one", (195, 300)).await.unwrap(), "lost");
        store.release("a", "one").await.unwrap();
        assert_eq!(store.leased("a").await.unwrap(), Some(("two".into(), 290)), "only its holder ends it");
        elsewhere.release("a", "two").await.unwrap();
        assert_eq!(store.leased("a").await.unwrap(), None);
    }
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing() {
    for place in Place::each().await {
        let store = open(&place).await;
        let fence = |holder: &str| Some(Fence { holder: holder.into() });
        let write = || vec![SyncWrite::PutLinks(vec![link("u", "t")])];
        store.lease("a", "one", (0, 100)).await.unwrap();
        assert!(!store.commit("a", fence("two"), write()).await.unwrap());
        assert!(store.links("a", &[key("u")]).await.unwrap().is_empty());
        assert!(store.commit("a", fence("one"), write()).await.unwrap());
        assert_eq!(store.links("a", &[key("u")]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_fails_and_what_is_held_is_not_purged() {
    for place in Place::each().await {
        let store = open(&place).await;
        let states = ["done", "failed", "held", "dropped", "waiting", "sent"];
        let run = |run, mode: &str, ended_ms| RunRow {
            run,
            mode: mode.into(),
            started_ms: 1,
            ended_ms,
            counts: String::new(),
            result: String::new(),
            causes: String::new(),
        };
        let operations = states.iter().zip(0..).map(|(state, seq)| operation(1, seq, state)).collect();
        let writes = vec![
            SyncWrite::PutRun(run(1, "incremental", 5)),
            SyncWrite::PutRun(run(2, "full", 5)),
            SyncWrite::PutRun(run(3, "incremental", 0)),
            SyncWrite::PutRun(run(4, "incremental", 5)),
            SyncWrite::AddOperations(operations),
        ];
        store.commit("a", None, writes).await.unwrap();
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(store.purge(30 * day).await.unwrap(), 0);
        assert_eq!(store.purge(30 * day + 5).await.unwrap(), 3, "a run of changes goes with its operations");
        let left = store.open_operations("a", (1, -1), 9).await.unwrap();
        let left: Vec<_> = left.iter().map(|row| row.mark.state.as_str()).collect();
        assert_eq!(left, ["failed", "held", "waiting", "sent"]);
        assert_eq!(store.purge(365 * day + 5).await.unwrap(), 1);
        let runs: Vec<_> = store.runs("a", 9).await.unwrap().iter().map(|run| run.run).collect();
        assert_eq!(runs, [3, 1], "a run with open operations stays, and one that has not ended");
    }
}

#[tokio::test]
async fn operations_turn_and_are_marked() {
    for place in Place::each().await {
        let store = open(&place).await;
        let operations =
            (0..70).map(|seq| operation(1, seq, "waiting")).chain([operation(2, 0, "held")]).collect();
        let sent = SyncWrite::MarkAll { run: 1, seqs: (0..40).collect(), state: "sent", at_ms: 7 };
        let mark =
            Mark { state: "failed".into(), attempts: 8, rounds: 1, next_try_ms: 99, ..Mark::default() };
        let failed = SyncWrite::MarkOne { run: 1, seq: 3, mark: mark.clone() };
        store.commit("a", None, vec![SyncWrite::AddOperations(operations), sent, failed]).await.unwrap();
        let open = store.open_operations("a", (0, 0), 100).await.unwrap();
        assert_eq!(open.len(), 71);
        assert_eq!((&open[3].mark, open[3].phase), (&mark, 3));
        let at = store.operations_at("a", 1, &[3, 68, 5]).await.unwrap();
        assert_eq!(
            at.iter().map(|row| (row.seq, row.body.as_str())).collect::<Vec<_>>(),
            [(3, "{}"), (5, "{}"), (68, "{}")]
        );
        assert!(store.open_index("a", (1, 67), 100).await.unwrap().iter().all(|row| row.body.is_empty()));
        assert_eq!(open.iter().filter(|row| row.mark.state == "sent").count(), 39);
        let allow = SyncWrite::Turn { run: Some(2), from: "held", to: "waiting", at_ms: 8 };
        let drop = SyncWrite::Turn { run: None, from: "failed", to: "dropped", at_ms: 8 };
        store.commit("a", None, vec![allow, drop]).await.unwrap();
        let open = store.open_operations("a", (1, 39), 100).await.unwrap();
        assert_eq!((open.len(), open[30].run, open[30].mark.state.as_str()), (31, 2, "waiting"));
        let of = store.operations_for("a", &key("u3"), 5).await.unwrap();
        assert_eq!((of.len(), of[0].mark.state.as_str()), (1, "dropped"));
    }
}

/// However a database sorts: each page goes on where the one before ended.
#[tokio::test]
async fn pages_hold_everything_once_whatever_ids_look_like() {
    for place in Place::each().await {
        let store = open(&place).await;
        let ids = [
            "a", "A", "b", "B", "_", "-", "a-b", "ab", "A b", "1", "10", "é", "え", "エ", "漢", "か", "が",
            "ｶ",
        ];
        let links = ids.iter().map(|id| link(id, &format!("t{id}"))).collect();
        let parts = ids.iter().map(|id| members(id, 3, id)).collect();
        store
            .commit("a", None, vec![SyncWrite::PutLinks(links), SyncWrite::PutMembers(parts)])
            .await
            .unwrap();
        let mut found = Vec::new();
        let mut after = KeyRow::default();
        loop {
            let page = store.links_after("a", &after, 4).await.unwrap();
            let (Some(first), Some(last)) = (page.first(), page.last()) else { break };
            let with = store.members_between("a", &first.key, &last.key).await.unwrap();
            let whose: Vec<_> = with.into_iter().map(|row| row.members).collect();
            let ids: Vec<_> = page.iter().map(|row| row.key.1.clone()).collect();
            assert_eq!(whose, ids);
            found.extend(ids);
            after = last.key.clone();
        }
        found.sort();
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }
}

/// PostgreSQL takes no NUL in a text, and no long one in an index: neither may stop a run.
#[tokio::test]
async fn whatever_a_directory_or_a_service_calls_things_is_kept() {
    for place in Place::each().await {
        let store = open(&place).await;
        let mut strange = link("u\0v", "t\0");
        strange.dn = "cn=a\0b".to_owned();
        strange.name = "cn=a\0b".to_owned();
        let mark = Mark { state: "failed".into(), error: "no\0 way".into(), ..Mark::default() };
        let writes = vec![
            SyncWrite::PutLinks(vec![strange]),
            SyncWrite::PutMembers(vec![members("u\0v", 0, "who")]),
            SyncWrite::AddOperations(vec![operation(1, 1, "waiting")]),
            SyncWrite::MarkOne { run: 1, seq: 1, mark },
        ];
        store.commit("a", None, writes).await.unwrap();
        let found = store.links("a", &[key("u\0v")]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(store.links_at("a", &[key("t\0")]).await.unwrap(), found);
        assert_eq!(store.members("a", &[key("u\0v")]).await.unwrap().len(), 1);
        assert!(store.open_operations("a", (0, 0), 9).await.unwrap()[0].mark.error.starts_with("no"));

        // No two octets of it are alike for long, so that it cannot be made shorter.
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        };
        let long: String = (0..4_000).map(|_| next()).collect();
        let mut row = link("long", "t");
        row.name = long.clone();
        row.dn = long.clone();
        store.commit("a", None, vec![SyncWrite::PutLinks(vec![row])]).await.unwrap();
        let found = store.links_named("a", &[key(&long), key(&long[1..])]).await.unwrap();
        assert_eq!(found.iter().map(|row| row.dn.as_str()).collect::<Vec<_>>(), [long.as_str()]);
    }
}
