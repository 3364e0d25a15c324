//! How the consumers stand, as numbers that metrics and people's lists are made from.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use kernel::Timestamp;
use store::{Row, Snapshot, StoreError, params, statements};

use crate::breaker::Away;
use crate::{Log, LogError};

statements! {
    /// How far each consumer is behind on each topic, up to a place in the log.
    LAGS = "
        SELECT p.consumer, p.topic, p.position, p.moved_at,
            (SELECT COUNT(*) FROM events e WHERE e.topic = p.topic AND e.seq > p.position AND e.seq <= $1),
            (SELECT e.time_at FROM events e
                WHERE e.topic = p.topic AND e.seq > p.position AND e.seq <= $1
                ORDER BY e.seq LIMIT 1)
        FROM event_positions p
        ORDER BY p.consumer, p.topic";

    /// How many events each consumer has parked, by state.
    PARKED = "
        SELECT consumer, state, COUNT(*)
        FROM event_retries
        GROUP BY consumer, state
        ORDER BY consumer, state";
}

/// How a consumer stands. The first group of numbers is read from the database and is the same in every process; the
/// second is counted by this one since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerStats {
    /// Its name.
    pub consumer: String,
    /// Where it stands on each topic.
    pub topics: Vec<TopicLag>,
    /// Events that failed and wait for their next try.
    pub waiting: u64,
    /// Events that wait behind others of their key.
    pub behind: u64,
    /// Dead letters.
    pub dead: u64,

    /// Events handled.
    pub handled: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Events that became dead letters.
    pub given_up: u64,
    /// What it waits for, if its destination is away.
    pub away: Option<Away>,
}

/// Where a consumer stands on a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicLag {
    /// The topic.
    pub topic: String,
    /// The last event that it has handled or parked.
    pub position: i64,
    /// When the position moved last.
    pub moved_at: Timestamp,
    /// How many events it has not seen yet.
    pub lag: u64,
    /// When the oldest of those was published.
    pub oldest_at: Option<Timestamp>,
}

impl Log {
    /// How every consumer stands that has ever run here, by name.
    ///
    /// # Errors
    /// Those of the store.
    pub fn stats(&self) -> Result<Vec<ConsumerStats>, LogError> {
        let end = self.advance()?;
        let mut stats = self.db().read_blocking(move |snapshot| read(snapshot, end))?;
        for (consumer, numbers) in &*self.all_numbers() {
            let stats = stats.entry((*consumer).to_owned()).or_default();
            (*consumer).clone_into(&mut stats.consumer);
            stats.handled = numbers.handled.load(Relaxed);
            stats.failures = numbers.failures.load(Relaxed);
            stats.given_up = numbers.given_up.load(Relaxed);
            stats.away = numbers.away();
        }
        Ok(stats.into_values().collect())
    }
}

fn read(snapshot: &mut Snapshot<'_>, end: i64) -> Result<BTreeMap<String, ConsumerStats>, StoreError> {
    let mut all = BTreeMap::new();
    for (consumer, lag) in snapshot.list(&LAGS, &params![end], topic_lag)? {
        of(&mut all, consumer).topics.push(lag);
    }
    let parked = snapshot.list(&PARKED, &[], |row| Ok((row.get(0)?, row.get::<String>(1)?, row.get(2)?)))?;
    for (consumer, state, events) in parked {
        let stats = of(&mut all, consumer);
        match state.as_str() {
            "waiting" => stats.waiting = events,
            "behind" => stats.behind = events,
            "dead" => stats.dead = events,
            _ => return Err(StoreError::Corrupt { column: "event_retries.state".into(), reason: "unknown".into() }),
        }
    }
    Ok(all)
}

fn of(all: &mut BTreeMap<String, ConsumerStats>, consumer: String) -> &mut ConsumerStats {
    all.entry(consumer.clone()).or_insert_with(|| ConsumerStats { consumer, ..ConsumerStats::default() })
}

fn topic_lag(row: &Row<'_>) -> Result<(String, TopicLag), StoreError> {
    let lag = TopicLag {
        topic: row.get(1)?,
        position: row.get(2)?,
        moved_at: row.get(3)?,
        lag: row.get(4)?,
        oldest_at: row.get(5)?,
    };
    Ok((row.get(0)?, lag))
}
