//! Attempts to pay, as payments last told them.

use contracts::OrderId;
use kernel::Currency;
use store::{Row, Snapshot, StoreError, Tx, params};

use super::columns::{money, word};
use super::statements::{HEAR_PAYMENT, PAYMENTS_OF_ORDER, UNTRUE_TENDERS};
use crate::model::Attempt;

/// Keeps what payments told of an attempt; `false` when it told the same or later things before.
pub(crate) fn hear(tx: &mut Tx<'_>, order_id: OrderId, attempt: &Attempt) -> Result<bool, StoreError> {
    let row = params![
        order_id,
        attempt.payment_id,
        attempt.attempt,
        attempt.version,
        attempt.state.as_str(),
        attempt.captured.currency(),
        attempt.captured.amount(),
        attempt.refunded.amount(),
    ];
    Ok(tx.execute(&HEAR_PAYMENT, &row)? == 1)
}

/// Every attempt to pay for an order, the first one first.
pub(crate) fn attempts_of(snapshot: &mut Snapshot<'_>, order_id: OrderId) -> Result<Vec<Attempt>, StoreError> {
    snapshot.list(&PAYMENTS_OF_ORDER, &params![order_id], attempt)
}

fn attempt(row: &Row<'_>) -> Result<Attempt, StoreError> {
    let currency: Currency = row.get(4)?;
    Ok(Attempt {
        payment_id: row.get(0)?,
        attempt: row.get(1)?,
        version: row.get(2)?,
        state: word(row, 3)?,
        captured: money(row, 5, currency)?,
        refunded: money(row, 6, currency)?,
    })
}

/// An order's money as it says itself and as its attempts add up, in minor units: captured and refunded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TenderRow {
    /// The order.
    pub(crate) order_id: String,
    /// What the order says.
    pub(crate) says: (i64, i64),
    /// What its attempts add up to.
    pub(crate) adds_up: (i64, i64),
}

/// Orders whose money does not add up, for the audit.
pub(crate) fn tender_rows(snapshot: &mut Snapshot<'_>) -> Result<Vec<TenderRow>, StoreError> {
    snapshot.list(&UNTRUE_TENDERS, &[], |row| {
        Ok(TenderRow { order_id: row.get(0)?, says: (row.get(1)?, row.get(2)?), adds_up: (row.get(3)?, row.get(4)?) })
    })
}
