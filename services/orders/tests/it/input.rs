//! Bad input: a 4xx that names every fault at once, and nothing changed.

use contracts::orders::OrderPlaced;
use serde_json::{Value, json};
use testkit::{Guest, TestDatabase, both_databases};

use crate::support::World;

both_databases!(
    every_fault_of_a_body_is_named,
    what_cannot_be_read_hides_no_rule,
    each_rule_refuses_by_itself,
    nobody_orders_without_signing_in,
);

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
}

fn every_fault_of_a_body_is_named(database: &TestDatabase) {
    let world = World::new(database);
    let mut basket = world.basket(1);
    basket["lines"][0]["quantity"] = json!(1_000);
    basket["fulfilment"]["kind"] = json!("delivery");
    basket["points"] = json!(5);
    basket["promo_codes"] = json!(["РАФ20"]);
    basket["comment"] = json!("x".repeat(501));
    basket["payment"] = json!({"method": "online", "return_url": "ftp://guest.example"});

    let problem = world.place_as(Guest(1), "k1", &basket).expect(422).json();

    let found = pointers(&problem);
    for pointer in
        ["/lines/0/quantity", "/fulfilment/kind", "/points", "/promo_codes", "/comment", "/payment/return_url"]
    {
        assert!(found.contains(&pointer), "{pointer} is missing in {found:?}");
    }
    let once: std::collections::BTreeSet<&str> = found.iter().copied().collect();
    assert_eq!(once.len(), found.len(), "a place is named twice: {problem}");
    assert!(world.told::<OrderPlaced>().is_empty());
    assert!(world.catalog.holds().is_empty());
}

fn what_cannot_be_read_hides_no_rule(database: &TestDatabase) {
    let world = World::new(database);
    let mut basket = world.basket(1);
    basket["oops"] = json!(1);
    basket["lines"][0]["quantity"] = json!("two");
    basket["fulfilment"] = json!({"kind": "delivery", "at": "nope"});
    basket["expected_total"]["amount"] = json!(-1);
    basket["comment"] = json!("\u{7}");

    let problem = world.place_as(Guest(1), "k1", &basket).expect(422).json();

    let mut found = pointers(&problem);
    found.sort_unstable();
    let named =
        ["/comment", "/expected_total/amount", "/fulfilment/at", "/fulfilment/kind", "/lines/0/quantity", "/oops"];
    assert_eq!(found, named, "{problem}");
}

fn each_rule_refuses_by_itself(database: &TestDatabase) {
    let world = World::new(database);
    let cases: &[(&str, Value)] = &[
        ("/lines", json!([])),
        ("/lines", json!(vec![json!({"variant_id": crate::support::variant(), "quantity": 1}); 101])),
        ("/lines/0/quantity", json!(0)),
        ("/lines/0/quantity", json!(-1)),
        ("/lines/0/quantity", json!(i64::MAX)),
        ("/lines/0/quantity", json!(1.5)),
        ("/lines/0/variant_id", json!("prd_01h455vb4pex5vsknk084sn02q")),
        ("/lines/0/modifiers", json!([{"id": "mod_01h455vb4pex5vsknk084sn02q", "quantity": 0}])),
        ("/lines/0/price", json!(1)),
        ("/guest_id", json!("usr_01h455vb4pex5vsknk084sn02q")),
        ("/expected_total", json!({"amount": -1, "currency": "RUB"})),
        ("/expected_total", json!({"amount": 9_007_199_254_740_992_i64, "currency": "RUB"})),
        ("/expected_total", json!({"amount": 31_000, "currency": "USD"})),
        ("/expected_total", json!({"amount": 31_000, "currency": "rub"})),
        ("/payment/return_url", json!("javascript:alert(1)")),
        ("/payment/return_url", json!("//evil.example")),
        ("/payment/return_url", json!("https://user:pass@bank.example/")),
        ("/payment/method", json!("barter")),
        ("/fulfilment/at", json!("now")),
        ("/comment", json!("a\u{1b}[31mb")),
        ("/points", json!(-1)),
    ];
    for (pointer, value) in cases {
        let mut basket = world.basket(1);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        basket.pointer_mut(parent).unwrap()[name] = value.clone();

        let answer = world.place_as(Guest(1), "k1", &basket);

        assert_eq!(answer.status.as_u16(), 422, "{pointer} = {value}: {}", String::from_utf8_lossy(&answer.body));
        let problem = answer.json();
        assert!(pointers(&problem).iter().any(|p| p.starts_with(pointer)), "{pointer}: {problem}");
    }
    assert!(world.told::<OrderPlaced>().is_empty());
}

fn nobody_orders_without_signing_in(database: &TestDatabase) {
    let world = World::new(database);

    world.harness.post("/orders").key("k1").json(&world.basket(1)).send().expect(401);
    world.harness.get("/orders").send().expect(401);
}
