//! A clock that stands still until a test moves it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::{Clock, Timestamp};

/// A clock in the hands of a test. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<Hands>>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    now: Timestamp,
    elapsed: Duration,
}

impl Default for FakeClock {
    /// A Saturday morning: 2026-11-21T10:00:00Z.
    fn default() -> Self {
        Self::at("2026-11-21T10:00:00Z")
    }
}

impl FakeClock {
    /// A clock at this RFC 3339 time.
    ///
    /// # Panics
    ///
    /// If the text is not one.
    #[must_use]
    pub fn at(text: &str) -> Self {
        let now = text.parse().expect("a test writes an RFC 3339 time");
        Self(Arc::new(Mutex::new(Hands { now, elapsed: Duration::ZERO })))
    }

    /// Time passes: both for the wall and for what measures durations.
    pub fn advance(&self, duration: Duration) {
        let mut hands = self.hands();
        hands.now = hands.now.plus(duration);
        hands.elapsed += duration;
    }

    /// Somebody sets the wall clock, forward or back. No time passes.
    pub fn set(&self, now: Timestamp) {
        self.hands().now = now;
    }

    /// The clock as the product takes it.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn elapsed(&self) -> Duration {
        self.hands().elapsed
    }
}
