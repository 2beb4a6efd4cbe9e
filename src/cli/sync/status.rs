//! What `sekisho sync status` prints.

use std::collections::HashSet;
use std::io::Write;

use jiff::tz::TimeZone;
use serde_json::json;

use super::super::{Failure, table};
use super::output::{LISTED, word};
use crate::clock::Timestamp;
use crate::sync::apply::journal::WriteKind;
use crate::sync::state::{CUT_OFF, Kept, Run};
use crate::sync::status::{Leaving, NotBegun, Status};
use crate::sync::unsettled::{Everybody, Unsettled, more_are};
use crate::sync::words;

/// The newest runs of each target, what waits and what failed.
pub(super) fn status(
    all: &[Status],
    (json, zone): (bool, &TimeZone),
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if json {
        writeln!(out, "{:#}", all.iter().map(as_json).collect::<serde_json::Value>())?;
        return Ok(());
    }
    let shown =
        |instant: Timestamp| instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    for one in all {
        let paused = if one.paused { ", paused" } else { "" };
        let under_way = one.under_way.as_ref();
        let under_way = under_way.map_or_else(String::new, |by| format!(", a run is under way ({by})"));
        let line = format!("{}: {} linked{paused}{under_way}", one.target, one.linked);
        writeln!(out, "{}", words::one_line(line))?;
        let newest = one.runs.first().map(|run| run.run);
        let row = |run: &Run| {
            let ended = run.ended.map_or_else(|| "not ended".to_owned(), shown);
            let result = match (run.ended, one.under_way.is_some() && newest == Some(run.run)) {
                (Some(_), _) => &run.result,
                (None, true) => "under way",
                (None, false) => CUT_OFF,
            };
            [run.run.to_string(), run.mode.clone(), shown(run.started), ended, result.to_owned()]
                .map(|text| vec![text])
        };
        standing(one, &shown, out)?;
        if !one.runs.is_empty() {
            table::write(
                out,
                ["run", "mode", "began", "ended", "result"],
                one.runs.iter().map(row).collect(),
            )?;
        }
        waiting(one, out)?;
        for (run, count) in &one.held {
            writeln!(
                out,
                "run {run} holds {count} back: `sekisho sync allow {run} {}` releases exactly these",
                one.target
            )?;
        }
        for kept in one.failed.iter().take(LISTED) {
            let (code, told) = kept.fault.clone().unwrap_or_default();
            let (operation, next) = (&kept.operation, shown(kept.next_try));
            let what = format!("{} {}", word(operation.action), operation.dn);
            let remedy = words::remedy_of_write(WriteKind::of(operation.action), code, &told);
            let line = format!("{what}: {told} ({code}: {remedy}); tried again after {next}");
            writeln!(out, "{}", words::one_line(line))?;
        }
    }
    Ok(())
}

/// What is left to do.
fn waiting(one: &Status, out: &mut dyn Write) -> std::io::Result<()> {
    let (they, wait) = words::operations_wait(one.waiting);
    match (one.waiting, one.under_way.is_some()) {
        (0, _) => Ok(()),
        (_, true) => writeln!(out, "{they} {wait} to be sent"),
        (_, false) => writeln!(out, "{they} of an earlier run {wait} for the next one"),
    }
}

/// Why no run could begin or can, who is gone from the directory, and who is in conflict, cannot be carried or is only told
/// of.
fn standing(one: &Status, shown: &dyn Fn(Timestamp) -> String, out: &mut dyn Write) -> std::io::Result<()> {
    if let Some(NotBegun { since, at, code, cause, remedy }) = &one.not_begun {
        let since = if since == at { String::new() } else { format!(", none since {}", shown(*since)) };
        let line =
            format!("the last run, {}, could not begin{since}: {cause} ({code}: {remedy})", shown(*at));
        writeln!(out, "{}", words::one_line(line))?;
    }
    if let Some(cause) = &one.cannot_begin {
        writeln!(out, "{}", words::one_line(format!("no run can begin: {cause}")))?;
    }
    for Leaving { kind, count, deactivated, deleted } in &one.leaving {
        let (objects, are) = if *count == 1 { ("object", "is") } else { ("objects", "are") };
        let off = if *deactivated { " and deactivated" } else { "" };
        let then = match deleted {
            Some(deleted) => format!("the next deletion is due after {}", shown(*deleted)),
            None => "kept at the target".to_owned(),
        };
        writeln!(out, "{count} {objects} of {} {are} gone from the directory{off}; {then}", kind.as_str())?;
    }
    let Everybody { kept, more, .. } = &one.unsettled;
    // The sentence of one who wants the same as others names them.
    let mut known = HashSet::new();
    let first: Vec<&Unsettled> =
        kept.iter().filter(|one| one.shared().is_none_or(|what| known.insert(what))).collect();
    for one in first.iter().take(LISTED) {
        for told in &one.told {
            writeln!(out, "{} (since {})", words::one_line(told.clone()), shown(one.since))?;
        }
    }
    let others = first.len().saturating_sub(LISTED) + more;
    if others > 0 {
        let told = if *more == 0 { "all".to_owned() } else { format!("{} in all", kept.len()) };
        writeln!(out, "and {}; --json shows {told}", more_are(others))?;
    }
    Ok(())
}

fn as_json(one: &Status) -> serde_json::Value {
    let run = |run: &Run| {
        json!({
            "run": run.run, "mode": run.mode, "started": run.started.to_string(),
            "ended": run.ended.map(|ended| ended.to_string()), "result": run.result,
            "counts": run.counts, "causes": run.causes,
        })
    };
    let failed = |kept: &Kept| {
        let (code, told) = kept.fault.clone().unwrap_or_default();
        json!({
            "run": kept.run, "action": kept.operation.action, "object": kept.operation.key.to_string(),
            "dn": kept.operation.dn, "code": code, "detail": told, "next_try": kept.next_try.to_string(),
        })
    };
    let leaving = |one: &Leaving| {
        let deleted = one.deleted.map(|deleted| deleted.to_string());
        json!({ "object": one.kind.key(), "count": one.count, "next_deletion": deleted })
    };
    let unsettled = |one: &Unsettled| {
        json!({
            "object": one.key.to_string(), "dn": one.dn, "since": one.since.to_string(), "told": one.told,
        })
    };
    let not_begun = |one: &NotBegun| {
        json!({
            "since": one.since.to_string(), "at": one.at.to_string(), "code": one.code, "cause": one.cause,
            "remedy": one.remedy,
        })
    };
    json!({
        "target": one.target,
        "paused": one.paused,
        "under_way": one.under_way.is_some(),
        "holder": one.under_way,
        "waiting": one.waiting,
        "linked": one.linked,
        "leaving": one.leaving.iter().map(leaving).collect::<Vec<_>>(),
        "unsettled": one.unsettled.kept.iter().map(unsettled).collect::<Vec<_>>(),
        "unsettled_more": one.unsettled.more,
        "not_begun": one.not_begun.as_ref().map(not_begun),
        "cannot_begin": one.cannot_begin,
        "runs": one.runs.iter().map(run).collect::<Vec<_>>(),
        "held": one.held.iter().map(|(run, count)| json!({ "run": run, "operations": count })).collect::<Vec<_>>(),
        "failed": one.failed.iter().map(failed).collect::<Vec<_>>(),
    })
}
