//! `[integrated]`: a section of the contract that this version knows but does not serve.
//!
//! It may stand in the file switched off; switched on, it is a fault, so that nobody believes in a protection or a
//! service that is not there.

use super::fault::{Complaint, FaultKind};
use super::reader::Section;
use super::values::flag;

const INTEGRATED: &[&str] =
    &["header", "proxies", "secret_header", "secret", "secret_file", "secret_env", "realms"];

/// Refuses the section where it is switched on.
pub(super) fn read(document: &Section<'_>) {
    let section = document.section("integrated");
    section.known(INTEGRATED);
    if section.or("enabled", false, flag) {
        let complaint = Complaint::wrong("is not available yet", "write enabled = false");
        section.complain("enabled", complaint.kind(FaultKind::NotAvailable));
    }
}
