//! Where groups select who is carried (`scope.who = "selected"`) and no directory has one of them, nobody is selected.
//! A group that was renamed, moved or hidden is no word on those who were in it: nothing is done until there is one again.

use super::error::SyncError;
use super::options::SyncOptions;
use super::scope::Who;
use super::structure::Structure;

/// Fails where a group is needed and no directory has it.
pub(super) fn check(options: &SyncOptions, structures: &[Structure]) -> Result<(), SyncError> {
    if options.scope.who == Who::Everyone || structures.iter().any(Structure::has_selecting) {
        return Ok(());
    }
    let names: Vec<&str> = structures.iter().flat_map(Structure::selecting).collect();
    Err(SyncError::Unselected(names.join("; ")))
}
