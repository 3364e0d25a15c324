//! What the audit reads: only rows that break a rule, and both lists that are compared with others.

use contracts::{OrderId, PaymentId};
use kernel::Currency;
use service::Stretch;
use store::{Snapshot, StoreError, params};

use super::payments::read;
use super::sql::{
    COUNTED_TWICE, GOING_BACK_BY_ORDER, HELD_BY_ORDER, LEDGER_DIFFERENCES, LEDGER_HALVES, OPENED_AT_BANK,
    PAYMENTS_MADE, REFUND_DIFFERENCES, STRAY_MONEY, UNBALANCED,
};
use crate::model::payment::Payment;

/// A payment of which the ledger says something else; minor units.
#[derive(Debug)]
pub(crate) struct LedgerDifference {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it has taken.
    pub captured: i64,
    /// What it gave back.
    pub refunded: i64,
    /// What the ledger took.
    pub posted_in: i64,
    /// What the ledger gave back.
    pub posted_out: i64,
}

/// A payment whose refunds do not make its sums; minor units.
#[derive(Debug)]
pub(crate) struct RefundDifference {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it has taken.
    pub captured: i64,
    /// What it says went back.
    pub refunded: i64,
    /// What it says is on its way back.
    pub refund_pending: i64,
    /// What its refunds gave back.
    pub succeeded: i64,
    /// What its refunds have on the way.
    pub under_way: i64,
}

/// What is with us of each order's money: order, minor units, currency.
///
/// # Errors
/// Those of the database; so below.
pub(crate) fn held_by_order(snapshot: &mut Snapshot<'_>) -> Result<Vec<(String, i64, Currency)>, StoreError> {
    snapshot.list(&HELD_BY_ORDER, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// What of an order's money is on its way back, by those who are asked until they have said so.
///
/// # Errors
/// Those of the database.
pub(crate) fn going_back_by_order(snapshot: &mut Snapshot<'_>) -> Result<Vec<(String, i64, Currency)>, StoreError> {
    snapshot.list(&GOING_BACK_BY_ORDER, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Ledger transactions whose sides differ: id, debits, credits.
///
/// # Errors
/// Those of the database.
pub(crate) fn unbalanced(snapshot: &mut Snapshot<'_>) -> Result<Vec<(String, i64, i64)>, StoreError> {
    snapshot.list(&UNBALANCED, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Ledger transactions that have lines or a header, not both.
///
/// # Errors
/// Those of the database.
pub(crate) fn ledger_halves(snapshot: &mut Snapshot<'_>) -> Result<Vec<String>, StoreError> {
    snapshot.list(&LEDGER_HALVES, &[], |row| row.get(0))
}

/// Payments of which the ledger says something else than they do.
///
/// # Errors
/// Those of the database.
pub(crate) fn ledger_differences(snapshot: &mut Snapshot<'_>) -> Result<Vec<LedgerDifference>, StoreError> {
    snapshot.list(&LEDGER_DIFFERENCES, &[], |row| {
        Ok(LedgerDifference {
            payment_id: row.get(0)?,
            captured: row.get(1)?,
            refunded: row.get(2)?,
            posted_in: row.get(3)?,
            posted_out: row.get(4)?,
        })
    })
}

/// Payments whose sums are not those of their refunds, or out of bounds.
///
/// # Errors
/// Those of the database.
pub(crate) fn refund_differences(snapshot: &mut Snapshot<'_>) -> Result<Vec<RefundDifference>, StoreError> {
    snapshot.list(&REFUND_DIFFERENCES, &[], |row| {
        Ok(RefundDifference {
            payment_id: row.get(0)?,
            captured: row.get(1)?,
            refunded: row.get(2)?,
            refund_pending: row.get(3)?,
            succeeded: row.get(4)?,
            under_way: row.get(5)?,
        })
    })
}

/// Orders that several payments count for, or another than the one they were claimed by.
///
/// # Errors
/// Those of the database.
pub(crate) fn counted_twice(snapshot: &mut Snapshot<'_>) -> Result<Vec<String>, StoreError> {
    snapshot.list(&COUNTED_TWICE, &[], |row| row.get(0))
}

/// Money that counts for no order and is not on its way back: payment, order, minor units.
///
/// # Errors
/// Those of the database.
pub(crate) fn stray_money(snapshot: &mut Snapshot<'_>) -> Result<Vec<(PaymentId, OrderId, i64)>, StoreError> {
    snapshot.list(&STRAY_MONEY, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Payments that the bank has to know, in order of id, each with the minor units that were handed over past the bank.
///
/// # Errors
/// Those of the database.
pub(crate) fn opened_at_bank(
    snapshot: &mut Snapshot<'_>,
    after: &str,
    limit: u32,
) -> Result<Vec<(Payment, i64)>, StoreError> {
    snapshot.list(&OPENED_AT_BANK, &params![after, limit], |row| Ok((read(row)?, row.get(25)?)))
}

/// The next payments of a stretch.
///
/// # Errors
/// Those of the database.
pub(crate) fn payments_made(snapshot: &mut Snapshot<'_>, stretch: &Stretch) -> Result<Vec<Payment>, StoreError> {
    snapshot.list(
        &PAYMENTS_MADE,
        &params![stretch.after_id_of::<contracts::Payment>(), stretch.since, stretch.things],
        read,
    )
}
