//! Prices and holds: the calls of placement.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use contracts::catalog::{Price, PriceRequest, Reserve, ReserveRequest, Shop, ShopRequest};
use contracts::orders::{OrderLife, State, StateReply, StateRequest};
use contracts::{ShopId, VariantId};
use kernel::{Coded as _, ErrorKind};
use serde_json::json;
use service::{CallError, CallHandler, Calls};
use store::{PostgresConfig, SqliteConfig, Statement, StoreConfig, StoreError, params};
use testkit::{FakeCalls, FakeClock, HarnessOptions, TestDatabase};

use crate::cafe::{Cafe, a_product, line, line_with, money, new_order, places, rub};

testkit::both_databases!(
    lines_are_priced_with_their_modifiers,
    a_quote_names_every_wrong_place,
    lines_that_are_wrong_are_refused_without_loading_the_menu_or_writing,
    a_crowd_whose_quotes_are_short_shares_what_is_loaded,
    a_quote_sees_stock_that_came_this_moment,
    a_hold_takes_stock_and_a_release_gives_it_back,
    a_hold_asked_for_again_answers_the_same_at_the_old_price,
    a_hold_given_back_is_taken_anew_at_the_new_price,
    a_price_that_changed_refuses_the_hold,
    what_is_short_is_told_line_by_line_and_nothing_is_held,
    the_same_variant_in_two_lines_is_held_as_their_sum,
    an_unknown_shop_is_not_found,
    a_hold_past_its_time_follows_what_orders_says,
    a_hold_that_cannot_be_followed_does_not_hold_up_the_others,
    an_order_that_lives_is_not_asked_about_again_at_once,
    holds_that_take_long_do_not_keep_a_turn,
    while_orders_is_away_everything_stays_held,
    an_answer_about_a_hold_that_moved_meanwhile_changes_nothing,
);

fn lines_are_priced_with_their_modifiers(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let priced =
        cafe.price(vec![line_with(cafe.latte.variant, 2, &[(cafe.oat, 1)]), line(cafe.cake.variant, 1)]).unwrap();

    assert_eq!(priced.lines[0].unit_price, rub(31_000));
    assert_eq!(priced.lines[0].total, rub(62_000));
    assert_eq!(priced.lines[0].category, "coffee");
    assert_eq!(priced.items_total, rub(92_000));
    assert_eq!(priced.shop.time_zone, "Europe/Moscow");
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
}

fn a_quote_names_every_wrong_place(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let lines = vec![
        line(VariantId::from_bits(1), 1),
        line(cafe.latte.variant, 0),
        line_with(cafe.cake.variant, 1, &[(cafe.oat, 1)]),
        line_with(cafe.latte.variant, 1, &[(cafe.oat, 2)]),
        line_with(cafe.latte.variant, 1, &[(cafe.oat, 1), (cafe.oat, 1)]),
    ];

    let error = cafe.price(lines).unwrap_err();

    assert!(error.is("catalog.invalid-lines"));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        places(&error, "errors"),
        [
            "/lines/0/variant_id",
            "/lines/1/quantity",
            "/lines/2/modifiers/0/id",
            "/lines/3/modifiers",
            "/lines/4/modifiers/1/id",
        ]
    );
}

static BREAK_HOURS: Statement = Statement { name: "BREAK_HOURS", sql: "UPDATE shops SET hours = 'nonsense'" };

/// Anybody can send such lines, as many as he likes.
fn lines_that_are_wrong_are_refused_without_loading_the_menu_or_writing(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let wrong = || vec![line(VariantId::from_bits(1), 1)];
    assert!(cafe.price(vec![line(cafe.latte.variant, 1)]).is_ok());
    cafe.harness.db().write_blocking(|tx| tx.execute(&BREAK_HOURS, &params![])).unwrap();
    let writes = |cafe: &Cafe| cafe.harness.store().stats().committed + cafe.harness.store().stats().rolled_back;
    let before = writes(&cafe);

    let quoted = cafe.price(wrong()).unwrap_err();
    let reserved = cafe.reserve(new_order(), wrong()).unwrap_err();

    assert!(quoted.is("catalog.invalid-lines"), "the shop was loaded: {quoted:?}");
    assert!(reserved.is("catalog.invalid-lines"), "the shop was loaded: {reserved:?}");
    assert_eq!(writes(&cafe), before);
}

/// The first of them must not have loaded before the last has asked: until then somebody else keeps the only reader.
fn a_crowd_whose_quotes_are_short_shares_what_is_loaded(database: &TestDatabase) {
    let cafe = Cafe::open_with(database, HarnessOptions { store: with_one_reader, ..HarnessOptions::default() });
    assert!(cafe.price(vec![line(cafe.latte.variant, 1)]).is_ok());
    let before = cafe.harness.store().stats().reads;
    let short = || async {
        let lines = vec![line(cafe.cake.variant, 21)];
        let error = cafe.harness.calls().call::<Price>(PriceRequest { shop_id: cafe.shop, lines }).await.unwrap_err();
        assert!(error.is("catalog.out-of-stock"), "{error:?}");
    };
    let (has_begun, begun) = mpsc::channel();
    let (let_go, all_have_asked) = mpsc::channel();

    thread::scope(|scope| {
        scope.spawn(|| {
            cafe.harness.db().read_blocking(move |_| {
                has_begun.send(()).unwrap();
                all_have_asked.recv().unwrap();
                Ok::<_, StoreError>(())
            })
        });
        begun.recv().unwrap();
        let last = async { let_go.send(()).unwrap() };
        let crowd = async { tokio::join!(biased; short(), short(), short(), short(), short(), short(), last) };
        let _ = testkit::runtime().block_on(crowd);
    });

    let loads = cafe.harness.store().stats().reads - before - 1;
    assert_eq!(loads, 2, "one that had begun, and one for all who waited");
}

fn with_one_reader(config: StoreConfig) -> StoreConfig {
    match config {
        StoreConfig::Sqlite(config) => StoreConfig::Sqlite(SqliteConfig { readers: 1, ..config }),
        StoreConfig::Postgres(config) => StoreConfig::Postgres(PostgresConfig { readers: 1, ..config }),
    }
}

fn a_quote_sees_stock_that_came_this_moment(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let too_many = || vec![line(cafe.cake.variant, 25)];
    let error = cafe.price(too_many()).unwrap_err();
    assert_eq!(error.members()["lines"], json!([{"pointer": "/lines/0", "available": 20}]));

    cafe.receive(cafe.cake.variant, 5);

    assert!(cafe.price(too_many()).is_ok());
}

fn a_hold_takes_stock_and_a_release_gives_it_back(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let order = cafe.hold_cakes(3);
    assert_eq!(cafe.level(cafe.cake.variant), (20, 3, 17));
    cafe.assert_clean();

    assert!(cafe.release(order));
    assert!(!cafe.release(order), "released twice");
    assert!(!cafe.release(new_order()), "an order without a hold");
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
    cafe.assert_clean();
}

fn a_hold_asked_for_again_answers_the_same_at_the_old_price(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let order = new_order();
    let first = cafe.reserve(order, vec![line(cafe.cake.variant, 2)]).unwrap();
    change_cake_price(&cafe, 35_000);

    let mut again = cafe.request(order, vec![line(cafe.cake.variant, 2)]);
    again.expected_items_total = Some(rub(60_000));
    let second = cafe.harness.calls().call_blocking::<Reserve>(&again).unwrap();

    assert_eq!(second, first);
    assert_eq!(cafe.level(cafe.cake.variant), (20, 2, 18));
    cafe.assert_clean();
}

fn a_hold_given_back_is_taken_anew_at_the_new_price(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let order = cafe.hold_cakes(2);
    change_cake_price(&cafe, 35_000);
    assert!(cafe.release(order));

    let anew = cafe.reserve(order, vec![line(cafe.cake.variant, 3)]).unwrap();

    assert_eq!(anew.items_total, rub(105_000));
    assert_eq!(cafe.level(cafe.cake.variant), (20, 3, 17));
    cafe.assert_clean();
}

fn a_price_that_changed_refuses_the_hold(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut request = cafe.request(new_order(), vec![line(cafe.cake.variant, 1)]);
    request.expected_items_total = Some(rub(30_000));
    // The price in memory is the old one: only the transaction can find out.
    assert!(cafe.price(request.lines.clone()).is_ok());
    change_price_behind_memory(&cafe, 30_001);

    let error = cafe.harness.calls().call_blocking::<Reserve>(&request).unwrap_err();

    assert!(error.is("catalog.price-changed"), "{error:?}");
    assert_eq!(error.members()["items_total"], money(30_001));
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
}

fn what_is_short_is_told_line_by_line_and_nothing_is_held(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut tart = a_product("tart", "cakes", 20_000);
    tart["tracked"] = json!(true);
    let tart = cafe.product(&tart);
    cafe.receive(tart.variant, 2);
    let lines = vec![line(cafe.cake.variant, 5), line(tart.variant, 3), line(cafe.latte.variant, 1)];

    let error = cafe.reserve(new_order(), lines).unwrap_err();

    assert!(error.is("catalog.out-of-stock"));
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.members()["lines"], json!([{"pointer": "/lines/1", "available": 2}]));
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
    cafe.assert_clean();
}

fn the_same_variant_in_two_lines_is_held_as_their_sum(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let twice = |units| vec![line(cafe.cake.variant, units), line(cafe.cake.variant, units)];

    let error = cafe.reserve(new_order(), twice(11)).unwrap_err();
    assert_eq!(places(&error, "lines"), ["/lines/0", "/lines/1"]);

    assert!(cafe.reserve(new_order(), twice(10)).is_ok());
    assert_eq!(cafe.level(cafe.cake.variant), (20, 20, 0));
    cafe.assert_clean();
}

fn an_unknown_shop_is_not_found(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let shop_id = ShopId::from_bits(1);

    let error = cafe.harness.calls().call_blocking::<Shop>(&ShopRequest { shop_id }).unwrap_err();

    assert!(error.is("catalog.unknown-shop"));
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Orders that answers: the first one asked about lives, the second is paid, the third has ended.
fn orders_that_answer() -> FakeCalls {
    FakeCalls::new().answering::<State>(|request| {
        let lives = request.order_ids.iter().enumerate().map(|(place, &order_id)| match place {
            0 => OrderLife::Live { order_id, ask_at: "2026-11-21T11:00:00Z".parse().unwrap() },
            1 => OrderLife::Paid { order_id },
            _ => OrderLife::Ended { order_id },
        });
        Ok(StateReply { lives: lives.collect() })
    })
}

fn a_hold_past_its_time_follows_what_orders_says(database: &TestDatabase) {
    let calls = orders_that_answer();
    let asked = calls.asked();
    let mut cafe = Cafe::open_with(database, HarnessOptions { calls, ..HarnessOptions::default() });
    for units in [1, 2, 4] {
        cafe.hold_cakes(units);
        cafe.harness.clock().advance(Duration::from_secs(1));
    }

    cafe.harness.pass(Duration::from_secs(300));
    assert_eq!(asked.of::<State>().len(), 0, "nothing is past its time yet");
    cafe.harness.pass(Duration::from_secs(305));

    assert_eq!(asked.of::<State>()[0].order_ids.len(), 3);
    assert_eq!(cafe.level(cafe.cake.variant), (18, 1, 17));
    cafe.assert_clean();
}

static BREAK_HOLD: Statement =
    Statement { name: "BREAK_HOLD", sql: "UPDATE stock_holds SET stock = 'nonsense' WHERE order_id = $1" };

fn a_hold_that_cannot_be_followed_does_not_hold_up_the_others(database: &TestDatabase) {
    let calls = FakeCalls::new().answering::<State>(|request| {
        let lives = request.order_ids.iter().map(|&order_id| OrderLife::Ended { order_id });
        Ok(StateReply { lives: lives.collect() })
    });
    let asked = calls.asked();
    let mut cafe = Cafe::open_with(database, HarnessOptions { calls, ..HarnessOptions::default() });
    let broken = cafe.hold_cakes(1);
    let _whole = cafe.hold_cakes(4);
    cafe.harness.db().write_blocking(move |tx| tx.execute(&BREAK_HOLD, &params![broken])).unwrap();

    cafe.harness.pass(Duration::from_secs(605));
    assert_eq!(cafe.level(cafe.cake.variant), (20, 1, 19));
    assert_eq!(asked.of::<State>().len(), 1, "the broken one is put off");
    cafe.harness.pass(Duration::from_secs(60));

    assert_eq!(asked.of::<State>().last().map(|request| request.order_ids.clone()), Some(vec![broken]));
}

/// What orders says of the time is long past, as it would be of an order that nobody looks after.
fn an_order_that_lives_is_not_asked_about_again_at_once(database: &TestDatabase) {
    let calls = FakeCalls::new().answering::<State>(|request| {
        let ask_at = "2026-11-21T10:00:00Z".parse().unwrap();
        let lives = request.order_ids.iter().map(|&order_id| OrderLife::Live { order_id, ask_at });
        Ok(StateReply { lives: lives.collect() })
    });
    let asked = calls.asked();
    let mut cafe = Cafe::open_with(database, HarnessOptions { calls, ..HarnessOptions::default() });
    cafe.hold_cakes(1);

    cafe.harness.pass(Duration::from_secs(605));
    assert_eq!(asked.of::<State>().len(), 1);
    cafe.harness.pass(Duration::from_secs(5));

    assert_eq!(asked.of::<State>().len(), 2);
}

/// A turn that outlives its lease would be joined by another instance's.
fn holds_that_take_long_do_not_keep_a_turn(database: &TestDatabase) {
    let clock = FakeClock::default();
    let slow = clock.clone();
    let calls = FakeCalls::new().answering::<State>(move |request| {
        slow.advance(Duration::from_secs(10));
        let lives = request.order_ids.iter().map(|&order_id| OrderLife::Ended { order_id });
        Ok(StateReply { lives: lives.collect() })
    });
    let asked = calls.asked();
    let mut cafe = Cafe::open_with(database, HarnessOptions { calls, clock, ..HarnessOptions::default() });
    for _ in 0..3 {
        cafe.hold_cakes(1);
    }

    for pass in [605, 2, 2] {
        cafe.harness.pass(Duration::from_secs(pass));
    }

    let asked: Vec<_> = asked.of::<State>().iter().map(|request| request.order_ids.len()).collect();
    assert_eq!(asked, [3, 2, 1], "each turn has had its time with the first, and the next one goes on");
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
    cafe.assert_clean();
}

fn while_orders_is_away_everything_stays_held(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    cafe.hold_cakes(2);
    cafe.harness.clock().advance(Duration::from_secs(7200));
    let now = kernel::Clock::now(cafe.harness.clock());

    let failed = cafe.harness.platform().step(now);

    assert!(failed.is_err_and(|reason| reason.contains("call.unanswered")));
    assert_eq!(cafe.level(cafe.cake.variant), (20, 2, 18));
}

/// While orders looks an order up, the guest's request is sent again and holds the stock anew: what orders answers is of the
/// order as it was.
fn an_answer_about_a_hold_that_moved_meanwhile_changes_nothing(database: &TestDatabase) {
    let (calls, request) = (Arc::<OnceLock<Calls>>::default(), Arc::<OnceLock<ReserveRequest>>::default());
    let (asked_again, as_asked) = (Arc::clone(&calls), Arc::clone(&request));
    let handler = CallHandler::new::<State, _, _, CallError>(move |about: StateRequest| {
        let (calls, again) = (asked_again.get().cloned(), as_asked.get().cloned());
        async move {
            calls.unwrap().call::<Reserve>(again.unwrap()).await?;
            let lives = about.order_ids.into_iter().map(|order_id| OrderLife::Ended { order_id });
            Ok(contracts::orders::StateReply { lives: lives.collect() })
        }
    });
    let options = HarnessOptions { calls: FakeCalls::new().with(handler), ..HarnessOptions::default() };
    let mut cafe = Cafe::open_with(database, options);
    calls.set(cafe.harness.calls().clone()).unwrap();
    let order = cafe.hold_cakes(2);
    let mut again = cafe.request(order, vec![line(cafe.cake.variant, 2)]);
    again.ask_at = again.ask_at.plus(Duration::from_secs(600));
    request.set(again).unwrap();

    cafe.harness.pass(Duration::from_secs(605));

    assert_eq!(cafe.level(cafe.cake.variant), (20, 2, 18), "what was held anew stays held");
    cafe.assert_clean();
}

fn change_cake_price(cafe: &Cafe, amount: i64) {
    let path = format!("/products/{}", cafe.cake.product);
    let edited = cafe.harness.get(&format!("{path}?view=edit")).by(&cafe.manager()).send().expect(200);
    let patch = json!({"variants": [{"id": cafe.cake.variant, "price": money(amount)}]});
    let tag = edited.header("etag").unwrap().to_owned();
    let _ = cafe.harness.patch(&path).by(&cafe.manager()).header("if-match", &tag).json(&patch).send().expect(200);
}

/// As another process would: this one's memory is not told.
fn change_price_behind_memory(cafe: &Cafe, amount: i64) {
    let csv = format!(
        "kind,parent,sku,name_ru,name_en,price,tracked\n\
         product,cakes,cheesecake,{0},{0},,yes\nvariant,cheesecake,cheesecake-m,M,M,{1},\n",
        "Чизкейк",
        format_args!("{}.{:02}", amount / 100, amount % 100),
    );
    let rng: std::sync::Arc<dyn kernel::Rng> = std::sync::Arc::new(kernel::OsRng);
    catalog::import_menu(cafe.harness.db(), &rng, csv.as_bytes(), catalog::ImportMode::Apply).unwrap();
}
