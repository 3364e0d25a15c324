//! `orders.state`: what has become of the orders that catalog holds stock for (decision 32).

use std::time::Duration;

use contracts::OrderId;
use contracts::orders::{OrderLife, OrderState, StateReply, StateRequest};
use kernel::Timestamp;
use store::{Snapshot, StoreError, Tx};

use crate::app::App;
use crate::store::{FirstEntry, entomb, first_entry};

/// An unpaid order ends at its time or a little later, when the timer comes round: asking then finds it ended.
const AFTER_EXPIRY: Duration = Duration::from_secs(60);

/// Orders that are looked at in one transaction: what the call promises to ask for at most, held to here as well.
const CHUNK: usize = 100;

/// Says of each order whether it still needs its hold.
pub(crate) async fn tell_lives(app: &App, request: StateRequest) -> Result<StateReply, StoreError> {
    let mut lives = Vec::with_capacity(request.order_ids.len());
    for chunk in request.order_ids.chunks(CHUNK) {
        lives.extend(tell_some(app, chunk.to_vec()).await?);
    }
    Ok(StateReply { lives })
}

/// The same of a few. One that nobody knows is declared dead first, so that a slow
/// placement cannot insert it after its stock was released.
async fn tell_some(app: &App, order_ids: Vec<OrderId>) -> Result<Vec<OrderLife>, StoreError> {
    let (ids, now) = (order_ids.clone(), app.clock.now());
    let known = app.db.read(move |snapshot| ids.iter().map(|id| life_of(snapshot, *id, now)).collect()).await;
    let known: Vec<Option<OrderLife>> = known?;
    if known.iter().all(Option::is_some) {
        return Ok(known.into_iter().flatten().collect());
    }
    let mut unknown: Vec<OrderId> =
        order_ids.iter().zip(&known).filter(|(_, life)| life.is_none()).map(|(id, _)| *id).collect();
    unknown.sort_unstable();
    app.db.write(move |tx| entomb_and_tell(tx, &unknown, &order_ids)).await
}

/// Entombs in the order of ids, then tells all again: some may have been placed meanwhile.
fn entomb_and_tell(tx: &mut Tx<'_>, unknown: &[OrderId], ids: &[OrderId]) -> Result<Vec<OrderLife>, StoreError> {
    for id in unknown {
        entomb(tx, *id)?;
    }
    let now = tx.now();
    let lives = ids.iter().map(|id| {
        let life = life_of(tx, *id, now)?;
        life.ok_or_else(|| StoreError::Fault {
            at: "orders.state".to_owned(),
            reason: format!("{id} has no beginning"),
        })
    });
    lives.collect()
}

fn life_of(snapshot: &mut Snapshot<'_>, order_id: OrderId, now: Timestamp) -> Result<Option<OrderLife>, StoreError> {
    let first = first_entry(snapshot, order_id)?;
    Ok(first.map(|first| match first {
        FirstEntry::Entombed => OrderLife::Ended { order_id },
        // Its stock is held again, and whether it is paid is being written down.
        FirstEntry::Placed { state: OrderState::Expired, retaking_until: Some(until), .. } if until > now => {
            OrderLife::Live { order_id, ask_at: until }
        }
        FirstEntry::Placed { state, expires_at, .. } => life(order_id, state, expires_at),
    }))
}

fn life(order_id: OrderId, state: OrderState, expires_at: Timestamp) -> OrderLife {
    match state {
        OrderState::Placed => OrderLife::Live { order_id, ask_at: expires_at.plus(AFTER_EXPIRY) },
        OrderState::Paid | OrderState::Preparing | OrderState::Ready | OrderState::Delivering | OrderState::Closed => {
            OrderLife::Paid { order_id }
        }
        OrderState::Expired | OrderState::Cancelled => OrderLife::Ended { order_id },
    }
}
