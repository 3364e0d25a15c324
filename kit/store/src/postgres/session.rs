//! One connection to PostgreSQL and the transaction on it.
//!
//! Exchanges are what a transaction costs here, so they are counted: `BEGIN` and the taking of the xid travel with the
//! first statement, the insert of the events travels with `COMMIT`, and statements that nobody waits for travel with
//! whatever is sent next. A closure that waits for eight statements has nine.

mod commit;
mod control;

pub(crate) use commit::Committed;

use std::collections::HashMap;
use std::sync::Arc;

use crate::postgres::connect::Connector;
use crate::postgres::errors::{self, Failed};
use crate::postgres::session::control::Control;
use crate::postgres::values::{dynamic, len_at_most};
use crate::postgres::wire::{Exchanged, Prepared, Reply, ServerRow, Transaction, Wire};
use crate::row::DriverRow;
use crate::work::{KIT, Service};
use crate::{Param, Row, Statement, StoreError};

/// A connection, or the place where one will be.
pub(crate) struct Session {
    connector: Arc<Connector>,
    connection: Option<Connection>,
    service: Service,
    access: Access,
    open: Open,
    /// What was encoded and not sent, in its order.
    under_way: Vec<UnderWay>,
    /// The first failure of this run: nothing of it may be kept.
    failure: Option<Failed>,
}

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    /// Without waiting for the disk: another transaction follows that does.
    WriteStep,
    Read,
}

/// How far the transaction on the server has come.
enum Open {
    /// Nothing was encoded: a closure that only computes costs no exchange.
    No,
    /// `BEGIN` goes with what is sent next.
    Encoded,
    /// `BEGIN` was answered; a writer knows its xid.
    Yes { xid: Option<String> },
    /// It was committed with its last statement; there is no other.
    Committed,
}

struct Connection {
    wire: Wire,
    control: Control,
    prepared: HashMap<(u16, usize), Arc<Prepared>>,
    /// Whose schema the search path names, as far as is known.
    path: Option<Service>,
}

/// A statement of the next exchange.
struct UnderWay {
    name: &'static str,
    role: Role,
}

/// What the answer to a statement is good for.
enum Role {
    /// It says that all is well.
    Nothing,
    /// It is the xid.
    Xid,
    /// It is done; the transaction fails so unless it touches one row.
    Later(Option<StoreError>),
    /// Somebody waits for it.
    Awaited,
}

/// The schema of the kit's tables.
pub(crate) const KIT_SCHEMA: &str = "samovar_log";

impl Session {
    pub(crate) const fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            connection: None,
            service: KIT,
            access: Access::Read,
            open: Open::No,
            under_way: Vec::new(),
            failure: None,
        }
    }

    /// Starts a run for a service, on a connection that is not known to be lost.
    pub(crate) fn enter(&mut self, service: Service, access: Access) -> Result<(), Failed> {
        self.service = service;
        self.access = access;
        self.open = Open::No;
        self.failure = None;
        if self.connection.is_none() {
            let mut wire = self.connector.take().map_err(Failed::lost)?;
            let control = Control::prepare(&mut wire)?;
            self.connection = Some(Connection { wire, control, prepared: HashMap::new(), path: None });
        }
        Ok(())
    }

    /// The first failure of this run.
    pub(crate) const fn take_failure(&mut self) -> Option<Failed> {
        self.failure.take()
    }

    /// Ends the transaction without keeping anything.
    pub(crate) fn rollback(&mut self) {
        self.failure = None;
        self.forget();
        if let Open::Yes { .. } = self.open {
            self.end(|control| &control.rollback);
            // It takes the search path back to what it was.
            self.forget_path();
        }
        self.open = Open::No;
    }

    /// Ends a transaction that only read.
    pub(crate) fn end_read(&mut self) {
        self.forget();
        if let Open::Yes { .. } = self.open {
            self.end(|control| &control.commit);
        }
        self.open = Open::No;
    }

    /// Forgets the connection; the server rolls back what was open on it.
    pub(crate) fn disconnect(&mut self) {
        self.open = Open::No;
        self.under_way.clear();
        self.connection = None;
    }

    pub(crate) fn each(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        f: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows(statement, std::iter::once(params), &mut |_, row| f(row))
    }

    pub(crate) fn execute(&mut self, statement: &'static Statement, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let mut touched = 0;
        self.ask(statement, std::iter::once(params), &mut |_, reply| {
            if let Reply::Done(rows) = reply {
                touched = rows;
            }
        })?;
        Ok(touched)
    }

    /// Runs a statement and commits with it.
    pub(crate) fn execute_and_commit(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<u64, StoreError> {
        let prepared = self.ready(statement)?;
        let mut touched = 0;
        let mut committing = || {
            if self.must_be_counted() {
                self.exchange(&mut |_, _| {})?;
            }
            self.make_room(params, &mut |_, _| {})?;
            self.encode((statement.name, &prepared), params, Role::Awaited)?;
            self.encode_end()?;
            self.exchange(&mut |_, reply| {
                if let Reply::Done(rows) = reply {
                    touched = rows;
                }
            })?;
            self.open = Open::Committed;
            Ok(())
        };
        committing().map_err(|failed| self.poison(failed))?;
        Ok(touched)
    }

    /// Sends the statement with whatever is sent next. When it has to touch one row and does not, that fails with
    /// what `otherwise` says.
    pub(crate) fn queue(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: Option<StoreError>,
    ) -> Result<(), StoreError> {
        let prepared = self.ready(statement)?;
        let encoded = self
            .make_room(params, &mut |_, _| {})
            .and_then(|_| self.encode((statement.name, &prepared), params, Role::Later(otherwise)));
        encoded.map_err(|failed| self.poison(failed))
    }

    /// All rows of parameters, sent in their order, in as few exchanges as they fit in.
    pub(crate) fn execute_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<u64>, StoreError> {
        let mut touched = Vec::with_capacity(rows.len());
        self.ask(statement, rows.iter().map(Vec::as_slice), &mut |_, reply| {
            if let Reply::Done(rows) = reply {
                touched.push(rows);
            }
        })?;
        Ok(touched)
    }

    /// The rows that each row of parameters finds, with the place of the row of parameters, in as few exchanges as they
    /// fit in.
    pub(crate) fn each_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
        f: &mut dyn FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows(statement, rows.iter().map(Vec::as_slice), f)
    }

    pub(crate) fn prepare(&mut self, statement: &'static Statement) -> Result<(), StoreError> {
        self.ready(statement).map(drop)
    }

    /// Hands on what a statement finds for each row of parameters, until that is refused.
    fn rows<'p>(
        &mut self,
        statement: &'static Statement,
        params: impl Iterator<Item = &'p [Param<'p>]>,
        f: &mut dyn FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prepared = self.ready(statement)?;
        let mut result = Ok(());
        self.ask(statement, params, &mut |place, reply| {
            if let (Reply::Row(body), Ok(())) = (reply, &result) {
                let row = ServerRow::new(&prepared, body);
                result = f(place, &Row::new(DriverRow::Postgres(&row), statement.name));
            }
        })?;
        result
    }

    /// Waits for the answers to a statement, once per row of parameters.
    fn ask<'p>(
        &mut self,
        statement: &'static Statement,
        params: impl Iterator<Item = &'p [Param<'p>]>,
        f: &mut dyn FnMut(usize, Reply<'_>),
    ) -> Result<(), StoreError> {
        let prepared = self.ready(statement)?;
        let (mut before, mut encoded) = (0, 0);
        let asking = || {
            for params in params {
                if self.make_room(params, &mut |place, reply| f(before + place, reply))? {
                    before = encoded;
                }
                self.encode((statement.name, &prepared), params, Role::Awaited)?;
                encoded += 1;
            }
            if encoded > 0 { self.exchange(&mut |place, reply| f(before + place, reply)) } else { Ok(()) }
        };
        asking().map_err(|failed| self.poison(failed))
    }

    /// The prepared statement, unless the transaction is poisoned.
    fn ready(&mut self, statement: &'static Statement) -> Result<Arc<Prepared>, StoreError> {
        if self.failure.is_some() {
            return Err(StoreError::fault(statement.name, "an earlier statement of this transaction failed"));
        }
        if let Open::Committed = self.open {
            return Err(StoreError::fault(statement.name, "this transaction was committed with an earlier statement"));
        }
        self.prepared(statement).map_err(|failed| self.poison(failed))
    }

    /// The prepared statement, from the cache or from the server.
    fn prepared(&mut self, statement: &'static Statement) -> Result<Arc<Prepared>, Failed> {
        let key = (self.service.index, statement.address());
        let connection = self.connection.as_ref().ok_or_else(no_connection)?;
        if let Some(prepared) = connection.prepared.get(&key) {
            return Ok(Arc::clone(prepared));
        }
        // Behind the opening, which says where its names are looked up.
        self.open()?;
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        let name = connection.wire.put_prepare(statement.sql).map_err(|error| errors::lost(&error, statement.name))?;
        self.under_way.push(UnderWay { name: statement.name, role: Role::Awaited });
        let mut described = None;
        self.exchange(&mut |_, reply| {
            if let Reply::Described(params, columns) = reply {
                described = Some((params, columns));
            }
        })?;
        let (params, columns) = described.ok_or_else(|| not_described(statement))?;
        let prepared = Arc::new(Prepared::new(name, params, columns));
        if let Some(connection) = &mut self.connection {
            connection.prepared.insert(key, Arc::clone(&prepared));
        }
        Ok(prepared)
    }

    /// Encodes the opening of the transaction, when none is open yet.
    fn open(&mut self) -> Result<(), Failed> {
        let Open::No = self.open else { return Ok(()) };
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        connection.control.open(&mut connection.wire, self.access, &mut self.under_way)?;
        if connection.path != Some(self.service) {
            let path = search_path(self.service);
            connection.wire.put_once(&path).map_err(|error| errors::lost(&error, "search_path"))?;
            self.under_way.push(UnderWay { name: "search_path", role: Role::Nothing });
            connection.path = Some(self.service);
        }
        self.open = Open::Encoded;
        Ok(())
    }

    /// Encodes a statement, behind the opening of the transaction when it is the first.
    fn encode(
        &mut self,
        (name, prepared): (&'static str, &Prepared),
        params: &[Param<'_>],
        role: Role,
    ) -> Result<(), Failed> {
        self.open()?;
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        let refused = |reason| Failed::tell(StoreError::fault(name, reason));
        connection.wire.put(prepared, dynamic(params)).map_err(refused)?;
        self.under_way.push(UnderWay { name, role });
        Ok(())
    }

    /// Whether the count of a statement that was encoded may still forbid the commit.
    fn must_be_counted(&self) -> bool {
        self.under_way.iter().any(|one| matches!(one.role, Role::Later(Some(_))))
    }

    /// Sends what was encoded, if this would be too much beside it; whether it was sent.
    fn make_room(&mut self, params: &[Param<'_>], f: &mut dyn FnMut(usize, Reply<'_>)) -> Result<bool, Failed> {
        let is_full = self.connection.as_ref().is_some_and(|connection| connection.wire.is_full(len_at_most(params)));
        if is_full {
            self.exchange(f)?;
        }
        Ok(is_full)
    }

    /// Sends what was encoded and takes in the answers; those that are awaited go to `f` with their place among them.
    fn exchange(&mut self, f: &mut dyn FnMut(usize, Reply<'_>)) -> Result<(), Failed> {
        let under_way = std::mem::take(&mut self.under_way);
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        let first = under_way.iter().position(|one| matches!(one.role, Role::Awaited)).unwrap_or(under_way.len());
        let (mut xid, mut untouched) = (None, None);
        let exchanged = connection.wire.exchange(&mut |place, reply| {
            let Some(one) = under_way.get(place) else { return };
            match (&one.role, reply) {
                (Role::Awaited, reply) => f(place - first, reply),
                (Role::Xid, Reply::Row(body)) => xid = connection.control.xid(body),
                (Role::Later(Some(otherwise)), Reply::Done(touched)) if touched != 1 && untouched.is_none() => {
                    untouched = Some((place, otherwise));
                }
                (Role::Nothing | Role::Xid | Role::Later(_), _) => {}
            }
        });
        let at = under_way.iter().find(|one| matches!(one.role, Role::Awaited)).or(under_way.last());
        let Exchanged { failed, transaction } = match exchanged {
            Ok(exchanged) => exchanged,
            Err(error) => {
                let failed = errors::lost(&error, at.map_or("COMMIT", |one| one.name));
                self.disconnect();
                return Err(failed);
            }
        };
        if failed.is_some() || untouched.is_some() {
            // The search path goes back to what it was.
            connection.path = None;
        }
        let failure = match (untouched, failed) {
            (Some((before, otherwise)), Some((place, _))) if before < place && transaction != Transaction::Gone => {
                Some(Failed::tell(otherwise.clone()))
            }
            // It hung up with this: why does not matter, nor whether it has a name here.
            (_, Some((place, error))) if transaction == Transaction::Gone => {
                let at = under_way.get(place).map_or("the server", |one| one.name);
                Some(Failed::lost(StoreError::unavailable(format!("{at}: {}", error.message))))
            }
            (_, Some((place, error))) => {
                Some(errors::failure(&error, under_way.get(place).map_or("the server", |one| one.name)))
            }
            (Some((_, otherwise)), None) => Some(Failed::tell(otherwise.clone())),
            (None, None) => None,
        };
        self.note(transaction, xid);
        failure.map_or(Ok(()), Err)
    }

    /// What is open after an exchange.
    fn note(&mut self, transaction: Transaction, xid: Option<String>) {
        match transaction {
            Transaction::None => self.open = Open::No,
            Transaction::Open => {
                if let Open::No | Open::Encoded = self.open {
                    self.open = Open::Yes { xid };
                }
            }
            Transaction::Gone => self.disconnect(),
        }
    }

    /// Ends what is open. A connection that does not answer to it is dropped, and the server rolls back.
    fn end(&mut self, statement: fn(&Control) -> &Prepared) {
        let Some(Connection { wire, control, .. }) = &mut self.connection else { return };
        let ended = wire.put(statement(control), dynamic(&[])).is_ok()
            && wire.exchange(&mut |_, _| {}).is_ok_and(|exchanged| exchanged.failed.is_none());
        if !ended {
            self.disconnect();
        }
    }

    /// Forgets what was encoded and not sent. A connection that somebody stopped reading is of no use any more, and the
    /// server must not keep for it what is open there.
    fn forget(&mut self) {
        if self.connection.as_ref().is_some_and(|connection| connection.wire.is_unread()) {
            self.disconnect();
        }
        if self.under_way.is_empty() {
            return;
        }
        self.under_way.clear();
        if let Some(connection) = &mut self.connection {
            connection.wire.forget();
        }
        self.forget_path();
    }

    fn forget_path(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.path = None;
        }
    }

    fn poison(&mut self, failed: Failed) -> StoreError {
        let error = failed.error.clone();
        self.failure = Some(failed);
        error
    }
}

/// The schemas that a service's names are looked up in.
pub(crate) fn search_path(service: Service) -> String {
    if service == KIT {
        format!("SET search_path TO {KIT_SCHEMA}")
    } else {
        format!("SET search_path TO \"{}\", {KIT_SCHEMA}", service.name)
    }
}

fn no_connection() -> Failed {
    Failed::lost(StoreError::unavailable("no connection to PostgreSQL"))
}

fn not_described(statement: &Statement) -> Failed {
    Failed::tell(StoreError::fault(statement.name, "the server does not say what it takes and gives"))
}
