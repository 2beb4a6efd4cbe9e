//! Whatever moment it ends at, the next one finishes it: nothing twice, nothing lost.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::fake::{Mishap, fault};
use super::*;
use crate::clock::Ids;
use crate::sync::target::FaultKind;

/// A future that is polled so often and not once more.
struct Until<F> {
    inner: Pin<Box<F>>,
    polls: u64,
}

impl<F: Future> Future for Until<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(cx).map(Some)
    }
}

fn drawn(ids: &SeededIds, below: u64) -> u64 {
    let mut bytes = [0; 8];
    ids.fill(&mut bytes);
    u64::from_le_bytes(bytes) % below
}

fn planned() -> Vec<Operation> {
    let name = |kind: &str, n: usize| format!("{kind}{n}");
    let unit = |n| ObjectKey::new(ObjectType::Organization, name("o", n));
    let refer = |path: &str, to| Change::Refer { path: path.into(), to };
    let people: Vec<_> = (0..270).map(|n| user(&name("u", n))).collect();
    let mut operations = vec![create(unit(0), vec![])];
    operations.extend((1..10).map(|n| create(unit(n), vec![refer("parent", unit(n - 1))])));
    operations.extend((0..270).map(|n| {
        let random = Change::Random { path: "password".into() };
        create(people[n].clone(), vec![set("title", name("title", n)), refer("unit", unit(n % 10)), random])
    }));
    operations.extend((0..20).map(|n| create(group(&name("g", n)), vec![])));
    operations.extend(
        (0..20).map(|n| {
            operation(Action::Relate, group(&name("g", n)), vec![join(&people[n * 10..n * 10 + 50])])
        }),
    );
    operations
}

/// What the target has must be what was planned, once.
fn compare(fixture: &Fixture) {
    assert_eq!(fixture.fake.len(), 300, "nothing twice and nothing lost");
    for n in 0..270 {
        let (_, values) = fixture.fake.one(&format!("u{n}"));
        assert_eq!(values["title"], json!(format!("title{n}")));
        assert_eq!(values["unit"], json!(fixture.fake.one(&format!("o{}", n % 10)).0));
    }
    for n in 0..20 {
        let members = fixture.fake.one(&format!("g{n}")).1["members"].clone();
        let members: BTreeSet<_> =
            members.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        let expected = (n * 10..n * 10 + 50).map(|n| fixture.fake.one(&format!("u{n}")).0);
        assert_eq!(members, expected.collect::<BTreeSet<_>>());
    }
}

/// Applies until all is done; dies again and again on the way. Says how often it died.
async fn crash_loop(fixture: &Fixture, seed: u64) -> usize {
    let chance = SeededIds::new(seed);
    let target_chance = SeededIds::new(!seed);
    fixture.fake.fail(move |_, _| match drawn(&target_chance, 100) {
        0..5 => Some(Mishap::LoseAnswer),
        5..15 => Some(Mishap::Fault(fault(FaultKind::Busy, 51, "503"))),
        // One that hangs is ended by the next crash alone.
        15 if drawn(&target_chance, 20) == 0 => Some(Mishap::Hang),
        _ => None,
    });
    plan(&fixture.open().await, planned()).await;
    for died in 0..400 {
        let state = fixture.open().await;
        // In the end it is let go on, in order that the test has one.
        let polls = if died < 60 { 1 + drawn(&chance, 40) } else { 20_000 };
        let life = Until { inner: Box::pin(fixture.try_apply(&state)), polls };
        let life = tokio::time::timeout(Duration::from_millis(600), life).await;
        if let Ok(Some(ended)) = life
            && ended.unwrap().end == End::Complete
        {
            if state.open().await.unwrap().is_empty() {
                return died;
            }
            // By bad luck something failed so often that it was put off.
            fixture.clock.advance(crate::clock::SignedDuration::from_hours(25));
        }
    }
    let open = fixture.open().await.open().await.unwrap();
    let open: Vec<_> = open.iter().map(|kept| (&kept.operation.key.id, kept.progress, &kept.fault)).collect();
    panic!("seed {seed}: it came to no end: {open:?}");
}

#[tokio::test]
async fn whatever_moment_it_dies_at_nothing_is_lost_and_nothing_twice() {
    for seed in 0..3 {
        // Where names are not unique, a second creation is a second object.
        let fixture = Fixture::new();
        fixture.fake.inner().unique = seed == 2;
        let died = crash_loop(&fixture, seed).await;
        assert!(died >= 20, "seed {seed}: {died} crashes show little");
        compare(&fixture);
        fixture.fake.heal();
        let state = fixture.open().await;
        let links = state.links().all().await.unwrap();
        assert_eq!(links.len(), 300);
        for link in links {
            assert_eq!(link.target_id, fixture.fake.one(&link.key.id).0);
            assert_eq!(link.sums.to_map()["userName"], sum(&json!(link.key.id)));
            let members = link.members.get("members").map_or(0, BTreeSet::len);
            assert_eq!(members, if link.key.kind == ObjectType::Group { 50 } else { 0 });
        }
        let before = fixture.fake.writes();
        assert_eq!(fixture.apply(&state).await.end, End::Complete);
        assert_eq!(fixture.fake.writes(), before, "what is done is not done again");
    }
}
