//! Paid to the barista.

use contracts::orders::{OrderState, PaymentMethod};
use serde_json::{Value, json};
use testkit::{Admin, Answer, Barista, TestDatabase};

use crate::told::update;
use crate::world::{ANNA, TOTAL, World, barista, manager};

testkit::both_databases!(
    a_barista_receives_cash,
    receiving_twice_receives_once,
    a_terminal_needs_its_receipt_number_and_never_a_card,
    only_staff_of_the_shop_receive,
    an_ended_order_is_not_received,
    an_order_for_nothing_is_a_dead_letter,
    refunds_at_the_counter_are_handed_over_on_the_spot,
    money_that_nobody_handed_over_calls_a_person,
    an_order_that_staff_call_off_calls_nobody,
);

fn receive(world: &World, id: &str, key: &str, body: &Value) -> Answer {
    world.harness.post(&format!("/payments/{id}/receive")).by(&barista()).key(key).json(body).send()
}

fn at_the_counter(world: &mut World) -> (contracts::OrderId, String) {
    let id = world.order(PaymentMethod::Counter);
    let payment = world.payment(id);
    assert_eq!(
        (&payment["state"], &payment["method"], &payment["payment_url"]),
        (&json!("pending"), &json!("counter"), &json!(null))
    );
    (id, payment["id"].as_str().unwrap().to_owned())
}

fn a_barista_receives_cash(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);

    let answer = receive(&world, &payment, "k", &json!({"how": "cash"})).expect(200).json();

    assert_eq!((&answer["state"], &answer["captured"]["amount"]), (&json!("captured"), &json!(TOTAL)));
    assert_eq!(world.told_states(id), ["pending", "captured"]);
    assert_eq!(world.ledger(id)[0], ("capture".into(), "till.cash".into(), TOTAL));
    world.assert_clean();
}

fn receiving_twice_receives_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);
    let cash = json!({"how": "cash"});

    let first = receive(&world, &payment, "a", &cash).expect(200);
    let same_key = receive(&world, &payment, "a", &cash).expect(200);
    let other_key = receive(&world, &payment, "b", &cash).expect(200);
    let otherwise = receive(&world, &payment, "c", &json!({"how": "terminal", "reference": "1"})).expect(409);

    assert_eq!((first.body, same_key.header("idempotent-replayed")), (same_key.body.clone(), Some("true")));
    assert_eq!(other_key.json()["version"], same_key.json()["version"]);
    assert_eq!(otherwise.code(), "payments.already-paid");
    assert_eq!(world.ledger(id).len(), 2);
    assert_eq!(world.told_states(id), ["pending", "captured"]);
}

fn a_terminal_needs_its_receipt_number_and_never_a_card(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);

    let missing = receive(&world, &payment, "a", &json!({"how": "terminal"})).expect(422).json();
    assert_eq!(missing["errors"][0]["pointer"], "/reference");
    let typed = json!({"how": "terminal", "reference": "4242 4242 4242 4242"});
    receive(&world, &payment, "b", &typed).expect(200);

    assert_eq!(world.detail(&payment)["received_reference"], "**** 4242");
    assert_eq!(world.ledger(id)[0].1, "till.terminal");
}

fn only_staff_of_the_shop_receive(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);
    let path = format!("/payments/{payment}/receive");
    let cash = json!({"how": "cash"});
    let elsewhere = Barista(contracts::ShopId::from_bits(78));

    for refused in [
        world.harness.post(&path).by(&elsewhere).key("a").json(&cash).send(),
        world.harness.post(&path).by(&ANNA).key("a").json(&cash).send(),
        world.harness.post(&path).by(&Admin).key("a").json(&cash).send(),
    ] {
        assert_eq!(refused.expect(404).code(), "payments.unknown-payment");
    }
    assert_eq!(world.payment(id)["state"], "pending");
    let online = world.order(PaymentMethod::Online);
    let online = world.payment(online)["id"].as_str().unwrap().to_owned();
    assert_eq!(receive(&world, &online, "b", &cash).expect(409).code(), "payments.not-at-counter");
}

fn an_ended_order_is_not_received(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);

    world.order_goes(id, OrderState::Expired, 2, false);

    assert_eq!(world.payment(id)["state"], "cancelled");
    assert_eq!(receive(&world, &payment, "k", &json!({"how": "cash"})).expect(409).code(), "payments.order-ended");
    let again =
        world.harness.post(&format!("/orders/{id}/payments")).by(&ANNA).key("k").json(&json!({"method": "counter"}));
    assert_eq!(again.send().expect(409).code(), "payments.order-ended");
}

/// Orders refuses one. If it does not, nothing is paid for nothing: a person sees the event.
fn an_order_for_nothing_is_a_dead_letter(database: &TestDatabase) {
    let mut world = World::open(database);
    let placed = world.placed(PaymentMethod::Online, 0);
    world.harness.publish("orders", &placed);
    for _ in 0..20 {
        world.harness.pass(std::time::Duration::from_secs(3_600));
    }

    let path = format!("/orders/{}/payment", placed.order_id);
    world.harness.get(&path).by(&ANNA).send().expect(404);
    assert!(world.at_bank(placed.order_id).is_empty());
    let letters = world.harness.platform().log().dead_letters(eventlog::DeadLetterQuery::default()).unwrap();
    assert_eq!(letters.len(), 1);
}

fn refunds_at_the_counter_are_handed_over_on_the_spot(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);
    receive(&world, &payment, "k", &json!({"how": "cash"})).expect(200);

    world.tick();
    let refund = world.refund(&payment, "r", 10_000).expect(201).json();

    assert_eq!(refund["state"], "succeeded");
    assert_eq!(world.payment(id)["state"], "partially_refunded");
    assert_eq!(
        world.ledger(id)[2..],
        [("refund".into(), "orders.paid".into(), 10_000), ("refund".into(), "till.cash".into(), -10_000)]
    );
    world.order_goes(id, OrderState::Cancelled, 5, true);
    assert_eq!(world.payment(id)["state"], "refunded");
    let page = world.harness.get("/payments?state=refunded").by(&manager()).send().expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    world.assert_clean();
}

/// The guest cancels from the phone: whoever is at the counter has to learn of it.
fn money_that_nobody_handed_over_calls_a_person(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);
    receive(&world, &payment, "k", &json!({"how": "cash"})).expect(200);
    world.refund(&payment, "r", 10_000).expect(201);
    assert_eq!(world.detail(&payment)["alarm"], json!(null), "the manager who asked hands it over");

    world.order_goes(id, OrderState::Cancelled, 3, true);

    let detail = world.detail(&payment);
    assert_eq!((&detail["state"], &detail["alarm"]), (&json!("refunded"), &json!("hand_over")));
    let alarmed = world.harness.get("/payments?alarmed=true").by(&manager()).send().expect(200).json();
    assert_eq!(alarmed["items"][0]["id"], payment);
    world.assert_clean();
}

/// They stand at the till, and give the money back.
fn an_order_that_staff_call_off_calls_nobody(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = at_the_counter(&mut world);
    receive(&world, &payment, "k", &json!({"how": "cash"})).expect(200);

    let mut ended = update(id, OrderState::Cancelled, 3, true, kernel::Clock::now(&world.clock));
    ended.reason = Some("cancelled-by-staff".to_owned());
    world.harness.publish("orders", &ended);
    world.harness.settle();

    let detail = world.detail(&payment);
    assert_eq!((&detail["state"], &detail["alarm"]), (&json!("refunded"), &json!(null)));
    world.assert_clean();
}
