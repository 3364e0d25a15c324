//! The door that services go through.

use std::any::type_name;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Clock, Rng};
use tokio::sync::oneshot::{self, error::RecvError};

use crate::engine::{Common, Engine};
use crate::migrate::{self, Migration};
use crate::work::{Job, KIT, Reply, Service, Step, Task, WriteWork};
use crate::{Commits, Snapshot, Statement, Stats, StoreConfig, StoreError, Tx, postgres, steps};

/// A SQLite file or a PostgreSQL server. Cheap to clone; the last one dropped finishes what is queued.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// One service's door to a store. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
    service: Service,
}

struct Shared {
    engine: Engine,
    common: Arc<Common>,
    services: Mutex<Vec<&'static str>>,
}

/// How long a thread of the kit waits for room in the queue; a request does not wait at all.
const ROOM_WAIT: Duration = Duration::from_secs(1);

impl Store {
    /// Opens the file or connects to the server, and brings the kit's own tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] with what to do about it, [`StoreError::Unavailable`] when the server is not
    /// there in time, [`StoreError::Migration`].
    pub fn open(config: StoreConfig, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, StoreError> {
        let common = Arc::new(Common::new(clock, rng, &config));
        let engine = Engine::open(config, &common)?;
        engine.migrate(KIT, KIT.name, migrate::KIT_MIGRATIONS)?;
        Ok(Self { shared: Arc::new(Shared { engine, common, services: Mutex::new(vec![KIT.name]) }) })
    }

    /// Whether there is a store in this place already; it is only looked at.
    ///
    /// # Errors
    /// Those of [`Store::open`] for a server.
    pub fn is_made(config: &StoreConfig) -> Result<bool, StoreError> {
        match config {
            StoreConfig::Sqlite(config) => Ok(config.path.exists()),
            StoreConfig::Postgres(config) => postgres::Engine::has_tables(config),
        }
    }

    /// The door of a service, after its migrations.
    ///
    /// # Errors
    /// [`StoreError::Migration`] when an applied migration has changed or is missing, or a new one fails.
    pub fn db(&self, service: &'static str, migrations: &[Migration]) -> Result<Db, StoreError> {
        let service = self.service(service)?;
        self.shared.engine.migrate(service, service.name, migrations)?;
        Ok(Db { shared: Arc::clone(&self.shared), service })
    }

    /// Brings tables of the kit up to date that another kit crate owns: like [`Store::db`], but the tables are
    /// open to every service (on PostgreSQL they stand in the schema `samovar_log`), and the door that is returned
    /// may touch every table. `history` names their history table (`eventlog`).
    ///
    /// # Errors
    /// Those of [`Store::db`].
    pub fn kit(&self, history: &'static str, migrations: &[Migration]) -> Result<Db, StoreError> {
        self.shared.engine.migrate(KIT, history, migrations)?;
        Ok(Db { shared: Arc::clone(&self.shared), service: KIT })
    }

    /// What was counted since the store was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Ends the threads after what is queued; afterwards every closure is answered [`StoreError::Unavailable`].
    pub fn shutdown(&self) {
        self.shared.engine.shutdown();
    }

    fn service(&self, name: &'static str) -> Result<Service, StoreError> {
        let usable = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !name.is_empty();
        if !usable || name == "samovar_log" {
            return Err(StoreError::configuration(format!("{name:?} cannot name a service: lower-case letters only")));
        }
        let mut services = self.shared.services.lock().unwrap_or_else(PoisonError::into_inner);
        let place = services.iter().position(|known| *known == name).unwrap_or_else(|| {
            services.push(name);
            services.len() - 1
        });
        let index = u16::try_from(place).map_err(|_| StoreError::configuration("more services than can be counted"))?;
        Ok(Service { index, name })
    }
}

impl Db {
    /// Runs a write transaction: committed when the closure returns `Ok`, rolled back when it returns `Err` or
    /// panics. Answered only after the commit is on disk. The closure may be run again, so it must have no effect
    /// beside the transaction. Nothing is begun for a caller who has gone (whose future was dropped) before its turn came;
    /// what has begun is ended without him.
    ///
    /// # Errors
    /// What the closure returned, or the store's own failures.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_as(closure, Step::default()).await
    }

    /// [`Db::write`] for a closure that waits for nothing, hardly ever fails, and tells by itself, before anything else, whether
    /// it was carried out before: a key of its own that is inserted once. On PostgreSQL those that come at the same time
    /// share a transaction, and so a trip to the server and one to the disk. When one of them fails, or the answer to their
    /// commit is lost, each runs again by itself.
    ///
    /// # Errors
    /// Those of [`Db::write`].
    pub async fn write_in_company<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_as(closure, Step { is_in_company: true, ..Step::default() }).await
    }

    async fn write_as<T, E, F>(&self, closure: F, step: Step) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let step = Step { upon: steps::built_upon(&self.shared.common), ..step };
        self.submit_write(Box::new(Task::new(closure, Reply::Task(reply))), type_name::<F>(), step, Duration::ZERO);
        self.ended(answer.await)
    }

    /// [`Db::write`] for a transaction that another one of the same request follows ([`in_steps`](crate::in_steps)): it does
    /// not wait for the disk when it ends with a result that `goes_on`. Whatever is told to anybody outside must be told by
    /// a later [`Db::write`]. It may be carried out twice, when the answer to its commit is lost on PostgreSQL: what it did
    /// must be found there and answered for. Outside of steps it is a [`Db::write`].
    ///
    /// # Errors
    /// Those of [`Db::write`]; [`StoreError::Unavailable`] when an earlier step was lost.
    pub async fn write_step<T, E, F>(&self, closure: F, goes_on: fn(&T) -> bool) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_step_as(closure, goes_on, Step::default()).await
    }

    /// [`Db::write_step`] as [`Db::write_in_company`].
    ///
    /// # Errors
    /// Those of [`Db::write_step`].
    pub async fn write_step_in_company<T, E, F>(&self, closure: F, goes_on: fn(&T) -> bool) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_step_as(closure, goes_on, Step { is_in_company: true, ..Step::default() }).await
    }

    async fn write_step_as<T, E, F>(&self, closure: F, goes_on: fn(&T) -> bool, step: Step) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let common = &self.shared.common;
        if !steps::begin(common) {
            return self.write_as(closure, step).await;
        }
        let (reply, answer) = oneshot::channel();
        let step = Step { is_followed: true, upon: steps::built_upon(common), ..step };
        let task = Task::step(closure, Reply::Task(reply), goes_on);
        self.submit_write(Box::new(task), type_name::<F>(), step, Duration::ZERO);
        self.ended(answer.await)
    }

    fn ended<T, E: From<StoreError>>(&self, answer: Result<Result<T, E>, RecvError>) -> Result<T, E> {
        let answer = answer.unwrap_or_else(|_| Err(lost_answer().into()));
        if answer.is_err() {
            steps::forget_what_was_lost(&self.shared.common);
        }
        answer
    }

    /// Runs a read transaction.
    ///
    /// # Errors
    /// What the closure returned, or the store's own failures.
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Snapshot<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit_read(closure, Reply::Task(reply), Duration::ZERO);
        answer.await.unwrap_or_else(|_| Err(lost_answer().into()))
    }

    /// [`Db::write`] for threads that may block: consumers, timers, the command line. Waits a second for room in
    /// the queue before it gives up.
    ///
    /// # Errors
    /// Those of [`Db::write`].
    pub fn write_blocking<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_on_thread(closure, Step::default())
    }

    /// [`Db::write_blocking`] for work that nobody waits for, such as moving a consumer on: on SQLite it waits a moment
    /// ([`PATIENCE`](crate::PATIENCE)) for somebody to share a trip to the disk with.
    ///
    /// # Errors
    /// Those of [`Db::write`].
    pub fn write_patiently<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_on_thread(closure, Step { is_patient: true, ..Step::default() })
    }

    fn write_on_thread<T, E, F>(&self, closure: F, step: Step) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = crossbeam_channel::bounded(1);
        let task = Task::new(closure, Reply::Thread(reply));
        self.submit_write(Box::new(task), type_name::<F>(), step, ROOM_WAIT);
        answer.recv().unwrap_or_else(|_| Err(lost_answer().into()))
    }

    /// [`Db::read`] for threads that may block.
    ///
    /// # Errors
    /// Those of [`Db::read`].
    pub fn read_blocking<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Snapshot<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = crossbeam_channel::bounded(1);
        self.submit_read(closure, Reply::Thread(reply), ROOM_WAIT);
        answer.recv().unwrap_or_else(|_| Err(lost_answer().into()))
    }

    /// Whose door it is.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        self.service.name
    }

    /// The clock that transactions read.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.common.clock
    }

    /// The source of chance that ids are made from.
    #[must_use]
    pub fn rng(&self) -> &Arc<dyn Rng> {
        &self.shared.common.rng
    }

    /// Wakes who waits for events of this store.
    #[must_use]
    pub fn commits(&self) -> &Commits {
        &self.shared.common.commits
    }

    /// What was counted since the store was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Whether the store stands on PostgreSQL, for the few places that differ (reading the log in order).
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.shared.engine, Engine::Postgres(_))
    }

    /// Prepares every statement as this service; what every service's tests call with its `STATEMENTS`.
    ///
    /// # Errors
    /// The first that does not prepare, by name.
    pub fn prepare_all(&self, statements: &'static [&'static Statement]) -> Result<(), StoreError> {
        statements.iter().try_for_each(|statement| self.write_blocking(move |tx| tx.prepare(statement)))
    }

    fn submit_write(&self, work: Box<dyn WriteWork>, name: &'static str, step: Step, wait: Duration) {
        let common = &self.shared.common;
        let traceparent = (common.hooks.traceparent)();
        let job = Job { service: self.service, name, traceparent, queued_at: common.clock.elapsed(), step, work };
        self.shared.engine.write(job, wait);
    }

    fn submit_read<T, E, F>(&self, closure: F, reply: Reply<Result<T, E>>, wait: Duration)
    where
        F: FnMut(&mut Snapshot<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let job = Job {
            service: self.service,
            name: type_name::<F>(),
            traceparent: None,
            step: Step::default(),
            queued_at: self.shared.common.clock.elapsed(),
            work: Box::new(Task::new(closure, reply)) as _,
        };
        self.shared.engine.read(job, wait);
    }
}

impl Shared {
    fn stats(&self) -> Stats {
        let (write_queue, read_queue) = self.engine.queues();
        let log_bytes = self.engine.log_bytes();
        Stats { write_queue, read_queue, log_bytes, ..self.common.counters.read() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

/// The thread ended with the closure in its hands; every path answers before it ends, so what happened is not known.
fn lost_answer() -> StoreError {
    StoreError::OutcomeUnknown { reason: "the store ended before it answered".to_owned() }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("service", &self.service.name).finish_non_exhaustive()
    }
}
