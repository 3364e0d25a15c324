//! `kill -9` at random moments under load, again and again: what was acknowledged is there, reaches its end, the audit is
//! clean, and the bank and the ledger agree.
//!
//! `TORTURE_ROUNDS` says how often (20), `TORTURE_SEED` which moments; the seed is printed.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use kernel::{OsRng, Rng as _};
use serde_json::{Value, json};
use testkit::{SeededRng, TestDatabase};

use crate::api::{Answer, Api};
use crate::pickup::basket;
use crate::stage::{Shop, Stage, eventually, within};

#[test]
fn on_sqlite() {
    kill_nine_loses_nothing_that_was_acknowledged(&TestDatabase::sqlite());
}

#[test]
fn on_postgres() {
    kill_nine_loses_nothing_that_was_acknowledged(&TestDatabase::postgres());
}

const GUESTS: usize = 4;

/// The server is killed after at most so many answers.
const ANSWERS_MAX: u64 = 60;

/// Nobody waits longer for them.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// How often a placement is asked for again, 50 ms apart: longer than the lease of a claim whose request died.
const TRIES_MAX: usize = 900;

/// What the guests were told.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<Vec<(usize, String)>>,
    /// How many requests were answered, and a bell for who counts them.
    answered: Mutex<u64>,
    heard: Condvar,
    stop: AtomicBool,
    placements: AtomicUsize,
}

impl Told {
    /// Passes an answer on, counted.
    fn counted(&self, answer: Option<Answer>) -> Option<Answer> {
        if answer.is_some() {
            *self.answered.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.heard.notify_all();
        }
        answer
    }

    /// Returns when so many further requests were answered: in the midst of others.
    fn wait_for_answers(&self, further: u64) {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = *answered + further;
        let (answered, waited) = self
            .heard
            .wait_timeout_while(answered, LIFE_MAX, |answered| *answered < wanted)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{} of {wanted} requests were answered: no load", *answered);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

fn kill_nine_loses_nothing_that_was_acknowledged(database: &TestDatabase) {
    let rounds = number("TORTURE_ROUNDS").unwrap_or(20);
    let seed = number("TORTURE_SEED").unwrap_or_else(|| OsRng.next_u64() % 1_000_000);
    let _ = writeln!(std::io::stderr(), "TORTURE_SEED={seed}");
    let rng = SeededRng::new(seed);
    let mut stage = Stage::new(database, &["orders.unpaid_expiry_min=1"]);
    let shop = stage.open_shop(100_000);
    let guests: Vec<Api> = (0..GUESTS).map(|n| stage.guest(&format!("guest{n}"))).collect();
    let told = Told::default();

    std::thread::scope(|scope| {
        for (n, guest) in guests.iter().enumerate() {
            let (shop, told) = (&shop, &told);
            scope.spawn(move || order_and_pay(n, guest, shop, told));
        }
        let _at_the_end = StopGuests(&told.stop);
        for _ in 0..rounds {
            told.wait_for_answers(rng.next_u64() % ANSWERS_MAX);
            stage.kill();
            assert_holds_at_every_commit(&stage.audit());
            stage.start();
        }
    });

    let acknowledged = told.acknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(acknowledged.len() > 10, "only {} orders were acknowledged: no load", acknowledged.len());
    for (guest, order) in &acknowledged {
        reaches_its_end(&guests[*guest], &shop, order);
    }
    stage.come_to_rest();
}

/// Sends the guests home, also when a round fails: the scope waits for them.
struct StopGuests<'t>(&'t AtomicBool);

impl Drop for StopGuests<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Killed in the middle of work, what holds at every commit holds; what holds at rest is not asked yet.
fn assert_holds_at_every_commit(report: &Value) {
    for check in report["checks"].as_array().unwrap() {
        let held = check["quiescent"] == json!(true) || check["findings"] == json!([]);
        assert!(held && check["not_made"].is_null(), "after kill -9: {check:#}");
    }
}

/// Places orders and pays for them until told to stop; a dead server is asked again with the same key.
fn order_and_pay(n: usize, guest: &Api, shop: &Shop, told: &Told) {
    while !told.stop.load(Ordering::SeqCst) {
        let number = told.placements.fetch_add(1, Ordering::SeqCst);
        let variant = if number.is_multiple_of(2) { (&shop.cake, 20_000) } else { (&shop.latte, 15_000) };
        let body = basket(shop, variant.0, "online", variant.1);
        let Some(order) = placed(guest, &format!("torture-{n}-{number:08}"), &body, told) else { continue };
        told.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push((n, order.clone()));
        // Every third guest walks away without paying.
        if number % 3 != 2 {
            pay(guest, &order, told);
        }
    }
}

/// The order's id, unless the guest has too many that are unpaid.
fn placed(guest: &Api, key: &str, body: &Value, told: &Told) -> Option<String> {
    // To its end, also when the drill is over: a placement that nobody asks for again would leave its hold behind until
    // catalog asks about it.
    let ended = within(TRIES_MAX, || {
        let answer = told.counted(guest.try_post_with_key("/orders", key, body))?;
        match answer.status {
            201 => Some(answer.body["id"].as_str().map(str::to_owned)),
            // Still claimed by the request that died, or the server is just starting.
            409 | 503 if answer.code() != "orders.too-many-unpaid" => None,
            409 => Some(None),
            status => panic!("placing answered {status}: {}", answer.text),
        }
    });
    ended.flatten()
}

fn pay(guest: &Api, order: &str, told: &Told) {
    within(20, || {
        if told.stop.load(Ordering::SeqCst) {
            return Some(());
        }
        let payment = told.counted(guest.try_get(&format!("/orders/{order}/payment?wait=1s")))?;
        let page = payment.body["payment_url"].as_str()?;
        let _ = guest.try_submit(page, "card=4242424242424242");
        Some(())
    });
}

/// What was paid is made and handed over; what was not expires or is cancelled.
fn reaches_its_end(guest: &Api, shop: &Shop, order: &str) {
    eventually(&format!("{order} reaches its end"), || {
        let read = guest.get(&format!("/orders/{order}"));
        assert_eq!(read.status, 200, "{order} was acknowledged and is lost: {}", read.text);
        let next = match read.body["state"].as_str().unwrap_or_default() {
            "closed" | "cancelled" | "expired" => return Some(()),
            "placed" => {
                let _ = guest.try_post(&format!("/orders/{order}/cancel"), &json!({"reason": "enough"}));
                return None;
            }
            "paid" => "preparing",
            "preparing" => "ready",
            "ready" => "closed",
            other => panic!("{order} is {other}"),
        };
        shop.barista.post(&format!("/orders/{order}/status"), &json!({"state": next})).expect(200);
        None
    });
}
