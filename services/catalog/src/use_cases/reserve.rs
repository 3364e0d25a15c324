//! Prices lines and holds their stock for an order: the hottest path of the product.
//!
//! Everything that can be done before the writer's turn is done before it: the lines are priced from memory and
//! written as text. The transaction inserts the hold if the menu is still the one that was priced from (one
//! statement), and holds the stock by one conditional update per tracked variant, in id order. Most of the time there is
//! plenty of it, and nothing need be waited for until the commit; when there is not, it is looked at closely. A refusal is never
//! made from memory alone: before it, the menu is proved current or read anew, and a live hold of the same order answers
//! for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::ShopId;
use contracts::catalog::{LineRequest, Priced, ReserveRequest};
use store::{StoreError, Tx};

use super::announce;
use super::price::priced;
use crate::app::App;
use crate::error::Error;
use crate::menus::View;
use crate::model::hold::{HoldCommand, HoldEffect, HoldState, decide};
use crate::model::pricing::{self, Bill, Offer};
use crate::model::stock::Flip;
use crate::store::holds::{self, Claim, OfferText};
use crate::store::{levels, menu};

/// How often a reservation follows a menu that changes under it.
const TRIES: usize = 4;

/// A reservation, ready for its transaction.
#[derive(Debug)]
struct Prepared {
    claim: Claim,
    text: OfferText,
    offer: Offer,
    lines: Vec<LineRequest>,
}

/// How a try ended.
#[derive(Debug)]
enum Outcome {
    /// Held as prepared; whether the shop's menu looks different now.
    Taken { flipped: bool },
    /// Held already, at these prices.
    Known(Bill),
    /// The menu is another by now; nothing was changed.
    MenuMoved,
}

/// Holds the lines for the order; asked again, answers the same (see [`contracts::catalog::Reserve`]).
pub(crate) async fn reserve(app: &App, request: ReserveRequest) -> Result<Priced, Error> {
    let shop = request.shop_id;
    if let Some(view) = app.menus.held(shop) {
        match prepare(app, &view, &request) {
            Ok(prepared) => {
                if let Some(reply) = attempt(app, &view, prepared).await? {
                    return Ok(reply);
                }
            }
            // Stock has no say in it, so the version proves it.
            Err(refusal) if app.menus.is_current(shop, &view).await? => {
                return known(app, &view, &request).await?.ok_or(refusal);
            }
            Err(_) => {}
        }
    }
    for _ in 0..TRIES {
        let view = app.menus.reload(shop).await?;
        let prepared = match prepare(app, &view, &request) {
            Ok(prepared) => prepared,
            Err(refusal) => return known(app, &view, &request).await?.ok_or(refusal),
        };
        if let Some(reply) = attempt(app, &view, prepared).await? {
            return Ok(reply);
        }
    }
    Err(Error::MenuMoves)
}

fn prepare(app: &App, view: &View, request: &ReserveRequest) -> Result<Prepared, Error> {
    let offer = pricing::offer(&view.menu, &request.lines, app.clock.now())?;
    let total = offer.bill.items_total;
    if request.expected_items_total.is_some_and(|expected| expected != total) {
        return Err(Error::PriceChanged(total));
    }
    let claim = Claim {
        order_id: request.order_id,
        shop_id: request.shop_id,
        ask_at: request.ask_at,
        menu: view.menu.version(),
    };
    Ok(Prepared { claim, text: OfferText::of(&offer), offer, lines: request.lines.clone() })
}

/// One transaction; none: the menu has moved.
async fn attempt(app: &App, view: &View, prepared: Prepared) -> Result<Option<Priced>, Error> {
    let prepared = Arc::new(prepared);
    let is_held = |outcome: &Outcome| matches!(outcome, Outcome::Taken { .. } | Outcome::Known(_));
    let in_transaction = Arc::clone(&prepared);
    let mut taken = app.db.write_step_in_company(move |tx| take_of_plenty(tx, &in_transaction), is_held).await;
    for way in [take, take_again] {
        if !matches!(taken, Err(Error::Store(StoreError::Untouched { .. }))) {
            break;
        }
        let in_transaction = Arc::clone(&prepared);
        taken = app.db.write_step(move |tx| way(tx, &in_transaction), is_held).await;
    }
    match taken? {
        Outcome::Taken { flipped } => {
            if flipped {
                app.menus.forget(prepared.claim.shop_id);
            }
            let bill = Arc::try_unwrap(prepared).map_or_else(|shared| shared.offer.bill.clone(), |own| own.offer.bill);
            Ok(Some(priced(view, bill)))
        }
        Outcome::Known(bill) => Ok(Some(priced(view, bill))),
        Outcome::MenuMoved => Ok(None),
    }
}

/// A hold that stands answers for itself, whatever has become of the menu since.
async fn known(app: &App, view: &View, request: &ReserveRequest) -> Result<Option<Priced>, Error> {
    let (order, ask_at) = (request.order_id, request.ask_at);
    // Most refusals are of orders that hold nothing: they do not wait for the writer.
    if !app.db.read(move |snapshot| holds::exists(snapshot, order)).await? {
        return Ok(None);
    }
    let bill = app
        .db
        .write(move |tx| {
            let Some(hold) = holds::lock(tx, order)? else { return Ok::<_, Error>(None) };
            if hold.state == HoldState::Active {
                holds::renew(tx, order, ask_at)?;
            }
            Ok(matches!(hold.state, HoldState::Active | HoldState::Committed).then_some(hold.bill))
        })
        .await?;
    Ok(bill.map(|bill| priced(view, bill)))
}

/// A first hold of what there is plenty of: nothing of it sells out, so there is nothing to wait for. It fails with
/// [`StoreError::Untouched`] when there is not, and whenever [`take`] does.
fn take_of_plenty(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<Outcome, Error> {
    holds::insert(tx, &prepared.claim, &prepared.text)?;
    levels::hold_of_plenty(tx, prepared.claim.shop_id, &prepared.offer.stock)?;
    Ok(Outcome::Taken { flipped: false })
}

/// A first hold. It fails with [`StoreError::Untouched`] when it is not the first, or the menu has moved.
fn take(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<Outcome, Error> {
    holds::insert(tx, &prepared.claim, &prepared.text)?;
    hold_stock(tx, prepared)
}

/// What a hold that is there already says to it.
fn take_again(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<Outcome, Error> {
    let claim = &prepared.claim;
    let Some(hold) = holds::lock(tx, claim.order_id)? else { return Ok(Outcome::MenuMoved) };
    match decide(hold.state, hold.asked, HoldCommand::Take) {
        HoldEffect::Renew => {
            holds::renew(tx, claim.order_id, claim.ask_at)?;
            Ok(Outcome::Known(hold.bill))
        }
        HoldEffect::TakeAnew if menu::read_version(tx, claim.shop_id)? == Some(claim.menu) => {
            holds::retake(tx, claim, &prepared.text)?;
            hold_stock(tx, prepared)
        }
        HoldEffect::TakeAnew => Ok(Outcome::MenuMoved),
        HoldEffect::Refuse => Err(Error::HoldEnded(claim.order_id)),
        // To take never sells, frees or asks; what is committed stays so.
        HoldEffect::Nothing | HoldEffect::GiveBack | HoldEffect::Sell | HoldEffect::Restock | HoldEffect::Ask => {
            Ok(Outcome::Known(hold.bill))
        }
    }
}

/// Holds every variant of the offer, or says of each that is short how many are left.
fn hold_stock(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<Outcome, Error> {
    let shop: ShopId = prepared.claim.shop_id;
    let mut flips = Vec::new();
    let mut short = BTreeMap::new();
    let stock = &prepared.offer.stock;
    for ((&variant, &units), left) in stock.iter().zip(levels::hold(tx, shop, stock)?) {
        match left {
            Some(left) => flips.extend(Flip::of(variant, left + units, left)),
            None => {
                short.insert(variant, levels::available(tx, shop, variant)?);
            }
        }
    }
    if !short.is_empty() {
        return Err(Error::OutOfStock(pricing::shortages(&prepared.lines, &short)));
    }
    announce::flips(tx, shop, &flips)?;
    Ok(Outcome::Taken { flipped: !flips.is_empty() })
}
