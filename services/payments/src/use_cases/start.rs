//! An order wants to be paid: its first attempt, and the ones after.

use contracts::orders::{OrderPlaced, PaymentMethod};
use contracts::payments::{PayableReply, PayableRequest, PaymentState};
use contracts::{OrderId, PaymentId, UserId};
use eventlog::{Delivered, Failure};
use kernel::Money;
use store::Tx;

use super::give_back::never_away;
use super::record::{call_off, moved, want};
use crate::app::{App, method_of, provider_of};
use crate::error::Error;
use crate::events::Wanted;
use crate::model::hear::hear;
use crate::model::judge::OrderMoney;
use crate::model::payment::{Alarm, Payment, ProviderName, is_open};
use crate::model::refund::RefundLine;
use crate::store::{self as rows, NewOrder, OrderCopy};

/// Whether an order can be paid like this: asked by orders before it places one.
pub(crate) fn payable(app: &App, asked: &PayableRequest) -> Result<PayableReply, Error> {
    if !app.offers(asked.method) {
        return Err(Error::OnlineUnavailable);
    }
    let refused = asked.return_url.as_deref().and_then(|url| app.rules.return_hosts.check(url).err());
    Ok(PayableReply { return_url_fault: refused.map(|refused| refused.to_string()) })
}

/// One more attempt.
struct Attempt {
    id: PaymentId,
    number: i64,
    provider: ProviderName,
    return_url: Option<String>,
    order_has_ended: bool,
}

/// Keeps what is needed of new orders and begins the first payment of each. An order that was heard of before is left
/// alone: what it was then is what is paid (security.md P8).
pub(crate) fn start(tx: &mut Tx<'_>, app: &App, events: &[&Delivered]) -> Result<(), Failure> {
    let placed: Vec<OrderPlaced> = events.iter().map(|event| event.decode()).collect::<Result<_, _>>()?;
    let orders: Vec<NewOrder> = placed.iter().map(new_order).collect();
    let ended = rows::insert_orders(tx, &orders)?;
    for (place, NewOrder { order, .. }) in orders.iter().enumerate() {
        let Some(order_has_ended) = ended[place] else { continue };
        let attempt = Attempt {
            id: PaymentId::new(tx.now(), app.rng.as_ref()),
            number: 1,
            provider: provider_of(placed[place].payment_method),
            return_url: order.return_url.clone(),
            order_has_ended,
        };
        tx.in_trace(events[place].traceparent.as_deref());
        begin(tx, app, order, &attempt)?;
    }
    Ok(())
}

fn new_order(placed: &OrderPlaced) -> NewOrder {
    let order = OrderCopy {
        id: placed.order_id,
        guest_id: placed.guest_id,
        shop_id: placed.shop_id,
        total: placed.total,
        return_url: placed.return_url.clone(),
        placed_at: placed.placed_at,
        paid_by: None,
    };
    let sold = placed.lines.iter().map(|line| RefundLine { line_id: line.line_id, quantity: line.quantity });
    NewOrder { order, lines: sold.collect() }
}

/// What a guest asks for who tries again.
#[derive(Clone, Debug)]
pub(crate) struct TryAgain {
    pub(crate) order_id: OrderId,
    pub(crate) guest_id: UserId,
    pub(crate) payment_id: PaymentId,
    pub(crate) method: PaymentMethod,
    pub(crate) return_url: Option<String>,
}

/// A guest tries again; whatever was still open is called off.
pub(crate) fn try_again(tx: &mut Tx<'_>, app: &App, ask: &TryAgain) -> Result<Payment, Error> {
    let order = rows::lock_order(tx, ask.order_id)?.ok_or(Error::UnknownOrder)?;
    if order.guest_id != ask.guest_id {
        return Err(Error::UnknownOrder);
    }
    if rows::is_ended(tx, order.id)? {
        return Err(Error::OrderEnded);
    }
    let attempts = rows::lock_attempts(tx, order.id)?;
    if order.paid_by.is_some() || attempts.iter().any(|attempt| attempt.state == PaymentState::Authorized) {
        return Err(Error::AlreadyPaid);
    }
    if !app.offers(ask.method) {
        return Err(Error::OnlineUnavailable);
    }
    let number = i64::try_from(attempts.len()).unwrap_or(i64::MAX).saturating_add(1);
    if number > app.rules.attempts_max {
        return Err(Error::TooManyAttempts(app.rules.attempts_max));
    }
    for open in attempts.iter().filter(|attempt| is_open(attempt.state) && !attempt.cancel_wanted) {
        call_off(tx, app, open)?;
    }
    let return_url = ask.return_url.clone().or_else(|| order.return_url.clone());
    let attempt =
        Attempt { id: ask.payment_id, number, provider: provider_of(ask.method), return_url, order_has_ended: false };
    begin(tx, app, &order, &attempt)
}

fn begin(tx: &mut Tx<'_>, app: &App, order: &OrderCopy, attempt: &Attempt) -> Result<Payment, Error> {
    let mut payment = new_payment(tx, app, order, attempt);
    let provider = app.provider(payment.provider);
    if attempt.order_has_ended {
        payment.state = PaymentState::Cancelled;
    } else if !app.offers(method_of(payment.provider)) {
        // The bank was there when the order was placed. The guest can still pay at the counter.
        payment.state = PaymentState::Failed;
        payment.alarm = Some(Alarm::OpenRefused);
    } else if provider.answers_at_once() {
        let said = provider.open(&payment).map_err(|error| never_away(&error))?;
        payment = hear(&payment, &said, OrderMoney::Wanted).payment;
    } else {
        payment.ask_at = Some(app.first_ask_at(tx.now()));
        want(tx, &payment, Wanted::Open)?;
    }
    rows::insert_payment(tx, &payment)?;
    tx.publish(&moved(&payment))?;
    Ok(payment)
}

/// Where the bank's page sends guests: where the order says, if they may still be sent there, else back to us.
fn new_payment(tx: &Tx<'_>, app: &App, order: &OrderCopy, attempt: &Attempt) -> Payment {
    let wanted = attempt.return_url.as_deref().and_then(|url| app.rules.return_hosts.check(url).ok());
    let home = || format!("{}/returned?order={}", app.rules.public_url, order.id);
    let zero = Money::zero(order.total.currency());
    let now = tx.now();
    Payment {
        id: attempt.id,
        order_id: order.id,
        shop_id: order.shop_id,
        guest_id: order.guest_id,
        attempt: attempt.number,
        provider: attempt.provider,
        state: PaymentState::Created,
        amount: order.total,
        authorized: zero,
        captured: zero,
        refunded: zero,
        refund_pending: zero,
        alarm: None,
        provider_ref: None,
        page_url: None,
        return_url: (attempt.provider == ProviderName::Sandbox).then(|| wanted.unwrap_or_else(home)),
        received_how: None,
        received_reference: None,
        cancel_wanted: false,
        ask_at: None,
        asks: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
