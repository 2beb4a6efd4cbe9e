//! `[sync.conventions]`: what places and groups of the directory mean, and which of them are named there.

use super::super::DirectoryConfig;
use super::super::fault::Complaint;
use super::super::reader::Section;
use crate::sync::absent::Named;
use crate::sync::options::SourceOptions;
use crate::sync::structure::{Carry, ConventionOptions, Conventions};

/// The conventions, and the names that are written and not only defaults; but for those of groups that select, without
/// which no run begins.
pub(super) fn read(
    section: &Section<'_>,
    sources: &[SourceOptions],
    directories: &[DirectoryConfig],
) -> (ConventionOptions, Vec<Named>) {
    let written = section.by_serde::<ConventionOptions>("conventions");
    let is_written = written.is_some();
    let conventions = written.unwrap_or_default();
    for source in sources {
        let directory = directories.iter().find(|one| one.name() == source.directory);
        let Some(DirectoryConfig::Ldap(ldap)) = directory else { continue };
        let base = source.base.as_ref().unwrap_or(&ldap.search_base);
        if let Err(error) = Conventions::new(&conventions, base) {
            let told = error.to_string();
            let (message, remedy) = told.split_once("; ").unwrap_or((told.as_str(), "correct it"));
            let key = if section.has("conventions") { "conventions" } else { "search_base" };
            section.complain(key, Complaint::wrong(message, remedy));
            break;
        }
    }
    let named = if is_written { named(section, &conventions) } else { Vec::new() };
    (conventions, named)
}

fn named(section: &Section<'_>, conventions: &ConventionOptions) -> Vec<Named> {
    let written = section.section("conventions");
    // Serde knows which keys there are.
    written.ignore_the_rest();
    if conventions.groups != Carry::All && !conventions.groups_under.is_empty() {
        let remedy = "write groups = \"all\", or take it out";
        written.warn("groups_under", "has no effect without groups = \"all\"", remedy);
    }
    let under = if conventions.groups == Carry::All { &conventions.groups_under[..] } else { &[] };
    let one = std::slice::from_ref::<String>;
    let all = [
        ("admin", one(&conventions.admin)),
        ("services", one(&conventions.services)),
        ("organizations", one(&conventions.organizations)),
        ("security", one(&conventions.security)),
        ("roles", one(&conventions.roles)),
        ("container", one(&conventions.container)),
        ("other_units", &conventions.other_units),
        ("groups_under", under),
    ];
    let of = |(key, names): (&'static str, &[String])| {
        let (file, line, key) = written.stands(key)?;
        let named = |name: &String| Named { file: file.clone(), line, key: key.clone(), name: name.clone() };
        Some(names.iter().map(named).collect::<Vec<_>>())
    };
    all.into_iter().filter_map(of).flatten().collect()
}
