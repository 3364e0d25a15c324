//! More than it can bear: an open loop at twice the capacity, and a flood of logins beside the orders.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use testkit::TestDatabase;

use crate::business::Business;
use crate::connection::request;
use crate::load::{Closed, Open, closed, closed_for, open};
use crate::report::Report;

/// A guest does not wait longer than this.
const USEFUL_WITHIN: Duration = Duration::from_secs(1);
const CALLERS: usize = 1_024;
const FLOOD_CALLERS: usize = 32;

pub(crate) fn on_sqlite(report: &mut Report) {
    measure(report, &TestDatabase::sqlite(), "sqlite");
}

pub(crate) fn on_postgres(report: &mut Report) {
    measure(report, &TestDatabase::postgres(), "postgres");
}

fn measure(report: &mut Report, database: &TestDatabase, engine: &str) {
    let business = Business::open(database);
    let best = closed(&business.placements(64));
    report.load("placement before overload", engine, &best, json!({}));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of some thousands")]
    let rate = (best.per_s() * 2.0) as u32;
    let load = Open { closed: business.placements(CALLERS), rate, useful_within: USEFUL_WITHIN };
    let good = open(&load);
    let share = (good.per_s() / best.per_s() * 100.0).round() / 100.0;
    report.load("overload", engine, &good, json!({"offered_per_s": rate, "of_best": share}));
}

pub(crate) fn measure_logins(report: &mut Report) {
    let business = Business::open(&TestDatabase::sqlite());
    let alone = closed(&business.placements(64));
    report.load("placement, no logins", "sqlite", &alone, json!({}));
    let flood = Flood { address: business.address() };
    let flooding = std::thread::spawn(move || flood.run());
    let flooded = closed(&business.placements(64));
    let logins = flooding.join().unwrap();
    let share = (flooded.per_s() / alone.per_s() * 100.0).round() / 100.0;
    report.load("placement, login flood", "sqlite", &flooded, json!({"of_alone": share, "logins_per_s": logins}));
}

/// People who try passwords.
struct Flood {
    address: std::net::SocketAddr,
}

impl Flood {
    /// Logins answered a second, one way or the other.
    fn run(self) -> f64 {
        let next = Rc::new(|caller: usize, round: u64| {
            let email = format!("guest{}@guests.example", (caller + usize::try_from(round).unwrap()) % 100);
            let body = json!({"email": email, "password": format!("wrong-password-{round}")}).to_string();
            request("POST /api/v1/auth/login", &[], &body)
        });
        let load = Closed { address: self.address, connections: FLOOD_CALLERS, good: 401, next };
        closed_for(&load, crate::load::MEASURED).per_s().round()
    }
}
