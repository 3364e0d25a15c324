//! An order with everything but its time: which slot has a place is only known in its last transaction.

use std::sync::Arc;

use contracts::OrderId;
use contracts::catalog::ShopTerms;
use contracts::orders::{FulfilmentKind, OrderPlaced, PlacedLine};
use jiff::civil::Date;
use kernel::Timestamp;
use service::Answer;
use store::StoreError;
use store::idempotency::Held;

use super::PlaceOrder;
use crate::app::Rules;
use crate::error::Error;
use crate::model::{Channel, Fulfilment, Line, Opening, Order, PickupNumber, State, Tender, Totals, WantedTime};

/// The order to be.
pub(super) struct Draft {
    pub(super) command: Arc<PlaceOrder>,
    pub(super) held: Held,
    pub(super) order_id: OrderId,
    pub(super) rules: Rules,
    pub(super) terms: ShopTerms,
    pub(super) day: Date,
    pub(super) number: PickupNumber,
    pub(super) feed_id: i64,
    pub(super) lines: Vec<Line>,
    pub(super) totals: Totals,
    pub(super) placed_at: Timestamp,
}

/// The order at one time, with everything that is written of it. Made outside of the transaction as far as it can be:
/// the one writer of a SQLite file has better things to do than write JSON.
pub(super) struct Prepared {
    pub(super) order: Order,
    pub(super) expires_at: Timestamp,
    pub(super) lines: String,
    pub(super) event: OrderPlaced,
    pub(super) answer: Answer,
}

impl Draft {
    /// The order, due at this time.
    pub(super) fn prepare(&self, opening: &Opening) -> Result<Prepared, Error> {
        let order = self.order(opening);
        let expires_at = self.rules.expires_at(order.payment_method, self.placed_at, opening.due_at);
        let lines = serde_json::to_string(&order.lines)
            .map_err(|error| StoreError::Fault { at: "orders.lines".to_owned(), reason: error.to_string() })?;
        let answer = (self.command.answer)(&order, self.command.language).map_err(Error::Edge)?;
        Ok(Prepared { event: self.event(&order, expires_at), order, expires_at, lines, answer })
    }

    fn order(&self, opening: &Opening) -> Order {
        let command = &self.command;
        let method = command.payment_method;
        let expires_at = self.rules.expires_at(method, self.placed_at, opening.due_at);
        Order {
            id: self.order_id,
            feed_id: self.feed_id,
            number: self.number,
            shop_id: self.terms.shop_id,
            guest_id: command.guest_id,
            channel: Channel::Api,
            lines: self.lines.clone(),
            totals: self.totals,
            payment_method: method,
            fulfilment: Fulfilment {
                kind: FulfilmentKind::Pickup,
                is_asap: command.basket.wanted == WantedTime::Asap,
                due_at: opening.due_at,
                slot: opening.slot,
                is_slot_held: self.terms.slot_capacity.is_some(),
                time_zone: self.terms.time_zone.clone(),
                day: self.day,
            },
            comment: command.comment.clone(),
            placed_at: self.placed_at,
            version: 1,
            state: State::Placed { expires_at },
            tender: Tender::NONE,
        }
    }

    fn event(&self, order: &Order, expires_at: Timestamp) -> OrderPlaced {
        OrderPlaced {
            order_id: order.id,
            shop_id: order.shop_id,
            guest_id: order.guest_id,
            number: order.number.to_string(),
            lines: order.lines.iter().map(placed_line).collect(),
            total: order.totals.total(),
            payment_method: order.payment_method,
            return_url: self.command.return_url.clone(),
            fulfilment_kind: order.fulfilment.kind,
            placed_at: order.placed_at,
            due_at: order.fulfilment.due_at,
            expires_at,
            version: order.version,
        }
    }
}

fn placed_line(line: &Line) -> PlacedLine {
    PlacedLine {
        line_id: line.id,
        product_id: line.product_id,
        variant_id: line.variant_id,
        name: line.name.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        total: line.total,
    }
}
