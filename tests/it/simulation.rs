//! A day of a thousand mishaps over the whole platform, from a seed: guests who pay twice, a bank that lies and is away, a
//! process that is killed between any two writes, consumers and timers in any order, events that come again. What holds
//! at every commit is audited all day; in the evening the mishaps stop, and then everything must hold, and every order
//! that was acknowledged must have come to its end.
//!
//! On SQLite a seed is the same day to the last byte. On PostgreSQL the same things are tried; how far the log can be read
//! depends on other transactions of the server, so a consumer may have its turn a moment later.
//!
//! `SIMULATION_SEED` runs one day of one's choice, `SIMULATION_STEPS` makes it longer.

mod business;
mod damage;
mod day;
mod evening;
mod fate;
mod guests;
mod interleavings;
mod mishaps;
mod staff;

use std::io::Write as _;

use kernel::{OsRng, Rng as _};
use testkit::TestDatabase;

use self::day::Day;
use self::evening::Ended;

testkit::both_databases!(whatever_happens_every_order_ends_and_every_rule_holds);

const STEPS: u64 = 1_000;

/// How many things happen between two audits.
const AUDIT_EVERY: u64 = 25;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

fn run(database: &TestDatabase, seed: u64, steps: u64) -> (Vec<String>, Ended) {
    let mut day = Day::begin(database, seed);
    for step in 1..=steps {
        day.happen();
        if step % AUDIT_EVERY == 0 {
            day.assert_holds_now();
        }
    }
    let ended = day.end();
    (std::mem::take(&mut day.diary), ended)
}

/// A known day, and one that nobody has seen; a second known one where a day is cheap.
fn whatever_happens_every_order_ends_and_every_rule_holds(database: &TestDatabase) {
    let fresh = OsRng.next_u64() % 1_000_000;
    let known: &[u64] = if database.is_postgres() { &[1] } else { &[1, 2] };
    let seeds = number("SIMULATION_SEED").map_or_else(|| [known, &[fresh]].concat(), |seed| vec![seed]);
    let another = if database.is_postgres() { TestDatabase::postgres } else { TestDatabase::sqlite };
    for seed in seeds {
        let _ = writeln!(std::io::stderr(), "SIMULATION_SEED={seed}");
        let (_, ended) = run(&another(), seed, number("SIMULATION_STEPS").unwrap_or(STEPS));
        let _ = writeln!(std::io::stderr(), "{ended:?}");
        ended.assert_much_happened();
    }
}

#[test]
fn a_seed_is_the_same_day_again() {
    let diary = || run(&TestDatabase::sqlite(), 7, 200).0;

    assert_eq!(diary(), diary());
}
