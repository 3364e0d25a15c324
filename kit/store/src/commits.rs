//! Who waits for new events is woken by the commit that brought them.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Counts the commits of this process that brought events. Cheap to clone.
///
/// Other processes' commits are not counted: a consumer also looks by itself from time to time (decision 6).
#[derive(Clone, Debug)]
pub struct Commits {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    count: Mutex<u64>,
    bumped: Condvar,
    watch: watch::Sender<u64>,
}

impl Commits {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::new(Shared { count: Mutex::new(0), bumped: Condvar::new(), watch: watch::channel(0).0 }) }
    }

    pub(crate) fn bump(&self) {
        let mut count = self.shared.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        self.shared.watch.send_replace(*count);
        self.shared.bumped.notify_all();
    }

    /// Wakes everybody who waits, as if there were news: for shutting down.
    pub fn wake_all(&self) {
        self.bump();
    }

    /// How many there were. Read it *before* looking for events, so that a commit in between is not slept through.
    #[must_use]
    pub fn count(&self) -> u64 {
        *self.shared.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks this thread until the count differs from `seen`, at most so long; the count then.
    #[must_use]
    pub fn wait(&self, seen: u64, at_most: Duration) -> u64 {
        let count = self.shared.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.bumped.wait_timeout_while(count, at_most, |count| *count == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits until the count differs from `seen`; the count then.
    pub async fn changed(&self, seen: u64) -> u64 {
        let mut watch = self.shared.watch.subscribe();
        let count = watch.wait_for(|count| *count != seen).await;
        count.map_or(seen, |count| *count)
    }
}
