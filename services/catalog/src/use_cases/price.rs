//! What lines cost now, and whether they can be had. Holds nothing.

use contracts::ShopId;
use contracts::catalog::{LineRequest, PriceRequest, Priced, ShopTerms};
use kernel::Timestamp;

use crate::app::App;
use crate::error::Error;
use crate::menus::View;
use crate::model::pricing::{self, Bill};

/// Prices the lines from memory. Memory may be a little old: it never refuses what the database would sell.
pub(crate) async fn price(app: &App, request: &PriceRequest) -> Result<Priced, Error> {
    let view = app.menus.current(request.shop_id).await?;
    let refusal = match from_view(&view, &request.lines, app.clock.now()) {
        Ok(bill) => return Ok(priced(&view, bill)),
        Err(refusal) => refusal,
    };
    // What is wrong with the lines themselves is wrong for as long as the menu stands, whatever is in stock.
    if matches!(refusal, Error::InvalidLines(_)) && app.menus.is_current(request.shop_id, &view).await? {
        return Err(refusal);
    }
    let view = app.menus.reload(request.shop_id).await?;
    let bill = from_view(&view, &request.lines, app.clock.now())?;
    Ok(priced(&view, bill))
}

/// The terms of a shop.
pub(crate) async fn terms(app: &App, shop: ShopId) -> Result<ShopTerms, Error> {
    Ok(app.menus.current(shop).await?.menu.terms.clone())
}

fn from_view(view: &View, lines: &[LineRequest], now: Timestamp) -> Result<Bill, Error> {
    let offer = pricing::offer(&view.menu, lines, now)?;
    let short = offer.uncovered(&view.menu);
    if short.is_empty() { Ok(offer.bill) } else { Err(Error::OutOfStock(pricing::shortages(lines, &short))) }
}

/// The answer of both calls.
pub(crate) fn priced(view: &View, bill: Bill) -> Priced {
    Priced { shop: view.menu.terms.clone(), lines: bill.lines, items_total: bill.items_total }
}
