//! A restart between any two steps of a placement, and what is left over.

use std::sync::mpsc;
use std::time::Duration;

use contracts::OrderId;
use contracts::orders::{OrderLife, OrderPlaced, State, StateRequest};
use serde_json::Value;
use service::{Begun, IdempotencyKey, Intent, begin};
use testkit::{Guest, Person as _, TestDatabase, both_databases, runtime};

use crate::support::{World, id_of, minutes};

both_databases!(
    a_crash_after_the_claim_is_taken_over_with_the_same_order,
    a_crash_after_the_stock_was_held_holds_it_once,
    a_crash_after_the_commit_gives_the_same_answer,
    a_claim_is_not_taken_over_while_it_lives,
    a_dead_placement_is_entombed_and_sent_again_it_is_a_new_order,
    a_placement_that_is_entombed_on_its_way_begins_anew,
    a_placement_that_was_overtaken_leaves_its_successor_alone,
    a_refusal_after_a_takeover_gives_back_what_the_first_try_held,
    a_restarted_service_goes_on_counting,
);

/// What a request that died after its first step has left behind; the order id that it was given.
fn claimed(world: &World, key: &str, basket: &Value) -> OrderId {
    let key = key_of(key);
    let principal = Guest(1).principal(world.now());
    let intent = Intent::new(&principal, "POST /orders".to_owned(), &key, &[b"", basket.to_string().as_bytes()]);
    let id = OrderId::new(world.now(), world.harness.db().rng().as_ref());
    let begun = runtime().block_on(begin(world.harness.db(), intent, id.to_string())).unwrap();
    assert!(matches!(begun, Begun::Fresh(_)));
    id
}

fn key_of(key: &str) -> IdempotencyKey {
    use axum::extract::FromRequestParts as _;
    let request = http::Request::builder().header("idempotency-key", key).body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    runtime().block_on(IdempotencyKey::from_request_parts(&mut parts, &())).unwrap()
}

fn lease_runs_out(world: &World) {
    world.harness.clock().advance(Duration::from_secs(31));
}

fn a_crash_after_the_claim_is_taken_over_with_the_same_order(database: &TestDatabase) {
    let world = World::new(database);
    let id = claimed(&world, "k1", &world.basket(1));
    lease_runs_out(&world);

    let order = world.place_as(Guest(1), "k1", &world.basket(1)).expect(201).json();

    assert_eq!(id_of(&order), id);
    world.assert_clean();
}

fn a_crash_after_the_stock_was_held_holds_it_once(database: &TestDatabase) {
    let world = World::new(database);
    let id = claimed(&world, "k1", &world.basket(2));
    world.catalog.set_left(2);
    world.catalog.hold(id, 2);
    lease_runs_out(&world);
    // The page is priced against what is left: an earlier try's own hold must not stand in its way.
    world.catalog.set_left(2);

    let order = world.place_as(Guest(1), "k1", &world.basket(2)).expect(201).json();

    assert_eq!(id_of(&order), id);
    assert_eq!((world.catalog.holds(), world.catalog.left()), (vec![id], 2));
    assert_eq!(world.told::<OrderPlaced>().len(), 1);
}

fn a_crash_after_the_commit_gives_the_same_answer(database: &TestDatabase) {
    let basket;
    let first = {
        let world = World::new(database);
        basket = world.basket(2);
        world.place_as(Guest(1), "k1", &basket).expect(201)
    };

    let restarted = World::new(database);
    let again = restarted.place_as(Guest(1), "k1", &basket).expect(201);

    assert_eq!(again.body, first.body);
    assert_eq!(restarted.told::<OrderPlaced>().len(), 1);
}

fn a_claim_is_not_taken_over_while_it_lives(database: &TestDatabase) {
    let world = World::new(database);
    claimed(&world, "k1", &world.basket(1));

    let busy = world.place_as(Guest(1), "k1", &world.basket(1)).expect(409);

    assert_eq!(busy.code(), "http.request-in-progress");
    assert!(world.catalog.holds().is_empty());
}

fn ask(calls: &service::Calls, id: OrderId) -> OrderLife {
    let request = StateRequest { order_ids: vec![id] };
    calls.call_blocking::<State>(&request).unwrap().lives.remove(0)
}

fn a_dead_placement_is_entombed_and_sent_again_it_is_a_new_order(database: &TestDatabase) {
    let world = World::new(database);
    let id = claimed(&world, "k1", &world.basket(1));
    world.catalog.hold(id, 1);
    world.harness.clock().advance(minutes(2));

    let life = ask(world.harness.calls(), id);
    let order = world.place_as(Guest(1), "k1", &world.basket(1)).expect(201).json();

    assert_eq!(life, OrderLife::Ended { order_id: id });
    assert_ne!(id_of(&order), id);
    assert_eq!(world.catalog.holds(), [id_of(&order)]);
    world.assert_clean();
}

fn a_placement_that_is_entombed_on_its_way_begins_anew(database: &TestDatabase) {
    let world = World::new(database);
    let calls = world.harness.calls().clone();
    let (tell, dead) = mpsc::channel();
    world.catalog.after_reserve(move |id| {
        assert_eq!(ask(&calls, id), OrderLife::Ended { order_id: id });
        tell.send(id).unwrap();
    });

    let order = world.place_as(Guest(1), "k1", &world.basket(1)).expect(201).json();

    assert_ne!(id_of(&order), dead.recv().unwrap(), "a dead order stays dead");
    assert_eq!(world.catalog.holds(), [id_of(&order)]);
    assert_eq!(world.told::<OrderPlaced>().len(), 1);
    world.assert_clean();
}

/// The first try holds stock and is then slower than its lease. Its successor places the order under the same id.
fn a_placement_that_was_overtaken_leaves_its_successor_alone(database: &TestDatabase) {
    let world = World::new(database);
    let (reserved, wait_reserved) = mpsc::channel();
    let (go_on, wait_go_on) = mpsc::channel::<()>();
    world.catalog.after_reserve(move |id| {
        reserved.send(id).unwrap();
        wait_go_on.recv().unwrap();
    });
    let basket = world.basket(1);
    let send = || world.harness.post("/orders").by(&Guest(1)).key("k1").json(&basket).answer();

    let (slow, fast) = runtime().block_on(async {
        tokio::join!(send(), async {
            let id = tokio::task::block_in_place(|| wait_reserved.recv().unwrap());
            lease_runs_out(&world);
            let fast = send().await;
            go_on.send(()).unwrap();
            (id, fast)
        })
    });
    let (id, fast) = fast;

    let (slow, fast) = (slow.expect(201), fast.expect(201));
    assert_eq!(slow.body, fast.body);
    assert_eq!(id_of(&fast.json()), id);
    assert_eq!(world.catalog.holds(), [id], "the overtaken try did not release what is its successor's");
    assert_eq!(world.told::<OrderPlaced>().len(), 1);
    world.assert_clean();
}

fn a_refusal_after_a_takeover_gives_back_what_the_first_try_held(database: &TestDatabase) {
    let world = World::new(database);
    let id = claimed(&world, "k1", &world.basket(1));
    world.catalog.hold(id, 1);
    lease_runs_out(&world);
    world.catalog.set_price(50_000);

    world.place_as(Guest(1), "k1", &world.basket(1)).expect(409);

    assert!(world.catalog.holds().is_empty());
}

fn a_restarted_service_goes_on_counting(database: &TestDatabase) {
    let first = World::new(database).a_placed_order("k1").1;

    let restarted = World::new(database);
    // Chance begins anew with the service; another moment makes another id.
    restarted.harness.clock().advance(minutes(1));
    let second = restarted.a_placed_order("k2").1;

    assert_eq!((&first["number"], &second["number"]), (&"A-001".into(), &"A-021".into()), "what was left is a gap");
    restarted.assert_clean();
}
