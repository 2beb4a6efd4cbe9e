//! What `check` found, as rows for people and as JSON for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::table;

/// Everything that `check` looked at.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) directories: Vec<DirectoryRow>,
    pub(super) service_providers: Vec<ServiceProviderRow>,
    pub(super) findings: Vec<FindingRow>,
}

/// One `[[directory]]`.
#[derive(Debug, Serialize)]
pub(super) struct DirectoryRow {
    pub(super) name: String,
    pub(super) kind: String,
    /// `answers`, or what it said instead.
    pub(super) state: String,
}

/// One SP.
#[derive(Debug, Serialize)]
pub(super) struct ServiceProviderRow {
    pub(super) entity_id: String,
    pub(super) name: String,
    pub(super) file: String,
    /// How many ACS URLs it has.
    pub(super) acs: usize,
    pub(super) name_id_format: String,
    pub(super) attributes: String,
    pub(super) sign: String,
}

/// How bad a finding is; only errors make `check` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    Error,
    Warning,
    Notice,
}

/// One thing worth a look.
#[derive(Debug, Serialize)]
pub(super) struct FindingRow {
    pub(super) severity: Severity,
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) subject: String,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Report {
    /// Whether something is wrong.
    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Writes the tables.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.directories.is_empty() {
            let cells = |row: &DirectoryRow| [row.name.clone(), row.kind.clone(), row.state.clone()];
            let rows: Vec<_> = self.directories.iter().map(cells).collect();
            table::write(out, ["directory", "kind", "state"], &rows)?;
            writeln!(out)?;
        }
        if !self.service_providers.is_empty() {
            let rows: Vec<_> = self.service_providers.iter().map(ServiceProviderRow::cells).collect();
            let titles = ["service provider", "name", "file", "ACS", "NameID", "attributes", "signed"];
            table::write(out, titles, &rows)?;
            writeln!(out)?;
        }
        if self.findings.is_empty() {
            return writeln!(out, "no findings");
        }
        let rows: Vec<_> = self.findings.iter().map(FindingRow::cells).collect();
        table::write(out, ["severity", "where", "what", "message", "remedy"], &rows)
    }
}

impl ServiceProviderRow {
    fn cells(&self) -> [String; 7] {
        [
            self.entity_id.clone(),
            self.name.clone(),
            self.file.clone(),
            self.acs.to_string(),
            self.name_id_format.clone(),
            self.attributes.clone(),
            self.sign.clone(),
        ]
    }
}

impl FindingRow {
    fn cells(&self) -> [String; 5] {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let place = match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        };
        [severity.to_owned(), place, self.subject.clone(), self.message.clone(), self.remedy.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_json_say_the_same() {
        let mut report = Report::default();
        report.service_providers.push(ServiceProviderRow {
            entity_id: "https://sp.example.jp".to_owned(),
            name: "勤怠".to_owned(),
            file: "kintai.xml".to_owned(),
            acs: 2,
            name_id_format: "persistent".to_owned(),
            attributes: "uid, mail".to_owned(),
            sign: "both".to_owned(),
        });
        assert!(!report.has_errors());
        report.findings.push(FindingRow {
            severity: Severity::Error,
            file: "kintai.xml".to_owned(),
            line: Some(7),
            subject: "https://sp.example.jp".to_owned(),
            message: "has no ACS".to_owned(),
            remedy: "ask for new metadata".to_owned(),
        });
        assert!(report.has_errors());
        let mut out = Vec::new();
        report.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("https://sp.example.jp  勤怠  kintai.xml  2    persistent  uid, mail   both"),
            "{text}"
        );
        assert!(
            text.contains("error     kintai.xml:7  https://sp.example.jp  has no ACS  ask for new metadata"),
            "{text}"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["findings"][0]["severity"], "error");
    }
}
