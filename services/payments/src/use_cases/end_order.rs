//! An order ended, or has to be refunded.

use contracts::orders::{OrderState, OrderUpdated};
use kernel::Money;
use store::Tx;

use super::give_back::{GiveBack, give_back};
use super::record::call_off;
use crate::app::App;
use crate::error::Error;
use crate::model::payment::is_open;
use crate::store as rows;

/// Whether an order's move is anything to its payments. Where it goes between the payment and the counter is not.
pub(crate) const fn matters(update: &OrderUpdated) -> bool {
    is_end(update.to) || is_end(update.from) || update.refund_due
}

const fn is_end(state: OrderState) -> bool {
    matches!(state, OrderState::Cancelled | OrderState::Expired)
}

/// Hears an order's news: open attempts of an ended order are called off, and what was taken goes back if the order
/// says so. Repeated news change nothing: a refund is known by the event that asked for it.
pub(crate) fn hear_update(tx: &mut Tx<'_>, app: &App, event_id: &str, update: &OrderUpdated) -> Result<(), Error> {
    if !matters(update) {
        return Ok(());
    }
    let has_ended = is_end(update.to);
    // Written before the order is looked for: an order that is just being entered waits for this row, or is seen.
    rows::order_ends(tx, update.order_id, has_ended, update.version)?;
    if rows::lock_order(tx, update.order_id)?.is_none() {
        return Ok(());
    }
    let attempts = rows::lock_attempts(tx, update.order_id)?;
    if has_ended {
        for open in attempts.iter().filter(|attempt| is_open(attempt.state) && !attempt.cancel_wanted) {
            call_off(tx, app, open)?;
        }
    }
    if update.refund_due {
        for paid in attempts.iter().filter(|attempt| attempt.counts() && attempt.refundable_minor() > 0) {
            let left =
                Money::new(paid.refundable_minor(), paid.amount.currency()).expect("less than what was captured");
            give_back(tx, app, paid, GiveBack::by_event(event_id, left, update.reason.as_deref()))?;
        }
    }
    Ok(())
}
