//! What an order would cost and when it could be had. Holds nothing.

use contracts::catalog::{LineRequest, Price, PriceRequest, Priced, PricedLine, ShopTerms};
use contracts::{OrderLineId, ShopId};
use kernel::{Text, Timestamp};
use service::{CallError, Fault};
use store::StoreError;

use crate::app::App;
use crate::error::Error;
use crate::model::{Line, Opening, Schedule, ScheduleError, Slot, Totals, WantedTime, days_after};
use crate::store::{TakenSlots, slots_between};

/// What somebody wants, where and when.
#[derive(Clone, Debug)]
pub(crate) struct Basket {
    /// Where.
    pub(crate) shop_id: ShopId,
    /// When.
    pub(crate) wanted: WantedTime,
    /// What.
    pub(crate) lines: Vec<LineRequest>,
}

/// The answer.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    /// The lines with their prices.
    pub(crate) lines: Vec<Line>,
    /// The sums.
    pub(crate) totals: Totals,
    /// The earliest time that it could be had today; nothing when the shop is closed or full until closing.
    pub(crate) earliest_at: Option<Timestamp>,
    /// What stands in the way of ordering it like this now.
    pub(crate) notices: Vec<Notice>,
}

/// What stands in the way of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The shop is closed at that time.
    ShopClosed {
        /// When it opens next.
        opens_at: Option<Timestamp>,
    },
    /// Every place in the slot is taken.
    SlotFull,
    /// It could not be ready by then.
    TooSoon,
}

const UNKNOWN_SHOP: Text = Text { en: "there is no such shop", ru: "такого заведения нет" };

/// Prices a basket.
pub(crate) async fn quote_order(app: &App, basket: &Basket) -> Result<Quote, Error> {
    let priced = price(app, basket).await?;
    quote_of(app, basket, priced).await
}

/// What catalog says that the lines cost now.
pub(super) async fn price(app: &App, basket: &Basket) -> Result<Priced, Error> {
    let request = PriceRequest { shop_id: basket.shop_id, lines: basket.lines.clone() };
    app.calls.call::<Price>(request).await.map_err(of_catalog)
}

/// The quote for lines that were priced already.
pub(super) async fn quote_of(app: &App, basket: &Basket, priced: Priced) -> Result<Quote, Error> {
    let now = app.clock.now();
    let schedule = Schedule::of(&priced.shop)?;
    let today = schedule.day_of(now);
    let free = FreeTimes { app, terms: &priced.shop };
    let soon = schedule.openings(WantedTime::Asap, now, today).unwrap_or_default();
    let earliest_at = free.first_of(&soon).await?.map(|opening| opening.due_at);
    let last_day = days_after(today, app.rules.slot_days_max);
    let mut notices = Vec::new();
    match schedule.openings(basket.wanted, now, last_day) {
        Ok(openings) if free.first_of(&openings).await?.is_none() => notices.push(Notice::SlotFull),
        Ok(_) => {}
        Err(error) => notices.push(Notice::of(error)?),
    }
    let lines = lines_of(app, now, priced.lines);
    let totals = Totals::of(&lines, priced.shop.currency)?;
    Ok(Quote { lines, totals, earliest_at, notices })
}

/// Priced lines as lines of an order, each with an id of its own.
pub(super) fn lines_of(app: &App, now: Timestamp, priced: Vec<PricedLine>) -> Vec<Line> {
    priced.into_iter().map(|line| Line::new(OrderLineId::new(now, app.rng.as_ref()), line)).collect()
}

/// What catalog refuses, in the words of orders.
pub(super) fn of_catalog(error: CallError) -> Error {
    use kernel::Coded as _;
    if error.is("catalog.out-of-stock") {
        let lines = error.members().remove("lines").unwrap_or_default();
        return Error::OutOfStock { lines };
    }
    if error.is("catalog.unknown-shop") {
        return Error::Invalid(vec![Fault::new("/shop_id", "unknown", UNKNOWN_SHOP)]);
    }
    Error::Call(error)
}

impl Notice {
    /// What is only told in a quote, and refused in an order. A time that no order could ever have is refused here too.
    fn of(error: ScheduleError) -> Result<Self, Error> {
        match error {
            ScheduleError::Closed { opens_at } => Ok(Self::ShopClosed { opens_at }),
            ScheduleError::TooSoon { .. } => Ok(Self::TooSoon),
            ScheduleError::Terms(_) | ScheduleError::NotASlot | ScheduleError::TooFar => Err(error.into()),
        }
    }
}

/// Which times of a shop still have a place.
pub(super) struct FreeTimes<'a> {
    pub(super) app: &'a App,
    pub(super) terms: &'a ShopTerms,
}

impl FreeTimes<'_> {
    /// The first of these times with a place left.
    pub(super) async fn first_of(&self, openings: &[Opening]) -> Result<Option<Opening>, Error> {
        Ok(self.of(openings).await?.first().copied())
    }

    /// The first slot that an order given now could have, on any day that orders are taken for.
    pub(super) async fn first_slot(&self, schedule: &Schedule, now: Timestamp) -> Result<Option<Slot>, Error> {
        let (ready_at, today) = (schedule.ready_at(now), schedule.day_of(now));
        for ahead in 0..=self.app.rules.slot_days_max {
            let slots = schedule.slots_on(days_after(today, ahead)).into_iter().filter(|slot| slot.from >= ready_at);
            let openings: Vec<Opening> = slots.map(|slot| Opening { due_at: slot.from, slot }).collect();
            if let Some(opening) = self.first_of(&openings).await? {
                return Ok(Some(opening.slot));
            }
        }
        Ok(None)
    }

    /// Those of these times, in their order, that have a place left.
    pub(super) async fn of(&self, openings: &[Opening]) -> Result<Vec<Opening>, Error> {
        let (Some(first), Some(last)) = (openings.first(), openings.last()) else { return Ok(Vec::new()) };
        let Some(capacity) = self.terms.slot_capacity else { return Ok(openings.to_vec()) };
        let (shop, from, to) = (self.terms.shop_id, first.slot.from, last.slot.to);
        let taken: Result<TakenSlots, StoreError> =
            self.app.db.read(move |snapshot| slots_between(snapshot, shop, from, to)).await;
        let taken = taken?;
        let has_place = |opening: &&Opening| taken.of(opening.slot) < capacity;
        Ok(openings.iter().filter(has_place).copied().collect())
    }
}
