//! What the commands of synchronisation print.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::{Failure, table};
use super::verdict;
use crate::clock::Timestamp;
use crate::sync::engine::{Status, Step};
use crate::sync::operation::Action;
use crate::sync::report::Report;
use crate::sync::target::Ability;
use crate::sync::words;
use crate::sync::{Change, Operation};

/// So many operations are listed; the file of `plan --out` has all.
const LISTED: usize = 50;

/// What a run came to.
pub(super) fn report(report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    for line in report.summary() {
        writeln!(out, "{line}")?;
    }
    sentences(report, out)?;
    if let Some(fault) = &report.stopped {
        writeln!(out, "stopped: {fault} ({})", words::remedy_of(fault.code, &fault.detail))?;
    }
    if report.put_off > 0 {
        writeln!(
            out,
            "{} put off to a later run; `sekisho sync status {}` shows them",
            report.put_off, report.target
        )?;
    }
    if report.left > 0 {
        writeln!(out, "{} wait for the next run", report.left)?;
    }
    held(report, out)?;
    verdict(report)
}

/// Writes a file that its owner alone may read: a plan holds personal data.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let written = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    Ok(written().with_context(|| format!("cannot write {}", path.display()))?)
}

/// What a check found.
pub(super) fn check(report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    for line in report.summary() {
        writeln!(out, "{line}")?;
    }
    list("would be done", &report.operations, out)?;
    sentences(report, out)?;
    held(report, out)?;
    if report.problems.is_empty() && report.held.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

fn held(report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    for cause in &report.causes {
        writeln!(out, "held back: {cause}")?;
    }
    Ok(list("held back", &report.held, out)?)
}

fn sentences(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let plain = |line: &String| words::one_line(line.clone());
    report.warnings.iter().map(plain).try_for_each(|line| writeln!(out, "warning: {line}"))?;
    report.problems.iter().map(plain).try_for_each(|line| writeln!(out, "problem: {line}"))
}

fn list(title: &str, operations: &[Operation], out: &mut dyn Write) -> std::io::Result<()> {
    if operations.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}: {}", operations.len())?;
    for operation in operations.iter().take(LISTED) {
        let paths: Vec<&str> = operation.changes.iter().map(path).collect();
        let (action, kind) = (word(operation.action), operation.key.kind.as_str());
        let dn = words::one_line(operation.dn.clone());
        writeln!(out, "  {action} {kind} {dn} {}", paths.join(" "))?;
    }
    if operations.len() > LISTED {
        writeln!(out, "  and {} more; `sekisho sync plan` writes all to a file", operations.len() - LISTED)?;
    }
    Ok(())
}

fn path(change: &Change) -> &str {
    match change {
        Change::Set { path, .. }
        | Change::Clear { path }
        | Change::Random { path }
        | Change::Refer { path, .. }
        | Change::Join { path, .. }
        | Change::Leave { path, .. } => path,
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Adopt => "adopt",
        Action::Create => "create",
        Action::Modify => "modify",
        Action::Activate => "activate",
        Action::Relate => "relate",
        Action::Deactivate => "deactivate",
        Action::Delete => "delete",
    }
}

/// What becomes of one person.
pub(super) fn explain(steps: &[Step], out: &mut dyn Write) -> Result<(), Failure> {
    for step in steps {
        writeln!(out, "{:8} {}", step.name, words::one_line(step.told.clone()))?;
    }
    if steps.iter().all(|step| step.good) { Ok(()) } else { Err(Failure::Found) }
}

/// What a target has.
pub(super) fn test(target: &str, ability: &Ability, out: &mut dyn Write) -> Result<(), Failure> {
    let types: Vec<&str> = ability.types.iter().map(|kind| kind.as_str()).collect();
    let lists = if ability.lists { "lists all of them" } else { "finds them one by one" };
    writeln!(out, "{target} answers and takes the credentials; it has {} and {lists}", types.join(", "))?;
    Ok(())
}

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
    let shown = |instant: Timestamp| instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    for one in all {
        let paused = if one.paused { ", paused" } else { "" };
        writeln!(out, "{}: {} linked{paused}", one.target, one.linked)?;
        let row = |run: &crate::sync::state::Run| {
            let ended = run.ended.map_or_else(|| "not ended".to_owned(), shown);
            let result = if run.result.is_empty() { "cut off" } else { &run.result };
            [run.run.to_string(), run.mode.clone(), shown(run.started), ended, result.to_owned()]
                .map(|text| vec![text])
        };
        if !one.runs.is_empty() {
            table::write(
                out,
                ["run", "mode", "began", "ended", "result"],
                one.runs.iter().map(row).collect(),
            )?;
        }
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
            let remedy = words::remedy_of(code, &told);
            let line = format!("{what}: {told} ({code}: {remedy}); tried again after {next}");
            writeln!(out, "{}", words::one_line(line))?;
        }
    }
    Ok(())
}

fn as_json(one: &Status) -> serde_json::Value {
    let run = |run: &crate::sync::state::Run| {
        json!({
            "run": run.run, "mode": run.mode, "started": run.started.to_string(),
            "ended": run.ended.map(|ended| ended.to_string()), "result": run.result,
            "counts": run.counts, "causes": run.causes,
        })
    };
    let failed = |kept: &crate::sync::state::Kept| {
        let (code, told) = kept.fault.clone().unwrap_or_default();
        json!({
            "run": kept.run, "action": kept.operation.action, "object": kept.operation.key.to_string(),
            "dn": kept.operation.dn, "code": code, "detail": told, "next_try": kept.next_try.to_string(),
        })
    };
    json!({
        "target": one.target,
        "paused": one.paused,
        "linked": one.linked,
        "runs": one.runs.iter().map(run).collect::<Vec<_>>(),
        "held": one.held.iter().map(|(run, count)| json!({ "run": run, "operations": count })).collect::<Vec<_>>(),
        "failed": one.failed.iter().map(failed).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_directory_do_not_steer_the_terminal() {
        let line = || vec!["title \"a\u{1b}[2Jb\nproblem: c\"".to_owned()];
        let found = Report { warnings: line(), problems: line(), ..Report::default() };
        let mut out = Vec::new();
        sentences(&found, &mut out).unwrap();
        let told = "title \"a [2Jb problem: c\"";
        assert_eq!(String::from_utf8(out).unwrap(), format!("warning: {told}\nproblem: {told}\n"));
        let mut out = Vec::new();
        let step = Step { name: "act", good: true, told: "x\u{1b}y".to_owned() };
        assert!(explain(&[step], &mut out).is_ok());
        assert_eq!(out, b"act      x y\n");
    }
}
