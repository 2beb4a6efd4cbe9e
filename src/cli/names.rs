//! What `check` asks the directories about what the configuration says of them: the groups of `allow`, the callers of the
//! password API, and how many wrong passwords lock an account.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::report::{FindingRow, Report, Severity};
use crate::config::Config;
use crate::directory::Directory;
use crate::registry::{Allow, ServiceProvider, Snapshot};

/// Adds what does not fit to the report. `answering`: the directories that can be asked.
pub(super) async fn inspect(
    config: &Config,
    answering: &[Arc<dyn Directory>],
    snapshot: &Snapshot,
    report: &mut Report,
) {
    locks(config, answering, report).await;
    callers(config, answering, report).await;
    // In a directory that is silent there may be any group.
    if answering.len() == config.directories.len() {
        groups(answering, snapshot, report).await;
    }
}

async fn locks(config: &Config, answering: &[Arc<dyn Directory>], report: &mut Report) {
    for directory in answering {
        let tries = config.throttle.account_tries;
        if let Ok(Some(locks_at)) = directory.locks_at().await
            && tries >= locks_at
        {
            report.findings.push(FindingRow {
                severity: Severity::Notice,
                file: config.file.display().to_string(),
                line: None,
                subject: "throttle.account_tries".to_owned(),
                message: format!(
                    "{tries} wrong passwords are let through, and directory \"{}\" locks at {locks_at}: its own count stops \
                     them one short of that, and people are told that the password is wrong",
                    directory.name()
                ),
                remedy: format!("set it below {locks_at}, so that they are told to wait"),
            });
        }
    }
}

async fn callers(config: &Config, answering: &[Arc<dyn Directory>], report: &mut Report) {
    let Some(api) = &config.password_api else { return };
    let Some(directory) = answering.iter().find(|one| one.name() == api.directory) else { return };
    for caller in &api.options.callers {
        let dn = caller.folded();
        if let Ok(false) = directory.has(&dn).await {
            report.findings.push(FindingRow {
                severity: Severity::Warning,
                file: config.file.display().to_string(),
                line: None,
                subject: "password_api.callers".to_owned(),
                message: format!("directory \"{}\" shows no entry \"{dn}\"", api.directory),
                remedy: "correct the DN, or let bind_dn read the entry".to_owned(),
            });
        }
    }
}

async fn groups(answering: &[Arc<dyn Directory>], snapshot: &Snapshot, report: &mut Report) {
    let mut wanted: BTreeMap<&str, Vec<&ServiceProvider>> = BTreeMap::new();
    for sp in snapshot.iter() {
        for allow in &sp.policy.allow {
            if let Allow::Group(dn) = allow {
                wanted.entry(dn).or_default().push(sp);
            }
        }
    }
    for (dn, sps) in wanted {
        if is_nowhere(answering, dn).await {
            report.findings.extend(sps.into_iter().map(|sp| FindingRow {
                severity: Severity::Warning,
                file: policy(sp),
                line: None,
                subject: sp.entity_id().to_owned(),
                message: format!("\"allow\" names the group \"{dn}\", which no directory shows"),
                remedy: "correct the DN, or let bind_dn read the group".to_owned(),
            }));
        }
    }
}

/// The file with the policy, as the other findings name it.
fn policy(sp: &ServiceProvider) -> String {
    let file = sp.file.with_extension("toml");
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

async fn is_nowhere(answering: &[Arc<dyn Directory>], dn: &str) -> bool {
    for directory in answering {
        if !matches!(directory.has(dn).await, Ok(false)) {
            return false;
        }
    }
    true
}
