//! What lines cost in a shop, and what of the stock they need. The server's word: a guest sends ids and quantities.
//!
//! A line is (the variant and its modifiers) × quantity; parts always sum to the whole, since nothing is rounded.

use std::collections::{BTreeMap, BTreeSet};

use contracts::VariantId;
use contracts::catalog::{LineRequest, ModifierRequest, PricedLine, PricedModifier};
use kernel::{Money, Text, Timestamp};
use serde::{Deserialize, Serialize};
use service::Fault;

use super::item::ItemId;
use super::menu::{Menu, ShopMenu};
use super::modifiers::{Modifier, ModifierGroup};
use super::product::{Product, Variant};
use super::rules;

/// Lines of an order (decision 24).
pub(crate) const LINES_MAX: usize = 100;
/// Units of a line, and of a modifier per unit (decision 24).
pub(crate) const QUANTITY_MAX: i64 = 999;
/// Different modifiers of a line.
pub(crate) const MODIFIERS_MAX: usize = 50;

const NO_LINES: Text = Text { en: "needs at least one line", ru: "нужна хотя бы одна позиция" };
const UNKNOWN_VARIANT: Text = Text { en: "is not on the menu", ru: "нет в меню" };
const ARCHIVED: Text = Text { en: "is no longer sold", ru: "больше не продаётся" };
const FOREIGN_MODIFIER: Text =
    Text { en: "cannot be added to this product", ru: "к этому товару не добавляется" };
const TOO_DEAR: Text =
    Text { en: "costs more than an amount can hold", ru: "сумма больше допустимой" };

/// Lines with their prices, and what they need of the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The prices.
    pub(crate) bill: Bill,
    /// Units of each tracked variant, in id order: the same variant in two lines is summed.
    pub(crate) stock: BTreeMap<VariantId, i64>,
}

/// Lines with their prices; what a hold remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bill {
    /// In the order asked.
    pub(crate) lines: Vec<PricedLine>,
    /// Their sum.
    pub(crate) items_total: Money,
}

/// Why lines are not priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// They ask for what there is not: every wrong place.
    Invalid(Vec<Fault>),
    /// They ask for what cannot be had now: every such place.
    Short(Vec<Shortage>),
}

/// A place in the lines that asks for more than there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shortage {
    /// The line, or a modifier of it.
    pub(crate) pointer: String,
    /// How many can be had.
    pub(crate) available: i64,
}

/// Prices the lines; says nothing about stock.
///
/// # Errors
/// Everything wrong with them; what is stopped only if nothing is wrong.
pub(crate) fn offer(shop: &ShopMenu, lines: &[LineRequest], now: Timestamp) -> Result<Offer, Refusal> {
    let mut pricing = Pricing { shop, now, faults: Vec::new(), short: Vec::new() };
    if lines.is_empty() {
        pricing.faults.push(Fault::new("/lines", "empty", NO_LINES));
    }
    rules::count("/lines", lines.len(), LINES_MAX, &mut pricing.faults);
    let mut stock = BTreeMap::new();
    let mut priced = Vec::with_capacity(lines.len());
    let mut items_total = Money::zero(shop.menu.currency);
    for (index, line) in lines.iter().take(LINES_MAX).enumerate() {
        let pointer = format!("/lines/{index}");
        let Some((product, line)) = pricing.line(&pointer, line) else { continue };
        match items_total.plus(line.total) {
            Ok(sum) => items_total = sum,
            Err(_) => pricing.faults.push(Fault::new(pointer, "amount-too-large", TOO_DEAR)),
        }
        if product.tracked {
            let units: &mut i64 = stock.entry(line.variant_id).or_insert(0);
            *units = units.saturating_add(line.quantity);
        }
        priced.push(line);
    }
    let Pricing { faults, short, .. } = pricing;
    match (faults.is_empty(), short.is_empty()) {
        (false, _) => Err(Refusal::Invalid(faults)),
        (true, false) => Err(Refusal::Short(short)),
        (true, true) => Ok(Offer { bill: Bill { lines: priced, items_total }, stock }),
    }
}

/// Where the lines ask for a variant of which only so many are left.
#[must_use]
pub(crate) fn shortages(lines: &[LineRequest], left: &BTreeMap<VariantId, i64>) -> Vec<Shortage> {
    let places = lines.iter().enumerate();
    places
        .filter_map(|(index, line)| {
            let available = *left.get(&line.variant_id)?;
            Some(Shortage { pointer: format!("/lines/{index}"), available })
        })
        .collect()
}

impl Offer {
    /// What the shop's view of the stock does not cover. That view may be old; only the reservation itself decides.
    #[must_use]
    pub(crate) fn uncovered(&self, shop: &ShopMenu) -> BTreeMap<VariantId, i64> {
        let left = |id: &VariantId| shop.stock.get(id).copied().unwrap_or(0);
        self.stock.iter().filter(|(id, wanted)| left(id) < **wanted).map(|(id, _)| (*id, left(id))).collect()
    }
}

struct Pricing<'a> {
    shop: &'a ShopMenu,
    now: Timestamp,
    faults: Vec<Fault>,
    short: Vec<Shortage>,
}

impl<'a> Pricing<'a> {
    /// The line with its prices, or the reasons why it has none are noted.
    fn line(&mut self, pointer: &str, line: &LineRequest) -> Option<(&'a Product, PricedLine)> {
        let menu: &'a Menu = &self.shop.menu;
        rules::within(&format!("{pointer}/quantity"), line.quantity, 1..=QUANTITY_MAX, &mut self.faults);
        let Some((product, variant)) = menu.variant(line.variant_id) else {
            self.faults.push(Fault::new(format!("{pointer}/variant_id"), "unknown-variant", UNKNOWN_VARIANT));
            return None;
        };
        if variant.archived || product.archived {
            self.faults.push(Fault::new(format!("{pointer}/variant_id"), "not-sold", ARCHIVED));
            return None;
        }
        let modifiers = self.modifiers(pointer, line, product);
        let is_stopped =
            self.shop.is_stopped(ItemId::Variant(variant.id), self.now) || !self.shop.offers_product(product, self.now);
        if is_stopped {
            self.short.push(Shortage { pointer: pointer.to_owned(), available: 0 });
        }
        let sums = sums(variant, &modifiers, line.quantity);
        let Some((unit_price, total)) = sums else {
            self.faults.push(Fault::new(pointer.to_owned(), "amount-too-large", TOO_DEAR));
            return None;
        };
        let priced = PricedLine {
            product_id: product.id,
            variant_id: variant.id,
            name: product.name.clone(),
            variant_name: variant.name.clone(),
            category: menu.shelf(product).map_or_else(String::new, |shelf| shelf.category.slug.clone()),
            quantity: line.quantity,
            modifiers,
            unit_price,
            total,
        };
        Some((product, priced))
    }

    fn modifiers(&mut self, pointer: &str, line: &LineRequest, product: &Product) -> Vec<PricedModifier> {
        let list = format!("{pointer}/modifiers");
        rules::count(&list, line.modifiers.len(), MODIFIERS_MAX, &mut self.faults);
        let mut seen = BTreeSet::new();
        let mut chosen: Vec<(&ModifierGroup, i64)> = Vec::new();
        let mut priced = Vec::with_capacity(line.modifiers.len());
        for (index, wanted) in line.modifiers.iter().take(MODIFIERS_MAX).enumerate() {
            let pointer = format!("{list}/{index}");
            if !seen.insert(wanted.id) {
                self.faults.push(rules::repeated(format!("{pointer}/id"), wanted.id.text().as_str()));
                continue;
            }
            let Some((group, modifier)) = self.modifier(&pointer, wanted, product) else { continue };
            match chosen.iter_mut().find(|(known, _)| known.id == group.id) {
                Some((_, count)) => *count = count.saturating_add(wanted.quantity),
                None => chosen.push((group, wanted.quantity)),
            }
            priced.push(PricedModifier {
                id: modifier.id,
                name: modifier.name.clone(),
                quantity: wanted.quantity,
                price: modifier.price,
            });
        }
        self.choices(&list, product, &chosen);
        priced
    }

    /// The modifier, if this product offers it; a stopped one is noted as short.
    fn modifier(
        &mut self,
        pointer: &str,
        wanted: &ModifierRequest,
        product: &Product,
    ) -> Option<(&'a ModifierGroup, &'a Modifier)> {
        rules::within(&format!("{pointer}/quantity"), wanted.quantity, 1..=QUANTITY_MAX, &mut self.faults);
        let found = self.shop.menu.modifier(wanted.id).filter(|(group, _)| product.groups.contains(&group.id));
        let Some((group, modifier)) = found else {
            self.faults.push(Fault::new(format!("{pointer}/id"), "unknown-modifier", FOREIGN_MODIFIER));
            return None;
        };
        if modifier.archived {
            self.faults.push(Fault::new(format!("{pointer}/id"), "not-sold", ARCHIVED));
            return None;
        }
        if !self.shop.offers_modifier(modifier, self.now) {
            self.short.push(Shortage { pointer: pointer.to_owned(), available: 0 });
        }
        Some((group, modifier))
    }

    /// Each group of the product has as many choices as it wants.
    fn choices(&mut self, list: &str, product: &Product, chosen: &[(&ModifierGroup, i64)]) {
        for group in self.shop.menu.groups_of(product) {
            let count = chosen.iter().find(|(known, _)| known.id == group.id).map_or(0, |(_, count)| *count);
            if count < group.min || count > group.max {
                let (slug, min, max) = (&group.slug, group.min, group.max);
                self.faults.push(Fault::worded(
                    list.to_owned(),
                    "choices",
                    format!("choose {min} to {max} of {slug}, not {count}"),
                    format!("выберите от {min} до {max} из {slug}, а не {count}"),
                ));
            }
        }
    }
}

/// One unit with its modifiers, and all units; none beyond what an amount holds.
fn sums(variant: &Variant, modifiers: &[PricedModifier], quantity: i64) -> Option<(Money, Money)> {
    let mut unit = variant.price;
    for modifier in modifiers {
        unit = unit.plus(modifier.price.times(modifier.quantity).ok()?).ok()?;
    }
    Some((unit, unit.times(quantity).ok()?))
}

#[cfg(test)]
mod tests;
