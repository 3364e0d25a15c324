//! One connection to PostgreSQL and the transaction on it.
//!
//! Exchanges are what a transaction costs here, so they are counted: `BEGIN` and the taking of the xid travel with the
//! first statement, the insert of the events travels with `COMMIT`, and statements that nobody waits for travel with
//! whatever is sent next. A closure that waits for eight statements has nine; one that waits for none has two, or one if
//! it is idempotent, since nobody need know its xid then.

mod commit;
mod control;
mod last;

pub(crate) use commit::Committed;

use std::collections::HashMap;
use std::sync::Arc;

use crate::postgres::connect::Connector;
use crate::postgres::errors::{self, Failed};
use crate::postgres::session::control::Control;
use crate::postgres::session::last::Last;
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
    /// A statement was encoded that touches a row or fails: whatever comes behind it is in a transaction with an xid.
    writes_surely: bool,
    /// What is encoded as the last thing before the commit.
    last: Vec<Last>,
    /// The first failure of this run: nothing of it may be kept.
    failure: Option<Failed>,
}

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    /// May be carried out twice when its answer is lost, so nobody has to ask what became of it.
    WriteIdempotent,
    /// The same, without waiting for the disk: another transaction follows that does.
    WriteStep,
    Read,
}

/// How far the transaction on the server has come.
enum Open {
    /// Nothing was encoded: a closure that only computes costs no exchange.
    No,
    /// `BEGIN` goes with what is sent next.
    Encoded,
    /// `BEGIN` was answered; who has to ask what became of it knows its xid.
    Yes { xid: Option<String> },
}

struct Connection {
    wire: Wire,
    control: Control,
    prepared: HashMap<(u16, usize, Form), Arc<Prepared>>,
    /// Whose schema the search path names, as far as is known.
    path: Option<Service>,
}

/// How a statement is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// As it is written.
    Plain,
    /// So that the server refuses it unless it touches one row: a commit may travel behind it.
    OneRow,
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
    /// It is done; when the server says that it did not touch one row, the transaction fails so.
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
            writes_surely: false,
            last: Vec::new(),
            failure: None,
        }
    }

    /// Starts a run for a service, on a connection that is not known to be lost.
    pub(crate) fn enter(&mut self, service: Service, access: Access) -> Result<(), Failed> {
        self.service = service;
        self.access = access;
        self.open = Open::No;
        self.writes_surely = false;
        self.last.clear();
        self.failure = None;
        if self.connection.is_none() {
            let mut wire = self.connector.take().map_err(Failed::lost)?;
            let control = Control::prepare(&mut wire)?;
            self.connection = Some(Connection { wire, control, prepared: HashMap::new(), path: None });
        }
        Ok(())
    }

    /// Whether a statement of this run failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failure.is_some()
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

    /// Sends the statement with whatever is sent next. When it has to touch one row and does not, that fails with
    /// what `otherwise` says.
    pub(crate) fn queue(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: Option<StoreError>,
    ) -> Result<(), StoreError> {
        let form = if otherwise.is_some() { Form::OneRow } else { Form::Plain };
        let prepared = self.ready(statement, form)?;
        let encoded = self
            .make_room(params, &mut |_, _| {})
            .and_then(|_| self.encode((statement.name, &prepared), params, Role::Later(otherwise)));
        self.writes_surely |= form == Form::OneRow;
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
        self.ready(statement, Form::Plain).map(drop)
    }

    /// Hands on what a statement finds for each row of parameters, until that is refused.
    fn rows<'p>(
        &mut self,
        statement: &'static Statement,
        params: impl Iterator<Item = &'p [Param<'p>]>,
        f: &mut dyn FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prepared = self.ready(statement, Form::Plain)?;
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
        let prepared = self.ready(statement, Form::Plain)?;
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
    fn ready(&mut self, statement: &'static Statement, form: Form) -> Result<Arc<Prepared>, StoreError> {
        if self.failure.is_some() {
            return Err(StoreError::fault(statement.name, "an earlier statement of this transaction failed"));
        }
        self.prepared(statement, form).map_err(|failed| self.poison(failed))
    }

    /// The prepared statement, from the cache or from the server.
    fn prepared(&mut self, statement: &'static Statement, form: Form) -> Result<Arc<Prepared>, Failed> {
        let key = (self.service.index, statement.address(), form);
        let connection = self.connection.as_ref().ok_or_else(no_connection)?;
        if let Some(prepared) = connection.prepared.get(&key) {
            return Ok(Arc::clone(prepared));
        }
        // Behind the opening, which says where its names are looked up.
        self.open()?;
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        let put = match form {
            Form::Plain => connection.wire.put_prepare(statement.sql),
            Form::OneRow => connection.wire.put_prepare(&on_one_row(statement.sql)),
        };
        let name = put.map_err(|error| errors::lost(&error, statement.name))?;
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
        let mut xid = None;
        let exchanged = connection.wire.exchange(&mut |place, reply| {
            let Some(one) = under_way.get(place) else { return };
            match (&one.role, reply) {
                (Role::Awaited, reply) => f(place - first, reply),
                (Role::Xid, Reply::Row(body)) => xid = connection.control.xid(body),
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
        if failed.is_some() {
            // The search path goes back to what it was.
            connection.path = None;
        }
        let failure = failed.map(|(place, error)| {
            let one = under_way.get(place);
            let at = one.map_or("the server", |one| one.name);
            if transaction == Transaction::Gone {
                // It hung up with this: why does not matter, nor whether it has a name here.
                return Failed::lost(StoreError::unavailable(format!("{at}: {}", error.message)));
            }
            match one.map(|one| &one.role) {
                Some(Role::Later(Some(otherwise))) if errors::is_untouched(&error) => Failed::tell(otherwise.clone()),
                _ => errors::failure(&error, at),
            }
        });
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

/// The statement so that the server refuses it unless it touches one row.
fn on_one_row(sql: &str) -> String {
    format!(
        "WITH touched AS ({sql} RETURNING 1) \
        SELECT CASE count(*) WHEN 1 THEN 1 ELSE {KIT_SCHEMA}.not_one_row() END FROM touched"
    )
}

fn no_connection() -> Failed {
    Failed::lost(StoreError::unavailable("no connection to PostgreSQL"))
}

fn not_described(statement: &Statement) -> Failed {
    Failed::tell(StoreError::fault(statement.name, "the server does not say what it takes and gives"))
}
