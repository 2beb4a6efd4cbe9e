//! What the commands of synchronisation print.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use super::super::Failure;
use super::verdict;
use crate::sync::engine::Step;
use crate::sync::operation::Action;
use crate::sync::report::Report;
use crate::sync::target::Ability;
use crate::sync::words;
use crate::sync::{Change, Operation};

/// So many operations are listed; the file of `plan --out` has all.
pub(super) const LISTED: usize = 50;

/// What a run came to.
pub(super) fn report(report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    for line in report.summary() {
        writeln!(out, "{line}")?;
    }
    sentences(report, out)?;
    if let Some(fault) = &report.stopped {
        let line = format!("stopped: {fault} ({})", words::remedy_of(fault.code, &fault.detail));
        writeln!(out, "{}", words::one_line(line))?;
    }
    if report.failing > 0 {
        let (what, them) = match report.failing {
            1 => ("1 failed operation waits".to_owned(), "it"),
            failing => (format!("{failing} failed operations wait"), "them"),
        };
        writeln!(out, "{what} to be tried again; `sekisho sync status {}` shows {them}", report.target)?;
    }
    if let Some(waits) = report.waits() {
        writeln!(out, "{waits}")?;
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
        writeln!(out, "held back: {}", words::one_line(cause.clone()))?;
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

pub(super) fn word(action: Action) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_directory_do_not_steer_the_terminal() {
        let line = || vec!["title \"a\u{1b}[2Jb\nproblem: c\"".to_owned()];
        let found = Report { warnings: line(), problems: line(), causes: line(), ..Report::default() };
        let mut out = Vec::new();
        sentences(&found, &mut out).unwrap();
        let told = "title \"a [2Jb problem: c\"";
        assert_eq!(String::from_utf8(out).unwrap(), format!("warning: {told}\nproblem: {told}\n"));
        let mut out = Vec::new();
        held(&found, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("held back: {told}\n"));
        let mut out = Vec::new();
        let step = Step { name: "act", good: true, told: "x\u{1b}y".to_owned() };
        assert!(explain(&[step], &mut out).is_ok());
        assert_eq!(out, b"act      x y\n");
    }
}
