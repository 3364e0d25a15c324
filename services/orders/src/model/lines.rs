//! What was ordered, frozen at the prices and names of that moment.

use contracts::catalog::{PricedLine, PricedModifier};
use contracts::{Localized, ModifierId, OrderLineId, ProductId, VariantId};
use kernel::Money;
use serde::{Deserialize, Serialize};

/// One line of an order. Never changes after placement: what is sold, archived or renamed later is no matter here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its id, for refunds by line.
    pub id: OrderLineId,
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// The product's name.
    pub name: Localized,
    /// The variant's name (`M`).
    pub variant_name: Localized,
    /// How many.
    pub quantity: i64,
    /// With what.
    pub modifiers: Vec<LineModifier>,
    /// One unit with its modifiers.
    pub unit_price: Money,
    /// What promotions take off all units; zero until there are promotions.
    pub discount: Money,
    /// All units, before the discount.
    pub total: Money,
}

/// One modifier of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineModifier {
    /// Which.
    pub id: ModifierId,
    /// Its name.
    pub name: Localized,
    /// How many per unit of the line.
    pub quantity: i64,
    /// One of it.
    pub price: Money,
}

impl Line {
    /// The line that catalog priced, as line `id` of an order.
    #[must_use]
    pub fn new(id: OrderLineId, priced: PricedLine) -> Self {
        Self {
            id,
            product_id: priced.product_id,
            variant_id: priced.variant_id,
            name: priced.name,
            variant_name: priced.variant_name,
            quantity: priced.quantity,
            modifiers: priced.modifiers.into_iter().map(LineModifier::from).collect(),
            unit_price: priced.unit_price,
            discount: Money::zero(priced.total.currency()),
            total: priced.total,
        }
    }
}

impl From<PricedModifier> for LineModifier {
    fn from(priced: PricedModifier) -> Self {
        Self { id: priced.id, name: priced.name, quantity: priced.quantity, price: priced.price }
    }
}
