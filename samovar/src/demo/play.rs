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
use super::day::{Day, PlannedOrder};
use super::guest::{self, Outcome};
use super::staff;

/// The demo's clock moves by so much between two rounds. Everything of a round is settled before the next, so that no
/// callback of the bank looks hours old.
const ROUND: Duration = Duration::from_secs(5 * 60);

/// Rounds after the last order: what is on the board is handed over, what was never paid expires.
const CLOSING_ROUNDS: usize = 24;

/// Guests who are served at the same moment.
const AT_ONCE: usize = 6;

/// Others come in the same round for those who found nothing, at most so often; who is still missing comes later.
const OTHERS_MAX: usize = 8;

/// How the day went, as the guests saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Played {
    /// Orders that were placed.
    pub(crate) placed: usize,
    /// Guests who found nothing that they wanted.
    pub(crate) walked_away: usize,
}

/// Plays all orders of the day and closes the shops. As many orders are placed as were planned, unless the shops take no
/// more until they close.
pub(crate) fn play(chain: &Chain, day: &Day<'_>, clock: &ShiftedClock, progress: &ProgressBar) -> Result<Played> {
    let mut played = Played::default();
    let mut rest = day.orders.as_slice();
    let Some(mut now) = rest.first().map(|order| order.at) else { return Ok(played) };
    let mut guests = Guests { chain, came: 0, missing: 0 };
    while !rest.is_empty() {
        let (this_round, later) = rest.split_at(rest.partition_point(|order| order.at <= now));
        rest = later;
        clock.advance_to(now);
        guests.come(this_round, day, now, &mut played)?;
        progress.set_position(played.placed as u64);
        for branch in &chain.shops {
            staff::work_the_board(branch)?;
        }
        now = now.plus(ROUND);
    }
    close_shops(chain, clock, now)?;
    Ok(played)
}

/// Those who come in.
struct Guests<'c> {
    chain: &'c Chain,
    /// How many did.
    came: usize,
    /// Orders that were planned and that nobody has placed.
    missing: usize,
}

impl Guests<'_> {
    /// The guests of one round; for each who finds nothing somebody else comes.
    fn come(&mut self, planned: &[PlannedOrder], day: &Day<'_>, now: Timestamp, played: &mut Played) -> Result<()> {
        let mut orders = planned.to_vec();
        for _ in 0..=OTHERS_MAX {
            orders.extend((0..self.missing).map(|_| day.another(now)));
            if orders.is_empty() {
                return Ok(());
            }
            let before = played.walked_away;
            serve_guests(self.chain, &orders, self.came, played)?;
            self.came += orders.len();
            self.missing = played.walked_away - before;
            orders.clear();
        }
        Ok(())
    }
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
