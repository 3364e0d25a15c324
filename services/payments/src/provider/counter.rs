//! Paid to the barista. There is nobody to ask: what staff record is what happened, so every answer is given at
//! once, without I/O, inside the transaction that asks.

use kernel::Money;

use super::{Provider, ProviderError};
use crate::model::judge::{Seen, SeenRefund, SeenRefundState, SeenState};
use crate::model::payment::Payment;
use crate::model::refund::Refund;

/// The shop's counter.
#[derive(Clone, Copy, Debug)]
pub struct Counter;

impl Provider for Counter {
    fn answers_at_once(&self) -> bool {
        true
    }

    /// A barista will take the money.
    fn open(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        Ok(said(payment, SeenState::Pending))
    }

    /// A barista has taken the money.
    fn capture(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        Ok(Seen { captured: payment.amount, ..said(payment, SeenState::Captured) })
    }

    /// Nobody will take the money.
    fn cancel(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        Ok(said(payment, SeenState::Cancelled))
    }

    /// Staff hand the money over with the decision: the till pays on the spot. A decision that nobody at the counter
    /// made raises an alarm (`model::hear`).
    fn refund(&self, _: &Payment, refund: &Refund) -> Result<SeenRefund, ProviderError> {
        Ok(SeenRefund {
            provider_ref: refund.id.to_string(),
            reference: refund.id.to_string(),
            amount: refund.amount,
            state: SeenRefundState::Succeeded,
        })
    }

    /// Nothing is known here but what is recorded.
    fn fetch(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        if payment.captured.is_zero() { self.open(payment) } else { self.capture(payment) }
    }
}

fn said(payment: &Payment, state: SeenState) -> Seen {
    Seen {
        provider_ref: payment.id.to_string(),
        order_id: payment.order_id.to_string(),
        state,
        amount: payment.amount,
        captured: Money::zero(payment.amount.currency()),
        page_url: None,
        refunds: Vec::new(),
    }
}
