//! The threads of a PostgreSQL store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Receiver;

use crate::engine::{Common, Lane, Message, next, submit};
use crate::migrate::{self, Migration};
use crate::postgres::connect::Connector;
use crate::postgres::pile::{Pile, Turn};
use crate::postgres::session::{KIT_SCHEMA, Session};
use crate::postgres::worker::Worker;
use crate::stats::Counters;
use crate::work::{ReadJob, Service, WriteJob};
use crate::{PostgresConfig, StoreError, params};

/// A PostgreSQL database.
pub(crate) struct Engine {
    connector: Arc<Connector>,
    common: Arc<Common>,
    connect_wait: Duration,
    writes: Lane<Turn>,
    /// By service, and whether another transaction follows.
    piles: Mutex<HashMap<(u16, bool), Arc<Pile>>>,
    queue_max: usize,
    threads_per_pile: usize,
    reads: Lane<ReadJob>,
}

/// One thread is at a pile, and one more for each so many that write: the others are for everything else.
const THREADS_FOR_ONE_PILE: usize = 4;

const HAS_TABLES: &str = "SELECT to_regnamespace($1) IS NOT NULL";

impl Engine {
    pub(crate) fn open(config: &PostgresConfig, common: &Arc<Common>) -> Result<Self, StoreError> {
        let connector = Arc::new(Connector::new(config)?);
        let worker = || Worker::new(Session::new(Arc::clone(&connector)), Arc::clone(common));
        let (writes, queue) = Lane::new(config.queue_max);
        for number in 0..config.writers.max(1) {
            let (worker, queue, common) = (worker(), queue.clone(), Arc::clone(common));
            writes.spawn(format!("store-writer-{number}"), move || write_loop(worker, &queue, &common))?;
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
        Ok(Self {
            connector,
            common: Arc::clone(common),
            connect_wait: config.connect_wait,
            writes,
            piles: Mutex::default(),
            queue_max: config.queue_max.max(1),
            threads_per_pile: (config.writers / THREADS_FOR_ONE_PILE).max(1),
            reads,
        })
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
        let sent = if job.step.is_in_company {
            self.pile((job.service.index, job.step.is_followed)).add(job, &self.writes)
        } else {
            self.writes.send(Turn::One(job), wait).map_err(|(turn, error)| match turn {
                Turn::One(job) => Box::new((job, error)),
                Turn::Pile(_) => unreachable!("a closure was sent"),
            })
        };
        if let Err(refused) = sent {
            let (job, error) = *refused;
            Counters::count(&self.common.counters.refused, usize::from(matches!(error, StoreError::Overloaded { .. })));
            job.work.fail(error);
        }
    }

    fn pile(&self, kind: (u16, bool)) -> Arc<Pile> {
        let mut piles = self.piles.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(piles.entry(kind).or_insert_with(|| Pile::new(self.queue_max, self.threads_per_pile)))
    }

    pub(crate) fn read(&self, job: ReadJob, wait: Duration) {
        submit!(self.reads, job, wait, self.common);
    }

    pub(crate) fn queues(&self) -> (usize, usize) {
        let piles = self.piles.lock().unwrap_or_else(PoisonError::into_inner);
        let piled: usize = piles.values().map(|pile| pile.len()).sum();
        (self.writes.len() + piled, self.reads.len())
    }

    pub(crate) fn shutdown(&self) {
        self.writes.shutdown();
        self.reads.shutdown();
        // Who came at the last moment, behind the end of the threads.
        let piles = std::mem::take(&mut *self.piles.lock().unwrap_or_else(PoisonError::into_inner));
        for job in piles.values().flat_map(|pile| pile.leave()) {
            job.work.fail(StoreError::unavailable("it is shutting down"));
        }
    }
}

/// What is in the lane has its turn between two companies, so that neither waits for the other for ever.
fn write_loop(mut worker: Worker, queue: &Receiver<Message<Turn>>, common: &Common) {
    let (mut piles, mut is_stopping) = (VecDeque::new(), false);
    loop {
        let message = if is_stopping {
            None
        } else if piles.is_empty() {
            queue.recv().ok()
        } else {
            queue.try_recv().ok()
        };
        match message {
            Some(Message::Job(Turn::One(job))) if job.is_awaited(common) => worker.write(job),
            Some(Message::Job(Turn::Pile(pile))) => piles.push_back(pile),
            Some(Message::Stop) => is_stopping = true,
            None if piles.is_empty() => return,
            Some(Message::Job(Turn::One(_))) | None => {}
        }
        if let Some(pile) = piles.pop_front() {
            let jobs = pile.take(common);
            if !jobs.is_empty() {
                worker.write_together(jobs);
                piles.push_back(pile);
            }
        }
    }
}
