//! Asks orders what has become of the orders whose holds are past their time (decision 32). A hold never ends by the
//! clock alone: orders knows whether somebody is paying at this moment. While orders is away everything stays held.
//!
//! Each hold is followed in a transaction of its own: on PostgreSQL rows of stock are locked in the order in which
//! placements lock them, and a hold that cannot be followed does not hold up the others.

use std::sync::Arc;
use std::time::Duration;

use contracts::OrderId;
use contracts::orders::{OrderLife, State, StateRequest};
use kernel::Timestamp;
use store::{StoreError, Tx};

use super::settle_hold::settle_unchanged;
use crate::app::{App, Ids};
use crate::error::Error;
use crate::model::hold::{HoldCommand, HoldState};
use crate::store::holds;

/// How many rounds one turn makes; the next turn goes on.
const ROUNDS_MAX: usize = 20;

/// How long one turn may take before it leaves the rest to the next one: a slow database must not keep a turn beyond its
/// lease, nor the program from stopping.
const TURN_TIME: Duration = Duration::from_secs(10);

/// The soonest that a hold is asked about again whose order lives: whatever orders says, this must not go round and
/// round.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// When a hold is asked about again that could not be followed: somebody has to look at it, and until then it must not
/// stand before the others.
const BROKEN_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// One turn: round after round until nothing is due, or the time of a turn is up.
pub(crate) fn ask(app: &App, now: Timestamp) -> Result<(), Error> {
    let end = app.clock.elapsed() + TURN_TIME;
    for _ in 0..ROUNDS_MAX {
        let due = app.db.read_blocking(move |snapshot| holds::due(snapshot, now))?;
        if due.is_empty() {
            return Ok(());
        }
        let order_ids = due.iter().map(|(order, _)| *order).collect();
        let lives = app.calls.call_blocking::<State>(&StateRequest { order_ids })?.lives;
        let mut left = 0;
        for (place, seen) in due.into_iter().enumerate() {
            left += usize::from(!follow(app, seen, lives.get(place).cloned())?);
            if app.clock.elapsed() >= end {
                return Ok(());
            }
        }
        if left > 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// Does to a hold what the answer means, or puts it off; false when others keep its rows locked, and it stays due. Only a
/// store that is away ends the turn.
fn follow(app: &App, seen: (OrderId, i64), life: Option<OrderLife>) -> Result<bool, Error> {
    let rng = Arc::clone(&app.rng);
    let followed = app.db.write_blocking(move |tx| {
        let ids = Ids { now: tx.now(), rng: rng.as_ref() };
        obey(tx, ids, seen, life.as_ref())
    });
    match followed {
        Ok(()) => return Ok(true),
        Err(Error::Store(StoreError::Busy { reason })) => {
            tracing::warn!(order.id = %seen.0, reason, "a hold is locked by others");
            return Ok(false);
        }
        Err(Error::Store(error)) if is_away(&error) => return Err(error.into()),
        Err(error) => tracing::error!(order.id = %seen.0, %error, "a hold could not be followed"),
    }
    app.db.write_blocking(move |tx| put_off(tx, seen.0))?;
    Ok(true)
}

/// Does to a hold what the answer means, if it is still the hold that was asked about.
fn obey(tx: &mut Tx<'_>, ids: Ids<'_>, seen: (OrderId, i64), life: Option<&OrderLife>) -> Result<(), Error> {
    match life {
        Some(OrderLife::Live { order_id, ask_at }) if *order_id == seen.0 => extend(tx, seen, *ask_at),
        Some(OrderLife::Paid { order_id }) if *order_id == seen.0 => {
            settle_unchanged(tx, ids, seen, HoldCommand::Commit).map(drop)
        }
        Some(OrderLife::Ended { order_id }) if *order_id == seen.0 => {
            settle_unchanged(tx, ids, seen, HoldCommand::Release).map(drop)
        }
        Some(OrderLife::Live { .. } | OrderLife::Paid { .. } | OrderLife::Ended { .. }) | None => {
            tracing::error!(order.id = %seen.0, "orders answered about another order than it was asked about");
            put_off(tx, seen.0)
        }
    }
}

fn extend(tx: &mut Tx<'_>, (order, version): (OrderId, i64), ask_at: Timestamp) -> Result<(), Error> {
    let Some(hold) = holds::lock(tx, order)? else { return Ok(()) };
    if hold.version == version && hold.state == HoldState::Active {
        let soonest = tx.now().plus(AGAIN_AFTER);
        holds::ask_at(tx, order, ask_at.max(soonest))?;
    }
    Ok(())
}

fn put_off(tx: &mut Tx<'_>, order: OrderId) -> Result<(), Error> {
    let at = tx.now().plus(BROKEN_AGAIN_AFTER);
    holds::ask_at(tx, order, at)?;
    Ok(())
}

/// Whether the other holds would meet the same.
const fn is_away(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable { .. }
            | StoreError::Overloaded { .. }
            | StoreError::Stopped { .. }
            | StoreError::OutcomeUnknown { .. }
    )
}
