use std::collections::HashMap;
use std::sync::Arc;

use contracts::catalog::{LineRequest, ModifierRequest, ShopTerms};
use contracts::{CategoryId, Localized, ModifierGroupId, ModifierId, ProductId, ShopId, VariantId};
use kernel::{Currency, Money, Timestamp};
use proptest::prelude::*;

use super::{QUANTITY_MAX, Refusal, Shortage, offer, shortages};
use crate::model::item::ItemId;
use crate::model::menu::{Entry, Menu, MenuRows, ShopMenu};
use crate::model::modifiers::{Modifier, ModifierGroup};
use crate::model::product::{PRICE_MAX, Product, Variant};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);
const LATTE: u128 = 1;
const CAKE: u128 = 2;
const ESPRESSO: u128 = 3;
const OAT: u128 = 1;
const SOY: u128 = 2;
const ARABICA: u128 = 3;

fn rub(amount: i64) -> Money {
    Money::new(amount, Currency::RUB).unwrap()
}

fn name(text: &str) -> Localized {
    Localized { ru: text.to_owned(), en: text.to_owned() }
}

fn group(number: u128, choices: (i64, i64), modifiers: &[(u128, i64)]) -> ModifierGroup {
    let modifier = |&(id, price): &(u128, i64)| Modifier {
        id: ModifierId::from_bits(id),
        slug: id.to_string(),
        name: name("m"),
        price: rub(price),
        archived: false,
    };
    ModifierGroup {
        id: ModifierGroupId::from_bits(number),
        slug: format!("group-{number}"),
        name: name("g"),
        min: choices.0,
        max: choices.1,
        position: 1,
        modifiers: modifiers.iter().map(modifier).collect(),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn product(number: u128, price: i64, groups: &[u128]) -> Product {
    Product {
        id: ProductId::from_bits(number),
        sku: number.to_string(),
        category: CategoryId::from_bits(1),
        name: name("p"),
        description: None,
        composition: None,
        nutrition: None,
        image_url: None,
        tracked: number == CAKE,
        position: 1,
        archived: false,
        groups: groups.iter().map(|id| ModifierGroupId::from_bits(*id)).collect(),
        variants: vec![Variant {
            id: VariantId::from_bits(number),
            sku: format!("{number}-m"),
            name: name("M"),
            price: rub(price),
            archived: false,
        }],
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A latte with up to two milks, a counted cake, an espresso that needs its beans chosen.
fn shop(latte: i64, oat: i64) -> ShopMenu {
    let groups = vec![group(1, (0, 2), &[(OAT, oat), (SOY, 50)]), group(2, (1, 1), &[(ARABICA, 0)])];
    let products = vec![product(LATTE, latte, &[1]), product(CAKE, 300, &[]), product(ESPRESSO, 150, &[2])];
    let entries = products.into_iter().map(|product| Entry { search_words: product.search_words(), product }).collect();
    let rows = MenuRows { edition: 1, currency: Currency::RUB, categories: Vec::new(), groups, entries };
    let terms = ShopTerms {
        shop_id: ShopId::from_bits(1),
        time_zone: "UTC".to_owned(),
        currency: Currency::RUB,
        lead_time_min: 0,
        hours: Vec::new(),
        closed_days: Vec::new(),
        slot_minutes: 10,
        slot_capacity: None,
    };
    let stock = HashMap::from([(VariantId::from_bits(CAKE), 5)]);
    ShopMenu { menu: Arc::new(Menu::new(rows)), terms, version: 1, stops: HashMap::new(), stock }
}

fn line(variant: u128, quantity: i64, modifiers: &[(u128, i64)]) -> LineRequest {
    let modifier = |&(id, quantity): &(u128, i64)| ModifierRequest { id: ModifierId::from_bits(id), quantity };
    LineRequest {
        variant_id: VariantId::from_bits(variant),
        quantity,
        modifiers: modifiers.iter().map(modifier).collect(),
    }
}

fn faults(refusal: &Refusal) -> Vec<(String, &'static str)> {
    match refusal {
        Refusal::Invalid(faults) => faults.iter().map(|f| (f.pointer().to_owned(), f.code())).collect(),
        Refusal::Short(_) => Vec::new(),
    }
}

#[test]
fn a_line_without_the_choice_that_it_needs_is_refused() {
    let shop = shop(200, 60);

    let refusal = offer(&shop, &[line(ESPRESSO, 1, &[])], NOW).unwrap_err();
    assert_eq!(faults(&refusal), [("/lines/0/modifiers".to_owned(), "choices")]);

    let refusal = offer(&shop, &[line(LATTE, 1, &[(OAT, 2), (SOY, 1)])], NOW).unwrap_err();
    assert_eq!(faults(&refusal), [("/lines/0/modifiers".to_owned(), "choices")]);

    assert!(offer(&shop, &[line(ESPRESSO, 1, &[(ARABICA, 1)]), line(LATTE, 1, &[(OAT, 1), (SOY, 1)])], NOW).is_ok());
}

#[test]
fn no_lines_and_too_many_lines_are_refused() {
    let shop = shop(200, 60);

    assert_eq!(faults(&offer(&shop, &[], NOW).unwrap_err()), [("/lines".to_owned(), "empty")]);
    let many = vec![line(LATTE, 1, &[]); 101];
    assert_eq!(faults(&offer(&shop, &many, NOW).unwrap_err()), [("/lines".to_owned(), "too-many")]);
}

#[test]
fn a_stop_holds_until_its_end_and_not_at_it() {
    let mut shop = shop(200, 60);
    let lines = [line(LATTE, 1, &[(OAT, 1)]), line(CAKE, 1, &[])];
    shop.stops.insert(ItemId::Modifier(ModifierId::from_bits(OAT)), Some(Timestamp::from_micros(1_000_001)));
    shop.stops.insert(ItemId::Product(ProductId::from_bits(CAKE)), None);
    let short = |pointer: &str| Shortage { pointer: pointer.to_owned(), available: 0 };

    let before = offer(&shop, &lines, NOW).unwrap_err();
    let at_the_end = offer(&shop, &lines, Timestamp::from_micros(1_000_001)).unwrap_err();

    assert_eq!(before, Refusal::Short(vec![short("/lines/0/modifiers/0"), short("/lines/1")]));
    assert_eq!(at_the_end, Refusal::Short(vec![short("/lines/1")]));
}

#[test]
fn only_counted_products_need_stock_and_lines_of_one_variant_are_summed() {
    let shop = shop(200, 60);
    let lines = [line(CAKE, 2, &[]), line(LATTE, 3, &[]), line(CAKE, 4, &[])];

    let offer = offer(&shop, &lines, NOW).unwrap();

    assert_eq!(offer.stock.into_iter().collect::<Vec<_>>(), [(VariantId::from_bits(CAKE), 6)]);
    let short = [(VariantId::from_bits(CAKE), 5)].into_iter().collect();
    let places: Vec<_> = shortages(&lines, &short).into_iter().map(|s| (s.pointer, s.available)).collect();
    assert_eq!(places, [("/lines/0".to_owned(), 5), ("/lines/2".to_owned(), 5)]);
}

fn any_lines() -> impl Strategy<Value = Vec<LineRequest>> {
    let modifiers = prop::collection::vec((1_u128..5, prop_oneof![1..3_i64, any::<i64>()]), 0..3);
    let one = (1_u128..5, prop_oneof![1..=QUANTITY_MAX, any::<i64>()], modifiers);
    prop::collection::vec(one.prop_map(|(variant, quantity, modifiers)| line(variant, quantity, &modifiers)), 0..6)
}

proptest! {
    /// Whatever is asked for: every part sums to its whole, or the request is refused with a place.
    #[test]
    fn parts_always_sum_to_the_whole(lines in any_lines(), latte in 0..=PRICE_MAX, oat in 0..=PRICE_MAX) {
        let shop = shop(latte, oat);

        match offer(&shop, &lines, NOW) {
            Ok(offer) => {
                let mut items = 0;
                for priced in &offer.bill.lines {
                    let extra: i64 = priced.modifiers.iter().map(|m| m.price.amount() * m.quantity).sum();
                    let base = shop.menu.variant(priced.variant_id).unwrap().1.price.amount();
                    prop_assert_eq!(priced.unit_price.amount(), base + extra);
                    prop_assert_eq!(priced.total.amount(), priced.unit_price.amount() * priced.quantity);
                    items += priced.total.amount();
                }
                prop_assert_eq!(offer.bill.items_total.amount(), items);
                prop_assert_eq!(offer.bill.lines.len(), lines.len());
            }
            Err(Refusal::Invalid(faults)) => prop_assert!(faults.iter().all(|f| f.pointer().starts_with("/lines"))),
            Err(Refusal::Short(short)) => prop_assert!(!short.is_empty()),
        }
    }
}
