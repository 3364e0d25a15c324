//! Timed work: what a service does at an interval, once however many instances run (decision 44).
//!
//! A timer runs under a lease row of its service's database. Whoever holds the lease runs it; another instance
//! takes over when the lease has run out. A holder that was frozen in between wakes up with an old token, and an
//! effect that shows the token ([`store::lease::check`]) is refused. `step(now)` is synchronous; a thread only calls it.

mod turn;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;
use store::lease::Lease;
pub use turn::{GO_ON_AFTER, TimerLoop, Turn, instance_name};

/// What a timer does; its error is logged, and the next turn comes all the same.
type Run = Arc<dyn Fn(Timestamp) -> Result<(), String> + Send + Sync>;
type LeasedRun = Arc<dyn Fn(Timestamp, &Lease) -> Result<Progress, String> + Send + Sync>;

/// How far a turn came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left before the next turn.
    Finished,
    /// The time of a turn was up before the work was done: it goes on a moment later.
    Unfinished,
}

/// Work at an interval.
#[derive(Clone)]
pub struct Timer {
    /// `orders.expire-unpaid`; also the name of its lease.
    pub name: &'static str,
    /// From the end of one turn to the beginning of the next.
    pub every: Duration,
    pub(crate) work: Work,
}

#[derive(Clone)]
pub(crate) enum Work {
    /// On one instance at a time.
    Leased(LeasedRun),
    /// On every instance: what refreshes its own memory.
    EachInstance(Run),
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("name", &self.name).field("every", &self.every).finish_non_exhaustive()
    }
}

impl Timer {
    /// Work on one instance at a time, whose every effect is safe to do twice (a conditional update, a repeated call).
    pub fn new(
        name: &'static str,
        every: Duration,
        run: impl Fn(Timestamp) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self::fenced(name, every, move |now, _| run(now))
    }

    /// Work on one instance at a time that shows its lease in every transaction ([`store::lease::check`]), and so is never done
    /// twice.
    pub fn fenced(
        name: &'static str,
        every: Duration,
        run: impl Fn(Timestamp, &Lease) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let run = move |now, lease: &Lease| run(now, lease).map(|()| Progress::Finished);
        Self { name, every, work: Work::Leased(Arc::new(run)) }
    }

    /// The same as [`Timer::new`] for work that may be more than a turn should take: a turn that comes back
    /// [`Progress::Unfinished`] is followed by the next one in [`GO_ON_AFTER`].
    pub fn in_parts(
        name: &'static str,
        every: Duration,
        run: impl Fn(Timestamp) -> Result<Progress, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name, every, work: Work::Leased(Arc::new(move |now, _| run(now))) }
    }

    /// Work that every instance does for itself: what refreshes its own memory from the database.
    pub fn each_instance(
        name: &'static str,
        every: Duration,
        run: impl Fn(Timestamp) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { name, every, work: Work::EachInstance(Arc::new(run)) }
    }
}
