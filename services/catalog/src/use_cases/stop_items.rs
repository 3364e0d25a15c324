//! The stop-list of a shop: what it cannot sell now, until a time or until further notice.

use std::sync::Arc;
use std::time::Duration;

use contracts::ShopId;
use serde_json::json;
use store::{StoreError, Tx};

use super::announce;
use super::editor::{Deed, Editor};
use crate::error::Error;
use crate::model::item::ItemId;
use crate::model::menu::Menu;
use crate::store::shops::{self, Stop};
use crate::store::{menu, missing};

/// Puts an item on the list, or says anew until when and why. `known` is the menu in memory, which tells the products
/// that an item stands for.
pub(crate) fn stop(
    tx: &mut Tx<'_>,
    editor: &Editor,
    shop: ShopId,
    stop: &Stop,
    known: &Arc<Menu>,
) -> Result<Stop, Error> {
    if !has(known, stop.item) {
        return Err(Error::Unknown("item"));
    }
    changing(tx, shop, known, |tx| shops::put_stop(tx, shop, stop))?;
    let deed = Deed::new("catalog.stop-list.put", stop.item.text().as_str()).shop(shop);
    editor.record(tx, deed.after(json!({ "until": stop.until })))?;
    let stored = shops::read_stop(tx, shop, stop.item)?;
    stored.ok_or_else(|| missing("stop_list.item_id").into())
}

/// Takes an item off the list; one that is not on it is fine.
pub(crate) fn resume(
    tx: &mut Tx<'_>,
    editor: &Editor,
    shop: ShopId,
    item: ItemId,
    known: &Arc<Menu>,
) -> Result<(), Error> {
    if shops::read_stop(tx, shop, item)?.is_none() {
        return Ok(());
    }
    changing(tx, shop, known, |tx| shops::delete_stop(tx, shop, item).map(drop))?;
    editor.record(tx, Deed::new("catalog.stop-list.delete", item.text().as_str()).shop(shop))?;
    Ok(())
}

/// Takes off the list what has ended by itself.
pub(crate) fn end(tx: &mut Tx<'_>, shop: ShopId, known: &Arc<Menu>) -> Result<(), Error> {
    changing(tx, shop, known, |_| Ok(()))?;
    Editor::system().record(tx, Deed::new("catalog.stop-list.end", shop.to_string()).shop(shop))?;
    Ok(())
}

/// Changes the stop-list, and tells which products can be had now and could not, and the other way round. What has
/// ended by itself goes off the list with it: until then it held, as far as others were told.
fn changing(
    tx: &mut Tx<'_>,
    shop: ShopId,
    known: &Arc<Menu>,
    change: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError>,
) -> Result<(), Error> {
    let now = tx.now();
    shops::touch_menu(tx, shop)?;
    let view = menu::load_shop_with(tx, shop, Arc::clone(known))?;
    let mut view = view.ok_or(Error::UnknownShop(shop))?;
    let first_end = view.stops.values().copied().flatten().min().filter(|end| *end <= now);
    let told_at = first_end.map_or(now, |end| end.minus(Duration::from_micros(1)));
    let before = announce::had(&view, told_at);
    shops::delete_ended_stops(tx, shop, now)?;
    change(tx)?;
    menu::load_state(tx, shop, &mut view)?;
    announce::difference(tx, shop, &before, &announce::had(&view, now))?;
    Ok(())
}

fn has(menu: &Menu, item: ItemId) -> bool {
    match item {
        ItemId::Product(id) => menu.product(id).is_some(),
        ItemId::Variant(id) => menu.variant(id).is_some(),
        ItemId::Modifier(id) => menu.modifier(id).is_some(),
    }
}
