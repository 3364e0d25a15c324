//! How a thread waits for something to do: a count that grows, and a bounded wait for it to have grown.
//!
//! A waiter reads the count before it looks for work, so that a signal raised while it was looking is not missed.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Signal {
    count: Mutex<u64>,
    raised: Condvar,
}

impl Signal {
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn raise(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.raised.notify_all();
    }

    /// Returns when the count is past `seen`, and after `longest` at the latest.
    pub(crate) fn wait_past(&self, seen: u64, longest: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.raised.wait_timeout_while(count, longest, |count| *count <= seen));
    }
}
