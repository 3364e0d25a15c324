//! What a process counts about its consumers. No metrics crate: `kit/service` exports the numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::breaker::Away;

#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) handled: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) given_up: AtomicU64,
    away: Mutex<Option<Away>>,
}

impl Numbers {
    pub(crate) fn count(counter: &AtomicU64, by: usize) {
        counter.fetch_add(u64::try_from(by).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn set_away(&self, away: Option<&Away>) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away.cloned();
    }

    pub(crate) fn away(&self) -> Option<Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
