//! The end of the day: what went wrong stops, everybody finishes, and then everything must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::orders::{OrderState, OrderUpdated};
use eventlog::DeadLetterQuery;
use sandbox::bank::model::RefundState;
use serde_json::Value;
use service::Report;
use testkit::{Admin, Guest};

use super::day::{Day, GUESTS, text};
use super::fate;

/// Three hours after the last order the last page is closed, the last counter order expired, the last question asked.
const ROUNDS_MAX: u32 = 120;
const ROUND: Duration = Duration::from_secs(180);

/// Steps after which what still finds work runs in circles.
const STEPS_MAX: usize = 20_000;

/// How a day ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) acknowledged: usize,
    pub(super) states: BTreeMap<String, usize>,
    /// Orders that were paid after they had expired.
    pub(super) revived: usize,
    pub(super) refunds: usize,
    pub(super) deaths: u32,
}

impl Ended {
    /// A day on which nothing happens proves nothing.
    pub(super) fn assert_much_happened(&self) {
        let ends = ["closed", "cancelled", "expired"].map(|end| self.states.get(end).copied().unwrap_or(0));
        let is_much = self.acknowledged > 15 && ends.iter().all(|end| *end > 0) && self.refunds > 0 && self.deaths > 3;
        assert!(is_much, "{self:?}");
    }
}

impl Day<'_> {
    /// What holds at every commit.
    pub(super) fn assert_holds_now(&mut self) {
        let was_calm = self.business.is_calm.swap(true, Ordering::SeqCst);
        let report = self.business.process().audit();
        self.business.is_calm.store(was_calm, Ordering::SeqCst);
        for check in report.checks.iter().filter(|check| !check.quiescent) {
            assert!(
                check.findings.is_empty() && check.not_made.is_none(),
                "{} of {}:\n{report}",
                check.id,
                check.service
            );
        }
    }

    /// Goes on until every order has come to its end and nothing is under way.
    pub(super) fn end(&mut self) -> Ended {
        fate::lives();
        self.business.start();
        self.business.is_calm.store(true, Ordering::SeqCst);
        self.business.bank.books().clear_faults(None).unwrap();
        let mut quiet = 0;
        for _ in 0..ROUNDS_MAX {
            self.everybody_works();
            let orders = self.orders();
            quiet = if self.finish(&orders) { quiet + 1 } else { 0 };
            // Every question that is still open is asked within a quarter of an hour.
            if quiet > 6 {
                break;
            }
            self.business.clock.advance(ROUND);
        }
        assert!(quiet > 6, "not at rest: {:?}", self.orders());
        self.assert_ended()
    }

    pub(super) fn everybody_works(&mut self) {
        for _ in 0..STEPS_MAX {
            let now = kernel::Clock::now(&self.business.clock);
            let worked = self.business.process().platform().step(now).unwrap();
            if !self.business.deliver() && !worked {
                return;
            }
        }
        panic!("there is still work after {STEPS_MAX} steps");
    }

    /// Staff take every paid order on, and cancel what was given back; whether all have ended.
    fn finish(&mut self, orders: &BTreeMap<String, Order>) -> bool {
        let mut is_over = true;
        for (id, order) in orders {
            let next = match order.state.as_str() {
                "closed" | "cancelled" | "expired" => continue,
                "paid" => "preparing",
                "preparing" => "ready",
                "ready" => "closed",
                "placed" => {
                    is_over = false;
                    continue;
                }
                other => panic!("{id} is {other}"),
            };
            is_over = false;
            let shop = self.shops.iter().position(|shop| shop.id == order.shop).unwrap();
            let moved = if order.is_given_back { self.cancel_order(shop, id) } else { self.step_order(shop, id, next) };
            assert!(moved, "{id} from {}", order.state);
        }
        is_over
    }

    /// Every order that its guest can see.
    fn orders(&mut self) -> BTreeMap<String, Order> {
        let mut orders = BTreeMap::new();
        for guest in 1..=u32::try_from(GUESTS).unwrap() {
            for order in self.pages_of("/orders?limit=100", guest) {
                let (id, state, shop) = (text(&order["id"]), text(&order["state"]), text(&order["shop_id"]));
                let is_given_back = order["payment_state"] == "refunded";
                orders.insert(id, Order { state, shop, is_given_back });
            }
        }
        orders
    }

    /// Every row of a list, as a guest or (0) the administrator sees it.
    fn pages_of(&mut self, path: &str, guest: u32) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = format!("{path}{cursor}");
            let answer = if guest == 0 {
                self.business.ask(|p| p.get(&page).by(&Admin))
            } else {
                self.business.ask(|p| p.get(&page).by(&Guest(guest)))
            };
            let answer = answer.unwrap().expect(200).json();
            rows.extend(answer["items"].as_array().unwrap().iter().cloned());
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    fn assert_ended(&mut self) -> Ended {
        let letters = self.business.process().platform().log().dead_letters(DeadLetterQuery::default()).unwrap();
        assert_eq!(letters, [], "nothing that happened was too much for a consumer");
        let report = self.audit_at_rest();
        assert!(report.clean, "{report}");
        let orders = self.orders();
        let acknowledged: BTreeSet<&String> =
            self.placements.iter().filter_map(|placement| Some(&placement.answer.as_ref()?.order)).collect();
        let answered = self.placements.iter().filter(|placement| placement.answer.is_some()).count();
        assert_eq!(acknowledged.len(), answered, "a key is an order");
        assert!(acknowledged.iter().all(|id| orders.contains_key(*id)), "an order that was acknowledged is lost");
        assert!(orders.len() <= self.placements.len(), "{} orders of {} keys", orders.len(), self.placements.len());
        let acknowledged = acknowledged.len();
        assert_eq!(self.held_by_the_bank(), self.held_at_the_bank(), "the bank and the ledger");
        let mut ended = Ended { acknowledged, deaths: self.business.deaths, ..Ended::default() };
        for order in orders.into_values() {
            *ended.states.entry(order.state).or_default() += 1;
        }
        ended.revived = self.revived();
        ended.refunds = self.bank_payments().iter().filter(|(_, refunded)| *refunded > 0).count();
        ended
    }

    fn revived(&mut self) -> usize {
        let log = self.business.process().platform().log().clone();
        let updates = log.tail(0, &["order_updates"], 1_000).unwrap();
        let is_revival = |update: &OrderUpdated| update.from == OrderState::Expired && update.to == OrderState::Paid;
        updates.iter().filter(|event| is_revival(&event.decode().unwrap())).count()
    }

    /// Both passes over the resting business.
    pub(super) fn audit_at_rest(&mut self) -> Report {
        let auditor = self.business.process().platform().auditor();
        let earlier = auditor.pass(&mut |_| {});
        auditor.pass(&mut |_| {}).report_after(&earlier)
    }

    /// What the bank has of ours, as it says.
    fn held_by_the_bank(&self) -> i64 {
        self.bank_payments().iter().map(|(captured, refunded)| captured - refunded).sum()
    }

    /// What the bank has of ours, as the ledger says.
    fn held_at_the_bank(&mut self) -> i64 {
        let transactions = self.pages_of("/ledger?limit=100", 0);
        let entries = transactions.iter().flat_map(|transaction| transaction["entries"].as_array().unwrap());
        let at_bank = entries.filter(|entry| entry["account"] == "bank.sandbox");
        let minor = |side: &Value| side["amount"].as_i64().unwrap_or(0);
        at_bank.map(|entry| minor(&entry["debit"]) - minor(&entry["credit"])).sum()
    }

    /// Captured and refunded of each payment at the bank.
    fn bank_payments(&self) -> Vec<(i64, i64)> {
        let (mut payments, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.business.bank.books().payments(None, after).unwrap();
            payments.extend(page.iter().map(|payment| {
                (payment.captured.amount(), payment.given_back(|state| state == RefundState::Succeeded))
            }));
            match next {
                Some(next) => after = Some(next),
                None => return payments,
            }
        }
    }
}

#[derive(Debug)]
struct Order {
    state: String,
    shop: String,
    /// All of its money went back: nobody makes it.
    is_given_back: bool,
}
