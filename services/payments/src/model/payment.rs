//! A payment: one attempt to pay for one order, and the states that it goes through.
//!
//! States only go forward. Each has a rank; what is heard of a provider moves a payment to a higher rank or not at
//! all, so that news in any order and number lead to the same state (MON-9).

use contracts::payments::PaymentState;
use contracts::{OrderId, PaymentId, ShopId, UserId};
use kernel::{Money, Timestamp};

contracts::words! {
    /// Who takes the money.
    ProviderName {
        /// The bank's page.
        Sandbox = "sandbox",
        /// The barista.
        Counter = "counter",
    }
}

contracts::words! {
    /// How money was received at the counter.
    ReceivedHow {
        /// Notes and coins.
        Cash = "cash",
        /// A card on the shop's own terminal, which Samovar knows nothing of but its receipt number.
        Terminal = "terminal",
    }
}

contracts::words! {
    /// Why a person should look at a payment. The money is safe either way.
    Alarm {
        /// The provider took another amount than the order's. It is given back by itself.
        AmountMismatch = "amount_mismatch",
        /// The provider speaks of another currency. Nothing was moved.
        CurrencyMismatch = "currency_mismatch",
        /// The provider speaks of another order. Nothing was moved.
        OrderMismatch = "order_mismatch",
        /// The order was paid already. It is given back by itself.
        SecondSuccess = "second_success",
        /// The provider refused to open the payment.
        OpenRefused = "open_refused",
        /// The provider does not know the payment any more.
        Forgotten = "forgotten",
        /// A refund failed: the guest has to get the money another way, such as by hand (`RefundHow::Cash`).
        RefundFailed = "refund_failed",
        /// Money that was received at the counter goes back, and nobody was there who asked for it: staff have to hand
        /// it to the guest.
        HandOver = "hand_over",
    }
}

/// A payment as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id; also the Idempotency-Key that it is opened with.
    pub id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// In which shop.
    pub shop_id: ShopId,
    /// By whom.
    pub guest_id: UserId,
    /// 1 for the first of its order.
    pub attempt: i64,
    /// Who takes the money.
    pub provider: ProviderName,
    /// Where it is.
    pub state: PaymentState,
    /// What it is for: the order's total, frozen.
    pub amount: Money,
    /// What was blocked or taken.
    pub authorized: Money,
    /// What was taken.
    pub captured: Money,
    /// What went back.
    pub refunded: Money,
    /// What is on its way back.
    pub refund_pending: Money,
    /// Why a person should look.
    pub alarm: Option<Alarm>,
    /// The provider's own id of it.
    pub provider_ref: Option<String>,
    /// Where the guest pays.
    pub page_url: Option<String>,
    /// Where that page sends the guest afterwards.
    pub return_url: Option<String>,
    /// How it was received at the counter.
    pub received_how: Option<ReceivedHow>,
    /// The terminal's receipt number.
    pub received_reference: Option<String>,
    /// Whether it is to be called off at the provider: its order ended, or another attempt took its place.
    pub cancel_wanted: bool,
    /// When to ask the provider if it says nothing.
    pub ask_at: Option<Timestamp>,
    /// How often it was asked since it last moved.
    pub asks: i64,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Every move that a payment can make, from → to. The same table draws the diagram.
pub const TRANSITIONS: &[(PaymentState, PaymentState)] = {
    use PaymentState::{
        Authorized, Cancelled, Captured, Created, Expired, Failed, PartiallyRefunded, Pending, Refunded, Unknown,
    };
    &[
        (Created, Unknown),
        (Created, Pending),
        (Created, Authorized),
        (Created, Cancelled),
        (Created, Expired),
        (Created, Failed),
        (Created, Captured),
        (Unknown, Pending),
        (Unknown, Authorized),
        (Unknown, Cancelled),
        (Unknown, Expired),
        (Unknown, Failed),
        (Unknown, Captured),
        (Pending, Authorized),
        (Pending, Cancelled),
        (Pending, Expired),
        (Pending, Failed),
        (Pending, Captured),
        (Authorized, Cancelled),
        (Authorized, Expired),
        (Authorized, Failed),
        (Authorized, Captured),
        // The provider took the money after all: the truth about money is stronger than our word.
        (Cancelled, Captured),
        (Expired, Captured),
        (Failed, Captured),
        // … or took money that does not count (`judge::TurnAway`), which then goes back.
        (Cancelled, Failed),
        (Expired, Failed),
        (Failed, Refunded),
        (Captured, PartiallyRefunded),
        (Captured, Refunded),
        (PartiallyRefunded, Refunded),
    ]
};

/// Whether a payment may move so.
#[must_use]
pub fn may_move(from: PaymentState, to: PaymentState) -> bool {
    TRANSITIONS.contains(&(from, to))
}

/// Whether the guest may still finish it.
#[must_use]
pub const fn is_open(state: PaymentState) -> bool {
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

/// Grows along every transition.
#[must_use]
pub const fn rank(state: PaymentState) -> u8 {
    match state {
        PaymentState::Created => 0,
        PaymentState::Unknown => 1,
        PaymentState::Pending => 2,
        PaymentState::Authorized => 3,
        PaymentState::Cancelled => 4,
        PaymentState::Expired => 5,
        PaymentState::Failed => 6,
        PaymentState::Captured => 7,
        PaymentState::PartiallyRefunded => 8,
        PaymentState::Refunded => 9,
    }
}

impl Alarm {
    /// Whether there is nothing to look at any more once all the money went back.
    const fn ends_with_the_money(self) -> bool {
        match self {
            Self::AmountMismatch | Self::SecondSuccess | Self::RefundFailed => true,
            Self::CurrencyMismatch | Self::OrderMismatch | Self::OpenRefused | Self::Forgotten | Self::HandOver => {
                false
            }
        }
    }
}

impl Payment {
    /// Why a person should look at it still, now that all the money went back.
    #[must_use]
    pub fn alarm_without_money(&self) -> Option<Alarm> {
        self.alarm.filter(|alarm| !alarm.ends_with_the_money())
    }

    /// Whether its money counts for the order. Money that was taken and does not is on its way back.
    #[must_use]
    pub const fn counts(&self) -> bool {
        matches!(self.state, PaymentState::Captured | PaymentState::PartiallyRefunded)
    }

    /// What can still be given back.
    #[must_use]
    pub const fn refundable_minor(&self) -> i64 {
        self.captured.amount() - self.refunded.amount() - self.refund_pending.amount()
    }

    /// Where the guest pays, while that is possible.
    #[must_use]
    pub fn open_page(&self) -> Option<&str> {
        self.page_url.as_deref().filter(|_| self.state == PaymentState::Pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition_goes_forward() {
        for (from, to) in TRANSITIONS {
            assert!(rank(*from) < rank(*to), "{from} → {to}");
        }
    }

    #[test]
    fn every_state_is_reached_and_only_refunded_has_no_way_on() {
        for state in PaymentState::ALL {
            let is_reached = TRANSITIONS.iter().any(|(_, to)| to == state);
            let goes_on = TRANSITIONS.iter().any(|(from, _)| from == state);

            assert_eq!(is_reached, *state != PaymentState::Created, "{state}");
            assert_eq!(goes_on, *state != PaymentState::Refunded, "{state}");
        }
    }
}
