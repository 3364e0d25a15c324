//! Every check that spans services finds what it is for, on the mounted platform: the damage is planted, and named.

use std::time::Duration;

use serde_json::{Value, json};
use store::{Statement, StoreError, params};
use testkit::{Guest, TestDatabase};

use super::day::{Day, rub, text};

testkit::both_databases!(
    mon_4_an_order_and_its_payment_that_say_different_sums_are_named,
    mon_5_money_that_counts_for_no_order_is_named,
    mon_5_an_order_that_two_payments_pay_is_named,
    mon_8_a_refund_behind_our_back_is_named,
    mon_8_a_payment_that_we_lost_is_named,
    mon_10_the_money_of_a_cancelled_order_is_named,
    mon_10_a_paid_order_without_its_goods_is_named,
    stk_3_the_hold_of_a_closed_order_is_named,
    evt_3_an_event_that_was_lost_on_its_way_is_named,
    evt_3_an_event_that_nobody_came_for_is_named,
    ord_2_an_order_that_waits_for_nobody_is_named,
);

/// A business at rest with an order paid at the bank, one that is closed, and one that waits to be paid at the counter.
struct Rest<'d> {
    day: Day<'d>,
    paid: String,
    closed: String,
}

impl<'d> Rest<'d> {
    fn begin(database: &'d TestDatabase) -> Self {
        let mut day = Day::begin(database, 1);
        let (paid, closed) = (place(&mut day, "online"), place(&mut day, "counter"));
        place(&mut day, "counter");
        day.everybody_works();
        let page = payment(&mut day, &paid)["payment_url"].clone();
        day.business.at_the_bank(page.as_str().unwrap(), "card=4242424242424242");
        let path = format!("/payments/{}/receive", text(&payment(&mut day, &closed)["id"]));
        day.keyed_deed("receive", path, json!({"how": "cash"}), 0);
        day.everybody_works();
        for state in ["preparing", "ready", "closed"] {
            assert!(day.step_order(0, &closed, state));
        }
        day.everybody_works();
        let mut rest = Self { day, paid, closed };
        assert_eq!(rest.findings(), [""; 0], "a sound business is clean");
        rest
    }

    fn damage(&mut self, service: &str, sql: &'static Statement, order: Option<&str>) {
        let db = self.day.business.process().platform().db(service).unwrap().clone();
        let order = order.map(str::to_owned);
        let damaged = db.write_blocking::<_, StoreError, _>(move |tx| match &order {
            Some(order) => tx.execute(sql, &params![order]),
            None => tx.execute(sql, &[]),
        });
        assert_eq!(damaged, Ok(1), "{}", sql.name);
    }

    /// What stands in both passes of the audit.
    fn findings(&mut self) -> Vec<String> {
        let report = self.day.audit_at_rest();
        assert!(report.checks.iter().all(|check| check.not_made.is_none()), "{report}");
        let found = report.checks.iter().flat_map(|check| {
            check.findings.iter().map(|finding| format!("{} {}: {}", check.id, finding.subject, finding.message))
        });
        found.collect()
    }

    fn assert_names(&mut self, check: &str, words: &str) {
        let findings = self.findings();
        let is_named = findings.iter().any(|finding| finding.starts_with(check) && finding.contains(words));
        assert!(is_named, "no {check} with {words:?} in {findings:#?}");
    }
}

/// A cake of guest 1, in the first shop.
fn place(day: &mut Day<'_>, method: &str) -> String {
    let body = json!({"shop_id": day.shops[0].id, "fulfilment": {"kind": "pickup", "at": "asap"},
        "lines": [{"variant_id": day.products[1].variant, "quantity": 1}], "expected_total": rub(30_000),
        "payment": {"method": method}});
    let key = day.key("place");
    let placed = day.ask("place", |p| p.post("/orders").by(&Guest(1)).key(&key).json(&body)).unwrap();
    text(&placed.expect(201).json()["id"])
}

fn payment(day: &mut Day<'_>, order: &str) -> Value {
    let read = day.ask("payment", |p| p.get(&format!("/orders/{order}/payment")).by(&Guest(1)));
    read.unwrap().expect(200).json()
}

fn mon_4_an_order_and_its_payment_that_say_different_sums_are_named(database: &TestDatabase) {
    static DAMAGE: Statement = Statement {
        name: "DAMAGE",
        sql: "UPDATE payments SET state = 'partially_refunded', refunded_minor = 5 WHERE order_id = $1",
    };
    let mut rest = Rest::begin(database);
    let paid = rest.paid.clone();

    rest.damage("payments", &DAMAGE, Some(&paid));

    rest.assert_names("MON-4", &format!("order {paid}: says that 30000 RUB are paid; payments holds 29995 RUB"));
}

fn mon_5_money_that_counts_for_no_order_is_named(database: &TestDatabase) {
    static DAMAGE: Statement =
        Statement { name: "DAMAGE", sql: "UPDATE payments SET state = 'failed' WHERE order_id = $1" };
    let mut rest = Rest::begin(database);
    let paid = rest.paid.clone();

    rest.damage("payments", &DAMAGE, Some(&paid));

    rest.assert_names("MON-5", "holds 30000 minor units that count for no order");
}

fn mon_5_an_order_that_two_payments_pay_is_named(database: &TestDatabase) {
    static DAMAGE: Statement = Statement {
        name: "DAMAGE",
        sql: "UPDATE payment_orders SET paid_by = 'pay_00000000000000000000000000' WHERE order_id = $1",
    };
    let mut rest = Rest::begin(database);
    let paid = rest.paid.clone();

    rest.damage("payments", &DAMAGE, Some(&paid));

    rest.assert_names("MON-5", &format!("order {paid}: is paid by several payments"));
}

fn mon_8_a_refund_behind_our_back_is_named(database: &TestDatabase) {
    let mut rest = Rest::begin(database);
    let (payments, _) = rest.day.business.bank.books().payments(Some(&rest.paid), None).unwrap();
    let path = format!("/v1/payments/{}/refunds", payments[0].id);

    rest.day.business.ask_the_bank(&path, &json!({"amount": rub(5), "reference": "by hand"}));

    rest.assert_names("MON-8", "the bank says 30000 and 5 RUB");
}

fn mon_8_a_payment_that_we_lost_is_named(database: &TestDatabase) {
    static DAMAGE: Statement =
        Statement { name: "DAMAGE", sql: "UPDATE payments SET provider_ref = 'bnk_nobody' WHERE order_id = $1" };
    let mut rest = Rest::begin(database);
    let paid = rest.paid.clone();

    rest.damage("payments", &DAMAGE, Some(&paid));

    rest.assert_names("MON-8", "is not known to the bank");
    rest.assert_names("MON-8", &format!("for {paid}, and no payment of ours knows it"));
}

fn mon_10_the_money_of_a_cancelled_order_is_named(database: &TestDatabase) {
    static DAMAGE: Statement = Statement { name: "DAMAGE", sql: "UPDATE orders SET state = 'cancelled' WHERE id = $1" };
    let mut rest = Rest::begin(database);
    let paid = rest.paid.clone();

    rest.damage("orders", &DAMAGE, Some(&paid));

    rest.assert_names("MON-10", &format!("order {paid}: is cancelled while"));
}

fn mon_10_a_paid_order_without_its_goods_is_named(database: &TestDatabase) {
    static DAMAGE: Statement =
        Statement { name: "DAMAGE", sql: "UPDATE stock_holds SET state = 'released' WHERE order_id = $1" };
    let mut rest = Rest::begin(database);
    let paid = rest.paid.clone();

    rest.damage("catalog", &DAMAGE, Some(&paid));

    rest.assert_names("MON-10", &format!("order {paid}: is paid and its goods are neither held nor sold"));
}

fn stk_3_the_hold_of_a_closed_order_is_named(database: &TestDatabase) {
    static DAMAGE: Statement =
        Statement { name: "DAMAGE", sql: "UPDATE stock_holds SET state = 'active' WHERE order_id = $1" };
    let mut rest = Rest::begin(database);
    let closed = rest.closed.clone();

    rest.damage("catalog", &DAMAGE, Some(&closed));

    rest.assert_names("STK-3", &format!("hold of {closed}: its order is not live"));
}

fn evt_3_an_event_that_was_lost_on_its_way_is_named(database: &TestDatabase) {
    static DAMAGE: Statement = Statement {
        name: "DAMAGE",
        sql: "UPDATE event_positions SET handled = handled - 1 WHERE consumer = 'payments.new-orders'",
    };
    let mut rest = Rest::begin(database);

    rest.damage("payments", &DAMAGE, None);

    rest.assert_names("EVT-3", "3 events were published up to its position, 2 were handled and 0 are parked");
}

fn evt_3_an_event_that_nobody_came_for_is_named(database: &TestDatabase) {
    let mut rest = Rest::begin(database);

    place(&mut rest.day, "online");

    rest.assert_names("EVT-3", "consumer payments.new-orders, topic new_orders, from event number");
}

/// The timer that should have ended it does not run.
fn ord_2_an_order_that_waits_for_nobody_is_named(database: &TestDatabase) {
    let mut rest = Rest::begin(database);

    rest.day.business.clock.advance(Duration::from_secs(7_200));

    rest.assert_names("ORD-2", "should have expired at");
}
