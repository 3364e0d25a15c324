//! Products and modifier groups as staff edit them.

use contracts::catalog::ProductChange;
use serde_json::{Value, json};
use testkit::{Answer, Guest, TestDatabase};

use crate::cafe::{Cafe, a_product, line, line_with, milk, money, name, pointers};

testkit::both_databases!(
    staff_read_every_language_and_guests_their_own,
    a_change_needs_the_current_version,
    a_change_keeps_what_it_does_not_say_and_archives_what_it_leaves_out,
    what_is_archived_is_told_from_what_never_was,
    an_archived_product_leaves_the_menu,
    a_price_in_another_currency_is_refused,
    names_that_are_taken_are_refused,
    variants_and_modifiers_exchange_their_names,
    everything_wrong_with_a_product_is_named,
    everything_wrong_with_a_change_is_named_where_it_stands,
    a_group_with_a_minimum_has_to_be_chosen_from,
    a_changed_group_changes_what_its_products_cost,
    a_product_sent_twice_with_one_key_is_made_once,
    others_are_told_what_happened,
);

fn read(cafe: &Cafe, path: &str) -> (Value, String) {
    let answer = cafe.harness.get(path).by(&cafe.manager()).send().expect(200);
    (answer.json(), answer.header("etag").unwrap().to_owned())
}

fn latte(cafe: &Cafe) -> String {
    format!("/products/{}", cafe.latte.product)
}

fn change(cafe: &Cafe, path: &str, patch: &Value) -> Answer {
    let (_, tag) = read(cafe, &format!("{path}?view=edit"));
    cafe.harness.patch(path).by(&cafe.manager()).header("if-match", &tag).json(patch).send()
}

fn staff_read_every_language_and_guests_their_own(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let edit = format!("{}?view=edit", latte(&cafe));

    let (edited, tag) = read(&cafe, &edit);
    assert_eq!(edited["name"], json!({"ru": "Латте", "en": "Latte"}));
    assert_eq!(edited["modifier_groups"], json!(["milk"]));
    assert_eq!(tag, "\"1\"");

    let guest = cafe.harness.get(&latte(&cafe)).header("accept-language", "en").send().expect(200).json();
    assert_eq!((&guest["name"], &guest["available"]), (&json!("Latte"), &json!(true)));
    let in_shop = format!("{}?shop_id={}", latte(&cafe), cafe.shop);
    assert_eq!(cafe.harness.get(&in_shop).send().expect(200).json()["name"], "Латте");
    let _ = cafe.harness.get(&edit).send().expect(401);
    let _ = cafe.harness.get(&edit).by(&Guest(1)).send().expect(403);
    let _ = cafe.harness.get("/products/prd_01h455vb4pex5vsknk084sn02q").send().expect(404);
    let _ = cafe.harness.get("/products/nonsense").send().expect(404);
}

fn a_change_needs_the_current_version(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let patch = json!({"archived": false, "name": {"en": "Caffè latte"}});
    let send = |tag: Option<&str>| {
        let request = cafe.harness.patch(&latte(&cafe)).by(&cafe.manager()).json(&patch);
        tag.map_or_else(
            || cafe.harness.patch(&latte(&cafe)).by(&cafe.manager()).json(&patch).send(),
            |tag| request.header("if-match", tag).send(),
        )
    };

    assert_eq!(send(None).expect(428).code(), "http.if-match-required");
    let stale = send(Some("\"7\"")).expect(412);
    assert_eq!(stale.json()["version"], 1);

    let done = send(Some("\"1\"")).expect(200);
    assert_eq!(done.header("etag"), Some("\"2\""));
    assert_eq!(done.json()["name"], json!({"ru": "Латте", "en": "Caffè latte"}));
    assert_eq!(send(Some("\"1\"")).expect(412).json()["version"], 2);
    let same = send(Some("\"2\"")).expect(200);
    assert_eq!(same.header("etag"), Some("\"2\""), "a change that changes nothing makes no version");
}

fn a_change_keeps_what_it_does_not_say_and_archives_what_it_leaves_out(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let two = json!({"variants": [
        {"id": cafe.latte.variant},
        {"sku": "latte-l", "name": name("L"), "price": money(29_000)}
    ]});
    let grown = change(&cafe, &latte(&cafe), &two).expect(200).json();
    assert_eq!(grown["variants"][0]["price"], money(25_000));
    assert_eq!(grown["variants"].as_array().unwrap().len(), 2);

    let one = json!({"variants": [{"sku": "latte-l", "price": money(30_000)}], "description": name("С пенкой")});
    let shrunk = change(&cafe, &latte(&cafe), &one).expect(200).json();

    assert_eq!(shrunk["variants"][0]["id"], grown["variants"][1]["id"]);
    assert_eq!(shrunk["variants"][0]["name"], name("L"));
    assert_eq!(shrunk["variants"][1]["id"], json!(cafe.latte.variant));
    assert_eq!(shrunk["variants"][1]["archived"], true);
    let back = json!({"variants": [{"sku": "latte-l"}, {"sku": "latte-m"}], "description": null});
    let back = change(&cafe, &latte(&cafe), &back).expect(200).json();
    assert_eq!(back["variants"][1]["archived"], false);
    assert_eq!(back["description"], Value::Null);
}

fn what_is_archived_is_told_from_what_never_was(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let other = json!({"variants": [{"sku": "latte-xl", "name": name("XL"), "price": money(1)}]});
    let _ = change(&cafe, &latte(&cafe), &other).expect(200);

    let error = cafe.price(vec![line(cafe.latte.variant, 1)]).unwrap_err();

    assert!(error.is("catalog.invalid-lines"));
    assert!(format!("{:?}", kernel::Coded::members(&error)).contains("not-sold"));
}

fn an_archived_product_leaves_the_menu(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let _ = change(&cafe, &latte(&cafe), &json!({"archived": true})).expect(200);

    assert_eq!(cafe.skus(""), ["cheesecake"]);
    let _ = cafe.harness.get(&latte(&cafe)).send().expect(404);
    assert_eq!(read(&cafe, &format!("{}?view=edit", latte(&cafe))).0["archived"], true);
}

fn a_price_in_another_currency_is_refused(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut product = a_product("tea", "tea", 100);
    product["variants"][0]["price"]["currency"] = json!("EUR");

    let refused = cafe.harness.post("/products").by(&cafe.manager()).json(&product).send().expect(422);

    assert_eq!(pointers(&refused.json()), ["/variants/0/price/currency"]);
}

fn names_that_are_taken_are_refused(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut other = a_product("tea", "tea", 100);
    other["variants"][0]["sku"] = json!("latte-m");
    for (path, body) in
        [("/products", a_product("latte", "tea", 1)), ("/products", other), ("/modifier-groups", milk())]
    {
        let refused = cafe.harness.post(path).by(&cafe.manager()).json(&body).send().expect(409);

        assert_eq!(refused.code(), "catalog.taken");
    }
}

fn variants_and_modifiers_exchange_their_names(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let two = json!({"variants": [
        {"id": cafe.latte.variant}, {"sku": "latte-l", "name": name("L"), "price": money(29_000)}
    ]});
    let grown = change(&cafe, &latte(&cafe), &two).expect(200).json();
    let (small, large) = (&grown["variants"][0]["id"], &grown["variants"][1]["id"]);
    let exchanged = json!({"variants": [{"id": small, "sku": "latte-l"}, {"id": large, "sku": "latte-m"}]});

    let changed = change(&cafe, &latte(&cafe), &exchanged).expect(200).json();
    let skus: Vec<_> = changed["variants"].as_array().unwrap().iter().map(|v| (&v["id"], &v["sku"])).collect();
    assert_eq!(skus, [(small, &json!("latte-l")), (large, &json!("latte-m"))]);

    let list = cafe.harness.get("/modifier-groups").by(&cafe.manager()).send().expect(200).json();
    let group = &list["items"][0];
    let (oat, soy) = (&group["modifiers"][0]["id"], &group["modifiers"][1]["id"]);
    let exchanged = json!({"modifiers": [{"id": oat, "slug": "soy"}, {"id": soy, "slug": "oat"}]});
    let path = format!("/modifier-groups/{}", group["id"].as_str().unwrap());
    let changed = change(&cafe, &path, &exchanged).expect(200).json();
    assert_eq!((&changed["modifiers"][0]["id"], &changed["modifiers"][0]["slug"]), (oat, &json!("soy")));
    assert_eq!(cafe.skus(""), ["latte", "cheesecake"]);
}

fn everything_wrong_with_a_product_is_named(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let product = json!({
        "sku": "with space", "category": "КОФЕ", "name": {"ru": " ", "en": "Latte\n"}, "image_url": "javascript:alert(1)",
        "nutrition": {"kcal": -1, "protein_g": 0, "fat_g": 0, "carbohydrate_g": 0}, "modifier_groups": ["milk", "milk"],
        "variants": [
            {"sku": "a", "name": name("A"), "price": money(-1)},
            {"sku": "a", "name": name("B"), "price": money(9_007_199_254_740_991)}
        ]
    });

    let refused = cafe.harness.post("/products").by(&cafe.manager()).json(&product).send().expect(422);

    let pointers = pointers(&refused.json());
    for pointer in [
        "/sku",
        "/category",
        "/name/ru",
        "/name/en",
        "/image_url",
        "/nutrition/kcal",
        "/modifier_groups/1",
        "/variants/0/price/amount",
        "/variants/1/price/amount",
        "/variants/1/sku",
    ] {
        assert!(pointers.iter().any(|known| known == pointer), "{pointer} is not among {pointers:?}");
    }
    let mut strange = a_product("tea", "tea", 1);
    strange["modifier_groups"] = json!(["milk", "unknown"]);
    let refused = cafe.harness.post("/products").by(&cafe.manager()).json(&strange).send().expect(422);
    assert_eq!(crate::cafe::pointers(&refused.json()), ["/modifier_groups/1"]);
    assert_eq!(cafe.skus("").len(), 2, "nothing was made");
}

fn everything_wrong_with_a_change_is_named_where_it_stands(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for (patch, wanted) in [
        (json!({"name": null}), "/name"),
        (json!({"colour": "red"}), "/colour"),
        (json!({"version": 9}), "/version"),
        (json!({"variants": []}), "/variants"),
        (json!({"variants": [{"sku": "new"}]}), "/variants/0"),
        (json!({"variants": [{"id": cafe.latte.variant, "price": money(-5)}]}), "/variants/0/price/amount"),
        (
            json!({"variants": [{"id": cafe.cake.variant, "sku": "x", "name": name("x"), "price": money(1)}]}),
            "/variants/0/id",
        ),
        (json!({"variants": [{"id": cafe.latte.variant}, {"id": cafe.latte.variant, "sku": "y"}]}), "/variants/1/id"),
    ] {
        let refused = change(&cafe, &latte(&cafe), &patch).expect(422);

        let pointers = pointers(&refused.json());
        assert!(pointers.iter().any(|known| known.starts_with(wanted)), "{patch}: {pointers:?}");
    }
    let _ = change(&cafe, &latte(&cafe), &json!([1])).expect(422);
    assert_eq!(read(&cafe, &format!("{}?view=edit", latte(&cafe))).1, "\"1\"");
}

fn a_group_with_a_minimum_has_to_be_chosen_from(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut beans = milk();
    beans["slug"] = json!("beans");
    beans["min"] = json!(1);
    beans["max"] = json!(2);
    let beans = cafe.harness.post("/modifier-groups").by(&cafe.manager()).json(&beans).send().expect(201).json();
    let bean = |n: usize| crate::cafe::id(&beans["modifiers"][n]["id"]);
    let mut espresso = a_product("espresso", "coffee", 15_000);
    espresso["modifier_groups"] = json!(["beans"]);
    let espresso = cafe.product(&espresso).variant;

    for (wrong, modifiers) in [(0, vec![]), (3, vec![(bean(0), 2), (bean(1), 1)])] {
        let error = cafe.price(vec![line_with(espresso, 1, &modifiers)]).unwrap_err();
        assert_eq!(crate::cafe::places(&error, "errors"), ["/lines/0/modifiers"], "{wrong} beans");
    }
    for modifiers in [vec![(bean(0), 1)], vec![(bean(0), 2)], vec![(bean(0), 1), (bean(1), 1)]] {
        assert!(cafe.price(vec![line_with(espresso, 1, &modifiers)]).is_ok());
    }
}

fn a_changed_group_changes_what_its_products_cost(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let list = cafe.harness.get("/modifier-groups").by(&cafe.manager()).send().expect(200).json();
    let path = format!("/modifier-groups/{}", list["items"][0]["id"].as_str().unwrap());
    let patch = json!({"modifiers": [{"id": cafe.oat, "price": money(7_000)}]});
    let told = cafe.told().len();

    let changed = change(&cafe, &path, &patch).expect(200);

    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.json()["modifiers"][1]["archived"], true);
    let priced = cafe.price(vec![line_with(cafe.latte.variant, 1, &[(cafe.oat, 1)])]).unwrap();
    assert_eq!(priced.items_total.amount(), 32_000);
    cafe.harness.settle();
    let events: Vec<_> = cafe.told().into_iter().skip(told).map(|event| (event.product_id, event.change)).collect();
    assert_eq!(events, [(cafe.latte.product, ProductChange::Changed)]);
}

fn a_product_sent_twice_with_one_key_is_made_once(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let send = || {
        let tea = a_product("tea", "tea", 100);
        cafe.harness.post("/products").by(&cafe.manager()).key("tea").json(&tea).send().expect(201)
    };

    let (first, second) = (send(), send());

    assert_eq!(first.body, second.body);
    assert_eq!(first.header("etag"), second.header("etag"));
    assert!(first.header("location").unwrap().contains("/products/prd_"));
}

fn others_are_told_what_happened(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let before = cafe.told().len();
    let _ = change(&cafe, &latte(&cafe), &json!({"tracked": true})).expect(200);
    let _ = change(&cafe, &latte(&cafe), &json!({"archived": true})).expect(200);
    let refused = cafe.harness.post("/products").by(&cafe.manager()).json(&a_product("latte", "x", 1)).send();
    let _ = refused.expect(409);
    cafe.harness.settle();

    let told: Vec<_> = cafe.told().into_iter().skip(before).map(|event| (event.change, event.version)).collect();

    assert_eq!(told, [(ProductChange::Changed, 2), (ProductChange::Archived, 3)]);
}
