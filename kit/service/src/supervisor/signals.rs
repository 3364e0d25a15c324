//! SIGTERM and SIGINT: the first one asks, the second one ends.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit status of a process that a second signal ended: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// The two signals, listened to from the moment this is made.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Must be called inside the runtime.
    pub(super) fn listen() -> Self {
        let of = |kind| signal(kind).expect("these two signals may always be listened to");
        Self { terminate: of(SignalKind::terminate()), interrupt: of(SignalKind::interrupt()) }
    }

    /// Waits for the next one; its name.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// From now on a signal ends the process at once: whoever sends a second one does not want to wait.
    pub(super) fn end_at_the_next(mut self) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(signal, "ended at once; what was not finished comes again after the start");
            std::process::exit(EXIT_INTERRUPTED);
        });
    }
}
