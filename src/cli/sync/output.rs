//! What the commands of synchronisation print.

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
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
        // One that was there keeps what it allowed.
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
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
    let status = format!("`sekisho sync status {} --json` shows them", report.target);
    // Whoever only checks keeps nothing.
    let all = if report.run.is_none() { "`sekisho sync plan` writes all to a file" } else { &status };
    let warnings: Vec<&String> = report.warnings.iter().collect();
    let shown_by = Some(all).filter(|_| report.run.is_none());
    few("warning", &warnings, Some(("warnings", shown_by)), out)?;
    for problems in report.problems.chunk_by(|one, next| one.kind == next.kind) {
        let Some(kind) = problems.first().map(|first| first.kind) else { continue };
        let told: Vec<&String> = problems.iter().map(|problem| &problem.told).collect();
        let shown_by = Some(all).filter(|_| report.run.is_none() || kind.is_kept());
        few("problem", &told, kind.many().map(|many| (many, shown_by)), out)?;
    }
    Ok(())
}

/// Sentences; of those that may be many the first, and how many more there are and what shows them.
fn few(
    word: &str,
    all: &[&String],
    many: Option<(&str, Option<&str>)>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let most = if many.is_some() { LISTED } else { all.len() };
    for told in all.iter().take(most) {
        writeln!(out, "{word}: {}", words::one_line((*told).clone()))?;
    }
    let more = all.len().saturating_sub(most);
    match many.filter(|_| more > 0) {
        Some((many, Some(shown_by))) => writeln!(out, "{word}: and {more} more {many}; {shown_by}"),
        Some((many, None)) => writeln!(out, "{word}: and {more} more {many}"),
        None => Ok(()),
    }
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
    use crate::sync::problem::{Problem, ProblemKind};

    fn problem(kind: ProblemKind, told: &str) -> Problem {
        Problem { kind, told: told.to_owned() }
    }

    #[test]
    fn many_of_a_kind_are_told_as_a_few_and_hide_no_other_kind() {
        let kinds =
            [(ProblemKind::Invalid, LISTED + 3), (ProblemKind::Unasked, LISTED), (ProblemKind::Few, 60)];
        let problems = kinds.iter().flat_map(|(kind, count)| vec![problem(*kind, "x"); *count]).collect();
        let mut found = Report {
            target: "idp".to_owned(),
            warnings: vec!["w".to_owned(); LISTED + 1],
            problems,
            ..Report::default()
        };
        let printed = |found: &Report| {
            let mut out = Vec::new();
            sentences(found, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let check = printed(&found);
        let of_plan = "; `sekisho sync plan` writes all to a file";
        let more = format!("problem: and 3 more values that do not pass the rules{of_plan}\nproblem: x\n");
        assert!(
            check.contains(&more) && check.contains(&format!("and 1 more warnings{of_plan}\n")),
            "{check}"
        );
        assert_eq!(
            (check.matches(": x\n").count(), check.matches(": w\n").count()),
            (2 * LISTED + 60, LISTED)
        );
        found.run = Some(1);
        let run = printed(&found);
        assert!(run.contains("rules; `sekisho sync status idp --json` shows them\n"), "{run}");
        assert!(run.contains("and 1 more warnings\n"), "{run}");
    }

    #[test]
    fn values_of_a_directory_do_not_steer_the_terminal() {
        let line = || vec!["title \"a\u{1b}[2Jb\nproblem: c\"".to_owned()];
        let problems = vec![problem(ProblemKind::Few, &line()[0])];
        let found = Report { warnings: line(), problems, causes: line(), ..Report::default() };
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
