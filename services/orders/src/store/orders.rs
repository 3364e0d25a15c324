//! Orders: born once, moved under a version check.

use contracts::OrderId;
use kernel::Timestamp;
use store::{Snapshot, StoreError, Tx, params};

use super::columns;
use super::history::{self, HistoryEntry};
use super::lists::Visible;
use super::statements::{
    EXPIRED_ORDERS, INSERT_ORDER, LOAD_ORDER, LOAD_VISIBLE_ORDER, LOCK_EXPIRED_ORDERS, LOCK_ORDER, LOCK_VISIBLE_ORDER,
    MARK_RETAKING, UPDATE_ORDER,
};
use crate::model::Order;

/// A move of an order on its way into the store: what it was, what it is, and the line of its history.
#[derive(Debug)]
pub(crate) struct Saved<'a> {
    /// The order after the move; its version has grown by one.
    pub(crate) order: &'a Order,
    /// What is written about it.
    pub(crate) entry: HistoryEntry<'a>,
}

/// Writes a new order. Its first history entry is written by [`history::HistoryEntry::begin`] before.
pub(crate) fn insert(tx: &mut Tx<'_>, order: &Order, lines: &str, expires_at: Timestamp) -> Result<(), StoreError> {
    let (fulfilment, totals) = (&order.fulfilment, &order.totals);
    let row = params![
        order.id,
        order.feed_id,
        order.shop_id,
        order.guest_id,
        order.channel.as_str(),
        order.number.ordinal(),
        fulfilment.day.to_string(),
        order.state.word().as_str(),
        order.version,
        order.payment_method.as_str(),
        order.tender.progress.as_str(),
        order.tender.captured_minor,
        order.tender.refunded_minor,
        fulfilment.kind.as_str(),
        fulfilment.is_asap,
        fulfilment.due_at,
        fulfilment.slot.from,
        fulfilment.slot.to,
        fulfilment.is_slot_held,
        &fulfilment.time_zone,
        totals.currency(),
        totals.items().amount(),
        totals.discount().amount(),
        totals.points().amount(),
        totals.delivery().amount(),
        totals.total().amount(),
        lines,
        &order.comment,
        order.placed_at,
        expires_at,
    ];
    tx.execute_later(&INSERT_ORDER, &row)
}

/// An order.
pub(crate) fn load(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<Option<Order>, StoreError> {
    snapshot.one(&LOAD_ORDER, &params![id], columns::order)
}

/// An order, to change it.
pub(crate) fn lock(tx: &mut Tx<'_>, id: OrderId) -> Result<Option<Order>, StoreError> {
    tx.one(&LOCK_ORDER, &params![id], columns::order)
}

/// An order, if it is there for this person.
pub(crate) fn load_visible(
    snapshot: &mut Snapshot<'_>,
    id: OrderId,
    visible: &Visible,
) -> Result<Option<Order>, StoreError> {
    snapshot.one(&LOAD_VISIBLE_ORDER, &params![id, visible.guest_id, &visible.shops], columns::order)
}

/// An order, to change it, if it is there for this person.
pub(crate) fn lock_visible(tx: &mut Tx<'_>, id: OrderId, visible: &Visible) -> Result<Option<Order>, StoreError> {
    tx.one(&LOCK_VISIBLE_ORDER, &params![id, visible.guest_id, &visible.shops], columns::order)
}

/// Up to `limit` unpaid orders whose time is over, to end them.
pub(crate) fn lock_expired(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<Vec<Order>, StoreError> {
    tx.list(&LOCK_EXPIRED_ORDERS, &params![now, limit], columns::order)
}

/// Up to `limit` unpaid orders whose time is over, the longest first.
pub(crate) fn expired(snapshot: &mut Snapshot<'_>, now: Timestamp, limit: i64) -> Result<Vec<OrderId>, StoreError> {
    snapshot.list(&EXPIRED_ORDERS, &params![now, limit], |row| row.get(0))
}

/// Notes that an expired order has its stock taken again until then; `false` when it is not expired (any more).
pub(crate) fn mark_retaking(tx: &mut Tx<'_>, id: OrderId, until: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(&MARK_RETAKING, &params![id, until])? == 1)
}

/// Writes orders that moved, with their histories.
///
/// # Errors
/// [`StoreError::Busy`] when one of them was changed behind the back of this transaction: it holds their rows, so
/// that is a fault, and nothing is kept (ORD-4).
pub(crate) fn save(tx: &mut Tx<'_>, moved: &[Saved<'_>]) -> Result<(), StoreError> {
    for saved in moved {
        let reason = format!("{} was changed meanwhile", saved.order.id);
        tx.expect_one(&UPDATE_ORDER, &update_row(saved), StoreError::Busy { reason })?;
    }
    history::append(tx, moved)
}

fn update_row<'a>(saved: &Saved<'a>) -> [store::Param<'a>; 12] {
    let order = saved.order;
    let receipt = order.state.receipt();
    params![
        order.id,
        order.version - 1,
        order.state.word().as_str(),
        order.tender.progress.as_str(),
        receipt.map(|r| r.payment_id),
        receipt.map(|r| r.paid_at),
        order.tender.captured_minor,
        order.tender.refunded_minor,
        order.fulfilment.is_slot_held,
        saved.entry.at,
        order.payment_method.as_str(),
        order.state.expires_at(),
    ]
}
