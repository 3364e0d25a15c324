//! The menu as guests read it.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::cafe::{Cafe, a_product, line, money, name, new_order};

testkit::both_databases!(
    a_guest_reads_names_prices_and_what_can_be_added,
    the_language_is_that_of_the_header,
    an_unchanged_menu_is_not_sent_again,
    the_etag_moves_on_edits_and_when_something_sells_out,
    a_few_left_are_counted_and_many_are_not,
    search_finds_beginnings_of_words_in_both_languages,
    filters_and_orders_do_what_they_say,
    pages_stay_stable_while_products_are_added,
    pages_of_the_longest_names_follow_each_other,
    an_edit_shows_at_once_and_another_process_a_moment_later,
    a_shop_that_is_not_there_has_no_menu,
);

fn a_guest_reads_names_prices_and_what_can_be_added(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let menu = cafe.menu("&category=coffee");

    let latte = &menu["items"][0];
    assert_eq!(latte["name"], "Латте");
    assert_eq!(latte["sku"], "latte");
    assert_eq!(latte["category"]["slug"], "coffee");
    assert_eq!(latte["available"], true);
    assert_eq!(latte["price_from"], money(25_000));
    assert_eq!(latte["variants"][0]["id"], json!(cafe.latte.variant));
    assert_eq!(latte["variants"][0]["left"], Value::Null);
    assert_eq!(latte["modifier_groups"][0]["modifiers"][0]["name"], "Овсяное");
    assert_eq!(latte["modifier_groups"][0]["max"], 1);
    assert_eq!(menu["next_cursor"], Value::Null);
}

fn the_language_is_that_of_the_header(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let read = |language: &str| {
        let path = format!("/menu?shop_id={}&sort=name", cafe.shop);
        cafe.harness.get(&path).header("accept-language", language).send().expect(200)
    };

    let english = read("en-GB, ru;q=0.5");
    let russian = read("ru");

    assert_eq!(english.json()["items"][0]["name"], "Cheesecake");
    assert_eq!(english.header("content-language"), Some("en"));
    assert_eq!(russian.json()["items"][0]["name"], "Латте");
    assert_eq!(russian.header("vary"), Some("Accept-Language"));
    assert_ne!(english.header("etag"), russian.header("etag"));
}

fn etag(cafe: &Cafe) -> String {
    let answer = cafe.harness.get(&format!("/menu?shop_id={}", cafe.shop)).send().expect(200);
    answer.header("etag").unwrap().to_owned()
}

fn an_unchanged_menu_is_not_sent_again(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let tag = etag(&cafe);

    let again = cafe.harness.get(&format!("/menu?shop_id={}", cafe.shop)).header("if-none-match", &tag).send();

    let again = again.expect(304);
    assert!(again.body.is_empty());
    assert_eq!(again.header("etag"), Some(tag.as_str()));
}

fn the_etag_moves_on_edits_and_when_something_sells_out(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut tags = vec![etag(&cafe)];

    let most = cafe.hold_cakes(16);
    let few = cafe.hold_cakes(1);
    cafe.harness.clock().advance(Duration::from_secs(3));
    assert_eq!(etag(&cafe), tags[0], "seventeen were sold and none sold out");

    let last = cafe.hold_cakes(3);
    tags.push(etag(&cafe));
    cafe.release(last);
    cafe.release(most);
    cafe.harness.clock().advance(Duration::from_secs(1));
    tags.push(etag(&cafe));
    cafe.product(&a_product("tea", "tea", 1));
    tags.push(etag(&cafe));
    cafe.release(few);

    let [full, sold_out, back, edited] = tags.try_into().unwrap();
    assert_eq!(back, full, "it says the same again");
    assert!(sold_out != full && edited != full && edited != sold_out, "{full} {sold_out} {edited}");
}

fn a_few_left_are_counted_and_many_are_not(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let cake = |cafe: &Cafe| {
        cafe.harness.clock().advance(Duration::from_secs(3));
        let menu = cafe.menu("&category=cakes");
        let variant = menu["items"][0]["variants"][0].clone();
        (variant["left"].clone(), variant["available"].clone(), menu["items"][0]["available"].clone())
    };

    assert_eq!(cake(&cafe), (Value::Null, json!(true), json!(true)));
    cafe.hold_cakes(14);
    assert_eq!(cake(&cafe), (Value::Null, json!(true), json!(true)), "six are many");
    cafe.hold_cakes(1);
    assert_eq!(cake(&cafe), (json!(5), json!(true), json!(true)));
    cafe.hold_cakes(2);
    assert_eq!(cake(&cafe), (json!(3), json!(true), json!(true)));
    cafe.hold_cakes(3);
    assert_eq!(cake(&cafe), (json!(0), json!(false), json!(false)));
}

fn search_finds_beginnings_of_words_in_both_languages(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut raf = a_product("raf", "coffee", 28_000);
    raf["name"] = json!({"ru": "Раф чёрная смородина", "en": "Blackcurrant raf"});
    raf["composition"] = json!({"ru": "эспрессо, сливки", "en": "espresso, cream"});
    cafe.product(&raf);
    let encoded = |q: &str| -> String {
        let bytes = q.bytes().map(|byte| format!("%{byte:02X}"));
        format!("&q={}", bytes.collect::<String>())
    };

    for q in ["раф", "ЧЕРН раф", "blackc", "слив", "raf cream", "coff raf"] {
        assert_eq!(cafe.skus(&encoded(q)), ["raf"], "{q}");
    }
    assert_eq!(cafe.skus(&encoded("мородина")), Vec::<String>::new());
    assert_eq!(cafe.skus(&encoded("%")), Vec::<String>::new());
    assert_eq!(cafe.skus(&encoded("  ")).len(), 3);
}

fn filters_and_orders_do_what_they_say(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut tea = a_product("tea", "tea", 10_000);
    tea["variants"] = json!([
        {"sku": "tea-s", "name": name("S"), "price": money(10_000)},
        {"sku": "tea-l", "name": name("L"), "price": money(40_000)}
    ]);
    cafe.product(&tea);

    assert_eq!(cafe.skus(""), ["latte", "cheesecake", "tea"]);
    assert_eq!(cafe.skus("&sort=price"), ["tea", "latte", "cheesecake"]);
    assert_eq!(cafe.skus("&sort=-price"), ["cheesecake", "latte", "tea"]);
    assert_eq!(cafe.skus("&sort=name"), ["tea", "latte", "cheesecake"]);
    assert_eq!(cafe.skus("&sort=-name"), ["cheesecake", "latte", "tea"]);
    assert_eq!(cafe.skus("&price_min=25000&price_max=30000"), ["latte", "cheesecake"]);
    assert_eq!(cafe.skus("&price_min=35000"), ["tea"], "one of its variants is in range");
    assert_eq!(cafe.skus("&category=cakes"), ["cheesecake"]);
    assert_eq!(cafe.skus("&category=nothing"), Vec::<String>::new());
}

fn pages_stay_stable_while_products_are_added(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for (sku, price) in [("b", 20_000), ("d", 40_000), ("f", 60_000)] {
        cafe.product(&a_product(sku, "coffee", price));
    }
    for sort in ["menu", "price", "-price", "name", "-name"] {
        let whole = cafe.skus(&format!("&sort={sort}"));
        let mut seen = Vec::new();
        let mut cursor = String::new();
        let mut added = Vec::new();
        loop {
            let page = cafe.menu(&format!("&sort={sort}&limit=2{cursor}"));
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            let sku = format!("new{}-{}", added.len(), sort.trim_start_matches('-'));
            added.push(cafe.product(&a_product(&format!("{sku}{}", sort.starts_with('-')), "coffee", 30_500)));
        }

        let old: Vec<_> = seen.iter().filter(|sku| whole.contains(sku)).cloned().collect();
        assert_eq!(old, whole, "{sort}: what was there is seen once, in its order");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{sort}: {seen:?}");
    }
}

fn pages_of_the_longest_names_follow_each_other(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    // One letter that is folded to eighteen.
    let longest = "ﷺ".repeat(200);
    for sku in ["a", "b", "c"] {
        let mut product = a_product(sku, "tea", 100);
        product["name"] = name(&longest);
        cafe.product(&product);
    }
    for sort in ["name", "-name"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = cafe.menu(&format!("&category=tea&limit=1&sort={sort}{cursor}"));
            seen.push(page["items"][0]["sku"].as_str().unwrap().to_owned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }

        seen.sort();
        assert_eq!(seen, ["a", "b", "c"], "{sort}");
    }
}

fn an_edit_shows_at_once_and_another_process_a_moment_later(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    assert_eq!(cafe.skus("").len(), 2);
    cafe.product(&a_product("tea", "tea", 1));
    assert_eq!(cafe.skus("").len(), 3);
    let rng: std::sync::Arc<dyn kernel::Rng> = std::sync::Arc::new(kernel::OsRng);
    let csv = "kind,parent,sku,name_ru,name_en,price\nproduct,tea,oolong,Улун,Oolong,\nvariant,oolong,oolong-m,M,M,9\n";
    catalog::import_menu(cafe.harness.db(), &rng, csv.as_bytes(), catalog::ImportMode::Apply).unwrap();

    cafe.harness.clock().advance(Duration::from_millis(100));

    assert_eq!(cafe.skus("").len(), 4);
    let order = new_order();
    assert!(cafe.reserve(order, vec![line(cafe.latte.variant, 1)]).is_ok());
}

fn a_shop_that_is_not_there_has_no_menu(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let missing = cafe.harness.get("/menu?shop_id=shp_01h455vb4pex5vsknk084sn02q").send().expect(404);
    assert_eq!(missing.code(), "catalog.unknown-shop");
    let _ = cafe.harness.get("/menu").send().expect(422);
}
