//! Reading the menu: whole, for memory, and piece by piece, for who edits.

use std::collections::HashMap;
use std::sync::Arc;

use contracts::{CategoryId, Localized, ModifierGroupId, ProductId, ShopId};
use kernel::{Currency, Money};
use store::{Row, Snapshot, StoreError, params};

use super::{PRICE_LIST, from_json_or_null, shops};
use crate::model::category::Category;
use crate::model::item::{ItemId, NotAnItem};
use crate::model::menu::{Entry, Menu, MenuRows, MenuVersion, ShopMenu};
use crate::model::modifiers::{Modifier, ModifierGroup};
use crate::model::product::{Product, Variant};

macro_rules! category {
    () => {
        "SELECT id, slug, name_ru, name_en, position, version, created_at, updated_at FROM categories "
    };
}
macro_rules! group {
    () => {
        "SELECT id, slug, name_ru, name_en, choices_min, choices_max, position, version, created_at, updated_at \
         FROM modifier_groups "
    };
}
macro_rules! modifier {
    () => {
        "SELECT modifiers.group_id, modifiers.id, modifiers.slug, modifiers.name_ru, modifiers.name_en, \
         modifiers.archived, modifier_prices.amount \
         FROM modifiers \
         JOIN modifier_prices ON modifier_prices.modifier_id = modifiers.id AND modifier_prices.price_list = $1 "
    };
}
macro_rules! product {
    () => {
        "SELECT id, sku, category_id, name_ru, name_en, description, composition, nutrition, image_url, tracked, \
         position, search_words, archived, version, created_at, updated_at FROM products "
    };
}
macro_rules! variant {
    () => {
        "SELECT variants.product_id, variants.id, variants.sku, variants.name_ru, variants.name_en, \
         variants.archived, variant_prices.amount \
         FROM variants \
         JOIN variant_prices ON variant_prices.variant_id = variants.id AND variant_prices.price_list = $1 "
    };
}

store::statements! {
    /// What the list is priced in, and its state.
    READ_LIST = "SELECT currency, edition FROM price_lists WHERE slug = $1";
    /// The state of a shop's menu: what proves a menu in memory right.
    READ_VERSION = "SELECT price_lists.edition, shops.menu_version \
        FROM shops JOIN price_lists ON price_lists.slug = shops.price_list WHERE shops.id = $1";
    /// Every category.
    LIST_CATEGORIES = concat!(category!(), "ORDER BY position, id");
    /// A category in order to change it.
    LOCK_CATEGORY = concat!(category!(), "WHERE id = $1 FOR UPDATE");
    /// A category.
    READ_CATEGORY = concat!(category!(), "WHERE id = $1");
    /// Every group.
    LIST_GROUPS = concat!(group!(), "ORDER BY position, id");
    /// A group in order to change it.
    LOCK_GROUP = concat!(group!(), "WHERE id = $1 FOR UPDATE");
    /// A group.
    READ_GROUP = concat!(group!(), "WHERE id = $1");
    /// Every modifier.
    LIST_MODIFIERS = concat!(modifier!(), "ORDER BY modifiers.group_id, modifiers.position, modifiers.id");
    /// The modifiers of a group.
    GROUP_MODIFIERS = concat!(modifier!(), "WHERE modifiers.group_id = $2 ORDER BY modifiers.position, modifiers.id");
    /// Every product.
    LIST_PRODUCTS = concat!(product!(), "ORDER BY id");
    /// A product in order to change it.
    LOCK_PRODUCT = concat!(product!(), "WHERE id = $1 FOR UPDATE");
    /// A product.
    READ_PRODUCT = concat!(product!(), "WHERE id = $1");
    /// What can be added to every product.
    LIST_PRODUCT_GROUPS = "SELECT product_id, group_id FROM product_modifier_groups ORDER BY product_id, position";
    /// What can be added to a product.
    PRODUCT_GROUPS = "SELECT product_id, group_id FROM product_modifier_groups WHERE product_id = $1 ORDER BY position";
    /// Every variant.
    LIST_VARIANTS = concat!(variant!(), "ORDER BY variants.product_id, variants.position, variants.id");
    /// The variants of a product.
    PRODUCT_VARIANTS = concat!(variant!(), "WHERE variants.product_id = $2 ORDER BY variants.position, variants.id");
    /// What a shop stopped.
    SHOP_STOPS = "SELECT item_id, until_at FROM stop_list WHERE shop_id = $1 ORDER BY item_id";
    /// What a shop has left.
    SHOP_STOCK = "SELECT variant_id, on_hand - reserved FROM stock_levels WHERE shop_id = $1 ORDER BY variant_id";
}

/// What a price list is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListState {
    pub(crate) currency: Currency,
    pub(crate) edition: i64,
}

pub(crate) fn list_state(row: &Row<'_>) -> Result<ListState, StoreError> {
    Ok(ListState { currency: row.get(0)?, edition: row.get(1)? })
}

/// The state of the price list; none before the first shop or price.
pub(crate) fn read_list(snapshot: &mut Snapshot<'_>) -> Result<Option<ListState>, StoreError> {
    snapshot.one(&READ_LIST, &params![PRICE_LIST], list_state)
}

/// The state of a shop's menu.
pub(crate) fn read_version(snapshot: &mut Snapshot<'_>, shop: ShopId) -> Result<Option<MenuVersion>, StoreError> {
    snapshot.one(&READ_VERSION, &params![shop], |row| Ok(MenuVersion { edition: row.get(0)?, shop: row.get(1)? }))
}

/// The whole menu; none before there is a price list.
pub(crate) fn load(snapshot: &mut Snapshot<'_>) -> Result<Option<Menu>, StoreError> {
    let Some(list) = read_list(snapshot)? else { return Ok(None) };
    let currency = list.currency;
    let categories = snapshot.list(&LIST_CATEGORIES, &params![], category)?;
    let mut groups = snapshot.list(&LIST_GROUPS, &params![], group)?;
    let mut modifiers: HashMap<ModifierGroupId, Vec<Modifier>> = HashMap::new();
    snapshot.each(&LIST_MODIFIERS, &params![PRICE_LIST], |row| {
        modifiers.entry(row.get(0)?).or_default().push(modifier(row, currency)?);
        Ok(())
    })?;
    for group in &mut groups {
        group.modifiers = modifiers.remove(&group.id).unwrap_or_default();
    }
    let mut variants: HashMap<ProductId, Vec<Variant>> = HashMap::new();
    snapshot.each(&LIST_VARIANTS, &params![PRICE_LIST], |row| {
        variants.entry(row.get(0)?).or_default().push(variant(row, currency)?);
        Ok(())
    })?;
    let mut offered: HashMap<ProductId, Vec<ModifierGroupId>> = HashMap::new();
    snapshot.each(&LIST_PRODUCT_GROUPS, &params![], |row| {
        offered.entry(row.get(0)?).or_default().push(row.get(1)?);
        Ok(())
    })?;
    let entries = snapshot.list(&LIST_PRODUCTS, &params![], |row| {
        let mut entry = entry(row)?;
        let id = entry.product.id;
        entry.product.variants = variants.remove(&id).unwrap_or_default();
        entry.product.groups = offered.remove(&id).unwrap_or_default();
        Ok(entry)
    })?;
    Ok(Some(Menu::new(MenuRows { edition: list.edition, currency, categories, groups, entries })))
}

/// A shop's view of the menu: `known` is used where it is of the current edition. None: there is no such shop.
pub(crate) fn load_shop(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    known: Option<&Arc<Menu>>,
) -> Result<Option<ShopMenu>, StoreError> {
    let Some(version) = read_version(snapshot, shop)? else { return Ok(None) };
    let menu = match known.filter(|menu| menu.edition == version.edition) {
        Some(menu) => Arc::clone(menu),
        None => match load(snapshot)? {
            Some(menu) => Arc::new(menu),
            None => return Ok(None),
        },
    };
    load_shop_with(snapshot, shop, menu)
}

/// A shop's view of this menu, whatever the current edition is.
pub(crate) fn load_shop_with(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    menu: Arc<Menu>,
) -> Result<Option<ShopMenu>, StoreError> {
    let Some(found) = shops::read(snapshot, shop)? else { return Ok(None) };
    let (stops, stock) = (HashMap::new(), HashMap::new());
    let mut view = ShopMenu { menu, terms: found.terms(), version: found.menu_version, stops, stock };
    load_state(snapshot, shop, &mut view)?;
    Ok(Some(view))
}

/// What the shop stopped and what it has left, as it is now.
pub(crate) fn load_state(snapshot: &mut Snapshot<'_>, shop: ShopId, view: &mut ShopMenu) -> Result<(), StoreError> {
    view.stops.clear();
    snapshot.each(&SHOP_STOPS, &params![shop], |row| {
        view.stops.insert(item(row, 0)?, row.get(1)?);
        Ok(())
    })?;
    view.stock =
        snapshot.list(&SHOP_STOCK, &params![shop], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect();
    Ok(())
}

/// The id of an item in a column.
pub(crate) fn item(row: &Row<'_>, index: usize) -> Result<ItemId, StoreError> {
    let text: String = row.get(index)?;
    let not_an_item =
        |error: NotAnItem| StoreError::Corrupt { column: "item_id".to_owned(), reason: error.to_string() };
    text.parse().map_err(not_an_item)
}

/// Which of two statements reads a row: to show it, or in order to change it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Show,
    Change,
}

/// A product with its variants and groups.
pub(crate) fn product(
    snapshot: &mut Snapshot<'_>,
    id: ProductId,
    currency: Currency,
    purpose: Purpose,
) -> Result<Option<Product>, StoreError> {
    let statement = match purpose {
        Purpose::Show => &READ_PRODUCT,
        Purpose::Change => &LOCK_PRODUCT,
    };
    let Some(found) = snapshot.one(statement, &params![id], entry)? else { return Ok(None) };
    let mut product = found.product;
    product.variants = snapshot.list(&PRODUCT_VARIANTS, &params![PRICE_LIST, id], |row| variant(row, currency))?;
    product.groups = snapshot.list(&PRODUCT_GROUPS, &params![id], |row| row.get(1))?;
    Ok(Some(product))
}

/// A group with its modifiers.
pub(crate) fn modifier_group(
    snapshot: &mut Snapshot<'_>,
    id: ModifierGroupId,
    currency: Currency,
    purpose: Purpose,
) -> Result<Option<ModifierGroup>, StoreError> {
    let statement = match purpose {
        Purpose::Show => &READ_GROUP,
        Purpose::Change => &LOCK_GROUP,
    };
    let Some(mut found) = snapshot.one(statement, &params![id], group)? else { return Ok(None) };
    found.modifiers = snapshot.list(&GROUP_MODIFIERS, &params![PRICE_LIST, id], |row| modifier(row, currency))?;
    Ok(Some(found))
}

/// The slug of a group.
pub(crate) fn group_slug(snapshot: &mut Snapshot<'_>, id: ModifierGroupId) -> Result<Option<String>, StoreError> {
    snapshot.one(&READ_GROUP, &params![id], |row| row.get(1))
}

/// A category by its id.
pub(crate) fn category_by_id(
    snapshot: &mut Snapshot<'_>,
    id: CategoryId,
    purpose: Purpose,
) -> Result<Option<Category>, StoreError> {
    let statement = match purpose {
        Purpose::Show => &READ_CATEGORY,
        Purpose::Change => &LOCK_CATEGORY,
    };
    snapshot.one(statement, &params![id], category)
}

fn localized(row: &Row<'_>, ru: usize) -> Result<Localized, StoreError> {
    Ok(Localized { ru: row.get(ru)?, en: row.get(ru + 1)? })
}

fn category(row: &Row<'_>) -> Result<Category, StoreError> {
    Ok(Category {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: localized(row, 2)?,
        position: row.get(4)?,
        version: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

fn group(row: &Row<'_>) -> Result<ModifierGroup, StoreError> {
    Ok(ModifierGroup {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: localized(row, 2)?,
        min: row.get(4)?,
        max: row.get(5)?,
        position: row.get(6)?,
        modifiers: Vec::new(),
        version: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
    })
}

fn money(amount: i64, currency: Currency) -> Result<Money, StoreError> {
    Money::new(amount, currency)
        .map_err(|error| StoreError::Corrupt { column: "amount".to_owned(), reason: error.to_string() })
}

fn modifier(row: &Row<'_>, currency: Currency) -> Result<Modifier, StoreError> {
    Ok(Modifier {
        id: row.get(1)?,
        slug: row.get(2)?,
        name: localized(row, 3)?,
        archived: row.get(5)?,
        price: money(row.get(6)?, currency)?,
    })
}

fn variant(row: &Row<'_>, currency: Currency) -> Result<Variant, StoreError> {
    Ok(Variant {
        id: row.get(1)?,
        sku: row.get(2)?,
        name: localized(row, 3)?,
        archived: row.get(5)?,
        price: money(row.get(6)?, currency)?,
    })
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let text = |index| row.get::<Option<String>>(index);
    let product = Product {
        id: row.get(0)?,
        sku: row.get(1)?,
        category: row.get(2)?,
        name: localized(row, 3)?,
        description: from_json_or_null(text(5)?.as_deref(), "products.description")?,
        composition: from_json_or_null(text(6)?.as_deref(), "products.composition")?,
        nutrition: from_json_or_null(text(7)?.as_deref(), "products.nutrition")?,
        image_url: row.get(8)?,
        tracked: row.get(9)?,
        position: row.get(10)?,
        archived: row.get(12)?,
        groups: Vec::new(),
        variants: Vec::new(),
        version: row.get(13)?,
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
    };
    Ok(Entry { product, search_words: row.get(11)? })
}
