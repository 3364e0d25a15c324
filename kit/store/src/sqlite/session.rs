//! One connection to a SQLite file, with what it has prepared.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

use crate::row::DriverRow;
use crate::sqlite::constraints;
use crate::sqlite::errors::{self, Broken};
use crate::sqlite::fence::{Doorman, Fence};
use crate::work::{KIT, Service};
use crate::{Column, Param, Row, Statement, StoreError};

/// A connection.
pub(crate) struct Session {
    connection: Connection,
    doorman: Arc<Doorman>,
    service: Service,
    /// The text for SQLite of each statement, rewritten once.
    texts: HashMap<(u16, usize), Arc<str>>,
    /// The names of broken unique constraints, by the columns that SQLite reported.
    names: HashMap<String, String>,
    /// The first failure since [`Session::enter`]: nothing of this run may be kept.
    failure: Option<StoreError>,
    /// Whether it only reads.
    reads: bool,
}

/// More than a store has statements: none is prepared twice.
const STATEMENTS_MAX: usize = 2048;

impl Session {
    pub(crate) fn new(mut connection: Connection, fence: &Arc<Fence>) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let only_reads = |error| errors::failure(&error, "readonly");
        let reads = connection.is_readonly("main").map_err(only_reads)?;
        let doorman = Doorman::post(&mut connection, fence).map_err(|error| errors::failure(&error, "authorizer"))?;
        let (texts, names) = (HashMap::new(), HashMap::new());
        Ok(Self { connection, doorman, service: KIT, texts, names, failure: None, reads })
    }

    /// Runs for this service from now on, with a clean slate.
    pub(crate) fn enter(&mut self, service: Service) {
        self.doorman.expect(service);
        self.service = service;
        self.failure = None;
    }

    /// The first failure since [`Session::enter`].
    pub(crate) const fn take_failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }

    /// Whether no transaction is open: after an error, SQLite may have rolled back everything (decision 1).
    pub(crate) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Runs a statement of the kit that moves the transaction: `BEGIN IMMEDIATE`, `COMMIT`, `SAVEPOINT run` …
    pub(crate) fn control(&self, sql: &'static str) -> Result<(), StoreError> {
        let run = || self.connection.prepare_cached(sql)?.raw_execute();
        run().map(drop).map_err(|error| errors::failure(&error, sql))
    }

    pub(crate) fn each(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        f: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let text = self.ready(statement)?;
        let mut stopped = None;
        let mut read = || -> rusqlite::Result<()> {
            let mut prepared = bound(&self.connection, &text, params)?;
            let mut rows = prepared.raw_query();
            while let Some(row) = rows.next()? {
                if let Err(error) = f(&Row::new(DriverRow::Sqlite(row), statement.name)) {
                    stopped = Some(error);
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|error| self.failed(&error, statement))?;
        stopped.map_or(Ok(()), Err)
    }

    pub(crate) fn execute(&mut self, statement: &'static Statement, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let text = self.ready(statement)?;
        let touched = bound(&self.connection, &text, params).and_then(|mut prepared| prepared.raw_execute());
        touched.map(|rows| rows as u64).map_err(|error| self.failed(&error, statement))
    }

    /// Runs a statement; the transaction is poisoned when it has to touch one row and does not.
    pub(crate) fn execute_expecting(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: Option<StoreError>,
    ) -> Result<(), StoreError> {
        match (self.execute(statement, params)?, otherwise) {
            (1, _) | (_, None) => Ok(()),
            (_, Some(otherwise)) => {
                self.failure = Some(otherwise.clone());
                Err(otherwise)
            }
        }
    }

    pub(crate) fn prepare(&mut self, statement: &'static Statement) -> Result<(), StoreError> {
        let text = self.ready(statement)?;
        let prepared = self.connection.prepare_cached(&text).map(drop);
        prepared.map_err(|error| self.failed(&error, statement))
    }

    /// The statement's text, unless the transaction is poisoned.
    fn ready(&mut self, statement: &'static Statement) -> Result<Arc<str>, StoreError> {
        if self.failure.is_some() {
            return Err(StoreError::fault(statement.name, "an earlier statement of this transaction failed"));
        }
        let key = (self.service.index, statement.address());
        if let Some(text) = self.texts.get(&key) {
            return Ok(Arc::clone(text));
        }
        if self.reads && statement.locks_rows() {
            return Err(StoreError::fault(statement.name, "a read transaction cannot lock rows"));
        }
        let text: Arc<str> = statement.for_sqlite(self.service.name).into();
        self.texts.insert(key, Arc::clone(&text));
        Ok(text)
    }

    /// Poisons the transaction and says why.
    fn failed(&mut self, error: &rusqlite::Error, statement: &'static Statement) -> StoreError {
        let failure = self.named(error, statement);
        self.failure = Some(failure.clone());
        failure
    }

    fn named(&mut self, error: &rusqlite::Error, statement: &'static Statement) -> StoreError {
        if let Some(table) = self.doorman.take_refused() {
            return StoreError::Fenced { service: self.service.name, table };
        }
        match errors::broken(error) {
            Some(Broken::Unique(clash)) => StoreError::Unique { constraint: self.name(clash, constraints::unique) },
            Some(Broken::PrimaryKey(clash)) => {
                StoreError::Unique { constraint: self.name(clash, constraints::primary_key) }
            }
            Some(Broken::Check(name)) => StoreError::Check { constraint: name.to_owned() },
            Some(Broken::ForeignKey) => StoreError::ForeignKey,
            Some(Broken::NotNull(column)) => {
                let column = column.split_once('.').map_or(column, |(_, column)| column).to_owned();
                StoreError::NotNull { column }
            }
            None => errors::failure(error, statement.name),
        }
    }

    fn name(&mut self, clash: &str, find: fn(&Connection, &str) -> String) -> String {
        if let Some(name) = self.names.get(clash) {
            return name.clone();
        }
        // SQLite's own tables are fenced off from services.
        self.doorman.expect(KIT);
        let name = find(&self.connection, clash);
        self.doorman.expect(self.service);
        self.names.insert(clash.to_owned(), name.clone());
        name
    }
}

/// The statement from the cache with its parameters bound.
fn bound<'c>(connection: &'c Connection, text: &str, params: &[Param<'_>]) -> rusqlite::Result<CachedStatement<'c>> {
    let mut prepared = connection.prepare_cached(text)?;
    if prepared.parameter_count() != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), prepared.parameter_count()));
    }
    for (place, param) in params.iter().enumerate() {
        prepared.raw_bind_parameter(place + 1, param)?;
    }
    Ok(prepared)
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Id(id) => ValueRef::Text(id.as_str().as_bytes()),
            Self::Currency(currency) => ValueRef::Text(currency.as_str().as_bytes()),
            Self::Owned(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// A column of a row.
pub(crate) fn column<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Column<'r>, String> {
    match row.get_ref(index).map_err(|error| error.to_string())? {
        ValueRef::Null => Ok(Column::Null),
        ValueRef::Integer(value) => Ok(Column::Int(value)),
        ValueRef::Real(value) => Ok(Column::Real(value)),
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map(Column::Text).map_err(|_| "text that is not UTF-8".to_owned())
        }
        ValueRef::Blob(_) => Err("a blob, which no column of ours holds".to_owned()),
    }
}
