//! Giving money back: asked by staff, by an order that ended, or by the rule on money that does not count.

use contracts::{PaymentId, RefundId, UserId};
use kernel::Money;
use service::Shops;
use store::{AuditEntry, StoreError, Tx};

use super::record::{lock, record_refund, want};
use crate::app::App;
use crate::error::Error;
use crate::events::Wanted;
use crate::model::payment::{Alarm, Payment};
use crate::model::refund::{Refund, RefundHow, RefundLine, RefundState, line_faults};
use crate::provider::{Counter, Provider, ProviderError};
use crate::store as rows;

/// What is to be given back, and why.
#[derive(Clone, Debug)]
pub(crate) struct GiveBack {
    pub(crate) amount: Money,
    pub(crate) how: RefundHow,
    /// What asks: the same source is heard once per payment.
    pub(crate) source: String,
    pub(crate) reason: String,
    pub(crate) lines: Option<Vec<RefundLine>>,
    pub(crate) by_user: Option<UserId>,
}

impl GiveBack {
    /// Money that does not count goes back by itself.
    pub(crate) fn by_rule(id: PaymentId, amount: Money, alarm: Option<Alarm>) -> Self {
        let reason = alarm.map_or("stray", Alarm::as_str).to_owned();
        let source = format!("rule:{id}");
        Self { amount, how: RefundHow::Provider, source, reason, lines: None, by_user: None }
    }

    /// An event of the order says that all that is left has to go back.
    pub(crate) fn by_event(event_id: &str, amount: Money, reason: Option<&str>) -> Self {
        Self {
            amount,
            how: RefundHow::Provider,
            source: format!("order:{event_id}"),
            reason: reason.unwrap_or("order_ended").to_owned(),
            lines: None,
            by_user: None,
        }
    }
}

/// What a member of staff asks for.
#[derive(Clone, Debug)]
pub(crate) struct StaffRefund {
    pub(crate) payment_id: PaymentId,
    pub(crate) shops: Shops,
    pub(crate) user_id: UserId,
    pub(crate) id: RefundId,
    pub(crate) amount: Money,
    pub(crate) how: RefundHow,
    pub(crate) reason: String,
    pub(crate) lines: Option<Vec<RefundLine>>,
}

/// A manager gives money back.
pub(crate) fn refund_by_staff(tx: &mut Tx<'_>, app: &App, ask: &StaffRefund) -> Result<Refund, Error> {
    let (_, payment) = lock(tx, ask.payment_id)?;
    if !ask.shops.has(payment.shop_id) {
        return Err(Error::UnknownPayment);
    }
    if ask.amount.currency() != payment.amount.currency() {
        return Err(Error::WrongCurrency(payment.amount.currency()));
    }
    if let Some(lines) = &ask.lines {
        check_lines(tx, &payment, lines)?;
    }
    let why = GiveBack {
        amount: ask.amount,
        how: ask.how,
        source: format!("staff:{}", ask.id),
        reason: ask.reason.clone(),
        lines: ask.lines.clone(),
        by_user: Some(ask.user_id),
    };
    let refund = give_back_as(tx, app, &payment, why, ask.id)?.1;
    tx.audit(
        AuditEntry::new(ask.user_id.to_string(), "payments.refund", payment.id.to_string())
            .shop(payment.shop_id.to_string())
            .after(serde_json::json!({"refund_id": refund.id, "amount": refund.amount, "how": refund.how})),
    )?;
    Ok(refund)
}

/// No more of a line is given back than was sold of it.
fn check_lines(tx: &mut Tx<'_>, payment: &Payment, lines: &[RefundLine]) -> Result<(), Error> {
    let sold = rows::sold_lines(tx, payment.order_id)?;
    let earlier = rows::refunds_of(tx, payment.id)?;
    let faults = line_faults(lines, &sold, &earlier);
    if faults.is_empty() { Ok(()) } else { Err(Error::InvalidLines(faults)) }
}

/// Gives money of a payment back that is held already; what its source has asked for before is not done again.
pub(crate) fn give_back(
    tx: &mut Tx<'_>,
    app: &App,
    payment: &Payment,
    why: GiveBack,
) -> Result<(Payment, Refund), Error> {
    let id = RefundId::new(tx.now(), app.rng.as_ref());
    give_back_as(tx, app, payment, why, id)
}

fn give_back_as(
    tx: &mut Tx<'_>,
    app: &App,
    payment: &Payment,
    why: GiveBack,
    id: RefundId,
) -> Result<(Payment, Refund), Error> {
    if let Some(known) = rows::refunds_of(tx, payment.id)?.into_iter().find(|known| known.source == why.source) {
        return Ok((payment.clone(), known));
    }
    let now = tx.now();
    let giver: &dyn Provider = match why.how {
        RefundHow::Provider => app.provider(payment.provider),
        RefundHow::Cash => &Counter,
    };
    let ask_at = (!giver.answers_at_once()).then(|| app.first_ask_at(now));
    if !rows::reserve_refund(tx, payment.id, why.amount, ask_at)? {
        return Err(Error::RefundExceedsCaptured(left(payment)));
    }
    let refund = Refund {
        id,
        payment_id: payment.id,
        amount: why.amount,
        state: RefundState::Pending,
        how: why.how,
        source: why.source,
        reason: why.reason,
        lines: why.lines,
        by_user: why.by_user,
        provider_ref: None,
        created_at: now,
        updated_at: now,
    };
    insert(tx, &refund)?;
    let payment = rows::lock_payment(tx, payment.id)?.ok_or(Error::UnknownPayment)?;
    if giver.answers_at_once() {
        let said = giver.refund(&payment, &refund).map_err(|error| never_away(&error))?;
        let payment = record_refund(tx, app, payment, &refund, &said)?;
        let refund = rows::lock_refund(tx, id)?.unwrap_or(refund);
        return Ok((payment, refund));
    }
    want(tx, &payment, Wanted::Refund(id))?;
    Ok((payment, refund))
}

fn insert(tx: &mut Tx<'_>, refund: &Refund) -> Result<(), Error> {
    if rows::insert_refund(tx, refund)? {
        return Ok(());
    }
    let reason = format!("{} was refunded by {} while it was locked", refund.payment_id, refund.source);
    Err(StoreError::Fault { at: "insert_refund".to_owned(), reason }.into())
}

fn left(payment: &Payment) -> Money {
    Money::new(payment.refundable_minor(), payment.amount.currency()).unwrap_or(Money::zero(payment.amount.currency()))
}

/// A provider that answers at once answers.
pub(crate) fn never_away(error: &ProviderError) -> Error {
    Error::Store(StoreError::Fault { at: "counter".to_owned(), reason: error.to_string() })
}
