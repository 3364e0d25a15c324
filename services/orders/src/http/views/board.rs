//! The barista's board.

use contracts::orders::OrderState;
use contracts::{OrderId, OrderLineId};
use kernel::{Language, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Line, Order, PaymentProgress};

/// What has to be done in a shop now, the most urgent first in each column.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = Board)]
pub(in crate::http) struct BoardView {
    /// To be paid at the counter.
    awaiting_payment: Vec<CardView>,
    /// Paid, not begun.
    to_prepare: Vec<CardView>,
    /// Being made.
    preparing: Vec<CardView>,
    /// Waiting for the guest.
    ready: Vec<CardView>,
}

/// One order on the board.
#[derive(Serialize, ToSchema)]
#[schema(as = BoardCard)]
struct CardView {
    order_id: OrderId,
    /// What is called out at the counter.
    #[schema(example = "A-017")]
    number: String,
    lines: Vec<MadeLineView>,
    /// The guest's word to the barista.
    #[schema(required)]
    comment: Option<String>,
    /// Whether its money is here: what was given back in whole is not made any more.
    payment_state: PaymentProgress,
    placed_at: Timestamp,
    /// When it is to be ready.
    due_at: Timestamp,
}

/// What has to be made; prices are no matter here.
#[derive(Serialize, ToSchema)]
#[schema(as = BoardLine)]
struct MadeLineView {
    id: OrderLineId,
    name: String,
    variant_name: String,
    quantity: i64,
    modifiers: Vec<MadeModifierView>,
}

/// With what.
#[derive(Serialize, ToSchema)]
#[schema(as = BoardLineModifier)]
struct MadeModifierView {
    name: String,
    /// Per unit of the line.
    quantity: i64,
}

impl BoardView {
    pub(in crate::http) fn of(orders: &[Order], language: Language) -> Self {
        let mut board = Self::default();
        for order in orders {
            let column = match order.state.word() {
                OrderState::Placed => &mut board.awaiting_payment,
                OrderState::Paid => &mut board.to_prepare,
                OrderState::Preparing => &mut board.preparing,
                OrderState::Ready => &mut board.ready,
                OrderState::Delivering | OrderState::Closed | OrderState::Expired | OrderState::Cancelled => continue,
            };
            column.push(CardView::of(order, language));
        }
        board
    }
}

impl CardView {
    fn of(order: &Order, language: Language) -> Self {
        Self {
            order_id: order.id,
            number: order.number.to_string(),
            lines: order.lines.iter().map(|line| MadeLineView::of(line, language)).collect(),
            comment: order.comment.clone(),
            payment_state: order.tender.progress,
            placed_at: order.placed_at,
            due_at: order.fulfilment.due_at,
        }
    }
}

impl MadeLineView {
    fn of(line: &Line, language: Language) -> Self {
        let modifier = |m: &crate::model::LineModifier| MadeModifierView {
            name: m.name.get(language).to_owned(),
            quantity: m.quantity,
        };
        Self {
            id: line.id,
            name: line.name.get(language).to_owned(),
            variant_name: line.variant_name.get(language).to_owned(),
            quantity: line.quantity,
            modifiers: line.modifiers.iter().map(modifier).collect(),
        }
    }
}
