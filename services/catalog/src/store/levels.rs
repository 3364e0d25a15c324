//! Stock levels and movements. A level changes by conditional update only, and the count of touched rows is looked at.

use std::collections::BTreeMap;

use contracts::{MovementId, OrderId, ProductId, ShopId, VariantId};
use kernel::Timestamp;
use store::{Row, Snapshot, StoreError, Tx, params};

use crate::model::stock::{Level, MovementKind};

store::statements! {
    /// Holds so many, if there are so many.
    HOLD_STOCK = "UPDATE stock_levels SET reserved = reserved + $3 \
        WHERE shop_id = $1 AND variant_id = $2 AND on_hand - reserved >= $3 RETURNING on_hand - reserved";
    /// Holds so many, if more are left then.
    HOLD_OF_PLENTY = "UPDATE stock_levels SET reserved = reserved + $3 \
        WHERE shop_id = $1 AND variant_id = $2 AND on_hand - reserved > $3";
    /// Lets so many go that were held.
    FREE_STOCK = "UPDATE stock_levels SET reserved = reserved - $3 \
        WHERE shop_id = $1 AND variant_id = $2 AND reserved >= $3 RETURNING on_hand - reserved";
    /// So many that were held leave.
    SELL_STOCK = "UPDATE stock_levels SET on_hand = on_hand - $3, reserved = reserved - $3 \
        WHERE shop_id = $1 AND variant_id = $2 AND reserved >= $3 AND on_hand >= $3";
    /// Adds to the shelf, or takes off it what nobody holds.
    MOVE_STOCK = "UPDATE stock_levels SET on_hand = on_hand + $3 \
        WHERE shop_id = $1 AND variant_id = $2 AND on_hand + $3 >= reserved RETURNING on_hand - reserved";
    /// An empty shelf.
    OPEN_LEVEL = "INSERT INTO stock_levels (shop_id, variant_id, on_hand, reserved) VALUES ($1, $2, 0, 0) \
        ON CONFLICT (shop_id, variant_id) DO NOTHING";
    /// What there is.
    READ_LEVEL = "SELECT on_hand, reserved FROM stock_levels WHERE shop_id = $1 AND variant_id = $2";
    /// What there is, in order to change it.
    LOCK_LEVEL = "SELECT on_hand, reserved FROM stock_levels WHERE shop_id = $1 AND variant_id = $2 FOR UPDATE";
    /// What happened on the shelf.
    INSERT_MOVEMENT = "INSERT INTO stock_movements (id, shop_id, variant_id, kind, quantity, order_id, reason, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// What a shop has of each variant of the product that a variant belongs to.
    PRODUCT_SHELVES = "SELECT variants.id, products.id, products.version, products.archived + variants.archived, \
        (SELECT COUNT(*) FROM stop_list WHERE stop_list.shop_id = $2 \
            AND stop_list.item_id IN (products.id, variants.id) \
            AND (stop_list.until_at IS NULL OR stop_list.until_at > $3)), \
        COALESCE(stock_levels.on_hand - stock_levels.reserved, 0) \
        FROM variants asked JOIN products ON products.id = asked.product_id \
        JOIN variants ON variants.product_id = products.id \
        LEFT JOIN stock_levels ON stock_levels.shop_id = $2 AND stock_levels.variant_id = variants.id \
        WHERE asked.id = $1 ORDER BY variants.id";
    /// Whether a variant is tracked.
    READ_TRACKED = "SELECT products.tracked FROM variants JOIN products ON products.id = variants.product_id \
        WHERE variants.id = $1";
    /// The shelves of a shop: tracked variants, and whatever else still lies there.
    LIST_LEVELS = "SELECT variants.id, variants.product_id, variants.sku, products.name_ru, products.name_en, \
        variants.name_ru, variants.name_en, COALESCE(stock_levels.on_hand, 0), COALESCE(stock_levels.reserved, 0) \
        FROM variants JOIN products ON products.id = variants.product_id \
        LEFT JOIN stock_levels ON stock_levels.variant_id = variants.id AND stock_levels.shop_id = $1 \
        WHERE variants.id > $2 AND ((products.tracked = 1 AND products.archived = 0 AND variants.archived = 0) \
            OR stock_levels.on_hand > 0) ORDER BY variants.id LIMIT $3";
    /// Levels that are not the sum of their movements (STK-2).
    LEVELS_OFF_MOVEMENTS = "SELECT stock_levels.shop_id, stock_levels.variant_id, stock_levels.on_hand, \
        CAST(COALESCE(SUM(stock_movements.quantity), 0) AS BIGINT) FROM stock_levels \
        LEFT JOIN stock_movements ON stock_movements.shop_id = stock_levels.shop_id \
            AND stock_movements.variant_id = stock_levels.variant_id \
        GROUP BY stock_levels.shop_id, stock_levels.variant_id, stock_levels.on_hand \
        HAVING stock_levels.on_hand <> COALESCE(SUM(stock_movements.quantity), 0) \
        ORDER BY stock_levels.shop_id, stock_levels.variant_id LIMIT 1000";
    /// Levels that break their own rules (STK-1); the constraints hold, so only damage finds its way here.
    LEVELS_OUT_OF_BOUNDS = "SELECT shop_id, variant_id, on_hand, reserved FROM stock_levels \
        WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand ORDER BY shop_id, variant_id LIMIT 1000";
    /// What every level says is held.
    LIST_RESERVED = "SELECT shop_id, variant_id, reserved FROM stock_levels ORDER BY shop_id, variant_id";
}

/// A row of a shop's list of stock.
#[derive(Clone, Debug)]
pub(crate) struct StockRow {
    pub(crate) variant_id: VariantId,
    pub(crate) product_id: ProductId,
    pub(crate) sku: String,
    pub(crate) product_name: contracts::Localized,
    pub(crate) variant_name: contracts::Localized,
    pub(crate) level: Level,
}

/// A tracked variant in a shop, beside the others of its product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shelf {
    pub(crate) variant_id: VariantId,
    pub(crate) product_id: ProductId,
    pub(crate) product_version: i64,
    /// Neither archived nor stopped.
    pub(crate) is_offered: bool,
    pub(crate) left: i64,
}

impl Shelf {
    pub(crate) const fn can_be_had(&self) -> bool {
        self.is_offered && self.left > 0
    }
}

/// A row of the journal of stock.
#[derive(Clone, Debug)]
pub(crate) struct Movement<'a> {
    pub(crate) id: MovementId,
    pub(crate) shop_id: ShopId,
    pub(crate) variant_id: VariantId,
    pub(crate) kind: MovementKind,
    /// What was added to the shelf.
    pub(crate) change: i64,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) reason: Option<&'a str>,
}

/// Holds so many of each; what is left of it, or none when there are not enough.
pub(crate) fn hold(
    tx: &mut Tx<'_>,
    shop: ShopId,
    stock: &BTreeMap<VariantId, i64>,
) -> Result<Vec<Option<i64>>, StoreError> {
    let rows: Vec<_> = stock.iter().map(|(variant, units)| params![shop, variant, units].to_vec()).collect();
    tx.one_many(&HOLD_STOCK, &rows, |row| row.get(0))
}

/// Holds so many of each, of which more are left then; the transaction fails with [`StoreError::Untouched`] when there are
/// not that many of one.
pub(crate) fn hold_of_plenty(
    tx: &mut Tx<'_>,
    shop: ShopId,
    stock: &BTreeMap<VariantId, i64>,
) -> Result<(), StoreError> {
    let scarce = StoreError::Untouched { statement: HOLD_OF_PLENTY.name };
    stock.iter().try_for_each(|(variant, units)| {
        tx.expect_one_last(&HOLD_OF_PLENTY, &params![shop, variant, units], scarce.clone())
    })
}

/// Lets so many go; what is left then, or none when fewer were held.
pub(crate) fn free(tx: &mut Tx<'_>, shop: ShopId, variant: VariantId, units: i64) -> Result<Option<i64>, StoreError> {
    tx.one(&FREE_STOCK, &params![shop, variant, units], |row| row.get(0))
}

/// So many leave of each; the first variant of which fewer were held, if any.
pub(crate) fn sell(
    tx: &mut Tx<'_>,
    shop: ShopId,
    stock: &BTreeMap<VariantId, i64>,
) -> Result<Option<VariantId>, StoreError> {
    let rows: Vec<_> = stock.iter().map(|(variant, units)| params![shop, variant, units].to_vec()).collect();
    let touched = tx.execute_many(&SELL_STOCK, &rows)?;
    Ok(stock.keys().zip(touched).find(|(_, rows)| *rows != 1).map(|(variant, _)| *variant))
}

/// Adds to the shelf; what is left then, or none when it would fall below what is held.
pub(crate) fn add(tx: &mut Tx<'_>, shop: ShopId, variant: VariantId, change: i64) -> Result<Option<i64>, StoreError> {
    tx.one(&MOVE_STOCK, &params![shop, variant, change], |row| row.get(0))
}

/// What there is of a variant, for who is going to change it; an empty shelf is opened where there is none.
pub(crate) fn lock(tx: &mut Tx<'_>, shop: ShopId, variant: VariantId) -> Result<Level, StoreError> {
    tx.execute(&OPEN_LEVEL, &params![shop, variant])?;
    Ok(tx.one(&LOCK_LEVEL, &params![shop, variant], level)?.unwrap_or(Level { on_hand: 0, reserved: 0 }))
}

/// How many can be had.
pub(crate) fn available(snapshot: &mut Snapshot<'_>, shop: ShopId, variant: VariantId) -> Result<i64, StoreError> {
    Ok(snapshot.one(&READ_LEVEL, &params![shop, variant], level)?.map_or(0, Level::available))
}

pub(crate) fn insert_movements(tx: &mut Tx<'_>, movements: &[Movement<'_>]) -> Result<(), StoreError> {
    let now = tx.now();
    let row = |m: &Movement<'_>| {
        let reason = m.reason.map(str::to_owned);
        params![m.id, m.shop_id, m.variant_id, m.kind.as_str(), m.change, m.order_id, reason, now].to_vec()
    };
    let rows: Vec<_> = movements.iter().map(row).collect();
    tx.execute_many(&INSERT_MOVEMENT, &rows).map(drop)
}

/// The shelves of a variant's product.
pub(crate) fn of_product(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    variant: VariantId,
    now: Timestamp,
) -> Result<Vec<Shelf>, StoreError> {
    snapshot.list(&PRODUCT_SHELVES, &params![variant, shop, now], |row| {
        let (archived, stops): (i64, i64) = (row.get(3)?, row.get(4)?);
        Ok(Shelf {
            variant_id: row.get(0)?,
            product_id: row.get(1)?,
            product_version: row.get(2)?,
            is_offered: archived == 0 && stops == 0,
            left: row.get(5)?,
        })
    })
}

/// Whether the variant's stock is counted; none: there is no such variant.
pub(crate) fn is_tracked(snapshot: &mut Snapshot<'_>, variant: VariantId) -> Result<Option<bool>, StoreError> {
    snapshot.one(&READ_TRACKED, &params![variant], |row| row.get(0))
}

pub(crate) fn list(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    after: &str,
    rows: i64,
) -> Result<Vec<StockRow>, StoreError> {
    snapshot.list(&LIST_LEVELS, &params![shop, after, rows], |row| {
        Ok(StockRow {
            variant_id: row.get(0)?,
            product_id: row.get(1)?,
            sku: row.get(2)?,
            product_name: contracts::Localized { ru: row.get(3)?, en: row.get(4)? },
            variant_name: contracts::Localized { ru: row.get(5)?, en: row.get(6)? },
            level: Level { on_hand: row.get(7)?, reserved: row.get(8)? },
        })
    })
}

/// Shop, variant, and two numbers that should agree.
pub(crate) type LevelRow = (ShopId, VariantId, i64, i64);

pub(crate) fn off_movements(snapshot: &mut Snapshot<'_>) -> Result<Vec<LevelRow>, StoreError> {
    snapshot.list(&LEVELS_OFF_MOVEMENTS, &params![], level_row)
}

pub(crate) fn out_of_bounds(snapshot: &mut Snapshot<'_>) -> Result<Vec<LevelRow>, StoreError> {
    snapshot.list(&LEVELS_OUT_OF_BOUNDS, &params![], level_row)
}

pub(crate) fn reserved(snapshot: &mut Snapshot<'_>) -> Result<Vec<(ShopId, VariantId, i64)>, StoreError> {
    snapshot.list(&LIST_RESERVED, &params![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

fn level(row: &Row<'_>) -> Result<Level, StoreError> {
    Ok(Level { on_hand: row.get(0)?, reserved: row.get(1)? })
}

fn level_row(row: &Row<'_>) -> Result<LevelRow, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}
