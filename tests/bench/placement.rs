//! Placing orders: three lines, priced, stock held, under a key, signed in, on disk. Consumers run; how far they are
//! behind at the end, and how long they take to catch up, is told with it.

use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use serde_json::json;
use testkit::TestDatabase;

use crate::business::Business;
use crate::load::closed;
use crate::machine::memory_mb;
use crate::raw;
use crate::report::Report;

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

/// What is measured: all of [`CONNECTIONS`], or only as many as `BENCH_CONNECTIONS` says, so that two builds can be
/// measured in turn at one load.
fn loads() -> Vec<usize> {
    match std::env::var("BENCH_CONNECTIONS") {
        Ok(one) => vec![one.parse().unwrap()],
        Err(_) => CONNECTIONS.to_vec(),
    }
}

pub(crate) fn on_sqlite(report: &mut Report) {
    let business = measure(report, &TestDatabase::sqlite(), "sqlite");
    raw::measure(report, business);
}

pub(crate) fn on_postgres(report: &mut Report) {
    measure(report, &TestDatabase::postgres(), "postgres");
}

fn measure(report: &mut Report, database: &TestDatabase, engine: &str) -> Business {
    let business = Business::open(database);
    for connections in loads() {
        let measured = closed(&business.placements(connections));
        let lag = consumer_lag(&business);
        let caught_up_s = catch_up(&business);
        let memory = memory_mb(business.stage.pid());
        let more = json!({"consumers_behind": lag, "caught_up_s": caught_up_s, "memory_mb": memory.0});
        report.load("placement", engine, &measured, more);
    }
    let (_, most) = memory_mb(business.stage.pid());
    report.row("memory under load", engine, json!({"mb": most}));
    business
}

/// Events that consumers have yet to handle.
fn consumer_lag(business: &Business) -> u64 {
    let text = business.stage.metrics();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("samovar_consumer_lag")).collect();
    assert!(!lines.is_empty(), "the program does not tell how far its consumers are");
    lines.iter().filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

fn catch_up(business: &Business) -> f64 {
    let clock = SystemClock::new();
    let begun = clock.elapsed();
    while consumer_lag(business) > 0 {
        std::thread::park_timeout(Duration::from_millis(100));
        assert!(clock.elapsed() - begun < Duration::from_secs(600), "the consumers never catch up");
    }
    ((clock.elapsed() - begun).as_secs_f64() * 10.0).round() / 10.0
}
