//! What it can bear: `make bench` measures the program as a process, over HTTP, on both databases, and writes
//! `target/bench/results.json`. Which parts are run may be named: `make bench ONLY="placement menu"`.
//!
//! The load is made on the same machine, by one thread; every figure is therefore what program and load reach together.
//! Nothing here passes or fails: figures are read by people, and depend on the machine.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends with the place where it could not")]
#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

#[path = "../it/api.rs"]
#[expect(dead_code, reason = "the stories use more of it")]
mod api;
mod business;
mod connection;
mod load;
mod machine;
mod menu;
mod overload;
mod placement;
mod process;
mod raw;
mod report;
#[path = "../it/stage.rs"]
#[expect(dead_code, reason = "the stories use more of it")]
mod stage;

use crate::report::Report;

/// A part of the measurement and its name.
type Part = (&'static str, fn(&mut Report));

const PARTS: &[Part] = &[
    ("process", process::measure),
    ("menu", menu::measure),
    ("placement", placement::on_sqlite),
    ("postgres", placement::on_postgres),
    ("overload", overload::on_sqlite),
    ("postgres-overload", overload::on_postgres),
    ("logins", overload::measure_logins),
];

fn main() {
    // Cargo says --bench; what else is said names parts.
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = only.iter().find(|word| !PARTS.iter().any(|(name, _)| name == word)) {
        let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        panic!("{unknown} is none of {}", names.join(", "));
    }
    let mut report = Report::new();
    for (name, measure) in PARTS {
        if only.is_empty() || only.iter().any(|word| word == name) {
            measure(&mut report);
        }
    }
    report.write();
}
