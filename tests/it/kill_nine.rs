//! `kill -9` at random moments under load, again and again: what was acknowledged is there, reaches its end, the audit is
//! clean, and the bank and the ledger agree.
//!
//! `SAMOVAR_TORTURE_ROUNDS` says how often (20), `SAMOVAR_SEED` which moments; the seed is printed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kernel::{OsRng, Rng as _};
use serde_json::json;
use testkit::{SeededRng, TestDatabase};

use crate::api::Api;
use crate::pickup::basket;
use crate::stage::{Shop, Stage, eventually};

testkit::both_databases!(kill_nine_loses_nothing_that_was_acknowledged);

const GUESTS: usize = 4;

/// The longest time between a start and the next kill.
const LIFE_MAX_MS: u64 = 900;

/// What the guests were told.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<Vec<(usize, String)>>,
    stop: AtomicBool,
    placements: AtomicUsize,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

fn kill_nine_loses_nothing_that_was_acknowledged(database: &TestDatabase) {
    // Both databases share the rounds that were asked for.
    let rounds = number("SAMOVAR_TORTURE_ROUNDS").unwrap_or(20).div_ceil(2);
    let seed = number("SAMOVAR_SEED").unwrap_or_else(|| OsRng.next_u64() % 1_000_000);
    eprintln!("SAMOVAR_SEED={seed}");
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
        for _ in 0..rounds {
            std::thread::park_timeout(Duration::from_millis(50 + rng.next_u64() % LIFE_MAX_MS));
            stage.kill();
            let report = stage.audit();
            assert_eq!(report["clean"], json!(true), "after kill -9: {report:#}");
            stage.start();
        }
        told.stop.store(true, Ordering::SeqCst);
    });

    let acknowledged = told.acknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(acknowledged.len() > 10, "only {} orders were acknowledged: no load", acknowledged.len());
    for (guest, order) in &acknowledged {
        reaches_its_end(&guests[*guest], &shop, order);
    }
    assert!(stage.stop());
    let report = stage.audit();
    assert_eq!(report["clean"], json!(true), "at rest: {report:#}");
}

/// Places orders and pays for them until told to stop; a dead server is asked again with the same key.
fn order_and_pay(n: usize, guest: &Api, shop: &Shop, told: &Told) {
    while !told.stop.load(Ordering::SeqCst) {
        let number = told.placements.fetch_add(1, Ordering::SeqCst);
        let variant = if number % 2 == 0 { (&shop.cake, 20_000) } else { (&shop.latte, 15_000) };
        let body = basket(shop, variant.0, "online", variant.1);
        let Some(order) = placed(guest, &format!("torture-{n}-{number:08}"), &body, told) else { continue };
        told.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push((n, order.clone()));
        // Every third guest walks away without paying.
        if number % 3 != 2 {
            pay(guest, &order, told);
        }
    }
}

fn placed(guest: &Api, key: &str, body: &serde_json::Value, told: &Told) -> Option<String> {
    while !told.stop.load(Ordering::SeqCst) {
        let Some(answer) = guest.try_post_with_key("/orders", key, body) else {
            std::thread::park_timeout(Duration::from_millis(20));
            continue;
        };
        match answer.status {
            201 => return answer.body["id"].as_str().map(str::to_owned),
            // Still claimed by the request that died, or too many unpaid, or the server is just starting.
            409 | 503 if answer.code() != "orders.too-many-unpaid" => {
                std::thread::park_timeout(Duration::from_millis(50))
            }
            409 => return None,
            status => panic!("placing answered {status}: {}", answer.text),
        }
    }
    None
}

fn pay(guest: &Api, order: &str, told: &Told) {
    for _ in 0..20 {
        if told.stop.load(Ordering::SeqCst) {
            return;
        }
        let Some(payment) = guest.try_get(&format!("/orders/{order}/payment?wait=1s")) else {
            std::thread::park_timeout(Duration::from_millis(20));
            continue;
        };
        if let Some(page) = payment.body["payment_url"].as_str() {
            let _ = guest.try_submit(page, "card=4242424242424242");
            return;
        }
    }
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
