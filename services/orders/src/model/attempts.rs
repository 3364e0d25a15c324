//! What orders knows of the money: every attempt to pay as payments last told it, and what that means for the order.

use contracts::PaymentId;
use contracts::payments::PaymentState;
use kernel::Money;

/// An attempt to pay for an order, as payments last told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub payment_id: PaymentId,
    /// 1 for the first one of the order.
    pub attempt: i64,
    /// The payment's version; an older one is not heard any more.
    pub version: i64,
    /// Where it is.
    pub state: PaymentState,
    /// What was taken.
    pub captured: Money,
    /// What went back.
    pub refunded: Money,
}

impl Attempt {
    /// Whether exactly the order's total was taken and not all of it given back. A second success for one order has
    /// the right sum as well, but payments does not accept it and gives it back: its state says so.
    #[must_use]
    pub fn pays(&self, total: Money) -> bool {
        matches!(self.state, PaymentState::Captured | PaymentState::PartiallyRefunded)
            && self.captured == total
            && self.refunded.amount() < self.captured.amount()
    }

    /// Whether money was taken, but not what the order costs.
    #[must_use]
    pub fn differs_from(&self, total: Money) -> bool {
        self.captured.amount() > 0 && self.captured != total
    }
}

/// The money that came and went for an order, over all attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tender {
    /// Taken, minor units of the order's currency.
    pub captured_minor: i64,
    /// Given back, minor units of the order's currency.
    pub refunded_minor: i64,
    /// What the guest is told.
    pub progress: PaymentProgress,
}

impl Tender {
    /// Nothing came yet.
    pub const NONE: Self = Self { captured_minor: 0, refunded_minor: 0, progress: PaymentProgress::Pending };

    /// What the attempts add up to. `paid_by` is the one that the order was paid by; without one, the money of all
    /// attempts counts.
    #[must_use]
    pub fn of(attempts: &[Attempt], paid_by: Option<PaymentId>, total: Money) -> Self {
        let sum = |amount: fn(&Attempt) -> Money| attempts.iter().map(|a| amount(a).amount()).sum();
        Self {
            captured_minor: sum(|a| a.captured),
            refunded_minor: sum(|a| a.refunded),
            progress: PaymentProgress::of(attempts, paid_by, total),
        }
    }

    /// Whether some of the guest's money is with us.
    #[must_use]
    pub const fn is_money_here(&self) -> bool {
        self.captured_minor > self.refunded_minor
    }
}

/// How paying goes, as the guest is told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentProgress {
    /// Not paid yet.
    Pending,
    /// Paid.
    Paid,
    /// A part went back.
    PartiallyRefunded,
    /// All went back.
    Refunded,
    /// The last attempt failed; the guest may try again.
    Failed,
}

impl PaymentProgress {
    /// Every one of them.
    pub const ALL: &'static [Self] =
        &[Self::Pending, Self::Paid, Self::PartiallyRefunded, Self::Refunded, Self::Failed];

    /// The word for it, in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Failed => "failed",
        }
    }

    /// The attempt that counts is the one that paid the order; without one the latest that took the right sum; else
    /// the latest. A wrong sum never counts as paid.
    fn of(attempts: &[Attempt], paid_by: Option<PaymentId>, total: Money) -> Self {
        let accepted = attempts.iter().find(|a| Some(a.payment_id) == paid_by);
        let full = || attempts.iter().filter(|a| a.captured == total).max_by_key(|a| a.attempt);
        let latest = || attempts.iter().max_by_key(|a| a.attempt);
        accepted.or_else(full).or_else(latest).map_or(Self::Pending, |attempt| Self::of_one(attempt, total))
    }

    fn of_one(attempt: &Attempt, total: Money) -> Self {
        let (captured, refunded) = (attempt.captured.amount(), attempt.refunded.amount());
        if captured > 0 && refunded >= captured {
            return Self::Refunded;
        }
        if captured > 0 && attempt.captured == total {
            return if refunded > 0 { Self::PartiallyRefunded } else { Self::Paid };
        }
        match attempt.state {
            PaymentState::Failed | PaymentState::Expired | PaymentState::Cancelled => Self::Failed,
            PaymentState::Created
            | PaymentState::Pending
            | PaymentState::Authorized
            | PaymentState::Captured
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded
            | PaymentState::Unknown => Self::Pending,
        }
    }
}

impl std::str::FromStr for PaymentProgress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|p| p.as_str() == text).ok_or_else(|| "no known payment state".to_owned())
    }
}
