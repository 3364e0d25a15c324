//! The order: what it is, where it is, and what may happen to it next.
//!
//! Pure: no SQL, no HTTP, no clock, no chance. [`Order::decide`] is the only way from one state to another;
//! [`TRANSITIONS`] says the same as a table, for the test that tries every pair, for the audit of histories and for
//! the picture in the documentation.

mod attempts;
mod decide;
mod fulfilment;
mod lines;
mod number;
mod schedule;
mod totals;
mod transitions;

use contracts::orders::{OrderState, PaymentMethod};
use contracts::{OrderId, PaymentId, ShopId, UserId};
use kernel::Timestamp;

pub use attempts::{Attempt, PaymentProgress, Tender};
pub use decide::{Command, Decision, Event, Holds, Rejection};
pub use fulfilment::{Fulfilment, WantedTime};
pub use lines::{Line, LineModifier};
pub use number::PickupNumber;
pub use schedule::{Opening, Schedule, ScheduleError, Slot, Stretch, days_after};
pub use totals::{Totals, TotalsError};
pub use transitions::{Canceller, Cause, Step, TRANSITIONS, Transition, is_legal};

/// An order as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Its id, made before anything is held for it.
    pub id: OrderId,
    /// Its number in the feed to the warehouse (decision 41).
    pub feed_id: i64,
    /// What is called out at the counter.
    pub number: PickupNumber,
    /// Where it was ordered.
    pub shop_id: ShopId,
    /// Who ordered it.
    pub guest_id: UserId,
    /// Which way it came in.
    pub channel: Channel,
    /// What was ordered, at the prices of that moment.
    pub lines: Vec<Line>,
    /// What it costs.
    pub totals: Totals,
    /// How it is to be paid.
    pub payment_method: PaymentMethod,
    /// How and when it reaches the guest.
    pub fulfilment: Fulfilment,
    /// What the guest wrote to the barista. Personal: never in events, audit rows or logs.
    pub comment: Option<String>,
    /// When it was accepted.
    pub placed_at: Timestamp,
    /// Grows by one with every change.
    pub version: i64,
    /// Where it is.
    pub state: State,
    /// The money that came and went for it.
    pub tender: Tender,
}

/// Where an order is, with what is known only there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Accepted, its stock held; ends at `expires_at` if nobody has paid.
    Placed {
        /// The end of waiting.
        expires_at: Timestamp,
    },
    /// Paid.
    Paid(Receipt),
    /// Being made.
    Preparing(Receipt),
    /// Waits for the guest or the courier.
    Ready(Receipt),
    /// With the courier.
    Delivering(Receipt),
    /// Handed over.
    Closed(Receipt),
    /// Never paid in time. Comes back to life when money arrives and all can be held again.
    Expired,
    /// Called off; for ever.
    Cancelled {
        /// By what it had been paid.
        receipt: Option<Receipt>,
    },
}

/// By what and when an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The payment that paid it.
    pub payment_id: PaymentId,
    /// When orders decided so.
    pub paid_at: Timestamp,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> OrderState {
        match self {
            Self::Placed { .. } => OrderState::Placed,
            Self::Paid(_) => OrderState::Paid,
            Self::Preparing(_) => OrderState::Preparing,
            Self::Ready(_) => OrderState::Ready,
            Self::Delivering(_) => OrderState::Delivering,
            Self::Closed(_) => OrderState::Closed,
            Self::Expired => OrderState::Expired,
            Self::Cancelled { .. } => OrderState::Cancelled,
        }
    }

    /// By what it was paid, if it was.
    #[must_use]
    pub const fn receipt(&self) -> Option<Receipt> {
        match self {
            Self::Placed { .. } | Self::Expired => None,
            Self::Paid(receipt)
            | Self::Preparing(receipt)
            | Self::Ready(receipt)
            | Self::Delivering(receipt)
            | Self::Closed(receipt) => Some(*receipt),
            Self::Cancelled { receipt } => *receipt,
        }
    }

    /// When it ends by itself, if it does.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Placed { expires_at } => Some(*expires_at),
            Self::Paid(_)
            | Self::Preparing(_)
            | Self::Ready(_)
            | Self::Delivering(_)
            | Self::Closed(_)
            | Self::Expired
            | Self::Cancelled { .. } => None,
        }
    }

    /// Whether it ended without being handed over: it holds nothing any more, and money for it goes back.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self, Self::Expired | Self::Cancelled { .. })
    }
}

/// Which way an order came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Through the public API.
    Api,
}

impl Channel {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
        }
    }
}

impl std::str::FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "api" => Ok(Self::Api),
            _ => Err("no known channel".to_owned()),
        }
    }
}

#[cfg(test)]
pub(crate) mod builders;
#[cfg(test)]
mod tests;
