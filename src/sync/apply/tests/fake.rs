//! A target in memory, which outlives whoever applies something to it, and can be made to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::scim::patch::group;
use crate::sync::object::ObjectType;
use crate::sync::questions::Questions;
use crate::sync::target::{Ability, Edit, FaultKind, Target, TargetFault, TargetObject};

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub(super) enum Mishap {
    /// It is done, and nobody hears of it.
    LoseAnswer,
    /// It is not done.
    Fault(TargetFault),
    /// It is neither done nor answered.
    Hang,
    /// Nobody hears of it after this time, and it is done only when as much has passed again.
    Late(Duration),
    /// It waits there until it is held back.
    Wait,
}

pub(super) fn fault(kind: FaultKind, code: u16, detail: &str) -> TargetFault {
    TargetFault { kind, code, detail: detail.into(), retry_after: None }
}

type Chance = Box<dyn FnMut(&str, &str) -> Option<Mishap> + Send>;

#[derive(Default)]
pub(super) struct Inner {
    pub(super) objects: BTreeMap<(ObjectType, String), BTreeMap<String, Value>>,
    made: u64,
    /// Every call: what, and the id, userName or value that it was about.
    pub(super) calls: Vec<(String, String)>,
    pub(super) unique: bool,
    chance: Option<Chance>,
    /// How many creations were under way at once, at most.
    flying: usize,
    pub(super) widest: usize,
    pub(super) held: watch::Sender<bool>,
    /// What will be there, and when.
    late: Vec<(Instant, ObjectType, BTreeMap<String, Value>)>,
}

impl Inner {
    /// What was late and is done now.
    fn arrive(&mut self) {
        let (now, objects) = (Instant::now(), &mut self.objects);
        for (_, kind, values) in self.late.extract_if(.., |(then, ..)| *then <= now) {
            objects.insert((kind, format!("late{}", objects.len())), values);
        }
    }
}

/// The target.
#[derive(Default)]
pub(super) struct Fake(Mutex<Inner>);

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// From now on calls (what, about which) fail as this says.
    pub(super) fn fail(&self, chance: impl FnMut(&str, &str) -> Option<Mishap> + Send + 'static) {
        self.inner().chance = Some(Box::new(chance));
    }

    pub(super) fn heal(&self) {
        self.inner().chance = None;
    }

    /// Puts an object there; returns its id.
    pub(super) fn put(&self, kind: ObjectType, values: Value) -> String {
        let mut inner = self.inner();
        inner.made += 1;
        let id = format!("t{}", inner.made);
        inner.objects.insert((kind, id.clone()), serde_json::from_value(values).unwrap());
        id
    }

    /// The values of the one object that has this external id.
    pub(super) fn one(&self, external: &str) -> (String, BTreeMap<String, Value>) {
        let inner = self.inner();
        let mut found =
            inner.objects.iter().filter(|(_, values)| values.get("externalId") == Some(&json!(external)));
        let ((_, id), values) = found.next().unwrap_or_else(|| panic!("nothing has {external}"));
        assert!(found.next().is_none(), "two objects have {external}");
        (id.clone(), values.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.inner().objects.len()
    }

    pub(super) fn writes(&self) -> usize {
        let writes = ["create", "modify", "delete"];
        self.inner().calls.iter().filter(|(what, _)| writes.contains(&what.as_str())).count()
    }

    pub(super) fn count(&self, what: &str) -> usize {
        self.inner().calls.iter().filter(|(called, _)| called == what).count()
    }

    async fn call<T>(
        &self,
        (what, about): (&str, &str),
        act: impl FnOnce(&mut Inner) -> Result<T, TargetFault>,
    ) -> Result<T, TargetFault> {
        {
            let mut inner = self.inner();
            inner.arrive();
            inner.flying += 1;
            inner.widest = inner.widest.max(inner.flying);
        }
        tokio::task::yield_now().await;
        let mishap = {
            let mut inner = self.inner();
            inner.flying -= 1;
            inner.calls.push((what.into(), about.into()));
            inner.chance.as_mut().and_then(|chance| chance(what, about))
        };
        let answer = match mishap {
            None => act(&mut self.inner()),
            Some(Mishap::Fault(fault)) => Err(fault),
            Some(Mishap::Hang) => std::future::pending().await,
            Some(Mishap::Late(lasts)) => {
                tokio::time::sleep(lasts).await;
                let mut inner = self.inner();
                let there: BTreeSet<_> = inner.objects.keys().cloned().collect();
                drop(act(&mut inner));
                let made = inner.objects.extract_if(.., |key, _| !there.contains(key));
                let made: Vec<_> =
                    made.map(|((kind, _), values)| (Instant::now() + lasts, kind, values)).collect();
                inner.late.extend(made);
                Err(fault(FaultKind::Unknown, 81, "no answer in time"))
            }
            Some(Mishap::Wait) => {
                let mut held = self.inner().held.subscribe();
                assert!(held.wait_for(|held| *held).await.is_ok());
                Err(fault(FaultKind::Unsent, 51, "not sent"))
            }
            Some(Mishap::LoseAnswer) => {
                drop(act(&mut self.inner()));
                Err(fault(FaultKind::Unknown, 81, "no answer"))
            }
        };
        tokio::task::yield_now().await;
        answer
    }
}

#[async_trait]
impl Target for Fake {
    async fn probe(&self) -> Result<Ability, TargetFault> {
        self.call(("probe", ""), |_| Ok(Ability::default())).await
    }

    fn hold(&self, held: bool) {
        self.inner().held.send_replace(held);
    }

    async fn list(
        &self,
        _: ObjectType,
        _: mpsc::Sender<Vec<TargetObject>>,
        _: &Questions,
    ) -> Result<(), TargetFault> {
        Ok(())
    }

    async fn read(&self, _: ObjectType, _: &str) -> Result<Option<TargetObject>, TargetFault> {
        Ok(None)
    }

    async fn find(
        &self,
        kind: ObjectType,
        path: &str,
        value: &str,
    ) -> Result<Vec<TargetObject>, TargetFault> {
        let act = |inner: &mut Inner| {
            let found = inner.objects.iter().filter(|((of, _), values)| {
                *of == kind && values.get(path).and_then(Value::as_str) == Some(value)
            });
            Ok(found.map(|((_, id), values)| TargetObject { id: id.clone(), body: json!(values) }).collect())
        };
        self.call(("find", value), act).await
    }

    async fn create(
        &self,
        kind: ObjectType,
        values: &BTreeMap<String, Value>,
    ) -> Result<TargetObject, TargetFault> {
        let name = values.get("userName").cloned();
        let about = name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let act = |inner: &mut Inner| {
            let same = |((of, _), held): (&(ObjectType, String), &BTreeMap<String, Value>)| {
                *of == kind && name.is_some() && held.get("userName") == name.as_ref()
            };
            if inner.unique && inner.objects.iter().any(same) {
                return Err(fault(FaultKind::Conflict, 68, "uniqueness"));
            }
            inner.made += 1;
            let id = format!("t{}", inner.made);
            inner.objects.insert((kind, id.clone()), values.clone());
            Ok(TargetObject { id, body: json!(values) })
        };
        self.call(("create", &about), act).await
    }

    async fn modify(&self, kind: ObjectType, id: &str, edits: &[Edit]) -> Result<(), TargetFault> {
        let act = |inner: &mut Inner| {
            let gone = || fault(FaultKind::NotFound, 32, "no such object");
            let held = inner.objects.get_mut(&(kind, id.to_owned())).ok_or_else(gone)?;
            // An attribute with parts is replaced as a whole.
            let groups = edits.iter().filter_map(|edit| match edit {
                Edit::Set(path, _) if path.contains('.') => Some(group(path)),
                _ => None,
            });
            let groups: BTreeSet<&str> = groups.collect();
            held.retain(|path, _| !groups.contains(group(path)));
            for edit in edits {
                match edit {
                    Edit::Set(path, value) => drop(held.insert(path.clone(), value.clone())),
                    Edit::Clear(path) => drop(held.remove(path)),
                    Edit::Join(path, ids) | Edit::Leave(path, ids) => {
                        let list = held.entry(path.clone()).or_insert_with(|| json!([]));
                        let list = list.as_array_mut().unwrap();
                        list.retain(|member| !ids.iter().any(|id| member == id));
                        if matches!(edit, Edit::Join(..)) {
                            list.extend(ids.iter().map(|id| json!(id)));
                        }
                    }
                }
            }
            Ok(())
        };
        self.call(("modify", id), act).await
    }

    async fn delete(&self, kind: ObjectType, id: &str) -> Result<(), TargetFault> {
        let act = |inner: &mut Inner| match inner.objects.remove(&(kind, id.to_owned())) {
            Some(_) => Ok(()),
            None => Err(fault(FaultKind::NotFound, 32, "no such object")),
        };
        self.call(("delete", id), act).await
    }

    fn value(&self, object: &TargetObject, path: &str) -> Option<Value> {
        object.body.get(path).cloned()
    }
}
