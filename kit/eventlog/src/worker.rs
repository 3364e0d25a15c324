//! One consumer at work. A step is synchronous and leaves nothing in memory that matters: whatever it has to know next
//! time is in the database, so a process may end between any two steps.

mod calls;
mod look;

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::Timestamp;
use store::{Db, StoreError};

use crate::breaker::{Breaker, Permit};
use crate::consumer::{Consumer, Effect, Handler, Transactions};
use crate::failure::DATABASE;
use crate::numbers::Numbers;
use crate::postgres::BATCH_MAX;
use crate::rows::TopicPosition;
use crate::settle::{Batch, Item, Place, Stop, Verdict};
use crate::signal::Signal;
use crate::tenure::Tenure;
use crate::{Delivered, Failure, Log};

use self::calls::Open;
use self::look::Hand;

/// So many calls per thread are taken in hand at once; a slow one holds up the others of its hand only.
const CALLS_PER_THREAD: usize = 4;

/// How a step goes about outside calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace<'s> {
    /// One after another on the caller's thread: the same every time.
    OneByOne,
    /// As many at once as the consumer permits; no new ones once this is set.
    Until(&'s AtomicBool),
}

/// What a step of one consumer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// So many events were handled or parked; there may be more.
    Worked(usize),
    /// So many were handled, and that was all: there is nothing to do before this moment, or before there are news.
    Emptied(usize, Option<Timestamp>),
    /// There was nothing to do, and is not before this moment.
    Idle(Option<Timestamp>),
}

pub(crate) struct Worker {
    consumer: Consumer,
    db: Db,
    log: Log,
    tenure: Arc<Tenure>,
    breaker: Breaker,
    numbers: Arc<Numbers>,
    /// Raised for news of its topics.
    news: Arc<Signal>,
    /// Parked events and new ones take turns, so that neither holds up the other.
    parked_last: bool,
}

/// How many of a batch were committed, and what ended it before its end.
struct Committed {
    positions: Vec<TopicPosition>,
    items: usize,
    /// Not all of them were handled: some have a row now that says when they are tried.
    parked: bool,
    answered: bool,
    away: Option<(&'static str, String)>,
}

impl Worker {
    pub(crate) fn new(consumer: Consumer, db: Db, log: Log, tenure: Arc<Tenure>) -> Self {
        let numbers = log.numbers(consumer.name);
        let news = log.listeners().add(Arc::clone(&consumer.topics));
        Self { consumer, db, log, tenure, breaker: Breaker::default(), numbers, news, parked_last: false }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.consumer.name
    }

    pub(crate) fn news(&self) -> Arc<Signal> {
        Arc::clone(&self.news)
    }

    /// Handles what is at hand: parked events that are due, or the next new ones.
    pub(crate) fn step(&mut self, now: Timestamp, pace: Pace<'_>) -> Turn {
        match self.turn(now, pace) {
            Ok(turn) => turn,
            // Somebody else moved on in the meantime; what was done is rolled back. Look again.
            Err(Stop::Moved) => Turn::Worked(0),
            Err(Stop::Store(error)) => self.pause(DATABASE, error.to_string(), now),
            Err(Stop::Item(_, failure) | Stop::OneOfThem(failure)) => self.pause(DATABASE, failure.to_string(), now),
        }
    }

    fn turn(&mut self, now: Timestamp, pace: Pace<'_>) -> Result<Turn, Stop> {
        if !self.tenure.holds(self.consumer.name, now) {
            return Ok(Turn::Idle(None));
        }
        let most = match self.breaker.permit(now) {
            Permit::All => BATCH_MAX,
            Permit::Probe => 1,
            Permit::NothingUntil(until) => return Ok(Turn::Idle(Some(until))),
        };
        let mut seen = self.look(now, most)?;
        let take_parked = !seen.parked.is_empty() && (seen.ahead.is_empty() || !self.parked_last);
        self.parked_last = take_parked;
        let hand = if take_parked { std::mem::take(&mut seen.parked) } else { std::mem::take(&mut seen.ahead) };
        if hand.is_empty() {
            return Ok(Turn::Idle(seen.next_due));
        }
        // Behind a parked event there may be others of its key, which its end lets go.
        let last = (seen.is_all && !take_parked && seen.parked.is_empty()).then_some(hand.len());
        let committed = match self.consumer.handler.clone() {
            Handler::Apply(handler) => {
                let items = hand.into_iter().map(|in_hand| in_hand.into_item(|| Verdict::Apply(handler.clone())));
                self.commit(seen.positions, items.collect(), Vec::new())?
            }
            Handler::Effect(effect) => self.effect(&effect, seen.positions, hand, pace)?,
        };
        let is_emptied = last == Some(committed.items) && !committed.parked && committed.away.is_none();
        let items = committed.items;
        let turn = self.after(committed, now);
        Ok(if is_emptied { Turn::Emptied(items, seen.next_due) } else { turn })
    }

    /// What the breaker learns from a hand, and what the step says of it.
    fn after(&mut self, committed: Committed, now: Timestamp) -> Turn {
        match committed.away {
            Some((destination, reason)) => {
                let paused = self.pause(destination, reason, now);
                if committed.items > 0 { Turn::Worked(committed.items) } else { paused }
            }
            None => {
                if committed.answered && self.breaker.away().is_some() {
                    tracing::info!(consumer = self.consumer.name, "the destination is back");
                    self.breaker.close();
                    self.numbers.set_away(None);
                }
                Turn::Worked(committed.items)
            }
        }
    }

    fn pause(&mut self, destination: &'static str, reason: String, now: Timestamp) -> Turn {
        let before = self.breaker.away().map(|away| away.destination);
        if before != Some(destination) {
            tracing::warn!(
                consumer = self.consumer.name,
                destination,
                reason,
                "the destination is away, waiting for it"
            );
        }
        self.breaker.trip(destination, reason, now);
        self.numbers.set_away(self.breaker.away());
        Turn::Idle(self.breaker.away().map(|away| away.probe_at))
    }

    /// Outside calls for as much of the hand as may run at once, each recorded as it comes back.
    fn effect(
        &mut self,
        effect: &Effect,
        positions: Vec<TopicPosition>,
        hand: Vec<Hand>,
        pace: Pace<'_>,
    ) -> Result<Committed, Stop> {
        let (width, stop) = match pace {
            Pace::OneByOne => (1, &AtomicBool::new(false)),
            Pace::Until(stop) => (self.consumer.concurrency.get(), stop),
        };
        let hand = look::at_once(hand, width * CALLS_PER_THREAD);
        if hand.first().is_some_and(|in_hand| in_hand.blocked) {
            let items = hand.into_iter().map(|in_hand| in_hand.into_item(|| Verdict::Behind)).collect();
            return self.commit(positions, items, Vec::new());
        }
        let mut open = Open::new(positions, hand);
        let mut result = Ok(());
        calls::make(effect, &open.events(), (width, stop), &mut |outcomes| {
            // After a failed record nobody knows any more where the positions are: what still comes back is left
            // alone, and called again.
            if result.is_ok() {
                result = self.record(&mut open, outcomes);
            }
            result.is_ok() && !open.is_halted()
        });
        result.map(|()| open.into_committed())
    }

    /// Records calls that came back, while others may still be under way.
    fn record(&mut self, open: &mut Open, outcomes: Vec<calls::Outcome>) -> Result<(), Stop> {
        let (items, places) = open.take_in(outcomes);
        if items.is_empty() {
            return Ok(());
        }
        for item in &items {
            if let Verdict::Failed(failure) = &item.verdict {
                self.note_failure(&item.event, failure);
            }
        }
        let under_way = open.under_way(&places);
        let committed = self.commit(open.positions(), items, under_way)?;
        open.note(&places, committed);
        Ok(())
    }

    /// Commits items in their order, as many in one transaction as go together: when one of them fails, those before it
    /// are committed without it, then its failure by itself, then those after it.
    fn commit(
        &mut self,
        positions: Vec<TopicPosition>,
        items: Vec<Item>,
        under_way: Vec<Arc<Delivered>>,
    ) -> Result<Committed, Stop> {
        let len = items.len();
        let batch = Arc::new(Mutex::new(Batch { consumer: self.consumer.name, positions, items, under_way }));
        let (mut start, mut end) = (0, self.stretch_end(&lock(&batch).items, 0));
        let mut away = None;
        while start < len && away.is_none() {
            match self.transaction(&batch, start..end) {
                Ok(()) => (start, end) = (end, self.stretch_end(&lock(&batch).items, end)),
                Err(Stop::Item(index, _)) if index > start => end = index,
                Err(
                    Stop::Item(_, Failure::Unavailable { destination, reason })
                    | Stop::OneOfThem(Failure::Unavailable { destination, reason }),
                ) => away = Some((destination, reason)),
                Err(Stop::Item(_, failure)) => {
                    self.condemn(&mut lock(&batch), start, failure);
                    end = start + 1;
                }
                Err(Stop::OneOfThem(_)) => end = start + (end - start) / 2,
                // Which of them it was is not known: what one of them sent may fail behind a later one, or at the commit.
                Err(Stop::Store(error)) if end - start > 1 && blames_the_batch(&error) => {
                    end = start + (end - start) / 2;
                }
                Err(Stop::Store(error)) if lock(&batch).items[start].verdict.handles() => match error.into() {
                    Failure::Unavailable { destination, reason } => away = Some((destination, reason)),
                    failure @ (Failure::Retry(_) | Failure::Busy(_) | Failure::GiveUp(_)) => {
                        self.condemn(&mut lock(&batch), start, failure);
                    }
                },
                Err(stop) => return Err(stop),
            }
        }
        let batch = lock(&batch);
        let committed = &batch.items[..start];
        let answered = committed.iter().any(|item| !matches!(item.verdict, Verdict::Behind));
        let parked = committed.iter().any(|item| !item.verdict.handles());
        Ok(Committed { positions: batch.positions.clone(), items: start, parked, answered, away })
    }

    /// Up to where the items from `start` on may share a transaction.
    fn stretch_end(&self, items: &[Item], start: usize) -> usize {
        let all = &items[start..items.len().min(start + BATCH_MAX)];
        match self.consumer.transactions {
            Transactions::OneOfTheseOnServer(lock_rows) if self.db.is_postgres() => {
                let first = all.iter().position(|item| lock_rows(&item.event));
                start + first.map_or(all.len(), |place| place + 1)
            }
            Transactions::Shared | Transactions::OneOfTheseOnServer(_) => start + all.len(),
        }
    }

    fn transaction(&self, batch: &Arc<Mutex<Batch>>, stretch: Range<usize>) -> Result<(), Stop> {
        let shared = Arc::clone(batch);
        let range = stretch.clone();
        let positions = self.db.write_patiently(move |tx| lock(&shared).settle(tx, range.clone()))?;
        let mut batch = lock(batch);
        batch.advance_to(positions);
        let handled = batch.items[stretch].iter().filter(|item| item.verdict.handles()).count();
        Numbers::count(&self.numbers.handled, handled);
        Ok(())
    }

    /// The item failed by itself: later ones of its key in this batch wait behind it.
    fn condemn(&self, batch: &mut Batch, index: usize, failure: Failure) {
        let (before, after) = batch.items.split_at_mut(index + 1);
        let Some(item) = before.last_mut() else { return };
        let event = Arc::clone(&item.event);
        self.note_failure(&event, &failure);
        item.verdict = Verdict::Failed(failure);
        for later in after.iter_mut().filter(|later| later.event.key == event.key && later.place == Place::Ahead) {
            later.verdict = Verdict::Behind;
        }
    }

    /// Counts and logs a failure, once.
    fn note_failure(&self, event: &Delivered, failure: &Failure) {
        let tries = event.tries + 1;
        Numbers::count(&self.numbers.failures, 1);
        let (consumer, id, kind) = (self.consumer.name, event.id.as_str(), event.kind.as_str());
        if failure.is_last(tries) {
            Numbers::count(&self.numbers.given_up, 1);
            tracing::error!(consumer, event.id = id, event.kind = kind, tries, reason = %failure, "an event became a dead letter");
        } else {
            tracing::warn!(consumer, event.id = id, event.kind = kind, tries, reason = %failure, "an event failed and will be tried again");
        }
    }
}

/// Whether running the events of a batch one by one can help: not when the store is away for all of them.
const fn blames_the_batch(error: &StoreError) -> bool {
    !matches!(
        error,
        StoreError::Unavailable { .. }
            | StoreError::Stopped { .. }
            | StoreError::OutcomeUnknown { .. }
            | StoreError::Overloaded { .. }
    )
}

/// A panic of a handler is caught inside, so whatever a lock guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
