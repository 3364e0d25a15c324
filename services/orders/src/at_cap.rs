//! Guests who were refused for having too many unpaid orders.
//!
//! The cap is held by a conditional update in the last transaction of a placement, after a number was taken and stock was
//! held. Who was refused there is asked first the next time, so that repeating it costs one read and nothing scarce. What
//! is remembered decides nothing: it only says whom to ask, and may be forgotten.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::UserId;
use contracts::orders::PaymentMethod;

/// Guests that are remembered at most; then all of them are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// Who was refused, by method.
#[derive(Debug, Default)]
pub(crate) struct AtCap(Mutex<HashSet<(UserId, PaymentMethod)>>);

impl AtCap {
    /// This guest was refused.
    pub(crate) fn remember(&self, guest: UserId, method: PaymentMethod) {
        let mut refused = self.refused();
        if refused.len() >= REMEMBERED_MAX {
            refused.clear();
        }
        refused.insert((guest, method));
    }

    /// Whether this guest was refused lately.
    pub(crate) fn knows(&self, guest: UserId, method: PaymentMethod) -> bool {
        self.refused().contains(&(guest, method))
    }

    /// This guest has room again.
    pub(crate) fn forget(&self, guest: UserId, method: PaymentMethod) {
        self.refused().remove(&(guest, method));
    }

    fn refused(&self) -> MutexGuard<'_, HashSet<(UserId, PaymentMethod)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
