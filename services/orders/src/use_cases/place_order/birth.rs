//! The last transaction of a placement: all of the order or nothing of it.

use std::sync::Arc;

use service::{Answer, finish};
use store::{StoreError, Tx};

use super::draft::{Draft, Prepared};
use crate::app::App;
use crate::error::Error;
use crate::model::Opening;
use crate::store::{HistoryEntry, expect_slot, insert, take_slot, take_unpaid};

/// Times that one transaction tries before the free ones are looked up.
const TRIES: usize = 4;

/// The unique constraint on the first entry of a history.
const BEGUN_ALREADY: &str = "order_history_once";

/// Inserts the order at the first of these times that has a place.
///
/// # Errors
/// [`Error::SlotFull`] when none of the first few has; [`Error::Entombed`] when the order was declared dead, or
/// another try placed it.
pub(super) async fn give_birth(app: &App, draft: &Arc<Draft>, openings: Vec<Opening>) -> Result<Answer, Error> {
    let opening = openings.first().ok_or(Error::SlotFull { earliest_at: None })?;
    let first = Arc::new(draft.prepare(opening)?);
    let (of_draft, prepared) = (Arc::clone(draft), Arc::clone(&first));
    let mut written = app.db.write(move |tx| at_once(tx, &of_draft, &prepared)).await;
    if let Err(Error::Store(StoreError::Untouched { .. })) = &written {
        let draft = Arc::clone(draft);
        written = app.db.write(move |tx| where_there_is_room(tx, &draft, &first, &openings)).await;
    }
    match written {
        Err(Error::Store(error)) if error.violates(BEGUN_ALREADY) => Err(Error::Entombed),
        ended => ended,
    }
}

/// At the first time, if its slot has a place as far as is known: almost always. On PostgreSQL that is two round trips,
/// since only the last of the counts is waited for.
fn at_once(tx: &mut Tx<'_>, draft: &Draft, prepared: &Prepared) -> Result<Answer, Error> {
    HistoryEntry::begin(tx, &prepared.order)?;
    if let Some(capacity) = draft.terms.slot_capacity {
        expect_slot(tx, draft.terms.shop_id, prepared.order.fulfilment.slot, capacity)?;
    }
    insert_all(tx, draft, prepared)
}

/// At the first time that turns out to have a place.
fn where_there_is_room(
    tx: &mut Tx<'_>,
    draft: &Draft,
    first: &Prepared,
    openings: &[Opening],
) -> Result<Answer, Error> {
    HistoryEntry::begin(tx, &first.order)?;
    let place = take_place(tx, draft, openings)?.ok_or(Error::SlotFull { earliest_at: None })?;
    if place == 0 {
        return insert_all(tx, draft, first);
    }
    let later = draft.prepare(&openings[place])?;
    insert_all(tx, draft, &later)
}

/// Which of the first few times has a place left; it is taken.
fn take_place(tx: &mut Tx<'_>, draft: &Draft, openings: &[Opening]) -> Result<Option<usize>, StoreError> {
    let Some(capacity) = draft.terms.slot_capacity else { return Ok(Some(0)) };
    for (place, opening) in openings.iter().enumerate().take(TRIES) {
        if take_slot(tx, draft.terms.shop_id, opening.slot, capacity)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn insert_all(tx: &mut Tx<'_>, draft: &Draft, prepared: &Prepared) -> Result<Answer, Error> {
    let order = &prepared.order;
    let unpaid_max = draft.rules.unpaid_max(order.payment_method);
    finish(tx, &draft.held, &prepared.answer)?;
    if !take_unpaid(tx, order.guest_id, order.payment_method, unpaid_max)? {
        return Err(Error::TooManyUnpaid { unpaid_max });
    }
    insert(tx, order, &prepared.lines, prepared.expires_at)?;
    tx.publish(&prepared.event)?;
    Ok(prepared.answer.clone())
}
