//! What staff write: products, modifier groups, categories, shops. The same types are read back for editing.

use contracts::catalog::OpeningHours;
use contracts::{Localized, ModifierId, VariantId};
use kernel::{Currency, Money};
use serde::{Deserialize, Serialize};
use service::{Fault, Validate};
use utoipa::ToSchema;

use crate::model::category::{Category, CategoryDraft};
use crate::model::modifiers::{GroupDraft, Modifier, ModifierDraft, ModifierGroup};
use crate::model::product::{Nutrition, ProductDraft, Variant, VariantDraft};
use crate::model::shop::ShopDraft;
use crate::use_cases::edit_product::ProductPage;

/// What a portion gives.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NutritionFacts {
    /// Energy, kilocalories.
    #[schema(minimum = 0, maximum = 100_000, example = 180.0)]
    kcal: f64,
    /// Protein, grams.
    #[schema(minimum = 0, maximum = 100_000, example = 7.1)]
    protein_g: f64,
    /// Fat, grams.
    #[schema(minimum = 0, maximum = 100_000, example = 6.0)]
    fat_g: f64,
    /// Carbohydrates, grams.
    #[schema(minimum = 0, maximum = 100_000, example = 21.0)]
    carbohydrate_g: f64,
}

/// A product with all its variants.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductBody {
    /// The article number; unique.
    #[schema(min_length = 1, max_length = 64, example = "latte")]
    sku: String,
    /// The slug of the category; an unknown one is created.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "coffee")]
    category: String,
    name: Localized,
    #[serde(default)]
    description: Option<Localized>,
    /// What it is made of.
    #[serde(default)]
    composition: Option<Localized>,
    #[serde(default)]
    nutrition: Option<NutritionFacts>,
    /// An http or https address.
    #[serde(default)]
    #[schema(max_length = 2000, example = "https://samovar.example/latte.webp")]
    image_url: Option<String>,
    /// Whether stock is counted; otherwise it is made to order.
    #[serde(default)]
    tracked: bool,
    /// The place in the category; at its end if not given.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, example = 1)]
    position: Option<i64>,
    /// No longer sold anywhere.
    #[serde(default)]
    #[schema(example = false)]
    archived: bool,
    /// Slugs of the groups that can be added, in order.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["milk"]))]
    modifier_groups: Vec<String>,
    /// All of them: in a change, those that are missing are archived. Matched by `id`, else by `sku`.
    #[schema(min_items = 1, max_items = 100)]
    variants: Vec<VariantBody>,
}

/// A variant of a product.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantBody {
    /// In a change: which of the product's variants it is.
    #[serde(default)]
    id: Option<VariantId>,
    /// The article number; unique among all variants.
    #[schema(min_length = 1, max_length = 64, example = "latte-m")]
    sku: String,
    name: Localized,
    price: Money,
    /// No longer sold anywhere.
    #[serde(default)]
    #[schema(example = false)]
    archived: bool,
}

/// A group of modifiers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupBody {
    /// What products call it; unique.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "milk")]
    slug: String,
    name: Localized,
    /// How many have to be chosen at least, counted by quantity.
    #[schema(minimum = 0, maximum = 999, example = 0)]
    min: i64,
    /// How many may be chosen at most.
    #[schema(minimum = 1, maximum = 999, example = 1)]
    max: i64,
    /// All of them: in a change, those that are missing are archived. Matched by `id`, else by `slug`.
    #[serde(default)]
    #[schema(max_items = 100)]
    modifiers: Vec<ModifierBody>,
}

/// A modifier of a group.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModifierBody {
    /// In a change: which of the group's modifiers it is.
    #[serde(default)]
    id: Option<ModifierId>,
    /// Unique in the group.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "oat")]
    slug: String,
    name: Localized,
    price: Money,
    /// No longer offered.
    #[serde(default)]
    #[schema(example = false)]
    archived: bool,
}

/// A category: its names and its place in the menu.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryBody {
    name: Localized,
    /// Smaller is earlier.
    #[schema(minimum = 0, maximum = 1_000_000, example = 1)]
    position: i64,
}

/// A shop.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShopBody {
    #[schema(min_length = 1, max_length = 200, example = "Самовар на Тверской")]
    name: String,
    #[schema(min_length = 1, max_length = 500, example = "Москва, Тверская, 7")]
    address: String,
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90, example = 55.7579)]
    lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180, example = 37.6112)]
    lon: f64,
    /// A name of the IANA database.
    #[schema(max_length = 64, example = "Europe/Moscow")]
    time_zone: String,
    /// What it sells in: that of the price list; stays.
    currency: Currency,
    /// Minutes from an order to its being ready at the earliest.
    #[schema(minimum = 0, maximum = 10_080, example = 10)]
    lead_time_min: i64,
    /// When it is open, in its own time; none: always.
    #[serde(default)]
    #[schema(max_items = 50)]
    hours: Vec<HoursBody>,
    /// Days on which it does not open, in its own time.
    #[serde(default)]
    #[schema(max_items = 400, example = json!(["2027-01-01"]))]
    closed_days: Vec<String>,
    /// The length of a slot.
    #[serde(default = "slot_minutes")]
    #[schema(minimum = 1, maximum = 1440, example = 10)]
    slot_minutes: i64,
    /// Orders per slot; null: unlimited.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000, example = 12)]
    slot_capacity: Option<i64>,
}

/// A stretch of opening hours; it may run into the next day.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoursBody {
    /// 1 is Monday, 7 is Sunday.
    #[schema(minimum = 1, maximum = 7, example = 1)]
    day: u8,
    #[schema(pattern = "^[0-2][0-9]:[0-5][0-9]$", example = "08:00")]
    from: String,
    /// `24:00` is the end of the day.
    #[schema(pattern = "^[0-2][0-9]:[0-5][0-9]$", example = "22:00")]
    to: String,
}

const fn slot_minutes() -> i64 {
    10
}

impl Validate for ProductBody {
    fn faults(&self) -> Vec<Fault> {
        ProductDraft::from(self.clone()).faults()
    }
}

impl Validate for GroupBody {
    fn faults(&self) -> Vec<Fault> {
        GroupDraft::from(self.clone()).faults()
    }
}

impl Validate for CategoryBody {
    fn faults(&self) -> Vec<Fault> {
        CategoryDraft::from(self.clone()).faults()
    }
}

impl Validate for ShopBody {
    fn faults(&self) -> Vec<Fault> {
        ShopDraft::from(self.clone()).faults()
    }
}

impl From<NutritionFacts> for Nutrition {
    fn from(facts: NutritionFacts) -> Self {
        let NutritionFacts { kcal, protein_g, fat_g, carbohydrate_g } = facts;
        Self { kcal, protein_g, fat_g, carbohydrate_g }
    }
}

impl From<Nutrition> for NutritionFacts {
    fn from(nutrition: Nutrition) -> Self {
        let Nutrition { kcal, protein_g, fat_g, carbohydrate_g } = nutrition;
        Self { kcal, protein_g, fat_g, carbohydrate_g }
    }
}

impl From<ProductBody> for ProductDraft {
    fn from(body: ProductBody) -> Self {
        let variant = |v: VariantBody| {
            let VariantBody { id, sku, name, price, archived } = v;
            VariantDraft { id, sku, name, price, archived }
        };
        Self {
            sku: body.sku,
            category: body.category,
            name: body.name,
            description: body.description,
            composition: body.composition,
            nutrition: body.nutrition.map(Into::into),
            image_url: body.image_url,
            tracked: body.tracked,
            position: body.position,
            archived: body.archived,
            groups: body.modifier_groups,
            variants: body.variants.into_iter().map(variant).collect(),
        }
    }
}

impl From<&ProductPage> for ProductBody {
    fn from(page: &ProductPage) -> Self {
        let product = page.product.clone();
        Self {
            sku: product.sku,
            category: page.category.slug.clone(),
            name: product.name,
            description: product.description,
            composition: product.composition,
            nutrition: product.nutrition.map(Into::into),
            image_url: product.image_url,
            tracked: product.tracked,
            position: Some(product.position),
            archived: product.archived,
            modifier_groups: page.groups.clone(),
            variants: product.variants.into_iter().map(VariantBody::from).collect(),
        }
    }
}

impl From<Variant> for VariantBody {
    fn from(variant: Variant) -> Self {
        let Variant { id, sku, name, price, archived } = variant;
        Self { id: Some(id), sku, name, price, archived }
    }
}

impl From<Modifier> for ModifierBody {
    fn from(modifier: Modifier) -> Self {
        let Modifier { id, slug, name, price, archived } = modifier;
        Self { id: Some(id), slug, name, price, archived }
    }
}

impl From<OpeningHours> for HoursBody {
    fn from(hours: OpeningHours) -> Self {
        let OpeningHours { day, from, to } = hours;
        Self { day, from, to }
    }
}

impl From<GroupBody> for GroupDraft {
    fn from(body: GroupBody) -> Self {
        let modifier = |m: ModifierBody| {
            let ModifierBody { id, slug, name, price, archived } = m;
            ModifierDraft { id, slug, name, price, archived }
        };
        let GroupBody { slug, name, min, max, modifiers } = body;
        Self { slug, name, min, max, modifiers: modifiers.into_iter().map(modifier).collect() }
    }
}

impl From<&ModifierGroup> for GroupBody {
    fn from(group: &ModifierGroup) -> Self {
        let ModifierGroup { slug, name, min, max, modifiers, .. } = group.clone();
        Self { slug, name, min, max, modifiers: modifiers.into_iter().map(ModifierBody::from).collect() }
    }
}

impl From<CategoryBody> for CategoryDraft {
    fn from(body: CategoryBody) -> Self {
        let CategoryBody { name, position } = body;
        Self { name, position }
    }
}

impl From<&Category> for CategoryBody {
    fn from(category: &Category) -> Self {
        Self { name: category.name.clone(), position: category.position }
    }
}

impl From<ShopBody> for ShopDraft {
    fn from(body: ShopBody) -> Self {
        let stretch = |h: HoursBody| {
            let HoursBody { day, from, to } = h;
            OpeningHours { day, from, to }
        };
        Self {
            name: body.name,
            address: body.address,
            lat: body.lat,
            lon: body.lon,
            time_zone: body.time_zone,
            currency: body.currency,
            lead_time_min: body.lead_time_min,
            hours: body.hours.into_iter().map(stretch).collect(),
            closed_days: body.closed_days,
            slot_minutes: body.slot_minutes,
            slot_capacity: body.slot_capacity,
        }
    }
}

impl From<&ShopDraft> for ShopBody {
    fn from(draft: &ShopDraft) -> Self {
        let draft = draft.clone();
        Self {
            name: draft.name,
            address: draft.address,
            lat: draft.lat,
            lon: draft.lon,
            time_zone: draft.time_zone,
            currency: draft.currency,
            lead_time_min: draft.lead_time_min,
            hours: draft.hours.into_iter().map(HoursBody::from).collect(),
            closed_days: draft.closed_days,
            slot_minutes: draft.slot_minutes,
            slot_capacity: draft.slot_capacity,
        }
    }
}
