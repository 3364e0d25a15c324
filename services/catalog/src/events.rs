//! What catalog hears: an order was paid, or ended.
//!
//! The two topics are read each in its own order, so the news of a payment may come after that of the cancellation
//! that followed it. `model/hold.rs` says why every order of arrival ends the same.

use std::sync::Arc;

use contracts::orders::{OrderPaid, OrderUpdated};
use eventlog::{Consumer, Delivered, Failure};
use kernel::Event as _;
use store::Tx;

use crate::app::{App, Ids};
use crate::model::hold::{HoldCommand, command_of};
use crate::use_cases::settle_hold::settle;

/// The consumer of holds. The rows of stock that it changes are those that placements change.
pub(crate) fn holds(app: Arc<App>) -> Consumer {
    Consumer::apply("catalog.holds", &[OrderPaid::TOPIC, OrderUpdated::TOPIC], move |tx, event| hear(tx, event, &app))
        .one_by_one_on_server(moves_a_hold)
}

/// Most of what orders tells is nothing to a hold. What cannot be read fails by itself.
fn moves_a_hold(event: &Delivered) -> bool {
    event.topic == OrderPaid::TOPIC || event.decode::<OrderUpdated>().is_ok_and(|update| command_of(&update).is_some())
}

fn hear(tx: &mut Tx<'_>, event: &Delivered, app: &App) -> Result<(), Failure> {
    let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
    if event.topic == OrderPaid::TOPIC {
        let paid = event.decode::<OrderPaid>()?;
        settle(tx, ids, paid.order_id, HoldCommand::Commit)?;
        return Ok(());
    }
    let update = event.decode::<OrderUpdated>()?;
    if let Some(command) = command_of(&update) {
        settle(tx, ids, update.order_id, command)?;
    }
    Ok(())
}
