//! What a problem document has beside the standard members.

use serde::Serialize;
use utoipa::ToSchema;

/// What belongs to something else.
#[derive(Serialize, ToSchema)]
pub(crate) struct TakenField {
    /// `sku` or `slug`.
    #[schema(example = "sku")]
    pub(crate) taken: &'static str,
}

/// What is left.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeftInStock {
    /// How many are not held for orders.
    pub(crate) available: i64,
}
