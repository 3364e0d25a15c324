//! The one transaction that every event of a consumer ends in: its effect, or its parked row, and the position.
//!
//! It begins by locking the consumer's positions and comparing them with those that the events were read at. So a
//! second instance, a replay or a person who drops a dead letter can never make an event count twice: whoever comes
//! second finds the positions moved, changes nothing and reads again (decision 13).

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kernel::Timestamp;
use store::{StoreError, Tx, params};

use crate::consumer::{Apply, Fault, Record};
use crate::retry::{self, Next};
use crate::rows::{self, Parking, TopicPosition};
use crate::{Delivered, Failure};

/// An event in hand and what is to become of it.
pub(crate) struct Item {
    pub(crate) event: Arc<Delivered>,
    pub(crate) place: Place,
    pub(crate) verdict: Verdict,
}

/// Where an event was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// From the log, beyond the position.
    Ahead,
    /// From `event_retries`: the position has passed it.
    Parked,
}

/// What is to become of an event.
pub(crate) enum Verdict {
    /// The handler runs in the transaction, with all others that it runs for there.
    Apply(Apply),
    /// The outside call is made; this is what it leaves behind.
    Record(Record),
    /// It failed by itself: never [`Failure::Unavailable`], which leaves the event where it is.
    Failed(Failure),
    /// An earlier event of its key is parked: it waits behind that one.
    Behind,
}

impl Verdict {
    /// Whether the event is handled with it, and not parked.
    pub(crate) const fn handles(&self) -> bool {
        match self {
            Self::Apply(_) | Self::Record(_) => true,
            Self::Failed(_) | Self::Behind => false,
        }
    }
}

/// Why a transaction was given up.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The item with this index could not be handled.
    Item(usize, Failure),
    /// One of several items could not be handled.
    OneOfThem(Failure),
    /// Someone else moved the positions, or took a parked row.
    Moved,
    /// The database.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Events of one consumer on their way into a transaction.
pub(crate) struct Batch {
    pub(crate) consumer: &'static str,
    /// The positions that the events were read at.
    pub(crate) positions: Vec<TopicPosition>,
    pub(crate) items: Vec<Item>,
    /// Events from ahead whose calls are still under way. Those that the position passes are parked, so that a crash
    /// leaves them where they will be found.
    pub(crate) under_way: Vec<Arc<Delivered>>,
}

impl Batch {
    /// Settles a stretch of the items in this transaction; returns the positions as they are after it.
    pub(crate) fn settle(&mut self, tx: &mut Tx<'_>, stretch: Range<usize>) -> Result<Vec<TopicPosition>, Stop> {
        let mut found = tx.list(&rows::LOCK_POSITIONS, &params![self.consumer], rows::topic_position)?;
        found.sort_unstable();
        if found != self.positions {
            return Err(Stop::Moved);
        }
        let mut steps: Vec<TopicStep> = found.into_iter().map(TopicStep::new).collect();
        self.apply(tx, stretch.clone())?;
        for index in stretch {
            let item = &mut self.items[index];
            let end = item.settle(tx, self.consumer, index)?;
            let step = steps.iter_mut().find(|step| step.at.topic == item.event.topic).ok_or(Stop::Moved)?;
            step.take(item, end);
        }
        for event in &self.under_way {
            if steps.iter().any(|step| step.at.topic == event.topic && step.at.position > event.seq) {
                rows::park(tx, self.consumer, event, &Parking::under_way(tx.now()))?;
            }
        }
        for step in steps.iter().filter(|step| step.changed) {
            let TopicPosition { topic, position, .. } = &step.at;
            tx.execute_later(&rows::MOVE_POSITION, &params![self.consumer, topic, *position, step.handled, tx.now()])?;
        }
        Ok(steps.into_iter().map(|step| step.at).collect())
    }

    /// Runs the handler for those items of the stretch that it is to run for.
    fn apply(&self, tx: &mut Tx<'_>, stretch: Range<usize>) -> Result<(), Stop> {
        let (mut apply, mut events, mut indices) = (None, Vec::new(), Vec::new());
        for (item, index) in self.items[stretch.clone()].iter().zip(stretch) {
            if let Verdict::Apply(handler) = &item.verdict {
                apply = Some(handler);
                events.push(&*item.event);
                indices.push(index);
            }
        }
        let Some(apply) = apply else { return Ok(()) };
        apply.run(tx, &events).map_err(|fault| match fault {
            Fault::Of(place, failure) => Stop::Item(indices[place], failure),
            Fault::OfOne(failure) => Stop::OneOfThem(failure),
        })
    }

    /// Takes in what was committed.
    pub(crate) fn advance_to(&mut self, positions: Vec<TopicPosition>) {
        let passed =
            |event: &Delivered| positions.iter().any(|place| place.topic == event.topic && place.position > event.seq);
        self.under_way.retain(|event| !passed(event));
        self.positions = positions;
    }
}

/// How an item ended in its transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Handled,
    Parked,
}

impl Item {
    /// Does what is left to do for it when the handler has run.
    fn settle(&mut self, tx: &mut Tx<'_>, consumer: &str, index: usize) -> Result<End, Stop> {
        let Self { event, place, verdict } = self;
        match verdict {
            Verdict::Apply(_) => {}
            Verdict::Record(record) => {
                // What it publishes belongs to the trace of the event that it handles, not to that of this thread.
                tx.in_trace(event.traceparent.as_deref());
                guarded(|| record(tx)).map_err(|failure| Stop::Item(index, failure))?;
            }
            Verdict::Failed(failure) => {
                fail(tx, consumer, (event, *place), failure)?;
                return Ok(End::Parked);
            }
            Verdict::Behind => {
                rows::park_behind(tx, consumer, event)?;
                return Ok(End::Parked);
            }
        }
        if *place == Place::Parked {
            take_out(tx, consumer, event)?;
        }
        Ok(End::Handled)
    }
}

/// Runs a handler so that a panic is a failure of its event and not of the consumer.
pub(crate) fn guarded<T>(handler: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|panic| Err(Failure::of_panic(panic.as_ref())))
}

/// A parked event is handled: its row goes, and the next event of its key becomes the first.
fn take_out(tx: &mut Tx<'_>, consumer: &str, event: &Delivered) -> Result<(), Stop> {
    if tx.execute(&rows::UNPARK, &params![consumer, event.seq])? != 1 {
        return Err(Stop::Moved);
    }
    let now = tx.now();
    Ok(tx.execute_later(&rows::PROMOTE, &params![consumer, &event.key, now])?)
}

/// One more failure of an event: it waits for its next try, or its tries are spent.
fn fail(tx: &mut Tx<'_>, consumer: &str, item: (&Delivered, Place), failure: &Failure) -> Result<(), Stop> {
    let (event, place) = item;
    let parking = after(failure, event.tries, tx.now());
    match place {
        Place::Ahead => rows::park(tx, consumer, event, &parking)?,
        Place::Parked => {
            if rows::fail_again(tx, consumer, event, &parking)? != 1 {
                return Err(Stop::Moved);
            }
        }
    }
    Ok(())
}

/// How an event is parked that had failed `tries` times before this failure.
pub(crate) fn after(failure: &Failure, tries: u32, now: Timestamp) -> Parking {
    let before = tries;
    let tries = tries + 1;
    match failure {
        Failure::Busy(reason) => Parking::waiting(before, now.plus(retry::BUSY_WAIT), reason),
        Failure::GiveUp(reason) => Parking::dead(tries, now, reason),
        Failure::Retry(reason) | Failure::Unavailable { reason, .. } => match retry::after_failure(tries, now) {
            Next::At(next_at) => Parking::waiting(tries, next_at, reason),
            Next::Dead => Parking::dead(tries, now, reason),
        },
    }
}

/// A topic's position as the transaction moves it.
struct TopicStep {
    at: TopicPosition,
    /// Events handled that the count of `EVT-3` covers.
    handled: i64,
    changed: bool,
}

impl TopicStep {
    const fn new(at: TopicPosition) -> Self {
        Self { at, handled: 0, changed: false }
    }

    fn take(&mut self, item: &Item, end: End) {
        let counts = end == End::Handled && item.event.seq > self.at.counted_from;
        self.handled += i64::from(counts);
        self.at.position = self.at.position.max(item.event.seq);
        self.changed |= counts || item.place == Place::Ahead;
    }
}
