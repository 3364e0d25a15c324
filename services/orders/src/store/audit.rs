//! What the audit reads of orders: chunks, or only rows that matter to a check.

use std::str::FromStr;

use contracts::OrderId;
use contracts::orders::OrderState;
use kernel::{Currency, Timestamp};
use service::Stretch;
use store::{Row, Snapshot, StoreError, params};

use super::columns::{self, word};
use super::statements::{
    HISTORIES_UP_TO, LIVE_ORDERS, MONEY_OF_ORDERS, MONEY_WITHOUT_ORDER, ORDERS_AFTER, PAID_WITHOUT_MONEY,
    PAST_THEIR_TIME, SOLD_ORDERS, STATE_OF_VERSION, STATES_ENTERED,
};
use crate::model::Order;

/// The next `count` orders after this one, with their stored totals.
pub(crate) fn orders_after(
    snapshot: &mut Snapshot<'_>,
    after: OrderId,
    count: u32,
) -> Result<Vec<(Order, i64)>, StoreError> {
    snapshot.list(&ORDERS_AFTER, &params![after, count], |row| Ok((columns::order(row)?, row.get(31)?)))
}

/// What each order that money came for says is with us, in minor units.
pub(crate) fn money_of_orders(snapshot: &mut Snapshot<'_>) -> Result<Vec<(OrderId, i64, Currency)>, StoreError> {
    snapshot.list(&MONEY_OF_ORDERS, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Orders that are not at an end.
pub(crate) fn live_orders(snapshot: &mut Snapshot<'_>) -> Result<Vec<(OrderId, OrderState)>, StoreError> {
    snapshot.list(&LIVE_ORDERS, &[], with_word)
}

/// Orders whose guests have paid for their goods.
pub(crate) fn sold_orders(snapshot: &mut Snapshot<'_>) -> Result<Vec<(OrderId, OrderState)>, StoreError> {
    snapshot.list(&SOLD_ORDERS, &[], with_word)
}

/// Orders that nobody makes, where they are, and the money of their guests that is here.
pub(crate) fn money_without_order(
    snapshot: &mut Snapshot<'_>,
) -> Result<Vec<(OrderId, OrderState, i64, Currency)>, StoreError> {
    snapshot.list(&MONEY_WITHOUT_ORDER, &[], |row| Ok((row.get(0)?, word(row, 1)?, row.get(2)?, row.get(3)?)))
}

/// Orders that are paid by an attempt which did not take their total.
pub(crate) fn paid_without_money(snapshot: &mut Snapshot<'_>) -> Result<Vec<(OrderId, OrderState)>, StoreError> {
    snapshot.list(&PAID_WITHOUT_MONEY, &[], with_word)
}

/// Unpaid orders that should have ended by then, and when.
pub(crate) fn past_their_time(
    snapshot: &mut Snapshot<'_>,
    by: Timestamp,
) -> Result<Vec<(OrderId, Timestamp)>, StoreError> {
    snapshot.list(&PAST_THEIR_TIME, &params![by], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// An entry of a history: order, version, state.
pub(crate) type Entry = (String, i64, String);

/// The entries of the next histories that brought another state, and the last of these orders.
pub(crate) fn entries_of_states(
    snapshot: &mut Snapshot<'_>,
    stretch: &Stretch,
) -> Result<(Vec<Entry>, Option<String>), StoreError> {
    let Stretch { since, after_id, things } = stretch;
    let up_to: Option<String> =
        snapshot.one(&HISTORIES_UP_TO, &params![after_id, *things], |row| row.get(0))?.flatten();
    let Some(last) = up_to else { return Ok((Vec::new(), None)) };
    let entry = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok((snapshot.list(&STATES_ENTERED, &params![after_id, &last, *since], entry)?, Some(last)))
}

/// The state that a version of an order entered or kept.
pub(crate) fn entered(snapshot: &mut Snapshot<'_>, order_id: &str, version: i64) -> Result<Option<String>, StoreError> {
    snapshot.one(&STATE_OF_VERSION, &params![order_id, version], |row| row.get(0))
}

fn with_word<T: FromStr>(row: &Row<'_>) -> Result<(OrderId, T), StoreError> {
    Ok((row.get(0)?, word(row, 1)?))
}
