//! One timer's turns on one instance.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use kernel::Rng;
use store::lease::{self, Lease};
use store::{Db, StoreError};

use super::{Timer, Work};

/// A lease outlives several missed turns, and is never shorter than this: passing work on for a slow moment costs
/// more than waiting.
const LEASE_MIN: Duration = Duration::from_secs(30);

/// How many turns a lease lasts.
const LEASE_TURNS: u32 = 3;

/// What [`TimerLoop::step`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was not time yet; so long to go.
    NotDue(Duration),
    /// Another instance holds the lease.
    HeldElsewhere,
    /// The work was done.
    Done,
    /// The work or the lease failed, for this reason.
    Failed(String),
}

/// A timer on this instance: `step` does what is due. A thread only calls it and waits.
#[derive(Debug)]
pub struct TimerLoop {
    timer: Timer,
    db: Db,
    owner: String,
    lease: Option<Lease>,
    /// [`kernel::Clock::elapsed`] of the next turn: a wall clock that is set back must not stop the timers.
    next: Duration,
}

impl TimerLoop {
    /// The timer on the instance that calls itself `owner` (see [`instance_name`]); its first turn is due at once.
    #[must_use]
    pub fn new(timer: Timer, db: Db, owner: String) -> Self {
        let next = db.clock().elapsed();
        Self { timer, db, owner, lease: None, next }
    }

    /// The timer's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.timer.name
    }

    /// Does the work if it is due and ours.
    pub fn step(&mut self) -> Turn {
        let wait = self.next.saturating_sub(self.db.clock().elapsed());
        if !wait.is_zero() {
            return Turn::NotDue(wait);
        }
        let turn = self.turn();
        self.next = self.db.clock().elapsed() + self.timer.every;
        if let Turn::Failed(reason) = &turn {
            tracing::error!(timer = self.timer.name, reason, "timed work failed; its next turn comes all the same");
        }
        turn
    }

    fn turn(&mut self) -> Turn {
        let now = self.db.clock().now();
        let work = self.timer.work.clone();
        let done = match work {
            Work::EachInstance(run) => guarded(|| run(now)),
            Work::Leased(run) => match self.hold() {
                Ok(Some(lease)) => guarded(|| run(now, &lease)),
                Ok(None) => return Turn::HeldElsewhere,
                Err(error) => Err(format!("the lease could not be taken: {error}")),
            },
        };
        done.map_or_else(Turn::Failed, |()| Turn::Done)
    }

    /// Keeps the lease that is held, or takes it if it is free.
    fn hold(&mut self) -> Result<Option<Lease>, StoreError> {
        let length = (self.timer.every * LEASE_TURNS).max(LEASE_MIN);
        let held = self.lease.take();
        let (name, owner) = (self.timer.name, self.owner.clone());
        self.lease = self.db.write_blocking(move |tx| {
            if let Some(held) = &held {
                match lease::renew(tx, held, length) {
                    Err(StoreError::LeaseLost { .. }) => {}
                    renewed => return renewed.map(Some),
                }
            }
            lease::acquire(tx, name, &owner, length)
        })?;
        Ok(self.lease.clone())
    }

    /// Gives the lease back, so that another instance need not wait for its end.
    pub fn release(&mut self) {
        let Some(held) = self.lease.take() else { return };
        let released = self.db.write_blocking(move |tx| lease::release(tx, &held));
        if let Err(error) = released {
            tracing::warn!(timer = self.timer.name, %error, "the lease was not given back; it runs out by itself");
        }
    }
}

/// A panic of the work is a failed turn like any other.
fn guarded(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the work panicked".to_owned()))
}

/// A name for this instance that no other has, also not this one after a restart.
#[must_use]
pub fn instance_name(rng: &dyn Rng) -> String {
    format!("{}-{:016x}", std::process::id(), rng.next_u64())
}
