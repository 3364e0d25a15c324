//! Quotes and orders, one at a time.

use std::time::Duration;

use contracts::orders::{OrderPlaced, OrderUpdated, PaymentMethod};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use service::{Admission, AdmissionLimits};
use testkit::{Guest, TestDatabase, both_databases, runtime};

use crate::support::{World, id_of, minutes, shop};

both_databases!(
    a_guest_who_was_refused_for_the_cap_is_asked_about_it_first,
    an_order_that_cannot_be_read_does_not_keep_others_from_ending,
    an_order_is_what_was_quoted,
    names_follow_the_language_of_the_reader,
    the_same_request_again_gives_the_same_answer,
    a_key_is_for_one_body,
    another_price_is_refused_with_the_new_quote,
    a_price_that_changes_between_asking_and_holding_is_refused,
    what_is_sold_out_is_refused_with_its_lines,
    faults_that_catalog_finds_keep_their_pointers,
    a_closed_shop_says_when_it_opens,
    a_guest_may_have_so_many_unpaid_orders,
    nothing_is_left_behind_by_a_refusal,
    a_catalog_that_is_away_is_unavailable_and_nothing_is_held,
    an_unpaid_order_ends_after_its_time,
    unpaid_orders_end_in_the_order_of_their_ids,
    a_counter_order_waits_past_its_due_time,
    a_placement_whose_caller_has_gone_is_work_until_it_ends,
);

fn an_order_is_what_was_quoted(database: &TestDatabase) {
    let world = World::new(database);
    let mut basket = world.basket(2);
    basket["lines"][0]["modifiers"] = json!([{"id": "mod_01h455vb4pex5vsknk084sn02q", "quantity": 1}]);
    let mut quoted = basket.clone();
    quoted.as_object_mut().unwrap().retain(|name, _| ["shop_id", "fulfilment", "lines"].contains(&name.as_str()));

    let quote = world.harness.post("/orders/quote").by(&Guest(1)).json(&quoted).send().expect(200).json();
    basket["expected_total"] = quote["total"].clone();
    basket["comment"] = json!("  Без крышки ");
    let answer = world.place_as(Guest(1), "k1", &basket).expect(201);
    let order = answer.json();

    assert_eq!(quote["total"], json!({"amount": 74_000, "currency": "RUB"}));
    for part in ["items_total", "discount_total", "points_total", "delivery_total", "total"] {
        assert_eq!(order[part], quote[part], "{part}");
    }
    assert_eq!(order["lines"][0]["modifiers"], quote["lines"][0]["modifiers"]);
    assert_eq!(quote["earliest_at"], "2026-11-21T10:10:00Z");
    assert_eq!(order["fulfilment"]["at"], quote["earliest_at"]);
    assert_eq!((&order["number"], &order["state"], &order["version"]), (&json!("A-001"), &json!("placed"), &json!(1)));
    assert_eq!((&order["payment_state"], &order["cancellable"]), (&json!("pending"), &json!(true)));
    assert_eq!(order["comment"], "Без крышки");
    assert_eq!(order["expires_at"], "2026-11-21T10:10:00Z");
    assert_eq!(order["tracking_url"], Value::Null);
    assert_eq!(answer.header("location"), Some(format!("/api/v1/orders/{}", id_of(&order)).as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let read = world.order(id_of(&order));
    assert_eq!(read["history"], json!([{"state": "placed", "at": "2026-11-21T10:00:00Z", "by": "guest"}]));
    let told = world.told::<OrderPlaced>();
    assert_eq!((told.len(), told[0].order_id, told[0].total.amount()), (1, id_of(&order), 74_000));
    assert_eq!(told[0].payment_method, PaymentMethod::Online);
    assert!(!serde_json::to_string(&told[0]).unwrap().contains("крышки"), "a comment is never in an event");
    assert_eq!(world.catalog.holds(), [id_of(&order)]);
    world.assert_clean();
}

fn names_follow_the_language_of_the_reader(database: &TestDatabase) {
    let world = World::new(database);
    let (id, placed) = world.a_placed_order("k1");

    let read = |language| world.harness.get(&format!("/orders/{id}")).by(&Guest(1)).header("accept-language", language);
    let (english, german) = (read("en").send().json(), read("de").send().json());

    assert_eq!(placed["lines"][0]["name"], "Латте", "in the language of the menu, if none is named");
    assert_eq!(german["lines"][0]["variant_name"], "Большой");
    assert_eq!(english["lines"][0]["name"], "Latte");
}

fn the_same_request_again_gives_the_same_answer(database: &TestDatabase) {
    let world = World::new(database);
    let first = world.place_as(Guest(1), "k1", &world.basket(2)).expect(201);

    world.harness.clock().advance(minutes(5));
    world.catalog.set_price(99_900);
    let again = world.place_as(Guest(1), "k1", &world.basket(2)).expect(201);
    let of_another_guest = world.place_as(Guest(2), "k1", &world.basket(2));

    assert_eq!(again.body, first.body);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(world.catalog.holds().len(), 1);
    assert_eq!(of_another_guest.expect(409).code(), "orders.price-changed", "keys are per person");
}

fn a_key_is_for_one_body(database: &TestDatabase) {
    let world = World::new(database);
    let missing = world.harness.post("/orders").by(&Guest(1)).json(&world.basket(1)).send();
    world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);

    let reused = world.place_as(Guest(1), "k1", &world.basket(2));

    assert_eq!(missing.expect(400).code(), "http.idempotency-key-required");
    assert_eq!(reused.expect(422).code(), "http.idempotency-key-reused");
}

fn another_price_is_refused_with_the_new_quote(database: &TestDatabase) {
    let world = World::new(database);
    world.catalog.set_price(33_000);

    let refused = world.place_as(Guest(1), "k1", &world.basket(2)).expect(409).json();
    let mut mended = world.basket(2);
    mended["expected_total"] = refused["quote"]["total"].clone();
    let placed = world.place_as(Guest(1), "k1", &mended);

    assert_eq!(refused["code"], "orders.price-changed");
    assert_eq!(refused["quote"]["total"], json!({"amount": 66_000, "currency": "RUB"}));
    placed.expect(201);
    assert_eq!(world.catalog.holds().len(), 1);
}

fn a_price_that_changes_between_asking_and_holding_is_refused(database: &TestDatabase) {
    let world = World::new(database);
    let catalog = world.catalog.clone();
    world.catalog.before_reserve(move |_| catalog.set_price(40_000));

    let refused = world.place_as(Guest(1), "k1", &world.basket(1)).expect(409).json();

    assert_eq!(refused["code"], "orders.price-changed");
    assert_eq!(refused["quote"]["total"]["amount"], 40_000);
    assert!(world.catalog.holds().is_empty());
}

fn what_is_sold_out_is_refused_with_its_lines(database: &TestDatabase) {
    let world = World::new(database);
    world.catalog.set_left(1);

    let refused = world.place_as(Guest(1), "k1", &world.basket(2)).expect(409).json();

    assert_eq!(refused["code"], "orders.out-of-stock");
    assert_eq!(refused["lines"], json!([{"pointer": "/lines/0", "available": 1}]));
    world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);
}

fn faults_that_catalog_finds_keep_their_pointers(database: &TestDatabase) {
    let world = World::new(database);
    let mut basket = world.basket(1);
    basket["lines"][0]["variant_id"] = json!("var_00000000000000000000000000");
    let mut nowhere = world.basket(1);
    nowhere["shop_id"] = json!("shp_01h455vb4pex5vsknk084sn02q");

    let variant = world.place_as(Guest(1), "k1", &basket).expect(422).json();
    let shop = world.place_as(Guest(1), "k2", &nowhere).expect(422).json();

    assert_eq!(variant["errors"][0]["pointer"], "/lines/0/variant_id");
    assert_eq!(shop["errors"][0]["pointer"], "/shop_id");
}

fn a_closed_shop_says_when_it_opens(database: &TestDatabase) {
    let world = World::new(database);
    world.harness.clock().set("2026-11-21T19:30:00Z".parse().unwrap());
    let mut quoted = world.basket(1);
    quoted.as_object_mut().unwrap().retain(|name, _| ["shop_id", "fulfilment", "lines"].contains(&name.as_str()));

    let refused = world.place_as(Guest(1), "k1", &world.basket(1)).expect(409).json();
    let quote = world.harness.post("/orders/quote").by(&Guest(1)).json(&quoted).send().expect(200).json();

    assert_eq!(
        (&refused["code"], &refused["opens_at"]),
        (&json!("orders.shop-closed"), &json!("2026-11-22T05:00:00Z"))
    );
    assert_eq!(quote["earliest_at"], Value::Null);
    assert_eq!(quote["notices"][0]["code"], "orders.shop-closed");
    assert_eq!(quote["notices"][0]["opens_at"], "2026-11-22T05:00:00Z");
    assert!(world.catalog.holds().is_empty());
}

fn a_guest_may_have_so_many_unpaid_orders(database: &TestDatabase) {
    let mut world = World::new(database);
    let [first, ..] =
        ["k1", "k2", "k3"].map(|key| id_of(&world.place_as(Guest(1), key, &world.counter_basket()).expect(201).json()));

    let fourth = world.place_as(Guest(1), "k4", &world.counter_basket()).expect(409).json();
    let online = world.place_as(Guest(1), "k5", &world.basket(1));
    let of_another = world.place_as(Guest(2), "k6", &world.counter_basket());

    assert_eq!((&fourth["code"], &fourth["unpaid_max"]), (&json!("orders.too-many-unpaid"), &json!(3)));
    online.expect(201);
    of_another.expect(201);
    assert_eq!(world.catalog.holds().len(), 5, "the refused one holds nothing");
    world.payment(first).captured(31_000).publish();
    world.harness.settle();
    world.place_as(Guest(1), "k4", &world.counter_basket()).expect(201);
    world.assert_clean();
}

fn nothing_is_left_behind_by_a_refusal(database: &TestDatabase) {
    let world = World::with(database, &[("orders.unpaid_online_max", "1")]);
    world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);
    let left = world.catalog.left();

    world.place_as(Guest(1), "k2", &world.basket(1)).expect(409);

    assert_eq!(world.catalog.left(), left);
    assert_eq!(world.told::<OrderPlaced>().len(), 1);
    assert_eq!(world.harness.get("/orders").by(&Guest(1)).send().json()["items"].as_array().unwrap().len(), 1);
    world.assert_clean();
}

fn a_catalog_that_is_away_is_unavailable_and_nothing_is_held(database: &TestDatabase) {
    let world = World::new(database);
    world.catalog.set_away(true);

    let away = world.place_as(Guest(1), "k1", &world.basket(1)).expect(503);
    world.catalog.set_away(false);
    let catalog = world.catalog.clone();
    world.catalog.before_reserve(move |_| catalog.set_away(true));
    world.place_as(Guest(1), "k1", &world.basket(1)).expect(503);
    world.catalog.set_away(false);

    assert!(away.header("retry-after").is_some());
    assert!(world.catalog.holds().is_empty());
    world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);
}

fn an_unpaid_order_ends_after_its_time(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    world.harness.pass(minutes(9));
    assert_eq!(world.order(id)["state"], "placed");
    world.harness.pass(minutes(1));

    let order = world.order(id);
    assert_eq!((&order["state"], &order["expires_at"]), (&json!("expired"), &Value::Null));
    assert_eq!(order["history"][1], json!({"state": "expired", "at": "2026-11-21T10:10:00Z", "by": "system"}));
    world.assert_clean();
}

/// Which is the order in which everybody locks them. The first to be placed is the last to be waited for.
fn unpaid_orders_end_in_the_order_of_their_ids(database: &TestDatabase) {
    let mut world = World::new(database);
    let counter = id_of(&world.place_as(Guest(1), "k1", &world.counter_basket()).expect(201).json());
    world.harness.clock().advance(minutes(1));
    let (online, _) = world.a_placed_order("k2");

    world.harness.pass(minutes(60));

    let ended: Vec<_> = world.told::<OrderUpdated>().iter().map(|event| event.order_id).collect();
    assert_eq!(ended, [counter, online]);
    world.assert_clean();
}

fn a_counter_order_waits_past_its_due_time(database: &TestDatabase) {
    let mut world = World::new(database);
    let order = world.place_as(Guest(1), "k1", &world.counter_basket()).expect(201).json();
    let board = || format!("/shops/{}/board", shop());

    world.harness.pass(minutes(39));
    let waiting = world.harness.get(&board()).by(&testkit::Barista(shop())).send().expect(200).json();
    world.harness.pass(minutes(1));

    assert_eq!(order["expires_at"], "2026-11-21T10:40:00Z");
    assert_eq!(waiting["awaiting_payment"][0]["order_id"], order["id"]);
    assert_eq!(world.order(id_of(&order))["state"], "expired");
}

/// Asked last it would burn a number and hold stock for a moment, fifty times a second.
fn a_guest_who_was_refused_for_the_cap_is_asked_about_it_first(database: &TestDatabase) {
    let world = World::new(database);
    let place = |key: &str| world.place_as(Guest(1), key, &world.counter_basket());
    let orders: Vec<_> = ["k1", "k2", "k3"].map(|key| place(key).expect(201).json()).into();
    assert_eq!(place("k4").expect(409).code(), "orders.too-many-unpaid");
    let (reserve, reserved) = std::sync::mpsc::channel();
    world.catalog.before_reserve(move |_| reserve.send(()).unwrap());

    assert_eq!(place("k5").expect(409).json()["unpaid_max"], 3);
    assert!(reserved.try_recv().is_err(), "no stock was asked for");
    world.cancel_by(&Guest(1), crate::support::id_of(&orders[0]), &json!({})).expect(200);
    let next = place("k5").expect(201).json();

    reserved.try_recv().unwrap();
    assert_eq!(next["number"], "A-005", "only the first refusal took one");
    world.assert_clean();
}

fn an_order_that_cannot_be_read_does_not_keep_others_from_ending(database: &TestDatabase) {
    static SPOIL: store::Statement =
        store::Statement { name: "SPOIL", sql: "UPDATE orders SET lines = 'no JSON' WHERE number = 1" };
    let mut world = World::new(database);
    world.a_placed_order("k1");
    let (id, _) = world.a_placed_order("k2");
    let spoiled: Result<u64, store::StoreError> = world.harness.db().write_blocking(|tx| tx.execute(&SPOIL, &[]));
    assert_eq!(spoiled.unwrap(), 1);

    world.harness.clock().advance(minutes(10));
    let now = world.now();
    let turns: Vec<bool> = (0..20).map(|_| world.harness.platform().step(now).is_err()).collect();

    assert_eq!(world.order(id)["state"], "expired");
    assert!(turns.contains(&true), "and somebody is told of it");
}

fn a_placement_whose_caller_has_gone_is_work_until_it_ends(database: &TestDatabase) {
    let world = World::new(database);
    let admission = Admission::new(AdmissionLimits::default(), world.harness.clock().shared());
    let (reserving, begun) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    world.catalog.before_reserve(move |_| {
        reserving.send(()).unwrap();
        may_go_on.recv().unwrap();
    });
    let basket = world.basket(1);
    let request = world.harness.post("/orders").by(&Guest(1)).key("k1").json(&basket);

    runtime().block_on(async {
        let mut asked = Box::pin(request.admitted(admission.enter().unwrap().into()).answer());
        while begun.try_recv().is_err() {
            assert!((&mut asked).now_or_never().is_none(), "the catalog has not answered");
            tokio::task::yield_now().await;
        }
    });

    assert_eq!(admission.in_flight(), 1, "the caller has gone, the placement goes on");
    go_on.send(()).unwrap();
    for _ in 0..10_000 {
        if admission.in_flight() == 0 {
            break;
        }
        runtime().block_on(tokio::task::yield_now());
        std::thread::park_timeout(Duration::from_millis(1));
    }
    assert_eq!(admission.in_flight(), 0);
    assert_eq!(world.catalog.holds().len(), 1, "and it is done");
}
