//! Reading: a transaction of its own for every closure, on a connection that cannot write.

use std::sync::Arc;

use crate::engine::Common;
use crate::snapshot::Session as AnySession;
use crate::sqlite::session::Session;
use crate::stats::Counters;
use crate::work::{Ran, ReadJob, went_on};
use crate::{SLOW_CLOSURE, Snapshot, StoreError};

/// A connection that reads.
pub(crate) struct Reader {
    session: Session,
    common: Arc<Common>,
}

impl Reader {
    pub(crate) const fn new(session: Session, common: Arc<Common>) -> Self {
        Self { session, common }
    }

    /// Runs one closure.
    pub(crate) fn step(&mut self, mut job: ReadJob) {
        Counters::count(&self.common.counters.reads, 1);
        match self.run(&mut job) {
            Ok(()) => job.work.answer(),
            Err(error) => {
                let fatal = matches!(error, StoreError::Stopped { .. }).then(|| error.to_string());
                job.work.fail(error);
                if let Some(reason) = fatal {
                    (self.common.hooks.fatal)(&reason);
                }
            }
        }
    }

    /// `Ok` when what the closure returned is the answer.
    fn run(&mut self, job: &mut ReadJob) -> Result<(), StoreError> {
        self.session.enter(job.service);
        self.session.control("BEGIN")?;
        let started = self.common.clock.elapsed();
        let ran = job.work.run(&mut Snapshot { session: AnySession::Sqlite(&mut self.session) });
        self.common.note_duration((job.service, job.name), started, SLOW_CLOSURE);
        let failure = self.session.take_failure();
        let ended = if self.session.is_autocommit() { Ok(()) } else { self.session.control("ROLLBACK") };
        match (ran, failure) {
            (_, Some(stopped @ StoreError::Stopped { .. })) => Err(stopped),
            (Ran::Panicked(message), _) => Err(job.panicked(&message)),
            (Ran::Done, Some(failure)) => Err(went_on(job.name, &failure)),
            (Ran::Done | Ran::Rejected, _) => ended,
        }
    }
}
