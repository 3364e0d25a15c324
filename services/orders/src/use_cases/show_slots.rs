//! The slots of a shop's day that an order could still be placed for.

use contracts::ShopId;
use contracts::catalog::{Shop, ShopRequest};
use jiff::civil::Date;
use store::StoreError;

use crate::app::App;
use crate::error::Error;
use crate::model::{Schedule, Slot, days_after};
use crate::store::{TakenSlots, slots_between};

/// A slot and how many orders it still takes; nothing: as many as come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FreeSlot {
    /// The slot.
    pub(crate) slot: Slot,
    /// How many places are left.
    pub(crate) left: Option<i64>,
}

/// The slots of a day, in order, and the shop's time zone. Full ones are shown with none left; those that have begun,
/// or begin before an order could be ready, or lie too far ahead, are not.
pub(crate) async fn show_slots(app: &App, shop_id: ShopId, day: Date) -> Result<(Vec<FreeSlot>, String), Error> {
    let terms = app.calls.call::<Shop>(ShopRequest { shop_id }).await?;
    let schedule = Schedule::of(&terms)?;
    let now = app.clock.now();
    let today = schedule.day_of(now);
    if day < today || day > days_after(today, app.rules.slot_days_max) {
        return Ok((Vec::new(), terms.time_zone));
    }
    let ready_at = schedule.ready_at(now);
    let slots: Vec<Slot> = schedule.slots_on(day).into_iter().filter(|slot| slot.from >= ready_at).collect();
    let (Some(capacity), Some(first), Some(last)) = (terms.slot_capacity, slots.first(), slots.last()) else {
        return Ok((slots.into_iter().map(|slot| FreeSlot { slot, left: None }).collect(), terms.time_zone));
    };
    let (from, to) = (first.from, last.to);
    let taken: Result<TakenSlots, StoreError> =
        app.db.read(move |snapshot| slots_between(snapshot, shop_id, from, to)).await;
    let taken = taken?;
    let left = |slot: &Slot| (capacity - taken.of(*slot)).max(0);
    let free = slots.iter().map(|slot| FreeSlot { slot: *slot, left: Some(left(slot)) }).collect();
    Ok((free, terms.time_zone))
}
