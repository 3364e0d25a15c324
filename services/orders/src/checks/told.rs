//! EVT-1 and EVT-5 of orders: every state of every history has its event, and the events can be read.

use contracts::feed::OrderFeed;
use contracts::orders::{OrderPaid, OrderPlaced, OrderState, OrderUpdated};
use eventlog::Delivered;
use kernel::Event as _;
use service::{Change, Changes, Check, EventType, Telling, events_can_be_read};
use store::Db;

use crate::store::{entered, entries_of_states};

static TYPES: [EventType; 4] = [
    EventType::of::<OrderPlaced>(),
    EventType::of::<OrderPaid>(),
    EventType::of::<OrderUpdated>(),
    EventType::of::<OrderFeed>(),
];

static TELLING: Telling = Telling {
    thing: "order",
    topics: &[OrderPlaced::TOPIC, OrderPaid::TOPIC, OrderUpdated::TOPIC],
    changes: |snapshot, stretch| {
        let (entries, last_id) = entries_of_states(snapshot, stretch)?;
        let changes = entries.into_iter().flat_map(|(id, version, state)| changes(&id, version, &state)).collect();
        Ok(Changes { changes, last_id })
    },
    told,
    happened: |snapshot, change| {
        let state = entered(snapshot, &change.id, change.version)?;
        Ok(state.is_some_and(|state| changes(&change.id, change.version, &state).contains(change)))
    },
};

pub(super) fn checks(db: &Db) -> [Check; 2] {
    [TELLING.check(db), events_can_be_read(db, &TYPES)]
}

fn told(event: &Delivered) -> Option<Change> {
    let (id, version, state) = match event.topic.as_str() {
        OrderPlaced::TOPIC => {
            let placed = event.decode::<OrderPlaced>().ok()?;
            (placed.order_id, placed.version, OrderState::Placed.as_str())
        }
        OrderPaid::TOPIC => {
            let paid = event.decode::<OrderPaid>().ok()?;
            (paid.order_id, paid.version, RECEIPT)
        }
        _ => {
            let updated = event.decode::<OrderUpdated>().ok()?;
            (updated.order_id, updated.version, updated.to.as_str())
        }
    };
    Some(change(&id.to_string(), version, state))
}

/// What has to be told of a version that brought this state: whoever is paid is told of twice, to those who hear of every
/// move and to those who hear of money.
fn changes(id: &str, version: i64, state: &str) -> Vec<Change> {
    let receipt = (state == OrderState::Paid.as_str()).then(|| change(id, version, RECEIPT));
    [change(id, version, state)].into_iter().chain(receipt).collect()
}

/// What `payed_orders` tells.
const RECEIPT: &str = "receipt";

fn change(id: &str, version: i64, says: &str) -> Change {
    Change { id: id.to_owned(), version, says: format!("{version} {says}") }
}
