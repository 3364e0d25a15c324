//! What payments tells, and what it means for the order. Orders alone decides "paid" (decision 33).
//!
//! An effect consumer: money that arrives for an expired order has its stock taken again before the transaction, under
//! the same order id. Events may come twice, late and out of order: an attempt's older versions are not heard, and what
//! is decided depends only on what the attempt newly says.

use std::time::Duration;

use contracts::catalog::{LineRequest, ModifierRequest, Release, ReleaseRequest, Reserve, ReserveRequest, ShopTerms};
use contracts::orders::OrderState;
use contracts::payments::{PaymentMoved, PaymentState};
use eventlog::{Delivered, Failure, Record, nothing};
use kernel::Timestamp;
use serde_json::json;
use store::{AuditEntry, StoreError, Tx};

use super::move_order::{Move, Mover, save_moves};
use crate::app::{App, Rules};
use crate::model::{Attempt, Command, Event, Holds, Order, Schedule, State, Tender};
use crate::store::{attempts_of, hear, hold_slots, load, lock, mark_retaking, switch_unpaid, take_counted_slot};

/// A hold that was taken again is committed by `payed_orders` moments later; catalog need not ask before this.
const RETAKEN_ASK_AFTER: Duration = Duration::from_secs(600);

/// The words that others are told.
const AFTER_EXPIRY: &str = "paid-after-expiry";
const AFTER_CANCELLATION: &str = "paid-after-cancellation";
const WRONG_SUM: &str = "payment-mismatch";
const METHOD_CHANGED: &str = "payment-method-changed";

/// What was found about an expired order's stock.
#[derive(Clone, Copy, Debug)]
enum Stock {
    /// Nothing was asked: the order was not expired.
    Kept,
    /// Taken again; the slot is still to be taken, if it is limited, and all of it before catalog asks.
    Retaken { slot_capacity: Option<i64>, until: Timestamp },
    /// Not all of it can be had again.
    Lost,
}

/// Hears a payment.
///
/// # Errors
/// As the contract of consumers says; an order that nobody knows is given up on.
pub(crate) fn record_payment(app: &App, event: &Delivered) -> Result<Record, Failure> {
    let moved: PaymentMoved = event.decode()?;
    if !matters(&moved) {
        return Ok(nothing());
    }
    let id = moved.order_id;
    let read =
        app.db.read_blocking(move |snapshot| Ok::<_, StoreError>((load(snapshot, id)?, attempts_of(snapshot, id)?)));
    let (order, known) = read?;
    let order = order.ok_or_else(|| Failure::GiveUp(format!("{} is for {id}, which is no order", moved.payment_id)))?;
    let attempt = Attempt::from(&moved);
    let before = known.iter().find(|known| known.payment_id == attempt.payment_id);
    if before.is_some_and(|before| before.version >= attempt.version) {
        return Ok(nothing());
    }
    if attempt.differs_from(order.totals.total()) {
        tracing::error!(order.id = %id, payment.id = %moved.payment_id, "a payment took another sum than its order costs");
    }
    let total = order.totals.total();
    let is_news = attempt.pays(total) && !before.is_some_and(|before| before.pays(total));
    let is_late = order.state.word() == OrderState::Expired && is_news;
    let stock = if is_late { retake(app, &order)? } else { Stock::Kept };
    let rules = app.rules;
    Ok(Box::new(move |tx| record(tx, &moved, stock, &rules)))
}

/// The first attempt being opened and waiting changes nothing that orders knows; spare the writer.
pub(crate) fn matters(moved: &PaymentMoved) -> bool {
    !is_waiting(moved.state) || moved.attempt > 1 || !moved.captured.is_zero()
}

/// Whether the guest may still pay with it.
const fn is_waiting(state: PaymentState) -> bool {
    match state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Authorized | PaymentState::Unknown => true,
        PaymentState::Captured
        | PaymentState::PartiallyRefunded
        | PaymentState::Refunded
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Cancelled => false,
    }
}

impl From<&PaymentMoved> for Attempt {
    fn from(moved: &PaymentMoved) -> Self {
        Self {
            payment_id: moved.payment_id,
            attempt: moved.attempt,
            version: moved.version,
            state: moved.state,
            captured: moved.captured,
            refunded: moved.refunded,
        }
    }
}

/// Takes the stock again under the order's id. Asked twice it is taken once. First the order is noted as being
/// revived: catalog may still have to hear that it expired, asks, and must not be told that it has ended.
fn retake(app: &App, order: &Order) -> Result<Stock, Failure> {
    let (id, until) = (order.id, app.clock.now().plus(RETAKEN_ASK_AFTER));
    if !app.db.write_blocking(move |tx| mark_retaking(tx, id, until))? {
        return Err(Failure::Retry(format!("{id} is not expired any more")));
    }
    let request = ReserveRequest {
        order_id: order.id,
        shop_id: order.shop_id,
        lines: order.lines.iter().map(line_request).collect(),
        expected_items_total: None,
        ask_at: until,
    };
    match app.calls.call_blocking::<Reserve>(&request) {
        Ok(priced) if can_still_be_made(app, order, &priced.shop)? => {
            Ok(Stock::Retaken { slot_capacity: priced.shop.slot_capacity, until })
        }
        Ok(_) => {
            app.calls.call_blocking::<Release>(&ReleaseRequest { order_id: order.id })?;
            Ok(Stock::Lost)
        }
        Err(error) if error.is_rejection() => Ok(Stock::Lost),
        Err(error) => Err(error.into()),
    }
}

fn line_request(line: &crate::model::Line) -> LineRequest {
    let modifiers = line.modifiers.iter().map(|m| ModifierRequest { id: m.id, quantity: m.quantity }).collect();
    LineRequest { variant_id: line.variant_id, quantity: line.quantity, modifiers }
}

/// An order can be revived on the day that its number is good for, while the shop is open at its time or, if that is
/// past, now.
fn can_still_be_made(app: &App, order: &Order, terms: &ShopTerms) -> Result<bool, Failure> {
    let schedule = Schedule::of(terms).map_err(|error| Failure::Retry(error.to_string()))?;
    let ready_at = order.fulfilment.due_at.max(app.clock.now());
    Ok(schedule.day_of(ready_at) == order.fulfilment.day && schedule.stretch_at(ready_at).is_some())
}

fn record(tx: &mut Tx<'_>, moved: &PaymentMoved, stock: Stock, rules: &Rules) -> Result<(), Failure> {
    let id = moved.order_id;
    let mut order = lock(tx, id)?.ok_or_else(|| Failure::GiveUp(format!("{id} is no order")))?;
    let before = attempts_of(tx, id)?;
    let attempt = Attempt::from(moved);
    if !hear(tx, id, &attempt)? {
        return Ok(());
    }
    let attempts = attempts_of(tx, id)?;
    let total = order.totals.total();
    let known = before.iter().find(|known| known.payment_id == attempt.payment_id);
    let is_news = |says: fn(&Attempt, kernel::Money) -> bool| {
        says(&attempt, total) && !known.is_some_and(|known| says(known, total))
    };
    let (state, events) = if is_news(Attempt::pays) {
        let holds = take_again(tx, &mut order, stock)?;
        let command = Command::Pay { payment_id: moved.payment_id, holds };
        // An order that expired since it was looked at has to be looked at again.
        order.decide(command, tx.now()).map_err(|rejection| Failure::Retry(rejection.to_string()))?
    } else if is_news(Attempt::differs_from) {
        tx.audit(flag(&order, moved))?;
        order.give_back()
    } else {
        (order.state, Vec::new())
    };
    let tender = Tender::of(&attempts, state.receipt().map(|receipt| receipt.payment_id), total);
    let latest = attempts.iter().map(|attempt| attempt.attempt).max();
    if events.is_empty() && latest == Some(moved.attempt) && switch_method(tx, &mut order, moved, rules)? {
        let state = order.state;
        order.tender = tender;
        save_moves(tx, vec![Move::new(order, (state, events))], Mover::system(Some(METHOD_CHANGED)))?;
        return Ok(());
    }
    if tender == order.tender && events.is_empty() {
        return Ok(());
    }
    let word = reason(&order, &attempt, &events);
    order.tender = tender;
    save_moves(tx, vec![Move::new(order, (state, events))], Mover::system(word))?;
    Ok(())
}

/// The guest tries to pay another way: the order waits as long as it is waited for such money, and counts under that
/// method's cap. `false` when nothing changes; so it is at the cap, where the order keeps the end that it had.
fn switch_method(tx: &mut Tx<'_>, order: &mut Order, moved: &PaymentMoved, rules: &Rules) -> Result<bool, StoreError> {
    let (from, to) = (order.payment_method, moved.method());
    if from == to || order.state.word() != OrderState::Placed || !is_waiting(moved.state) {
        return Ok(false);
    }
    if !switch_unpaid(tx, order.guest_id, (from, to), rules.unpaid_max(to))? {
        tracing::info!(order.id = %order.id, "an order keeps its end: its guest has too many of the other kind");
        return Ok(false);
    }
    order.payment_method = to;
    order.state = State::Placed { expires_at: rules.expires_at(to, tx.now(), order.fulfilment.due_at) };
    Ok(true)
}

/// The slot of an order whose stock was taken again, if it is limited; all or nothing.
fn take_again(tx: &mut Tx<'_>, order: &mut Order, stock: Stock) -> Result<Holds, Failure> {
    if order.state.word() != OrderState::Expired {
        return Ok(Holds::Kept);
    }
    match stock {
        Stock::Kept => Ok(Holds::Kept),
        Stock::Lost => Ok(Holds::Lost),
        Stock::Retaken { until, .. } if tx.now() >= until => {
            Err(Failure::Retry("the stock was taken again too long ago to rely on it".to_owned()))
        }
        Stock::Retaken { slot_capacity: None, .. } => Ok(Holds::Retaken),
        Stock::Retaken { slot_capacity: Some(capacity), .. } => {
            hold_slots(tx, order.shop_id)?;
            let has_place = take_counted_slot(tx, order.shop_id, order.fulfilment.slot, capacity)?;
            order.fulfilment.is_slot_held = has_place;
            Ok(if has_place { Holds::Retaken } else { Holds::Lost })
        }
    }
}

fn flag(order: &Order, moved: &PaymentMoved) -> AuditEntry {
    AuditEntry::new("system", "orders.payment-mismatch", order.id.to_string())
        .shop(order.shop_id.to_string())
        .before(json!({ "total": order.totals.total() }))
        .after(json!({ "payment_id": moved.payment_id, "captured": moved.captured }))
}

/// Why an order moved or did not although money came, as a stable word.
fn reason(order: &Order, attempt: &Attempt, events: &[Event]) -> Option<&'static str> {
    if attempt.differs_from(order.totals.total()) {
        return Some(WRONG_SUM);
    }
    let refund_due = |event: &Event| matches!(event, Event::Updated { refund_due: true, .. });
    match order.state.word() {
        OrderState::Expired if !events.is_empty() => Some(AFTER_EXPIRY),
        OrderState::Cancelled if events.iter().any(refund_due) => Some(AFTER_CANCELLATION),
        OrderState::Placed
        | OrderState::Paid
        | OrderState::Preparing
        | OrderState::Ready
        | OrderState::Delivering
        | OrderState::Closed
        | OrderState::Expired
        | OrderState::Cancelled => None,
    }
}
