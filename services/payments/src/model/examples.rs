//! Payments and words of a bank, for the tests of the rules.

use contracts::payments::PaymentState;
use contracts::{OrderId, PaymentId, ShopId, UserId};
use kernel::{Currency, Money, Timestamp};

use super::judge::{Seen, SeenState};
use super::payment::{Payment, ProviderName};

pub(crate) const TOTAL: i64 = 62_000;

pub(crate) fn rub(minor: i64) -> Money {
    Money::new(minor, Currency::RUB).unwrap()
}

/// A payment of the bank in this state, with the money that the state says.
pub(crate) fn a_payment(state: PaymentState) -> Payment {
    let taken = match state {
        PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded => TOTAL,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Authorized
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Cancelled
        | PaymentState::Unknown => 0,
    };
    let given_back = match state {
        PaymentState::PartiallyRefunded => 1_000,
        PaymentState::Refunded => TOTAL,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Authorized
        | PaymentState::Captured
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Cancelled
        | PaymentState::Unknown => 0,
    };
    let now = Timestamp::from_micros(1_795_255_200_000_000);
    Payment {
        id: PaymentId::from_bits(1),
        order_id: OrderId::from_bits(2),
        shop_id: ShopId::from_bits(3),
        guest_id: UserId::from_bits(4),
        attempt: 1,
        provider: ProviderName::Sandbox,
        state,
        amount: rub(TOTAL),
        authorized: rub(taken),
        captured: rub(taken),
        refunded: rub(given_back),
        refund_pending: rub(0),
        alarm: None,
        provider_ref: (state != PaymentState::Created).then(|| "bnk_1".to_owned()),
        page_url: None,
        return_url: None,
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

/// What the bank says of that payment.
pub(crate) fn seen(state: SeenState) -> Seen {
    let captured = if state == SeenState::Captured { TOTAL } else { 0 };
    Seen {
        provider_ref: "bnk_1".to_owned(),
        order_id: OrderId::from_bits(2).to_string(),
        state,
        amount: rub(TOTAL),
        captured: rub(captured),
        page_url: Some("http://bank.example/pay/bnk_1".to_owned()),
        refunds: Vec::new(),
    }
}
