//! The log's own SQL, and the log on a store that has gone away.

use eventlog::{POSTGRES_STATEMENTS, STATEMENTS, Step};
use kernel::Clock as _;
use testkit::{TestDatabase, both_databases};

use crate::embedded::Embedded;
use crate::probe::scribe;
use crate::suite::LogUnderTest as _;

fn every_statement_prepares(database: &TestDatabase) {
    let process = Embedded::on(database).start();

    for statements in STATEMENTS {
        process.db.prepare_all(statements).unwrap();
    }
    if database.is_postgres() {
        process.db.prepare_all(POSTGRES_STATEMENTS).unwrap();
    }
}

fn a_store_that_is_away_pauses_its_consumers(database: &TestDatabase) {
    let process = Embedded::on(database).start();
    let mut runner = process.runner(scribe("probe.scribe"));
    process.publish(&[("a", 1)]);
    process.shut_down();

    let step = runner.step(process.clock.now());

    let Step::Idle { until: Some(until) } = step else { panic!("{step:?}") };
    assert!(until > process.clock.now(), "it would ask again and again");
}

both_databases!(every_statement_prepares, a_store_that_is_away_pauses_its_consumers);
