//! A thread's work: one closure per transaction, or several in company, run again while that is safe (decision 2).

use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;

use crate::engine::Common;
use crate::outbox::PendingEvent;
use crate::postgres::errors::{Failed, Then};
use crate::postgres::session::{Access, Committed, Session};
use crate::snapshot::Session as AnySession;
use crate::stats::Counters;
use crate::tx::Context;
use crate::work::{Ran, ReadJob, Step, WriteJob, went_on};
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
    /// Nothing was kept; what it returned is the answer. Why it had to, if a statement failed.
    Rejected(Option<StoreError>),
    /// Nothing was kept; this is the answer.
    Failed(StoreError),
    /// Nothing was kept, and it may run again.
    Again(Failed),
}

/// What became of closures that shared a transaction.
enum Together {
    /// What they returned are the answers; so many events were published.
    Kept(usize),
    /// Nothing is known to be kept: each runs by itself.
    Apart {
        /// Why that is not known for certain, when the answer to the commit was lost.
        lost: Option<StoreError>,
    },
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
    pub(crate) fn write(&mut self, job: WriteJob) {
        self.begun(&job);
        self.write_alone(job, None);
    }

    /// Runs closures in one transaction; when it fails, each by itself.
    pub(crate) fn write_together(&mut self, mut jobs: Vec<WriteJob>) {
        jobs.iter().for_each(|job| self.begun(job));
        if jobs.len() == 1 {
            return jobs.into_iter().for_each(|job| drop(self.write_alone(job, None)));
        }
        match self.try_together(&mut jobs) {
            Together::Kept(events) => {
                Counters::count(&self.common.counters.committed, jobs.len());
                Counters::count(&self.common.counters.events, events);
                jobs.into_iter().for_each(|job| job.work.answer());
                if events > 0 {
                    self.common.commits.bump();
                }
            }
            Together::Apart { lost } => {
                let mut away = None;
                for job in jobs {
                    match &away {
                        // For one of them away is away for all; each has its runs behind it when so many have waited.
                        Some(error) => job.work.fail(lost.clone().unwrap_or_else(|| StoreError::clone(error))),
                        // Nobody need have waited so long.
                        None if lost.is_none() && !job.is_awaited(&self.common) => {}
                        None => {
                            Counters::count(&self.common.counters.run_again, 1);
                            away = self.write_alone(job, lost.clone());
                        }
                    }
                }
            }
        }
    }

    fn begun(&self, job: &WriteJob) {
        self.common.counters.waited(self.common.clock.elapsed().saturating_sub(job.queued_at));
    }

    /// Runs a closure until there is an answer; `lost` is that of a commit that it was part of before. What it failed with when
    /// the server is away.
    fn write_alone(&mut self, mut job: WriteJob, lost: Option<StoreError>) -> Option<StoreError> {
        let outcome = self.repeat(lost, |worker| worker.try_write(&mut job));
        let counters = &self.common.counters;
        let ended = if matches!(outcome, Outcome::Kept(_)) { &counters.committed } else { &counters.rolled_back };
        Counters::count(ended, 1);
        match outcome {
            Outcome::Kept(0) | Outcome::Rejected(_) => job.work.answer(),
            Outcome::Kept(events) => {
                Counters::count(&counters.events, events);
                job.work.answer();
                self.common.commits.bump();
            }
            Outcome::Failed(error) | Outcome::Again(Failed { error, .. }) => {
                let away = Some(&error).filter(|error| matches!(error, StoreError::Unavailable { .. })).cloned();
                job.work.fail(error);
                return away;
            }
        }
        None
    }

    /// Runs one read closure to its end. It is answered before its transaction is ended: nothing hangs on that.
    pub(crate) fn read(&mut self, mut job: ReadJob) {
        Counters::count(&self.common.counters.reads, 1);
        match self.repeat(None, |worker| worker.try_read(&mut job)) {
            Outcome::Kept(_) | Outcome::Rejected(_) => job.work.answer(),
            Outcome::Failed(error) | Outcome::Again(Failed { error, .. }) => job.work.fail(error),
        }
        self.session.end_read();
    }

    /// Runs until there is an answer, a bounded number of times. Once the answer to a commit was lost, only a run that came to a
    /// verdict of its own says what became of that.
    fn repeat(&mut self, mut lost: Option<StoreError>, mut once: impl FnMut(&mut Self) -> Outcome) -> Outcome {
        let mut runs = 1;
        loop {
            let outcome = once(self);
            if let Outcome::Again(Failed { error: error @ StoreError::OutcomeUnknown { .. }, .. }) = &outcome {
                lost = Some(error.clone());
            }
            let failed = match outcome {
                Outcome::Again(failed) if runs < RUNS_MAX => failed,
                ended @ (Outcome::Kept(_) | Outcome::Rejected(_) | Outcome::Failed(_) | Outcome::Again(_)) => {
                    return match lost {
                        Some(lost) if !is_verdict(&ended) => Outcome::Failed(lost),
                        Some(_) | None => ended,
                    };
                }
            };
            tracing::debug!(runs, cause = %failed.error, "a transaction runs again");
            Counters::count(&self.common.counters.run_again, 1);
            self.pause(runs, failed.then);
            runs += 1;
        }
    }

    fn try_write(&mut self, job: &mut WriteJob) -> Outcome {
        if let Err(failed) = self.session.enter(job.service, access(job.step)) {
            return Outcome::Again(failed);
        }
        let started = self.common.clock.elapsed();
        let (ran, events) = self.run(job, self.common.clock.now());
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
            (Ran::Rejected, failed) => Outcome::Rejected(failed.map(|failed| failed.error)),
        };
        self.undo(&outcome);
        self.common.note_duration((job.service, job.name), started, SLOW_CLOSURE_ON_SERVER);
        outcome
    }

    /// One transaction for all of them; nothing of it is kept when one does not end well.
    fn try_together(&mut self, jobs: &mut [WriteJob]) -> Together {
        let Some(first) = jobs.first() else { return Together::Kept(0) };
        let (kind, closures) = ((first.service, first.name), jobs.len());
        if self.session.enter(first.service, access(first.step)).is_err() {
            return Together::Apart { lost: None };
        }
        let started = self.common.clock.elapsed();
        let (mut all, now) = (Vec::new(), self.common.clock.now());
        for job in jobs {
            let (ran, events) = self.run(job, now);
            if ran != Ran::Done || self.session.has_failed() {
                self.session.take_failure();
                self.session.rollback();
                return Together::Apart { lost: None };
            }
            let traced = |event: PendingEvent| PendingEvent {
                traceparent: event.traceparent.or_else(|| job.traceparent.clone()),
                ..event
            };
            all.extend(events.into_iter().map(traced));
        }
        let committing = self.common.clock.elapsed();
        let committed = self.session.commit(&all, None);
        let ended = self.common.clock.elapsed();
        let patience = SLOW_CLOSURE_ON_SERVER.saturating_mul(u32::try_from(closures).unwrap_or(u32::MAX));
        self.common.note_duration(kind, started, patience);
        match committed {
            Committed::Yes => {
                self.common.counters.batch(closures, ended.saturating_sub(committing));
                Together::Kept(all.len())
            }
            Committed::Unknown(error) => Together::Apart { lost: Some(error) },
            Committed::No(failed) => {
                self.undo(&Outcome::Again(failed.clone()));
                let is_lost = matches!(failed.error, StoreError::OutcomeUnknown { .. });
                Together::Apart { lost: is_lost.then_some(failed.error) }
            }
        }
    }

    /// Runs a closure once; what it published.
    fn run(&mut self, job: &mut WriteJob, now: Timestamp) -> (Ran, Vec<PendingEvent>) {
        let context =
            Context { service: job.service.name, now, traceparent: job.traceparent.as_deref(), rng: &*self.common.rng };
        let mut tx = Tx::new(AnySession::Postgres(&mut self.session), context);
        let ran = job.work.run(&mut tx);
        (ran, tx.into_events())
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
            (Ran::Done | Ran::Rejected, _) => Outcome::Rejected(None),
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
            Outcome::Again(_) | Outcome::Kept(_) | Outcome::Rejected(_) | Outcome::Failed(_) => self.session.rollback(),
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

const fn access(step: Step) -> Access {
    match step {
        Step { is_followed: true, .. } => Access::WriteStep,
        Step { is_in_company: true, .. } => Access::WriteIdempotent,
        Step { .. } => Access::Write,
    }
}

/// Whether a run says for certain that it stands, or that it was carried out before, or that it must not be.
const fn is_verdict(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Kept(_) | Outcome::Rejected(None) => true,
        Outcome::Rejected(Some(error)) | Outcome::Failed(error) | Outcome::Again(Failed { error, .. }) => matches!(
            error,
            StoreError::Unique { .. }
                | StoreError::Check { .. }
                | StoreError::ForeignKey
                | StoreError::NotNull { .. }
                | StoreError::Untouched { .. }
                | StoreError::LeaseLost { .. }
        ),
    }
}
