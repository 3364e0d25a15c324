//! What there is only so much of: places in slots, unpaid orders per guest, numbers. All of it moves by conditional
//! update, so that of two transactions at once only one finds the last one.

use contracts::orders::PaymentMethod;
use contracts::{ShopId, UserId};
use kernel::Timestamp;
use store::{Snapshot, StoreError, Tx, params};

use super::statements::{
    EACH_GUEST, EACH_SLOT, GIVE_BACK_SLOT, GIVE_BACK_UNPAID, SLOTS_BETWEEN, TAKE_BLOCK, TAKE_SLOT, TAKE_UNPAID,
};

/// Takes a place in the slot that begins at `from`; `false` when it is full.
pub(crate) fn take_slot(tx: &mut Tx<'_>, shop: ShopId, from: Timestamp, capacity: i64) -> Result<bool, StoreError> {
    if capacity < 1 {
        return Ok(false);
    }
    Ok(tx.execute(&TAKE_SLOT, &params![shop, from, capacity])? == 1)
}

/// Gives places back, in the order of their keys.
pub(crate) fn give_back_slots(tx: &mut Tx<'_>, mut slots: Vec<(ShopId, Timestamp)>) -> Result<(), StoreError> {
    slots.sort_unstable();
    let rows: Vec<_> = slots.iter().map(|(shop, from)| params![shop, from].to_vec()).collect();
    all_touched(&tx.execute_many(&GIVE_BACK_SLOT, &rows)?, "a slot that was taken has no row")
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

/// Counts unpaid orders down, in the order of their guests.
pub(crate) fn give_back_unpaid(tx: &mut Tx<'_>, mut guests: Vec<(UserId, PaymentMethod)>) -> Result<(), StoreError> {
    guests.sort_unstable();
    let rows: Vec<_> = guests.iter().map(|(guest, method)| params![guest, method.as_str()].to_vec()).collect();
    all_touched(&tx.execute_many(&GIVE_BACK_UNPAID, &rows)?, "an unpaid order was not counted")
}

fn all_touched(touched: &[u64], fault: &str) -> Result<(), StoreError> {
    if touched.iter().all(|rows| *rows == 1) {
        return Ok(());
    }
    Err(StoreError::Fault { at: "orders".to_owned(), reason: fault.to_owned() })
}

/// Takes the next `count` numbers of a sequence; the last one of them.
pub(crate) fn take_block(tx: &mut Tx<'_>, sequence: &str, count: i64) -> Result<i64, StoreError> {
    let taken = tx.one(&TAKE_BLOCK, &params![sequence, count], |row| row.get(0))?;
    taken.ok_or_else(|| StoreError::Fault { at: TAKE_BLOCK.name.to_owned(), reason: "answered no row".to_owned() })
}

/// How many places are taken of each slot that begins in `[from, to)`; slots that nobody took are not there.
pub(crate) fn slots_between(
    snapshot: &mut Snapshot<'_>,
    shop: ShopId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp, i64)>, StoreError> {
    snapshot.list(&SLOTS_BETWEEN, &params![shop, from, to], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What is counted beside what is there, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountRow {
    /// Whose count: shop and moment, or guest and method.
    pub(crate) subject: String,
    /// What the counter says.
    pub(crate) counted: i64,
    /// How many orders there are.
    pub(crate) there: i64,
}

/// Slots, beside the orders in them.
pub(crate) fn slot_counts(snapshot: &mut Snapshot<'_>) -> Result<Vec<CountRow>, StoreError> {
    snapshot.list(&EACH_SLOT, &[], |row| {
        let (shop, from): (String, Timestamp) = (row.get(0)?, row.get(1)?);
        Ok(CountRow { subject: format!("slot {shop} {from}"), counted: row.get(2)?, there: row.get(3)? })
    })
}

/// Guests' unpaid orders.
pub(crate) fn unpaid_counts(snapshot: &mut Snapshot<'_>) -> Result<Vec<CountRow>, StoreError> {
    snapshot.list(&EACH_GUEST, &[], |row| {
        let (guest, method): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(CountRow { subject: format!("guest {guest} {method}"), counted: row.get(2)?, there: row.get(3)? })
    })
}
