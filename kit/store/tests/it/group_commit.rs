//! The batch of the SQLite writer (decision 1).

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use kernel::OsRng;
use store::{Db, Statement, Store, StoreError, Tx, params};
use testkit::{FakeClock, TestDatabase};

use crate::harness::{ADD, Runs, amount, ids, put, put_now, things, wait_until};

/// A writer that is held in the first closure of a batch, on a clock that stands still: whatever is queued
/// meanwhile is in the same batch.
struct Held {
    db: Db,
    release: Sender<()>,
    gate: std::thread::JoinHandle<()>,
}

/// The answer of a closure that was queued.
type Answer = Receiver<Result<(), StoreError>>;

impl Held {
    fn hold(store: &Store) -> Self {
        let db = things(store);
        let (release, released) = bounded::<()>(1);
        let (entered, inside) = bounded::<()>(1);
        let writer = db.clone();
        let gate = std::thread::spawn(move || {
            let held: Result<(), StoreError> = writer.write_blocking(move |_| {
                // Nobody listens when the closure runs a second time.
                entered.try_send(()).ok();
                released.recv().ok();
                Ok(())
            });
            held.unwrap();
        });
        inside.recv().unwrap();
        Self { db, release, gate }
    }

    /// Queues a closure behind those that are queued already.
    fn queue(&self, closure: impl FnMut(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static) -> Answer {
        self.queue_by(move |db| db.write_blocking(closure))
    }

    /// Queues one that waits for company.
    fn queue_patiently(&self, closure: impl FnMut(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static) -> Answer {
        self.queue_by(move |db| db.write_patiently(closure))
    }

    fn queue_by(&self, write: impl FnOnce(&Db) -> Result<(), StoreError> + Send + 'static) -> Answer {
        let (answered, answer) = bounded(1);
        let (db, queued) = (self.db.clone(), self.db.stats().write_queue);
        std::thread::spawn(move || answered.send(write(&db)));
        wait_until("the closure is queued", || self.db.stats().write_queue > queued);
        answer
    }

    /// Lets the batch run to its end.
    fn release(self) -> Db {
        self.release.send(()).unwrap();
        drop(self.release);
        self.gate.join().unwrap();
        self.db
    }
}

fn still_clock(database: &TestDatabase) -> Store {
    database.open_with(FakeClock::default().shared(), Arc::new(OsRng))
}

#[test]
fn nobody_is_answered_before_the_commit() {
    let database = TestDatabase::sqlite();
    let held = Held::hold(&still_clock(&database));
    let (go_on, may_go_on) = bounded::<()>(1);
    let (reached, second_runs) = bounded::<()>(1);

    let first = held.queue(|tx| put(tx, "first", 1));
    let second = held.queue(move |tx| {
        reached.send(()).unwrap();
        may_go_on.recv().unwrap();
        put(tx, "second", 1)
    });
    let db = held.db.clone();
    let ended = std::thread::spawn(move || held.release());
    second_runs.recv().unwrap();

    assert!(first.try_recv().is_err(), "answered while its batch was open");
    assert_eq!(ids(&db), [""; 0], "seen while its batch was open");
    go_on.send(()).unwrap();
    assert_eq!(first.recv().unwrap(), Ok(()));
    assert_eq!(second.recv().unwrap(), Ok(()));
    assert_eq!(ids(&db), ["first", "second"]);
    ended.join().unwrap();
}

#[test]
fn what_waits_is_committed_together() {
    let database = TestDatabase::sqlite();
    let held = Held::hold(&still_clock(&database));

    let answers = ["a", "b", "c"].map(|id| held.queue(move |tx| put(tx, id, 1)));
    let db = held.release();

    for answer in answers {
        assert_eq!(answer.recv().unwrap(), Ok(()));
    }
    let of_four = db.stats().batch_sizes.buckets.into_iter().find(|(bound, _)| *bound == Some(4));
    assert_eq!(of_four, Some((Some(4), 1)));
}

#[test]
fn who_is_patient_is_committed_with_who_is_not() {
    let database = TestDatabase::sqlite();
    let clock = FakeClock::default();
    let held = Held::hold(&database.open_with(clock.shared(), Arc::new(OsRng)));

    // The batch of the gate is full at once.
    let long = clock.clone();
    let full = held.queue(move |_| {
        long.advance(Duration::from_secs(1));
        Ok(())
    });
    let patient = ["a", "b"].map(|id| held.queue_patiently(move |tx| put(tx, id, 1)));
    let hurried = held.queue(|tx| put(tx, "c", 1));
    let db = held.release();

    for answer in [full, hurried].into_iter().chain(patient) {
        assert_eq!(answer.recv().unwrap(), Ok(()));
    }
    assert_eq!(ids(&db), ["a", "b", "c"]);
    let of_three = db.stats().batch_sizes.buckets.into_iter().find(|(bound, _)| *bound == Some(4));
    assert_eq!(of_three, Some((Some(4), 1)));
}

#[test]
fn who_is_patient_has_a_turn_when_the_batch_is_full_before() {
    let database = TestDatabase::sqlite();
    let clock = FakeClock::default();
    let held = Held::hold(&database.open_with(clock.shared(), Arc::new(OsRng)));
    let take_long = || {
        let long = clock.clone();
        held.queue(move |_| {
            long.advance(Duration::from_secs(1));
            Ok(())
        })
    };

    let first = take_long();
    let patient = ["a", "b"].map(|id| held.queue_patiently(move |tx| put(tx, id, 1)));
    let second = take_long();
    let db = held.release();

    for answer in [first, second].into_iter().chain(patient) {
        assert_eq!(answer.recv().unwrap(), Ok(()));
    }
    assert_eq!(ids(&db), ["a", "b"]);
}

#[test]
fn a_failing_closure_takes_only_its_own_work_with_it() {
    let database = TestDatabase::sqlite();
    let held = Held::hold(&still_clock(&database));

    let before = held.queue(|tx| put(tx, "before", 1));
    let rejected = held.queue(|tx| {
        put(tx, "rejected", 1)?;
        put(tx, "before", 1)
    });
    let panicking = held.queue(|tx| {
        put(tx, "panicking", 1)?;
        panic!("on purpose")
    });
    let after = held.queue(|tx| put(tx, "after", 1));
    let db = held.release();

    assert_eq!(before.recv().unwrap(), Ok(()));
    assert!(rejected.recv().unwrap().unwrap_err().violates("things_pkey"));
    assert!(matches!(panicking.recv().unwrap(), Err(StoreError::Fault { .. })));
    assert_eq!(after.recv().unwrap(), Ok(()));
    assert_eq!(ids(&db), ["after", "before"]);
}

/// Rolls back the whole transaction, savepoints and all, as a full disk or lack of memory may.
static PUT_OR_ROLLBACK: Statement =
    Statement { name: "PUT_OR_ROLLBACK", sql: "INSERT OR ROLLBACK INTO things (id, n) VALUES ($1, $2)" };

#[test]
fn a_dead_batch_runs_again_and_only_the_culprit_fails() {
    let database = TestDatabase::sqlite();
    let store = still_clock(&database);
    put_now(&things(&store), "a", 1);
    let held = Held::hold(&store);
    let runs = Runs::default();
    let counted = runs.clone();

    let before = held.queue(move |tx| {
        counted.next();
        tx.execute(&ADD, &params!["a", 10]).map(drop)
    });
    let culprit = held.queue(|tx| tx.execute(&PUT_OR_ROLLBACK, &params!["a", 1]).map(drop));
    let after = held.queue(|tx| tx.execute(&ADD, &params!["a", 100]).map(drop));
    let db = held.release();

    assert_eq!(before.recv().unwrap(), Ok(()));
    assert!(culprit.recv().unwrap().unwrap_err().violates("things_pkey"));
    assert_eq!(after.recv().unwrap(), Ok(()));
    assert_eq!(amount(&db, "a"), Some(111));
    assert_eq!(runs.count(), 2, "the first run was rolled back with the batch");
    assert_eq!(db.stats().run_again, 3);
}

/// A culprit that hides its failure gets no success either.
#[test]
fn a_dead_batch_is_noticed_when_its_culprit_says_nothing() {
    let database = TestDatabase::sqlite();
    let store = still_clock(&database);
    put_now(&things(&store), "a", 1);
    let held = Held::hold(&store);

    let before = held.queue(|tx| put(tx, "b", 1));
    let culprit = held.queue(|tx| {
        drop(tx.execute(&PUT_OR_ROLLBACK, &params!["a", 1]));
        Ok(())
    });
    let db = held.release();

    assert_eq!(before.recv().unwrap(), Ok(()));
    assert!(culprit.recv().unwrap().is_err());
    assert_eq!(ids(&db), ["a", "b"]);
}

/// Only the kit's own door can defer foreign keys; the fence forbids it to services.
#[test]
fn a_commit_that_fails_runs_everybody_again() {
    store::statements! {
        DEFER = "PRAGMA defer_foreign_keys = ON";
        ORPHAN = "INSERT INTO things (id, n, box_id) VALUES ($1, 1, 'nowhere')";
    }
    let database = TestDatabase::sqlite();
    let store = still_clock(&database);
    let kit = Held { db: store.kit("extra", &[]).unwrap(), release: bounded(1).0, gate: std::thread::spawn(|| {}) };
    let held = Held::hold(&store);

    let before = held.queue(|tx| put(tx, "before", 1));
    let culprit = kit.queue(|tx| {
        tx.execute(&DEFER, &params![])?;
        tx.execute(&ORPHAN, &params!["orphan"]).map(drop)
    });
    let after = held.queue(|tx| put(tx, "after", 1));
    let db = held.release();

    assert_eq!(before.recv().unwrap(), Ok(()));
    assert!(culprit.recv().unwrap().is_err());
    assert_eq!(after.recv().unwrap(), Ok(()));
    assert_eq!(ids(&db), ["after", "before"]);
    assert_eq!(STATEMENTS.len(), 2);
}

#[test]
fn a_service_cannot_defer_foreign_keys() {
    store::statements! { DEFER = "PRAGMA defer_foreign_keys = ON"; }
    let database = TestDatabase::sqlite();

    let refused = things(&database.open()).prepare_all(STATEMENTS);

    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(DEFER.name, "DEFER");
}

#[test]
fn the_log_is_written_back_when_the_store_is_closed() {
    let database = TestDatabase::sqlite();
    let store = database.open();
    let db = things(&store);

    put_now(&db, "a", 1);

    assert!(db.stats().log_bytes > 0);
    store.shutdown();
    assert_eq!(db.stats().log_bytes, 0);
    assert_eq!(ids(&things(&database.open())), ["a"]);
}
