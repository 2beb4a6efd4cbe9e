//! The thread that keeps the registry in step with its folder: woken by the system's events, and once a second besides,
//! since network file systems and containers tell of nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::Shared;

/// How often the folder is looked at when nothing was heard.
const RESCAN: Duration = Duration::from_secs(1);
/// How soon a file that may be half written is looked at again.
const SECOND_LOOK: Duration = Duration::from_millis(250);
/// How long more events are waited for after one.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// The running thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Event,
    Stop,
}

impl Watch {
    /// Starts watching `folder`.
    pub(super) fn start(folder: &Path, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (signals, received) = mpsc::channel();
        let pending = Arc::new(AtomicBool::new(false));
        let watcher = events(folder, signals.clone(), Arc::clone(&pending));
        let thread = std::thread::Builder::new().name("registry".to_owned()).spawn(move || {
            // Events come as long as the watcher lives.
            let _watcher = watcher;
            run(&shared, &received, &pending);
        })?;
        Ok(Self { signals, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.signals.send(Signal::Stop).is_ok()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches the metadata folder had failed");
        }
    }
}

fn events(folder: &Path, signals: Sender<Signal>, pending: Arc<AtomicBool>) -> Option<RecommendedWatcher> {
    let heard = move |event: notify::Result<notify::Event>| {
        // Reading the folder is an event too: taking it for one would never end.
        let reading = event.is_ok_and(|event| event.kind.is_access());
        // One signal is enough however many files are copied.
        if !reading && !pending.swap(true, Ordering::SeqCst) {
            let _ = signals.send(Signal::Event);
        }
    };
    let watching = notify::recommended_watcher(heard).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watching
        .inspect_err(|cause| {
            tracing::warn!("no file events for {}: {cause}; it is read every second", folder.display());
        })
        .ok()
}

fn run(shared: &Shared, received: &Receiver<Signal>, pending: &AtomicBool) {
    // The first look settles what was read at start.
    let mut wait = SECOND_LOOK;
    loop {
        match received.recv_timeout(wait) {
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Signal::Event) => {
                if received.recv_timeout(DEBOUNCE) == Ok(Signal::Stop) {
                    return;
                }
                pending.store(false, Ordering::SeqCst);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        wait = if shared.watch() { SECOND_LOOK } else { RESCAN };
    }
}
