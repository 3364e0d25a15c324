//! An order that nobody could pay is refused before anything of it is there.

use contracts::orders::OrderPlaced;
use serde_json::json;
use testkit::{Guest, HarnessOptions, ServiceHarness, TestDatabase, both_databases};

use crate::support::{FakeCatalog, World};

both_databases!(
    without_a_bank_an_order_to_be_paid_online_is_refused_and_nothing_is_left,
    an_answered_order_is_answered_again_when_the_bank_has_gone,
    payments_that_do_not_answer_are_unavailable_and_nothing_is_held,
    an_address_that_guests_are_not_sent_to_is_refused_and_nothing_is_left,
    an_address_with_a_card_number_is_refused_and_nothing_is_left,
    at_the_counter_nobody_is_sent_anywhere,
);

fn without_a_bank_an_order_to_be_paid_online_is_refused_and_nothing_is_left(database: &TestDatabase) {
    let world = World::new(database);
    world.payments.set_bank(false);
    let before = database.contents();

    let refused = world.place_as(Guest(1), "k1", &world.basket(2)).expect(409);

    assert_eq!(refused.code(), "orders.online-unavailable");
    assert!(world.catalog.holds().is_empty());
    assert_eq!(before.differences(&database.contents()), Vec::<String>::new());
    world.place_as(Guest(1), "k2", &world.counter_basket()).expect(201);
    world.payments.set_bank(true);
    world.place_as(Guest(1), "k1", &world.basket(2)).expect(201);
    world.assert_clean();
}

fn an_answered_order_is_answered_again_when_the_bank_has_gone(database: &TestDatabase) {
    let world = World::new(database);
    let placed = world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);

    world.payments.set_bank(false);
    let again = world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);

    assert_eq!(placed.body, again.body);
    assert_eq!(world.told::<OrderPlaced>().len(), 1);
}

/// The counter needs nobody to ask.
fn payments_that_do_not_answer_are_unavailable_and_nothing_is_held(database: &TestDatabase) {
    let catalog = FakeCatalog::new();
    let options = HarnessOptions { calls: catalog.calls(), ..HarnessOptions::default() };
    let harness = ServiceHarness::mount_with(database, orders::MOUNT, options);
    let world = World { harness, catalog, payments: crate::support::FakePayments::default() };

    let refused = world.place_as(Guest(1), "k1", &world.basket(1)).expect(503);

    assert_eq!(refused.code(), "call.unanswered");
    assert!(world.catalog.holds().is_empty());
    world.place_as(Guest(1), "k1", &world.counter_basket()).expect(201);
}

fn an_address_that_guests_are_not_sent_to_is_refused_and_nothing_is_left(database: &TestDatabase) {
    let world = World::new(database);
    let before = database.contents();
    let mut basket = world.basket(1);
    basket["payment"] = json!({"method": "online", "return_url": "https://evil.example/"});

    let refused = world.place_as(Guest(1), "k1", &basket).expect(422).json();

    assert_eq!(refused["errors"][0]["pointer"], "/payment/return_url", "{refused}");
    assert_eq!(refused["errors"][0]["message"], "not there");
    assert!(world.catalog.holds().is_empty());
    assert_eq!(before.differences(&database.contents()), Vec::<String>::new());
    world.place_as(Guest(1), "k1", &world.basket(1)).expect(201);
}

fn an_address_with_a_card_number_is_refused_and_nothing_is_left(database: &TestDatabase) {
    let world = World::new(database);
    let before = database.contents();
    for place in ["4242424242424242", "thanks?card=4242%204242%204242%204242", "thanks?card=4242++4242--4242.4242"] {
        let mut basket = world.basket(1);
        basket["payment"]["return_url"] = json!(format!("https://samovar.example/{place}"));

        let refused = world.place_as(Guest(1), "k1", &basket).expect(422).json();

        assert_eq!(refused["errors"][0]["pointer"], "/payment/return_url", "{place}: {refused}");
        assert_eq!(refused["errors"][0]["code"], "card-number", "{place}: {refused}");
    }
    assert_eq!(before.differences(&database.contents()), Vec::<String>::new());
}

fn at_the_counter_nobody_is_sent_anywhere(database: &TestDatabase) {
    let world = World::new(database);
    let urls = ["https://samovar.example/back", "https://evil.example/", "/4242424242424242"];
    for (number, url) in urls.into_iter().enumerate() {
        let mut basket = world.counter_basket();
        basket["payment"]["return_url"] = json!(url);

        world.place_as(Guest(1), &format!("k{number}"), &basket).expect(201);
    }
    world.place_as(Guest(1), "online", &world.basket(1)).expect(201);

    let urls: Vec<_> = world.told::<OrderPlaced>().into_iter().map(|placed| placed.return_url).collect();
    assert_eq!(urls, [None, None, None, Some("https://samovar.example/back".to_owned())]);
}
