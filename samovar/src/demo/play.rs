//! Plays the day: five minutes of the demo's clock at a time, guests in parallel, then one round of the baristas.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use kernel::Timestamp;
use serde_json::Value;

use super::chain::{Branch, Chain, all_pages};
use super::client::Client;
use super::clock::ShiftedClock;
use super::day::PlannedOrder;
use super::guest::{self, Outcome};
use super::staff;

/// The demo's clock moves by so much between two rounds. Everything of a round is settled before the next, so that no
/// callback of the bank looks hours old.
const ROUND: Duration = Duration::from_secs(5 * 60);

/// Rounds after the last order: what is on the board is handed over, what was never paid expires.
const CLOSING_ROUNDS: usize = 24;

/// Guests who are served at the same moment.
const AT_ONCE: usize = 6;

/// How the day went, as the guests saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Played {
    /// Orders that were placed.
    pub(crate) placed: usize,
    /// Guests who found nothing that they wanted.
    pub(crate) walked_away: usize,
}

/// Plays all orders of the day and closes the shops.
pub(crate) fn play(
    chain: &Chain,
    day: &[PlannedOrder],
    clock: &ShiftedClock,
    progress: &ProgressBar,
) -> Result<Played> {
    let mut played = Played::default();
    let Some(first) = day.first() else { return Ok(played) };
    let mut now = first.at;
    let mut rest = day;
    let mut number = 0;
    while !rest.is_empty() {
        let due = rest.partition_point(|order| order.at <= now);
        let (this_round, later) = rest.split_at(due);
        rest = later;
        clock.advance_to(now);
        serve_guests(chain, this_round, number, &mut played)?;
        number += this_round.len();
        progress.inc(this_round.len() as u64);
        for branch in &chain.shops {
            staff::work_the_board(branch)?;
        }
        now = now.plus(ROUND);
    }
    close_shops(chain, clock, now)?;
    Ok(played)
}

/// Rounds without new orders, until no board holds anything.
fn close_shops(chain: &Chain, clock: &ShiftedClock, mut now: Timestamp) -> Result<()> {
    for _ in 0..CLOSING_ROUNDS {
        clock.advance_to(now);
        let mut left = 0;
        for branch in &chain.shops {
            left += staff::work_the_board(branch)?;
        }
        if left == 0 {
            return Ok(());
        }
        now = now.plus(ROUND);
    }
    Ok(())
}

fn serve_guests(chain: &Chain, orders: &[PlannedOrder], first_number: usize, played: &mut Played) -> Result<()> {
    let menus = menus(chain, orders)?;
    let queue = Mutex::new(orders.iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let serve = || -> Result<Vec<(usize, Outcome)>> {
        let mut outcomes = Vec::new();
        while let Some((index, order)) = next() {
            let guest = chain.guests[order.guest].client()?;
            let key = format!("demo-{}", first_number + index);
            let shop = &chain.shops[order.shop];
            let outcome = guest::play(&guest, &shop.id, &menus[&order.shop], order, &key)
                .with_context(|| format!("order {key} at {}", shop.name))?;
            outcomes.push((order.shop, outcome));
        }
        Ok(outcomes)
    };
    let outcomes = std::thread::scope(|scope| {
        let guests: Vec<_> = (0..AT_ONCE.min(orders.len())).map(|_| scope.spawn(serve)).collect();
        guests.into_iter().map(|g| g.join().expect("a guest's thread returns its errors")).collect::<Result<Vec<_>>>()
    })?;
    for (shop, outcome) in outcomes.into_iter().flatten() {
        finish(&chain.shops[shop], &outcome, played)?;
    }
    Ok(())
}

fn finish(branch: &Branch, outcome: &Outcome, played: &mut Played) -> Result<()> {
    match outcome {
        Outcome::Placed => {}
        Outcome::PaysAtCounter(order_id) => staff::take_payment(branch, order_id)?,
        Outcome::ToBeCalledOff(order_id) => staff::call_off(branch, order_id)?,
        Outcome::WalkedAway => {
            played.walked_away += 1;
            return Ok(());
        }
    }
    played.placed += 1;
    Ok(())
}

/// The menus of the shops that have guests now, as nobody in particular sees them.
fn menus(chain: &Chain, orders: &[PlannedOrder]) -> Result<BTreeMap<usize, Vec<Value>>> {
    let nobody: Client = chain.admin.client()?.nobody();
    let mut menus = BTreeMap::new();
    for order in orders {
        if let std::collections::btree_map::Entry::Vacant(place) = menus.entry(order.shop) {
            let path = format!("/menu?shop_id={}&limit=100", chain.shops[order.shop].id);
            place.insert(all_pages(&nobody, "read the menu", &path)?);
        }
    }
    Ok(menus)
}
