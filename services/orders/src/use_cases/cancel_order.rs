//! Calling an order off: the guest while it is not being made, staff with a reason until it is handed over
//! (decision 35). What was held is given back, what was paid is refunded.

use contracts::OrderId;
use contracts::orders::Actor;
use kernel::Text;
use serde_json::json;
use service::Fault;
use store::{AuditEntry, Tx};

use super::move_order::{Mover, save_move};
use super::read_orders::Viewer;
use crate::app::App;
use crate::error::Error;
use crate::model::{Canceller, Command, Order};
use crate::store::lock_visible;

/// The words that others are told; what people wrote stays in the history.
const BY_GUEST: &str = "cancelled-by-guest";
const BY_STAFF: &str = "cancelled-by-staff";

const REASON_REQUIRED: Text =
    Text { en: "staff must give a reason", ru: "сотрудник должен указать причину" };

/// Cancels an order on somebody's behalf.
pub(crate) async fn cancel_order(
    app: &App,
    id: OrderId,
    viewer: Viewer,
    reason: Option<String>,
) -> Result<Order, Error> {
    app.db.write(move |tx| cancel(tx, id, &viewer, reason.as_deref())).await
}

fn cancel(tx: &mut Tx<'_>, id: OrderId, viewer: &Viewer, reason: Option<&str>) -> Result<Order, Error> {
    let now = tx.now();
    let order = lock_visible(tx, id, &viewer.visible())?.ok_or(Error::NoSuchOrder)?;
    let canceller = viewer.canceller_of(&order);
    let decision = order.decide(Command::Cancel(canceller), now)?;
    if decision.1.is_empty() {
        return Ok(order);
    }
    let mover = match canceller {
        Canceller::Guest => Mover { by: Actor::Guest, reason, told_reason: Some(BY_GUEST) },
        Canceller::Staff | Canceller::Delivery => {
            let reason = reason.ok_or_else(reason_required)?;
            Mover { by: Actor::Staff, reason: Some(reason), told_reason: Some(BY_STAFF) }
        }
    };
    let before = order.state.word();
    let order = save_move(tx, order, decision, mover)?;
    tx.audit(
        AuditEntry::new(viewer.user_id().to_string(), "orders.cancel", id.to_string())
            .shop(order.shop_id.to_string())
            .before(json!({ "state": before }))
            .after(json!({ "state": order.state.word(), "version": order.version })),
    )?;
    Ok(order)
}

fn reason_required() -> Error {
    Error::Invalid(vec![Fault::new("/reason", "required", REASON_REQUIRED)])
}
