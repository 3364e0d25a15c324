//! Sequence numbers that are not in commit order (decision 10), held open by hand: what a reader must not skip while it
//! may still come, and must skip when it never will.

use std::cell::Cell;
use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use testkit::TestDatabase;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

use crate::embedded::Embedded;
use crate::probe::{Patience, Process, scribe};
use crate::suite::LogUnderTest as _;

/// A publisher whose transaction the test takes apart into its steps.
struct Publisher {
    runtime: Runtime,
    client: Client,
    published: Cell<u32>,
}

impl Publisher {
    fn connect(database: &TestDatabase) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Self { runtime, client, published: Cell::new(0) }
    }

    fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    /// Begins, and takes the transaction id as the store does before it publishes.
    fn begin(&self) -> i64 {
        self.run("BEGIN");
        let sql = "SELECT pg_current_xact_id()::text::bigint";
        self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0)
    }

    /// Draws a sequence number for an event; the number.
    fn publish(&self, key: &str, number: i64) -> i64 {
        self.published.set(self.published.get() + 1);
        let sql = "
            INSERT INTO samovar_log.events (xid, id, topic, kind, source, key, time_at, payload)
            VALUES (pg_current_xact_id()::text::bigint, $1, 'notes', 'samovar.probe.note.v1', '/probe', $2, 0, $3)
            RETURNING seq";
        let id = format!("evt_{key}_{number}");
        let payload = format!(r#"{{"key":"{key}","number":{number}}}"#);
        self.runtime.block_on(self.client.query_one(sql, &[&id, &key, &payload])).unwrap().get(0)
    }

    fn commit(&self) {
        self.run("COMMIT");
    }

    fn roll_back(&self) {
        self.run("ROLLBACK");
    }
}

/// So often a reader looks while it should not find anything; each look is a step with a snapshot of its own.
const LOOKS: usize = 10;

struct Reader {
    process: Process,
    runner: eventlog::Runner,
}

impl Reader {
    fn start(database: &TestDatabase) -> Self {
        let process = Embedded::on(database).start();
        let runner = process.runner(scribe("probe.scribe"));
        let mut reader = Self { process, runner };
        reader.look();
        reader
    }

    fn look(&mut self) {
        for _ in 0..LOOKS {
            let _ = self.runner.step(self.process.clock.now());
        }
    }

    fn numbers(&self) -> Vec<i64> {
        self.process.heard("probe.scribe").into_iter().map(|(_, number)| number).collect()
    }

    fn hears(&mut self, expected: &[i64]) {
        let patience = Patience::new("events that can be read");
        while self.numbers().len() < expected.len() {
            let _ = self.runner.step(self.process.clock.now());
            patience.check();
        }
        self.look();
        assert_eq!(self.numbers(), expected);
    }
}

/// The transaction with the lower id publishes later and gets the higher number: ordering by id, or reading only what
/// is below the oldest running transaction, would hold back or reorder.
#[test]
fn a_low_transaction_id_with_a_high_number_is_read_in_its_place() {
    let database = TestDatabase::postgres();
    let mut reader = Reader::start(&database);
    let (early, late) = (Publisher::connect(&database), Publisher::connect(&database));

    let low = early.begin();
    let high = late.begin();
    let first = late.publish("a", 1);
    late.commit();
    reader.hears(&[1]);
    let second = early.publish("a", 2);
    early.commit();

    assert!(low < high && first < second);
    reader.hears(&[1, 2]);
    reader.process.assert_audit_is_clean();
}

/// And the other way round: the higher number commits first. What is below it may still come.
#[test]
fn a_number_below_one_that_is_there_is_waited_for() {
    let database = TestDatabase::postgres();
    let mut reader = Reader::start(&database);
    let (slow, fast) = (Publisher::connect(&database), Publisher::connect(&database));

    slow.begin();
    let first = slow.publish("a", 1);
    fast.begin();
    let second = fast.publish("a", 2);
    fast.commit();
    assert!(first < second);
    reader.look();
    assert_eq!(reader.numbers(), [0_i64; 0], "the reader went past a number that was still to come");
    slow.commit();

    reader.hears(&[1, 2]);
    reader.process.assert_audit_is_clean();
}

/// The first transaction takes its id, then waits for a row that the second one holds; the second publishes and
/// commits, then the first publishes. By number the events are in the order of the row, by id they are not.
#[test]
fn a_transaction_id_taken_before_the_row_lock_does_not_reorder() {
    let database = TestDatabase::postgres();
    let mut reader = Reader::start(&database);
    let (waiting, holding) = (Publisher::connect(&database), Publisher::connect(&database));
    holding.run("INSERT INTO probe.counters (key, number) VALUES ('a', 0)");

    let early = waiting.begin();
    let late = holding.begin();
    holding.run("UPDATE probe.counters SET number = 1 WHERE key = 'a'");
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            waiting.run("UPDATE probe.counters SET number = 2 WHERE key = 'a'");
            waiting.publish("a", 2);
            waiting.commit();
            waiting
        });
        let watcher = Publisher::connect(&database);
        Patience::new("the first transaction to wait for the row").until(|| watcher.waiting_for_a_lock() == 1);
        reader.look();
        holding.publish("a", 1);
        holding.commit();
        drop(publisher.join().unwrap());
    });

    assert!(early < late);
    reader.hears(&[1, 2]);
    reader.process.assert_audit_is_clean();
}

/// `pg_snapshot_xmax` is past the last *finished* transaction. One that runs above it is in nobody's list of running
/// ones, and has drawn a number all the same. Several rounds, since a transaction of another database that finishes in
/// between moves `xmax` past the running one.
#[test]
fn a_running_transaction_above_the_snapshots_end_is_waited_for() {
    const ROUNDS: i64 = 30;
    let database = TestDatabase::postgres();
    let mut reader = Reader::start(&database);
    let (finishes, runs) = (Publisher::connect(&database), Publisher::connect(&database));

    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let below = finishes.begin();
        let above = runs.begin();
        runs.publish("a", 2 * round);
        finishes.publish("b", 2 * round + 1);
        finishes.commit();
        assert!(below < above);
        reader.look();
        assert_eq!(reader.numbers(), expected, "the reader went past a running transaction");
        runs.commit();
        expected.extend([2 * round, 2 * round + 1]);
        reader.hears(&expected);
    }
    reader.process.assert_audit_is_clean();
}

/// The same, with a reader that knows nothing yet.
#[test]
fn a_reader_that_starts_waits_for_those_who_run() {
    let database = TestDatabase::postgres();
    drop(Reader::start(&database));
    let (finishes, runs) = (Publisher::connect(&database), Publisher::connect(&database));

    finishes.begin();
    runs.begin();
    runs.publish("a", 1);
    finishes.publish("b", 2);
    finishes.commit();
    let mut reader = Reader::start(&database);
    assert_eq!(reader.numbers(), [0_i64; 0], "the reader began past a running transaction");
    runs.commit();

    reader.process.clock.advance(crate::suite::LEASES_RUN_OUT);
    reader.hears(&[1, 2]);
    reader.process.assert_audit_is_clean();
}

/// A number that was drawn and rolled back is skipped, but not while an older transaction could still fill a gap.
#[test]
fn a_gap_that_nobody_fills_is_skipped() {
    let database = TestDatabase::postgres();
    let mut reader = Reader::start(&database);
    let (changes_its_mind, older, other) =
        (Publisher::connect(&database), Publisher::connect(&database), Publisher::connect(&database));

    older.begin();
    changes_its_mind.begin();
    changes_its_mind.publish("a", -1);
    other.begin();
    other.publish("a", 1);
    other.commit();
    changes_its_mind.roll_back();
    reader.look();
    assert_eq!(reader.numbers(), [0_i64; 0], "an older transaction is still running");
    older.publish("b", 2);
    older.commit();

    reader.hears(&[1, 2]);
    reader.process.assert_audit_is_clean();
}

/// More than one statement shows.
#[test]
fn a_long_run_is_read_to_its_end_at_once() {
    let database = TestDatabase::postgres();
    let Reader { process, .. } = Reader::start(&database);
    let notes: Vec<(&str, i64)> = (0..220).map(|number| ("a", number)).collect();
    process.publish(&notes);
    let newest = process.log.catch_up(Duration::ZERO).unwrap();

    assert_eq!(process.log.advance().unwrap(), newest);
}

/// On threads a gap is left to close by itself at first. Whoever filled it, and whatever stands behind it, is heard before
/// the consumers look by themselves. How long a gap stands is up to everybody on the server: another reader says when it
/// can be passed, and only what it takes from then on counts.
#[test]
fn threads_are_woken_when_a_gap_is_filled_or_skipped() {
    const ROUNDS: i64 = 20;
    let database = TestDatabase::postgres();
    let Reader { process, runner } = Reader::start(&database);
    let other = Embedded::on(&database).start().log;
    let running = runner.start(&process.clock.shared()).unwrap();
    let (first, second) = (Publisher::connect(&database), Publisher::connect(&database));
    let heard = || i64::try_from(process.heard("probe.scribe").len()).unwrap();
    let (clock, mut took) = (SystemClock::new(), Duration::ZERO);

    for round in 0..ROUNDS {
        first.begin();
        first.publish("a", 2 * round);
        second.begin();
        let newest = second.publish("b", 2 * round + 1);
        second.commit();
        if round % 2 == 0 {
            first.roll_back();
        } else {
            first.commit();
        }
        Patience::new("the end of the gap").until(|| other.advance().unwrap() >= newest);
        let passable_at = clock.elapsed();
        let expected = 2 * (round + 1) - (round / 2 + 1);
        Patience::new("the other side of the gap").until(|| heard() == expected);
        took += clock.elapsed().saturating_sub(passable_at);
    }

    running.stop();
    assert!(took < Duration::from_secs(5), "the consumer slept through the news: {took:?}");
    process.assert_audit_is_clean();
}

/// A process that has just started meets a gap far below the newest event.
#[test]
fn the_newest_number_is_known_while_an_old_gap_is_open() {
    let database = TestDatabase::postgres();
    drop(Reader::start(&database));
    let (slow, fast) = (Publisher::connect(&database), Publisher::connect(&database));
    slow.begin();
    let gap = slow.publish("a", 1);
    fast.begin();
    let newest = (2..=5).map(|number| fast.publish("b", number)).last().unwrap();
    fast.commit();
    let log = Embedded::on(&database).start().log;

    let known = log.catch_up(Duration::from_millis(50)).unwrap();

    assert_eq!(known, newest);
    assert!(log.advance().unwrap() < gap, "the log can be read past an open gap");
    slow.commit();
    assert_eq!(log.catch_up(Duration::from_secs(60)).unwrap(), newest);
    assert!(log.advance().unwrap() >= newest, "it was not waited for");
    assert_eq!(log.tail(known, &[], 10).unwrap(), [], "what is old is no news");
}

/// Four thousand events over sixteen keys by eight publishers; every tenth transaction draws its numbers and rolls back.
#[test]
fn among_eight_publishers_that_roll_back_nothing_is_lost_or_reordered() {
    const PUBLISHERS: usize = 8;
    const EACH: usize = 500;
    let database = TestDatabase::postgres();
    let mut reader = Reader::start(&database);
    Publisher::connect(&database).run("INSERT INTO probe.counters SELECT 'key-' || n, 0 FROM generate_series(0, 15) n");

    std::thread::scope(|scope| {
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                scope.spawn({
                    let database = &database;
                    move || {
                        let connection = Publisher::connect(database);
                        (0..EACH)
                            .for_each(|turn| connection.publish_counted((publisher * 7 + turn) % 16, turn % 10 == 9));
                    }
                })
            })
            .collect();
        let patience = Patience::new("eight publishers");
        while publishers.iter().any(|publisher| !publisher.is_finished()) {
            let _ = reader.runner.step(reader.process.clock.now());
            patience.check();
        }
    });
    reader.process.drain(&mut reader.runner);

    for key in 0..16 {
        let numbers = reader.process.heard_of("probe.scribe", &format!("key-{key}"));
        let expected: Vec<i64> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "key-{key} is out of order");
    }
    assert_eq!(reader.numbers().len(), PUBLISHERS * EACH * 9 / 10);
    reader.process.assert_audit_is_clean();
}

impl Publisher {
    /// Counts a key up and publishes the count; then changes its mind, or does not.
    fn publish_counted(&self, key: usize, rolls_back: bool) {
        let key = format!("key-{key}");
        self.begin();
        let sql = "UPDATE probe.counters SET number = number + 1 WHERE key = $1 RETURNING number";
        let number: i64 = self.runtime.block_on(self.client.query_one(sql, &[&key])).unwrap().get(0);
        self.publish(&key, number);
        if rolls_back { self.roll_back() } else { self.commit() }
    }

    /// How many sessions of this database wait for a lock.
    fn waiting_for_a_lock(&self) -> i64 {
        let sql = "
            SELECT COUNT(*)
            FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0)
    }
}
