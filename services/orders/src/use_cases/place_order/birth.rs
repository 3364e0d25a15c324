//! The last transaction of a placement: all of the order or nothing of it.

use std::sync::Arc;

use service::{Answer, finish};
use store::{StoreError, Tx};

use super::draft::{Draft, Prepared};
use crate::app::App;
use crate::error::Error;
use crate::model::Opening;
use crate::store::{HistoryEntry, at_cap, hold_slots, insert, take_counted_slot, take_known_slot, take_unpaid_or_fail};

/// Times that one transaction tries before the free ones are looked up.
const TRIES: usize = 4;

/// How a place in a slot is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// In the first slot, if it was counted before: no other placement is waited for, but for this slot.
    Known,
    /// In the first few slots, counting them: one placement of a shop after another.
    Counted,
}

/// The unique constraint on the first entry of a history.
const BEGUN_ALREADY: &str = "order_history_once";

/// Inserts the order at the first of these times that has a place.
///
/// # Errors
/// [`Error::SlotFull`] when this search finds none; [`Error::Entombed`] when the order was declared dead, or
/// another try placed it.
pub(super) async fn give_birth(
    app: &App,
    draft: &Arc<Draft>,
    openings: Vec<Opening>,
    search: Search,
) -> Result<Answer, Error> {
    let opening = openings.first().ok_or(Error::SlotFull { earliest_at: None })?;
    let first = draft.prepare(opening)?;
    let unpaid_max = draft.rules.unpaid_max(first.order.payment_method);
    let draft = Arc::clone(draft);
    let is_limited = draft.terms.slot_capacity.is_some();
    let birth = move |tx: &mut Tx<'_>| transact(tx, &draft, &first, (&openings, search));
    // The first entry of its history is inserted once, and before anything else. A place in a slot is waited for, and may be
    // refused: such an order keeps to itself.
    let written = if is_limited { app.db.write(birth).await } else { app.db.write_in_company(birth).await };
    match written {
        Err(Error::Store(error)) if error.violates(BEGUN_ALREADY) => Err(Error::Entombed),
        Err(Error::Store(error)) if error == at_cap() => Err(Error::TooManyUnpaid { unpaid_max }),
        ended => ended,
    }
}

fn transact(
    tx: &mut Tx<'_>,
    draft: &Draft,
    first: &Prepared,
    (openings, search): (&[Opening], Search),
) -> Result<Answer, Error> {
    HistoryEntry::begin(tx, &first.order)?;
    let place = take_place(tx, draft, openings, search)?.ok_or(Error::SlotFull { earliest_at: None })?;
    if place == 0 {
        return insert_all(tx, draft, first);
    }
    let later = draft.prepare(&openings[place])?;
    insert_all(tx, draft, &later)
}

/// Which of the first few times has a place left; it is taken.
fn take_place(
    tx: &mut Tx<'_>,
    draft: &Draft,
    openings: &[Opening],
    search: Search,
) -> Result<Option<usize>, StoreError> {
    let Some(capacity) = draft.terms.slot_capacity else { return Ok(Some(0)) };
    let shop = draft.terms.shop_id;
    if search == Search::Known {
        let Some(first) = openings.first() else { return Ok(None) };
        return Ok(take_known_slot(tx, shop, first.slot, capacity)?.then_some(0));
    }
    hold_slots(tx, shop)?;
    for (place, opening) in openings.iter().enumerate().take(TRIES) {
        if take_counted_slot(tx, shop, opening.slot, capacity)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn insert_all(tx: &mut Tx<'_>, draft: &Draft, prepared: &Prepared) -> Result<Answer, Error> {
    let order = &prepared.order;
    let unpaid_max = draft.rules.unpaid_max(order.payment_method);
    finish(tx, &draft.held, &prepared.answer)?;
    take_unpaid_or_fail(tx, order.guest_id, order.payment_method, unpaid_max)?;
    insert(tx, order, &prepared.lines, prepared.expires_at)?;
    tx.publish(&prepared.event)?;
    Ok(prepared.answer.clone())
}
