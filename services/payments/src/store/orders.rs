//! Our own copy of orders.

use super::refunds::{lines_text, read_lines};
use super::sql::{CLAIM_ORDER, END, ENTER_ORDER, INSERT_ORDER, LOCK_ORDER, ORDER, SOLD_LINES, UPSERT_END};
use crate::model::refund::RefundLine;
use contracts::{OrderId, PaymentId, ShopId, UserId};
use kernel::{Money, Timestamp};
use store::{Param, Row, Snapshot, StoreError, Tx, params};

/// What payments needs of an order, frozen when it was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderCopy {
    /// The order.
    pub id: OrderId,
    /// Whose.
    pub guest_id: UserId,
    /// Where.
    pub shop_id: ShopId,
    /// What is to be paid.
    pub total: Money,
    /// Where the bank's page sends the guest afterwards.
    pub return_url: Option<String>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// The payment whose money counts.
    pub paid_by: Option<PaymentId>,
}

/// An order that was just heard of, and how many of each of its lines were sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewOrder {
    /// The order.
    pub order: OrderCopy,
    /// Its lines.
    pub lines: Vec<RefundLine>,
}

/// Keeps new orders. Of each: whether it has ended already, for the news of its end may have come first, or be coming
/// right now. Nothing for an order that is known.
///
/// # Errors
/// Those of the database.
pub(crate) fn insert_orders(tx: &mut Tx<'_>, orders: &[NewOrder]) -> Result<Vec<Option<bool>>, StoreError> {
    // All are entered before any is inserted, and the inserts see what whoever held their rows has committed.
    orders.iter().try_for_each(|new| tx.execute_later(&ENTER_ORDER, &params![new.order.id]))?;
    let rows: Vec<_> = orders.iter().map(row).collect();
    tx.one_many(&INSERT_ORDER, &rows, |row| row.get(0))
}

fn row(NewOrder { order, lines }: &NewOrder) -> Vec<Param<'_>> {
    params![
        order.id,
        order.guest_id,
        order.shop_id,
        order.total.amount(),
        order.total.currency(),
        &order.return_url,
        order.placed_at,
        lines_text(lines),
    ]
    .into()
}

/// How many of each line of an order were sold.
///
/// # Errors
/// Those of the database.
pub(crate) fn sold_lines(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<Vec<RefundLine>, StoreError> {
    let text: Option<String> = snapshot.one(&SOLD_LINES, &params![id], |row| row.get(0))?;
    text.map_or_else(|| Ok(Vec::new()), |text| read_lines(&text))
}

/// An order.
///
/// # Errors
/// Those of the database.
pub(crate) fn order(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<Option<OrderCopy>, StoreError> {
    snapshot.one(&ORDER, &params![id], read)
}

/// An order, held until the end of the transaction: the place where everything about its money queues up.
///
/// # Errors
/// Those of the database.
pub(crate) fn lock_order(tx: &mut Tx<'_>, id: OrderId) -> Result<Option<OrderCopy>, StoreError> {
    tx.one(&LOCK_ORDER, &params![id], read)
}

/// Whether this payment is the first whose money counts for the order.
///
/// # Errors
/// Those of the database.
pub(crate) fn claim_order(tx: &mut Tx<'_>, order_id: OrderId, payment_id: PaymentId) -> Result<bool, StoreError> {
    Ok(tx.execute(&CLAIM_ORDER, &params![order_id, payment_id])? == 1)
}

/// Keeps whether an order has ended; older news than what is known change nothing.
///
/// # Errors
/// Those of the database.
pub(crate) fn order_ends(tx: &mut Tx<'_>, id: OrderId, is_ended: bool, version: i64) -> Result<(), StoreError> {
    tx.execute_later(&UPSERT_END, &params![id, is_ended, version])
}

/// Whether an order has ended without being paid.
///
/// # Errors
/// Those of the database.
pub(crate) fn is_ended(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<bool, StoreError> {
    Ok(snapshot.one(&END, &params![id], |row| row.get(0))?.unwrap_or(false))
}

fn read(row: &Row<'_>) -> Result<OrderCopy, StoreError> {
    Ok(OrderCopy {
        id: row.get(0)?,
        guest_id: row.get(1)?,
        shop_id: row.get(2)?,
        total: super::payments::money(row, 3, row.get(4)?)?,
        return_url: row.get(5)?,
        placed_at: row.get(6)?,
        paid_by: row.get(7)?,
    })
}
