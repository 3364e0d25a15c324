//! The store's numbers as metrics.

use store::{Histogram, Stats, Store};

use super::readings::{HistogramReading, Readings};

/// Queue lengths, batch sizes, commit times and failures of this store, labelled `store="<name>"`.
pub fn read_store(readings: &Readings, name: &str, store: &Store) {
    let labels = [("store", name)];
    let gauge = |metric, help, of: fn(&Stats) -> usize| {
        let store = store.clone();
        readings.gauge(metric, help, &labels, move || of(&store.stats()) as u64);
    };
    gauge("store_write_queue", "Closures that wait to be written", |stats| stats.write_queue);
    gauge("store_read_queue", "Closures that wait to be read", |stats| stats.read_queue);
    gauge("store_log_bytes", "Bytes of the log of SQLite", |stats| {
        usize::try_from(stats.log_bytes).unwrap_or(usize::MAX)
    });

    let counter = |metric, help, of: fn(&Stats) -> u64| {
        let store = store.clone();
        readings.counter(metric, help, &labels, move || of(&store.stats()));
    };
    counter("store_committed", "Write closures that were committed", |stats| stats.committed);
    counter("store_rolled_back", "Write closures that were rolled back", |stats| stats.rolled_back);
    counter("store_reads", "Read closures that ran", |stats| stats.reads);
    counter("store_run_again", "Runs of closures beyond the first", |stats| stats.run_again);
    counter("store_refused", "Closures refused because the queue was full", |stats| stats.refused);
    counter("store_abandoned", "Closures that nobody waited for any more when their turn came", |stats| {
        stats.abandoned
    });
    counter("store_slow", "Closures that held a transaction for too long", |stats| stats.slow);
    counter("store_events", "Events that were committed", |stats| stats.events);

    let histogram = |metric, help, of: fn(Stats) -> HistogramReading| {
        let store = store.clone();
        readings.histogram(metric, help, &labels, move || of(store.stats()));
    };
    histogram("store_batch_closures", "Closures per commit", |stats| scaled(&stats.batch_sizes, 1.0));
    histogram("store_wait_seconds", "Time of write closures in the queue", |stats| scaled(&stats.waited_us, 1e-6));
    histogram("store_commit_seconds", "Time of commits", |stats| scaled(&stats.commit_us, 1e-6));
}

#[expect(clippy::cast_precision_loss, reason = "bounds and sums of a page for people; 2^53 microseconds are 285 years")]
fn scaled(counted: &Histogram, unit: f64) -> HistogramReading {
    let bound = |bound: Option<u64>| bound.map_or(f64::INFINITY, |bound| bound as f64 * unit);
    let buckets = counted.buckets.iter().map(|&(upper, count)| (bound(upper), count)).collect();
    HistogramReading { buckets, sum: counted.sum as f64 * unit }
}
