//! What guests read: products as they stand in a menu, in one language.

use contracts::{CategoryId, ModifierGroupId, ModifierId, ProductId, VariantId};
use kernel::{Language, Money, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::bodies::NutritionFacts;
use crate::model::availability::LEFT_SHOWN_MAX;
use crate::model::menu::{Menu, ShopMenu};
use crate::model::modifiers::ModifierGroup;
use crate::model::product::{Product, Variant};

/// A product of a menu.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MenuItem {
    product_id: ProductId,
    #[schema(example = "latte")]
    sku: String,
    #[schema(example = "Латте")]
    name: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(required)]
    category: Option<ItemCategory>,
    #[schema(required)]
    image_url: Option<String>,
    /// Whether the shop can sell one now.
    available: bool,
    /// The lowest price of its variants.
    #[schema(required)]
    price_from: Option<Money>,
    variants: Vec<ItemVariant>,
    modifier_groups: Vec<ItemGroup>,
    /// What it is made of.
    #[schema(required)]
    composition: Option<String>,
    #[schema(required)]
    nutrition: Option<NutritionFacts>,
}

/// Where a product stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ItemCategory {
    id: CategoryId,
    #[schema(example = "coffee")]
    slug: String,
    #[schema(example = "Кофе")]
    name: String,
}

/// A variant of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ItemVariant {
    id: VariantId,
    #[schema(example = "latte-m")]
    sku: String,
    #[schema(example = "M")]
    name: String,
    price: Money,
    /// Whether the shop can sell one now.
    available: bool,
    /// How many are left, at 5 and below; null: enough, or not counted.
    #[schema(required, example = 3)]
    left: Option<i64>,
}

/// What can be added to a product.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ItemGroup {
    id: ModifierGroupId,
    #[schema(example = "milk")]
    slug: String,
    #[schema(example = "Молоко")]
    name: String,
    /// How many have to be chosen at least, counted by quantity.
    min: i64,
    /// How many may be chosen at most.
    max: i64,
    modifiers: Vec<ItemModifier>,
}

/// One thing that can be added.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ItemModifier {
    id: ModifierId,
    #[schema(example = "oat")]
    slug: String,
    #[schema(example = "Овсяное")]
    name: String,
    price: Money,
    /// Whether the shop can add it now.
    available: bool,
}

/// In whose menu, when, and for whom an item is shown.
#[derive(Clone, Copy)]
pub(super) struct Showing<'m> {
    menu: &'m Menu,
    /// None: in no shop; everything that is sold at all counts as available.
    shop: Option<&'m ShopMenu>,
    now: Timestamp,
    language: Language,
    /// What is left is told from here down.
    left_shown_max: i64,
}

impl<'m> Showing<'m> {
    pub(super) fn in_shop(shop: &'m ShopMenu, now: Timestamp, language: Language) -> Self {
        Self { menu: &shop.menu, shop: Some(shop), now, language, left_shown_max: LEFT_SHOWN_MAX }
    }

    pub(super) fn anywhere(menu: &'m Menu, now: Timestamp, language: Language) -> Self {
        Self { menu, shop: None, now, language, left_shown_max: LEFT_SHOWN_MAX }
    }

    /// The same without numbers of what is left.
    pub(super) fn without_left(self) -> Self {
        Self { left_shown_max: -1, ..self }
    }

    pub(super) fn item(self, product: &Product) -> MenuItem {
        let text = |text: &contracts::Localized| text.get(self.language).to_owned();
        let variants: Vec<_> = product.sold_variants().map(|variant| self.variant(product, variant)).collect();
        let category = self.menu.shelf(product).map(|shelf| ItemCategory {
            id: shelf.category.id,
            slug: shelf.category.slug.clone(),
            name: text(&shelf.category.name),
        });
        MenuItem {
            product_id: product.id,
            sku: product.sku.clone(),
            name: text(&product.name),
            description: product.description.as_ref().map(text),
            category,
            image_url: product.image_url.clone(),
            available: variants.iter().any(|variant| variant.available),
            price_from: product.sold_variants().map(|variant| variant.price).min_by_key(|price| price.amount()),
            variants,
            modifier_groups: self.menu.groups_of(product).map(|group| self.group(group)).collect(),
            composition: product.composition.as_ref().map(text),
            nutrition: product.nutrition.map(Into::into),
        }
    }

    fn variant(self, product: &Product, variant: &Variant) -> ItemVariant {
        let left = self.shop.and_then(|shop| shop.left(product, variant.id));
        ItemVariant {
            id: variant.id,
            sku: variant.sku.clone(),
            name: variant.name.get(self.language).to_owned(),
            price: variant.price,
            available: self.shop.is_none_or(|shop| shop.offers_variant(product, variant, self.now)),
            left: left.filter(|left| *left <= self.left_shown_max),
        }
    }

    fn group(self, group: &ModifierGroup) -> ItemGroup {
        let offered = group.modifiers.iter().filter(|modifier| !modifier.archived);
        ItemGroup {
            id: group.id,
            slug: group.slug.clone(),
            name: group.name.get(self.language).to_owned(),
            min: group.min,
            max: group.max,
            modifiers: offered
                .map(|modifier| ItemModifier {
                    id: modifier.id,
                    slug: modifier.slug.clone(),
                    name: modifier.name.get(self.language).to_owned(),
                    price: modifier.price,
                    available: self.shop.is_none_or(|shop| shop.offers_modifier(modifier, self.now)),
                })
                .collect(),
        }
    }
}
