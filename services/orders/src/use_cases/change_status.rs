//! The barista's steps: preparing, ready, handed over.

use contracts::OrderId;
use contracts::orders::Actor;
use serde_json::json;
use store::{AuditEntry, Tx};

use super::move_order::{Mover, save_move};
use super::read_orders::Viewer;
use crate::app::App;
use crate::error::Error;
use crate::model::{Command, Order, Step};
use crate::store::lock_visible;

/// Takes an order a step on. A step that was taken already is success and changes nothing.
pub(crate) async fn change_status(app: &App, id: OrderId, staff: Viewer, step: Step) -> Result<Order, Error> {
    app.db.write(move |tx| change(tx, id, &staff, step)).await
}

fn change(tx: &mut Tx<'_>, id: OrderId, staff: &Viewer, step: Step) -> Result<Order, Error> {
    let now = tx.now();
    let order = lock_visible(tx, id, &staff.visible_as_staff())?.ok_or(Error::NoSuchOrder)?;
    let decision = order.decide(Command::Step(step), now)?;
    if decision.1.is_empty() {
        return Ok(order);
    }
    let before = order.state.word();
    let order = save_move(tx, order, decision, Mover { by: Actor::Staff, reason: None, told_reason: None })?;
    tx.audit(
        AuditEntry::new(staff.user_id().to_string(), "orders.status", id.to_string())
            .shop(order.shop_id.to_string())
            .before(json!({ "state": before }))
            .after(json!({ "state": order.state.word(), "version": order.version })),
    )?;
    Ok(order)
}
