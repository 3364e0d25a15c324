//! A thread's work: one closure per transaction, run again while that is safe (decision 2).

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Common;
use crate::outbox::PendingEvent;
use crate::postgres::errors::{Failed, Then};
use crate::postgres::session::{Access, Committed, Session};
use crate::snapshot::Session as AnySession;
use crate::stats::Counters;
use crate::tx::Context;
use crate::work::{Ran, ReadJob, WriteJob, went_on};
use crate::{SLOW_CLOSURE_ON_SERVER, Snapshot, StoreError, Tx};

/// A connection and what runs on it.
pub(crate) struct Worker {
    session: Session,
    common: Arc<Common>,
}

/// What a run of a closure came to.
enum Outcome {
    /// What it returned is the answer; so many events were published.
    Kept(usize),
    /// Nothing was kept; what it returned is the answer.
    Rejected,
    /// Nothing was kept; this is the answer.
    Failed(StoreError),
    /// Nothing was kept, and it may run again.
    Again(Failed),
}

/// How often a closure is run at most.
const RUNS_MAX: u32 = 6;

/// The wait before the second run; it doubles with every further one.
const AGAIN_AFTER: Duration = Duration::from_millis(4);
const RECONNECT_AFTER: Duration = Duration::from_millis(50);

impl Worker {
    pub(crate) const fn new(session: Session, common: Arc<Common>) -> Self {
        Self { session, common }
    }

    /// Runs one write closure to its end.
    pub(crate) fn write(&mut self, mut job: WriteJob) {
        let started = self.common.clock.elapsed();
        self.common.counters.waited(started.saturating_sub(job.queued_at));
        let outcome = self.repeat(|worker| worker.try_write(&mut job));
        let counters = &self.common.counters;
        let ended = if matches!(outcome, Outcome::Kept(_)) { &counters.committed } else { &counters.rolled_back };
        Counters::count(ended, 1);
        match outcome {
            Outcome::Kept(0) | Outcome::Rejected => job.work.answer(),
            Outcome::Kept(events) => {
                Counters::count(&counters.events, events);
                job.work.answer();
                self.common.commits.bump();
            }
            Outcome::Failed(error) | Outcome::Again(Failed { error, .. }) => job.work.fail(error),
        }
    }

    /// Runs one read closure to its end. It is answered before its transaction is ended: nothing hangs on that.
    pub(crate) fn read(&mut self, mut job: ReadJob) {
        Counters::count(&self.common.counters.reads, 1);
        match self.repeat(|worker| worker.try_read(&mut job)) {
            Outcome::Kept(_) | Outcome::Rejected => job.work.answer(),
            Outcome::Failed(error) | Outcome::Again(Failed { error, .. }) => job.work.fail(error),
        }
        self.session.end_read();
    }

    /// Runs until there is an answer, a bounded number of times.
    fn repeat(&mut self, mut once: impl FnMut(&mut Self) -> Outcome) -> Outcome {
        let mut runs = 1;
        loop {
            let outcome = once(self);
            let Outcome::Again(failed) = &outcome else { return outcome };
            if runs == RUNS_MAX {
                return outcome;
            }
            tracing::debug!(runs, cause = %failed.error, "a transaction runs again");
            Counters::count(&self.common.counters.run_again, 1);
            self.pause(runs, failed.then);
            runs += 1;
        }
    }

    fn try_write(&mut self, job: &mut WriteJob) -> Outcome {
        let access = if job.step.is_followed { Access::WriteStep } else { Access::Write };
        if let Err(failed) = self.session.enter(job.service, access) {
            return Outcome::Again(failed);
        }
        let started = self.common.clock.elapsed();
        let context = Context {
            service: job.service.name,
            now: self.common.clock.now(),
            traceparent: job.traceparent.as_deref(),
            rng: &*self.common.rng,
        };
        let mut tx = Tx::new(AnySession::Postgres(&mut self.session), context);
        let ran = job.work.run(&mut tx);
        let events = tx.into_events();
        let failure = self.session.take_failure();
        let outcome = match (ran, failure) {
            (Ran::Done, None) => {
                let outcome = self.commit(&events, job.traceparent.as_deref());
                self.common.note_duration((job.service, job.name), started, SLOW_CLOSURE_ON_SERVER);
                return outcome;
            }
            (_, Some(failed)) if failed.then != Then::Tell => Outcome::Again(failed),
            (Ran::Panicked(message), _) => Outcome::Failed(job.panicked(&message)),
            (Ran::Done, Some(failed)) => Outcome::Failed(went_on(job.name, &failed.error)),
            (Ran::Rejected, _) => Outcome::Rejected,
        };
        self.undo(&outcome);
        self.common.note_duration((job.service, job.name), started, SLOW_CLOSURE_ON_SERVER);
        outcome
    }

    fn commit(&mut self, events: &[PendingEvent], traceparent: Option<&str>) -> Outcome {
        let started = self.common.clock.elapsed();
        match self.session.commit(events, traceparent) {
            Committed::Yes => {
                self.common.counters.batch(1, self.common.clock.elapsed().saturating_sub(started));
                Outcome::Kept(events.len())
            }
            Committed::Unknown(error) => Outcome::Failed(error),
            Committed::No(failed) => {
                let outcome = match failed.then {
                    Then::Tell => Outcome::Failed(failed.error),
                    Then::Again | Then::Reconnect => Outcome::Again(failed),
                };
                self.undo(&outcome);
                outcome
            }
        }
    }

    fn try_read(&mut self, job: &mut ReadJob) -> Outcome {
        if let Err(failed) = self.session.enter(job.service, Access::Read) {
            return Outcome::Again(failed);
        }
        let started = self.common.clock.elapsed();
        let ran = job.work.run(&mut Snapshot { session: AnySession::Postgres(&mut self.session) });
        self.common.note_duration((job.service, job.name), started, SLOW_CLOSURE_ON_SERVER);
        let outcome = match (ran, self.session.take_failure()) {
            (_, Some(failed)) if failed.then != Then::Tell => Outcome::Again(failed),
            (Ran::Panicked(message), _) => Outcome::Failed(job.panicked(&message)),
            (Ran::Done, Some(failed)) => Outcome::Failed(went_on(job.name, &failed.error)),
            (Ran::Done | Ran::Rejected, _) => Outcome::Rejected,
        };
        if let Outcome::Again(_) = outcome {
            self.undo(&outcome);
        }
        outcome
    }

    /// Leaves nothing open behind a run that is not kept.
    fn undo(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Again(Failed { then: Then::Reconnect, .. }) => self.session.disconnect(),
            Outcome::Again(_) | Outcome::Kept(_) | Outcome::Rejected | Outcome::Failed(_) => self.session.rollback(),
        }
    }

    /// Lets the others go first, by a different time for everybody.
    fn pause(&self, runs: u32, then: Then) {
        let base = if then == Then::Reconnect { RECONNECT_AFTER } else { AGAIN_AFTER };
        let longest = base.saturating_mul(1 << runs.min(8));
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX).max(2);
        let jitter = self.common.rng.next_u64() % (micros / 2);
        std::thread::park_timeout(Duration::from_micros(micros / 2 + jitter));
    }
}
