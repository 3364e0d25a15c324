//! Shops and their stop-lists.

use contracts::ShopId;
use kernel::Timestamp;
use store::{Row, Snapshot, StoreError, Tx, params};

use super::{PRICE_LIST, from_json, json, menu};
use crate::model::item::ItemId;
use crate::model::shop::{Shop, ShopDraft};

macro_rules! shop {
    () => {
        "SELECT id, name, address, lat, lon, time_zone, currency, lead_time_min, hours, closed_days, slot_minutes, \
         slot_capacity, version, menu_version, created_at, updated_at FROM shops "
    };
}
macro_rules! stop {
    () => {
        "SELECT item_id, until_at, reason, created_at FROM stop_list "
    };
}

store::statements! {
    /// A new shop.
    INSERT_SHOP = "INSERT INTO shops (id, name, address, lat, lon, time_zone, currency, price_list, lead_time_min, hours, \
        closed_days, slot_minutes, slot_capacity, version, menu_version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    /// An edited shop.
    UPDATE_SHOP = "UPDATE shops SET name = $2, address = $3, lat = $4, lon = $5, time_zone = $6, lead_time_min = $7, \
        hours = $8, closed_days = $9, slot_minutes = $10, slot_capacity = $11, version = version + 1, \
        menu_version = menu_version + 1, updated_at = $12 WHERE id = $1";
    /// A shop.
    READ_SHOP = concat!(shop!(), "WHERE id = $1");
    /// A shop in order to change it.
    LOCK_SHOP = concat!(shop!(), "WHERE id = $1 FOR UPDATE");
    /// Every shop, up to a bound.
    LIST_SHOPS = concat!(shop!(), "ORDER BY id LIMIT $1");
    /// The menu of a shop looks different from now on.
    TOUCH_MENU = "UPDATE shops SET menu_version = menu_version + 1 WHERE id = $1";
    /// Puts an item on the list, or says anew until when and why.
    PUT_STOP = "INSERT INTO stop_list (shop_id, item_id, until_at, reason, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (shop_id, item_id) DO UPDATE SET until_at = excluded.until_at, reason = excluded.reason";
    /// Takes an item off the list.
    DELETE_STOP = "DELETE FROM stop_list WHERE shop_id = $1 AND item_id = $2";
    /// What is on a shop's list.
    LIST_STOPS = concat!(stop!(), "WHERE shop_id = $1 AND item_id > $2 ORDER BY item_id LIMIT $3");
    /// One item of a shop's list.
    READ_STOP = concat!(stop!(), "WHERE shop_id = $1 AND item_id = $2");
    /// The shops where a stop has ended.
    SHOPS_WITH_ENDED_STOPS = "SELECT DISTINCT shop_id FROM stop_list WHERE until_at <= $1 ORDER BY shop_id LIMIT 100";
    /// Takes what has ended off a shop's list.
    DELETE_ENDED_STOPS = "DELETE FROM stop_list WHERE shop_id = $1 AND until_at <= $2";
}

/// Shops of one installation; beyond this a list of all of them makes no sense.
pub(crate) const SHOPS_MAX: i64 = 10_000;

/// An item on a stop-list.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) item: ItemId,
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: Timestamp,
}

pub(crate) fn read(snapshot: &mut Snapshot<'_>, id: ShopId) -> Result<Option<Shop>, StoreError> {
    snapshot.one(&READ_SHOP, &params![id], shop)
}

pub(crate) fn lock(tx: &mut Tx<'_>, id: ShopId) -> Result<Option<Shop>, StoreError> {
    tx.one(&LOCK_SHOP, &params![id], shop)
}

pub(crate) fn list(snapshot: &mut Snapshot<'_>) -> Result<Vec<Shop>, StoreError> {
    snapshot.list(&LIST_SHOPS, &params![SHOPS_MAX], shop)
}

pub(crate) fn insert(tx: &mut Tx<'_>, shop: &Shop) -> Result<(), StoreError> {
    let draft = &shop.draft;
    let row = params![
        shop.id,
        &draft.name,
        &draft.address,
        draft.lat,
        draft.lon,
        &draft.time_zone,
        draft.currency,
        PRICE_LIST,
        draft.lead_time_min,
        json(&draft.hours),
        json(&draft.closed_days),
        draft.slot_minutes,
        draft.slot_capacity,
        shop.version,
        shop.menu_version,
        shop.created_at,
        shop.updated_at,
    ];
    tx.execute(&INSERT_SHOP, &row).map(drop)
}

pub(crate) fn update(tx: &mut Tx<'_>, id: ShopId, draft: &ShopDraft) -> Result<(), StoreError> {
    let now = tx.now();
    let row = params![
        id,
        &draft.name,
        &draft.address,
        draft.lat,
        draft.lon,
        &draft.time_zone,
        draft.lead_time_min,
        json(&draft.hours),
        json(&draft.closed_days),
        draft.slot_minutes,
        draft.slot_capacity,
        now,
    ];
    tx.execute(&UPDATE_SHOP, &row).map(drop)
}

/// The shop's menu looks different from now on. Also makes concurrent changes of its availability wait for each other,
/// so that each sees what the other did.
pub(crate) fn touch_menu(tx: &mut Tx<'_>, id: ShopId) -> Result<(), StoreError> {
    tx.execute(&TOUCH_MENU, &params![id]).map(drop)
}

pub(crate) fn put_stop(tx: &mut Tx<'_>, shop: ShopId, stop: &Stop) -> Result<(), StoreError> {
    let row = params![shop, stop.item.text(), stop.until, &stop.reason, stop.created_at];
    tx.execute(&PUT_STOP, &row).map(drop)
}

pub(crate) fn delete_stop(tx: &mut Tx<'_>, shop: ShopId, item: ItemId) -> Result<u64, StoreError> {
    tx.execute(&DELETE_STOP, &params![shop, item.text()])
}

pub(crate) fn read_stop(snapshot: &mut Snapshot<'_>, shop: ShopId, item: ItemId) -> Result<Option<Stop>, StoreError> {
    snapshot.one(&READ_STOP, &params![shop, item.text()], stop)
}

pub(crate) fn list_stops(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    after: &str,
    rows: i64,
) -> Result<Vec<Stop>, StoreError> {
    snapshot.list(&LIST_STOPS, &params![shop, after, rows], stop)
}

pub(crate) fn shops_with_ended_stops(snapshot: &mut Snapshot<'_>, now: Timestamp) -> Result<Vec<ShopId>, StoreError> {
    snapshot.list(&SHOPS_WITH_ENDED_STOPS, &params![now], |row| row.get(0))
}

pub(crate) fn delete_ended_stops(tx: &mut Tx<'_>, shop: ShopId, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&DELETE_ENDED_STOPS, &params![shop, now])
}

fn stop(row: &Row<'_>) -> Result<Stop, StoreError> {
    Ok(Stop { item: menu::item(row, 0)?, until: row.get(1)?, reason: row.get(2)?, created_at: row.get(3)? })
}

fn shop(row: &Row<'_>) -> Result<Shop, StoreError> {
    let hours: String = row.get(8)?;
    let closed_days: String = row.get(9)?;
    let draft = ShopDraft {
        name: row.get(1)?,
        address: row.get(2)?,
        lat: row.get(3)?,
        lon: row.get(4)?,
        time_zone: row.get(5)?,
        currency: row.get(6)?,
        lead_time_min: row.get(7)?,
        hours: from_json(&hours, "shops.hours")?,
        closed_days: from_json(&closed_days, "shops.closed_days")?,
        slot_minutes: row.get(10)?,
        slot_capacity: row.get(11)?,
    };
    Ok(Shop {
        id: row.get(0)?,
        draft,
        version: row.get(12)?,
        menu_version: row.get(13)?,
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
    })
}
