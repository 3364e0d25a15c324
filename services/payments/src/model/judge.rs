//! What is made of a provider's word: the one place that decides whether money counts.
//!
//! A payment was opened for one order, one amount, one currency. The provider's word is held against that frozen
//! picture before anything moves (security.md P5, P8):
//!
//! - money of the order's exact amount counts, unless the order is paid already;
//! - another amount, or a second success, does not count: the payment is `failed` with an alarm, the money is
//!   recorded as taken, and all of it is given back by itself;
//! - another currency or another order is not ours to touch: an alarm for a person, and nothing moves.

use contracts::payments::PaymentState;
use kernel::Money;

use super::payment::{Alarm, Payment, may_move, rank};

contracts::words! {
    /// Where the provider says that a payment is.
    SeenState {
        /// Its page is open.
        Pending = "pending",
        /// The money is blocked.
        Authorized = "authorized",
        /// The money was taken.
        Captured = "captured",
        /// The card was refused.
        Declined = "declined",
        /// We called it off.
        Cancelled = "cancelled",
        /// Nobody paid in time.
        Expired = "expired",
    }
}

/// What a provider says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its own id of it.
    pub provider_ref: String,
    /// Our order, as we named it when we opened the payment.
    pub order_id: String,
    /// Where it is.
    pub state: SeenState,
    /// What was asked.
    pub amount: Money,
    /// What was taken.
    pub captured: Money,
    /// Where the guest pays.
    pub page_url: Option<String>,
    /// What went back.
    pub refunds: Vec<SeenRefund>,
}

contracts::words! {
    /// Where the provider says that a refund is.
    SeenRefundState {
        /// On its way.
        Pending = "pending",
        /// The guest has it.
        Succeeded = "succeeded",
        /// It did not work.
        Failed = "failed",
    }
}

/// What a provider says of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRefund {
    /// Its own id of it.
    pub provider_ref: String,
    /// Our refund id.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// Where it is.
    pub state: SeenRefundState,
}

/// What is to be done about a provider's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is known, or older than what is known.
    Nothing,
    /// A move without money.
    Step(PaymentState),
    /// The money counts for the order.
    Accept,
    /// Money was taken that does not count: record it, and give it back.
    TurnAway {
        /// How much.
        taken: Money,
        /// Why.
        alarm: Alarm,
    },
    /// It speaks of something else: a person must look, nothing moves.
    Distrust(Alarm),
}

/// Whether another payment of the order was accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderMoney {
    /// Nothing counts for the order yet.
    Wanted,
    /// Another payment counted already.
    Had,
}

/// Holds a provider's word against the payment as it was opened.
#[must_use]
pub fn judge(payment: &Payment, seen: &Seen, order: OrderMoney) -> Verdict {
    let is_another = payment.provider_ref.as_ref().is_some_and(|known| *known != seen.provider_ref);
    if is_another || seen.order_id != payment.order_id.text().as_str() {
        return Verdict::Distrust(Alarm::OrderMismatch);
    }
    if seen.amount.currency() != payment.amount.currency() || seen.captured.currency() != payment.amount.currency() {
        return Verdict::Distrust(Alarm::CurrencyMismatch);
    }
    if !payment.captured.is_zero() || rank(payment.state) >= rank(PaymentState::Captured) {
        return Verdict::Nothing;
    }
    match seen.state {
        SeenState::Captured => judge_money(payment, seen, order),
        // A page that asks for another amount is not shown to anybody.
        SeenState::Pending | SeenState::Authorized if seen.amount != payment.amount => {
            Verdict::Distrust(Alarm::AmountMismatch)
        }
        SeenState::Pending => step(payment, PaymentState::Pending),
        SeenState::Authorized => step(payment, PaymentState::Authorized),
        SeenState::Declined => step(payment, PaymentState::Failed),
        SeenState::Cancelled => step(payment, PaymentState::Cancelled),
        SeenState::Expired => step(payment, PaymentState::Expired),
    }
}

fn judge_money(payment: &Payment, seen: &Seen, order: OrderMoney) -> Verdict {
    if seen.captured.amount() <= 0 {
        // "Captured" without money is no statement about money.
        return Verdict::Distrust(Alarm::AmountMismatch);
    }
    if seen.captured != payment.amount || seen.amount != payment.amount {
        return Verdict::TurnAway { taken: seen.captured, alarm: Alarm::AmountMismatch };
    }
    match order {
        OrderMoney::Wanted => Verdict::Accept,
        OrderMoney::Had => Verdict::TurnAway { taken: seen.captured, alarm: Alarm::SecondSuccess },
    }
}

/// An end without money is kept: only money moves it on.
fn step(payment: &Payment, to: PaymentState) -> Verdict {
    let is_ended = matches!(payment.state, PaymentState::Failed | PaymentState::Cancelled | PaymentState::Expired);
    if !is_ended && may_move(payment.state, to) { Verdict::Step(to) } else { Verdict::Nothing }
}

#[cfg(test)]
mod tests;
