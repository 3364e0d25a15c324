//! A guest who tries to pay another way than the order was placed with.

use contracts::OrderId;
use serde_json::{Value, json};
use testkit::{Barista, Guest, TestDatabase, both_databases};

use crate::support::{World, id_of, minutes, shop};

both_databases!(
    an_order_that_is_to_be_paid_at_the_counter_waits_for_the_guest,
    an_order_that_is_to_be_paid_at_the_bank_does_not_wait_long,
    news_of_an_earlier_attempt_do_not_switch_back,
    a_guest_at_the_cap_gains_nothing_by_switching,
    a_switched_order_is_paid_like_any_other,
);

fn terms(order: &Value) -> (&str, &str) {
    (order["payment_method"].as_str().unwrap(), order["expires_at"].as_str().unwrap())
}

fn awaiting(world: &World) -> Vec<Value> {
    let path = format!("/shops/{}/board", shop());
    let board = world.harness.get(&path).by(&Barista(shop())).send().expect(200).json();
    board["awaiting_payment"].as_array().unwrap().iter().map(|card| card["order_id"].clone()).collect()
}

/// An order placed to be paid online, and paid for at the counter from now on.
fn a_switched_order(world: &mut World, key: &str) -> OrderId {
    let (id, _) = world.a_placed_order(key);
    world.payment(id).cancelled().publish();
    world.payment(id).attempt(2).at_counter().publish();
    world.harness.settle();
    id
}

fn an_order_that_is_to_be_paid_at_the_counter_waits_for_the_guest(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, placed) = world.a_placed_order("k1");
    world.payment(id).cancelled().publish();
    world.payment(id).attempt(2).at_counter().publish();
    world.harness.settle();

    let order = world.order(id);
    assert_eq!(terms(&placed), ("online", "2026-11-21T10:10:00Z"));
    assert_eq!(terms(&order), ("counter", "2026-11-21T10:40:00Z"), "half an hour after it is due");
    assert_eq!(order["payment_state"], "pending");
    assert_eq!(awaiting(&world), [json!(id)]);
    world.assert_clean();
    world.harness.pass(minutes(11));
    assert_eq!(world.order(id)["state"], "placed");
    world.harness.pass(minutes(30));
    assert_eq!(world.order(id)["state"], "expired");
    world.assert_clean();
}

fn an_order_that_is_to_be_paid_at_the_bank_does_not_wait_long(database: &TestDatabase) {
    let mut world = World::new(database);
    let placed = world.place_as(Guest(1), "k1", &world.counter_basket()).expect(201).json();
    let id = id_of(&placed);
    world.harness.pass(minutes(5));

    world.payment(id).attempt(2).publish();
    world.harness.settle();

    assert_eq!(terms(&placed), ("counter", "2026-11-21T10:40:00Z"));
    assert_eq!(terms(&world.order(id)), ("online", "2026-11-21T10:15:00Z"));
    assert!(awaiting(&world).is_empty());
    world.assert_clean();
    world.harness.pass(minutes(10));
    assert_eq!(world.order(id)["state"], "expired");
    world.assert_clean();
}

fn news_of_an_earlier_attempt_do_not_switch_back(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.payment(id).attempt(3).at_counter().publish();
    world.payment(id).attempt(2).publish();
    world.payment(id).failed().publish();
    world.harness.settle();

    assert_eq!(terms(&world.order(id)), ("counter", "2026-11-21T10:40:00Z"));
    world.assert_clean();
}

/// Ten orders may wait for the bank; switched to the counter they would hold their stock for hours.
fn a_guest_at_the_cap_gains_nothing_by_switching(database: &TestDatabase) {
    let mut world = World::with(database, &[("orders.unpaid_counter_max", "1")]);
    let first = a_switched_order(&mut world, "k1");
    let second = a_switched_order(&mut world, "k2");

    assert_eq!(terms(&world.order(first)).0, "counter");
    assert_eq!(terms(&world.order(second)), ("online", "2026-11-21T10:10:00Z"), "it ends as it would have ended");
    world.assert_clean();
}

fn a_switched_order_is_paid_like_any_other(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = a_switched_order(&mut world, "k1");

    world.payment(id).attempt(2).at_counter().captured(62_000).publish();
    world.harness.settle();

    assert_eq!(world.order(id)["state"], "paid");
    world.assert_clean();
}
