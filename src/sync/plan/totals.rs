//! The numbers of a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::Planner;
use crate::sync::object::ObjectKey;
use crate::sync::operation::Action;

impl Planner {
    /// Counts objects; an object that is both changed and given members is one.
    pub(super) fn count(&mut self) {
        let plan = &mut self.plan;
        let totals = &mut plan.totals;
        for (kind, others) in &self.others {
            totals.entry(*kind).or_default().linked += others;
        }
        for (key, _) in self.ledger.iter() {
            totals.entry(key.kind).or_default().linked += 1;
        }
        for (kind, told) in &self.told {
            totals.entry(*kind).or_default().total = *told;
        }
        let mut touched: BTreeMap<&ObjectKey, Action> = BTreeMap::new();
        for operation in plan
            .operations
            .iter()
            .filter(|operation| !operation.changes.is_empty() || operation.action >= Action::Deactivate)
        {
            let kept = touched.entry(&operation.key).or_insert(operation.action);
            if matches!(operation.action, Action::Create | Action::Delete) {
                *kept = operation.action;
            }
        }
        for (key, action) in &touched {
            let totals = totals.entry(key.kind).or_default();
            match action {
                Action::Create => totals.add += 1,
                Action::Delete => totals.delete += 1,
                _ => totals.modify += 1,
            }
        }
        let skipped: BTreeSet<&ObjectKey> = plan
            .skipped
            .iter()
            .map(|skipped| &skipped.key)
            .chain(plan.conflicts.iter().map(|conflict| &conflict.key))
            .chain(plan.reports.iter().map(|report| &report.key))
            .collect();
        for key in &skipped {
            totals.entry(key.kind).or_default().skip += 1;
        }
        let ledger = &self.ledger;
        let seen = |key: &ObjectKey| {
            self.created.contains_key(key)
                || skipped.contains(key)
                || ledger.find(key).is_some_and(|known| known.seen)
        };
        for (kind, totals) in totals.iter_mut() {
            let busy: BTreeSet<&ObjectKey> = touched
                .keys()
                .copied()
                .chain(skipped.iter().copied())
                .filter(|key| key.kind == *kind && seen(key))
                .collect();
            totals.unchanged = totals.total.saturating_sub(busy.len() as u64);
        }
    }
}
