//! Writing: a transaction that stands whole or not at all.

use std::fmt;
use std::ops::{Deref, DerefMut};

use kernel::{Event, Rng, Timestamp};

use crate::audit_trail::{self, AuditEntry};
use crate::outbox::{self, PendingEvent};
use crate::snapshot::{Session, several_rows};
use crate::{Param, Row, Snapshot, Statement, StoreError};

/// A write transaction. After a failed statement it is poisoned: whatever the closure then does, nothing is kept.
///
/// Statements with `RETURNING` go through [`Snapshot::one`] and [`Snapshot::list`].
pub struct Tx<'c> {
    snapshot: Snapshot<'c>,
    context: Context<'c>,
    events: Vec<PendingEvent>,
    /// The trace of what is published from here on, if it is not the caller's.
    trace: Option<String>,
}

/// What a run of a closure knows beside the data.
#[derive(Clone, Copy)]
pub(crate) struct Context<'c> {
    pub(crate) service: &'static str,
    pub(crate) now: Timestamp,
    pub(crate) traceparent: Option<&'c str>,
    pub(crate) rng: &'c dyn Rng,
}

impl<'c> Tx<'c> {
    pub(crate) const fn new(session: Session<'c>, context: Context<'c>) -> Self {
        Self { snapshot: Snapshot { session }, context, events: Vec::new(), trace: None }
    }

    /// Runs a statement; how many rows it touched.
    ///
    /// # Errors
    /// Broken constraints by name; the transaction is poisoned then.
    pub fn execute(&mut self, statement: &'static Statement, params: &[Param<'_>]) -> Result<u64, StoreError> {
        self.snapshot.session.execute(statement, params)
    }

    /// Runs a statement once per row of parameters, in their order; how many rows each touched. One round trip on
    /// PostgreSQL (decision 4).
    ///
    /// # Errors
    /// That of the first row that failed; the transaction is poisoned then.
    pub fn execute_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<u64>, StoreError> {
        self.snapshot.session.execute_many(statement, rows)
    }

    /// Runs a statement whose count nobody asks for. On PostgreSQL nobody waits for it either: it travels with the next
    /// statement that is waited for, or with the commit, and its failure is the failure of that.
    ///
    /// # Errors
    /// Those of [`Tx::execute`], on PostgreSQL later.
    pub fn execute_later(&mut self, statement: &'static Statement, params: &[Param<'_>]) -> Result<(), StoreError> {
        self.snapshot.session.execute_later(statement, params, None)
    }

    /// [`Tx::execute_later`] for an `INSERT`, `UPDATE` or `DELETE` without `RETURNING` that has to touch exactly one row:
    /// if it does not, the transaction fails with `otherwise`. On PostgreSQL the server refuses it, and with it the commit
    /// that travels behind it; a closure that rejects before it waits for anything does not hear of it.
    ///
    /// # Errors
    /// `otherwise`, and those of [`Tx::execute_later`], on PostgreSQL later.
    pub fn expect_one(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: StoreError,
    ) -> Result<(), StoreError> {
        self.snapshot.session.execute_later(statement, params, Some(otherwise))
    }

    /// [`Tx::expect_one`] for a row that many want at once. On PostgreSQL it is carried out as the last thing before the events
    /// and the commit, by the order of the parameters among all such statements of the transaction: so it is held for a
    /// moment only, and nobody waits in a circle. What the closure itself reads behind it does not see it there.
    ///
    /// # Errors
    /// Those of [`Tx::expect_one`].
    pub fn expect_one_last(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: StoreError,
    ) -> Result<(), StoreError> {
        self.snapshot.session.execute_last(statement, params, otherwise)
    }

    /// The only row that each row of parameters finds, or none, in their order. One round trip on PostgreSQL.
    ///
    /// # Errors
    /// Those of [`Snapshot::one`]; the transaction is poisoned when a statement failed.
    pub fn one_many<T>(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let mut found: Vec<Option<T>> = rows.iter().map(|_| None).collect();
        self.snapshot.session.each_many(statement, rows, &mut |place, row| {
            if found[place].is_some() {
                return Err(several_rows(statement));
            }
            found[place] = Some(map(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Publishes an event with this transaction: it is inserted as the last thing before the commit
    /// (decision 10), and nobody sees it when there is no commit.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when the event cannot be written as JSON.
    pub fn publish<E: Event>(&mut self, event: &E) -> Result<(), StoreError> {
        let event = PendingEvent::new(event, self.context.now, self.context.rng)?;
        self.events.push(PendingEvent { traceparent: self.trace.clone(), ..event });
        Ok(())
    }

    /// What is published from here on belongs to this trace (a W3C `traceparent`) instead of the caller's. For a
    /// consumer: each event that it handles in one transaction has a trace of its own.
    pub fn in_trace(&mut self, traceparent: Option<&str>) {
        self.trace = traceparent.map(str::to_owned);
    }

    /// Writes a row of the audit trail (see [`audit_trail`]).
    ///
    /// # Errors
    /// Those of the database.
    #[expect(clippy::needless_pass_by_value, reason = "an entry is made for this call")]
    pub fn audit(&mut self, entry: AuditEntry) -> Result<(), StoreError> {
        audit_trail::write(self, &entry)
    }

    /// The time of this run, the same whenever it is asked.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.context.now
    }

    /// Whose transaction it is.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        self.context.service
    }

    pub(crate) fn prepare(&mut self, statement: &'static Statement) -> Result<(), StoreError> {
        self.snapshot.session.prepare(statement)
    }

    /// The published events, for a driver that inserts them together with its commit.
    pub(crate) fn into_events(self) -> Vec<PendingEvent> {
        self.events
    }

    /// Inserts the published events now; how many.
    pub(crate) fn insert_events(&mut self) -> Result<usize, StoreError> {
        let events = std::mem::take(&mut self.events);
        for event in &events {
            self.execute(&outbox::INSERT_EVENT, &event.params(self.context.traceparent))?;
        }
        Ok(events.len())
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Snapshot<'c>;

    fn deref(&self) -> &Self::Target {
        &self.snapshot
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.snapshot
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("service", &self.context.service).finish_non_exhaustive()
    }
}
