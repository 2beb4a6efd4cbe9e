//! What the commands need of the running application, in one place.

use anyhow::{Result, bail};

use super::report::Report;
use crate::config::Config;

/// Serves until SIGTERM.
#[expect(clippy::unused_async, reason = "the application awaits here once it is wired")]
pub(super) async fn serve(_config: Config) -> Result<()> {
    bail!("the server is not wired")
}

/// Asks every directory and loads every SP: adds them and what is wrong with them to the report.
#[expect(clippy::unused_async, reason = "the application awaits here once it is wired")]
pub(super) async fn inspect(_config: &Config, _report: &mut Report) -> Result<()> {
    bail!("the inspection is not wired")
}

/// The identity provider's signed metadata as XML.
pub(super) fn metadata(_config: &Config) -> Result<String> {
    bail!("the metadata is not wired")
}
