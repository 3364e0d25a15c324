//! A bank that answers nonsense (API10): nothing is believed, nothing breaks, and the truth is asked for again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::orders::PaymentMethod;
use http::HeaderMap;
use serde_json::{Value, json};
use service::OutResponse;
use testkit::{FakeClock, ScriptedOutbound, ServiceHarness, TestDatabase};

use crate::told::placed_at;
use crate::world::{ANNA, TOTAL, mount};

testkit::both_databases!(
    nonsense_is_never_taken_for_money,
    a_refusal_to_open_fails_and_calls_a_person,
    guests_are_sent_only_to_the_bank,
    one_payment_of_the_bank_is_never_two_of_ours,
);

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

/// A bank that answers everything the same.
struct HostileBank {
    harness: ServiceHarness,
    clock: FakeClock,
    says: Arc<Mutex<(u16, Vec<u8>)>>,
}

impl HostileBank {
    fn open(database: &TestDatabase) -> Self {
        let says = Arc::<Mutex<(u16, Vec<u8>)>>::default();
        let asked = Arc::clone(&says);
        let outbound = ScriptedOutbound::answering(move |_| {
            let (status, body) = asked.lock().unwrap().clone();
            Ok(OutResponse { status, headers: HeaderMap::new(), body })
        });
        let clock = FakeClock::default();
        Self { harness: mount(database, &clock, SETTINGS, outbound, 3), clock, says }
    }

    /// Places an order while it says this from now on, and reads the order's payment.
    fn opens(&mut self, status: u16, body: impl Fn(&str) -> Vec<u8>) -> Value {
        let placed = placed_at(PaymentMethod::Online, TOTAL, &self.clock);
        *self.says.lock().unwrap() = (status, body(&placed.order_id.to_string()));
        self.harness.publish("orders", &placed);
        self.harness.settle();
        self.harness.pass(Duration::from_secs(60));
        self.payment_of(&placed.order_id.to_string())
    }

    fn payment_of(&self, order_id: &str) -> Value {
        self.harness.get(&format!("/orders/{order_id}/payment")).by(&ANNA).send().expect(200).json()
    }

    /// What calls for a person.
    fn alarmed(&self) -> Value {
        self.harness.get("/payments?alarmed=true").by(&testkit::Admin).send().expect(200).json()
    }

    fn assert_nothing_was_taken(&self, name: &str) {
        let ledger = self.harness.get("/ledger").by(&testkit::Admin).send().expect(200).json();
        assert_eq!(ledger["items"], json!([]), "{name}");
    }
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
    let mut bank = HostileBank::open(database);
    for (name, body) in nonsense {
        let payment = bank.opens(200, body);

        assert!(matches!(payment["state"].as_str(), Some("unknown" | "created")), "{name}: {payment}");
        assert_eq!(payment["captured"]["amount"], 0, "{name}");
        bank.assert_nothing_was_taken(name);
    }
    for status in [302, 500, 502] {
        let payment = bank.opens(status, |id| good(id).to_string().into_bytes());
        assert_eq!(payment["state"], "unknown", "{status}");
    }
    bank.assert_nothing_was_taken("all of it");
}

fn a_refusal_to_open_fails_and_calls_a_person(database: &TestDatabase) {
    let mut bank = HostileBank::open(database);
    let payment = bank.opens(422, |_| b"{}".to_vec());

    assert_eq!(payment["state"], "failed");
    assert_eq!(bank.alarmed()["items"][0]["alarm"], "open_refused");
}

fn guests_are_sent_only_to_the_bank(database: &TestDatabase) {
    let mut bank = HostileBank::open(database);
    for page in
        ["https://evil.example/pay", "javascript:alert(1)", "http://bank.example@evil.example/", "//evil.example"]
    {
        let payment = bank.opens(200, |id| {
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
    let mut bank = HostileBank::open(database);
    let first = bank.opens(200, |id| good(id).to_string().into_bytes());
    assert_eq!(first["state"], "captured");
    let order_id = first["order_id"].as_str().unwrap();

    // The second order's opening is answered with the payment of the first, under the second's name.
    let taken = order_id.replace("ord_", "bnk_");
    let second = bank.opens(200, |id| with(id, "id", json!(taken)));

    assert!(matches!(second["state"].as_str(), Some("created" | "unknown")), "{second}");
    assert_eq!(bank.alarmed()["items"][0]["alarm"], "order_mismatch");
    assert_eq!(bank.payment_of(order_id)["state"], "captured");
}
