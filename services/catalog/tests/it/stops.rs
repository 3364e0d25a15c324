//! What a shop cannot sell now.

use std::time::Duration;

use contracts::ShopId;
use contracts::catalog::ProductChange;
use serde_json::{Value, json};
use store::{Statement, StoreError, params};
use testkit::{Admin, Barista, Guest, Manager, TestDatabase};

use crate::cafe::{Cafe, a_shop, id, line, line_with, new_order, places};

testkit::both_databases!(
    a_stopped_product_cannot_be_ordered_until_it_is_taken_off_the_list,
    a_stopped_modifier_is_refused_where_it_stands,
    a_stop_ends_by_itself,
    a_shop_that_is_damaged_leaves_the_others_their_ends,
    only_staff_of_the_shop_may_stop_things,
    a_stop_names_what_is_on_the_menu,
    a_group_without_anything_to_choose_makes_its_products_unavailable,
);

fn path(cafe: &Cafe, item: impl std::fmt::Display) -> String {
    format!("/shops/{}/stop-list/{item}", cafe.shop)
}

fn stop(cafe: &Cafe, item: impl std::fmt::Display, until: Option<&str>) {
    let body = json!({"until": until, "reason": "кончилось"});
    let _ = cafe.harness.put(&path(cafe, item)).by(&Barista(cafe.shop)).json(&body).send().expect(200);
}

fn is_available(cafe: &Cafe, sku: &str) -> bool {
    let menu = cafe.menu("");
    let items = menu["items"].as_array().unwrap();
    items.iter().find(|item| item["sku"] == sku).unwrap()["available"] == json!(true)
}

fn a_stopped_product_cannot_be_ordered_until_it_is_taken_off_the_list(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let order = |cafe: &Cafe| cafe.reserve(new_order(), vec![line(cafe.latte.variant, 1)]);
    assert!(order(&cafe).is_ok());
    let before = cafe.told().len();

    stop(&cafe, cafe.latte.product, None);
    let error = order(&cafe).unwrap_err();
    assert!(error.is("catalog.out-of-stock"));
    assert_eq!(places(&error, "lines"), ["/lines/0"]);
    assert!(!is_available(&cafe, "latte"));
    let list = cafe.harness.get(&format!("/shops/{}/stop-list", cafe.shop)).by(&Barista(cafe.shop)).send().expect(200);
    assert_eq!(list.json()["items"][0]["item_id"], json!(cafe.latte.product));

    let _ = cafe.harness.delete(&path(&cafe, cafe.latte.product)).by(&cafe.manager()).send().expect(204);
    let _ = cafe.harness.delete(&path(&cafe, cafe.latte.product)).by(&cafe.manager()).send().expect(204);
    assert!(order(&cafe).is_ok());
    assert!(is_available(&cafe, "latte"));
    cafe.harness.settle();
    let told: Vec<_> = cafe.told().iter().skip(before).map(|event| event.change).collect();
    assert_eq!(told, [ProductChange::SoldOut, ProductChange::Available]);
}

fn a_stopped_modifier_is_refused_where_it_stands(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    stop(&cafe, cafe.oat, None);

    let error = cafe.price(vec![line_with(cafe.latte.variant, 1, &[(cafe.oat, 1)])]).unwrap_err();
    assert_eq!(places(&error, "lines"), ["/lines/0/modifiers/0"]);
    assert!(cafe.price(vec![line(cafe.latte.variant, 1)]).is_ok());
    let menu = cafe.menu("&category=coffee");
    assert_eq!(menu["items"][0]["modifier_groups"][0]["modifiers"][0]["available"], false);
}

fn a_stop_ends_by_itself(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    stop(&cafe, cafe.cake.variant, Some("2026-11-21T10:30:00Z"));
    cafe.harness.settle();
    let before = cafe.told().len();

    cafe.harness.clock().advance(Duration::from_secs(1799));
    assert!(!is_available(&cafe, "cheesecake"));
    cafe.harness.clock().advance(Duration::from_secs(1));
    assert!(is_available(&cafe, "cheesecake"), "readers need no timer");
    assert!(cafe.reserve(new_order(), vec![line(cafe.cake.variant, 1)]).is_ok());

    cafe.harness.pass(Duration::from_secs(11));
    cafe.harness.settle();
    let told: Vec<_> = cafe.told().iter().skip(before).map(|event| event.change).collect();
    assert_eq!(told, [ProductChange::Available]);
    let list = cafe.harness.get(&format!("/shops/{}/stop-list", cafe.shop)).by(&Barista(cafe.shop)).send().expect(200);
    assert_eq!(list.json()["items"], json!([]));
}

static BREAK_HOURS: Statement =
    Statement { name: "BREAK_HOURS", sql: "UPDATE shops SET hours = 'nonsense' WHERE id = $1" };
static STOPPED: Statement = Statement { name: "STOPPED", sql: "SELECT shop_id FROM stop_list" };

fn a_shop_that_is_damaged_leaves_the_others_their_ends(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let mut shops = vec![cafe.shop];
    for _ in 0..2 {
        shops.push(id(&cafe.harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json()["id"]));
    }
    shops.sort();
    for shop in &shops {
        let path = format!("/shops/{shop}/stop-list/{}", cafe.cake.variant);
        let body = json!({"until": "2026-11-21T10:30:00Z"});
        let _ = cafe.harness.put(&path).by(&Barista(*shop)).json(&body).send().expect(200);
    }
    let damaged = shops[0];
    cafe.harness.db().write_blocking(move |tx| tx.execute(&BREAK_HOURS, &params![damaged])).unwrap();

    cafe.harness.clock().advance(Duration::from_secs(1801));
    let now = kernel::Clock::now(cafe.harness.clock());
    let failed = cafe.harness.platform().step(now);

    assert!(failed.is_err_and(|reason| reason.contains("catalog.stops")));
    let stopped = cafe.harness.db().read_blocking(|snapshot| snapshot.list(&STOPPED, &[], |row| row.get::<ShopId>(0)));
    assert_eq!(stopped.unwrap_or_else(|error: StoreError| panic!("{error}")), [damaged]);
}

fn only_staff_of_the_shop_may_stop_things(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let other = cafe.harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json();
    let stranger = Manager(id(&other["id"]));
    let path = path(&cafe, cafe.latte.product);
    let body = json!({"until": null});

    let _ = cafe.harness.put(&path).by(&stranger).json(&body).send().expect(404);
    let _ = cafe.harness.put(&path).by(&Guest(1)).json(&body).send().expect(404);
    let _ = cafe.harness.put(&path).json(&body).send().expect(401);
    let _ = cafe.harness.delete(&path).by(&stranger).send().expect(404);
    assert!(is_available(&cafe, "latte"));
}

fn a_stop_names_what_is_on_the_menu(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let put = |item: &str, body: &Value| cafe.harness.put(&path(&cafe, item)).by(&cafe.manager()).json(body).send();

    let _ = put("prd_01h455vb4pex5vsknk084sn02q", &json!({})).expect(404);
    let _ = put("shp_01h455vb4pex5vsknk084sn02q", &json!({})).expect(404);
    let _ = put("latte", &json!({})).expect(404);
    let past = put(&cafe.latte.product.to_string(), &json!({"until": "2026-11-21T09:00:00Z"})).expect(422);
    assert_eq!(crate::cafe::pointers(&past.json()), ["/until"]);
}

fn a_group_without_anything_to_choose_makes_its_products_unavailable(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let list = cafe.harness.get("/modifier-groups").by(&cafe.manager()).send().expect(200).json();
    let group = &list["items"][0];
    let path = format!("/modifier-groups/{}", group["id"].as_str().unwrap());
    let patch = json!({"min": 1});
    let _ = cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", "\"1\"").json(&patch).send().expect(200);

    for modifier in group["modifiers"].as_array().unwrap() {
        assert!(is_available(&cafe, "latte"));
        stop(&cafe, modifier["id"].as_str().unwrap(), None);
    }

    assert!(!is_available(&cafe, "latte"));
}
