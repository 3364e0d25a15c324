//! What a consumer finds when it looks: where it stands, what is due, what is new.

use std::collections::HashSet;
use std::sync::Arc;

use kernel::Timestamp;
use store::{Row, Snapshot, StoreError, params};

use crate::Delivered;
use crate::postgres::{BATCH_MAX, LOOK};
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

/// Who asks, for events up to where.
struct Ask {
    consumer: &'static str,
    topics: Arc<[&'static str]>,
    end: i64,
}

/// Rows as they are found.
#[derive(Default)]
struct Found {
    positions: Vec<TopicPosition>,
    parked: Vec<(Timestamp, Hand)>,
    ahead: Vec<Hand>,
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
    /// There were no more of either kind.
    pub(super) is_all: bool,
}

impl Hand {
    fn ahead(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { event: Arc::new(rows::delivered(row)?), place: Place::Ahead, blocked: row.get(10)? })
    }

    fn parked(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { event: Arc::new(rows::delivered(row)?), place: Place::Parked, blocked: false })
    }

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
        let (consumer, topics) = (self.consumer.name, Arc::clone(&self.consumer.topics));
        // The end is read before the snapshot is taken, so that everything up to it is visible there or will never exist.
        let ask = Ask { consumer, topics, end: self.log.end() };
        let look = if self.db.is_postgres() { look_on_server } else { look_embedded };
        let found = self.db.read_blocking(move |snapshot| look(snapshot, &ask))?;
        Ok(found.at(now, most))
    }

    fn register(&self) -> Result<(), StoreError> {
        let (consumer, topics) = (self.consumer.name, Arc::clone(&self.consumer.topics));
        self.db.write_blocking(move |tx| {
            let now = tx.now();
            topics.iter().try_for_each(|topic| tx.execute(&rows::REGISTER, &params![consumer, *topic, now]).map(drop))
        })
    }
}

/// On SQLite, where a statement more costs next to nothing.
fn look_embedded(snapshot: &mut Snapshot<'_>, ask: &Ask) -> Result<Found, StoreError> {
    let Ask { consumer, topics, end } = ask;
    let most = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
    let positions = snapshot.list(&rows::POSITIONS, &params![*consumer], rows::topic_position)?;
    let parked = snapshot
        .list(&rows::WAITING, &params![*consumer, most], |row| Ok((row.get::<Timestamp>(10)?, Hand::parked(row)?)))?;
    let mut ahead = Vec::new();
    for place in positions.iter().filter(|place| topics.contains(&place.topic.as_str())) {
        let bounds = params![*consumer, &place.topic, place.position, *end, most];
        ahead.extend(snapshot.list(&rows::NEXT_EVENTS, &bounds, Hand::ahead)?);
    }
    Ok(Found { positions, parked, ahead })
}

/// On PostgreSQL, where a statement is a round trip.
fn look_on_server(snapshot: &mut Snapshot<'_>, ask: &Ask) -> Result<Found, StoreError> {
    let mut found = Found::default();
    snapshot.each(&LOOK, &params![ask.consumer, ask.topics.join("\n"), ask.end], |row| {
        if let Some(next_at) = row.get(11)? {
            found.parked.push((next_at, Hand::parked(row)?));
            return Ok(());
        }
        let position = rows::topic_position_at(row, 12)?;
        if !found.positions.contains(&position) {
            found.positions.push(position);
        }
        if row.get::<Option<i64>>(0)?.is_some() {
            found.ahead.push(Hand::ahead(row)?);
        }
        Ok(())
    })?;
    Ok(found)
}

impl Found {
    /// What of it may be taken in hand now, so many of each kind at most.
    fn at(self, now: Timestamp, most: usize) -> Seen {
        let Self { mut positions, mut parked, mut ahead } = self;
        let is_all = parked.len() < most && ahead.len() < most;
        positions.sort_unstable();
        parked.sort_by_key(|(at, hand)| (*at, hand.event.seq));
        let next_due = parked.iter().map(|(at, _)| *at).find(|at| *at > now);
        let due = parked.into_iter().filter(|(at, _)| *at <= now).map(|(_, hand)| hand);
        let parked = due.take(most).collect();
        // Each topic gave its first ones, so the first of all are among them.
        ahead.sort_by_key(|hand| hand.event.seq);
        ahead.truncate(most);
        Seen { positions, parked, next_due, ahead, is_all }
    }
}
