//! Outside calls: several at once, each of another key, none inside a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::consumer::{Effect, Record};
use crate::rows::TopicPosition;
use crate::settle::{Item, Place, Verdict, guarded};
use crate::{Delivered, Failure};

use super::Committed;
use super::look::Hand;

/// Which call came back, and with what.
pub(super) type Outcome = (usize, Result<Record, Failure>);

/// Calls the effect for each event, at most `width` at once, and hands over what came back, as it comes. No further
/// call is begun once `came_back` says no or `stop` is set; those that are under way are waited for.
pub(super) fn make(
    effect: &Effect,
    events: &[Arc<Delivered>],
    bounds: (usize, &AtomicBool),
    came_back: &mut dyn FnMut(Vec<Outcome>) -> bool,
) {
    let (width, stop) = bounds;
    let call = |index: usize| (index, guarded(|| effect(&events[index])));
    if width == 1 || events.len() == 1 {
        for index in 0..events.len() {
            if stop.load(Ordering::Relaxed) || !came_back(vec![call(index)]) {
                return;
            }
        }
        return;
    }
    let (next, halted) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (send, outcomes) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..width.min(events.len()) {
            let send = send.clone();
            let (next, halted, call) = (&next, &halted, &call);
            scope.spawn(move || {
                while !halted.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= events.len() || send.send(call(index)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        while let Ok(first) = outcomes.recv() {
            let all: Vec<Outcome> = std::iter::once(first).chain(outcomes.try_iter()).collect();
            if !came_back(all) {
                halted.store(true, Ordering::Relaxed);
            }
        }
    });
}

/// Events whose calls are being made.
pub(super) struct Open {
    positions: Vec<TopicPosition>,
    events: Vec<OpenEvent>,
    committed: usize,
    parked: bool,
    answered: bool,
    away: Option<(&'static str, String)>,
}

struct OpenEvent {
    event: Arc<Delivered>,
    place: Place,
    committed: bool,
}

impl Open {
    pub(super) fn new(positions: Vec<TopicPosition>, hand: Vec<Hand>) -> Self {
        let open = |in_hand: Hand| OpenEvent { event: in_hand.event, place: in_hand.place, committed: false };
        let events = hand.into_iter().map(open).collect();
        Self { positions, events, committed: 0, parked: false, answered: false, away: None }
    }

    pub(super) fn events(&self) -> Vec<Arc<Delivered>> {
        self.events.iter().map(|open| Arc::clone(&open.event)).collect()
    }

    pub(super) fn positions(&self) -> Vec<TopicPosition> {
        self.positions.clone()
    }

    pub(super) const fn is_halted(&self) -> bool {
        self.away.is_some()
    }

    /// What came back as items in the order of the log, with their indices. A call whose destination is away leaves its
    /// event where it is.
    pub(super) fn take_in(&mut self, mut outcomes: Vec<Outcome>) -> (Vec<Item>, Vec<usize>) {
        outcomes.sort_by_key(|(index, _)| self.events[*index].event.seq);
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for (index, outcome) in outcomes {
            let verdict = match outcome {
                Ok(record) => Verdict::Record(record),
                Err(Failure::Unavailable { destination, reason }) => {
                    self.away = Some((destination, reason));
                    continue;
                }
                Err(failure @ (Failure::Retry(_) | Failure::Busy(_) | Failure::GiveUp(_))) => Verdict::Failed(failure),
            };
            let OpenEvent { event, place, .. } = &self.events[index];
            items.push(Item { event: Arc::clone(event), place: *place, verdict });
            places.push(index);
        }
        (items, places)
    }

    /// Events beyond the position that are not committed and not about to be.
    pub(super) fn under_way(&self, about_to_be: &[usize]) -> Vec<Arc<Delivered>> {
        let open = self.events.iter().enumerate();
        open.filter(|(index, open)| !open.committed && open.place == Place::Ahead && !about_to_be.contains(index))
            .map(|(_, open)| Arc::clone(&open.event))
            .collect()
    }

    /// Takes in what a commit did: so many of these are settled, and what the positions passed is parked.
    pub(super) fn note(&mut self, places: &[usize], committed: Committed) {
        for index in &places[..committed.items] {
            self.events[*index].committed = true;
        }
        self.committed += committed.items;
        self.parked |= committed.parked;
        self.answered |= committed.answered;
        self.away = self.away.take().or(committed.away);
        self.positions = committed.positions;
        for open in self.events.iter_mut().filter(|open| !open.committed) {
            let passed = |place: &TopicPosition| place.topic == open.event.topic && place.position >= open.event.seq;
            if self.positions.iter().any(passed) {
                open.place = Place::Parked;
            }
        }
    }

    pub(super) fn into_committed(self) -> Committed {
        let Self { positions, committed: items, parked, answered, away, .. } = self;
        Committed { positions, items, parked, answered, away }
    }
}
