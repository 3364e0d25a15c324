//! A refund: money on its way back.

use std::collections::BTreeMap;

use contracts::{OrderLineId, PaymentId, RefundId, UserId};
use kernel::{Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::judge::SeenRefundState;

contracts::words! {
    /// Where a refund is.
    RefundState {
        /// Asked for.
        Pending = "pending",
        /// The provider did not say; it will be asked.
        Unknown = "unknown",
        /// The guest has it.
        Succeeded = "succeeded",
        /// The provider refused.
        Failed = "failed",
    }
}

contracts::words! {
    /// How the money of a refund goes back.
    #[derive(Default)]
    RefundHow {
        /// Through whoever took it: the bank gives it back, and at the counter the till that it went into.
        #[default]
        Provider = "provider",
        /// From the till of the shop, by hand, whoever took it. There is nobody to ask: it is done with the decision.
        Cash = "cash",
    }
}

/// Every move that a refund can make, from → to.
pub const REFUND_TRANSITIONS: &[(RefundState, RefundState)] = &[
    (RefundState::Pending, RefundState::Unknown),
    (RefundState::Pending, RefundState::Succeeded),
    (RefundState::Pending, RefundState::Failed),
    (RefundState::Unknown, RefundState::Succeeded),
    (RefundState::Unknown, RefundState::Failed),
];

/// Some units of a line: as many as were sold, or as are given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// Which line of the order.
    pub line_id: OrderLineId,
    /// How many of it.
    #[schema(minimum = 1, maximum = 999)]
    pub quantity: i64,
}

/// What orders says of an order that staff called off.
const CALLED_OFF_BY_STAFF: &str = "cancelled-by-staff";

/// A refund as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id; also the reference and Idempotency-Key that the provider gets.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// Where it is.
    pub state: RefundState,
    /// How the money goes back.
    pub how: RefundHow,
    /// What asked for it; unique per payment.
    pub source: String,
    /// Why.
    pub reason: String,
    /// For which lines; none when it is for no line in particular.
    pub lines: Option<Vec<RefundLine>>,
    /// Who asked; none for the system.
    pub by_user: Option<UserId>,
    /// The provider's own id of it.
    pub provider_ref: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

impl Refund {
    /// Whether whoever decided it stands at the till, where they hand the money over.
    #[must_use]
    pub fn is_by_staff(&self) -> bool {
        self.by_user.is_some() || self.reason == CALLED_OFF_BY_STAFF
    }
}

/// Where a provider's word moves a refund; nowhere when it is known or still on its way.
#[must_use]
pub const fn judge_refund(state: RefundState, seen: SeenRefundState) -> Option<RefundState> {
    match (state, seen) {
        (RefundState::Pending | RefundState::Unknown, SeenRefundState::Succeeded) => Some(RefundState::Succeeded),
        (RefundState::Pending | RefundState::Unknown, SeenRefundState::Failed) => Some(RefundState::Failed),
        (RefundState::Pending | RefundState::Unknown, SeenRefundState::Pending)
        | (RefundState::Succeeded | RefundState::Failed, _) => None,
    }
}

/// Why a line cannot be given back as it was asked for; the place is that in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// The order has no such line.
    Unknown {
        /// Which one.
        place: usize,
    },
    /// Fewer are left to give back.
    TooMany {
        /// Which one.
        place: usize,
        /// How many are left.
        left: i64,
    },
}

/// What is wrong with lines that are to be given back, held against what was sold and what refunds gave back before.
#[must_use]
pub fn line_faults(asked: &[RefundLine], sold: &[RefundLine], earlier: &[Refund]) -> Vec<LineFault> {
    let mut left: BTreeMap<OrderLineId, i64> = sold.iter().map(|line| (line.line_id, line.quantity)).collect();
    let lasting = earlier.iter().filter(|refund| refund.state != RefundState::Failed);
    for line in lasting.filter_map(|refund| refund.lines.as_deref()).flatten() {
        *left.entry(line.line_id).or_insert(0) -= line.quantity;
    }
    let mut faults = Vec::new();
    for (place, line) in asked.iter().enumerate() {
        match left.get_mut(&line.line_id) {
            None => faults.push(LineFault::Unknown { place }),
            Some(left) if *left < line.quantity => faults.push(LineFault::TooMany { place, left: *left }),
            Some(left) => *left -= line.quantity,
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_moves_as_the_table_says_and_never_back() {
        for state in RefundState::ALL {
            for seen in SeenRefundState::ALL {
                if let Some(to) = judge_refund(*state, *seen) {
                    assert!(REFUND_TRANSITIONS.contains(&(*state, to)), "{state:?} → {to:?}");
                }
            }
        }
        assert_eq!(judge_refund(RefundState::Succeeded, SeenRefundState::Failed), None);
        assert_eq!(judge_refund(RefundState::Unknown, SeenRefundState::Succeeded), Some(RefundState::Succeeded));
    }
}
