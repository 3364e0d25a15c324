//! What one guest does with one order, from reading the menu to paying or walking away.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::client::Client;
use super::day::{Course, PlannedOrder, Wish};

const CARD_THAT_PAYS: &str = "4242424242424242";
const CARD_WITH_CODE: &str = "4100000000000001";
const CARD_DECLINED: &str = "4000000000000002";

/// How often a basket is changed and sent again before the guest walks away.
const PLACEMENTS_MAX: usize = 8;

/// How long the guest looks at a page that does not change: so many times five seconds.
const WAITS_MAX: usize = 12;

/// What is wanted of the barista, or of the manager, for an order that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The guest's part is done.
    Placed,
    /// The guest stands at the counter and pays for this order.
    PaysAtCounter(String),
    /// The shop calls this order off.
    ToBeCalledOff(String),
    /// Nothing of the basket was to be had.
    WalkedAway,
}

/// Plays one order.
pub(crate) fn play(guest: &Client, shop_id: &str, menu: &[Value], order: &PlannedOrder, key: &str) -> Result<Outcome> {
    let method = if order.course == Course::Counter { "counter" } else { "online" };
    let lines: Vec<Value> = order.wishes.iter().filter_map(|wish| line(menu, wish)).collect();
    let Some(placed) = place(guest, shop_id, lines, method, key)? else { return Ok(Outcome::WalkedAway) };
    let id = placed["id"].as_str().context("an order without an id")?.to_owned();
    match order.course {
        Course::Online => pay(guest, &id, CARD_THAT_PAYS)?,
        Course::OnlineWithCode => pay(guest, &id, CARD_WITH_CODE)?,
        Course::Counter => return Ok(Outcome::PaysAtCounter(id)),
        Course::SecondCard => {
            pay(guest, &id, CARD_DECLINED)?;
            let again = json!({"method": "online", "return_url": null});
            guest.post_once("try another card", &format!("/orders/{id}/payments"), &format!("{key}-again"), &again)?;
            pay(guest, &id, CARD_THAT_PAYS)?;
        }
        Course::Declined => pay(guest, &id, CARD_DECLINED)?,
        Course::Abandoned => {}
        Course::CancelledUnpaid => cancel(guest, &id)?,
        Course::CancelledPaid => {
            pay(guest, &id, CARD_THAT_PAYS)?;
            cancel(guest, &id)?;
        }
        Course::CancelledByShop => {
            pay(guest, &id, CARD_THAT_PAYS)?;
            return Ok(Outcome::ToBeCalledOff(id));
        }
    }
    Ok(Outcome::Placed)
}

/// Quotes and places; what is sold out is put back on the shelf, and a changed price is accepted.
fn place(guest: &Client, shop_id: &str, mut lines: Vec<Value>, method: &str, key: &str) -> Result<Option<Value>> {
    for attempt in 0..PLACEMENTS_MAX {
        if lines.is_empty() {
            return Ok(None);
        }
        let mut body = json!({"shop_id": shop_id, "fulfilment": {"kind": "pickup", "at": "asap"}, "lines": lines,
            "promo_codes": [], "points": 0});
        let quote = guest.try_post("quote", "/orders/quote", &format!("{key}-q{attempt}"), &body)?;
        if quote.status == 409 {
            lines = without_sold_out(lines, &quote.json()?)?;
            continue;
        }
        let quote: Value = quote.json()?;
        body["expected_total"] = quote["total"].clone();
        body["payment"] = json!({"method": method, "return_url": null});
        let answer = guest.try_post("place an order", "/orders", &format!("{key}-{attempt}"), &body)?;
        match answer.status {
            201 => return Ok(Some(answer.json()?)),
            409 => lines = without_sold_out(lines, &answer.json()?)?,
            status => bail!("placing answered {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
    Ok(None)
}

/// The lines that can be had, after a 409; all of them when only the price changed.
fn without_sold_out(lines: Vec<Value>, problem: &Value) -> Result<Vec<Value>> {
    match problem["code"].as_str().unwrap_or_default() {
        "catalog.out-of-stock" | "orders.out-of-stock" => {}
        "orders.price-changed" | "catalog.price-changed" => return Ok(lines),
        "orders.shop-closed" | "orders.slot-full" | "orders.too-many-unpaid" => return Ok(Vec::new()),
        _ => bail!("an unexpected refusal: {problem}"),
    }
    let gone: Vec<usize> = problem["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|line| line["pointer"].as_str()?.strip_prefix("/lines/")?.split('/').next()?.parse().ok())
        .collect();
    Ok(lines.into_iter().enumerate().filter(|(index, _)| !gone.contains(index)).map(|(_, line)| line).collect())
}

/// Waits for the bank's page, fills it in, and waits for what became of it.
fn pay(guest: &Client, order_id: &str, card: &str) -> Result<()> {
    let path = format!("/orders/{order_id}/payment");
    let mut payment = guest.get("see the payment", &format!("{path}?wait=5s"))?;
    for _ in 0..WAITS_MAX {
        if payment["payment_url"].is_string() {
            break;
        }
        payment = guest.get("see the payment", &format!("{path}?wait=5s"))?;
    }
    let page = payment["payment_url"].as_str().with_context(|| format!("no page to pay {order_id}: {payment}"))?;
    guest.submit_form("pay on the bank's page", page, &format!("card={card}"))?;
    if card == CARD_WITH_CODE {
        guest.submit_form("enter the bank's code", page, "code=000000")?;
    }
    for _ in 0..WAITS_MAX {
        let state = payment["state"].as_str().unwrap_or_default();
        if !matches!(state, "created" | "pending" | "unknown" | "authorized") {
            return Ok(());
        }
        payment = guest.get("hear from the bank", &format!("{path}?wait=5s&since={state}"))?;
    }
    bail!("the bank never said what became of {order_id}: {payment}")
}

fn cancel(guest: &Client, order_id: &str) -> Result<()> {
    let path = format!("/orders/{order_id}/cancel");
    guest.post("cancel an order", &path, &json!({"reason": "changed my mind"}))?;
    Ok(())
}

/// A line of the basket: some product of the wished category, some variant, and what its modifiers demand.
fn line(menu: &[Value], wish: &Wish) -> Option<Value> {
    let products: Vec<&Value> = menu.iter().filter(|p| p["category"]["slug"] == wish.category).collect();
    let product = pick(&products, wish.pick)?;
    let variants: Vec<&Value> = product["variants"].as_array()?.iter().collect();
    let variant = pick(&variants, wish.pick >> 8)?;
    let mut modifiers = Vec::new();
    for (place, group) in product["modifier_groups"].as_array().into_iter().flatten().enumerate() {
        let options: Vec<&Value> =
            group["modifiers"].as_array()?.iter().filter(|m| m["available"] == json!(true)).collect();
        let wanted = group["min"].as_i64() > Some(0) || (wish.pick >> (16 + place)) & 3 == 0;
        if let (true, Some(option)) = (wanted, pick(&options, wish.pick >> 24)) {
            modifiers.push(json!({"id": option["id"], "quantity": 1}));
        }
    }
    Some(json!({"variant_id": variant["id"], "quantity": wish.quantity, "modifiers": modifiers}))
}

fn pick<'v>(values: &[&'v Value], number: u64) -> Option<&'v Value> {
    let count = u64::try_from(values.len()).ok().filter(|count| *count > 0)?;
    values.get(usize::try_from(number % count).ok()?).copied()
}
