//! The threads of a PostgreSQL store.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Common, Lane, next, submit};
use crate::migrate::{self, Migration};
use crate::postgres::connect::Connector;
use crate::postgres::session::{KIT_SCHEMA, Session};
use crate::postgres::worker::Worker;
use crate::work::{ReadJob, Service, WriteJob};
use crate::{PostgresConfig, StoreError, params};

/// A PostgreSQL database.
pub(crate) struct Engine {
    connector: Arc<Connector>,
    common: Arc<Common>,
    connect_wait: Duration,
    writes: Lane<WriteJob>,
    reads: Lane<ReadJob>,
}

const HAS_TABLES: &str = "SELECT to_regnamespace($1) IS NOT NULL";

impl Engine {
    pub(crate) fn open(config: &PostgresConfig, common: &Arc<Common>) -> Result<Self, StoreError> {
        let connector = Arc::new(Connector::new(config)?);
        let worker = || Worker::new(Session::new(Arc::clone(&connector)), Arc::clone(common));
        let (writes, queue) = Lane::new(config.queue_max);
        for number in 0..config.writers.max(1) {
            let (mut worker, queue, common) = (worker(), queue.clone(), Arc::clone(common));
            writes.spawn(format!("store-writer-{number}"), move || {
                while let Some(job) = next(&queue, &common) {
                    worker.write(job);
                }
            })?;
        }
        let (reads, queue) = Lane::new(config.queue_max);
        for number in 0..config.readers.max(1) {
            let (mut worker, queue, common) = (worker(), queue.clone(), Arc::clone(common));
            reads.spawn(format!("store-reader-{number}"), move || {
                while let Some(job) = next(&queue, &common) {
                    worker.read(job);
                }
            })?;
        }
        Ok(Self { connector, common: Arc::clone(common), connect_wait: config.connect_wait, writes, reads })
    }

    /// Whether the kit's tables are in this database, which is only looked at.
    pub(crate) fn has_tables(config: &PostgresConfig) -> Result<bool, StoreError> {
        let at = "looking for tables";
        let looking = || {
            let mut wire = Connector::new(config)?.take_within(config.connect_wait, config.hooks.waiting)?;
            let found = wire.query(HAS_TABLES, &params![KIT_SCHEMA], |row| row.get::<bool>(0));
            found.map(|found| found.contains(&true)).map_err(|reason| StoreError::fault(at, reason))
        };
        // On a thread of its own, as a migration.
        std::thread::scope(|scope| {
            let looked = scope.spawn(looking).join();
            looked.unwrap_or_else(|_| Err(StoreError::fault(at, "it panicked")))
        })
    }

    pub(crate) fn migrate(&self, owner: Service, history: &str, migrations: &[Migration]) -> Result<(), StoreError> {
        // On a thread of its own: the caller may stand in a runtime, where signing in cannot be waited for.
        std::thread::scope(|scope| {
            let migrating = scope.spawn(|| {
                let mut wire = self.connector.take_within(self.connect_wait, self.common.hooks.waiting)?;
                // Another process may be migrating, and a large table may be changed: that takes as long as it takes.
                let patience = |error: std::io::Error| StoreError::unavailable(format!("{history}: {error}"));
                wire.set_patience(None).map_err(patience)?;
                migrate::postgres(&mut wire, owner, (history, migrations), self.common.upgrade)?;
                wire.set_patience(Some(self.connector.patience)).map_err(patience)?;
                self.connector.give_back(wire);
                Ok(())
            });
            migrating.join().unwrap_or_else(|_| Err(StoreError::fault(history, "the migration panicked")))
        })
    }

    pub(crate) fn write(&self, job: WriteJob, wait: Duration) {
        submit!(self.writes, job, wait, self.common);
    }

    pub(crate) fn read(&self, job: ReadJob, wait: Duration) {
        submit!(self.reads, job, wait, self.common);
    }

    pub(crate) fn queues(&self) -> (usize, usize) {
        (self.writes.len(), self.reads.len())
    }

    pub(crate) fn shutdown(&self) {
        self.writes.shutdown();
        self.reads.shutdown();
    }
}
