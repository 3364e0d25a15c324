//! The log of one store: how far it can be read, and who reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::{Db, Migration, Store, StoreError, params};

use crate::frontier::{Frontier, Next};
use crate::numbers::Numbers;
use crate::signal::Signal;
use crate::{Delivered, LogError, Runner, postgres, rows};

/// The tables of the log beside `events`, which is the store's.
pub static MIGRATIONS: &[Migration] = store::migrations!["0001_eventlog"];

/// How often the log is looked at although nobody said that something is new: commits of other processes are not heard
/// of (decision 6).
const LOOKED_AT_EVERY_SQLITE: Duration = Duration::from_millis(200);
const LOOKED_AT_EVERY_POSTGRES: Duration = Duration::from_millis(25);

/// The most events that [`Log::tail`] returns at once.
pub const TAIL_MAX: u32 = 1000;

/// The event log of a store. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    /// Who this process is in lease rows.
    instance: String,
    runners: AtomicU32,
    frontier: Mutex<Frontier>,
    end: AtomicI64,
    gap: AtomicBool,
    begun: AtomicBool,
    news: Signal,
    numbers: Mutex<BTreeMap<&'static str, Arc<Numbers>>>,
}

impl Log {
    /// The log of this store, its tables brought up to date.
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(store: &Store) -> Result<Self, StoreError> {
        let db = store.kit("eventlog", MIGRATIONS)?;
        // A SQLite file has one server at a time: whoever serves it now takes over from the one before, at once.
        let instance = if db.is_postgres() { format!("{:016x}", db.rng().next_u64()) } else { "server".to_owned() };
        let shared = Shared {
            db,
            instance,
            runners: AtomicU32::new(0),
            frontier: Mutex::default(),
            end: AtomicI64::new(0),
            gap: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            news: Signal::default(),
            numbers: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Somebody who runs consumers of this log; usually one per process.
    #[must_use]
    pub fn runner(&self) -> Runner {
        let number = self.shared.runners.fetch_add(1, Ordering::Relaxed) + 1;
        Runner::new(self.clone(), format!("{}/{number}", self.shared.instance))
    }

    /// Looks how far the log can be read now: every event up to the number returned is either visible to whoever reads
    /// after this call, or will never exist.
    ///
    /// # Errors
    /// Those of the store.
    pub fn advance(&self) -> Result<i64, StoreError> {
        let end = if self.shared.db.is_postgres() { self.advance_postgres()? } else { self.latest()? };
        if self.shared.end.fetch_max(end, Ordering::SeqCst) < end {
            self.shared.news.raise();
        }
        Ok(self.end())
    }

    /// Waits, about so long at most, until everything that stands in the log now can be read; its newest number. What is
    /// numbered higher is news, even where the log cannot be read so far yet.
    ///
    /// # Errors
    /// Those of the store.
    pub fn catch_up(&self, at_most: Duration) -> Result<i64, StoreError> {
        let newest = self.latest()?;
        let every = self.looked_at_every();
        for _ in 0..at_most.as_millis() / every.as_millis() {
            if self.advance()? >= newest {
                break;
            }
            std::thread::park_timeout(every);
        }
        Ok(newest)
    }

    /// Events of these topics (of all, if none is named) whose sequence numbers are above `from`, oldest first, at most
    /// [`TAIL_MAX`].
    ///
    /// # Errors
    /// Those of the store.
    pub fn tail(&self, from: i64, topics: &[&str], events_max: u32) -> Result<Vec<Delivered>, LogError> {
        let end = self.advance()?;
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let most = events_max.min(TAIL_MAX);
        let events = self.shared.db.read_blocking(move |snapshot| {
            if topics.is_empty() {
                return snapshot.list(&rows::TAIL, &params![from, end, most], rows::delivered);
            }
            let mut events = Vec::new();
            for topic in &topics {
                let found = snapshot.list(&rows::TAIL_TOPIC, &params![topic, from, end, most], rows::delivered)?;
                events.extend(found);
            }
            events.sort_by_key(|event| event.seq);
            events.dedup_by_key(|event| event.seq);
            events.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            Ok::<_, StoreError>(events)
        })?;
        Ok(events)
    }

    /// Where it is kept: the tables that every service may touch.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    pub(crate) fn end(&self) -> i64 {
        self.shared.end.load(Ordering::SeqCst)
    }

    /// Whether the end stands in front of a gap whose transaction may still be running.
    pub(crate) fn waits_at_a_gap(&self) -> bool {
        self.shared.gap.load(Ordering::Relaxed)
    }

    pub(crate) fn looked_at_every(&self) -> Duration {
        if self.shared.db.is_postgres() { LOOKED_AT_EVERY_POSTGRES } else { LOOKED_AT_EVERY_SQLITE }
    }

    /// Raised when there is something to read that was not there before.
    pub(crate) fn news(&self) -> &Signal {
        &self.shared.news
    }

    /// What this process counts about a consumer.
    pub(crate) fn numbers(&self, consumer: &'static str) -> Arc<Numbers> {
        Arc::clone(self.all_numbers().entry(consumer).or_default())
    }

    pub(crate) fn all_numbers(&self) -> MutexGuard<'_, BTreeMap<&'static str, Arc<Numbers>>> {
        self.shared.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn latest(&self) -> Result<i64, StoreError> {
        self.shared.db.read_blocking(|snapshot| Ok(snapshot.one(&rows::LATEST, &[], |row| row.get(0))?.unwrap_or(0)))
    }

    fn advance_postgres(&self) -> Result<i64, StoreError> {
        let mut frontier = self.shared.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.shared.begun.load(Ordering::Relaxed) {
            // Nothing is known yet: what stands below the newest event is decided as a gap is, with one mark, instead
            // of looking at every number since the beginning of the log.
            let latest = self.latest()?;
            frontier.mark(latest, self.own_xid()?);
            self.shared.begun.store(true, Ordering::Relaxed);
        }
        loop {
            let end = frontier.end();
            let sight = self
                .shared
                .db
                .read_blocking(move |snapshot| snapshot.one(&postgres::SIGHT, &params![end], postgres::sight))?;
            let Some(sight) = sight else { return Ok(end) };
            match frontier.see(sight) {
                Next::Look => {}
                Next::TakeMark { upto } => frontier.mark(upto, self.own_xid()?),
                Next::Rest { gap } => {
                    self.shared.gap.store(gap, Ordering::Relaxed);
                    return Ok(frontier.end());
                }
            }
        }
    }

    fn own_xid(&self) -> Result<i64, StoreError> {
        let xid = self.shared.db.write_blocking(|tx| tx.one(&postgres::OWN_XID, &[], |row| row.get(0)))?;
        xid.ok_or_else(|| StoreError::Unavailable { reason: "PostgreSQL gave no transaction id".to_owned() })
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("end", &self.end()).finish_non_exhaustive()
    }
}
