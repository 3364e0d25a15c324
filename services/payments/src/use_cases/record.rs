//! What a provider said becomes what we know: one transaction, however often and in whatever order it is said.

use contracts::payments::{PaymentMoved, PaymentState};
use contracts::{LedgerTransactionId, PaymentId, RefundId};
use store::{StoreError, Tx};

use super::give_back::{GiveBack, give_back};
use crate::app::App;
use crate::error::Error;
use crate::events::{CallbackStored, ProviderWanted, Wanted};
use crate::model::hear::{hear, refund_ended, stamp};
use crate::model::judge::{OrderMoney, Seen, SeenRefund};
use crate::model::ledger::Posting;
use crate::model::payment::{Alarm, Payment, is_open, may_move};
use crate::model::refund::{Refund, RefundState, judge_refund};
use crate::provider::Capture;
use crate::store::{self as rows, OrderCopy};

/// An order and a payment of it, both held until the end of the transaction.
pub(crate) fn lock(tx: &mut Tx<'_>, id: PaymentId) -> Result<(OrderCopy, Payment), Error> {
    let known = rows::payment(tx, id)?.ok_or(Error::UnknownPayment)?;
    let order = rows::lock_order(tx, known.order_id)?.ok_or(Error::UnknownOrder)?;
    let payment = rows::lock_payment(tx, id)?.ok_or(Error::UnknownPayment)?;
    Ok((order, payment))
}

/// Records what was seen of a payment.
pub(crate) fn record(tx: &mut Tx<'_>, app: &App, id: PaymentId, seen: &Seen) -> Result<Payment, Error> {
    let (order, payment) = lock(tx, id)?;
    record_locked(tx, app, &order, &payment, seen)
}

/// The same for a payment that is held already.
pub(crate) fn record_locked(
    tx: &mut Tx<'_>,
    app: &App,
    order: &OrderCopy,
    before: &Payment,
    seen: &Seen,
) -> Result<Payment, Error> {
    if before.provider_ref.is_none() && rows::payment_of_reference(tx, before.provider, &seen.provider_ref)?.is_some() {
        // One payment of the bank cannot be two of ours.
        raise_alarm(tx, before.id, Alarm::OrderMismatch)?;
        return Ok(rows::lock_payment(tx, before.id)?.unwrap_or_else(|| before.clone()));
    }
    let money = match order.paid_by {
        Some(other) if other != before.id => OrderMoney::Had,
        Some(_) | None => OrderMoney::Wanted,
    };
    let heard = hear(before, seen, money);
    let mut payment = heard.payment;
    if payment.counts() && order.paid_by.is_none() {
        settle_order(tx, app, &payment)?;
    }
    if payment != *before {
        save(tx, app, before, &mut payment)?;
    }
    if let Some(posting) = heard.posting {
        post(tx, app, &posting)?;
    }
    follow(tx, app, before, &payment)?;
    if let Some(amount) = heard.give_back {
        let why = GiveBack::by_rule(payment.id, amount, payment.alarm);
        payment = give_back(tx, app, &payment, why)?.0;
    }
    settle_refunds(tx, app, payment, &seen.refunds)
}

/// The first success takes the order; whatever else is open for it is called off.
fn settle_order(tx: &mut Tx<'_>, app: &App, payment: &Payment) -> Result<(), Error> {
    if !rows::claim_order(tx, payment.order_id, payment.id)? {
        let reason = format!("{} was paid while it was locked", payment.order_id);
        return Err(StoreError::Fault { at: "claim_order".to_owned(), reason }.into());
    }
    for other in rows::lock_attempts(tx, payment.order_id)? {
        if other.id != payment.id && is_open(other.state) && !other.cancel_wanted {
            call_off(tx, app, &other)?;
        }
    }
    Ok(())
}

/// What a move leads to: what was put off until the provider's id was known.
fn follow(tx: &mut Tx<'_>, app: &App, before: &Payment, payment: &Payment) -> Result<(), Error> {
    if let (None, Some(provider_ref)) = (&before.provider_ref, &payment.provider_ref) {
        // Callbacks that overtook the answer to our opening (security.md P7) are looked into now.
        if rows::match_callbacks(tx, payment.provider, provider_ref)? {
            tx.publish(&CallbackStored {
                provider: payment.provider.as_str().to_owned(),
                provider_ref: provider_ref.clone(),
                event_id: String::new(),
            })?;
        }
    }
    if before.state == payment.state {
        return Ok(());
    }
    match payment.state {
        PaymentState::Pending | PaymentState::Authorized if payment.cancel_wanted => want(tx, payment, Wanted::Cancel),
        PaymentState::Authorized if app.bank.capture_mode() == Capture::Manual => want(tx, payment, Wanted::Capture),
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Authorized
        | PaymentState::Captured
        | PaymentState::PartiallyRefunded
        | PaymentState::Refunded
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Cancelled
        | PaymentState::Unknown => Ok(()),
    }
}

/// Calls a payment off: at once where nobody has to be asked, else by asking.
pub(crate) fn call_off(tx: &mut Tx<'_>, app: &App, before: &Payment) -> Result<(), Error> {
    let mut payment = Payment { cancel_wanted: true, ..before.clone() };
    let provider = app.provider(payment.provider);
    if provider.answers_at_once() && may_move(payment.state, PaymentState::Cancelled) {
        payment.state = PaymentState::Cancelled;
        return save(tx, app, before, &mut payment);
    }
    save(tx, app, before, &mut payment)?;
    want(tx, &payment, Wanted::Cancel)
}

/// The provider did not say whether it has opened the payment.
pub(crate) fn record_unknown(tx: &mut Tx<'_>, app: &App, id: PaymentId) -> Result<(), Error> {
    let (_, before) = lock(tx, id)?;
    move_without_money(tx, app, &before, PaymentState::Unknown, None)
}

/// The provider will not open the payment.
pub(crate) fn record_refused(tx: &mut Tx<'_>, app: &App, id: PaymentId) -> Result<(), Error> {
    let (_, before) = lock(tx, id)?;
    move_without_money(tx, app, &before, PaymentState::Failed, Some(Alarm::OpenRefused))
}

fn move_without_money(
    tx: &mut Tx<'_>,
    app: &App,
    before: &Payment,
    to: PaymentState,
    alarm: Option<Alarm>,
) -> Result<(), Error> {
    if !is_open(before.state) || !may_move(before.state, to) {
        return Ok(());
    }
    let mut payment = Payment { state: to, alarm: before.alarm.or(alarm), ..before.clone() };
    save(tx, app, before, &mut payment)
}

/// A person must look; nothing moves.
pub(crate) fn raise_alarm(tx: &mut Tx<'_>, id: PaymentId, alarm: Alarm) -> Result<(), Error> {
    let (_, before) = lock(tx, id)?;
    if before.alarm.is_some() {
        return Ok(());
    }
    log_alarm(id, alarm);
    let payment = Payment { alarm: Some(alarm), version: before.version + 1, updated_at: tx.now(), ..before.clone() };
    Ok(rows::save_payment(tx, &before, &payment)?)
}

/// Money that waits to be handed over is what a day at the counter brings; everything else should not happen.
fn log_alarm(id: PaymentId, alarm: Alarm) {
    if alarm == Alarm::HandOver {
        tracing::warn!(payment.id = %id, alarm = alarm.as_str(), "a person must look at a payment");
    } else {
        tracing::error!(payment.id = %id, alarm = alarm.as_str(), "a person must look at a payment");
    }
}

/// Refunds that the provider speaks of, by our reference.
fn settle_refunds(tx: &mut Tx<'_>, app: &App, mut payment: Payment, seen: &[SeenRefund]) -> Result<Payment, Error> {
    for said in seen {
        let Ok(id) = said.reference.parse::<RefundId>() else { continue };
        let Some(refund) = rows::lock_refund(tx, id)? else { continue };
        payment = record_refund(tx, app, payment, &refund, said)?;
    }
    Ok(payment)
}

/// Records what was seen of one refund of a payment that is held already.
pub(crate) fn record_refund(
    tx: &mut Tx<'_>,
    app: &App,
    payment: Payment,
    refund: &Refund,
    said: &SeenRefund,
) -> Result<Payment, Error> {
    if refund.payment_id != payment.id || said.amount != refund.amount {
        raise_alarm(tx, payment.id, Alarm::AmountMismatch)?;
        return Ok(rows::lock_payment(tx, payment.id)?.unwrap_or(payment));
    }
    let Some(to) = judge_refund(refund.state, said.state) else { return Ok(payment) };
    let refund = Refund { provider_ref: Some(said.provider_ref.clone()), ..refund.clone() };
    end_refund(tx, app, &payment, refund, to)
}

/// A refund comes to its end, or is not known to.
pub(crate) fn end_refund(
    tx: &mut Tx<'_>,
    app: &App,
    before: &Payment,
    refund: Refund,
    to: RefundState,
) -> Result<Payment, Error> {
    let (mut payment, posting) = refund_ended(before, &refund, to);
    if payment != *before {
        save(tx, app, before, &mut payment)?;
    }
    if let Some(posting) = posting {
        post(tx, app, &posting)?;
    }
    rows::save_refund(tx, &Refund { state: to, updated_at: tx.now(), ..refund })?;
    Ok(payment)
}

/// Keeps a change: its version and time, and its event when something moved that others can see.
fn save(tx: &mut Tx<'_>, app: &App, before: &Payment, payment: &mut Payment) -> Result<(), Error> {
    stamp(payment, tx.now(), app.first_ask_at(tx.now()));
    if payment.provider == crate::model::payment::ProviderName::Counter {
        payment.ask_at = None;
    }
    rows::save_payment(tx, before, payment)?;
    if let Some(alarm) = payment.alarm.filter(|alarm| before.alarm != Some(*alarm)) {
        log_alarm(payment.id, alarm);
    }
    if (before.state, before.captured, before.refunded) != (payment.state, payment.captured, payment.refunded) {
        tx.publish(&moved(payment))?;
    }
    Ok(())
}

fn post(tx: &mut Tx<'_>, app: &App, posting: &Posting) -> Result<(), Error> {
    let id = LedgerTransactionId::new(tx.now(), app.rng.as_ref());
    Ok(rows::post(tx, id, posting)?)
}

/// Asks for something that only the provider can do.
pub(crate) fn want(tx: &mut Tx<'_>, payment: &Payment, wanted: Wanted) -> Result<(), Error> {
    Ok(tx.publish(&ProviderWanted { payment_id: payment.id, order_id: payment.order_id, wanted })?)
}

/// What others are told of a payment.
pub(crate) fn moved(payment: &Payment) -> PaymentMoved {
    PaymentMoved {
        payment_id: payment.id,
        order_id: payment.order_id,
        attempt: payment.attempt,
        state: payment.state,
        amount: payment.amount,
        captured: payment.captured,
        refunded: payment.refunded,
        provider: payment.provider.as_str().to_owned(),
        at: payment.updated_at,
        version: payment.version,
    }
}
