//! Reading: a transaction that sees the database at one moment.

use crate::{Param, Row, Statement, StoreError, postgres, sqlite};

/// A read transaction; everything read through it is of the same moment.
pub struct Snapshot<'c> {
    pub(crate) session: Session<'c>,
}

/// The connection that a transaction runs on.
pub(crate) enum Session<'c> {
    Sqlite(&'c mut sqlite::Session),
    Postgres(&'c mut postgres::Session),
}

/// What a row is made into, or why it cannot be.
type EachRow<'f> = &'f mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>;

impl Snapshot<'_> {
    /// The only row, or none.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when there are several: a forgotten condition must not pick a row by chance.
    pub fn one<T>(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.session.each(statement, params, &mut |row| {
            if found.is_some() {
                return Err(several_rows(statement));
            }
            found = Some(map(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// All rows.
    ///
    /// # Errors
    /// Those of the database and of `map`.
    pub fn list<T>(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.session.each(statement, params, &mut |row| {
            rows.push(map(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Every row in turn, without keeping them.
    ///
    /// # Errors
    /// Those of the database and of `f`, which ends the reading.
    pub fn each(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        mut f: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.session.each(statement, params, &mut f)
    }
}

pub(crate) fn several_rows(statement: &Statement) -> StoreError {
    StoreError::fault(statement.name, "answered several rows where one was wanted")
}

impl Session<'_> {
    fn each(&mut self, statement: &'static Statement, params: &[Param<'_>], f: EachRow<'_>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.each(statement, params, f),
            Self::Postgres(session) => session.each(statement, params, f),
        }
    }

    pub(crate) fn execute(&mut self, statement: &'static Statement, params: &[Param<'_>]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(statement, params),
            Self::Postgres(session) => session.execute(statement, params),
        }
    }

    pub(crate) fn execute_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<u64>, StoreError> {
        match self {
            Self::Sqlite(session) => rows.iter().map(|row| session.execute(statement, row)).collect(),
            Self::Postgres(session) => session.execute_many(statement, rows),
        }
    }

    pub(crate) fn execute_later(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: Option<StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.execute_expecting(statement, params, otherwise),
            Self::Postgres(session) => session.queue(statement, params, otherwise),
        }
    }

    pub(crate) fn execute_last(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: StoreError,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.execute_expecting(statement, params, Some(otherwise)),
            Self::Postgres(session) => session.queue_last(statement, params, otherwise),
        }
    }

    pub(crate) fn each_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
        f: &mut dyn FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => {
                let mut places = rows.iter().enumerate();
                places.try_for_each(|(place, row)| session.each(statement, row, &mut |found| f(place, found)))
            }
            Self::Postgres(session) => session.each_many(statement, rows, f),
        }
    }

    /// Prepares without running.
    pub(crate) fn prepare(&mut self, statement: &'static Statement) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.prepare(statement),
            Self::Postgres(session) => session.prepare(statement),
        }
    }
}
