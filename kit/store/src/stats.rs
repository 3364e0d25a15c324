//! Numbers about the store that metrics are made from. No metrics crate: `kit/service` exports them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the batch-size buckets; the last bucket has none.
pub const BATCH_BUCKETS: [u64; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// Upper bounds, in microseconds, of the buckets for waiting and commit times; the last bucket has none.
pub const MICROS_BUCKETS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000];

/// Counts by size, in the shape of a Prometheus histogram (not cumulative).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// `(upper bound, how many)`; `None` is the bucket of everything larger.
    pub buckets: Vec<(Option<u64>, u64)>,
    /// All values added up.
    pub sum: u64,
}

/// What was counted since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Closures that wait to be written now.
    pub write_queue: usize,
    /// Closures that wait to be read now.
    pub read_queue: usize,
    /// Bytes of SQLite's log that are not yet written back into the file: a reader that stays open for long pins them
    /// (decision 7). 0 on PostgreSQL.
    pub log_bytes: u64,
    /// Write closures that were committed.
    pub committed: u64,
    /// Write closures that were rolled back: rejections, faults, panics.
    pub rolled_back: u64,
    /// Read closures that ran.
    pub reads: u64,
    /// Runs beyond the first: dead batches on SQLite, deadlocks and lost connections on PostgreSQL.
    pub run_again: u64,
    /// Closures that were refused because the queue was full.
    pub refused: u64,
    /// Closures that were not begun: nobody waited for them any more when their turn came.
    pub abandoned: u64,
    /// Closures that took longer than [`crate::SLOW_CLOSURE`] or [`crate::SLOW_CLOSURE_ON_SERVER`].
    pub slow: u64,
    /// Events that were committed.
    pub events: u64,
    /// Closures per commit.
    pub batch_sizes: Histogram,
    /// Microseconds that write closures waited in the queue.
    pub waited_us: Histogram,
    /// Microseconds that commits took.
    pub commit_us: Histogram,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) committed: AtomicU64,
    pub(crate) rolled_back: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) run_again: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) slow: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) batch_sizes: Buckets<10>,
    pub(crate) waited_us: Buckets<11>,
    pub(crate) commit_us: Buckets<11>,
}

/// `N` is one more than the number of bounds.
#[derive(Debug)]
pub(crate) struct Buckets<const N: usize> {
    counts: [AtomicU64; N],
    sum: AtomicU64,
}

impl<const N: usize> Default for Buckets<N> {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; N], sum: AtomicU64::new(0) }
    }
}

impl<const N: usize> Buckets<N> {
    fn add(&self, bounds: &[u64], value: u64) {
        let place = bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    fn read(&self, bounds: &[u64]) -> Histogram {
        let bounds = bounds.iter().copied().map(Some).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        Histogram { buckets: bounds.zip(counts).collect(), sum: self.sum.load(Relaxed) }
    }
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64, by: usize) {
        counter.fetch_add(by as u64, Relaxed);
    }

    pub(crate) fn batch(&self, closures: usize, commit: Duration) {
        self.batch_sizes.add(&BATCH_BUCKETS, closures as u64);
        self.commit_us.add(&MICROS_BUCKETS, micros(commit));
    }

    pub(crate) fn waited(&self, waited: Duration) {
        self.waited_us.add(&MICROS_BUCKETS, micros(waited));
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            write_queue: 0,
            read_queue: 0,
            log_bytes: 0,
            committed: self.committed.load(Relaxed),
            rolled_back: self.rolled_back.load(Relaxed),
            reads: self.reads.load(Relaxed),
            run_again: self.run_again.load(Relaxed),
            refused: self.refused.load(Relaxed),
            abandoned: self.abandoned.load(Relaxed),
            slow: self.slow.load(Relaxed),
            events: self.events.load(Relaxed),
            batch_sizes: self.batch_sizes.read(&BATCH_BUCKETS),
            waited_us: self.waited_us.read(&MICROS_BUCKETS),
            commit_us: self.commit_us.read(&MICROS_BUCKETS),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
