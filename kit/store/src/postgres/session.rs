//! One connection to PostgreSQL and the transaction on it.
//!
//! Round trips are what a transaction costs here, so they are counted: `BEGIN` and the taking of the xid travel
//! with the first statement, the insert of the events travels with `COMMIT`, and statements that nobody waits for
//! travel with whatever is sent next. A closure that waits for eight statements takes nine.

mod commit;
mod pipeline;

pub(crate) use commit::Committed;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use futures_util::future::{join, join3};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Error, Statement as Prepared};

use crate::postgres::connect::{Connector, Link};
use crate::postgres::errors::{self, Failed};
use crate::postgres::session::pipeline::{Queued, dynamic, found, pipelined};
use crate::row::DriverRow;
use crate::work::{KIT, Service};
use crate::{Param, Row, Statement, StoreError};

/// A connection, or the place where one will be.
pub(crate) struct Session {
    runtime: Runtime,
    connector: Arc<Connector>,
    connection: Option<Connection>,
    service: Service,
    access: Access,
    open: Open,
    /// Statements that nobody waits for, in their order; sent before whatever is sent next.
    queued: Vec<Queued>,
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
    /// Nothing was sent: a closure that only computes costs no round trip.
    No,
    /// `BEGIN` was answered; a writer knows its xid.
    Yes { xid: Option<String> },
}

struct Connection {
    link: Link,
    prepared: HashMap<(u16, usize), Prepared>,
    /// Whose schema the search path names.
    path: Option<Service>,
}

/// What is sent before the first statement of a transaction, without waiting for the answers.
struct Opening {
    path: Option<String>,
    begin: &'static str,
    xid: Option<Prepared>,
}

/// The schema of the kit's tables.
pub(crate) const KIT_SCHEMA: &str = "samovar_log";

/// Takes the transaction's id: before any sequence number is drawn (decision 10), and known before `COMMIT` is sent,
/// so that a lost answer can be asked about (decision 2).
static TAKE_XID: Statement = Statement { name: "TAKE_XID", sql: "SELECT pg_catalog.pg_current_xact_id()::text" };

/// Statements travel behind their `BEGIN` before it is answered: if the server refuses that one, the others must not be
/// carried out each by itself. Every `BEGIN` says what it is for, so only such a stray statement meets this.
const GUARD: &str = "SET default_transaction_read_only = on";

/// Names what is queued, where it is waited for by itself.
static QUEUED: Statement = Statement { name: "QUEUED", sql: "" };

/// How many statements are queued, or rows of parameters sent, at most at once.
const PIPELINE_MAX: usize = 500;

impl Session {
    pub(crate) fn new(connector: Arc<Connector>) -> Result<Self, StoreError> {
        Ok(Self {
            runtime: Connector::runtime()?,
            connector,
            connection: None,
            service: KIT,
            access: Access::Read,
            open: Open::No,
            queued: Vec::new(),
            failure: None,
        })
    }

    /// Starts a run for a service, on a connection that is not known to be lost.
    pub(crate) fn enter(&mut self, service: Service, access: Access) -> Result<(), Failed> {
        self.service = service;
        self.access = access;
        self.open = Open::No;
        self.queued.clear();
        self.failure = None;
        if self.connection.as_ref().is_none_or(|connection| connection.link.client.is_closed()) {
            self.disconnect();
            let link = self.connector.connect(&self.runtime).map_err(Failed::lost)?;
            block_on(&self.runtime, &self.connector, GUARD, link.client.batch_execute(GUARD))?;
            self.connection = Some(Connection { link, prepared: HashMap::new(), path: None });
        }
        Ok(())
    }

    /// The first failure of this run.
    pub(crate) const fn take_failure(&mut self) -> Option<Failed> {
        self.failure.take()
    }

    /// Ends the transaction without keeping anything.
    pub(crate) fn rollback(&mut self) {
        self.end("ROLLBACK");
    }

    /// Ends a transaction that only read.
    pub(crate) fn end_read(&mut self) {
        self.end("COMMIT");
    }

    /// Forgets the connection; the server rolls back what was open on it.
    pub(crate) fn disconnect(&mut self) {
        self.open = Open::No;
        if let Some(connection) = self.connection.take() {
            connection.link.close(&self.runtime);
        }
    }

    pub(crate) fn each(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        f: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prepared = self.ready(statement)?;
        let mut stopped = None;
        let query = async |connection: &Connection| {
            let mut rows = std::pin::pin!(connection.link.client.query_raw(&prepared, dynamic(params)).await?);
            while let Some(row) = rows.try_next().await? {
                if let Err(error) = f(&Row::new(DriverRow::Postgres(&row), statement.name)) {
                    stopped = Some(error);
                    break;
                }
            }
            Ok(())
        };
        self.send(statement, query)?;
        stopped.map_or(Ok(()), Err)
    }

    pub(crate) fn execute(&mut self, statement: &'static Statement, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let prepared = self.ready(statement)?;
        let query =
            async |connection: &Connection| connection.link.client.execute_raw(&prepared, dynamic(params)).await;
        self.send(statement, query)
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
        let params = params.iter().map(Param::to_static).collect();
        self.queued.push(Queued { name: statement.name, prepared, params, otherwise });
        if self.queued.len() < PIPELINE_MAX { Ok(()) } else { self.flush() }
    }

    /// Waits for the statements that nobody waited for so far.
    fn flush(&mut self) -> Result<(), StoreError> {
        if self.queued.is_empty() { Ok(()) } else { self.send(&QUEUED, async |_: &Connection| Ok(())) }
    }

    /// All rows of parameters in one round trip, sent in their order.
    pub(crate) fn execute_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<u64>, StoreError> {
        let mut touched = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(PIPELINE_MAX) {
            let prepared = self.ready(statement)?;
            let query = async |connection: &Connection| {
                let client = &connection.link.client;
                pipelined(chunk.iter().map(|row| client.execute_raw(&prepared, dynamic(row)))).await
            };
            touched.extend(self.send(statement, query)?);
        }
        Ok(touched)
    }

    /// The rows that each row of parameters finds, all in one round trip, with the place of the row of parameters.
    pub(crate) fn each_many(
        &mut self,
        statement: &'static Statement,
        rows: &[Vec<Param<'_>>],
        f: &mut dyn FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for (number, chunk) in rows.chunks(PIPELINE_MAX).enumerate() {
            let prepared = self.ready(statement)?;
            let query = async |connection: &Connection| {
                let client = &connection.link.client;
                pipelined(chunk.iter().map(|row| found(client, &prepared, row))).await
            };
            for (place, found) in self.send(statement, query)?.iter().enumerate() {
                for row in found {
                    f(number * PIPELINE_MAX + place, &Row::new(DriverRow::Postgres(row), statement.name))?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn prepare(&mut self, statement: &'static Statement) -> Result<(), StoreError> {
        self.ready(statement).map(drop)
    }

    /// The prepared statement, unless the transaction is poisoned.
    fn ready(&mut self, statement: &'static Statement) -> Result<Prepared, StoreError> {
        if self.failure.is_some() {
            return Err(StoreError::fault(statement.name, "an earlier statement of this transaction failed"));
        }
        self.prepared(statement).map_err(|failed| self.poison(failed))
    }

    /// The prepared statement, from the cache or from the server.
    fn prepared(&mut self, statement: &'static Statement) -> Result<Prepared, Failed> {
        let key = (self.service.index, statement.address());
        let service = self.service;
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        if let Some(prepared) = connection.prepared.get(&key) {
            return Ok(prepared.clone());
        }
        let path = connection.turn_to(service);
        let client = &connection.link.client;
        let preparing = async {
            let (path, prepared) = join(turn(client, path.as_deref()), client.prepare(statement.sql)).await;
            path.and(prepared)
        };
        let prepared = block_on(&self.runtime, &self.connector, statement.name, preparing)?;
        connection.prepared.insert(key, prepared.clone());
        Ok(prepared)
    }

    /// Sends a statement, behind the opening of the transaction when it is the first, and behind what is queued.
    fn send<T>(
        &mut self,
        statement: &'static Statement,
        query: impl AsyncFnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let queued = std::mem::take(&mut self.queued);
        let sent = self.opening().and_then(|opening| {
            let connection = self.connection.as_ref().ok_or_else(no_connection)?;
            let client = &connection.link.client;
            let all = async {
                // Each is sent when it is first asked for its answer, and they are asked in this order.
                let opened = async {
                    match &opening {
                        Some(opening) => opening.send(client).await.map(|xid| Some(Open::Yes { xid })),
                        None => Ok(None),
                    }
                };
                let before = async { pipeline::start(client, &queued).await?.end().await };
                let (opened, before, answer) = join3(opened, before, query(connection)).await;
                opened.map(|opened| (opened, before, answer))
            };
            block_on(&self.runtime, &self.connector, statement.name, all)
        });
        let (opened, before, answer) = sent.map_err(|failed| {
            let failed = self.half_open(failed);
            self.poison(failed)
        })?;
        self.open = opened.unwrap_or_else(|| std::mem::replace(&mut self.open, Open::No));
        let answer = before.and_then(|()| answer.map_err(|error| errors::failure(&error, statement.name)));
        answer.map_err(|failed| self.poison(failed))
    }

    /// What must be sent first, when no transaction is open yet.
    fn opening(&mut self) -> Result<Option<Opening>, Failed> {
        match self.open {
            Open::Yes { .. } => return Ok(None),
            Open::No => {}
        }
        let (begin, xid) = match self.access {
            Access::Write => ("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", Some(self.prepared(&TAKE_XID)?)),
            Access::WriteStep => (
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = off",
                Some(self.prepared(&TAKE_XID)?),
            ),
            Access::Read => ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", None),
        };
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        Ok(Some(Opening { path: connection.turn_to(self.service), begin, xid }))
    }

    /// Ends what is open. A connection that does not answer to it is dropped, and the server rolls back.
    fn end(&mut self, sql: &'static str) {
        self.failure = None;
        self.queued.clear();
        let open = std::mem::replace(&mut self.open, Open::No);
        let (Open::Yes { .. }, Some(connection)) = (open, &self.connection) else { return };
        let ended = block_on(&self.runtime, &self.connector, sql, connection.link.client.batch_execute(sql));
        if ended.is_err() {
            self.disconnect();
        }
    }

    /// The opening failed somewhere: whether a transaction is open on the connection is not worth finding out.
    fn half_open(&mut self, failed: Failed) -> Failed {
        self.disconnect();
        failed
    }

    fn poison(&mut self, failed: Failed) -> StoreError {
        let error = failed.error.clone();
        self.failure = Some(failed);
        error
    }
}

impl Connection {
    /// What to send so that names mean the service's tables and the kit's; nothing when they do already. Always
    /// outside of a transaction, since a rollback would take it back.
    fn turn_to(&mut self, service: Service) -> Option<String> {
        if self.path == Some(service) {
            return None;
        }
        self.path = Some(service);
        Some(search_path(service))
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

impl Opening {
    async fn send(&self, client: &Client) -> Result<Option<String>, Error> {
        let xid = async {
            match &self.xid {
                Some(take) => client.query_one(take, &[]).await?.try_get(0).map(Some),
                None => Ok(None),
            }
        };
        // Each is sent when it is first asked for its answer, and they are asked in this order.
        let (path, begun, xid) = join3(turn(client, self.path.as_deref()), client.batch_execute(self.begin), xid).await;
        path.and(begun).and(xid)
    }
}

async fn turn(client: &Client, path: Option<&str>) -> Result<(), Error> {
    match path {
        Some(sql) => client.batch_execute(sql).await,
        None => Ok(()),
    }
}

/// Waits for an answer of the server, at most as long as it may take it.
fn block_on<T>(
    runtime: &Runtime,
    connector: &Connector,
    at: &str,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failed> {
    match runtime.block_on(async { tokio::time::timeout(connector.patience, answer).await }) {
        Ok(answer) => answer.map_err(|error| errors::failure(&error, at)),
        Err(_) => Err(Failed::lost(StoreError::unavailable(format!("{at}: the server does not answer")))),
    }
}

fn no_connection() -> Failed {
    Failed::lost(StoreError::unavailable("no connection to PostgreSQL"))
}
