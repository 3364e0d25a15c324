//! Writing the menu: categories, groups, products and their prices.

use contracts::{CategoryId, ModifierGroupId, ProductId};
use kernel::Currency;
use service::Stretch;
use store::{Param, Snapshot, StoreError, Tx, params};

use super::menu::{ListState, list_state};
use super::{PRICE_LIST, json};
use crate::model::category::Category;
use crate::model::modifiers::ModifierGroup;
use crate::model::product::Product;

store::statements! {
    /// The price list in order to edit what it prices: all edits of a menu wait for each other here.
    LOCK_LIST = "SELECT currency, edition FROM price_lists WHERE slug = $1 FOR UPDATE";
    /// The first shop or price decides what the list is priced in.
    INSERT_LIST = "INSERT INTO price_lists (slug, currency, edition) VALUES ($1, $2, 1) ON CONFLICT (slug) DO NOTHING";
    /// The menu is another from now on.
    MOVE_EDITION = "UPDATE price_lists SET edition = edition + 1 WHERE slug = $1";
    /// A category by its slug.
    FIND_CATEGORY = "SELECT id FROM categories WHERE slug = $1";
    /// The place after the last category.
    NEXT_CATEGORY_POSITION = "SELECT COALESCE(MAX(position), 0) + 1 FROM categories";
    /// A category, new or changed.
    PUT_CATEGORY = "INSERT INTO categories (id, slug, name_ru, name_en, position, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET name_ru = excluded.name_ru, \
        name_en = excluded.name_en, position = excluded.position, version = excluded.version, \
        updated_at = excluded.updated_at";
    /// A group by its slug.
    FIND_GROUP = "SELECT id FROM modifier_groups WHERE slug = $1";
    /// The place after the last group.
    NEXT_GROUP_POSITION = "SELECT COALESCE(MAX(position), 0) + 1 FROM modifier_groups";
    /// A group, new or changed.
    PUT_GROUP = "INSERT INTO modifier_groups (id, slug, name_ru, name_en, choices_min, choices_max, position, version, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET \
        slug = excluded.slug, name_ru = excluded.name_ru, name_en = excluded.name_en, \
        choices_min = excluded.choices_min, choices_max = excluded.choices_max, version = excluded.version, \
        updated_at = excluded.updated_at";
    /// A modifier, new or changed.
    PUT_MODIFIER = "INSERT INTO modifiers (id, group_id, slug, name_ru, name_en, position, archived) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, \
        name_ru = excluded.name_ru, name_en = excluded.name_en, position = excluded.position, \
        archived = excluded.archived";
    /// Makes room among the slugs of a group, whose modifiers may exchange theirs. No slug of a guest's begins so.
    ASIDE_MODIFIERS = "UPDATE modifiers SET slug = '=' || id WHERE group_id = $1";
    /// What a modifier costs.
    PUT_MODIFIER_PRICE = "INSERT INTO modifier_prices (price_list, modifier_id, amount) VALUES ($1, $2, $3) \
        ON CONFLICT (price_list, modifier_id) DO UPDATE SET amount = excluded.amount";
    /// The products that offer a group.
    PRODUCTS_OF_GROUP = "SELECT products.id, products.version FROM product_modifier_groups \
        JOIN products ON products.id = product_modifier_groups.product_id \
        WHERE product_modifier_groups.group_id = $1 AND products.archived = 0 ORDER BY products.id";
    /// The place after the last product of a category.
    NEXT_PRODUCT_POSITION = "SELECT COALESCE(MAX(position), 0) + 1 FROM products WHERE category_id = $1";
    /// A product, new or changed.
    PUT_PRODUCT = "INSERT INTO products (id, sku, category_id, name_ru, name_en, description, composition, nutrition, \
        image_url, tracked, position, search_words, archived, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO UPDATE SET \
        sku = excluded.sku, category_id = excluded.category_id, name_ru = excluded.name_ru, name_en = excluded.name_en, \
        description = excluded.description, composition = excluded.composition, nutrition = excluded.nutrition, \
        image_url = excluded.image_url, tracked = excluded.tracked, position = excluded.position, \
        search_words = excluded.search_words, archived = excluded.archived, version = excluded.version, \
        updated_at = excluded.updated_at";
    /// A variant, new or changed.
    PUT_VARIANT = "INSERT INTO variants (id, product_id, sku, name_ru, name_en, position, archived) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET sku = excluded.sku, \
        name_ru = excluded.name_ru, name_en = excluded.name_en, position = excluded.position, \
        archived = excluded.archived";
    /// Makes room among the article numbers of a product, whose variants may exchange theirs. None begins so.
    ASIDE_VARIANTS = "UPDATE variants SET sku = '=' || id WHERE product_id = $1";
    /// What a variant costs.
    PUT_VARIANT_PRICE = "INSERT INTO variant_prices (price_list, variant_id, amount) VALUES ($1, $2, $3) \
        ON CONFLICT (price_list, variant_id) DO UPDATE SET amount = excluded.amount";
    /// What could be added to a product.
    CLEAR_PRODUCT_GROUPS = "DELETE FROM product_modifier_groups WHERE product_id = $1";
    /// What can be added to a product.
    PUT_PRODUCT_GROUP = "INSERT INTO product_modifier_groups (product_id, group_id, position) VALUES ($1, $2, $3)";
    /// The next products that were changed since a time, for the audit.
    PRODUCTS_CHANGED = "SELECT id, version FROM products WHERE id > $1 AND updated_at >= $2 ORDER BY id LIMIT $3";
    /// How often a product has changed, for the audit.
    VERSION_OF_PRODUCT = "SELECT version FROM products WHERE id = $1";
}

/// The price list, locked; made in this currency when there is none.
pub(crate) fn lock_list(tx: &mut Tx<'_>, currency: Currency) -> Result<ListState, StoreError> {
    if let Some(list) = tx.one(&LOCK_LIST, &params![PRICE_LIST], list_state)? {
        return Ok(list);
    }
    tx.execute(&INSERT_LIST, &params![PRICE_LIST, currency])?;
    let list = tx.one(&LOCK_LIST, &params![PRICE_LIST], list_state)?;
    list.ok_or_else(|| StoreError::Fault { at: "LOCK_LIST".to_owned(), reason: "the price list vanished".to_owned() })
}

/// The price list, locked; none before there is one.
pub(crate) fn lock_known_list(tx: &mut Tx<'_>) -> Result<Option<ListState>, StoreError> {
    tx.one(&LOCK_LIST, &params![PRICE_LIST], list_state)
}

/// The menu is another from now on.
pub(crate) fn move_edition(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(&MOVE_EDITION, &params![PRICE_LIST]).map(drop)
}

pub(crate) fn find_category(tx: &mut Tx<'_>, slug: &str) -> Result<Option<CategoryId>, StoreError> {
    tx.one(&FIND_CATEGORY, &params![slug], |row| row.get(0))
}

pub(crate) fn find_group(tx: &mut Tx<'_>, slug: &str) -> Result<Option<ModifierGroupId>, StoreError> {
    tx.one(&FIND_GROUP, &params![slug], |row| row.get(0))
}

pub(crate) fn next_category_position(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx.one(&NEXT_CATEGORY_POSITION, &params![], |row| row.get(0))?.unwrap_or(1))
}

pub(crate) fn next_group_position(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx.one(&NEXT_GROUP_POSITION, &params![], |row| row.get(0))?.unwrap_or(1))
}

pub(crate) fn next_product_position(tx: &mut Tx<'_>, category: CategoryId) -> Result<i64, StoreError> {
    Ok(tx.one(&NEXT_PRODUCT_POSITION, &params![category], |row| row.get(0))?.unwrap_or(1))
}

pub(crate) fn products_of_group(
    snapshot: &mut Snapshot<'_>,
    group: ModifierGroupId,
) -> Result<Vec<(ProductId, i64)>, StoreError> {
    snapshot.list(&PRODUCTS_OF_GROUP, &params![group], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub(crate) fn put_categories(tx: &mut Tx<'_>, categories: &[Category]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Param<'_>>> = categories.iter().map(category_row).collect();
    tx.execute_many(&PUT_CATEGORY, &rows).map(drop)
}

fn category_row(category: &Category) -> Vec<Param<'_>> {
    let Category { id, slug, name, position, version, created_at, updated_at } = category;
    params![id, slug, &name.ru, &name.en, position, version, created_at, updated_at].to_vec()
}

/// Groups with their modifiers and prices.
pub(crate) fn put_groups(tx: &mut Tx<'_>, groups: &[ModifierGroup]) -> Result<(), StoreError> {
    let mut heads = Vec::with_capacity(groups.len());
    let changed: Vec<_> = groups.iter().filter(|g| g.version > 1).map(|g| params![g.id].to_vec()).collect();
    let mut modifiers = Vec::new();
    let mut prices = Vec::new();
    for g in groups {
        let name = &g.name;
        heads.push(
            params![g.id, &g.slug, &name.ru, &name.en, g.min, g.max, g.position, g.version, g.created_at, g.updated_at]
                .to_vec(),
        );
        for (position, m) in (0_i64..).zip(&g.modifiers) {
            modifiers.push(params![m.id, g.id, &m.slug, &m.name.ru, &m.name.en, position, m.archived].to_vec());
            prices.push(params![PRICE_LIST, m.id, m.price.amount()].to_vec());
        }
    }
    tx.execute_many(&PUT_GROUP, &heads)?;
    tx.execute_many(&ASIDE_MODIFIERS, &changed)?;
    tx.execute_many(&PUT_MODIFIER, &modifiers)?;
    tx.execute_many(&PUT_MODIFIER_PRICE, &prices).map(drop)
}

/// Products with their variants, prices and groups.
pub(crate) fn put_products(tx: &mut Tx<'_>, products: &[Product]) -> Result<(), StoreError> {
    let mut variants = Vec::new();
    let mut prices = Vec::new();
    let mut cleared = Vec::new();
    let mut offered = Vec::new();
    for product in products {
        for (position, v) in (0_i64..).zip(&product.variants) {
            variants.push(params![v.id, product.id, &v.sku, &v.name.ru, &v.name.en, position, v.archived].to_vec());
            prices.push(params![PRICE_LIST, v.id, v.price.amount()].to_vec());
        }
        cleared.push(params![product.id].to_vec());
        offered.extend((0_i64..).zip(&product.groups).map(|(n, group)| params![product.id, group, n].to_vec()));
    }
    let heads: Vec<Vec<Param<'_>>> = products.iter().map(product_row).collect();
    let changed: Vec<_> = products.iter().filter(|p| p.version > 1).map(|p| params![p.id].to_vec()).collect();
    tx.execute_many(&PUT_PRODUCT, &heads)?;
    tx.execute_many(&ASIDE_VARIANTS, &changed)?;
    tx.execute_many(&PUT_VARIANT, &variants)?;
    tx.execute_many(&PUT_VARIANT_PRICE, &prices)?;
    tx.execute_many(&CLEAR_PRODUCT_GROUPS, &cleared)?;
    tx.execute_many(&PUT_PRODUCT_GROUP, &offered).map(drop)
}

fn product_row(product: &Product) -> Vec<Param<'_>> {
    params![
        product.id,
        &product.sku,
        product.category,
        &product.name.ru,
        &product.name.en,
        product.description.as_ref().map(json),
        product.composition.as_ref().map(json),
        product.nutrition.as_ref().map(json),
        &product.image_url,
        product.tracked,
        product.position,
        product.search_words(),
        product.archived,
        product.version,
        product.created_at,
        product.updated_at,
    ]
    .to_vec()
}

/// The next products of a stretch, with their versions.
pub(crate) fn products_changed(
    snapshot: &mut Snapshot<'_>,
    stretch: &Stretch,
) -> Result<Vec<(String, i64)>, StoreError> {
    let wanted = params![&stretch.after_id, stretch.since, stretch.things];
    snapshot.list(&PRODUCTS_CHANGED, &wanted, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// How often a product has changed; nothing if there is none.
pub(crate) fn version_of_product(snapshot: &mut Snapshot<'_>, id: &str) -> Result<Option<i64>, StoreError> {
    snapshot.one(&VERSION_OF_PRODUCT, &params![id], |row| row.get(0))
}
