//! Which of the two databases, and what both share: queues, threads, counters.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use kernel::{Clock, Rng};

use crate::config::{Hooks, Upgrade};
use crate::migrate::Migration;
use crate::stats::Counters;
use crate::work::{Awaited, Job, ReadJob, Service, WriteJob};
use crate::{Commits, StoreConfig, StoreError, postgres, sqlite};

/// What every thread of a store knows.
pub(crate) struct Common {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) hooks: Hooks,
    pub(crate) upgrade: Upgrade,
    pub(crate) counters: Counters,
    pub(crate) commits: Commits,
    /// Batches that were rolled back as a whole.
    lost: AtomicU64,
}

/// The database.
pub(crate) enum Engine {
    Sqlite(sqlite::Engine),
    Postgres(postgres::Engine),
}

/// What goes through a queue.
pub(crate) enum Message<J> {
    Job(J),
    /// The thread that takes it ends.
    Stop,
}

/// A bounded queue and the threads that empty it.
pub(crate) struct Lane<J> {
    sender: Sender<Message<J>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closing: AtomicBool,
}

impl Common {
    pub(crate) fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>, config: &StoreConfig) -> Self {
        let (hooks, upgrade) = (config.hooks().clone(), config.upgrade());
        let (counters, commits, lost) = (Counters::default(), Commits::new(), AtomicU64::new(0));
        Self { clock, rng, hooks, upgrade, counters, commits, lost }
    }

    /// How many batches were rolled back as a whole.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }

    /// One more was.
    pub(crate) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::SeqCst);
    }

    /// Bulk work has no place in a closure (decision 7): whoever holds a transaction for longer than `limit` is
    /// named.
    pub(crate) fn note_duration(&self, job: (Service, &'static str), started: Duration, limit: Duration) {
        let (service, closure) = job;
        let took = self.clock.elapsed().saturating_sub(started);
        if took > limit {
            Counters::count(&self.counters.slow, 1);
            let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(service = service.name, closure, duration_ms, "a transaction was held for too long");
        }
    }
}

impl Engine {
    pub(crate) fn open(config: StoreConfig, common: &Arc<Common>) -> Result<Self, StoreError> {
        match config {
            StoreConfig::Sqlite(config) => sqlite::Engine::open(config, common).map(Self::Sqlite),
            StoreConfig::Postgres(config) => postgres::Engine::open(&config, common).map(Self::Postgres),
        }
    }

    pub(crate) fn migrate(&self, owner: Service, history: &str, migrations: &[Migration]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(engine) => engine.migrate(owner, history, migrations),
            Self::Postgres(engine) => engine.migrate(owner, history, migrations),
        }
    }

    pub(crate) fn write(&self, job: WriteJob, wait: Duration) {
        match self {
            Self::Sqlite(engine) => engine.write(job, wait),
            Self::Postgres(engine) => engine.write(job, wait),
        }
    }

    pub(crate) fn read(&self, job: ReadJob, wait: Duration) {
        match self {
            Self::Sqlite(engine) => engine.read(job, wait),
            Self::Postgres(engine) => engine.read(job, wait),
        }
    }

    /// How many closures wait for writing and for reading.
    pub(crate) fn queues(&self) -> (usize, usize) {
        match self {
            Self::Sqlite(engine) => engine.queues(),
            Self::Postgres(engine) => engine.queues(),
        }
    }

    /// How large SQLite's log is.
    pub(crate) fn log_bytes(&self) -> u64 {
        match self {
            Self::Sqlite(engine) => engine.log_bytes(),
            Self::Postgres(_) => 0,
        }
    }

    pub(crate) fn shutdown(&self) {
        match self {
            Self::Sqlite(engine) => engine.shutdown(),
            Self::Postgres(engine) => engine.shutdown(),
        }
    }
}

impl<J: Send + 'static> Lane<J> {
    pub(crate) fn new(queue_max: usize) -> (Self, Receiver<Message<J>>) {
        let (sender, receiver) = bounded(queue_max.max(1));
        (Self { sender, threads: Mutex::new(Vec::new()), closing: AtomicBool::new(false) }, receiver)
    }

    pub(crate) fn spawn(&self, name: String, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(run)
            .map_err(|error| StoreError::configuration(format!("a thread cannot be started: {error}")))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.sender.len()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Queues a job, or gives it back with the reason.
    pub(crate) fn send(&self, job: J, wait: Duration) -> Result<(), (J, StoreError)> {
        if self.is_closing() {
            return Err((job, StoreError::unavailable("it is shutting down")));
        }
        self.sender.send_timeout(Message::Job(job), wait).map_err(|error| {
            let (message, error) = match error {
                SendTimeoutError::Timeout(message) => (message, StoreError::Overloaded { queued: self.len() }),
                SendTimeoutError::Disconnected(message) => (message, StoreError::unavailable("it is shutting down")),
            };
            match message {
                Message::Job(job) => (job, error),
                Message::Stop => unreachable!("a job was sent"),
            }
        })
    }

    /// Lets every thread end after what is queued before, and waits for them.
    pub(crate) fn shutdown(&self) {
        self.closing.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            // Fails only when all threads have ended already.
            drop(self.sender.send(Message::Stop));
        }
        for thread in threads {
            // The last handle to a store may be dropped by a closure, on a thread of the store itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

/// The next closure that somebody waits for; none: the thread ends.
pub(crate) fn next<W: Awaited + ?Sized>(queue: &Receiver<Message<Job<W>>>, common: &Common) -> Option<Job<W>> {
    while let Ok(Message::Job(job)) = queue.recv() {
        if job.is_awaited(common) {
            return Some(job);
        }
    }
    None
}

/// Queues a closure; who waits for it is told when it cannot be.
macro_rules! submit {
    ($lane:expr, $job:expr, $wait:expr, $common:expr) => {
        if let Err((job, error)) = $lane.send($job, $wait) {
            if matches!(error, $crate::StoreError::Overloaded { .. }) {
                $crate::stats::Counters::count(&$common.counters.refused, 1);
            }
            job.work.fail(error);
        }
    };
}
pub(crate) use submit;

impl<W: Awaited + ?Sized> Job<W> {
    /// Whether somebody waits for it; if not it is to be dropped, and is counted.
    pub(crate) fn is_awaited(&self, common: &Common) -> bool {
        let is_awaited = self.work.is_awaited();
        Counters::count(&common.counters.abandoned, usize::from(!is_awaited));
        is_awaited
    }
}

impl<W: ?Sized> Job<W> {
    /// A panic is logged where it was caught and answered as a fault of ours.
    pub(crate) fn panicked(&self, message: &str) -> StoreError {
        tracing::error!(service = self.service.name, closure = self.name, panic = message, "a transaction panicked");
        StoreError::fault(self.name, format!("panicked: {message}"))
    }
}
