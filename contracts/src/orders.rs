//! What orders tells and answers: an order's way from the click to the counter.

use kernel::{Call, Event, Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Localized, OrderId, OrderLineId, PaymentId, ProductId, ShopId, UserId, VariantId, words};

words! {
    /// Where an order is on its way.
    OrderState {
        /// Accepted, its stock held, not paid.
        Placed = "placed",
        /// Paid.
        Paid = "paid",
        /// Being made.
        Preparing = "preparing",
        /// Waits for the guest or the courier.
        Ready = "ready",
        /// With the courier.
        Delivering = "delivering",
        /// Handed over.
        Closed = "closed",
        /// Never paid in time.
        Expired = "expired",
        /// Called off.
        Cancelled = "cancelled",
    }
}

words! {
    /// How an order is to be paid.
    PaymentMethod {
        /// On the bank's page.
        Online = "online",
        /// To the barista.
        Counter = "counter",
    }
}

words! {
    /// How an order reaches the guest.
    FulfilmentKind {
        /// Picked up at the counter.
        Pickup = "pickup",
        /// Brought by a courier.
        Delivery = "delivery",
    }
}

words! {
    /// Who moved an order.
    Actor {
        /// The guest whose order it is.
        Guest = "guest",
        /// A member of staff.
        Staff = "staff",
        /// Samovar itself.
        System = "system",
    }
}

/// An order was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: OrderId,
    /// Where.
    pub shop_id: ShopId,
    /// Whose.
    pub guest_id: UserId,
    /// What is called out at the counter (`A-017`).
    pub number: String,
    /// What was ordered.
    pub lines: Vec<PlacedLine>,
    /// What is to be paid.
    pub total: Money,
    /// How it is to be paid.
    pub payment_method: PaymentMethod,
    /// Where the bank's page sends the guest afterwards; null for the counter.
    pub return_url: Option<String>,
    /// How it reaches the guest.
    pub fulfilment_kind: FulfilmentKind,
    /// When it was accepted.
    pub placed_at: Timestamp,
    /// When it is to be ready.
    pub due_at: Timestamp,
    /// When it ends if nobody has paid.
    pub expires_at: Timestamp,
    /// The order's version.
    pub version: i64,
}

/// A line of an accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedLine {
    /// The line.
    pub line_id: OrderLineId,
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// What the product was called then (ADR 20).
    pub name: Localized,
    /// How many.
    pub quantity: i64,
    /// One unit with its modifiers.
    pub unit_price: Money,
    /// All units.
    pub total: Money,
}

impl Event for OrderPlaced {
    const TOPIC: &'static str = "new_orders";
    const TYPE: &'static str = "samovar.orders.placed.v1";
    const SOURCE: &'static str = "/orders";

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

/// An order was paid. Only orders says so (decision 33).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaid {
    /// The order.
    pub order_id: OrderId,
    /// Where.
    pub shop_id: ShopId,
    /// Whose.
    pub guest_id: UserId,
    /// By which payment.
    pub payment_id: PaymentId,
    /// What was paid.
    pub total: Money,
    /// When.
    pub paid_at: Timestamp,
    /// The order's version.
    pub version: i64,
}

impl Event for OrderPaid {
    const TOPIC: &'static str = "payed_orders";
    const TYPE: &'static str = "samovar.orders.paid.v1";
    const SOURCE: &'static str = "/orders";

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

/// An order moved, or has to be refunded although it did not move (`from` = `to`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderUpdated {
    /// The order.
    pub order_id: OrderId,
    /// Where.
    pub shop_id: ShopId,
    /// Whose.
    pub guest_id: UserId,
    /// From this state …
    pub from: OrderState,
    /// … to this one.
    pub to: OrderState,
    /// Why, as a stable word; null when it went its usual way. What people wrote is in the order's history.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The order's version.
    pub version: i64,
    /// Whether payments has to give back all that was captured for this order and not yet refunded.
    pub refund_due: bool,
}

impl Event for OrderUpdated {
    const TOPIC: &'static str = "order_updates";
    const TYPE: &'static str = "samovar.orders.updated.v1";
    const SOURCE: &'static str = "/orders";

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

/// `orders.state`: what has become of these orders. An unknown one is entombed first, so that a slow placement
/// cannot insert it later (decision 32), and answered as ended.
#[derive(Debug)]
pub enum State {}

/// Which orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRequest {
    /// At most 100.
    pub order_ids: Vec<OrderId>,
}

/// What has become of them, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReply {
    /// One for each order asked about.
    pub lives: Vec<OrderLife>,
}

/// Whether an order still needs what is held for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "life", rename_all = "snake_case")]
pub enum OrderLife {
    /// It is not paid yet: keep the hold and ask again later.
    Live {
        /// The order.
        order_id: OrderId,
        /// When to ask again.
        ask_at: Timestamp,
    },
    /// It is paid: the hold is to be committed, not released.
    Paid {
        /// The order.
        order_id: OrderId,
    },
    /// It ended without being paid, or never came to be: release.
    Ended {
        /// The order.
        order_id: OrderId,
    },
}

impl Call for State {
    type Request = StateRequest;
    type Reply = StateReply;
    const NAME: &'static str = "orders.state";
    const TIMEOUT_MS: u32 = 3_000;
    const IDEMPOTENT: bool = true;
}
