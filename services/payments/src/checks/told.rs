//! EVT-1, EVT-5 and MON-9 of payments: what others were last told of a payment is what it is, they can read it, and it never
//! led back.

use std::collections::BTreeMap;

use contracts::PaymentId;
use contracts::payments::{PaymentMoved, PaymentState};
use eventlog::{Delivered, audit};
use kernel::{Event as _, Money};
use service::{Change, Check, EventType, Finding, Telling, events_can_be_read};
use store::{Db, StoreError};

use crate::events::{CallbackStored, ProviderWanted};
use crate::model::payment::{Payment, rank};
use crate::store as rows;

static TYPES: [EventType; 3] =
    [EventType::of::<PaymentMoved>(), EventType::of::<ProviderWanted>(), EventType::of::<CallbackStored>()];

static TELLING: Telling = Telling {
    thing: "payment",
    topics: &[PaymentMoved::TOPIC],
    changes: |snapshot, stretch| {
        let payments = rows::payments_made(snapshot, stretch)?;
        Ok(payments.iter().map(latest_change).collect::<Vec<_>>().into())
    },
    told: |event| {
        let moved = event.decode::<PaymentMoved>().ok()?;
        let says = says(moved.state, moved.captured, moved.refunded);
        Some(Change { id: moved.payment_id.to_string(), version: moved.version, says })
    },
    happened: |snapshot, change| {
        let Some(id) = change.id.parse().ok() else { return Ok(false) };
        let payment = rows::payment(snapshot, id)?;
        Ok(payment.is_some_and(|payment| payment.version > change.version || latest_change(&payment) == *change))
    },
};

/// So many findings say enough.
const FINDINGS_MAX: usize = 100;

/// So many payments are followed in one walk through the events: some 20 MB. Further ones wait for another walk.
const FOLLOWED_MAX: usize = 200_000;

pub(super) fn checks(db: &Db) -> [Check; 3] {
    let of_moves = db.clone();
    let forward = Check::row_by_row("MON-9", move || news_lead_forward(&of_moves, FOLLOWED_MAX));
    [TELLING.check(db), events_can_be_read(db, &TYPES), forward]
}

fn latest_change(payment: &Payment) -> Change {
    let says = says(payment.state, payment.captured, payment.refunded);
    Change { id: payment.id.to_string(), version: payment.version, says }
}

fn says(state: PaymentState, captured: Money, refunded: Money) -> String {
    format!("{state} {captured} {refunded}")
}

/// MON-9: whatever came in which order and number, what was told of a payment only went forward. That another order of the
/// same news would have led to the same state no row shows; tests do.
fn news_lead_forward(db: &Db, followed_max: usize) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut after = None;
    loop {
        let mut followed = Followed { after, last: BTreeMap::new(), max: followed_max, has_more: false };
        let mut led_back = Vec::new();
        audit::walk(db, Some(PaymentMoved::TOPIC), |events| {
            led_back.extend(events.iter().filter_map(|event| followed.led_back(event)));
            led_back.truncate(FINDINGS_MAX);
            Ok(())
        })?;
        // Who made room for an earlier one in the middle of the walk is followed from the beginning in the next.
        let up_to = followed.last.keys().next_back().copied();
        findings.extend(led_back.into_iter().filter(|(id, _)| Some(*id) <= up_to).map(|(_, finding)| finding));
        findings.truncate(FINDINGS_MAX);
        if !followed.has_more || findings.len() == FINDINGS_MAX {
            return Ok(findings);
        }
        after = up_to;
    }
}

/// The first so many payments after one, and what was told of each.
struct Followed {
    after: Option<PaymentId>,
    last: BTreeMap<PaymentId, PaymentState>,
    max: usize,
    has_more: bool,
}

impl Followed {
    fn led_back(&mut self, event: &Delivered) -> Option<(PaymentId, Finding)> {
        let moved = event.decode::<PaymentMoved>().ok()?;
        let id = moved.payment_id;
        if Some(id) <= self.after {
            return None;
        }
        let before = self.last.insert(id, moved.state);
        if self.last.len() > self.max {
            self.last.pop_last();
            self.has_more = true;
        }
        let from = before.filter(|from| rank(moved.state) < rank(*from))?;
        let message = format!("was told as {} after it had been {from}", moved.state);
        Some((id, Finding::new(format!("payment {id}"), message)))
    }
}

#[cfg(test)]
mod tests;
