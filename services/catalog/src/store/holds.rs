//! Holds: one row per order.

use std::collections::BTreeMap;

use contracts::{OrderId, ShopId, VariantId};
use kernel::Timestamp;
use store::{Column, FromColumn, Row, Snapshot, StoreError, Tx, params};

use super::{from_json, json};
use crate::model::hold::{Hold, HoldState};
use crate::model::menu::MenuVersion;
use crate::model::pricing::Offer;

store::statements! {
    /// A first hold. Nothing is inserted when there is one already, or when the menu is not the one that the lines
    /// were priced from: so the proof of the price and the hold are one statement.
    INSERT_HOLD = "INSERT INTO stock_holds \
        (order_id, shop_id, state, stock, lines, ask_at, asked, version, created_at, updated_at) \
        SELECT CAST($1 AS TEXT), shops.id, 'active', CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), 1, 1, \
        CAST($6 AS BIGINT), CAST($6 AS BIGINT) \
        FROM shops JOIN price_lists ON price_lists.slug = shops.price_list \
        WHERE shops.id = $2 AND price_lists.edition = $7 AND shops.menu_version = $8 \
        ON CONFLICT (order_id) DO NOTHING";
    /// Whether an order ever had a hold.
    HAS_HOLD = "SELECT 1 FROM stock_holds WHERE order_id = $1";
    /// A hold in order to change it.
    LOCK_HOLD = "SELECT order_id, shop_id, state, stock, lines, asked, version FROM stock_holds WHERE order_id = $1 FOR UPDATE";
    /// A live hold was asked for again.
    RENEW_HOLD = "UPDATE stock_holds SET ask_at = $2, asked = asked + 1, version = version + 1, updated_at = $3 \
        WHERE order_id = $1";
    /// A hold that was given back is taken anew.
    RETAKE_HOLD = "UPDATE stock_holds SET state = 'active', shop_id = $2, stock = $3, lines = $4, ask_at = $5, \
        asked = asked + 1, version = version + 1, updated_at = $6 WHERE order_id = $1";
    /// A hold reached another state.
    MOVE_HOLD = "UPDATE stock_holds SET state = $2, version = version + 1, updated_at = $3 WHERE order_id = $1";
    /// When orders is to be asked about a hold.
    ASK_HOLD = "UPDATE stock_holds SET ask_at = $2, version = version + 1, updated_at = $3 WHERE order_id = $1";
    /// The holds that orders is to be asked about.
    DUE_HOLDS = "SELECT order_id, version FROM stock_holds WHERE state = 'active' AND ask_at <= $1 \
        ORDER BY ask_at, order_id LIMIT 100";
    /// Orders whose stock left although their hold was not committed (STK-4).
    SOLD_WITHOUT_HOLD = "SELECT DISTINCT stock_movements.order_id FROM stock_movements \
        LEFT JOIN stock_holds ON stock_holds.order_id = stock_movements.order_id \
        WHERE stock_movements.kind = 'sale' AND stock_movements.order_id IS NOT NULL \
        AND (stock_holds.state IS NULL OR stock_holds.state NOT IN ('committed', 'returned')) \
        ORDER BY stock_movements.order_id LIMIT 1000";
    /// Committed holds whose stock never left (STK-4).
    COMMITTED_WITHOUT_SALE = "SELECT order_id FROM stock_holds WHERE state IN ('committed', 'returned') \
        AND stock <> '{}' AND NOT EXISTS (SELECT 1 FROM stock_movements \
            WHERE stock_movements.order_id = stock_holds.order_id AND stock_movements.kind = 'sale') \
        ORDER BY order_id LIMIT 1000";
    /// Orders whose stock is held or sold, for the audit.
    LIST_KEPT = "SELECT order_id FROM stock_holds WHERE state IN ('active', 'committed') ORDER BY order_id";
    /// What is held, for the audit.
    LIST_ACTIVE = "SELECT order_id, shop_id, stock FROM stock_holds WHERE state = 'active' ORDER BY order_id";
}

impl FromColumn for HoldState {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        let text = String::from_column(column)?;
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| "not a state of a hold".to_owned())
    }
}

/// An active hold, for the audit.
#[derive(Clone, Debug)]
pub(crate) struct ActiveHold {
    pub(crate) order_id: OrderId,
    pub(crate) shop_id: ShopId,
    pub(crate) stock: BTreeMap<VariantId, i64>,
}

/// For which order, where, until when, and from which menu.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) order_id: OrderId,
    pub(crate) shop_id: ShopId,
    pub(crate) ask_at: Timestamp,
    pub(crate) menu: MenuVersion,
}

/// An offer as the texts of its row: made once, before the writer's turn comes.
#[derive(Clone, Debug)]
pub(crate) struct OfferText {
    stock: String,
    lines: String,
}

impl OfferText {
    pub(crate) fn of(offer: &Offer) -> Self {
        Self { stock: json(&offer.stock), lines: json(&offer.bill) }
    }
}

/// Inserts the hold; the transaction fails with [`StoreError::Untouched`] when there is one, or the menu has moved.
pub(crate) fn insert(tx: &mut Tx<'_>, claim: &Claim, offer: &OfferText) -> Result<(), StoreError> {
    let now = tx.now();
    let row = params![
        claim.order_id,
        claim.shop_id,
        &offer.stock,
        &offer.lines,
        claim.ask_at,
        now,
        claim.menu.edition,
        claim.menu.shop,
    ];
    tx.expect_one(&INSERT_HOLD, &row, StoreError::Untouched { statement: INSERT_HOLD.name })
}

pub(crate) fn exists(snapshot: &mut Snapshot<'_>, order: OrderId) -> Result<bool, StoreError> {
    Ok(snapshot.one(&HAS_HOLD, &params![order], |_| Ok(()))?.is_some())
}

pub(crate) fn lock(tx: &mut Tx<'_>, order: OrderId) -> Result<Option<Hold>, StoreError> {
    tx.one(&LOCK_HOLD, &params![order], hold)
}

pub(crate) fn renew(tx: &mut Tx<'_>, order: OrderId, ask_at: Timestamp) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute_later(&RENEW_HOLD, &params![order, ask_at, now])
}

pub(crate) fn retake(tx: &mut Tx<'_>, claim: &Claim, offer: &OfferText) -> Result<(), StoreError> {
    let now = tx.now();
    let row = params![claim.order_id, claim.shop_id, &offer.stock, &offer.lines, claim.ask_at, now];
    tx.execute_later(&RETAKE_HOLD, &row)
}

pub(crate) fn move_to(tx: &mut Tx<'_>, order: OrderId, state: HoldState) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute_later(&MOVE_HOLD, &params![order, state.as_str(), now])
}

pub(crate) fn ask_at(tx: &mut Tx<'_>, order: OrderId, at: Timestamp) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute_later(&ASK_HOLD, &params![order, at, now])
}

/// Orders to ask about, with the version of each hold as it was read.
pub(crate) fn due(snapshot: &mut Snapshot<'_>, now: Timestamp) -> Result<Vec<(OrderId, i64)>, StoreError> {
    snapshot.list(&DUE_HOLDS, &params![now], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub(crate) fn sold_without_hold(snapshot: &mut Snapshot<'_>) -> Result<Vec<OrderId>, StoreError> {
    snapshot.list(&SOLD_WITHOUT_HOLD, &params![], |row| row.get(0))
}

pub(crate) fn committed_without_sale(snapshot: &mut Snapshot<'_>) -> Result<Vec<OrderId>, StoreError> {
    snapshot.list(&COMMITTED_WITHOUT_SALE, &params![], |row| row.get(0))
}

pub(crate) fn kept(snapshot: &mut Snapshot<'_>) -> Result<Vec<OrderId>, StoreError> {
    snapshot.list(&LIST_KEPT, &params![], |row| row.get(0))
}

pub(crate) fn active(snapshot: &mut Snapshot<'_>) -> Result<Vec<ActiveHold>, StoreError> {
    snapshot.list(&LIST_ACTIVE, &params![], |row| {
        let stock: String = row.get(2)?;
        Ok(ActiveHold { order_id: row.get(0)?, shop_id: row.get(1)?, stock: from_json(&stock, "stock_holds.stock")? })
    })
}

fn hold(row: &Row<'_>) -> Result<Hold, StoreError> {
    let stock: String = row.get(3)?;
    let lines: String = row.get(4)?;
    Ok(Hold {
        order_id: row.get(0)?,
        shop_id: row.get(1)?,
        state: row.get(2)?,
        stock: from_json(&stock, "stock_holds.stock")?,
        bill: from_json(&lines, "stock_holds.lines")?,
        asked: row.get(5)?,
        version: row.get(6)?,
    })
}
