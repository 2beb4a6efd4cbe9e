//! The rules of the house as functions from source files to faults, one sentence each. They know no module by name:
//! the tables are handed in.

use super::source::{self, Token};

/// One Rust file: its path below `src`, its text, and its tokens.
#[derive(Debug)]
pub struct SourceFile {
    pub path: String,
    text: String,
    tokens: Vec<Token>,
}

impl SourceFile {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), tokens: source::tokens(text) }
    }

    /// The module at the top of the tree to which the file belongs.
    pub fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Files of modules that this one declares for tests only.
    pub fn test_files(&self) -> Vec<String> {
        let folder = self.path.strip_suffix("/mod.rs").or(self.path.strip_suffix(".rs")).unwrap_or_default();
        source::test_modules(&self.tokens).into_iter().map(|name| format!("{folder}/{name}.rs")).collect()
    }

    fn is_in(&self, place: &str) -> bool {
        self.path == place || self.path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')) || {
            // A file and the folder of its submodules are one place.
            self.path.strip_suffix(".rs").is_some_and(|stem| stem == place)
        }
    }
}

/// Imports that the table does not allow; tests may import what they need to build their subject.
pub fn imports(files: &[SourceFile], table: &[(&str, &[&str])]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        let module = file.module();
        let allowed = table.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, allowed)| *allowed);
        for path in source::paths(&source::without_tests(&file.tokens)) {
            let Some(imported) = imported_module(file, &path.segments) else { continue };
            let known = table.iter().any(|(name, _)| *name == imported);
            let fine = imported == module || allowed.contains(&"*") || allowed.contains(&imported);
            if known && !fine {
                faults
                    .push(format!("{}: {module} must not import {imported} (line {})", file.path, path.line));
            }
        }
    }
    faults
}

/// The top module that a path leads to, if it is one of this crate.
fn imported_module<'a>(file: &SourceFile, segments: &'a [String]) -> Option<&'a str> {
    let first = segments.first()?.as_str();
    if first == "crate" || first == "sekisho" {
        return segments.get(1).map(String::as_str);
    }
    // `super::super::x` climbs out of the module. One step more than the file is deep is taken as the top, since an
    // inline module (tests) adds one step.
    let climbs = segments.iter().take_while(|segment| *segment == "super").count();
    let depth = file.path.trim_end_matches("/mod.rs").split('/').count();
    (climbs >= depth && climbs > 0).then(|| segments.get(climbs).map(String::as_str)).flatten()
}

/// Dependencies named outside the files that own them; test modules may name any.
pub fn owners(files: &[SourceFile], table: &[(&str, &[&str])], pure: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        let is_pure = pure.contains(&file.module());
        for path in source::paths(&source::without_tests(&file.tokens)) {
            let Some((name, places)) = table.iter().find(|(name, _)| names(&path.segments, name)) else {
                continue;
            };
            let owned = places.iter().any(|place| match *place {
                "*" => !is_pure,
                "**" => true,
                place => file.is_in(place),
            });
            if !owned {
                let owners = if places.contains(&"*") {
                    "everyone but pure modules".into()
                } else {
                    places.join(", ")
                };
                faults.push(format!(
                    "{}: {name} belongs to {owners}, not to {} (line {})",
                    file.path,
                    file.module(),
                    path.line
                ));
            }
        }
    }
    faults
}

fn names(segments: &[String], name: &str) -> bool {
    name.split("::").enumerate().all(|(position, part)| segments.get(position).is_some_and(|is| is == part))
}

/// `async` in modules that must not wait for anything.
pub fn not_async(files: &[SourceFile], pure: &[&str]) -> Vec<String> {
    let pure_files = files.iter().filter(|file| pure.contains(&file.module()));
    pure_files
        .filter_map(|file| {
            let tokens = source::without_tests(&file.tokens);
            let line = tokens.iter().find(|token| token.text == "async")?.line;
            Some(format!("{}: {} must not be async (line {line})", file.path, file.module()))
        })
        .collect()
}

/// Files that do not begin with what they are for.
pub fn headers(files: &[SourceFile]) -> Vec<String> {
    let bare = files.iter().filter(|file| !file.text.starts_with("//! "));
    bare.map(|file| format!("{}: the first line must be a //! header: what the file is for", file.path))
        .collect()
}

/// Files of more than `longest` lines.
pub fn too_long(files: &[SourceFile], longest: usize) -> Vec<String> {
    let over = files.iter().filter(|file| lines(file) > longest);
    over.map(|file| format!("{}: {} lines, {longest} at most", file.path, lines(file))).collect()
}

/// A sentence about the sizes of all files.
pub fn sizes(files: &[SourceFile]) -> String {
    let mut sizes: Vec<usize> = files.iter().map(lines).collect();
    sizes.sort_unstable();
    let at =
        |per_cent: usize| sizes.get(sizes.len().saturating_sub(1) * per_cent / 100).copied().unwrap_or(0);
    format!(
        "{} files, {} lines; a file: median {} (aim 120), p90 {} (aim 330), longest {}",
        sizes.len(),
        sizes.iter().sum::<usize>(),
        at(50),
        at(90),
        at(100)
    )
}

fn lines(file: &SourceFile) -> usize {
    file.text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMPORTS: &[(&str, &[&str])] =
        &[("saml", &["identity"]), ("identity", &[]), ("directory", &[]), ("app", &["*"])];

    fn import_faults(path: &str, text: &str) -> Vec<String> {
        imports(&[SourceFile::new(path, text)], IMPORTS)
    }

    #[test]
    fn a_forbidden_import_is_named() {
        let faults = import_faults("saml/x.rs", "use crate::identity::A;\nuse crate::directory::B;");
        assert_eq!(faults, ["saml/x.rs: saml must not import directory (line 2)"]);
    }

    #[test]
    fn a_forbidden_import_cannot_hide() {
        for hidden in [
            "use crate::{identity, directory::B};",
            "fn f() { crate::directory::f() }",
            "use super::super::directory;",
            "use super::super::{identity, directory};",
            "pub use crate::directory;",
            "use sekisho::directory;",
            "mod deep { use super::super::super::directory; }",
        ] {
            assert!(!import_faults("saml/x.rs", hidden).is_empty(), "{hidden}");
        }
        assert!(!import_faults("saml/mod.rs", "use super::directory::X;").is_empty());
    }

    #[test]
    fn allowed_imports_and_mere_mentions_pass() {
        for fine in [
            "//! See [`crate::directory`].",
            "use crate::saml::y; use super::directory_like;",
            "const S: &str = \"crate::directory\";",
            "pub(crate) fn directory() {} use super::directory;",
        ] {
            assert!(import_faults("saml/x.rs", fine).is_empty(), "{fine}");
        }
        assert!(import_faults("app.rs", "use crate::directory;").is_empty());
        assert!(import_faults("saml/x.rs", "#[cfg(test)] mod tests { use crate::directory; }").is_empty());
        let parent = SourceFile::new("saml/mod.rs", "#[cfg(test)] mod tests; mod x;");
        assert_eq!(parent.test_files(), ["saml/tests.rs"]);
    }

    const OWNERS: &[(&str, &[&str])] =
        &[("ldap3", &["directory"]), ("std::fs", &["saml/cache.rs"]), ("tokio", &["*"]), ("serde", &["**"])];

    fn owner_faults(path: &str, text: &str) -> Vec<String> {
        owners(&[SourceFile::new(path, text)], OWNERS, &["saml"])
    }

    #[test]
    fn a_dependency_outside_its_owner_is_named() {
        assert_eq!(
            owner_faults("sso/issue.rs", "\nuse ldap3::Ldap;"),
            ["sso/issue.rs: ldap3 belongs to directory, not to sso (line 2)"]
        );
        assert!(!owner_faults("saml/x.rs", "use std::{fmt, fs::File};").is_empty());
        assert!(!owner_faults("saml/x.rs", "#[tokio::main] fn f() {}").is_empty());
        assert!(!owner_faults("sso.rs", "use ldap3;").is_empty());
    }

    #[test]
    fn owners_and_tests_may_name_their_dependencies() {
        assert!(owner_faults("directory/ldap.rs", "use ldap3::Ldap; use tokio::net;").is_empty());
        assert!(owner_faults("saml/cache.rs", "use std::fs; use serde::Serialize;").is_empty());
        assert!(owner_faults("sso.rs", "#[cfg(test)] mod tests { use std::fs; }").is_empty());
        assert!(owner_faults("sso.rs", "let ldap3 = 1; x.ldap3();").is_empty());
    }

    #[test]
    fn async_headers_and_lengths_are_judged() {
        let files = [
            SourceFile::new("saml/x.rs", "fn f() {}\nasync fn g() {}\n"),
            SourceFile::new("sso.rs", "//! Sso.\n"),
        ];
        assert_eq!(not_async(&files, &["saml"]), ["saml/x.rs: saml must not be async (line 2)"]);
        assert_eq!(headers(&files).len(), 1);
        assert_eq!(too_long(&files, 1), ["saml/x.rs: 2 lines, 1 at most"]);
    }
}
