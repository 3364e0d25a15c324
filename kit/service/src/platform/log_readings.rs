//! The event log's numbers as metrics.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventlog::{Consumer, ConsumerStats, Log};
use store::Db;

use crate::metrics::Readings;

/// One look at the log serves all readings of a page.
const FRESH: Duration = Duration::from_millis(500);

/// Lag, parked events, dead letters and tries of each consumer, labelled `consumer="<name>"`.
pub(super) fn read_log(readings: &Readings, log: &Log, consumers: &[(Db, Consumer)]) {
    let look = Arc::new(Look { log: log.clone(), last: Mutex::default() });
    for (db, consumer) in consumers {
        let name = consumer.name();
        let gauge = |metric, help, of: fn(&ConsumerStats) -> u64| {
            let (look, db) = (Arc::clone(&look), db.clone());
            readings.gauge(metric, help, &[("consumer", name)], move || look.at(name, &db, of));
        };
        gauge("consumer_lag", "Events that a consumer has not seen yet", |s| s.topics.iter().map(|t| t.lag).sum());
        gauge("consumer_parked", "Events that wait for their next try or behind one", |s| s.waiting + s.behind);
        gauge("consumer_dead_letters", "Events whose tries are spent", |s| s.dead);
        gauge("consumer_destination_away", "Whether what a consumer talks to is away", |s| u64::from(s.away.is_some()));
        let counter = |metric, help, of: fn(&ConsumerStats) -> u64| {
            let (look, db) = (Arc::clone(&look), db.clone());
            readings.counter(metric, help, &[("consumer", name)], move || look.at(name, &db, of));
        };
        counter("consumer_handled", "Events that were handled", |s| s.handled);
        counter("consumer_failures", "Tries that failed", |s| s.failures);
        counter("consumer_given_up", "Events that became dead letters", |s| s.given_up);
    }
}

type Looked = (Duration, Vec<ConsumerStats>);

struct Look {
    log: Log,
    last: Mutex<Option<Looked>>,
}

impl Look {
    /// A number of this consumer; zero before it has ever run, the last known one while the database is away (which
    /// is asked once a page then as well: a page must not wait for it again and again).
    fn at(&self, consumer: &str, db: &Db, of: fn(&ConsumerStats) -> u64) -> u64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = db.clock().elapsed();
        if last.as_ref().is_none_or(|(at, _)| now.saturating_sub(*at) > FRESH) {
            let known = last.take().map_or_else(Vec::new, |(_, stats)| stats);
            let stats = self.log.stats().unwrap_or(known);
            *last = Some((db.clock().elapsed(), stats));
        }
        let stats = last.iter().flat_map(|(_, stats)| stats).find(|stats| stats.consumer == consumer);
        stats.map_or(0, of)
    }
}
