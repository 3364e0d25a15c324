//! What the people behind the counter do: take money, make, call out, hand over.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::chain::Branch;

/// Takes the money for an order that is paid at the counter.
pub(crate) fn take_payment(branch: &Branch, order_id: &str) -> Result<()> {
    let barista = branch.barista.client()?;
    let payment = barista.get("see the payment", &format!("/orders/{order_id}/payment?wait=5s"))?;
    let id = payment["id"].as_str().with_context(|| format!("no payment of {order_id}: {payment}"))?;
    let how = json!({"how": "terminal", "reference": format!("RRN {order_id}")});
    barista.post_once("take the money", &format!("/payments/{id}/receive"), &format!("receive-{order_id}"), &how)?;
    Ok(())
}

/// Calls an order off for the shop.
pub(crate) fn call_off(branch: &Branch, order_id: &str) -> Result<()> {
    let manager = branch.manager.client()?;
    manager.post(
        "call an order off",
        &format!("/orders/{order_id}/cancel"),
        &json!({"reason": "the oven is broken"}),
    )?;
    Ok(())
}

/// One round along the board: hand over what is ready, call out what is made, begin what is paid. Returns how many
/// orders are still on their way.
pub(crate) fn work_the_board(branch: &Branch) -> Result<usize> {
    let barista = branch.barista.client()?;
    let board = barista.get("read the board", &format!("/shops/{}/board", branch.id))?;
    let mut left = board["awaiting_payment"].as_array().map_or(0, Vec::len);
    for (column, next) in [("ready", "closed"), ("preparing", "ready"), ("to_prepare", "preparing")] {
        for card in board[column].as_array().into_iter().flatten() {
            let id = card["order_id"].as_str().context("a card without an order")?;
            barista.post("move an order", &format!("/orders/{id}/status"), &json!({"state": next}))?;
            left += usize::from(next != "closed");
        }
    }
    Ok(left)
}
