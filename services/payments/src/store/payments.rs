//! Payments one by one.

use contracts::{OrderId, PaymentId};
use kernel::{Currency, Money, Timestamp};
use store::{Row, Snapshot, StoreError, Tx, params};

use super::sql::{
    ASKED, DUE, INSERT_PAYMENT, LOCK_ATTEMPTS, LOCK_PAYMENT, PAYMENT, PAYMENT_OF_REFERENCE, PAYMENTS_OF_ORDER,
    RESERVE_REFUND, SAVE_PAYMENT,
};
use super::words::StoredState;
use crate::model::payment::{Alarm, Payment, ProviderName, ReceivedHow};

/// Keeps a new attempt.
///
/// # Errors
/// Those of the database.
pub(crate) fn insert_payment(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), StoreError> {
    let row = params![
        payment.id,
        payment.order_id,
        payment.shop_id,
        payment.guest_id,
        payment.attempt,
        payment.provider.as_str(),
        payment.state.as_str(),
        payment.amount.currency(),
        payment.amount.amount(),
        payment.authorized.amount(),
        payment.captured.amount(),
        payment.refunded.amount(),
        payment.refund_pending.amount(),
        payment.alarm.map(Alarm::as_str),
        &payment.provider_ref,
        &payment.page_url,
        &payment.return_url,
        payment.received_how.map(ReceivedHow::as_str),
        &payment.received_reference,
        payment.cancel_wanted,
        payment.ask_at,
        payment.asks,
        payment.version,
        payment.created_at,
        payment.updated_at,
    ];
    tx.execute_later(&INSERT_PAYMENT, &row)
}

/// A payment.
///
/// # Errors
/// Those of the database.
pub(crate) fn payment(snapshot: &mut Snapshot<'_>, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    snapshot.one(&PAYMENT, &params![id], read)
}

/// A payment, held until the end of the transaction. Its order is locked first, always.
///
/// # Errors
/// Those of the database.
pub(crate) fn lock_payment(tx: &mut Tx<'_>, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    tx.one(&LOCK_PAYMENT, &params![id], read)
}

/// The attempts of an order, oldest first.
///
/// # Errors
/// Those of the database.
pub(crate) fn payments_of_order(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<Vec<Payment>, StoreError> {
    snapshot.list(&PAYMENTS_OF_ORDER, &params![id], read)
}

/// The attempts of an order, oldest first, held until the end of the transaction.
///
/// # Errors
/// Those of the database.
pub(crate) fn lock_attempts(tx: &mut Tx<'_>, id: OrderId) -> Result<Vec<Payment>, StoreError> {
    tx.list(&LOCK_ATTEMPTS, &params![id], read)
}

/// The payment that a provider means.
///
/// # Errors
/// Those of the database.
pub(crate) fn payment_of_reference(
    snapshot: &mut Snapshot<'_>,
    provider: ProviderName,
    provider_ref: &str,
) -> Result<Option<Payment>, StoreError> {
    snapshot.one(&PAYMENT_OF_REFERENCE, &params![provider.as_str(), provider_ref], read)
}

/// Keeps a payment that was `before` when it was locked.
///
/// # Errors
/// Those of the database; a fault when somebody changed it although it was locked.
pub(crate) fn save_payment(tx: &mut Tx<'_>, before: &Payment, payment: &Payment) -> Result<(), StoreError> {
    let row = params![
        payment.id,
        before.version,
        payment.state.as_str(),
        payment.authorized.amount(),
        payment.captured.amount(),
        payment.refunded.amount(),
        payment.refund_pending.amount(),
        payment.alarm.map(Alarm::as_str),
        &payment.provider_ref,
        &payment.page_url,
        payment.received_how.map(ReceivedHow::as_str),
        &payment.received_reference,
        payment.cancel_wanted,
        payment.ask_at,
        payment.asks,
        payment.version,
        payment.updated_at,
    ];
    let reason = format!("{} changed while it was locked", payment.id);
    tx.expect_one(&SAVE_PAYMENT, &row, StoreError::Fault { at: SAVE_PAYMENT.name.to_owned(), reason })
}

/// Takes `amount` out of what can be given back; `false` when there is less than that.
///
/// # Errors
/// Those of the database.
pub(crate) fn reserve_refund(
    tx: &mut Tx<'_>,
    id: PaymentId,
    amount: Money,
    ask_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(&RESERVE_REFUND, &params![id, amount.amount(), now, ask_at])? == 1)
}

/// Payments that the provider has to be asked about, longest due first.
///
/// # Errors
/// Those of the database.
pub(crate) fn due(snapshot: &mut Snapshot<'_>, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
    snapshot.list(&DUE, &params![now, limit], |row| row.get(0))
}

/// Notes that the provider was asked.
///
/// # Errors
/// Those of the database.
pub(crate) fn asked(tx: &mut Tx<'_>, id: PaymentId, ask_at: Timestamp) -> Result<(), StoreError> {
    tx.execute_later(&ASKED, &params![id, ask_at])
}

pub(super) fn money(row: &Row<'_>, index: usize, currency: Currency) -> Result<Money, StoreError> {
    let minor = row.get(index)?;
    Money::new(minor, currency)
        .map_err(|error| StoreError::Corrupt { column: format!("amount {index}"), reason: error.to_string() })
}

pub(super) fn read(row: &Row<'_>) -> Result<Payment, StoreError> {
    let currency: Currency = row.get(7)?;
    Ok(Payment {
        id: row.get(0)?,
        order_id: row.get(1)?,
        shop_id: row.get(2)?,
        guest_id: row.get(3)?,
        attempt: row.get(4)?,
        provider: row.get(5)?,
        state: row.get::<StoredState>(6)?.0,
        amount: money(row, 8, currency)?,
        authorized: money(row, 9, currency)?,
        captured: money(row, 10, currency)?,
        refunded: money(row, 11, currency)?,
        refund_pending: money(row, 12, currency)?,
        alarm: row.get(13)?,
        provider_ref: row.get(14)?,
        page_url: row.get(15)?,
        return_url: row.get(16)?,
        received_how: row.get(17)?,
        received_reference: row.get(18)?,
        cancel_wanted: row.get(19)?,
        ask_at: row.get(20)?,
        asks: row.get(21)?,
        version: row.get(22)?,
        created_at: row.get(23)?,
        updated_at: row.get(24)?,
    })
}
