//! Every misbehaviour really happens.

use sandbox::bank::sign;
use serde_json::{Value, json};

use crate::shop::{SECRET, Shop, a_bank, delete, fault, get, open, pay, payment, post};

fn always(kind: &str) -> Value {
    json!({"kind": kind, "probability": 1.0, "seed": 7})
}

#[test]
fn duplicate_delivers_the_same_event_three_times() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    fault(bank.url(), &always("duplicate"));

    pay(&open(bank.url(), "ord_1", &shop.url), "4242424242424242");

    let count =
        |callbacks: &[crate::shop::Callback]| callbacks.iter().filter(|c| c.body["type"] == "payment.captured").count();
    let callbacks = shop.when(|callbacks| count(callbacks) == 3);
    let bodies: std::collections::HashSet<_> =
        callbacks.iter().filter(|c| c.body["type"] == "payment.captured").map(|c| c.raw.clone()).collect();
    assert_eq!(bodies.len(), 1);
}

#[test]
fn lost_events_never_come() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    fault(bank.url(), &always("lost"));
    let lost = open(bank.url(), "ord_lost", &shop.url);
    pay(&lost, "4242424242424242");
    assert_eq!(bank.books().owed().unwrap(), 0, "nothing is owed for what is lost");

    delete(&format!("{}/v1/faults?kind=lost", bank.url()));
    pay(&open(bank.url(), "ord_heard", &shop.url), "4242424242424242");

    shop.event("payment.captured");
    let orders: Vec<_> = shop.when(|_| true).iter().map(|c| c.body["order_id"].clone()).collect();
    assert!(orders.iter().all(|order| order == "ord_heard"), "{orders:?}");
    assert_eq!(payment(bank.url(), &lost)["state"], "captured");
}

#[test]
fn reordered_events_come_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    // Of the two events of a payment only the first is struck: seed 3 strikes chance 0 and spares chance 1.
    let seed = (0..).find(|seed| strikes(*seed, 0) && !strikes(*seed, 1)).unwrap();
    fault(bank.url(), &json!({"kind": "reordered", "probability": 0.5, "seed": seed, "delay_ms": 600_000}));

    pay(&open(bank.url(), "ord_1", &shop.url), "4242424242424242");

    let callbacks = shop.when(|callbacks| callbacks.len() == 2);
    let kinds: Vec<_> = callbacks.iter().map(|c| c.body["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["payment.captured", "payment.authorized"]);
}

fn strikes(seed: u64, chance: u64) -> bool {
    use sandbox::bank::faults::{Fault, FaultKind};
    Fault { kind: FaultKind::Reordered, probability: 0.5, seed, delay_ms: 0 }.strikes(chance)
}

#[test]
fn late_events_are_held_until_the_fault_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    fault(bank.url(), &json!({"kind": "late", "probability": 1.0, "seed": 1, "delay_ms": 3_600_000}));
    pay(&open(bank.url(), "ord_1", &shop.url), "4242424242424242");
    assert_eq!(bank.books().owed().unwrap(), 2);
    assert!(shop.when(|_| true).is_empty());

    delete(&format!("{}/v1/faults", bank.url()));

    shop.event("payment.captured");
}

#[test]
fn a_late_refund_is_pending_first() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    let opened = open(bank.url(), "ord_1", &shop.url);
    pay(&opened, "4242424242424242");
    fault(bank.url(), &json!({"kind": "late", "probability": 1.0, "seed": 1, "delay_ms": 3_600_000}));
    let url = format!("{}/v1/payments/{}/refunds", bank.url(), opened["id"].as_str().unwrap());

    let refund = post(&url, "r", &json!({"amount": {"amount": 5, "currency": "RUB"}, "reference": "r"})).unwrap();
    assert_eq!(refund.body["state"], "pending");
    delete(&format!("{}/v1/faults", bank.url()));

    shop.event("refund.succeeded");
    assert_eq!(payment(bank.url(), &opened)["refunded"]["amount"], 5);
}

#[test]
fn forged_callbacks_say_captured_under_a_wrong_signature() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    fault(bank.url(), &always("forged"));

    let opened = open(bank.url(), "ord_1", &shop.url);

    let forged = shop.event("payment.captured");
    assert_ne!(forged.signature, sign(SECRET, &forged.timestamp, forged.raw.as_bytes()));
    assert_eq!(payment(bank.url(), &opened)["state"], "pending");
}

#[test]
fn wrong_amount_takes_one_rouble_for_an_order_of_620() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    fault(bank.url(), &always("wrong_amount"));
    let opened = open(bank.url(), "ord_1", &shop.url);

    pay(&opened, "4242424242424242");

    assert_eq!(payment(bank.url(), &opened)["captured"]["amount"], 100);
    assert_eq!(shop.event("payment.captured").body["amount"]["amount"], 100);
}

#[test]
fn a_bank_that_is_down_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    fault(bank.url(), &always("down"));
    let url = format!("{}/v1/payments", bank.url());

    let answer = post(&url, "k", &json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "o"})).unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(get(&url).status, 503);
    delete(&format!("{}/v1/faults", bank.url()));

    assert!(get(&url).body["items"].as_array().unwrap().is_empty());
}

#[test]
fn a_slow_bank_answers_after_the_asker_gave_up() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    fault(bank.url(), &json!({"kind": "slow", "probability": 1.0, "seed": 1, "delay_ms": 60_000}));
    let url = format!("{}/v1/payments", bank.url());

    let answer = post(&url, "k", &json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "o"}));

    assert!(matches!(answer, Err(ureq::Error::Timeout(_))));
}

#[test]
fn charged_then_timeout_has_done_it_and_the_key_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    fault(bank.url(), &always("charged_then_timeout"));
    let url = format!("{}/v1/payments", bank.url());
    let ask = json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "o"});

    assert!(matches!(post(&url, "k", &ask), Err(ureq::Error::Timeout(_))));
    let again = post(&url, "k", &ask).unwrap();

    assert_eq!(again.status, 201);
    assert_eq!(get(&format!("{url}?order_id=o")).body["items"].as_array().unwrap().len(), 1);
}

#[test]
fn faults_are_listed_and_a_bad_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let url = format!("{}/v1/faults", bank.url());
    fault(bank.url(), &json!({"kind": "slow", "probability": 0.2, "seed": 7}));

    let listed = get(&url).body;
    assert_eq!(listed["items"], json!([{"kind": "slow", "probability": 0.2, "seed": 7, "delay_ms": 5_000}]));
    assert_eq!(post(&url, "", &json!({"kind": "slow", "probability": 2})).unwrap().status, 422);
    assert_eq!(post(&url, "", &json!({"kind": "polite", "probability": 1})).unwrap().status, 422);
}
