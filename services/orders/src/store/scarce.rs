//! What there is only so much of: places in slots, unpaid orders per guest, numbers. All of it moves by conditional
//! update, so that of two transactions at once only one finds the last one.

use std::time::Duration;

use contracts::orders::PaymentMethod;
use contracts::{ShopId, UserId};
use kernel::Timestamp;
use store::{Snapshot, StoreError, Tx, params};

use super::statements::{
    DOUBT_SLOTS, GIVE_BACK_SLOT, GIVE_BACK_UNPAID, HOLD_SLOTS_OF_SHOP, HOLD_UNPAID, LOCK_SLOTS, OPEN_SLOT,
    SLOTS_BETWEEN, TAKE_BLOCK, TAKE_SLOT, TAKE_UNPAID, UNPAID_OF_GUEST, UNTRUE_GUESTS, UNTRUE_SLOTS,
};
use crate::model::Slot;

/// No slot is longer.
const SLOT_LENGTH_MAX: Duration = Duration::from_hours(24);

/// Takes a place in a slot that was counted before; `false` when it is new, or full as far as is known. Whoever is refused
/// ends his transaction: on PostgreSQL he may hold the slot, if he waited for it, and must not ask for [`hold_slots`] then.
pub(crate) fn take_known_slot(tx: &mut Tx<'_>, shop: ShopId, slot: Slot, capacity: i64) -> Result<bool, StoreError> {
    Ok(capacity > 0 && tx.execute(&TAKE_SLOT, &params![shop, slot.from, slot.to, capacity])? == 1)
}

/// Holds the right to count a shop's slots, before any slot is touched.
pub(crate) fn hold_slots(tx: &mut Tx<'_>, shop: ShopId) -> Result<(), StoreError> {
    tx.execute(&HOLD_SLOTS_OF_SHOP, &params![format!("slots {shop}")]).map(drop)
}

/// Takes a place in a slot, counted with those that overlap it; `false` when it is full. They are held, and counted anew
/// before they are taken of: of slots that overlap only the one that was counted last is taken of uncounted. The caller
/// holds the right to it, and asks for slots in the order of their beginnings.
pub(crate) fn take_counted_slot(tx: &mut Tx<'_>, shop: ShopId, slot: Slot, capacity: i64) -> Result<bool, StoreError> {
    if capacity < 1 {
        return Ok(false);
    }
    let earliest = slot.from.minus(SLOT_LENGTH_MAX);
    let overlapping = params![shop, slot.from, slot.to, earliest];
    tx.list(&LOCK_SLOTS, &overlapping, |row| row.get::<Timestamp>(0))?;
    if tx.execute(&OPEN_SLOT, &params![shop, slot.from, slot.to, capacity, earliest])? == 0 {
        return Ok(false);
    }
    tx.execute(&DOUBT_SLOTS, &overlapping)?;
    Ok(true)
}

/// Gives places back, in the order of their keys.
pub(crate) fn give_back_slots(tx: &mut Tx<'_>, mut slots: Vec<(ShopId, Timestamp)>) -> Result<(), StoreError> {
    slots.sort_unstable();
    let no_row = || fault("a slot that was taken has no row");
    slots.iter().try_for_each(|(shop, from)| tx.expect_one(&GIVE_BACK_SLOT, &params![shop, from], no_row()))
}

/// Opens one more unpaid order of a guest; `false` when the cap is reached.
pub(crate) fn take_unpaid(
    tx: &mut Tx<'_>,
    guest: UserId,
    method: PaymentMethod,
    unpaid_max: i64,
) -> Result<bool, StoreError> {
    if unpaid_max < 1 {
        return Ok(false);
    }
    Ok(tx.execute(&TAKE_UNPAID, &params![guest, method.as_str(), unpaid_max])? == 1)
}

/// [`take_unpaid`] that nobody waits for: the transaction fails with [`at_cap`] when the cap is reached.
pub(crate) fn take_unpaid_or_fail(
    tx: &mut Tx<'_>,
    guest: UserId,
    method: PaymentMethod,
    unpaid_max: i64,
) -> Result<(), StoreError> {
    if unpaid_max < 1 {
        return Err(at_cap());
    }
    tx.expect_one_last(&TAKE_UNPAID, &params![guest, method.as_str(), unpaid_max], at_cap())
}

/// What [`take_unpaid_or_fail`] fails with.
pub(crate) const fn at_cap() -> StoreError {
    StoreError::Untouched { statement: TAKE_UNPAID.name }
}

/// Counts unpaid orders down, in the order of their guests.
pub(crate) fn give_back_unpaid(tx: &mut Tx<'_>, mut guests: Vec<(UserId, PaymentMethod)>) -> Result<(), StoreError> {
    guests.sort_unstable();
    guests.iter().try_for_each(|(guest, method)| {
        let uncounted = fault("an unpaid order was not counted");
        tx.expect_one(&GIVE_BACK_UNPAID, &params![guest, method.as_str()], uncounted)
    })
}

/// Counts an unpaid order under another method; `false`, and nothing changed, when the cap of that one is reached. Both
/// counters are held first, in the order of their keys.
pub(crate) fn switch_unpaid(
    tx: &mut Tx<'_>,
    guest: UserId,
    (from, to): (PaymentMethod, PaymentMethod),
    unpaid_max: i64,
) -> Result<bool, StoreError> {
    let mut methods = [from, to];
    methods.sort_unstable();
    let rows: Vec<_> = methods.iter().map(|method| params![guest, method.as_str()].to_vec()).collect();
    tx.execute_many(&HOLD_UNPAID, &rows)?;
    if !take_unpaid(tx, guest, to, unpaid_max)? {
        return Ok(false);
    }
    give_back_unpaid(tx, vec![(guest, from)])?;
    Ok(true)
}

/// How many unpaid orders of a guest are open.
pub(crate) fn unpaid_of(snapshot: &mut Snapshot<'_>, guest: UserId, method: PaymentMethod) -> Result<i64, StoreError> {
    let unpaid = snapshot.one(&UNPAID_OF_GUEST, &params![guest, method.as_str()], |row| row.get(0))?;
    Ok(unpaid.unwrap_or(0))
}

fn fault(reason: &str) -> StoreError {
    StoreError::Fault { at: "orders".to_owned(), reason: reason.to_owned() }
}

/// Takes the next `count` numbers of a sequence; the last one of them.
pub(crate) fn take_block(tx: &mut Tx<'_>, sequence: &str, count: i64) -> Result<i64, StoreError> {
    let taken = tx.one(&TAKE_BLOCK, &params![sequence, count], |row| row.get(0))?;
    taken.ok_or_else(|| StoreError::Fault { at: TAKE_BLOCK.name.to_owned(), reason: "answered no row".to_owned() })
}

/// The slots of a shop that places are taken of, and how many.
#[derive(Clone, Debug)]
pub(crate) struct TakenSlots(Vec<(Slot, i64)>);

impl TakenSlots {
    /// How many places of this slot are taken, also by orders whose slots had another length.
    pub(crate) fn of(&self, slot: Slot) -> i64 {
        let overlapping = self.0.iter().filter(|(taken, _)| taken.from < slot.to && slot.from < taken.to);
        overlapping.map(|(_, places)| places).sum()
    }
}

/// What is taken of the slots in `[from, to)`.
pub(crate) fn slots_between(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    from: Timestamp,
    to: Timestamp,
) -> Result<TakenSlots, StoreError> {
    let earliest = from.minus(SLOT_LENGTH_MAX);
    let taken = snapshot.list(&SLOTS_BETWEEN, &params![shop, earliest, to], |row| {
        Ok((Slot { from: row.get(0)?, to: row.get(1)? }, row.get(2)?))
    });
    taken.map(TakenSlots)
}

/// What is counted beside what is there, where they differ, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountRow {
    /// Whose count: shop and moment, or guest and method.
    pub(crate) subject: String,
    /// What the counter says.
    pub(crate) counted: i64,
    /// How many orders there are.
    pub(crate) there: i64,
}

/// Slots that are miscounted.
pub(crate) fn slot_counts(snapshot: &mut Snapshot<'_>) -> Result<Vec<CountRow>, StoreError> {
    snapshot.list(&UNTRUE_SLOTS, &[], |row| {
        let (shop, from): (String, Timestamp) = (row.get(0)?, row.get(1)?);
        Ok(CountRow { subject: format!("slot {shop} {from}"), counted: row.get(2)?, there: row.get(3)? })
    })
}

/// Guests who are miscounted.
pub(crate) fn unpaid_counts(snapshot: &mut Snapshot<'_>) -> Result<Vec<CountRow>, StoreError> {
    snapshot.list(&UNTRUE_GUESTS, &[], |row| {
        let (guest, method): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(CountRow { subject: format!("guest {guest} {method}"), counted: row.get(2)?, there: row.get(3)? })
    })
}
