//! The audit names what is damaged, and the tables refuse the damage that they can see.

use contracts::{OrderId, VariantId};
use service::{Deps, FactSet, Mount, Report, Service};
use store::{Statement, StoreError, params};
use testkit::TestDatabase;

use crate::cafe::{Cafe, line, mount};

testkit::both_databases!(
    the_tables_refuse_stock_below_zero_and_below_what_is_held,
    a_shelf_that_is_out_of_bounds_is_named,
    a_hold_of_an_order_that_is_not_live_is_named,
    a_shelf_that_its_movements_do_not_explain_is_named,
    a_number_held_that_no_hold_explains_is_named,
    a_sale_without_a_committed_hold_is_named,
    a_committed_hold_without_a_sale_is_named,
    a_product_whose_change_nobody_was_told_of_is_named,
    an_event_of_a_product_that_is_not_there_is_named,
    an_event_that_cannot_be_read_any_more_is_named,
);

static SET_LEVEL: Statement =
    Statement { name: "SET_LEVEL", sql: "UPDATE stock_levels SET on_hand = $2, reserved = $3 WHERE variant_id = $1" };
static SET_HOLDS: Statement = Statement { name: "SET_HOLDS", sql: "UPDATE stock_holds SET state = $1" };

fn set_level(cafe: &Cafe, on_hand: i64, reserved: i64) -> Result<u64, store::StoreError> {
    let variant: VariantId = cafe.cake.variant;
    cafe.harness.db().write_blocking(move |tx| tx.execute(&SET_LEVEL, &params![variant, on_hand, reserved]))
}

fn set_holds(cafe: &Cafe, state: &'static str) {
    cafe.harness.db().write_blocking(move |tx| tx.execute(&SET_HOLDS, &params![state])).unwrap();
}

fn findings(report: &Report, id: &str) -> Vec<String> {
    let checks = report.checks.iter().filter(|check| check.id == id);
    checks.flat_map(|check| &check.findings).map(|finding| finding.message.clone()).collect()
}

fn the_tables_refuse_stock_below_zero_and_below_what_is_held(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for ((on_hand, reserved), name) in [
        ((-1, -1), "stock_levels_on_hand_not_negative"),
        ((5, -1), "stock_levels_reserved_not_negative"),
        ((5, 6), "stock_levels_never_oversold"),
    ] {
        let refused = set_level(&cafe, on_hand, reserved).unwrap_err();

        let negative = refused.violates("stock_levels_reserved_not_negative");
        assert!(refused.violates(name) || negative, "{on_hand}, {reserved}: {refused}");
    }
}

/// STK-1. The tables refuse it, so the damage takes their constraints away first.
fn a_shelf_that_is_out_of_bounds_is_named(database: &TestDatabase) {
    static DISARM: Statement = Statement { name: "DISARM", sql: "PRAGMA ignore_check_constraints = 1" };
    static DISARM_SERVER: Statement = Statement {
        name: "DISARM_SERVER",
        sql: "ALTER TABLE catalog.stock_levels DROP CONSTRAINT stock_levels_never_oversold",
    };
    let cafe = Cafe::open(database);
    let kit = cafe.harness.store().kit("nothing", &[]).unwrap();
    let disarm = if database.is_postgres() { &DISARM_SERVER } else { &DISARM };
    kit.write_blocking::<_, StoreError, _>(move |tx| tx.execute(disarm, &[])).unwrap();

    set_level(&cafe, 20, 21).unwrap();

    assert_eq!(findings(&cafe.harness.audit(), "STK-1"), ["20 on the shelf, 21 held"]);
}

/// STK-3, as far as orders says who lives.
fn a_hold_of_an_order_that_is_not_live_is_named(database: &TestDatabase) {
    const LIVE: OrderId = OrderId::from_bits(5);
    fn beside_orders(deps: Deps) -> Service {
        catalog::service(deps).facts(FactSet::new("orders.live", |_| Ok(vec![(LIVE.to_string(), "placed")])))
    }
    let cafe = Cafe::open_as(database, Mount { service: beside_orders, ..mount() });
    cafe.reserve(LIVE, vec![line(cafe.cake.variant, 1)]).unwrap();
    assert_eq!(findings(&cafe.harness.audit(), "STK-3"), [""; 0]);

    let dead = cafe.hold_cakes(2);

    let report = cafe.harness.audit();
    let check = report.checks.iter().find(|check| check.id == "STK-3").unwrap();
    let named: Vec<_> = check.findings.iter().map(|finding| finding.subject.clone()).collect();
    assert_eq!(named, [format!("hold of {dead}")]);
}

fn a_shelf_that_its_movements_do_not_explain_is_named(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    set_level(&cafe, 19, 0).unwrap();

    assert_eq!(findings(&cafe.harness.audit(), "STK-2"), ["19 on the shelf, its movements make 20"]);
}

fn a_number_held_that_no_hold_explains_is_named(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    cafe.hold_cakes(2);

    set_level(&cafe, 20, 3).unwrap();

    assert_eq!(findings(&cafe.harness.audit(), "STK-2"), ["3 held, its holds make 2"]);
}

fn a_sale_without_a_committed_hold_is_named(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let order = cafe.hold_cakes(2);
    cafe.tell_paid(order);
    cafe.harness.settle();

    set_holds(&cafe, "released");

    assert_eq!(findings(&cafe.harness.audit(), "STK-4"), ["its stock left and nothing was committed"]);
}

fn a_committed_hold_without_a_sale_is_named(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    cafe.hold_cakes(2);

    set_holds(&cafe, "committed");

    assert_eq!(findings(&cafe.harness.audit(), "STK-4"), ["it is committed and its stock never left"]);
}

static CHANGE_UNTOLD: Statement = Statement { name: "CHANGE_UNTOLD", sql: "UPDATE products SET version = version + 1" };

/// EVT-1.
fn a_product_whose_change_nobody_was_told_of_is_named(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    assert_eq!(findings(&cafe.harness.audit(), "EVT-1"), [""; 0]);

    cafe.harness.db().write_blocking::<_, StoreError, _>(|tx| tx.execute(&CHANGE_UNTOLD, &[])).unwrap();

    let found = findings(&cafe.harness.audit(), "EVT-1");
    assert!(
        !found.is_empty() && found.iter().all(|message| message == "no event tells what its version 2 is"),
        "{found:?}"
    );
}

/// EVT-1: of a transaction that was rolled back.
fn an_event_of_a_product_that_is_not_there_is_named(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let known = cafe.told().remove(0);
    let nobody = contracts::ProductId::from_bits(1);

    cafe.harness.publish("catalog", &contracts::catalog::ProductChanged { product_id: nobody, ..known });

    let found = findings(&cafe.harness.audit(), "EVT-1");
    assert_eq!(found, [format!("tells of version 1 of product {nobody}, which never came to be")]);
}

fn an_event_that_cannot_be_read_any_more_is_named(database: &TestDatabase) {
    static UNREADABLE: Statement =
        Statement { name: "UNREADABLE", sql: "UPDATE events SET payload = '{}' WHERE source = '/catalog'" };
    let cafe = Cafe::open(database);

    cafe.harness.damage_log(&UNREADABLE);

    let found = findings(&cafe.harness.audit(), "EVT-5");
    assert!(found.iter().any(|message| message.contains("does not read as a")), "{found:?}");
}
