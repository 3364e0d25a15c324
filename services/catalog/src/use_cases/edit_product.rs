//! Products: made, changed, archived; never deleted.

use contracts::catalog::{ProductChange, ProductChanged};
use contracts::{CategoryId, ModifierGroupId, ProductId};
use kernel::{Currency, Text};
use serde_json::{Value, json};
use service::{Fault, Stale};
use store::{Snapshot, StoreError, Tx};

use super::editor::{Deed, Editor};
use crate::app::Ids;
use crate::error::Error;
use crate::model::category::Category;
use crate::model::product::{Places, Product, ProductDraft};
use crate::store::menu::{self, Purpose};
use crate::store::{edits, missing};

const UNKNOWN_GROUP: Text = Text { en: "is not a modifier group", ru: "нет такой группы добавок" };

/// A product with the slugs that stand for its category and groups.
#[derive(Clone, Debug)]
pub(crate) struct ProductPage {
    pub(crate) product: Product,
    pub(crate) category: Category,
    pub(crate) groups: Vec<String>,
}

/// Makes a product; a category that is not known yet is made with it.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    ids: Ids<'_>,
    editor: &Editor,
    draft: &ProductDraft,
) -> Result<ProductPage, Error> {
    let currency = draft.variants.first().map(|variant| variant.price.currency());
    let list = edits::lock_list(tx, currency.unwrap_or(Currency::RUB))?;
    refuse(draft.id_faults(&[]))?;
    refuse(draft.currency_faults(list.currency))?;
    let places = places(tx, ids, draft, None)?;
    let product = draft.made(ids.next(), &places, ids.now, &mut || ids.next());
    save(tx, &product, ProductChange::Created)?;
    editor.record(tx, Deed::new("catalog.product.create", product.id.to_string()).after(trail(&product)))?;
    page(tx, product)
}

/// Changes a product that stands at this version; a change that changes nothing leaves the version where it is.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    ids: Ids<'_>,
    editor: &Editor,
    target: (ProductId, i64),
    draft: &ProductDraft,
) -> Result<ProductPage, Error> {
    let (id, version) = target;
    let list = edits::lock_known_list(tx)?.ok_or(Error::Unknown("product"))?;
    let current = menu::product(tx, id, list.currency, Purpose::Change)?.ok_or(Error::Unknown("product"))?;
    if current.version != version {
        return Err(Stale { current: current.version }.into());
    }
    refuse(draft.id_faults(&current.variants))?;
    refuse(draft.currency_faults(list.currency))?;
    let places = places(tx, ids, draft, Some(&current))?;
    let wanted = draft.applied_to(&current, &places, &mut || ids.next());
    if wanted == current {
        return page(tx, current);
    }
    let product = Product { version: current.version + 1, updated_at: ids.now, ..wanted };
    save(tx, &product, change_of(&current, &product))?;
    let deed = Deed::new("catalog.product.update", id.to_string()).before(trail(&current)).after(trail(&product));
    editor.record(tx, deed)?;
    page(tx, product)
}

/// A product as staff edit it.
pub(crate) fn read(snapshot: &mut Snapshot<'_>, id: ProductId) -> Result<ProductPage, Error> {
    let list = menu::read_list(snapshot)?.ok_or(Error::Unknown("product"))?;
    let product = menu::product(snapshot, id, list.currency, Purpose::Show)?.ok_or(Error::Unknown("product"))?;
    page(snapshot, product)
}

/// What others are told about the change of a product.
pub(crate) fn change_of(before: &Product, after: &Product) -> ProductChange {
    if after.archived && !before.archived { ProductChange::Archived } else { ProductChange::Changed }
}

/// Prices and states, for the audit trail.
pub(crate) fn trail(product: &Product) -> Value {
    let variant = |v: &crate::model::product::Variant| json!({ "id": v.id, "sku": v.sku, "price": v.price, "archived": v.archived });
    json!({
        "version": product.version,
        "sku": product.sku,
        "category_id": product.category,
        "name": product.name,
        "tracked": product.tracked,
        "archived": product.archived,
        "variants": product.variants.iter().map(variant).collect::<Vec<_>>(),
        "modifier_groups": product.groups,
    })
}

/// A 422 with these faults, if there are any.
pub(crate) fn refuse(faults: Vec<Fault>) -> Result<(), Error> {
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// A name that is taken is told as such.
pub(crate) fn taken(error: StoreError) -> Error {
    let what = match () {
        () if error.violates("products_sku_unique") || error.violates("variants_sku_unique") => "sku",
        () if error.violates("modifier_groups_slug_unique") || error.violates("categories_slug_unique") => "slug",
        () => return error.into(),
    };
    Error::Taken { what }
}

fn save(tx: &mut Tx<'_>, product: &Product, change: ProductChange) -> Result<(), Error> {
    edits::put_products(tx, std::slice::from_ref(product)).map_err(taken)?;
    edits::move_edition(tx)?;
    let (product_id, version, at) = (product.id, product.version, tx.now());
    tx.publish(&ProductChanged { product_id, change, shop_id: None, at, version })?;
    Ok(())
}

fn page(snapshot: &mut Snapshot<'_>, product: Product) -> Result<ProductPage, Error> {
    let category = menu::category_by_id(snapshot, product.category, Purpose::Show)?;
    let category = category.ok_or_else(|| missing("products.category_id"))?;
    let mut groups = Vec::with_capacity(product.groups.len());
    for id in &product.groups {
        let slug = menu::group_slug(snapshot, *id)?;
        groups.push(slug.ok_or_else(|| missing("product_modifier_groups.group_id"))?);
    }
    Ok(ProductPage { product, category, groups })
}

fn places(tx: &mut Tx<'_>, ids: Ids<'_>, draft: &ProductDraft, current: Option<&Product>) -> Result<Places, Error> {
    let groups = groups(tx, &draft.groups)?;
    let category = category(tx, ids, &draft.category)?;
    let position = match current {
        // Who moves to another category goes to its end.
        Some(product) if product.category == category => product.position,
        Some(_) | None => edits::next_product_position(tx, category)?,
    };
    Ok(Places { category, groups, position })
}

fn groups(tx: &mut Tx<'_>, slugs: &[String]) -> Result<Vec<ModifierGroupId>, Error> {
    let mut groups = Vec::with_capacity(slugs.len());
    let mut faults = Vec::new();
    for (index, slug) in slugs.iter().enumerate() {
        match edits::find_group(tx, slug)? {
            Some(id) => groups.push(id),
            None => faults.push(Fault::new(format!("/modifier_groups/{index}"), "unknown-group", UNKNOWN_GROUP)),
        }
    }
    refuse(faults)?;
    Ok(groups)
}

fn category(tx: &mut Tx<'_>, ids: Ids<'_>, slug: &str) -> Result<CategoryId, Error> {
    if let Some(id) = edits::find_category(tx, slug)? {
        return Ok(id);
    }
    let position = edits::next_category_position(tx)?;
    let category = Category::of_slug(ids.next(), slug, position, ids.now);
    edits::put_categories(tx, std::slice::from_ref(&category)).map_err(taken)?;
    Ok(category.id)
}
