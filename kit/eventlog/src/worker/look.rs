//! What a consumer finds when it looks: where it stands, what is due, what is new.

use std::collections::HashSet;
use std::sync::Arc;

use kernel::Timestamp;
use store::{Snapshot, Statement, StoreError, params};

use crate::Delivered;
use crate::postgres::NEXT_EVENTS_ON_SERVER;
use crate::rows::{self, TopicPosition};
use crate::settle::{Item, Place, Verdict};

use super::Worker;

/// One event in hand.
pub(super) struct Hand {
    pub(super) event: Arc<Delivered>,
    pub(super) place: Place,
    /// An earlier event of its key is parked.
    pub(super) blocked: bool,
}

/// Everything of one moment.
pub(super) struct Seen {
    pub(super) positions: Vec<TopicPosition>,
    /// Parked events that are due, soonest first; each the first of its key.
    pub(super) parked: Vec<Hand>,
    /// When the next parked event is due that is not yet.
    pub(super) next_due: Option<Timestamp>,
    /// New events, in the order of the log.
    pub(super) ahead: Vec<Hand>,
}

impl Hand {
    pub(super) fn into_item(self, verdict: impl FnOnce() -> Verdict) -> Item {
        let verdict = if self.blocked { Verdict::Behind } else { verdict() };
        Item { event: self.event, place: self.place, verdict }
    }
}

/// As much of a hand as may be called at once: one event per key. A run of blocked events is taken by itself.
pub(super) fn at_once(hand: Vec<Hand>, most: usize) -> Vec<Hand> {
    let blocked_first = hand.first().is_some_and(|first| first.blocked);
    let mut keys = HashSet::new();
    hand.into_iter()
        .take(most)
        .take_while(|next| next.blocked == blocked_first && (blocked_first || keys.insert(next.event.key.clone())))
        .collect()
}

impl Worker {
    pub(super) fn look(&self, now: Timestamp, most: usize) -> Result<Seen, StoreError> {
        let seen = self.look_once(now, most)?;
        let known = |topic: &&str| seen.positions.iter().any(|place| place.topic == **topic);
        if self.consumer.topics.iter().all(known) {
            return Ok(seen);
        }
        self.register()?;
        self.look_once(now, most)
    }

    fn look_once(&self, now: Timestamp, most: usize) -> Result<Seen, StoreError> {
        // Read before the snapshot is taken, so that everything up to here is visible in it or will never exist.
        let end = self.log.end();
        let (consumer, topics) = (self.consumer.name, Arc::clone(&self.consumer.topics));
        let next = if self.db.is_postgres() { &NEXT_EVENTS_ON_SERVER } else { &rows::NEXT_EVENTS };
        self.db.read_blocking(move |snapshot| look(snapshot, (consumer, &topics), next, (now, end, most)))
    }

    fn register(&self) -> Result<(), StoreError> {
        let (consumer, topics) = (self.consumer.name, Arc::clone(&self.consumer.topics));
        self.db.write_blocking(move |tx| {
            let now = tx.now();
            topics.iter().try_for_each(|topic| tx.execute(&rows::REGISTER, &params![consumer, *topic, now]).map(drop))
        })
    }
}

fn look(
    snapshot: &mut Snapshot<'_>,
    (consumer, topics): (&str, &[&str]),
    next: &'static Statement,
    bounds: (Timestamp, i64, usize),
) -> Result<Seen, StoreError> {
    let (now, end, most) = bounds;
    let most_sql = i64::try_from(most).unwrap_or(i64::MAX);
    let positions = snapshot.list(&rows::POSITIONS, &params![consumer], rows::topic_position)?;
    let waiting = snapshot.list(&rows::WAITING, &params![consumer, most_sql], |row| {
        let hand = Hand { event: Arc::new(rows::delivered(row)?), place: Place::Parked, blocked: false };
        Ok((hand, row.get::<Timestamp>(10)?))
    })?;
    let next_due = waiting.iter().map(|(_, at)| *at).find(|at| *at > now);
    let parked = waiting.into_iter().filter(|(_, at)| *at <= now).map(|(hand, _)| hand).collect();
    let mut ahead = Vec::new();
    for place in positions.iter().filter(|place| topics.contains(&place.topic.as_str())) {
        let bounds = params![consumer, &place.topic, place.position, end, most_sql];
        ahead.extend(snapshot.list(next, &bounds, |row| {
            let blocked = row.get(10)?;
            Ok(Hand { event: Arc::new(rows::delivered(row)?), place: Place::Ahead, blocked })
        })?);
    }
    // Each topic gave its first ones, so the first of all are among them.
    ahead.sort_by_key(|hand| hand.event.seq);
    ahead.truncate(most);
    Ok(Seen { positions, parked, next_due, ahead })
}
