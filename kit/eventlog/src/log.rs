//! The log of one store: how far it can be read, and who reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::{Db, Migration, Store, StoreError, params};

use crate::frontier::{Frontier, Next};
use crate::numbers::Numbers;
use crate::signal::{Listeners, News};
use crate::{Delivered, LogError, Runner, postgres, rows};

/// The tables of the log beside `events`, which is the store's.
pub static MIGRATIONS: &[Migration] = store::migrations!["0001_eventlog"];

/// How often the log is looked at although nobody said that something is new: commits of other processes are not heard
/// of (decision 6).
const LOOKED_AT_EVERY_SQLITE: Duration = Duration::from_millis(200);
const LOOKED_AT_EVERY_POSTGRES: Duration = Duration::from_millis(25);

/// How many events SQLite is asked for at once.
const BEYOND_MAX: i64 = 1000;

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
    listeners: Listeners,
    numbers: Mutex<BTreeMap<&'static str, Arc<Numbers>>>,
}

/// What is done about a gap that is met for the first time, on PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewGap {
    /// A mark is taken, which is a transaction: whether the gap can be passed is known at once.
    Mark,
    /// It is left to close by itself: somebody looks again soon.
    Leave,
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
            listeners: Listeners::default(),
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
        self.advance_over(NewGap::Mark)
    }

    pub(crate) fn advance_over(&self, gap: NewGap) -> Result<i64, StoreError> {
        let mut frontier = self.shared.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.db.is_postgres() {
            self.advance_postgres(&mut frontier, gap)?;
        } else {
            self.advance_sqlite()?;
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

    /// Who is woken when there is something to read that was not there before.
    pub(crate) fn listeners(&self) -> &Listeners {
        &self.shared.listeners
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

    /// The log can be read up to here. Whoever is woken finds it so.
    fn reach(&self, end: i64, news: &News) {
        if self.shared.end.fetch_max(end, Ordering::SeqCst) < end {
            self.shared.listeners.tell(news);
        }
    }

    fn advance_sqlite(&self) -> Result<(), StoreError> {
        if !self.shared.begun.load(Ordering::Relaxed) {
            // Which topics there are since the beginning of the log is not worth reading it.
            self.reach(self.latest()?, &News::Any);
            self.shared.begun.store(true, Ordering::Relaxed);
            return Ok(());
        }
        loop {
            let end = self.end();
            let beyond: Vec<(String, i64, i64)> = self.shared.db.read_blocking(move |snapshot| {
                let by_topic = params![end, BEYOND_MAX];
                snapshot.list(&rows::BEYOND, &by_topic, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })?;
            let Some(end) = beyond.iter().map(|(_, highest, _)| *highest).max() else { return Ok(()) };
            let events: i64 = beyond.iter().map(|(_, _, events)| *events).sum();
            self.reach(end, &News::Of(beyond.into_iter().map(|(topic, ..)| topic).collect()));
            if events < BEYOND_MAX {
                return Ok(());
            }
        }
    }

    fn advance_postgres(&self, frontier: &mut Frontier, gap: NewGap) -> Result<(), StoreError> {
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
            let Some(sight) = sight else { return Ok(()) };
            let next = frontier.see(&sight);
            // What was passed by a mark was not looked at.
            let news = if frontier.end() == sight.unbroken_to { News::Of(sight.topics) } else { News::Any };
            self.reach(frontier.end(), &news);
            let waits = match next {
                Next::Look => continue,
                Next::Rest { gap } => gap,
                Next::TakeMark { .. } if gap == NewGap::Leave && frontier.meets_gap() => true,
                Next::TakeMark { upto } => {
                    frontier.mark(upto, self.own_xid()?);
                    continue;
                }
            };
            self.shared.gap.store(waits, Ordering::Relaxed);
            return Ok(());
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
