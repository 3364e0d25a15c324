//! Categories: made by the products that name them, named by staff.

use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::cafe::Cafe;

testkit::both_databases!(a_category_gets_its_names_and_its_place, a_category_is_changed_at_its_current_version_only);

fn a_category_gets_its_names_and_its_place(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let list = cafe.harness.get("/categories").send().expect(200).json();
    assert_eq!(list["items"][0]["name"], json!({"ru": "coffee", "en": "coffee"}));
    let path = format!("/categories/{}", list["items"][0]["id"].as_str().unwrap());
    let tag = cafe.harness.get(&path).send().expect(200).header("etag").unwrap().to_owned();

    let patch = json!({"name": {"ru": "Кофе"}, "position": 9});
    let _ = cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", &tag).json(&patch).send().expect(200);

    assert_eq!(cafe.skus(""), ["cheesecake", "latte"]);
    assert_eq!(cafe.menu("&category=coffee")["items"][0]["category"]["name"], "Кофе");
    assert_eq!(cafe.skus("&q=%D0%BA%D0%BE%D1%84"), ["latte"], "the new name is found");
}

fn a_category_is_changed_at_its_current_version_only(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let list = cafe.harness.get("/categories").send().expect(200).json();
    let path = format!("/categories/{}", list["items"][0]["id"].as_str().unwrap());
    let send = |tag: &str, patch: &Value| {
        cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", tag).json(patch).send()
    };

    let _ = send("\"2\"", &json!({"position": 1})).expect(412);
    let _ = send("\"1\"", &json!({"position": -1})).expect(422);
    let _ = send("\"1\"", &json!({"name": null})).expect(422);
    let _ = send("\"1\"", &json!({"slug": "tea"})).expect(422);
    let _ = cafe.harness.patch(&path).by(&cafe.manager()).json(&json!({})).send().expect(428);
    let _ = cafe.harness.get("/categories/cat_01h455vb4pex5vsknk084sn02q").send().expect(404);
}
