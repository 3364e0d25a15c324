//! Asks orders what has become of the orders whose holds are past their time (decision 32). A hold never ends by the
//! clock alone: orders knows whether somebody is paying at this moment. While orders is away everything stays held.

use contracts::OrderId;
use contracts::orders::{OrderLife, State, StateRequest};
use kernel::Timestamp;
use store::Tx;

use super::settle_hold::settle_unchanged;
use crate::app::{App, Ids};
use crate::error::Error;
use crate::model::hold::{HoldCommand, HoldState};
use crate::store::holds;

/// How many rounds one turn makes; the next turn goes on.
const ROUNDS_MAX: usize = 20;

/// One turn: round after round until nothing is due.
pub(crate) fn ask(app: &App, now: Timestamp) -> Result<(), Error> {
    for _ in 0..ROUNDS_MAX {
        let due = app.db.read_blocking(move |snapshot| holds::due(snapshot, now))?;
        if due.is_empty() {
            return Ok(());
        }
        let order_ids = due.iter().map(|(order, _)| *order).collect();
        let lives = app.calls.call_blocking::<State>(&StateRequest { order_ids })?.lives;
        let rng = std::sync::Arc::clone(&app.rng);
        app.db.write_blocking(move |tx| {
            let ids = Ids { now: tx.now(), rng: rng.as_ref() };
            due.iter().zip(&lives).try_for_each(|(seen, life)| follow(tx, ids, *seen, life))
        })?;
    }
    Ok(())
}

/// Does to a hold what the answer means, if it is still the hold that was asked about.
fn follow(tx: &mut Tx<'_>, ids: Ids<'_>, seen: (OrderId, i64), life: &OrderLife) -> Result<(), Error> {
    match life {
        OrderLife::Live { order_id, ask_at } if *order_id == seen.0 => extend(tx, seen, *ask_at),
        OrderLife::Paid { order_id } if *order_id == seen.0 => {
            settle_unchanged(tx, ids, seen, HoldCommand::Commit).map(drop)
        }
        OrderLife::Ended { order_id } if *order_id == seen.0 => {
            settle_unchanged(tx, ids, seen, HoldCommand::Release).map(drop)
        }
        OrderLife::Live { .. } | OrderLife::Paid { .. } | OrderLife::Ended { .. } => {
            tracing::error!(order.id = %seen.0, "orders answered about another order than it was asked about");
            Ok(())
        }
    }
}

fn extend(tx: &mut Tx<'_>, (order, version): (OrderId, i64), ask_at: Timestamp) -> Result<(), Error> {
    let Some(hold) = holds::lock(tx, order)? else { return Ok(()) };
    if hold.version == version && hold.state == HoldState::Active {
        holds::ask_at(tx, order, ask_at)?;
    }
    Ok(())
}
