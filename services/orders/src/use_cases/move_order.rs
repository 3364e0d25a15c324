//! What every move of an order has in common: the row, its history, what it gives back, what is told.

use contracts::orders::{Actor, OrderPaid, OrderState, OrderUpdated, PaymentMethod};
use contracts::{ShopId, UserId};
use kernel::Timestamp;
use store::{StoreError, Tx};

use crate::model::{Decision, Event, Order};
use crate::store::{HistoryEntry, Saved, give_back_slots, give_back_unpaid, save};

/// Who moves an order, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mover<'a> {
    /// Who, as the history tells.
    pub(super) by: Actor,
    /// Why, as the history keeps it.
    pub(super) reason: Option<&'a str>,
    /// Why, as others are told: a stable word. Never what a person wrote.
    pub(super) told_reason: Option<&'a str>,
}

impl Mover<'_> {
    /// Samovar itself.
    pub(super) const fn system(word: Option<&str>) -> Mover<'_> {
        Mover { by: Actor::System, reason: word, told_reason: word }
    }
}

/// An order on its way from one state to the next.
#[derive(Debug)]
pub(super) struct Move {
    order: Order,
    events: Vec<Event>,
    freed_slot: Option<(ShopId, Timestamp)>,
    freed_guest: Option<(UserId, PaymentMethod)>,
}

impl Move {
    /// The order after a decision; what it held and holds no more is given back with it.
    pub(super) fn new(mut order: Order, (state, events): Decision) -> Self {
        let was_unpaid = order.state.word() == OrderState::Placed;
        order.state = state;
        order.version += 1;
        let frees_slot = order.fulfilment.is_slot_held && state.is_ended();
        order.fulfilment.is_slot_held &= !frees_slot;
        let frees_guest = was_unpaid && state.word() != OrderState::Placed;
        Self {
            freed_slot: frees_slot.then_some((order.shop_id, order.fulfilment.slot.from)),
            freed_guest: frees_guest.then_some((order.guest_id, order.payment_method)),
            order,
            events,
        }
    }
}

/// Writes moves: rows first, then slots, then guests' counters, each in the order of their keys; publishes what is
/// told. The orders as they stand now.
pub(super) fn save_moves(tx: &mut Tx<'_>, moves: Vec<Move>, mover: Mover<'_>) -> Result<Vec<Order>, StoreError> {
    let at = tx.now();
    let entry = HistoryEntry { by: mover.by, reason: mover.reason, at };
    let saved: Vec<Saved<'_>> = moves.iter().map(|m| Saved { order: &m.order, entry }).collect();
    save(tx, &saved)?;
    give_back_slots(tx, moves.iter().filter_map(|m| m.freed_slot).collect())?;
    give_back_unpaid(tx, moves.iter().filter_map(|m| m.freed_guest).collect())?;
    for Move { order, events, .. } in &moves {
        for event in events {
            tell(tx, order, *event, mover.told_reason)?;
        }
    }
    Ok(moves.into_iter().map(|m| m.order).collect())
}

/// Moves one order, unless the decision was that nothing happens.
pub(super) fn save_move(
    tx: &mut Tx<'_>,
    order: Order,
    decision: Decision,
    mover: Mover<'_>,
) -> Result<Order, StoreError> {
    if decision.1.is_empty() {
        return Ok(order);
    }
    let mut orders = save_moves(tx, vec![Move::new(order, decision)], mover)?;
    Ok(orders.pop().expect("one move gives one order back"))
}

fn tell(tx: &mut Tx<'_>, order: &Order, event: Event, reason: Option<&str>) -> Result<(), StoreError> {
    let at = tx.now();
    match event {
        Event::Paid(receipt) => tx.publish(&OrderPaid {
            order_id: order.id,
            shop_id: order.shop_id,
            guest_id: order.guest_id,
            payment_id: receipt.payment_id,
            total: order.totals.total(),
            paid_at: receipt.paid_at,
            version: order.version,
        }),
        Event::Updated { from, to, refund_due } => tx.publish(&OrderUpdated {
            order_id: order.id,
            shop_id: order.shop_id,
            guest_id: order.guest_id,
            from,
            to,
            reason: reason.map(str::to_owned),
            at,
            version: order.version,
            refund_due,
        }),
    }
}
