//! Requests of several transactions: only the last one waits for the disk ([`store::in_steps`]).

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crossbeam_channel::{Receiver, Sender, bounded};
use kernel::OsRng;
use store::{Db, Statement, Store, StoreError, in_steps, params};
use testkit::{FakeClock, TestDatabase};

use crate::harness::{ids, put, put_now, things, wait_until};

/// Whether a step goes on.
const GOES_ON: fn(&()) -> bool = |()| true;
const ENDS: fn(&()) -> bool = |()| false;

/// How a closure is asked for.
#[derive(Clone, Copy)]
enum Asked {
    Step(fn(&()) -> bool),
    OutsideOfSteps,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn still(database: &TestDatabase) -> Store {
    database.open_with(FakeClock::default().shared(), Arc::new(OsRng))
}

/// A closure that holds the writer until told to go on.
struct Gate {
    go_on: Sender<()>,
    ended: std::thread::JoinHandle<Result<(), StoreError>>,
}

impl Gate {
    /// Returns when the writer stands in it.
    fn shut(db: &Db) -> Self {
        let (gate, inside) = Self::queue(db);
        inside.recv().unwrap();
        gate
    }

    /// Returns at once; the receiver hears when the writer stands in it.
    fn queue(db: &Db) -> (Self, Receiver<()>) {
        let (go_on, may_go_on) = bounded::<()>(1);
        let (entered, inside) = bounded::<()>(1);
        let db = db.clone();
        let held = move || {
            db.write_blocking(move |_| {
                entered.try_send(()).ok();
                may_go_on.recv().ok();
                Ok(())
            })
        };
        (Self { go_on, ended: std::thread::spawn(held) }, inside)
    }

    fn open(self) {
        drop(self.go_on);
        self.ended.join().unwrap().unwrap();
    }
}

/// Whether a closure that puts `a` is answered while its batch is still open: behind it in the same batch stands a
/// gate.
fn is_answered_early(asked: Asked) -> bool {
    let database = TestDatabase::sqlite();
    let db = things(&still(&database));
    let first = Gate::shut(&db);
    let runtime = runtime();
    let _inside = runtime.enter();
    let mut request = std::pin::pin!(async {
        match asked {
            Asked::Step(goes_on) => in_steps(db.write_step(|tx| put(tx, "a", 1), goes_on)).await,
            Asked::OutsideOfSteps => db.write_step(|tx| put(tx, "a", 1), GOES_ON).await,
        }
    });
    let mut context = Context::from_waker(Waker::noop());
    assert!(request.as_mut().poll(&mut context).is_pending(), "the writer stands in the gate");
    wait_until("it is queued", || db.stats().write_queue == 1);
    let (second, inside) = Gate::queue(&db);
    wait_until("the gate is queued", || db.stats().write_queue == 2);

    first.go_on.send(()).unwrap();
    inside.recv().unwrap();
    assert_eq!(ids(&db), [""; 0], "the batch is still open");
    // The writer has gone on to the next closure: what it says before the commit it has said.
    let early = request.as_mut().poll(&mut context);
    let is_early = early.is_ready();
    second.open();
    first.open();
    let written = match early {
        Poll::Ready(written) => written,
        Poll::Pending => runtime.block_on(request),
    };
    assert_eq!(written, Ok(()));
    assert_eq!(ids(&db), ["a"]);
    is_early
}

#[test]
fn a_step_that_goes_on_is_answered_before_its_commit() {
    assert!(is_answered_early(Asked::Step(GOES_ON)));
}

#[test]
fn a_step_that_ends_the_request_waits_for_its_commit() {
    assert!(!is_answered_early(Asked::Step(ENDS)));
}

#[test]
fn outside_of_steps_everything_waits_for_its_commit() {
    assert!(!is_answered_early(Asked::OutsideOfSteps));
}

testkit::both_databases!(steps_and_what_ends_them_stand, a_step_is_rejected_by_itself);

fn steps_and_what_ends_them_stand(database: &TestDatabase) {
    let db = things(&database.open());

    let ended: Result<(), StoreError> = runtime().block_on(in_steps(async {
        db.write_step(|tx| put(tx, "a", 1), GOES_ON).await?;
        db.write_step(|tx| put(tx, "b", 1), GOES_ON).await?;
        db.write(|tx| put(tx, "c", 1)).await
    }));

    assert_eq!(ended, Ok(()));
    assert_eq!(ids(&db), ["a", "b", "c"]);
}

fn a_step_is_rejected_by_itself(database: &TestDatabase) {
    let db = things(&database.open());

    let ended: Result<(), StoreError> = runtime().block_on(in_steps(async {
        db.write_step(|tx| put(tx, "a", 1), GOES_ON).await?;
        let again: Result<(), StoreError> = db.write_step(|tx| put(tx, "a", 1), GOES_ON).await;
        assert!(again.unwrap_err().violates("things_pkey"));
        db.write(|tx| put(tx, "b", 1)).await
    }));

    assert_eq!(ended, Ok(()));
    assert_eq!(ids(&db), ["a", "b"]);
}

/// Rolls back the whole batch, savepoints and all, as a full disk or lack of memory may.
static PUT_OR_ROLLBACK: Statement =
    Statement { name: "PUT_OR_ROLLBACK", sql: "INSERT OR ROLLBACK INTO things (id, n) VALUES ($1, $2)" };

#[test]
fn nothing_is_built_on_a_step_that_was_lost() {
    let database = TestDatabase::sqlite();
    let db = things(&still(&database));
    put_now(&db, "there", 1);
    let gate = Gate::shut(&db);
    let (went_on, has_gone_on) = bounded::<()>(1);
    let (batch_died, may_go_on) = bounded::<()>(1);
    let asking = db.clone();
    let request = std::thread::spawn(move || {
        let request = in_steps(async {
            let step: Result<(), StoreError> = asking.write_step(|tx| put(tx, "step", 1), GOES_ON).await;
            went_on.send(()).unwrap();
            may_go_on.recv().unwrap();
            let end: Result<(), StoreError> = asking.write(|tx| put(tx, "end", 1)).await;
            let undo: Result<(), StoreError> = asking.write(|tx| put(tx, "undone", 1)).await;
            (step, end, undo)
        });
        runtime().block_on(request)
    });
    wait_until("the step is queued", || db.stats().write_queue == 1);
    let culprit = db.clone();
    let culprit = std::thread::spawn(move || {
        let put: Result<(), StoreError> =
            culprit.write_blocking(|tx| tx.execute(&PUT_OR_ROLLBACK, &params!["there", 1]).map(drop));
        put
    });
    wait_until("the culprit is queued", || db.stats().write_queue == 2);

    gate.open();
    has_gone_on.recv().unwrap();
    assert!(culprit.join().unwrap().is_err());
    batch_died.send(()).unwrap();
    let (step, end, undo) = request.join().unwrap();

    assert_eq!(step, Ok(()));
    assert!(matches!(end, Err(StoreError::Unavailable { .. })), "{end:?}");
    assert_eq!(undo, Ok(()), "what is done after that is built on nothing");
    assert_eq!(ids(&db), ["there", "undone"]);
}

#[test]
fn on_postgres_only_the_last_commit_waits_for_the_log() {
    store::statements! {
        WAITS = "SELECT current_setting('synchronous_commit')";
    }
    let database = TestDatabase::postgres();
    let db = things(&database.open());

    let waits: Result<_, StoreError> = runtime().block_on(in_steps(async {
        let step = db.write_step(|tx| tx.one(&WAITS, &params![], |row| row.get::<String>(0)), |_| true).await?;
        let end = db.write(|tx| tx.one(&WAITS, &params![], |row| row.get::<String>(0))).await?;
        Ok((step, end))
    }));

    assert_eq!(waits, Ok((Some("off".to_owned()), Some("on".to_owned()))));
}
