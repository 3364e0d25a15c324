//! Many at once, behind a barrier.

use std::collections::BTreeSet;

use contracts::orders::OrderPlaced;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Guest, TestDatabase, both_databases, runtime};

use crate::support::World;

both_databases!(
    one_key_from_twenty_clients_has_one_effect,
    the_last_place_of_a_slot_goes_to_one_of_sixty_four,
    as_soon_as_possible_goes_on_to_the_next_slot,
    placements_in_slots_never_wait_for_each_other_in_a_circle,
    numbers_are_unique_among_orders_at_once,
    the_cap_holds_against_orders_at_once,
    cancel_and_payment_cross,
);

/// All of these requests at once.
fn at_once<'w>(requests: impl Iterator<Item = testkit::TestRequest<'w>>) -> Vec<Answer> {
    let requests: Vec<_> = requests.collect();
    runtime().block_on(join_all(requests.into_iter().map(testkit::TestRequest::answer)))
}

fn with_status(answers: &[Answer], status: u16) -> Vec<&Answer> {
    answers.iter().filter(|answer| answer.status.as_u16() == status).collect()
}

fn one_key_from_twenty_clients_has_one_effect(database: &TestDatabase) {
    let world = World::new(database);
    let basket = world.basket(1);

    let answers = at_once((0..20).map(|_| world.harness.post("/orders").by(&Guest(1)).key("k1").json(&basket)));

    let created = with_status(&answers, 201);
    let busy = with_status(&answers, 409);
    assert_eq!(created.len() + busy.len(), 20);
    assert!(!created.is_empty());
    assert!(created.iter().all(|answer| answer.body == created[0].body));
    assert!(busy.iter().all(|answer| answer.code() == "http.request-in-progress"));
    assert!(busy.iter().all(|answer| answer.header("retry-after").is_some()));
    assert_eq!((world.told::<OrderPlaced>().len(), world.catalog.holds().len()), (1, 1));
    world.assert_clean();
}

fn slot_basket(world: &World, at: &str) -> Value {
    let mut basket = world.basket(1);
    basket["fulfilment"]["at"] = json!(at);
    basket
}

fn the_last_place_of_a_slot_goes_to_one_of_sixty_four(database: &TestDatabase) {
    let world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(1));
    let basket = slot_basket(&world, "2026-11-21T12:00:00Z");

    let answers = at_once((0..64).map(|n| world.harness.post("/orders").by(&Guest(n)).key("k").json(&basket)));

    let refused = with_status(&answers, 409);
    assert_eq!((with_status(&answers, 201).len(), refused.len()), (1, 63));
    assert!(refused.iter().all(|answer| answer.code() == "orders.slot-full"));
    assert_eq!(world.catalog.holds().len(), 1, "who got no place holds no stock");
    world.assert_clean();
}

fn as_soon_as_possible_goes_on_to_the_next_slot(database: &TestDatabase) {
    let world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(3));
    let basket = world.basket(1);

    let answers = at_once((0..40).map(|n| world.harness.post("/orders").by(&Guest(n)).key("k").json(&basket)));

    assert_eq!(with_status(&answers, 201).len(), 40);
    let mut dues: Vec<String> =
        answers.iter().map(|answer| answer.json()["fulfilment"]["at"].as_str().unwrap().to_owned()).collect();
    dues.sort_unstable();
    assert!(dues.chunks(3).all(|slot| slot.iter().all(|due| *due == slot[0])), "three in each slot: {dues:?}");
    assert_eq!(dues.iter().collect::<BTreeSet<_>>().len(), 14, "and no slot left out");
    world.assert_clean();
}

/// Whoever found a slot full after a wait holds it still, and then wants to count the shop's slots; whoever counts them
/// wants that slot.
fn placements_in_slots_never_wait_for_each_other_in_a_circle(database: &TestDatabase) {
    let world = World::crowded(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(5));
    let basket = world.basket(1);

    let answers = at_once((0..160).map(|n| world.harness.post("/orders").by(&Guest(n)).key("k").json(&basket)));

    assert_eq!(with_status(&answers, 201).len(), 160);
    assert_eq!(world.harness.store().stats().run_again, 0, "a transaction was given up for another and begun anew");
    world.assert_clean();
}

fn numbers_are_unique_among_orders_at_once(database: &TestDatabase) {
    let world = World::new(database);
    let basket = world.basket(1);

    let answers = at_once((0..64).map(|n| world.harness.post("/orders").by(&Guest(n)).key("k").json(&basket)));

    let numbers: BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["number"].as_str().unwrap().to_owned()).collect();
    assert_eq!(numbers.len(), 64);
    assert!(numbers.iter().all(|number| number.len() == 5 && number.contains('-')), "{numbers:?}");
}

fn the_cap_holds_against_orders_at_once(database: &TestDatabase) {
    let world = World::new(database);
    let basket = world.counter_basket();
    let keys: Vec<String> = (0..16).map(|n| format!("k{n}")).collect();

    let answers = at_once(keys.iter().map(|key| world.harness.post("/orders").by(&Guest(1)).key(key).json(&basket)));

    assert_eq!((with_status(&answers, 201).len(), with_status(&answers, 409).len()), (3, 13));
    assert_eq!(world.catalog.holds().len(), 3);
    world.assert_clean();
}

/// Whoever is first: the money is kept for an order that is made, or goes back; never both, never neither.
fn cancel_and_payment_cross(database: &TestDatabase) {
    let mut world = World::new(database);
    let ids: Vec<_> = (0..8).map(|n| world.a_placed_order(&format!("k{n}")).0).collect();

    for (index, id) in ids.iter().enumerate() {
        world.payment(*id).captured(62_000).publish();
        if index % 2 == 0 {
            world.harness.settle();
        }
        world.cancel_by(&Guest(1), *id, &json!({})).expect(200);
    }
    world.harness.settle();

    let told = world.told::<contracts::orders::OrderUpdated>();
    for id in ids {
        let refunds = told.iter().filter(|event| event.order_id == id && event.refund_due).count();
        assert_eq!(refunds, 1, "{id} is refunded once");
        assert_eq!(world.order(id)["state"], "cancelled");
    }
}
