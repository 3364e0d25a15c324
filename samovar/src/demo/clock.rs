//! A clock that the demo can move: its day is yesterday's, and ends in the present.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kernel::{Clock, SystemClock, Timestamp};

/// The machine's clock with an offset. Between two moves it runs as fast as the machine's.
#[derive(Debug)]
pub(crate) struct ShiftedClock {
    machine: SystemClock,
    offset_us: AtomicI64,
}

impl ShiftedClock {
    /// A clock that shows the present.
    pub(crate) fn new() -> Self {
        Self { machine: SystemClock::new(), offset_us: AtomicI64::new(0) }
    }

    /// Shows `moment` from now on.
    pub(crate) fn set(&self, moment: Timestamp) {
        let offset = moment.as_micros().saturating_sub(self.machine.now().as_micros());
        self.offset_us.store(offset, Ordering::SeqCst);
    }

    /// Shows `moment` from now on, unless it already shows a later one: inside the day time never goes back.
    pub(crate) fn advance_to(&self, moment: Timestamp) {
        if moment > self.now() {
            self.set(moment);
        }
    }

    /// Shows the present again.
    pub(crate) fn return_to_present(&self) {
        self.offset_us.store(0, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset_us.load(Ordering::SeqCst);
        Timestamp::from_micros(self.machine.now().as_micros().saturating_add(offset))
    }

    fn elapsed(&self) -> Duration {
        self.machine.elapsed()
    }
}
