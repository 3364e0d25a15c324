//! Whether a shop can sell something at a moment.

use contracts::VariantId;
use kernel::Timestamp;

use super::item::ItemId;
use super::menu::ShopMenu;
use super::modifiers::{Modifier, ModifierGroup};
use super::product::{Product, Variant};

/// What is left is told from here down (decision 21).
pub(crate) const LEFT_SHOWN_MAX: i64 = 5;

impl ShopMenu {
    /// Whether the item is on the stop-list.
    #[must_use]
    pub(crate) fn is_stopped(&self, item: ItemId, now: Timestamp) -> bool {
        self.stops.get(&item).is_some_and(|until| until.is_none_or(|end| end > now))
    }

    /// Whether the modifier can be added now.
    #[must_use]
    pub(crate) fn offers_modifier(&self, modifier: &Modifier, now: Timestamp) -> bool {
        !modifier.archived && !self.is_stopped(ItemId::Modifier(modifier.id), now)
    }

    /// Whether enough can be chosen from the group: a latte without any milk cannot be made.
    fn can_satisfy(&self, group: &ModifierGroup, now: Timestamp) -> bool {
        group.min == 0 || group.modifiers.iter().any(|modifier| self.offers_modifier(modifier, now))
    }

    /// Whether the product is sold here at all, stock aside.
    #[must_use]
    pub(crate) fn offers_product(&self, product: &Product, now: Timestamp) -> bool {
        !product.archived
            && !self.is_stopped(ItemId::Product(product.id), now)
            && self.menu.groups_of(product).all(|group| self.can_satisfy(group, now))
    }

    /// How many of the variant can be had; none: as many as one likes.
    #[must_use]
    pub(crate) fn left(&self, product: &Product, variant: VariantId) -> Option<i64> {
        product.tracked.then(|| self.stock.get(&variant).copied().unwrap_or(0))
    }

    /// Whether one of the variant can be had now.
    #[must_use]
    pub(crate) fn offers_variant(&self, product: &Product, variant: &Variant, now: Timestamp) -> bool {
        !variant.archived
            && self.offers_product(product, now)
            && !self.is_stopped(ItemId::Variant(variant.id), now)
            && self.left(product, variant.id).is_none_or(|left| left > 0)
    }

    /// Whether any variant of the product can be had now.
    #[must_use]
    pub(crate) fn has_product(&self, product: &Product, now: Timestamp) -> bool {
        product.variants.iter().any(|variant| self.offers_variant(product, variant, now))
    }
}
