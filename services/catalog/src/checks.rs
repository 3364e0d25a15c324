//! The invariants of stock, and of what others are told, as `samovar audit` recomputes them.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use contracts::orders::OrderState;
use contracts::{ShopId, VariantId};
use service::{Check, FactError, FactSet, Facts, Finding};
use store::{Db, Snapshot, StoreError};

use crate::store::{holds, levels};

/// Orders that may hold stock, as orders tells them.
const LIVE_ORDERS: &str = "orders.live";
/// Orders whose guests have paid for their goods.
const SOLD_ORDERS: &str = "orders.sold";
/// Orders that hold stock.
const ACTIVE_HOLDS: &str = "catalog.active-holds";
/// Orders whose stock is held for them or has left with them.
const KEPT_HOLDS: &str = "catalog.kept-holds";

pub(crate) fn all(db: &Db) -> Vec<Check> {
    let rows = vec![
        Check::local("STK-1", out_of_bounds),
        Check::local("STK-2", off_movements),
        Check::local("STK-2", off_holds),
        Check::local("STK-4", sold_without_hold),
        Check::across("STK-3", holds_of_the_dead),
        Check::across("MON-10", sold_without_goods),
    ];
    rows.into_iter().chain(told::checks(db)).collect()
}

/// What is compared with what orders tells.
pub(crate) fn facts() -> Vec<FactSet> {
    vec![
        FactSet::new(ACTIVE_HOLDS, |snapshot| {
            let active = holds::active(snapshot)?;
            Ok(active.into_iter().map(|hold| (hold.order_id.to_string(), hold.shop_id.to_string())).collect())
        }),
        FactSet::new(KEPT_HOLDS, |snapshot| {
            Ok(holds::kept(snapshot)?.into_iter().map(|order| (order.to_string(), ())).collect())
        }),
    ]
}

/// STK-1: on_hand ≥ 0, reserved ≥ 0, reserved ≤ on_hand.
fn out_of_bounds(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let rows = levels::out_of_bounds(snapshot)?;
    let finding = |(shop, variant, on_hand, reserved): levels::LevelRow| {
        Finding::new(level(shop, variant), format!("{on_hand} on the shelf, {reserved} held"))
    };
    Ok(rows.into_iter().map(finding).collect())
}

/// STK-2: on_hand is the sum of the movements.
fn off_movements(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let rows = levels::off_movements(snapshot)?;
    let finding = |(shop, variant, on_hand, moved): levels::LevelRow| {
        Finding::new(level(shop, variant), format!("{on_hand} on the shelf, its movements make {moved}"))
    };
    Ok(rows.into_iter().map(finding).collect())
}

/// STK-2: reserved is the sum of the active holds.
fn off_holds(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut held: BTreeMap<(ShopId, VariantId), i64> = BTreeMap::new();
    for hold in holds::active(snapshot)? {
        for (variant, units) in hold.stock {
            *held.entry((hold.shop_id, variant)).or_insert(0) += units;
        }
    }
    let mut findings = Vec::new();
    for (shop, variant, reserved) in levels::reserved(snapshot)? {
        let by_holds = held.remove(&(shop, variant)).unwrap_or(0);
        if by_holds != reserved {
            findings.push(Finding::new(level(shop, variant), format!("{reserved} held, its holds make {by_holds}")));
        }
    }
    let lost = held.into_iter().filter(|(_, units)| *units != 0);
    findings.extend(lost.map(|((shop, variant), units)| {
        Finding::new(level(shop, variant), format!("{units} held by orders, and no shelf"))
    }));
    Ok(findings)
}

/// STK-4: what left with an order was held for it, and what was committed has left.
fn sold_without_hold(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let sold = holds::sold_without_hold(snapshot)?.into_iter();
    let kept = holds::committed_without_sale(snapshot)?.into_iter();
    let sold = sold.map(|order| Finding::new(format!("hold of {order}"), "its stock left and nothing was committed"));
    let kept = kept.map(|order| Finding::new(format!("hold of {order}"), "it is committed and its stock never left"));
    Ok(sold.chain(kept).collect())
}

/// STK-3: every active hold belongs to a live order.
fn holds_of_the_dead(facts: &Facts) -> Result<Vec<Finding>, FactError> {
    let live: BTreeSet<String> = facts.of::<serde_json::Value>(LIVE_ORDERS)?.into_keys().collect();
    let held = facts.of::<String>(ACTIVE_HOLDS)?;
    let dead = held.into_iter().filter(|(order, _)| !live.contains(order));
    Ok(dead
        .map(|(order, shop)| {
            Finding::new(format!("hold of {order}"), format!("its order is not live, in {shop}")).of_key(order)
        })
        .collect())
}

/// MON-10: whoever has paid has goods: held until the news of the payment comes, and then sold.
fn sold_without_goods(facts: &Facts) -> Result<Vec<Finding>, FactError> {
    let kept: BTreeSet<String> = facts.of::<()>(KEPT_HOLDS)?.into_keys().collect();
    let sold = facts.of::<OrderState>(SOLD_ORDERS)?;
    let lost = sold.into_iter().filter(|(order, _)| !kept.contains(order));
    Ok(lost
        .map(|(order, state)| {
            let message = format!("is {state} and its goods are neither held nor sold");
            Finding::new(format!("order {order}"), message).of_key(order)
        })
        .collect())
}

fn level(shop: ShopId, variant: VariantId) -> String {
    format!("stock of {variant} in {shop}")
}
