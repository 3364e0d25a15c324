//! Slots: what is shown, what is taken, what is given back.

use contracts::OrderId;
use contracts::orders::OrderUpdated;
use serde_json::{Value, json};
use testkit::{Guest, TestDatabase, both_databases};

use crate::support::{World, id_of, minutes, shop};

both_databases!(
    slots_show_what_is_left,
    unlimited_slots_show_nothing_to_count,
    a_cancelled_order_gives_its_place_back,
    an_expired_order_gives_its_place_back,
    only_slots_can_be_asked_for,
    a_full_slot_says_what_is_free,
    a_day_that_is_full_is_refused,
    less_capacity_later_breaks_nothing,
    longer_slots_count_the_orders_of_shorter_ones,
    shorter_slots_count_the_orders_of_longer_ones,
    late_money_finds_its_slot_filled_by_shorter_ones,
    late_money_takes_a_place_from_shorter_slots,
    as_soon_as_possible_passes_over_what_other_slots_have_filled,
);

fn slots(world: &World, date: &str) -> Vec<Value> {
    let answer = world.harness.get(&format!("/shops/{}/slots?date={date}", shop())).send().expect(200).json();
    assert_eq!(answer["time_zone"], "Europe/Moscow");
    answer["items"].as_array().unwrap().clone()
}

fn left_at(world: &World, at: &str) -> Value {
    slots(world, "2026-11-21").into_iter().find(|slot| slot["from"] == at).unwrap()["left"].clone()
}

fn at_noon(world: &World) -> Value {
    let mut basket = world.basket(2);
    basket["fulfilment"]["at"] = json!("2026-11-21T12:00:00Z");
    basket
}

fn limited(database: &TestDatabase, capacity: i64) -> World {
    let world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(capacity));
    world
}

fn slots_show_what_is_left(database: &TestDatabase) {
    let world = limited(database, 3);
    world.place_as(Guest(1), "k1", &at_noon(&world)).expect(201);

    let today = slots(&world, "2026-11-21");

    assert_eq!(today[0], json!({"from": "2026-11-21T10:10:00Z", "to": "2026-11-21T10:20:00Z", "left": 3}));
    assert_eq!(today.last().unwrap()["to"], "2026-11-21T19:00:00Z");
    assert_eq!(left_at(&world, "2026-11-21T12:00:00Z"), 2);
    assert_eq!(slots(&world, "2026-11-22").len(), 84);
    assert!(slots(&world, "2026-11-20").is_empty(), "the past");
    assert!(slots(&world, "2026-12-06").is_empty(), "too far ahead");
    world.harness.get(&format!("/shops/{}/slots?date=soon", shop())).send().expect(422);
    world.harness.get(&format!("/shops/{}/slots?date=2026-11-21", crate::support::other_shop())).send().expect(404);
}

fn unlimited_slots_show_nothing_to_count(database: &TestDatabase) {
    let world = World::new(database);

    let order = world.place_as(Guest(1), "k1", &at_noon(&world)).expect(201).json();

    assert_eq!(left_at(&world, "2026-11-21T12:00:00Z"), Value::Null);
    assert_eq!(order["fulfilment"]["slot"], json!({"from": "2026-11-21T12:00:00Z", "to": "2026-11-21T12:10:00Z"}));
}

fn a_cancelled_order_gives_its_place_back(database: &TestDatabase) {
    let world = limited(database, 1);
    let order = world.place_as(Guest(1), "k1", &at_noon(&world)).expect(201).json();
    world.place_as(Guest(2), "k2", &at_noon(&world)).expect(409);

    world.cancel_by(&Guest(1), id_of(&order), &json!({})).expect(200);

    world.place_as(Guest(2), "k2", &at_noon(&world)).expect(201);
    world.assert_clean();
}

fn an_expired_order_gives_its_place_back(database: &TestDatabase) {
    let mut world = limited(database, 1);
    world.place_as(Guest(1), "k1", &at_noon(&world)).expect(201);
    assert_eq!(left_at(&world, "2026-11-21T12:00:00Z"), 0);

    world.harness.pass(minutes(10));

    assert_eq!(left_at(&world, "2026-11-21T12:00:00Z"), 1);
    world.assert_clean();
}

fn only_slots_can_be_asked_for(database: &TestDatabase) {
    let world = World::new(database);
    let place = |at: &str| {
        let mut basket = world.basket(1);
        basket["fulfilment"]["at"] = json!(at);
        world.place_as(Guest(1), "k1", &basket)
    };

    assert_eq!(place("2026-11-21T12:03:00Z").expect(422).json()["errors"][0]["pointer"], "/fulfilment/at");
    assert_eq!(place("2027-01-21T12:00:00Z").expect(422).json()["errors"][0]["code"], "too-far");
    assert_eq!(place("2026-11-21T21:00:00Z").expect(409).code(), "orders.shop-closed");
    let soon = place("2026-11-21T10:05:00Z").expect(409).json();
    assert_eq!((&soon["code"], &soon["earliest_at"]), (&json!("orders.too-soon"), &json!("2026-11-21T10:10:00Z")));
    place("tomorrow").expect(422);
}

fn a_full_slot_says_what_is_free(database: &TestDatabase) {
    let world = limited(database, 1);
    world.place_as(Guest(1), "k1", &at_noon(&world)).expect(201);

    let refused = world.place_as(Guest(2), "k2", &at_noon(&world)).expect(409).json();

    assert_eq!(refused["code"], "orders.slot-full");
    assert_eq!(refused["earliest_at"], "2026-11-21T10:10:00Z");
}

fn a_day_that_is_full_is_refused(database: &TestDatabase) {
    let world = limited(database, 1);
    world.harness.clock().set("2026-11-21T18:35:00Z".parse().unwrap());
    for n in 0..2 {
        world.place_as(Guest(n), "k", &world.basket(1)).expect(201);
    }

    let refused = world.place_as(Guest(9), "k", &world.basket(1)).expect(409).json();

    let tomorrow = json!("2026-11-22T05:00:00Z");
    assert_eq!((&refused["code"], &refused["earliest_at"]), (&json!("orders.slot-full"), &tomorrow));
    assert_eq!(world.catalog.holds().len(), 2);
    let mut basket = world.basket(1);
    basket["fulfilment"]["at"] = tomorrow;
    world.place_as(Guest(9), "k2", &basket).expect(201);
}

fn less_capacity_later_breaks_nothing(database: &TestDatabase) {
    let world = limited(database, 2);
    let first = world.place_as(Guest(1), "k1", &at_noon(&world)).expect(201).json();
    world.place_as(Guest(2), "k2", &at_noon(&world)).expect(201);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(1));

    world.place_as(Guest(3), "k3", &at_noon(&world)).expect(409);
    world.cancel_by(&Guest(1), id_of(&first), &json!({})).expect(200);
    world.place_as(Guest(3), "k3", &at_noon(&world)).expect(409);

    assert_eq!(left_at(&world, "2026-11-21T12:00:00Z"), 0);
    world.assert_clean();
}

fn at(world: &World, time: &str) -> Value {
    let mut basket = world.basket(1);
    basket["fulfilment"]["at"] = json!(format!("2026-11-21T{time}:00Z"));
    basket
}

/// The shop changes how long its slots are while orders hold places in them.
fn longer_slots_count_the_orders_of_shorter_ones(database: &TestDatabase) {
    let world = limited(database, 2);
    let first = world.place_as(Guest(1), "k1", &at(&world, "12:10")).expect(201).json();
    world.place_as(Guest(2), "k2", &at(&world, "12:20")).expect(201);
    world.place_as(Guest(3), "k3", &at(&world, "12:30")).expect(201);

    world.catalog.change_terms(|terms| terms.slot_minutes = 30);

    assert_eq!(left_at(&world, "2026-11-21T12:00:00Z"), 0);
    assert_eq!(left_at(&world, "2026-11-21T12:30:00Z"), 1);
    assert_eq!(world.place_as(Guest(4), "k4", &at(&world, "12:00")).expect(409).code(), "orders.slot-full");
    world.place_as(Guest(4), "k4", &at(&world, "12:30")).expect(201);
    world.place_as(Guest(5), "k5", &at(&world, "12:30")).expect(409);
    world.cancel_by(&Guest(1), id_of(&first), &json!({})).expect(200);
    world.place_as(Guest(5), "k5", &at(&world, "12:00")).expect(201);
    world.place_as(Guest(6), "k6", &at(&world, "12:00")).expect(409);
    world.assert_clean();
}

fn shorter_slots_count_the_orders_of_longer_ones(database: &TestDatabase) {
    let world = limited(database, 2);
    world.catalog.change_terms(|terms| terms.slot_minutes = 30);
    world.place_as(Guest(1), "k1", &at(&world, "12:00")).expect(201);
    let second = world.place_as(Guest(2), "k2", &at(&world, "12:00")).expect(201).json();

    world.catalog.change_terms(|terms| terms.slot_minutes = 10);

    assert_eq!(left_at(&world, "2026-11-21T12:20:00Z"), 0);
    for time in ["12:00", "12:10", "12:20"] {
        assert_eq!(world.place_as(Guest(3), "k3", &at(&world, time)).expect(409).code(), "orders.slot-full", "{time}");
    }
    world.place_as(Guest(3), "k3", &at(&world, "12:30")).expect(201);
    world.cancel_by(&Guest(2), id_of(&second), &json!({})).expect(200);
    world.place_as(Guest(4), "k4", &at(&world, "12:10")).expect(201);
    world.place_as(Guest(5), "k5", &at(&world, "12:10")).expect(409);
    world.assert_clean();
}

/// An order of [12:00, 12:30) that has expired; since then slots have ten minutes.
fn expired_in_a_longer_slot(world: &mut World) -> OrderId {
    world.catalog.change_terms(|terms| terms.slot_minutes = 30);
    let order = world.place_as(Guest(1), "k1", &at(world, "12:00")).expect(201).json();
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    world.catalog.change_terms(|terms| terms.slot_minutes = 10);
    id_of(&order)
}

fn late_money_finds_its_slot_filled_by_shorter_ones(database: &TestDatabase) {
    let mut world = limited(database, 2);
    let late = expired_in_a_longer_slot(&mut world);
    world.place_as(Guest(2), "k2", &at(&world, "12:10")).expect(201);
    world.place_as(Guest(3), "k3", &at(&world, "12:10")).expect(201);

    world.payment(late).captured(31_000).publish();
    world.harness.settle();

    assert_eq!(world.order(late)["state"], "expired", "two are made at 12:10, and there is no place for a third");
    assert_eq!(world.told::<OrderUpdated>().iter().filter(|event| event.refund_due).count(), 1);
    world.payment(late).refunded(31_000, 31_000).publish();
    world.harness.settle();
    world.assert_clean();
}

fn late_money_takes_a_place_from_shorter_slots(database: &TestDatabase) {
    let mut world = limited(database, 2);
    let late = expired_in_a_longer_slot(&mut world);
    let other = world.place_as(Guest(2), "k2", &at(&world, "12:10")).expect(201).json();

    world.payment(late).captured(31_000).publish();
    world.harness.settle();

    assert_eq!(world.order(late)["state"], "paid");
    assert_eq!(world.place_as(Guest(3), "k3", &at(&world, "12:10")).expect(409).code(), "orders.slot-full");
    world.cancel_by(&Guest(2), id_of(&other), &json!({})).expect(200);
    world.place_as(Guest(3), "k3", &at(&world, "12:10")).expect(201);
    world.place_as(Guest(4), "k4", &at(&world, "12:20")).expect(201);
    world.assert_clean();
}

fn as_soon_as_possible_passes_over_what_other_slots_have_filled(database: &TestDatabase) {
    let world = limited(database, 1);
    for n in 0..8 {
        world.place_as(Guest(n), "k", &world.basket(1)).expect(201);
    }

    world.catalog.change_terms(|terms| terms.slot_minutes = 15);
    let next = world.place_as(Guest(9), "k", &world.basket(1)).expect(201).json();

    assert_eq!(next["fulfilment"]["at"], "2026-11-21T11:30:00Z", "the eight have filled all up to then");
    world.assert_clean();
}
