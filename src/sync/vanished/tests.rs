//! Who waits, and what is remembered of sources.

use std::sync::Arc;

use super::*;
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::store::Store;
use crate::sync::link::{Link, PathSums};
use crate::sync::object::ObjectType;
use crate::sync::state::Planned;

const CHILD: &str = "dc=child,dc=example,dc=test";
const DOMAIN: &str = "corp/child.example.test";

async fn state(folder: &tempfile::TempDir, planned: Planned) -> State {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
    let store = Store::open(&format!("sqlite:{}", folder.path().join("s.db").display())).await.unwrap();
    let state = State::new(store.sync_state().await.unwrap(), "saas", clock as Arc<dyn Clock>);
    state.begin(planned).await.unwrap();
    state
}

fn leaving() -> LinkState {
    LinkState::Leaving { since: Timestamp::from_second(7).unwrap() }
}

fn link(kind: ObjectType, id: &str, context: &str, state: LinkState) -> Link {
    Link {
        key: ObjectKey::new(kind, id),
        dn: format!("CN={id},OU=People,{context}"),
        target_id: format!("t-{id}"),
        state,
        sums: PathSums::default(),
        members: BTreeMap::new(),
    }
}

fn operation(action: Action, link: &Link) -> Operation {
    Operation {
        action,
        key: link.key.clone(),
        dn: link.dn.clone(),
        target_id: Some(link.target_id.clone()),
        changes: Vec::new(),
        match_by: Vec::new(),
        afterwards: Afterwards::default(),
    }
}

fn note(link: &Link, after: Option<Action>) -> Note {
    let key = link.key.clone();
    Note { key, after, dn: None, state: Some(leaving()), held: BTreeMap::new(), forget: false }
}

#[tokio::test]
async fn who_is_of_a_domain_that_is_not_there_waits_but_not_who_was_on_the_way_out() {
    let (user, group) = (ObjectType::User, ObjectType::Group);
    let active = link(user, "active", CHILD, LinkState::Active);
    let inactive = link(user, "inactive", "DC=Child,DC=Example,DC=test", LinkState::Inactive);
    let staff = link(group, "staff", CHILD, LinkState::Active);
    let allowed = link(user, "allowed", CHILD, leaving());
    let other = link(user, "other", "dc=example,dc=test", LinkState::Inactive);
    let links = [&active, &inactive, &staff, &allowed, &other].map(Clone::clone).to_vec();
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder, Planned { links, ..Planned::default() }).await;
    let before = Plan {
        operations: vec![operation(Action::Deactivate, &active), operation(Action::Delete, &allowed)],
        notes: vec![
            note(&active, Some(Action::Deactivate)),
            note(&inactive, None),
            note(&staff, None),
            note(&other, None),
        ],
        ..Plan::default()
    };
    let mut plan = before.clone();
    assert_eq!(away(&state, &BTreeSet::new(), &mut plan).await.unwrap(), BTreeMap::new());
    assert_eq!(plan, before);
    let vanished = BTreeSet::from([DOMAIN.to_owned()]);
    let found = away(&state, &vanished, &mut plan).await.unwrap();
    let waiting = [&active, &inactive, &staff].map(|link| (link.key.clone(), DOMAIN.to_owned()));
    assert_eq!(found, BTreeMap::from(waiting));
    assert_eq!(
        plan.operations.split_off(2),
        [operation(Action::Deactivate, &inactive), operation(Action::Deactivate, &staff)]
    );
    let after: Vec<Option<Action>> = plan.notes.iter().map(|note| note.after).collect();
    assert_eq!(after, [Some(Action::Deactivate), Some(Action::Deactivate), Some(Action::Deactivate), None]);
}

#[tokio::test]
async fn a_domain_is_forgotten_when_all_of_it_are_on_the_way_out() {
    let vanished = BTreeSet::from([DOMAIN.to_owned()]);
    for (of, forgotten) in [(leaving(), true), (LinkState::Inactive, false), (LinkState::Active, false)] {
        let folder = tempfile::tempdir().unwrap();
        let links =
            vec![link(ObjectType::User, "a", CHILD, of), link(ObjectType::User, "b", CHILD, leaving())];
        let state = state(&folder, Planned { links, ..Planned::default() }).await;
        let found = super::forgotten(&state, &vanished).await.unwrap();
        let expected = forgotten.then(|| (shelf(DOMAIN), String::new()));
        assert_eq!(found, expected.into_iter().collect(), "{of:?}");
    }
}

#[tokio::test]
async fn a_mark_is_kept_of_a_source_of_which_nothing_is_kept_yet() {
    let kept = [(shelf("corp/a"), "structure".to_owned()), (shelf("corp/b"), String::new())];
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder, Planned { structure: BTreeMap::from(kept), ..Planned::default() }).await;
    let mut structure = marks(["corp/a", "corp/b", "corp/c"].into_iter());
    only_new_marks(&state, &mut structure).await.unwrap();
    assert_eq!(structure, marks(["corp/b", "corp/c"].into_iter()));
    // A mark is no structure: by it nobody takes changes for all that there is.
    assert!(serde_json::from_str::<crate::sync::structure::Stored>(MARK).is_err());
    let sources = [crate::sync::options::SourceOptions {
        directory: "corp".to_owned(),
        base: None,
        filters: BTreeMap::new(),
        filter: None,
    }];
    assert_eq!(super::vanished(&structure, &[], &sources), super::sources(&structure));
}
