//! [`Bar`]: how far a run is, on a terminal; nothing elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::sync::report::Progress;

/// Before it is known how much is to be done.
const READING: &str = "{spinner} {elapsed}";
/// While it is done.
const WRITING: &str = "{spinner} {pos} of {len}, {rate}, {elapsed}";

/// The bar that is on the terminal, of which there is one at most.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Counts operations.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = Self(ProgressBar::new_spinner());
        bar.style(READING);
        bar.0.enable_steady_tick(Duration::from_secs(1));
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.0.clone());
        bar
    }

    pub(super) fn take(&self, progress: Progress) {
        match progress {
            Progress::Passed => self.0.inc(1),
            // What an earlier run left comes before what this one planned.
            Progress::Expected(0) => {}
            Progress::Expected(more) => {
                let done = self.0.position();
                let all = self.0.length().unwrap_or(done) + u64::try_from(more).unwrap_or(0);
                self.0.set_length(all);
                self.style(WRITING);
            }
        }
    }

    pub(super) fn end(&self) {
        SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.finish_and_clear();
    }

    fn style(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.with_key("rate", rate));
        }
    }
}

fn rate(state: &ProgressState, out: &mut dyn Write) {
    // It is shown without a rate then.
    let _ = write!(out, "{:.1}/s", state.per_sec());
}

/// Writes lines to the terminal above the bar, if there is one.
pub(in crate::cli) fn above<T>(write: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
