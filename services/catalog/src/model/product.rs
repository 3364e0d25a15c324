//! A product with its variants: what may stand in one, and how a wanted content becomes a stored one.

use contracts::{CategoryId, Localized, ModifierGroupId, ProductId, VariantId};
use kernel::{AMOUNT_MAX, Currency, Money, Text, Timestamp};
use serde::{Deserialize, Serialize};
use service::Fault;

use super::fold::fold;
use super::rules;

/// Variants of a product.
pub(crate) const VARIANTS_MAX: usize = 100;
/// Modifier groups of a product.
pub(crate) const GROUPS_MAX: usize = 20;
/// Characters of a link to a picture.
pub(crate) const IMAGE_URL_MAX: usize = 2000;
/// Kilocalories or grams of a portion; what is beyond is a slip of the finger.
pub(crate) const NUTRITION_MAX: f64 = 100_000.0;
/// The highest price: times 999 units of 100 lines it is still an amount.
pub(crate) const PRICE_MAX: i64 = AMOUNT_MAX / 1_000_000;

/// A price that is not in the currency of its list.
pub(crate) const OTHER_CURRENCY: Text =
    Text { en: "is not the currency of the price list", ru: "не валюта этого прейскуранта" };
const IMAGE_URL: Text =
    Text { en: "must be an http or https address", ru: "должно быть адресом http или https" };
const NO_VARIANT: Text = Text {
    en: "needs at least one variant that is not archived",
    ru: "нужен хотя бы один вариант не в архиве",
};

/// A product as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Product {
    /// Its id.
    pub(crate) id: ProductId,
    /// Its article number.
    pub(crate) sku: String,
    /// Where it stands in the menu.
    pub(crate) category: CategoryId,
    /// What guests read.
    pub(crate) name: Localized,
    /// What guests read below the name.
    pub(crate) description: Option<Localized>,
    /// What it is made of.
    pub(crate) composition: Option<Localized>,
    /// What it gives.
    pub(crate) nutrition: Option<Nutrition>,
    /// Its picture.
    pub(crate) image_url: Option<String>,
    /// Whether its stock is counted; otherwise it is made to order.
    pub(crate) tracked: bool,
    /// Its place in its category.
    pub(crate) position: i64,
    /// No longer sold anywhere.
    pub(crate) archived: bool,
    /// What can be added to it, in order.
    pub(crate) groups: Vec<ModifierGroupId>,
    /// In their order; archived ones too.
    pub(crate) variants: Vec<Variant>,
    /// Moves with every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// A variant as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// Its id.
    pub(crate) id: VariantId,
    /// Its article number, unique among all variants.
    pub(crate) sku: String,
    /// What guests read (`M`).
    pub(crate) name: Localized,
    /// What one costs.
    pub(crate) price: Money,
    /// No longer sold anywhere.
    pub(crate) archived: bool,
}

/// What a portion gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Nutrition {
    /// Energy, kilocalories.
    pub(crate) kcal: f64,
    /// Protein, grams.
    pub(crate) protein_g: f64,
    /// Fat, grams.
    pub(crate) fat_g: f64,
    /// Carbohydrates, grams.
    pub(crate) carbohydrate_g: f64,
}

/// A product as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProductDraft {
    /// Its article number.
    pub(crate) sku: String,
    /// The slug of its category.
    pub(crate) category: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// What guests read below the name.
    pub(crate) description: Option<Localized>,
    /// What it is made of.
    pub(crate) composition: Option<Localized>,
    /// What it gives.
    pub(crate) nutrition: Option<Nutrition>,
    /// Its picture.
    pub(crate) image_url: Option<String>,
    /// Whether its stock is counted.
    pub(crate) tracked: bool,
    /// Its place in its category; none: where it is, or at the end.
    pub(crate) position: Option<i64>,
    /// No longer sold anywhere.
    pub(crate) archived: bool,
    /// Slugs of the modifier groups, in order.
    pub(crate) groups: Vec<String>,
    /// All of them: what is missing is archived.
    pub(crate) variants: Vec<VariantDraft>,
}

/// A variant as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VariantDraft {
    /// Which of the stored ones it is; otherwise its article number says so.
    pub(crate) id: Option<VariantId>,
    /// Its article number.
    pub(crate) sku: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// What one costs.
    pub(crate) price: Money,
    /// No longer sold anywhere.
    pub(crate) archived: bool,
}

/// What the slugs of a draft stand for.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The category.
    pub(crate) category: CategoryId,
    /// The modifier groups, in the order of the draft.
    pub(crate) groups: Vec<ModifierGroupId>,
    /// The place of a product whose draft names none.
    pub(crate) position: i64,
}

impl Product {
    /// The texts that a search looks through, folded.
    #[must_use]
    pub(crate) fn search_words(&self) -> String {
        let mut text = format!("{} {} {}", self.name.ru, self.name.en, self.sku);
        for prose in [&self.description, &self.composition].into_iter().flatten() {
            text.push(' ');
            text.push_str(&prose.ru);
            text.push(' ');
            text.push_str(&prose.en);
        }
        fold(&text)
    }

    /// The variants that are sold.
    pub(crate) fn sold_variants(&self) -> impl Iterator<Item = &Variant> {
        self.variants.iter().filter(|variant| !variant.archived)
    }
}

impl ProductDraft {
    /// Everything that is wrong with it.
    #[must_use]
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        rules::sku("/sku", &self.sku, &mut faults);
        rules::slug("/category", &self.category, &mut faults);
        rules::name("/name", &self.name, &mut faults);
        for (pointer, text) in [("/description", &self.description), ("/composition", &self.composition)] {
            if let Some(text) = text {
                rules::prose(pointer, text, &mut faults);
            }
        }
        if let Some(nutrition) = &self.nutrition {
            nutrition.check(&mut faults);
        }
        if self.image_url.as_deref().is_some_and(|link| !is_web_address(link)) {
            faults.push(Fault::new("/image_url", "url", IMAGE_URL));
        }
        if let Some(position) = self.position {
            rules::within("/position", position, 0..=rules::POSITION_MAX, &mut faults);
        }
        rules::count("/modifier_groups", self.groups.len(), GROUPS_MAX, &mut faults);
        let groups = self.groups.iter().enumerate().map(|(i, slug)| (format!("/modifier_groups/{i}"), slug.as_str()));
        rules::each_once(groups, &mut faults);
        self.variant_faults(&mut faults);
        faults
    }

    fn variant_faults(&self, faults: &mut Vec<Fault>) {
        rules::count("/variants", self.variants.len(), VARIANTS_MAX, faults);
        let is_bare = self.variants.iter().all(|variant| variant.archived);
        if self.variants.is_empty() || (is_bare && !self.archived) {
            faults.push(Fault::new("/variants", "no-variant", NO_VARIANT).beside("/archived"));
        }
        for (index, variant) in self.variants.iter().enumerate() {
            let pointer = format!("/variants/{index}");
            rules::sku(&format!("{pointer}/sku"), &variant.sku, faults);
            rules::name(&format!("{pointer}/name"), &variant.name, faults);
            price(&format!("{pointer}/price"), variant.price, faults);
        }
        let skus = self.variants.iter().enumerate().map(|(i, v)| (format!("/variants/{i}/sku"), v.sku.as_str()));
        rules::each_once(skus, faults);
    }

    /// Faults of variants that name an id which the product does not have, or the same twice.
    #[must_use]
    pub(crate) fn id_faults(&self, known: &[Variant]) -> Vec<Fault> {
        let ids = self.variants.iter().map(|variant| variant.id);
        rules::ids("/variants", ids, |id| known.iter().any(|variant| variant.id == id))
    }

    /// Faults of prices in another currency than the price list's.
    #[must_use]
    pub(crate) fn currency_faults(&self, currency: Currency) -> Vec<Fault> {
        let foreign = self.variants.iter().enumerate().filter(|(_, v)| v.price.currency() != currency);
        foreign
            .map(|(i, _)| Fault::new(format!("/variants/{i}/price/currency"), "other-currency", OTHER_CURRENCY))
            .collect()
    }

    /// A new product with this content.
    #[must_use]
    pub(crate) fn made(
        &self,
        id: ProductId,
        places: &Places,
        now: Timestamp,
        new_id: &mut dyn FnMut() -> VariantId,
    ) -> Product {
        let empty = Product {
            id,
            sku: String::new(),
            category: places.category,
            name: self.name.clone(),
            description: None,
            composition: None,
            nutrition: None,
            image_url: None,
            tracked: false,
            position: places.position,
            archived: false,
            groups: Vec::new(),
            variants: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.applied_to(&empty, places, new_id)
    }

    /// The product with this content. Variants are matched by id, else by article number; stored ones that are
    /// missing are archived and keep their place at the end.
    #[must_use]
    pub(crate) fn applied_to(
        &self,
        current: &Product,
        places: &Places,
        new_id: &mut dyn FnMut() -> VariantId,
    ) -> Product {
        let mut variants: Vec<Variant> =
            self.variants.iter().map(|draft| draft.onto(&current.variants, new_id)).collect();
        let left_out = current.variants.iter().filter(|known| self.variants.iter().all(|draft| !draft.is(known)));
        variants.extend(left_out.map(|known| Variant { archived: true, ..known.clone() }));
        Product {
            sku: self.sku.clone(),
            category: places.category,
            name: self.name.clone(),
            description: self.description.clone(),
            composition: self.composition.clone(),
            nutrition: self.nutrition,
            image_url: self.image_url.clone(),
            tracked: self.tracked,
            position: self.position.unwrap_or(places.position),
            archived: self.archived,
            groups: places.groups.clone(),
            variants,
            ..current.clone()
        }
    }
}

impl VariantDraft {
    fn is(&self, known: &Variant) -> bool {
        self.id.map_or(known.sku == self.sku, |id| id == known.id)
    }

    fn onto(&self, known: &[Variant], new_id: &mut dyn FnMut() -> VariantId) -> Variant {
        let id = known.iter().find(|variant| self.is(variant)).map_or_else(new_id, |variant| variant.id);
        let Self { sku, name, price, archived, .. } = self.clone();
        Variant { id, sku, name, price, archived }
    }
}

impl Nutrition {
    /// The four numbers with the names they have everywhere.
    #[must_use]
    pub(crate) const fn parts(&self) -> [(&'static str, f64); 4] {
        [
            ("kcal", self.kcal),
            ("protein_g", self.protein_g),
            ("fat_g", self.fat_g),
            ("carbohydrate_g", self.carbohydrate_g),
        ]
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        for (name, value) in self.parts() {
            if !(0.0..=NUTRITION_MAX).contains(&value) {
                faults.push(rules::outside(format!("/nutrition/{name}"), 0, 100_000));
            }
        }
    }
}

/// The rule of a price.
pub(super) fn price(pointer: &str, price: Money, faults: &mut Vec<Fault>) {
    rules::within(&format!("{pointer}/amount"), price.amount(), 0..=PRICE_MAX, faults);
}

fn is_web_address(link: &str) -> bool {
    let parsed = if link.len() <= IMAGE_URL_MAX { url::Url::parse(link).ok() } else { None };
    parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty())
}
