//! What catalog answers and tells: prices, holds on stock, changes of the menu.

use kernel::{Call, Currency, Event, Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Localized, ModifierId, OrderId, ProductId, ShopId, VariantId, words};

/// One line as a guest asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRequest {
    /// What.
    pub variant_id: VariantId,
    /// How many, 1 to 999.
    pub quantity: i64,
    /// With what.
    pub modifiers: Vec<ModifierRequest>,
}

/// One modifier of a line as a guest asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifierRequest {
    /// Which.
    pub id: ModifierId,
    /// How many per unit of the line, 1 to 999.
    pub quantity: i64,
}

/// One line with its price; the server's word, never the client's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The product that the variant belongs to.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// The product's name.
    pub name: Localized,
    /// The variant's name (`M`).
    pub variant_name: Localized,
    /// The slug of the category.
    pub category: String,
    /// How many.
    pub quantity: i64,
    /// With what.
    pub modifiers: Vec<PricedModifier>,
    /// One unit with its modifiers.
    pub unit_price: Money,
    /// All units.
    pub total: Money,
}

/// One modifier with its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedModifier {
    /// Which.
    pub id: ModifierId,
    /// Its name.
    pub name: Localized,
    /// How many per unit of the line.
    pub quantity: i64,
    /// One of it.
    pub price: Money,
}

/// One stretch of opening hours in the shop's own time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    /// 1 is Monday, 7 is Sunday.
    pub day: u8,
    /// `HH:MM`, included.
    pub from: String,
    /// `HH:MM`, excluded; `24:00` is the end of the day. Not after `from`: the stretch ends on the next day.
    pub to: String,
}

/// What an order needs to know of its shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopTerms {
    /// The shop.
    pub shop_id: ShopId,
    /// IANA name (`Europe/Moscow`).
    pub time_zone: String,
    /// What it sells in.
    pub currency: Currency,
    /// Minutes from an order to its being ready at the earliest.
    pub lead_time_min: i64,
    /// When it is open; none: always.
    pub hours: Vec<OpeningHours>,
    /// Days on which it is closed, `YYYY-MM-DD` in the shop's own time.
    pub closed_days: Vec<String>,
    /// The length of a slot.
    pub slot_minutes: i64,
    /// Orders per slot; null: unlimited.
    pub slot_capacity: Option<i64>,
}

/// Lines with their prices, and the terms of the shop that sells them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// The shop's terms.
    pub shop: ShopTerms,
    /// The lines, in the order asked.
    pub lines: Vec<PricedLine>,
    /// The sum of the lines.
    pub items_total: Money,
}

/// `catalog.price`: what these lines cost now, and whether they can be had. Holds nothing.
///
/// Rejections: `catalog.unknown-shop`, `catalog.invalid-lines` (422, `errors` with pointers under `/lines`),
/// `catalog.out-of-stock` (409, `lines: [{pointer, available}]`).
#[derive(Debug)]
pub enum Price {}

/// What is to be priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRequest {
    /// Where.
    pub shop_id: ShopId,
    /// What.
    pub lines: Vec<LineRequest>,
}

impl Call for Price {
    type Request = PriceRequest;
    type Reply = Priced;
    const NAME: &'static str = "catalog.price";
    const TIMEOUT_MS: u32 = 3_000;
    const IDEMPOTENT: bool = true;
}

/// `catalog.reserve`: validates, prices and holds in one transaction. Idempotent per order: asked again for a
/// live hold it answers the same lines and only moves `ask_at`; asked again after a release it takes the stock anew.
///
/// Rejections: those of [`Price`], and `catalog.price-changed` (409) when `expected_items_total` is not the sum.
#[derive(Debug)]
pub enum Reserve {}

/// What is to be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveRequest {
    /// For which order.
    pub order_id: OrderId,
    /// Where.
    pub shop_id: ShopId,
    /// What.
    pub lines: Vec<LineRequest>,
    /// The sum that the caller has told the guest; null: whatever it costs (an order paid after its expiry keeps its prices).
    pub expected_items_total: Option<Money>,
    /// When catalog may ask `orders.state` what has become of the order (decision 32).
    pub ask_at: Timestamp,
}

impl Call for Reserve {
    type Request = ReserveRequest;
    type Reply = Priced;
    const NAME: &'static str = "catalog.reserve";
    const TIMEOUT_MS: u32 = 3_000;
    const IDEMPOTENT: bool = true;
}

/// `catalog.release`: gives an order's hold back. Idempotent; an order without a hold is fine.
#[derive(Debug)]
pub enum Release {}

/// Whose hold is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The order.
    pub order_id: OrderId,
}

/// It is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Whether there was an active hold.
    pub was_held: bool,
}

impl Call for Release {
    type Request = ReleaseRequest;
    type Reply = Released;
    const NAME: &'static str = "catalog.release";
    const TIMEOUT_MS: u32 = 3_000;
    const IDEMPOTENT: bool = true;
}

/// `catalog.shop`: the terms of a shop, for its slots and its board.
///
/// Rejection: `catalog.unknown-shop` (404).
#[derive(Debug)]
pub enum Shop {}

/// Which shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopRequest {
    /// The shop.
    pub shop_id: ShopId,
}

impl Call for Shop {
    type Request = ShopRequest;
    type Reply = ShopTerms;
    const NAME: &'static str = "catalog.shop";
    const TIMEOUT_MS: u32 = 3_000;
    const IDEMPOTENT: bool = true;
}

words! {
    /// What happened to a product.
    ProductChange {
        /// It is new.
        Created = "created",
        /// Its text, price, variants or modifiers changed.
        Changed = "changed",
        /// It is no longer sold.
        Archived = "archived",
        /// It can be had in a shop again.
        Available = "available",
        /// A shop has none left, or stopped it.
        SoldOut = "sold_out",
    }
}

/// A product changed, or whether a shop can sell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChanged {
    /// Which.
    pub product_id: ProductId,
    /// How.
    pub change: ProductChange,
    /// In which shop; null: in all.
    pub shop_id: Option<ShopId>,
    /// When.
    pub at: Timestamp,
    /// The product's version after the change.
    pub version: i64,
}

impl Event for ProductChanged {
    const TOPIC: &'static str = "catalog";
    const TYPE: &'static str = "samovar.catalog.product.v1";
    const SOURCE: &'static str = "/catalog";

    fn key(&self) -> String {
        self.product_id.to_string()
    }
}
