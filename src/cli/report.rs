//! What `check` found, as rows for people and as JSON for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::table::{self, Cell};

/// Everything that `check` looked at.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity_provider: Option<IdentityProvider>,
    pub(super) directories: Vec<DirectoryRow>,
    pub(super) service_providers: Vec<ServiceProviderRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) targets: Vec<TargetRow>,
    pub(super) findings: Vec<FindingRow>,
}

/// What the server would be.
#[derive(Debug, Serialize)]
pub(super) struct IdentityProvider {
    pub(super) entity_id: String,
    pub(super) base_url: String,
    /// The addresses, and whether they speak TLS.
    pub(super) listens: String,
    /// Whose certificate it signs with, and until when that is valid; empty if it cannot be read.
    pub(super) certificate: String,
}

/// One `[[directory]]`.
#[derive(Debug, Serialize)]
pub(super) struct DirectoryRow {
    pub(super) name: String,
    pub(super) kind: String,
    /// `answers`, or what it said instead.
    pub(super) state: String,
}

/// One `[[sync]]`.
#[derive(Debug, Serialize)]
pub(super) struct TargetRow {
    pub(super) name: String,
    /// The service, as people call it.
    pub(super) kind: String,
    /// `answers`, or what it said instead.
    pub(super) state: String,
    /// What it has; empty if it was not to be learnt.
    pub(super) types: String,
    /// When its token ends; empty if the configuration does not say.
    pub(super) token: String,
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
    /// Whose list that is; empty for `saml.attributes` and none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) attributes_by: &'static str,
    pub(super) sign: String,
}

/// How bad a finding is; only errors make `check` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
        if let Some(own) = &self.identity_provider {
            let facts = [
                ("entityID", &own.entity_id),
                ("base URL", &own.base_url),
                ("listens", &own.listens),
                ("certificate", &own.certificate),
            ];
            for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
                writeln!(out, "{name:<13}{value}")?;
            }
            writeln!(out)?;
        }
        if !self.directories.is_empty() {
            let cells = |row: &DirectoryRow| [&row.name, &row.kind, &row.state].map(|text| one_line(text));
            let rows = self.directories.iter().map(cells).collect();
            table::write(out, ["directory", "kind", "state"], rows)?;
            writeln!(out)?;
        }
        if !self.service_providers.is_empty() {
            let rows = self.service_providers.iter().map(ServiceProviderRow::cells).collect();
            let titles = ["file", "NameID", "signed", "ACS", "service provider and what it gets"];
            table::write(out, titles, rows)?;
            writeln!(out)?;
        }
        if !self.targets.is_empty() {
            let cells = |row: &TargetRow| {
                [&row.name, &row.kind, &row.state, &row.types, &row.token].map(|text| one_line(text))
            };
            let rows = self.targets.iter().map(cells).collect();
            table::write(out, ["target", "service", "state", "has", "token"], rows)?;
            writeln!(out)?;
        }
        if self.findings.is_empty() {
            return writeln!(out, "no findings");
        }
        let mut worst_first: Vec<&FindingRow> = self.findings.iter().collect();
        worst_first.sort_by_key(|finding| finding.severity);
        let rows = worst_first.into_iter().map(FindingRow::cells).collect();
        table::write(out, ["severity", "where", "finding and remedy"], rows)
    }
}

fn one_line(text: &str) -> Cell {
    vec![text.to_owned()]
}

impl ServiceProviderRow {
    fn cells(&self) -> [Cell; 5] {
        let mut who = vec![self.entity_id.clone(), self.name.clone()];
        who.retain(|line| !line.is_empty());
        who.dedup();
        who.push(match self.attributes_by {
            "" | "policy" => format!("attributes: {}", self.attributes),
            by => format!("attributes (by its {by}): {}", self.attributes),
        });
        let acs = self.acs.to_string();
        let [file, format, sign, acs] =
            [&self.file, &self.name_id_format, &self.sign, &acs].map(|text| one_line(text));
        [file, format, sign, acs, who]
    }
}

impl FindingRow {
    fn cells(&self) -> [Cell; 3] {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let place = match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        };
        let mut finding = vec![self.subject.clone(), self.message.clone()];
        finding.retain(|line| !line.is_empty());
        if !self.remedy.is_empty() {
            finding.push(format!("→ {}", self.remedy));
        }
        [vec![severity.to_owned()], vec![place], finding]
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
            attributes_by: "",
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
        let rows = [
            "kintai.xml  persistent  both    2    https://sp.example.jp\n",
            " 勤怠\n",
            " attributes: uid, mail\n",
            "error     kintai.xml:7  https://sp.example.jp\n",
            " has no ACS\n                        → ask for new metadata\n",
        ];
        assert!(rows.iter().all(|row| text.contains(row)), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["findings"][0]["severity"], "error");
    }
}
