//! Writing: group commit (decision 1).
//!
//! All closures that wait are run in one `BEGIN IMMEDIATE … COMMIT`, each in a savepoint of its own, and answered
//! after the commit is on disk: a rejection as well, since it may rest on what an earlier closure of the batch did. The
//! exception are steps ([`crate::in_steps`]), which another transaction of the same request follows.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Common;
use crate::snapshot::Session as AnySession;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::session::Session;
use crate::stats::Counters;
use crate::tx::Context;
use crate::work::{KIT, Ran, WriteJob, went_on};
use crate::{SLOW_CLOSURE, StoreError, Tx};

/// The connection that writes.
pub(crate) struct Writer {
    session: Session,
    checkpoints: Arc<Checkpoints>,
    common: Arc<Common>,
    /// Why nothing is written any more.
    stopped: Option<StoreError>,
}

/// A closure that ran inside the open batch.
struct Ready {
    job: WriteJob,
    outcome: Outcome,
    /// Who asked has gone on, and will come back with the next step.
    was_answered: bool,
}

/// What the end of the batch means for a closure.
enum Outcome {
    /// Its savepoint was released; so many events.
    Kept(usize),
    /// Its savepoint was rolled back; what it returned is the answer.
    Rejected,
    /// Its savepoint was rolled back; this is the answer.
    Failed(StoreError),
}

impl Outcome {
    /// Events that were committed.
    const fn events(&self) -> usize {
        match self {
            Self::Kept(published) => *published,
            Self::Rejected | Self::Failed(_) => 0,
        }
    }
}

/// The batch as a whole is gone: SQLite rolled it back, or could not open or commit it.
struct Dead {
    cause: StoreError,
    /// The commit itself failed: what is on the disk is known only after a restart.
    in_commit: bool,
}

/// A batch ends here or after [`BATCH_TIME`], whichever comes first.
const BATCH_MAX: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(5);

/// How long a batch stays open for what follows its steps, when nobody waits for its end.
const NEXT_STEP_WAIT: Duration = Duration::from_millis(2);

/// What is queued; the writer waits so long for it when nothing is.
pub(crate) type More<'q> = dyn FnMut(Duration) -> Option<WriteJob> + 'q;

impl Writer {
    pub(crate) const fn new(session: Session, checkpoints: Arc<Checkpoints>, common: Arc<Common>) -> Self {
        Self { session, checkpoints, common, stopped: None }
    }

    /// One batch: `first` and what `more` has at once. Everybody in it is answered when this returns.
    pub(crate) fn step(&mut self, first: WriteJob, more: &mut More<'_>) {
        if let Some(stopped) = &self.stopped {
            return first.work.fail(stopped.clone());
        }
        let mut batch = Vec::new();
        let mut waiting = Some(first);
        let result = self.run_batch(&mut waiting, more, &mut batch).and_then(|()| self.commit(&batch));
        match result {
            Ok(()) => {
                self.answer(batch);
                if let Some(failure) = self.checkpoints.take_failure() {
                    self.stop(&Dead::before_commit(failure), Vec::new());
                }
            }
            Err(dead) => {
                let jobs = batch.into_iter().map(|ready| ready.job).chain(waiting).collect();
                self.bury(&dead, jobs);
            }
        }
    }

    /// Runs closures until there is no more or the batch is full. One that did not come to its end is left in
    /// `waiting`.
    fn run_batch(
        &mut self,
        waiting: &mut Option<WriteJob>,
        more: &mut More<'_>,
        batch: &mut Vec<Ready>,
    ) -> Result<(), Dead> {
        let started = self.common.clock.elapsed();
        self.session.enter(KIT);
        self.session.control("BEGIN IMMEDIATE").map_err(Dead::before_commit)?;
        let (mut is_followed, mut is_waited_for) = (false, false);
        while let Some(job) = waiting {
            self.common.counters.waited(started.saturating_sub(job.queued_at));
            let outcome = self.run(job)?;
            let was_answered = matches!(outcome, Outcome::Kept(_)) && job.step.is_followed && job.work.answer_early();
            is_followed |= was_answered;
            is_waited_for |= !was_answered && !job.step.is_patient;
            batch.extend(waiting.take().map(|job| Ready { job, outcome, was_answered }));
            let full = batch.len() >= BATCH_MAX || self.common.clock.elapsed().saturating_sub(started) >= BATCH_TIME;
            let wait = if is_followed && !is_waited_for { NEXT_STEP_WAIT } else { Duration::ZERO };
            *waiting = if full { None } else { more(wait) };
        }
        Ok(())
    }

    /// Runs one closure in its savepoint.
    fn run(&mut self, job: &mut WriteJob) -> Result<Outcome, Dead> {
        if job.step.upon.is_some_and(|lost| lost != self.common.lost()) {
            return Ok(Outcome::Failed(StoreError::unavailable("an earlier step was rolled back")));
        }
        self.session.control("SAVEPOINT closure").map_err(Dead::before_commit)?;
        self.session.enter(job.service);
        let started = self.common.clock.elapsed();
        let context = Context {
            service: job.service.name,
            now: self.common.clock.now(),
            traceparent: job.traceparent.as_deref(),
            rng: &*self.common.rng,
        };
        let mut tx = Tx::new(AnySession::Sqlite(&mut self.session), context);
        let ran = job.work.run(&mut tx);
        let events = if ran == Ran::Done { tx.insert_events() } else { Ok(0) };
        self.common.note_duration((job.service, job.name), started, SLOW_CLOSURE);
        let failure = self.session.take_failure();
        self.session.enter(KIT);
        if self.session.is_autocommit() {
            let unknown = || StoreError::fault(job.name, "the transaction ended under the closure");
            return Err(Dead::before_commit(failure.unwrap_or_else(unknown)));
        }
        let outcome = match (ran, failure, events) {
            (_, Some(stopped @ StoreError::Stopped { .. }), _) => return Err(Dead::before_commit(stopped)),
            (Ran::Panicked(message), _, _) => Outcome::Failed(job.panicked(&message)),
            (Ran::Rejected, _, _) => Outcome::Rejected,
            (Ran::Done, Some(failure), Ok(_)) => Outcome::Failed(went_on(job.name, &failure)),
            (Ran::Done, _, events) => events.map_or_else(Outcome::Failed, Outcome::Kept),
        };
        if !matches!(outcome, Outcome::Kept(_)) {
            self.session.control("ROLLBACK TO closure").map_err(Dead::before_commit)?;
        }
        self.session.control("RELEASE closure").map_err(Dead::before_commit)?;
        Ok(outcome)
    }

    fn commit(&mut self, batch: &[Ready]) -> Result<(), Dead> {
        let started = self.common.clock.elapsed();
        self.session.control("COMMIT").map_err(|cause| Dead { cause, in_commit: true })?;
        let took = self.common.clock.elapsed().saturating_sub(started);
        self.common.counters.batch(batch.len(), took);
        Ok(())
    }

    /// What is counted is counted before anybody who asks for the counts can have heard of it.
    fn answer(&self, batch: Vec<Ready>) {
        let counters = &self.common.counters;
        let published: usize = batch.iter().map(|ready| ready.outcome.events()).sum();
        let committed = batch.iter().filter(|ready| matches!(ready.outcome, Outcome::Kept(_))).count();
        Counters::count(&counters.committed, committed);
        Counters::count(&counters.rolled_back, batch.len() - committed);
        Counters::count(&counters.events, published);
        if published > 0 {
            self.common.commits.bump();
        }
        for Ready { job, outcome, was_answered } in batch {
            match outcome {
                Outcome::Kept(_) if was_answered => {}
                Outcome::Kept(_) | Outcome::Rejected => job.work.answer(),
                Outcome::Failed(error) => job.work.fail(error),
            }
        }
    }

    /// Nobody in a dead batch is answered with success. When the disk or the file is to blame the process stops;
    /// otherwise each closure runs again in a transaction of its own, so that only the culprit fails.
    fn bury(&mut self, dead: &Dead, mut jobs: Vec<WriteJob>) {
        self.common.lose();
        if !self.session.is_autocommit() && self.session.control("ROLLBACK").is_err() {
            tracing::error!("a dead batch could not be rolled back");
        }
        if matches!(dead.cause, StoreError::Stopped { .. }) {
            return self.stop(dead, jobs);
        }
        // Not begun, because another process holds the file: that would only be waited for again.
        if jobs.len() == 1 || matches!(dead.cause, StoreError::Busy { .. }) {
            return jobs.into_iter().for_each(|job| job.work.fail(dead.cause.clone()));
        }
        tracing::warn!(closures = jobs.len(), cause = %dead.cause, "a batch was rolled back and runs again one by one");
        Counters::count(&self.common.counters.run_again, jobs.len());
        for job in jobs.drain(..) {
            self.step(job, &mut |_| None);
        }
    }

    fn stop(&mut self, dead: &Dead, jobs: Vec<WriteJob>) {
        let reason = dead.cause.to_string();
        let answer =
            if dead.in_commit { StoreError::OutcomeUnknown { reason: reason.clone() } } else { dead.cause.clone() };
        for job in jobs {
            job.work.fail(answer.clone());
        }
        self.stopped = Some(dead.cause.clone());
        (self.common.hooks.fatal)(&reason);
    }
}

impl Dead {
    const fn before_commit(cause: StoreError) -> Self {
        Self { cause, in_commit: false }
    }
}
