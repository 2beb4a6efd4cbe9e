//! Carrying out, against a target in memory.

mod crash;
mod denied;
mod early;
mod fake;
mod held;
mod late;
mod refused;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use self::fake::Fake;
use super::journal::{Journal, ShownValue, WriteKind, Written};
use super::*;
use crate::clock::{Clock, ManualClock, SeededIds, Timestamp};
use crate::store::Store;
use crate::sync::hooks::Hook;
use crate::sync::mapping::sum_of_link;
use crate::sync::operation::{Action, Afterwards, Change, Operation};
use crate::sync::state::{Planned, Progress};

/// A file with state, a target, and everything else that an application needs.
struct Fixture {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    fake: Arc<Fake>,
    policy: Policy,
    ids: SeededIds,
    heard: Heard,
    cancel: watch::Sender<bool>,
    early: Early,
}

/// A journal that keeps its lines.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Journal for Heard {
    fn wrote(&self, written: &Written<'_>) {
        self.0.lock().unwrap().push(line(written));
    }

    fn skipped(&self, written: &Written<'_>) {
        self.0.lock().unwrap().push(format!("skipped {}", line(written)));
    }

    fn denied(&self, account: &str, retries: u32, fault: &TargetFault) {
        self.0.lock().unwrap().push(format!("denied {account} {fault} retry={retries}"));
    }
}

fn line(written: &Written<'_>) -> String {
    let mut line = format!(
        "{} {} {} {} retry={}",
        written.kind.as_str(),
        written.dn,
        written.code,
        written.detail,
        written.retries
    );
    for shown in &written.changes {
        let value = match &shown.value {
            ShownValue::Value(value) => value.to_string(),
            ShownValue::Objects(keys) => keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(";"),
            ShownValue::Secret => "***".into(),
            ShownValue::Nothing => String::new(),
        };
        line.extend([" ", shown.path, ":", &shown.sign.to_string(), &value]);
    }
    line
}

fn sum(value: &Value) -> u64 {
    value.to_string().bytes().fold(7, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
}

impl Fixture {
    fn new() -> Self {
        let usable = |path: &str| Standing { path: path.into(), usable: json!(true), unusable: json!(false) };
        let pace = PaceOptions {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(4),
            ..PaceOptions::default()
        };
        let policy = Policy {
            standing: BTreeMap::from([(ObjectType::User, usable("active"))]),
            external_id: Some("externalId".into()),
            adopt: true,
            secret: BTreeSet::from(["pin".to_owned()]),
            pace,
            hooks: Hooks::default(),
            sums: Sums { value: sum, reference: |key| sum(&json!(key.to_string())), link: sum_of_link },
        };
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap())),
            fake: Arc::default(),
            policy,
            ids: SeededIds::new(3),
            heard: Heard::default(),
            cancel: watch::Sender::new(false),
            early: Early::Nothing,
        }
    }

    async fn open(&self) -> State {
        let store = Store::open(&format!("sqlite:{}", self.dir.path().join("s.db").display())).await.unwrap();
        State::new(store.sync_state().await.unwrap(), "saas", Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    async fn apply(&self, state: &State) -> Applied {
        self.try_apply(state).await.unwrap()
    }

    async fn try_apply(&self, state: &State) -> Result<Applied, StateError> {
        apply(Application {
            state,
            target: Arc::clone(&self.fake) as Arc<dyn Target>,
            policy: Arc::new(self.policy.clone()),
            ids: &self.ids,
            journal: &self.heard,
            only: None,
            early: self.early.clone(),
            cancel: self.cancel.subscribe(),
        })
        .await
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.0.lock().unwrap())
    }
}

fn user(id: &str) -> ObjectKey {
    ObjectKey::new(ObjectType::User, id)
}

fn group(id: &str) -> ObjectKey {
    ObjectKey::new(ObjectType::Group, id)
}

fn set(path: &str, value: impl Into<Value>) -> Change {
    Change::Set { path: path.into(), value: value.into() }
}

fn join(members: &[ObjectKey]) -> Change {
    Change::Join { path: "members".into(), members: members.to_vec() }
}

fn operation(action: Action, key: ObjectKey, changes: Vec<Change>) -> Operation {
    Operation {
        action,
        dn: format!("uid={}", key.id),
        key,
        target_id: None,
        changes,
        match_by: Vec::new(),
        afterwards: Afterwards::default(),
    }
}

/// A creation with its name and the id at the source.
fn create(key: ObjectKey, mut changes: Vec<Change>) -> Operation {
    changes.extend([set("userName", key.id.clone()), set("externalId", key.id.clone())]);
    let match_by = vec![("externalId".into(), key.id.clone()), ("userName".into(), key.id.clone())];
    Operation { match_by, ..operation(Action::Create, key, changes) }
}

async fn plan(state: &State, operations: Vec<Operation>) {
    state.begin(Planned { operations, ..Planned::default() }).await.unwrap();
}
