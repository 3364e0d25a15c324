//! What a shop runs out of, or has again: its menu's version moves, and others are told.

use std::collections::{BTreeMap, BTreeSet};

use contracts::catalog::{ProductChange, ProductChanged};
use contracts::{ProductId, ShopId, VariantId};
use store::{StoreError, Tx};

use crate::model::menu::ShopMenu;
use crate::model::stock::Flip;
use crate::store::levels::{self, Shelf};
use crate::store::shops;

/// Tells about variants that sold out or came back. An event is about a product: it is told only when the product
/// as a whole sold out or came back.
///
/// The shop's row is touched first: two transactions that sell out the last two sizes of a product wait for each other
/// there, and the second sees what the first did.
pub(crate) fn flips(tx: &mut Tx<'_>, shop: ShopId, flips: &[Flip]) -> Result<(), StoreError> {
    if flips.is_empty() {
        return Ok(());
    }
    shops::touch_menu(tx, shop)?;
    let mut told = BTreeSet::new();
    for flip in flips {
        let now = tx.now();
        let shelves = levels::of_product(tx, shop, flip.variant(), now)?;
        let Some(first) = shelves.first() else { continue };
        if !told.insert(first.product_id) {
            continue;
        }
        let change = match (had_before(&shelves, flips), shelves.iter().any(Shelf::can_be_had)) {
            (true, false) => ProductChange::SoldOut,
            (false, true) => ProductChange::Available,
            (true, true) | (false, false) => continue,
        };
        let (product_id, version) = (first.product_id, first.product_version);
        tx.publish(&ProductChanged { product_id, change, shop_id: Some(shop), at: now, version })?;
    }
    Ok(())
}

/// Whether the product could be had before the flips.
fn had_before(shelves: &[Shelf], flips: &[Flip]) -> bool {
    let flip_of = |variant: VariantId| flips.iter().find(|flip| flip.variant() == variant);
    shelves.iter().any(|shelf| match flip_of(shelf.variant_id) {
        Some(Flip::SoldOut(_)) => shelf.is_offered,
        Some(Flip::Back(_)) => false,
        None => shelf.can_be_had(),
    })
}

/// Which products a shop has, out of a menu.
pub(crate) fn had(menu: &ShopMenu, at: kernel::Timestamp) -> BTreeMap<ProductId, (bool, i64)> {
    let products = menu.menu.entries().iter().map(|entry| &entry.product);
    products.map(|product| (product.id, (menu.has_product(product, at), product.version))).collect()
}

/// Tells about products that a shop has now and had not, or had and has not.
pub(crate) fn difference(
    tx: &mut Tx<'_>,
    shop: ShopId,
    before: &BTreeMap<ProductId, (bool, i64)>,
    after: &BTreeMap<ProductId, (bool, i64)>,
) -> Result<(), StoreError> {
    let at = tx.now();
    for (product_id, (has, version)) in after {
        let change = match (before.get(product_id).is_some_and(|(had, _)| *had), has) {
            (true, false) => ProductChange::SoldOut,
            (false, true) => ProductChange::Available,
            (true, true) | (false, false) => continue,
        };
        tx.publish(&ProductChanged { product_id: *product_id, change, shop_id: Some(shop), at, version: *version })?;
    }
    Ok(())
}
