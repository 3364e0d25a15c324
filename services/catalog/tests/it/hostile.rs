//! Input that means no good: refused with a problem, never an error of ours, and nothing is changed.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use testkit::TestDatabase;

use crate::cafe::Cafe;

testkit::both_databases!(
    hostile_search_terms_are_searched_for_or_refused,
    hostile_queries_are_refused,
    hostile_bodies_are_refused_and_change_nothing,
);

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn hostile_search_terms_are_searched_for_or_refused(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let search = |term: &str| cafe.harness.get(&format!("/menu?shop_id={}&q={}", cafe.shop, encoded(term))).send();
    for term in ["' OR 1=1 --", "%_%", "(a+)+$", "\"; DROP TABLE products; --", "\u{202E}", "ﷺ", "\\", "*"] {
        let _ = search(term).expect(200);
    }
    let _ = search(&"я".repeat(100)).expect(200);
    let _ = search(&"я".repeat(101)).expect(422);
    let _ = search("a\0b").expect(422);

    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let any_term = runner.run(&"\\PC{0,110}", |term| {
        let status = search(&term).status.as_u16();
        prop_assert!(status == 200 || status == 422, "{term:?} gave {status}");
        Ok(())
    });
    any_term.unwrap();
    assert_eq!(cafe.skus("").len(), 2);
}

fn hostile_queries_are_refused(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for query in [
        "&limit=0",
        "&limit=101",
        "&limit=-1",
        "&limit=x",
        "&cursor=x",
        "&cursor=e30",
        "&sort=price;drop",
        "&sort=price&sort=name",
        "&price_min=-1",
        "&price_min=2&price_max=1",
        "&price_min=1e9",
        "&price_min=99999999999999999999",
        "&colour=red",
        "&category=",
        "&category=Coffee",
        "&category=a%20b",
        "&shop_id=x",
    ] {
        let refused = cafe.harness.get(&format!("/menu?shop_id={}{query}", cafe.shop)).send();

        assert_eq!(refused.status.as_u16(), 422, "{query}: {}", String::from_utf8_lossy(&refused.body));
    }
    assert_eq!(cafe.skus(&format!("&category={}", "c".repeat(64))), Vec::<String>::new());
    let long = format!("/menu?shop_id={}&category={}", cafe.shop, "c".repeat(65));
    let _ = cafe.harness.get(&long).send().expect(422);
    let by_price = cafe.menu("&sort=price&limit=1")["next_cursor"].as_str().unwrap().to_owned();
    let _ = cafe.harness.get(&format!("/menu?shop_id={}&sort=name&cursor={by_price}", cafe.shop)).send().expect(422);
}

fn hostile_bodies_are_refused_and_change_nothing(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for path in ["/products", "/modifier-groups", "/shops"] {
        for (body, status) in [
            (b"".to_vec(), 400),
            (b"{".to_vec(), 400),
            (b"\xFF\xFE".to_vec(), 400),
            (deep.clone().into_bytes(), 400),
            (b"null".to_vec(), 422),
            (b"[]".to_vec(), 422),
            (br#"{"sku":"a","sku":"b"}"#.to_vec(), 422),
            (vec![b' '; 300 * 1024], 413),
        ] {
            let answer = cafe.harness.post(path).by(&testkit::Admin).bytes("application/json", body.clone()).send();
            assert_eq!(answer.status.as_u16(), status, "{path} {:?}", &body[..body.len().min(30)]);
        }
        let form =
            cafe.harness.post(path).by(&testkit::Admin).bytes("application/x-www-form-urlencoded", b"a=b".to_vec());
        let _ = form.send().expect(415);
    }
    let path = format!("/products/{}", cafe.latte.product);
    for field in ["id", "version", "category_id", "created_at", "owner_id", "role", "cost"] {
        let patch = json!({ field: "x" });
        let refused = cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", "\"1\"").json(&patch).send();
        assert_eq!(crate::cafe::pointers(&refused.expect(422).json()), [format!("/{field}")]);
    }
    assert_eq!(cafe.skus("").len(), 2);
}
