//! Shops: found, opened, changed.

use serde_json::{Value, json};
use testkit::{Admin, Manager, TestDatabase};

use crate::cafe::{Cafe, a_shop, id, pointers};

testkit::both_databases!(
    a_shop_says_whether_it_is_open,
    the_etag_of_a_shop_follows_what_it_says_and_holds_its_version,
    the_nearest_shop_comes_first_and_pages_follow,
    pages_of_shops_with_the_longest_names_follow_each_other,
    everything_wrong_with_a_shop_is_named,
    a_shop_is_changed_by_its_manager_and_by_no_other,
    the_currency_of_a_shop_stays,
    new_terms_reach_the_next_quote,
);

/// The harness stands at Saturday, 13:00 in Moscow.
fn a_shop_says_whether_it_is_open(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let read = || cafe.harness.get(&format!("/shops/{}", cafe.shop)).send().expect(200).json();

    let open = read();
    cafe.harness.clock().set("2026-11-21T20:00:00Z".parse().unwrap());
    let closed = read();

    assert_eq!((&open["open_now"], &open["opens_at"]), (&json!(true), &Value::Null));
    assert_eq!(open["closes_at"], "2026-11-21T19:00:00Z");
    assert_eq!((&closed["open_now"], &closed["closes_at"]), (&json!(false), &Value::Null));
    assert_eq!(closed["opens_at"], "2026-11-28T05:00:00Z");
}

fn the_etag_of_a_shop_follows_what_it_says_and_holds_its_version(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let path = format!("/shops/{}", cafe.shop);
    let tag = cafe.harness.get(&path).send().expect(200).header("etag").unwrap().to_owned();

    let _ = cafe.harness.get(&path).header("if-none-match", &tag).send().expect(304);
    cafe.harness.clock().set("2026-11-21T20:00:00Z".parse().unwrap());
    let closed = cafe.harness.get(&path).header("if-none-match", &tag).send().expect(200);
    assert_eq!(closed.json()["open_now"], false);
    assert_ne!(closed.header("etag"), Some(tag.as_str()));

    let patch = json!({"lead_time_min": 25});
    let change = || cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", &tag).json(&patch).send();
    assert_eq!(change().expect(200).json()["version"], 2, "its version is the one that was read");
    assert_eq!(change().expect(412).json()["version"], 2);
}

fn the_nearest_shop_comes_first_and_pages_follow(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for (name, lat, lon) in [("Екатеринбург", 56.8353, 60.5957), ("Арбат", 55.7494, 37.5914)] {
        let mut shop = a_shop();
        shop["name"] = json!(name);
        shop["lat"] = json!(lat);
        shop["lon"] = json!(lon);
        let _ = cafe.harness.post("/shops").by(&Admin).json(&shop).send().expect(201);
    }
    let names = |query: &str| {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = cafe.harness.get(&format!("/shops?limit=1{query}{cursor}")).send().expect(200).json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|shop| shop["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { return seen };
            cursor = format!("&cursor={next}");
        }
    };

    assert_eq!(names("&lat=56.8&lon=60.6"), ["Екатеринбург", "Самовар на Тверской", "Арбат"]);
    assert_eq!(names("&lat=55.7494&lon=37.5914"), ["Арбат", "Самовар на Тверской", "Екатеринбург"]);
    assert_eq!(names(""), ["Арбат", "Екатеринбург", "Самовар на Тверской"]);
    let near = cafe.harness.get("/shops?lat=55.7494&lon=37.5914").send().expect(200).json();
    let km = near["items"][1]["distance_km"].as_f64().unwrap();
    assert!((1.0..2.0).contains(&km), "{km} km");
    assert_eq!(pointers(&cafe.harness.get("/shops?lat=91").send().expect(422).json()), ["/lon", "/lat"]);
}

fn pages_of_shops_with_the_longest_names_follow_each_other(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut shop = a_shop();
    shop["name"] = json!("🫖".repeat(200));
    for _ in 0..2 {
        let _ = cafe.harness.post("/shops").by(&Admin).json(&shop).send().expect(201);
    }

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = cafe.harness.get(&format!("/shops?limit=1{cursor}")).send().expect(200).json();
        seen.push(page["items"][0]["id"].as_str().unwrap().to_owned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }

    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

fn everything_wrong_with_a_shop_is_named(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut shop = a_shop();
    shop["lat"] = json!(91);
    shop["time_zone"] = json!("Mars/Olympus");
    shop["hours"] = json!([{"day": 8, "from": "08:00", "to": "9:00"}, {"day": 1, "from": "08:00", "to": "22:00"}]);
    shop["closed_days"] = json!(["2027-02-30"]);
    shop["slot_minutes"] = json!(0);
    shop["slot_capacity"] = json!(0);
    shop["owner"] = json!("me");
    shop["name"] = json!(7);

    let refused = cafe.harness.post("/shops").by(&Admin).json(&shop).send().expect(422);

    let pointers = pointers(&refused.json());
    let named =
        ["/lat", "/time_zone", "/hours/0", "/closed_days/0", "/slot_minutes", "/slot_capacity", "/owner", "/name"];
    for pointer in named {
        assert!(pointers.iter().any(|known| known.starts_with(pointer)), "{pointer} is not among {pointers:?}");
    }
}

fn a_shop_is_changed_by_its_manager_and_by_no_other(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let path = format!("/shops/{}", cafe.shop);
    let other = cafe.harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json();
    let stranger = Manager(id(&other["id"]));
    let patch = json!({"lead_time_min": 25, "slot_capacity": null, "hours": []});

    let _ = cafe.harness.patch(&path).by(&stranger).header("if-match", "\"1\"").json(&patch).send().expect(404);
    let _ = cafe.harness.patch(&path).by(&cafe.manager()).json(&patch).send().expect(428);
    let changed = cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", "\"1\"").json(&patch).send();

    let changed = changed.expect(200);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.json()["lead_time_min"], 25);
    assert_eq!(changed.json()["slot_capacity"], Value::Null);
    let stale = cafe.harness.patch(&path).by(&Admin).header("if-match", "\"1\"").json(&patch).send().expect(412);
    assert_eq!(stale.json()["version"], 2);
}

fn the_currency_of_a_shop_stays(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut euro = a_shop();
    euro["currency"] = json!("EUR");
    let path = format!("/shops/{}", cafe.shop);

    let opened = cafe.harness.post("/shops").by(&Admin).json(&euro).send().expect(422);
    let patch = json!({"currency": "EUR"});
    let changed = cafe.harness.patch(&path).by(&Admin).header("if-match", "\"1\"").json(&patch).send().expect(422);

    assert_eq!(pointers(&opened.json()), ["/currency"]);
    assert_eq!(pointers(&changed.json()), ["/currency"]);
}

fn new_terms_reach_the_next_quote(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let lines = || vec![crate::cafe::line(cafe.latte.variant, 1)];
    assert_eq!(cafe.price(lines()).unwrap().shop.lead_time_min, 10);
    let path = format!("/shops/{}", cafe.shop);
    let patch = json!({"lead_time_min": 45});
    let _ = cafe.harness.patch(&path).by(&Admin).header("if-match", "*").json(&patch).send().expect(200);

    assert_eq!(cafe.price(lines()).unwrap().shop.lead_time_min, 45);
    assert_eq!(cafe.reserve(crate::cafe::new_order(), lines()).unwrap().shop.lead_time_min, 45);
}
