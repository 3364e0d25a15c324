//! What a problem document has beside the standard members.

use contracts::payments::PaymentState;
use kernel::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// There is no way from here to there.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoSuchPaymentStep {
    /// Where the payment is.
    pub(crate) from: PaymentState,
    /// Where it was to go.
    pub(crate) to: PaymentState,
}

/// What is left.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refundable {
    /// So much can still be given back.
    pub(crate) refundable: Money,
}
