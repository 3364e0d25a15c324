//! Steps, cancellations and the board.

use contracts::orders::{OrderState, OrderUpdated};
use serde_json::{Value, json};
use store::{Statement, StoreError};
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
    old_orders_do_not_hide_new_ones_on_the_board,
    an_order_whose_money_all_went_back_is_not_made,
    card_numbers_in_texts_are_not_kept,
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
    assert_eq!(told.reason.as_deref(), Some("cancelled-by-staff"), "what people write is not told");
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

/// Nobody came for six hundred of them.
fn old_orders_do_not_hide_new_ones_on_the_board(database: &TestDatabase) {
    static FORGOTTEN: Statement = Statement {
        name: "FORGOTTEN",
        sql: "WITH RECURSIVE counted(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < 600) \
            INSERT INTO orders (id, feed_id, shop_id, guest_id, channel, number, due_day, state, version, payment_method, \
             payment_state, paid_by, paid_at, captured_minor, refunded_minor, fulfilment_kind, is_asap, due_at, \
             slot_from_at, slot_to_at, is_slot_held, time_zone, currency, items_minor, discount_minor, points_minor, \
             delivery_minor, total_minor, lines, placed_at, expires_at, updated_at) \
            SELECT 'ord_0000000000000000000000' || substr(CAST(10000 + i AS TEXT), 2), feed_id + 10000 + i, shop_id, \
             guest_id, channel, number + i, '2026-11-01', state, version, payment_method, payment_state, paid_by, paid_at, \
             captured_minor, refunded_minor, fulfilment_kind, is_asap, due_at, slot_from_at, slot_to_at, is_slot_held, \
             time_zone, currency, items_minor, discount_minor, points_minor, delivery_minor, total_minor, lines, placed_at, \
             expires_at, updated_at FROM orders, counted WHERE state = 'ready'",
    };
    let mut world = World::new(database);
    let ready = |world: &mut World, key: &str| {
        let id = world.a_paid_order(key);
        world.status(id, "preparing").expect(200);
        world.status(id, "ready").expect(200);
        id
    };
    ready(&mut world, "k1");
    let written: Result<u64, StoreError> = world.harness.db().write_blocking(|tx| tx.execute(&FORGOTTEN, &[]));
    assert_eq!(written.unwrap(), 600);
    world.harness.clock().advance(minutes(1));
    let (made, paid) = (ready(&mut world, "k2"), world.a_paid_order("k3"));

    let path = format!("/shops/{}/board", shop());
    let board = world.harness.get(&path).by(&Barista(shop())).send().expect(200).json();

    let to_prepare = board["to_prepare"].as_array().unwrap();
    assert_eq!(to_prepare.iter().map(|card| &card["order_id"]).collect::<Vec<_>>(), [&json!(paid)]);
    let waiting = board["ready"].as_array().unwrap();
    assert_eq!(waiting.last().unwrap()["order_id"], json!(made), "the latest are shown, the most urgent first");
    assert!(waiting.len() < 600);
}

/// The manager gave all of it back before it was made.
fn an_order_whose_money_all_went_back_is_not_made(database: &TestDatabase) {
    let mut world = World::new(database);
    let (paid, ready) = (world.a_paid_order("k1"), world.a_paid_order("k2"));
    world.status(ready, "preparing").expect(200);
    world.status(ready, "ready").expect(200);
    world.payment(ready).refunded(62_000, 10_000).publish();
    world.payment(paid).refunded(62_000, 62_000).publish();
    world.harness.settle();

    let refused = world.status(paid, "preparing").expect(409).json();
    let path = format!("/shops/{}/board", shop());
    let board = world.harness.get(&path).by(&Barista(shop())).send().expect(200).json();
    let handed_over = world.status(ready, "closed");

    assert_eq!((&refused["code"], &refused["state"]), (&json!("orders.given-back"), &json!("paid")));
    assert_eq!(board["to_prepare"][0]["payment_state"], "refunded");
    assert_eq!(board["ready"][0]["payment_state"], "partially_refunded");
    handed_over.expect(200);
    world.status(ready, "closed").expect(200);
    world.cancel_by(&Barista(shop()), paid, &json!({"reason": "возврат"})).expect(200);
    assert!(!world.told::<OrderUpdated>().last().unwrap().refund_due, "there is nothing left to give back");
}

fn card_numbers_in_texts_are_not_kept(database: &TestDatabase) {
    static TEXTS: Statement = Statement {
        name: "TEXTS",
        sql: "SELECT comment FROM orders WHERE comment IS NOT NULL \
            UNION ALL SELECT reason FROM order_history WHERE reason IS NOT NULL",
    };
    let world = World::new(database);
    let mut basket = world.basket(1);
    basket["comment"] = json!("моя карта 4242 4242 4242 4242");
    let order = world.place_as(Guest(1), "k1", &basket).expect(201).json();
    let (other, _) = world.a_placed_order("k2");

    world.cancel_by(&Guest(1), id_of(&order), &json!({"reason": "4242424242424242 не прошла"})).expect(200);
    world.cancel_by(&Barista(shop()), other, &json!({"reason": "карта 4000-0000-0000-0002"})).expect(200);

    assert_eq!(order["comment"], "моя карта **** 4242");
    let kept: Result<Vec<String>, StoreError> =
        world.harness.db().read_blocking(|snapshot| snapshot.list(&TEXTS, &[], |row| row.get(0)));
    let mut kept = kept.unwrap();
    kept.sort_unstable();
    assert_eq!(kept, ["**** 4242 не прошла", "карта **** 0002", "моя карта **** 4242"]);
}
