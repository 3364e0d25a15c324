//! One timer's turns on one instance.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use store::lease::{self, Lease};
use store::{Db, StoreError};

use super::{Progress, Timer, Work};

/// A holder renews its lease at each turn; it may be so much later than the interval before it loses the work to
/// another instance.
const SLACK: Duration = Duration::from_secs(30);

/// How often an instance that does not hold the lease looks whether it is free.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// When work goes on whose turn ended before it was done: others have theirs meanwhile.
pub const GO_ON_AFTER: Duration = Duration::from_secs(1);

/// What [`TimerLoop::step`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was not time yet; so long to go.
    NotDue(Duration),
    /// Another instance holds the lease.
    HeldElsewhere,
    /// The work was done.
    Done,
    /// A part of the work was done; it goes on in [`GO_ON_AFTER`].
    DoneInPart,
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
    /// Why the last turn failed, if it did.
    failure: Option<String>,
}

impl TimerLoop {
    /// The timer on the instance that calls itself `owner` (see [`instance_name`]); its first turn is due at once.
    #[must_use]
    pub fn new(timer: Timer, db: Db, owner: String) -> Self {
        let next = db.clock().elapsed();
        Self { timer, db, owner, lease: None, next, failure: None }
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
        let wait = match turn {
            Turn::HeldElsewhere => self.timer.every.min(LOOK_EVERY),
            Turn::DoneInPart => self.timer.every.min(GO_ON_AFTER),
            Turn::Done | Turn::Failed(_) | Turn::NotDue(_) => self.timer.every,
        };
        self.next = self.db.clock().elapsed() + wait;
        self.log_change(&turn);
        turn
    }

    /// A failure is one line however often it is met, and its end another.
    fn log_change(&mut self, turn: &Turn) {
        let timer = self.timer.name;
        let failure = match turn {
            Turn::Failed(reason) => Some(reason.clone()),
            Turn::NotDue(_) | Turn::HeldElsewhere | Turn::Done | Turn::DoneInPart => None,
        };
        match (&failure, &self.failure) {
            (Some(reason), before) if before.as_ref() != Some(reason) => {
                tracing::error!(timer, reason, "timed work failed; its next turn comes all the same");
            }
            (None, Some(_)) => tracing::info!(timer, "timed work is done again"),
            (Some(_) | None, _) => {}
        }
        self.failure = failure;
    }

    fn turn(&mut self) -> Turn {
        let now = self.db.clock().now();
        let work = self.timer.work.clone();
        let done = match work {
            Work::EachInstance(run) => guarded(|| run(now).map(|()| Progress::Finished)),
            Work::Leased(run) => match self.hold() {
                Ok(Some(lease)) => guarded(|| run(now, &lease)),
                Ok(None) => return Turn::HeldElsewhere,
                Err(error) => Err(format!("the lease could not be taken: {error}")),
            },
        };
        match done {
            Ok(Progress::Finished) => Turn::Done,
            Ok(Progress::Unfinished) => Turn::DoneInPart,
            Err(reason) => Turn::Failed(reason),
        }
    }

    /// Keeps the lease that is held, or takes it if it is free.
    fn hold(&mut self) -> Result<Option<Lease>, StoreError> {
        let length = self.timer.every + SLACK;
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
fn guarded(run: impl FnOnce() -> Result<Progress, String>) -> Result<Progress, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the work panicked".to_owned()))
}

/// What this instance calls itself in lease rows of this database.
///
/// A SQLite file has one server at a time: whoever serves it now takes its predecessor's leases over at once. On
/// PostgreSQL a name that no other instance has, also not this one after a restart.
#[must_use]
pub fn instance_name(db: &Db) -> String {
    if db.is_postgres() { format!("{:016x}", db.rng().next_u64()) } else { "server".to_owned() }
}
