//! SIGTERM and SIGINT: the first one asks, the second one ends.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit status of a process that a second signal ended: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Waits for a signal; its name.
pub(super) async fn next() -> &'static str {
    let (mut terminate, mut interrupt) = listen();
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// From now on a signal ends the process at once: whoever sends a second one does not want to wait.
pub(super) fn end_at_the_next() {
    tokio::spawn(async {
        let signal = next().await;
        tracing::warn!(signal, "ended at once; what was not finished comes again after the start");
        std::process::exit(EXIT_INTERRUPTED);
    });
}

fn listen() -> (Signal, Signal) {
    let of = |kind| signal(kind).expect("these two signals may always be listened to");
    (of(SignalKind::terminate()), of(SignalKind::interrupt()))
}
