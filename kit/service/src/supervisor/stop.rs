//! The word to stop, for threads and for tasks.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Asked once, seen by all. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: Mutex<bool>,
    for_threads: Condvar,
    for_tasks: Notify,
}

impl Stop {
    /// Not asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everybody to stop.
    pub fn ask(&self) {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.for_threads.notify_all();
        self.0.for_tasks.notify_waiters();
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a thread until it is asked, at most so long.
    pub fn wait(&self, at_most: Duration) {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.for_threads.wait_timeout_while(asked, at_most, |asked| !*asked));
    }

    /// Waits until it is asked.
    pub async fn asked(&self) {
        let mut notified = std::pin::pin!(self.0.for_tasks.notified());
        // Registered before looking, so that an ask in between is not missed.
        notified.as_mut().enable();
        if !self.is_asked() {
            notified.await;
        }
    }
}
