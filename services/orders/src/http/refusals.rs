//! What a refused request is told besides its code: the members of the problem documents, and which operation is
//! refused with which.

use contracts::orders::OrderState;
use kernel::Timestamp;
use serde::Serialize;
use service::codes::REQUEST_IN_PROGRESS;
use service::refusals;
use utoipa::ToSchema;

use super::views::QuoteView;
use crate::error::codes;

refusals! {
    /// Why a basket is not priced.
    pub(super) QuoteRefused { codes::OUT_OF_STOCK => OutOfStock }

    /// Why an order is not placed.
    pub(super) PlacementRefused {
        codes::PRICE_CHANGED => PriceChanged,
        codes::OUT_OF_STOCK => OutOfStock,
        codes::SHOP_CLOSED => ShopClosed,
        codes::SLOT_FULL => EarliestTime,
        codes::TOO_SOON => EarliestTime,
        codes::TOO_MANY_UNPAID => TooManyUnpaid,
        codes::ONLINE_UNAVAILABLE,
        REQUEST_IN_PROGRESS,
    }

    /// Why an order is not cancelled.
    pub(super) CancellationRefused { codes::CANNOT_CANCEL => StateNow }

    /// Why an order is not taken a step on.
    pub(super) StepRefused { codes::ILLEGAL_TRANSITION => NoSuchStep, codes::GIVEN_BACK => StateNow }
}

/// The price has changed.
#[derive(Serialize, ToSchema)]
pub(super) struct PriceChanged {
    /// What it costs now.
    pub(super) quote: QuoteView,
}

/// Not enough is left.
#[derive(Serialize, ToSchema)]
pub(super) struct OutOfStock {
    /// The places of the request that ask for more than there is.
    #[schema(value_type = Vec<ShortLine>)]
    pub(super) lines: serde_json::Value,
}

/// A place that asks for more than there is, as catalog tells it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documented: catalog's own words are passed on")]
struct ShortLine {
    /// The line, or a modifier of it.
    #[schema(example = "/lines/0")]
    pointer: String,
    /// How many can be had.
    #[schema(minimum = 0, example = 1)]
    available: i64,
}

/// The shop is closed then.
#[derive(Serialize, ToSchema)]
pub(super) struct ShopClosed {
    /// When it opens next; null when that is not known.
    #[schema(required)]
    pub(super) opens_at: Option<Timestamp>,
}

/// Not at that time.
#[derive(Serialize, ToSchema)]
pub(super) struct EarliestTime {
    /// The first time at which it could be had; null when no place is left on any day that orders are taken for.
    #[schema(required)]
    pub(super) earliest_at: Option<Timestamp>,
}

/// Too many orders are open and unpaid.
#[derive(Serialize, ToSchema)]
pub(super) struct TooManyUnpaid {
    /// How many one may have.
    pub(super) unpaid_max: i64,
}

/// There is no way from here to there.
#[derive(Serialize, ToSchema)]
pub(super) struct NoSuchStep {
    /// Where the order is.
    pub(super) from: OrderState,
    /// Where it was to go.
    pub(super) to: OrderState,
}

/// Where the order is.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderStateNow)]
pub(super) struct StateNow {
    /// Its state.
    pub(super) state: OrderState,
}
