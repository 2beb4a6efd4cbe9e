//! `sekisho serve`: runs the server until it is told to stop.

use super::{Failure, app_part};
use crate::config::Config;

/// Blocks until SIGTERM or SIGINT.
pub(super) fn run(config: Config) -> Result<(), Failure> {
    Ok(block_on(app_part::serve(config))?)
}

/// Runs the asynchronous part of a command.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}
