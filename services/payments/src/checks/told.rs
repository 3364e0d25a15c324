//! EVT-1, EVT-5 and MON-9 of payments: what others were last told of a payment is what it is, they can read it, and it never
//! led back.

use std::collections::BTreeMap;

use contracts::payments::{PaymentMoved, PaymentState};
use eventlog::{Delivered, audit};
use kernel::{Event as _, Money};
use service::{Change, Check, EventType, Finding, Telling, events_can_be_read};
use store::{Db, StoreError};

use crate::events::{CallbackStored, ProviderWanted};
use crate::model::payment::rank;
use crate::store as rows;

static TYPES: [EventType; 3] =
    [EventType::of::<PaymentMoved>(), EventType::of::<ProviderWanted>(), EventType::of::<CallbackStored>()];

static TELLING: Telling = Telling {
    thing: "payment",
    topics: &[PaymentMoved::TOPIC],
    changes: |snapshot, stretch| {
        let payments = rows::payments_made(snapshot, stretch)?.into_iter();
        Ok(payments
            .map(|payment| Change {
                id: payment.id.to_string(),
                version: payment.version,
                says: says(payment.state, payment.captured, payment.refunded),
            })
            .collect())
    },
    told: |event| {
        let moved = event.decode::<PaymentMoved>().ok()?;
        let says = says(moved.state, moved.captured, moved.refunded);
        Some(Change { id: moved.payment_id.to_string(), version: moved.version, says })
    },
    happened: |snapshot, change| {
        let version = rows::version_of_payment(snapshot, &change.id)?;
        Ok(version.is_some_and(|version| version >= change.version))
    },
};

pub(super) fn checks(db: &Db) -> [Check; 3] {
    let of_moves = db.clone();
    let forward = Check::row_by_row("MON-9", move || news_lead_forward(&of_moves));
    [TELLING.check(db), events_can_be_read(db, &TYPES), forward]
}

fn says(state: PaymentState, captured: Money, refunded: Money) -> String {
    format!("{state} {captured} {refunded}")
}

/// MON-9: whatever came in which order and number, what was told of a payment only went forward. That another order of the
/// same news would have led to the same state no row shows; tests do.
fn news_lead_forward(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let mut last: BTreeMap<String, PaymentState> = BTreeMap::new();
    let mut findings = Vec::new();
    audit::walk(db, Some(PaymentMoved::TOPIC), |events| {
        for event in events {
            findings.extend(led_back(&mut last, event));
        }
        Ok(())
    })?;
    Ok(findings)
}

fn led_back(last: &mut BTreeMap<String, PaymentState>, event: &Delivered) -> Option<Finding> {
    let moved = event.decode::<PaymentMoved>().ok()?;
    let id = moved.payment_id.to_string();
    let from = last.insert(id.clone(), moved.state)?;
    let message = || format!("was told as {} after it had been {from}", moved.state);
    (rank(moved.state) < rank(from)).then(|| Finding::new(format!("payment {id}"), message()))
}
