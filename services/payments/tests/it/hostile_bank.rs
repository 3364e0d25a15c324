//! A bank that answers nonsense (API10): nothing is believed, nothing breaks, and the truth is asked for again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contracts::orders::PaymentMethod;
use http::HeaderMap;
use serde_json::{Value, json};
use service::OutResponse;
use testkit::{FakeClock, ScriptedOutbound, ServiceHarness, TestDatabase};

use crate::world::{ANNA, TOTAL, World, mount};

testkit::both_databases!(
    nonsense_is_never_taken_for_money,
    a_refusal_to_open_fails_and_calls_a_person,
    guests_are_sent_only_to_the_bank,
    one_payment_of_the_bank_is_never_two_of_ours,
);

/// Every mount on one database draws its own ids.
static SEED: AtomicU64 = AtomicU64::new(3);

const SETTINGS: &[(&str, &str)] = &[("payments.bank_url", "http://bank.example"), ("payments.bank_secret", "s")];

fn good(order_id: &str) -> Value {
    json!({"id": order_id.replace("ord_", "bnk_"), "order_id": order_id, "state": "captured", "amount": {"amount": TOTAL, "currency": "RUB"},
           "captured": {"amount": TOTAL, "currency": "RUB"}, "page_url": "http://bank.example/pay/bnk_1", "refunds": []})
}

fn with(order_id: &str, name: &str, value: Value) -> Vec<u8> {
    let mut body = good(order_id);
    body[name] = value;
    body.to_string().into_bytes()
}

/// Places an order at a bank that answers everything so, and reads its payment.
fn at_a_bank_that_says(
    database: &TestDatabase,
    status: u16,
    body: impl Fn(&str) -> Vec<u8>,
) -> (ServiceHarness, Value) {
    let world = World::open(database);
    let placed = world.placed(PaymentMethod::Online, TOTAL);
    drop(world);
    let body = body(&placed.order_id.to_string());
    let outbound =
        ScriptedOutbound::answering(move |_| Ok(OutResponse { status, headers: HeaderMap::new(), body: body.clone() }));
    let seed = SEED.fetch_add(1, Ordering::Relaxed);
    let clock = FakeClock::default();
    // The lease of the mount before has run out.
    clock.advance(Duration::from_secs(1_000 * seed));
    let mut harness = mount(database, &clock, SETTINGS, outbound, seed);
    harness.publish("orders", &placed);
    harness.settle();
    harness.pass(Duration::from_secs(60));
    let path = format!("/orders/{}/payment", placed.order_id);
    let payment = harness.get(&path).by(&ANNA).send().expect(200).json();
    (harness, payment)
}

/// What a bank says for an order of this id.
type Nonsense = fn(&str) -> Vec<u8>;

fn nonsense_is_never_taken_for_money(database: &TestDatabase) {
    let nonsense: Vec<(&str, Nonsense)> = vec![
        ("html", |_| b"<html>ok</html>".to_vec()),
        ("empty", |_| Vec::new()),
        ("not an object", |_| b"[]".to_vec()),
        ("an unknown state", |id| with(id, "state", json!("paid"))),
        ("an amount as text", |id| with(id, "captured", json!("62000"))),
        ("half an amount", |id| with(id, "captured", json!({"amount": 620.5, "currency": "RUB"}))),
        ("a negative amount", |id| with(id, "captured", json!({"amount": -1, "currency": "RUB"}))),
        ("more than there is", |id| {
            with(id, "captured", json!({"amount": 9_007_199_254_740_993_i64, "currency": "RUB"}))
        }),
        ("no money", |id| with(id, "captured", json!({"amount": 0, "currency": "RUB"}))),
        ("another currency", |id| with(id, "captured", json!({"amount": TOTAL, "currency": "USD"}))),
        ("another order", |id| with(id, "order_id", json!("ord_00000000000000000000000000"))),
        ("a path for an id", |id| with(id, "id", json!("../../v1/faults"))),
        ("a hostile name", |id| with(id, "order_id", json!("'; DROP TABLE payments; --"))),
    ];
    for (name, body) in nonsense {
        let (harness, payment) = at_a_bank_that_says(database, 200, body);

        assert!(matches!(payment["state"].as_str(), Some("unknown" | "created")), "{name}: {payment}");
        assert_eq!(payment["captured"]["amount"], 0, "{name}");
        let ledger = harness.get("/ledger").by(&testkit::Admin).send().expect(200).json();
        assert_eq!(ledger["items"], json!([]), "{name}");
    }
    for status in [302, 500, 502] {
        let (_, payment) = at_a_bank_that_says(database, status, |id| good(id).to_string().into_bytes());
        assert_eq!(payment["state"], "unknown", "{status}");
    }
}

fn a_refusal_to_open_fails_and_calls_a_person(database: &TestDatabase) {
    let (harness, payment) = at_a_bank_that_says(database, 422, |_| b"{}".to_vec());

    assert_eq!(payment["state"], "failed");
    let alarmed = harness.get("/payments?alarmed=true").by(&testkit::Admin).send().expect(200).json();
    assert_eq!(alarmed["items"][0]["alarm"], "open_refused");
}

fn guests_are_sent_only_to_the_bank(database: &TestDatabase) {
    for page in
        ["https://evil.example/pay", "javascript:alert(1)", "http://bank.example@evil.example/", "//evil.example"]
    {
        let (_, payment) = at_a_bank_that_says(database, 200, move |id| {
            let mut body = good(id);
            body["state"] = json!("pending");
            body["captured"] = json!({"amount": 0, "currency": "RUB"});
            body["page_url"] = json!(page);
            body.to_string().into_bytes()
        });

        assert_eq!(payment["payment_url"], json!(null), "{page}");
    }
}

fn one_payment_of_the_bank_is_never_two_of_ours(database: &TestDatabase) {
    let (harness, first) = at_a_bank_that_says(database, 200, |id| good(id).to_string().into_bytes());
    assert_eq!(first["state"], "captured");
    let path = format!("/orders/{}/payment", first["order_id"].as_str().unwrap());

    drop(harness);

    // The second order's opening is answered with the payment of the first, under the second's name.
    let taken = first["order_id"].as_str().unwrap().replace("ord_", "bnk_");
    let (harness, second) = at_a_bank_that_says(database, 200, move |id| with(id, "id", json!(taken)));

    assert!(matches!(second["state"].as_str(), Some("created" | "unknown")), "{second}");
    let alarmed = harness.get("/payments?alarmed=true").by(&testkit::Admin).send().expect(200).json();
    assert_eq!(alarmed["items"][0]["alarm"], "order_mismatch");
    assert_eq!(harness.get(&path).by(&ANNA).send().expect(200).json()["state"], "captured");
}
