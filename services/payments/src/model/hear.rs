//! What becomes of a payment and its refunds when the provider has spoken; pure.

use contracts::payments::PaymentState;
use kernel::{Money, Timestamp};

use super::judge::{OrderMoney, Seen, SeenState, Verdict, judge};
use super::ledger::Posting;
use super::payment::{Alarm, Payment, ProviderName, is_open};
use super::refund::{Refund, RefundState};

/// A payment after the provider's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// As it is now.
    pub payment: Payment,
    /// What goes into the ledger.
    pub posting: Option<Posting>,
    /// Money that has to go back by itself.
    pub give_back: Option<Money>,
}

/// The payment after hearing this.
#[must_use]
pub fn hear(payment: &Payment, seen: &Seen, order: OrderMoney) -> Heard {
    let mut next = payment.clone();
    match judge(payment, seen, order) {
        Verdict::Nothing => Heard { payment: next, posting: None, give_back: None },
        Verdict::Distrust(alarm) => {
            next.alarm = next.alarm.or(Some(alarm));
            Heard { payment: next, posting: None, give_back: None }
        }
        Verdict::Step(to) => {
            learn(&mut next, seen);
            next.state = to;
            if seen.state == SeenState::Authorized {
                next.authorized = next.amount;
            }
            Heard { payment: next, posting: None, give_back: None }
        }
        Verdict::Accept => {
            learn(&mut next, seen);
            next.state = PaymentState::Captured;
            take(&mut next, seen.captured);
            let posting = Posting::taken(&next, seen.captured);
            Heard { payment: next, posting: Some(posting), give_back: None }
        }
        Verdict::TurnAway { taken, alarm } => {
            learn(&mut next, seen);
            next.state = PaymentState::Failed;
            next.alarm = Some(alarm);
            take(&mut next, taken);
            let posting = Posting::taken(&next, taken);
            Heard { payment: next, posting: Some(posting), give_back: Some(taken) }
        }
    }
}

fn learn(payment: &mut Payment, seen: &Seen) {
    payment.provider_ref = Some(seen.provider_ref.clone());
    if seen.page_url.is_some() {
        payment.page_url.clone_from(&seen.page_url);
    }
}

fn take(payment: &mut Payment, money: Money) {
    payment.captured = money;
    if payment.authorized.amount() < money.amount() {
        payment.authorized = money;
    }
}

/// A payment after one of its refunds ended, and what goes into the ledger.
#[must_use]
pub fn refund_ended(payment: &Payment, refund: &Refund, to: RefundState) -> (Payment, Option<Posting>) {
    let mut next = payment.clone();
    match to {
        RefundState::Pending | RefundState::Unknown => (next, None),
        RefundState::Failed => {
            next.refund_pending = less(next.refund_pending, refund.amount);
            // Whatever was to be looked at before, this has to be done now.
            next.alarm = Some(Alarm::RefundFailed);
            (next, None)
        }
        RefundState::Succeeded => {
            let posting = Posting::given_back(payment, refund);
            next.refund_pending = less(next.refund_pending, refund.amount);
            next.refunded = next.refunded.plus(refund.amount).expect("never above what was captured");
            if next.refunded == next.captured {
                next.state = PaymentState::Refunded;
                next.alarm = next.alarm_without_money();
            } else if next.counts() {
                next.state = PaymentState::PartiallyRefunded;
            }
            if payment.provider == ProviderName::Counter && !refund.is_by_staff() {
                next.alarm = next.alarm.or(Some(Alarm::HandOver));
            }
            (next, Some(posting))
        }
    }
}

fn less(from: Money, amount: Money) -> Money {
    from.minus(amount).expect("a refund is counted as pending when it is asked for")
}

/// Marks a change: its version and time, and when the provider is asked next if it says nothing.
pub fn stamp(payment: &mut Payment, now: Timestamp, first_ask_at: Timestamp) {
    payment.version += 1;
    payment.updated_at = now;
    payment.asks = 0;
    let is_quiet = !is_open(payment.state) && payment.refund_pending.is_zero();
    payment.ask_at = if is_quiet { None } else { Some(first_ask_at) };
}

#[cfg(test)]
mod tests;
