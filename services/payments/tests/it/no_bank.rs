//! A business without a bank: guests pay at the counter.

use contracts::orders::PaymentMethod;
use contracts::payments::{Payable, PayableRequest};
use serde_json::json;
use testkit::{FakeClock, ScriptedOutbound, ServiceHarness, TestDatabase};

use crate::told::placed_at;
use crate::world::{ANNA, BORIS, TOTAL, World, assert_nothing_waits, mount};

testkit::both_databases!(
    without_a_bank_only_the_counter_is_offered,
    with_a_bank_both_ways_are_offered,
    an_order_whose_bank_has_gone_can_be_paid_at_the_counter,
    a_bank_that_nobody_can_come_back_from_stops_the_start,
);

fn payable(harness: &ServiceHarness, method: PaymentMethod) -> Result<(), String> {
    let asked = harness.calls().call_blocking::<Payable>(&PayableRequest { method, return_url: None });
    asked.map(drop).map_err(|error| kernel::Coded::code(&error).code.to_owned())
}

fn without_a_bank(database: &TestDatabase) -> ServiceHarness {
    mount(database, &FakeClock::default(), &[], ScriptedOutbound::silent(), 1)
}

fn without_a_bank_only_the_counter_is_offered(database: &TestDatabase) {
    let mut harness = without_a_bank(database);
    let placed = placed_at(PaymentMethod::Counter, TOTAL, harness.clock());
    harness.publish("orders", &placed);
    harness.settle();
    let path = format!("/orders/{}/payments", placed.order_id);
    let again = |method: &str| harness.post(&path).key(&format!("by-{method}")).json(&json!({"method": method}));
    let before = database.contents();

    let refused = again("online").by(&ANNA).send().expect(409);
    let foreign = again("online").by(&BORIS).send().expect(404);

    assert_eq!(refused.code(), "payments.online-unavailable");
    assert_eq!(foreign.code(), "payments.unknown-order");
    assert_eq!(before.differences(&database.contents()), Vec::<String>::new());
    assert_eq!(payable(&harness, PaymentMethod::Online), Err("payments.online-unavailable".to_owned()));
    assert_eq!(payable(&harness, PaymentMethod::Counter), Ok(()));
    again("counter").by(&ANNA).send().expect(201);
    harness.settle();
    assert_nothing_waits(&harness);
}

fn with_a_bank_both_ways_are_offered(database: &TestDatabase) {
    let world = World::open(database);

    assert_eq!(payable(&world.harness, PaymentMethod::Online), Ok(()));
    assert_eq!(payable(&world.harness, PaymentMethod::Counter), Ok(()));
}

/// It was placed while there was a bank, and is heard of when there is none: nothing waits for a bank that never comes.
fn an_order_whose_bank_has_gone_can_be_paid_at_the_counter(database: &TestDatabase) {
    let mut harness = without_a_bank(database);
    let placed = placed_at(PaymentMethod::Online, TOTAL, harness.clock());
    harness.publish("orders", &placed);
    harness.settle();
    let path = format!("/orders/{}/payment", placed.order_id);

    let payment = harness.get(&path).by(&ANNA).send().expect(200).json();

    assert_eq!(payment["state"], "failed");
    let counter = json!({"method": "counter"});
    harness.post(&format!("{path}s")).by(&ANNA).key("k").json(&counter).send().expect(201);
    harness.settle();
    assert_nothing_waits(&harness);
}

/// What the service says when it cannot start like this; nothing when it starts.
fn refusal(database: &TestDatabase, settings: &[(&'static str, &'static str)]) -> Option<String> {
    let start = || drop(mount(database, &FakeClock::default(), settings, ScriptedOutbound::silent(), 1));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(start)).err()?;
    Some(panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

fn a_bank_that_nobody_can_come_back_from_stops_the_start(database: &TestDatabase) {
    let bank = ("payments.bank_url", "http://bank.example");
    for (settings, named) in [
        (&[bank, ("payments.public_url", "")][..], "payments.public_url is empty and payments.bank_url is not"),
        (
            &[("payments.return_hosts", "shop.example,https://b.example")],
            "payments.return_hosts names https://b.example",
        ),
        (&[bank, ("payments.page_hosts", "bank.example/pay")], "payments.page_hosts names bank.example/pay"),
    ] {
        let said = refusal(database, settings).unwrap_or_default();
        assert!(said.contains(named), "{settings:?}: {said:?}");
    }
    let without_a_bank = &[("payments.public_url", ""), ("payments.return_hosts", "кофе.рф, localhost:3000")];
    assert_eq!(refusal(database, without_a_bank), None);
}
