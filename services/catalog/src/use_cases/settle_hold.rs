//! Ends a hold, by whatever command: sold, given back, or put back on the shelf. Whatever comes twice, late or out of
//! order finds its effect done and changes nothing.

use contracts::OrderId;
use store::Tx;

use super::announce;
use crate::app::Ids;
use crate::error::Error;
use crate::model::hold::{Hold, HoldCommand, HoldEffect, decide};
use crate::model::stock::{Flip, MovementKind};
use crate::store::holds;
use crate::store::levels::{self, Movement};

/// Applies the command to the hold of an order; an order without one is fine.
pub(crate) fn settle(tx: &mut Tx<'_>, ids: Ids<'_>, order: OrderId, command: HoldCommand) -> Result<HoldEffect, Error> {
    match holds::lock(tx, order)? {
        Some(hold) => apply(tx, ids, &hold, command),
        None => Ok(HoldEffect::Nothing),
    }
}

/// The same, if the hold is still as it was read: an answer of orders is about what was asked then.
pub(crate) fn settle_unchanged(
    tx: &mut Tx<'_>,
    ids: Ids<'_>,
    seen: (OrderId, i64),
    command: HoldCommand,
) -> Result<HoldEffect, Error> {
    let (order, version) = seen;
    match holds::lock(tx, order)? {
        Some(hold) if hold.version == version => apply(tx, ids, &hold, command),
        Some(_) | None => Ok(HoldEffect::Nothing),
    }
}

fn apply(tx: &mut Tx<'_>, ids: Ids<'_>, hold: &Hold, command: HoldCommand) -> Result<HoldEffect, Error> {
    let effect = decide(hold.state, hold.asked, command);
    let flips = match effect {
        HoldEffect::GiveBack => give_back(tx, hold)?,
        HoldEffect::Sell => sell(tx, ids, hold)?,
        HoldEffect::Restock => restock(tx, ids, hold)?,
        HoldEffect::Ask => {
            let now = tx.now();
            holds::ask_at(tx, hold.order_id, now)?;
            Vec::new()
        }
        // To take a hold is another use case.
        HoldEffect::Nothing | HoldEffect::Renew | HoldEffect::TakeAnew | HoldEffect::Refuse => Vec::new(),
    };
    if let Some(state) = effect.state() {
        holds::move_to(tx, hold.order_id, state)?;
    }
    announce::flips(tx, hold.shop_id, &flips)?;
    Ok(effect)
}

fn give_back(tx: &mut Tx<'_>, hold: &Hold) -> Result<Vec<Flip>, Error> {
    let mut flips = Vec::new();
    for (&variant, &units) in &hold.stock {
        let left = levels::free(tx, hold.shop_id, variant, units)?;
        let left = left.ok_or(Error::StockBroken { shop: hold.shop_id, variant })?;
        flips.extend(Flip::of(variant, left - units, left));
    }
    Ok(flips)
}

/// What is sold was held before: the number that can be had stays.
fn sell(tx: &mut Tx<'_>, ids: Ids<'_>, hold: &Hold) -> Result<Vec<Flip>, Error> {
    if let Some(variant) = levels::sell(tx, hold.shop_id, &hold.stock)? {
        return Err(Error::StockBroken { shop: hold.shop_id, variant });
    }
    movements(tx, ids, hold, MovementKind::Sale)?;
    Ok(Vec::new())
}

fn restock(tx: &mut Tx<'_>, ids: Ids<'_>, hold: &Hold) -> Result<Vec<Flip>, Error> {
    let mut flips = Vec::new();
    for (&variant, &units) in &hold.stock {
        let left = levels::add(tx, hold.shop_id, variant, units)?;
        let left = left.ok_or(Error::StockBroken { shop: hold.shop_id, variant })?;
        flips.extend(Flip::of(variant, left - units, left));
    }
    movements(tx, ids, hold, MovementKind::Return)?;
    Ok(flips)
}

fn movements(tx: &mut Tx<'_>, ids: Ids<'_>, hold: &Hold, kind: MovementKind) -> Result<(), Error> {
    let rows: Vec<Movement<'_>> = hold
        .stock
        .iter()
        .map(|(&variant_id, &units)| Movement {
            id: ids.next(),
            shop_id: hold.shop_id,
            variant_id,
            kind,
            change: if kind == MovementKind::Sale { -units } else { units },
            order_id: Some(hold.order_id),
            reason: None,
        })
        .collect();
    levels::insert_movements(tx, &rows)?;
    Ok(())
}
