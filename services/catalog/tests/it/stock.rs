//! Stock as staff see and move it.

use serde_json::json;
use testkit::{Admin, Barista, Manager, TestDatabase};

use crate::cafe::{Cafe, a_shop, id};

testkit::both_databases!(
    receipts_write_offs_and_counts_add_up,
    what_is_held_cannot_be_written_off_or_counted_away,
    a_movement_sent_twice_is_booked_once,
    a_card_number_in_a_reason_is_not_kept,
    a_product_made_to_order_has_no_stock,
    a_shop_that_was_not_granted_is_not_there,
    wrong_movements_name_every_place,
    stock_is_listed_in_pages,
);

fn receipts_write_offs_and_counts_add_up(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let off = cafe.book("write_off", cafe.cake.variant, 3).expect(201).json();
    let counted = cafe.book("count", cafe.cake.variant, 15).expect(201).json();

    assert_eq!((off["change"].as_i64(), off["available"].as_i64()), (Some(-3), Some(17)));
    assert_eq!((counted["change"].as_i64(), counted["on_hand"].as_i64()), (Some(-2), Some(15)));
    assert_eq!(cafe.level(cafe.cake.variant), (15, 0, 15));
    cafe.assert_clean();
}

fn what_is_held_cannot_be_written_off_or_counted_away(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    cafe.hold_cakes(18);

    for (kind, quantity) in [("write_off", 3), ("count", 17)] {
        let refused = cafe.book(kind, cafe.cake.variant, quantity).expect(409);

        assert_eq!(refused.code(), "catalog.not-enough-stock");
        assert_eq!(refused.json()["available"], 2);
    }
    let _ = cafe.book("count", cafe.cake.variant, 18).expect(201);
    cafe.assert_clean();
}

fn a_movement_sent_twice_is_booked_once(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let body = json!({"shop_id": cafe.shop, "variant_id": cafe.cake.variant, "kind": "receipt", "quantity": 5});
    let send = |key: &str| cafe.harness.post("/stock/movements").by(&cafe.manager()).key(key).json(&body).send();

    let first = send("one").expect(201);
    let second = send("one").expect(201);

    assert_eq!(first.body, second.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(cafe.level(cafe.cake.variant), (25, 0, 25));
    let keyless = cafe.harness.post("/stock/movements").by(&cafe.manager()).json(&body).send().expect(400);
    assert_eq!(keyless.code(), "http.idempotency-key-required");
}

fn a_product_made_to_order_has_no_stock(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    assert_eq!(cafe.book("receipt", cafe.latte.variant, 1).expect(409).code(), "catalog.untracked");
}

fn a_shop_that_was_not_granted_is_not_there(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let other = cafe.harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json();
    let stranger = Manager(id(&other["id"]));
    let body = json!({"shop_id": cafe.shop, "variant_id": cafe.cake.variant, "kind": "receipt", "quantity": 5});
    let stock = format!("/stock?shop_id={}", cafe.shop);

    let moved = cafe.harness.post("/stock/movements").by(&stranger).key("k").json(&body).send().expect(404);
    assert_eq!(moved.code(), "catalog.unknown-shop");
    let _ = cafe.harness.get(&stock).by(&stranger).send().expect(404);
    let _ = cafe.harness.get(&stock).by(&Barista(cafe.shop)).send().expect(200);
    let barista = cafe.harness.post("/stock/movements").by(&Barista(cafe.shop)).key("b").json(&body).send();
    let _ = barista.expect(404);
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
}

fn wrong_movements_name_every_place(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let body = json!({"shop_id": "shp_x", "variant_id": 7, "kind": "theft", "quantity": 0.5, "colour": "red"});

    let refused = cafe.harness.post("/stock/movements").by(&cafe.manager()).key("k").json(&body).send().expect(422);

    let pointers = crate::cafe::pointers(&refused.json());
    for pointer in ["/shop_id", "/variant_id", "/kind", "/quantity", "/colour"] {
        assert!(pointers.iter().any(|known| known == pointer), "{pointer} is not among {pointers:?}");
    }
    for quantity in [0, -1, 1_000_001] {
        let _ = cafe.book("receipt", cafe.cake.variant, quantity).expect(422);
    }
    let unknown = cafe.book("receipt", contracts::VariantId::from_bits(1), 1).expect(422);
    assert_eq!(crate::cafe::pointers(&unknown.json()), ["/variant_id"]);
}

fn stock_is_listed_in_pages(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for n in 0..3 {
        let mut product = crate::cafe::a_product(&format!("tart-{n}"), "cakes", 100);
        product["tracked"] = json!(true);
        cafe.product(&product);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();

    loop {
        let path = format!("/stock?shop_id={}&limit=3{cursor}", cafe.shop);
        let page = cafe.harness.get(&path).by(&cafe.manager()).send().expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["sku"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }

    seen.sort();
    assert_eq!(seen, ["cheesecake-m", "tart-0-m", "tart-1-m", "tart-2-m"]);
}

fn a_card_number_in_a_reason_is_not_kept(database: &TestDatabase) {
    store::statements! {
        /// What was written about movements.
        REASONS = "SELECT reason FROM stock_movements WHERE reason IS NOT NULL";
    }
    let cafe = Cafe::open(database);
    let body = json!({"shop_id": cafe.shop, "variant_id": cafe.cake.variant, "kind": "write_off", "quantity": 1,
        "reason": "guest paid with 4242 4242 4242 4242"});

    let booked =
        cafe.harness.post("/stock/movements").by(&cafe.manager()).key("k").json(&body).send().expect(201).json();

    let kept: Result<Vec<String>, store::StoreError> =
        cafe.harness.db().read_blocking(|snapshot| snapshot.list(&REASONS, &[], |row| row.get(0)));
    assert_eq!(kept.unwrap(), ["guest paid with **** 4242"]);
    assert_eq!(booked["reason"], "guest paid with **** 4242");
}
