//! Steps, cancellations and the board.

use contracts::orders::{OrderState, OrderUpdated};
use serde_json::{Value, json};
use testkit::{Admin, Analyst, Barista, Courier, Guest, Manager, TestDatabase, both_databases};

use crate::support::{World, id_of, minutes, other_shop, shop};

both_databases!(
    an_order_goes_from_paid_to_the_guest,
    a_repeated_step_is_success_and_tells_nothing,
    a_step_out_of_turn_is_refused,
    an_unpaid_order_is_not_prepared,
    staff_of_another_shop_see_no_such_order,
    a_guest_cancels_until_it_is_being_made,
    staff_cancel_with_a_reason_until_it_is_handed_over,
    a_repeated_cancellation_is_success_and_tells_nothing,
    the_board_shows_what_is_to_be_done_in_order,
    the_board_is_for_staff_of_the_shop,
);

fn an_order_goes_from_paid_to_the_guest(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");

    for (state, version) in [("preparing", 3), ("ready", 4), ("closed", 5)] {
        let order = world.status(id, state).expect(200);
        assert_eq!((&order.json()["state"], &order.json()["version"]), (&json!(state), &json!(version)));
        assert_eq!(order.header("etag"), Some(format!("\"{version}\"").as_str()));
    }

    let history = world.order(id)["history"].clone();
    let steps: Vec<(&str, &str)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["state"].as_str().unwrap(), step["by"].as_str().unwrap()))
        .collect();
    assert_eq!(
        steps,
        [("placed", "guest"), ("paid", "system"), ("preparing", "staff"), ("ready", "staff"), ("closed", "staff")]
    );
    assert_eq!(world.told::<OrderUpdated>().last().unwrap().to, OrderState::Closed);
    world.assert_clean();
}

fn a_repeated_step_is_success_and_tells_nothing(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");
    world.status(id, "preparing").expect(200);
    let told = world.told::<OrderUpdated>().len();

    let again = world.status(id, "preparing").expect(200).json();

    assert_eq!(again["version"], 3);
    assert_eq!(world.told::<OrderUpdated>().len(), told);
}

fn a_step_out_of_turn_is_refused(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");

    let refused = world.status(id, "closed").expect(409).json();
    let unknown = world.status(id, "delivering");

    assert_eq!(refused["code"], "orders.illegal-transition");
    assert_eq!((&refused["from"], &refused["to"]), (&json!("paid"), &json!("closed")));
    unknown.expect(422);
    assert_eq!(world.order(id)["version"], 2);
}

fn an_unpaid_order_is_not_prepared(database: &TestDatabase) {
    let world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    assert_eq!(world.status(id, "preparing").expect(409).json()["from"], "placed");
}

fn staff_of_another_shop_see_no_such_order(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");
    let path = format!("/orders/{id}");
    let reason = json!({"reason": "нет молока"});

    let foreign = world.harness.get(&path).by(&Barista(other_shop())).send().expect(404);
    let unknown = world.harness.get("/orders/ord_01h455vb4pex5vsknk084sn02q").by(&Guest(1)).send().expect(404);
    world.harness.get(&path).by(&Guest(2)).send().expect(404);
    world.harness.get(&path).by(&Courier(shop())).send().expect(404);
    world.harness.get(&path).by(&Analyst).send().expect(404);
    world.status_by(&Barista(other_shop()), id, "preparing").expect(404);
    world.status_by(&Guest(1), id, "preparing").expect(404);
    world.cancel_by(&Manager(other_shop()), id, &reason).expect(404);
    world.cancel_by(&Guest(2), id, &reason).expect(404);

    let without_id = |mut body: Value| {
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!(without_id(foreign.json()), without_id(unknown.json()), "foreign and unknown look alike");
    world.harness.get(&path).by(&Barista(shop())).send().expect(200);
    world.harness.get(&path).by(&Admin).send().expect(200);
    assert_eq!(world.order(id)["version"], 2);
}

fn a_guest_cancels_until_it_is_being_made(database: &TestDatabase) {
    let mut world = World::new(database);
    let paid = world.a_paid_order("k1");
    let begun = world.a_paid_order("k2");
    world.status(begun, "preparing").expect(200);

    let cancelled = world.cancel_by(&Guest(1), paid, &json!({"reason": "Иван Петров, передумал"})).expect(200).json();
    let refused = world.cancel_by(&Guest(1), begun, &json!({})).expect(409).json();

    assert_eq!((&cancelled["state"], &cancelled["cancellable"]), (&json!("cancelled"), &json!(false)));
    assert_eq!((&refused["code"], &refused["state"]), (&json!("orders.cannot-cancel"), &json!("preparing")));
    assert_eq!(world.order(begun)["cancellable"], false);
    let told = world.told::<OrderUpdated>().into_iter().find(|event| event.to == OrderState::Cancelled).unwrap();
    assert!(told.refund_due);
    assert_eq!(told.reason.as_deref(), Some("cancelled-by-guest"), "what a guest wrote is not told");
}

fn staff_cancel_with_a_reason_until_it_is_handed_over(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");
    world.status(id, "preparing").expect(200);
    world.status(id, "ready").expect(200);
    let closed = world.a_paid_order("k2");
    for state in ["preparing", "ready", "closed"] {
        world.status(closed, state).expect(200);
    }

    let silent = world.cancel_by(&Barista(shop()), id, &json!({"reason": "  "})).expect(422).json();
    world.cancel_by(&Barista(shop()), id, &json!({"reason": "сломалась машина"})).expect(200);
    let late = world.cancel_by(&Manager(shop()), closed, &json!({"reason": "поздно"}));

    assert_eq!(silent["errors"][0]["pointer"], "/reason");
    assert_eq!(late.expect(409).code(), "orders.cannot-cancel");
    let told = world.told::<OrderUpdated>().into_iter().find(|event| event.to == OrderState::Cancelled).unwrap();
    assert_eq!(told.reason.as_deref(), Some("сломалась машина"));
    world.payment(id).refunded(62_000, 62_000).publish();
    world.harness.settle();
    world.assert_clean();
}

fn a_repeated_cancellation_is_success_and_tells_nothing(database: &TestDatabase) {
    let world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.cancel_by(&Guest(1), id, &json!({})).expect(200);

    let again = world.cancel_by(&Guest(1), id, &json!({})).expect(200).json();

    assert_eq!(again["version"], 2);
    assert_eq!(world.told::<OrderUpdated>().len(), 1);
    assert!(!world.told::<OrderUpdated>()[0].refund_due, "nothing was paid");
    world.assert_clean();
}

fn the_board_shows_what_is_to_be_done_in_order(database: &TestDatabase) {
    let mut world = World::new(database);
    let mut later = world.basket(2);
    later["fulfilment"]["at"] = json!("2026-11-21T12:00:00Z");
    later["comment"] = json!("без сахара");
    let later = id_of(&world.place_as(Guest(1), "k0", &later).expect(201).json());
    world.payment(later).captured(62_000).publish();
    let soon = world.a_paid_order("k1");
    let begun = world.a_paid_order("k2");
    world.status(begun, "preparing").expect(200);
    let ready = world.a_paid_order("k3");
    world.status(ready, "preparing").expect(200);
    world.status(ready, "ready").expect(200);
    world.a_placed_order("k4");
    let counter = id_of(&world.place_as(Guest(1), "k5", &world.counter_basket()).expect(201).json());
    world.harness.pass(minutes(1));

    let path = format!("/shops/{}/board", shop());
    let answer = world.harness.get(&path).by(&Barista(shop())).header("accept-language", "ru").send().expect(200);
    let tag = answer.header("etag").unwrap().to_owned();
    let unchanged = world.harness.get(&path).by(&Barista(shop())).header("accept-language", "ru");
    let unchanged = unchanged.header("if-none-match", &tag).send();

    let board = answer.json();
    let column =
        |name: &str| -> Vec<_> { board[name].as_array().unwrap().iter().map(|c| c["order_id"].clone()).collect() };
    assert_eq!(column("awaiting_payment"), [json!(counter)], "an online order that is not paid is no barista's matter");
    assert_eq!(column("to_prepare"), [json!(soon), json!(later)], "the most urgent first");
    assert_eq!((column("preparing"), column("ready")), (vec![json!(begun)], vec![json!(ready)]));
    let card = &board["to_prepare"][1];
    assert_eq!((&card["comment"], &card["due_at"]), (&json!("без сахара"), &json!("2026-11-21T12:00:00Z")));
    assert_eq!((&card["lines"][0]["name"], &card["lines"][0]["quantity"]), (&json!("Латте"), &json!(2)));
    assert!(card["lines"][0].get("unit_price").is_none());
    unchanged.expect(304);
}

fn the_board_is_for_staff_of_the_shop(database: &TestDatabase) {
    let world = World::new(database);
    let of = |shop: contracts::ShopId| format!("/shops/{shop}/board");

    world.harness.get(&of(shop())).by(&Guest(1)).send().expect(404);
    world.harness.get(&of(shop())).by(&Barista(other_shop())).send().expect(404);
    world.harness.get(&of(shop())).by(&Barista(shop())).send().expect(200);
    world.harness.get(&of(other_shop())).by(&Admin).send().expect(404);
}
