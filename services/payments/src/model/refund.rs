//! A refund: money on its way back.

use contracts::{OrderLineId, PaymentId, RefundId, UserId};
use kernel::{Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::judge::SeenRefundState;
use super::payment::words;

words! {
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

/// Every move that a refund can make, from → to.
pub const REFUND_TRANSITIONS: &[(RefundState, RefundState)] = &[
    (RefundState::Pending, RefundState::Unknown),
    (RefundState::Pending, RefundState::Succeeded),
    (RefundState::Pending, RefundState::Failed),
    (RefundState::Unknown, RefundState::Succeeded),
    (RefundState::Unknown, RefundState::Failed),
];

/// What of a line is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// Which line of the order.
    pub line_id: OrderLineId,
    /// How many of it.
    #[schema(minimum = 1, maximum = 999)]
    pub quantity: i64,
}

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
    /// What asked for it; unique per payment.
    pub source: String,
    /// Why.
    pub reason: String,
    /// For which lines; none when it is for no line in particular.
    pub lines: Option<Vec<RefundLine>>,
    /// Whether the goods go back on the shelf.
    pub restock: bool,
    /// Who asked; none for the system.
    pub by_user: Option<UserId>,
    /// The provider's own id of it.
    pub provider_ref: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
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
