//! Closures that may be carried out twice and share a transaction, and what PostgreSQL is spared for it: one exchange for
//! all of them, and no id to ask about.

use std::future::Future;

use crossbeam_channel::bounded;
use store::idempotency::{self, Claim, Held, Key};
use store::{Db, StoreError, Tx, in_steps, params};
use testkit::TestDatabase;

use crate::harness::{ADD, PUT, Runs, ThingPut, amount, event_keys, ids, put, put_now, wait_until};
use crate::proxy::{Cut, Proxy};
use crate::server::behind_a_proxy;

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn gone() -> StoreError {
    StoreError::LeaseLost { name: "gone".to_owned() }
}

/// A closure that waits for nothing: an event, a row that has to be there, and one of its own.
fn put_of(db: &Db, id: &'static str, runs: &Runs) -> Result<(), StoreError> {
    let runs = runs.clone();
    wait_for(db.write_in_company(move |tx| {
        runs.next();
        tx.execute_later(&PUT, &params![id, 1])?;
        tx.expect_one(&ADD, &params!["before", 1], gone())?;
        tx.publish(&ThingPut { id: id.to_owned() })
    }))
}

/// How often an answer was waited for.
fn exchanges(said: &[u8]) -> usize {
    said.windows(5).filter(|five| five == b"S\0\0\0\x04").count()
}

fn takes_xid(proxy: &Proxy) -> bool {
    proxy.take_said().windows(10).any(|name| name == b"\0take_xid\0")
}

#[test]
fn a_closure_that_waits_for_nothing_is_one_exchange() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    // Its statements are known to the connection then.
    put_of(&db, "a", &Runs::default()).unwrap();
    proxy.take_said();

    put_of(&db, "b", &Runs::default()).unwrap();
    let said = proxy.take_said();

    assert_eq!(exchanges(&said), 1);
    assert_eq!(
        (ids(&db), event_keys(&db)),
        (["a", "b", "before"].map(str::to_owned).to_vec(), vec!["a".into(), "b".into()])
    );
}

#[test]
fn a_row_that_was_expected_and_not_touched_forbids_the_commit_that_travels_behind_it() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let put_beside = |id: &'static str, expected: &'static str| {
        wait_for(db.write_in_company::<(), StoreError, _>(move |tx| {
            tx.execute_later(&PUT, &params![id, 1])?;
            tx.expect_one(&ADD, &params![expected, 1], gone())
        }))
    };
    put_beside("a", "before").unwrap();
    proxy.take_said();

    let refused = put_beside("b", "none");

    assert_eq!(refused, Err(gone()));
    assert_eq!(ids(&db), ["a", "before"]);
    put_now(&db, "the next one is not disturbed", 1);
}

#[test]
fn several_rows_are_not_the_one_that_was_expected() {
    store::statements! { ADD_TO_ALL = "UPDATE things SET n = n + $1"; }
    let database = TestDatabase::postgres();
    let (db, _proxy) = behind_a_proxy(&database);
    put_now(&db, "a", 1);

    let refused = db.write_blocking::<_, StoreError, _>(|tx| tx.expect_one(&ADD_TO_ALL, &params![1], gone()));

    assert_eq!(refused, Err(gone()));
    assert_eq!((amount(&db, "a"), amount(&db, "before")), (Some(1), Some(1)));
}

/// Decision 10: readers of the log count on it. A row that was touched for certain has taken the id already.
#[test]
fn an_event_draws_its_number_in_a_transaction_that_has_an_id() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let publish = |expected: Option<&'static str>| {
        wait_for(db.write_in_company::<(), StoreError, _>(move |tx| {
            if let Some(expected) = expected {
                tx.expect_one(&ADD, &params![expected, 1], gone())?;
            } else {
                tx.execute_later(&ADD, &params!["none", 1])?;
            }
            tx.publish(&ThingPut { id: "a".to_owned() })
        }))
    };
    publish(None).unwrap();
    publish(Some("before")).unwrap();
    proxy.take_said();

    publish(None).unwrap();
    let without = takes_xid(&proxy);
    publish(Some("before")).unwrap();
    let with = takes_xid(&proxy);

    assert_eq!((without, with), (true, false));
    assert_eq!(event_keys(&db).len(), 4);
}

#[test]
fn an_idempotent_commit_whose_answer_is_lost_runs_again() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();

    proxy.cut_next(Cut::AfterCommit, false);
    let written = put_of(&db, "a", &runs);

    assert!(proxy.has_cut());
    assert!(written.unwrap_err().violates("things_pkey"), "it tells by itself that it stood already");
    assert_eq!(runs.count(), 2);
    assert_eq!((event_keys(&db), amount(&db, "before")), (vec!["a".to_owned()], Some(2)));
}

#[test]
fn an_idempotent_commit_that_did_not_arrive_runs_again() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();

    proxy.cut_next(Cut::BeforeCommit, false);
    let written = put_of(&db, "a", &runs);

    assert!(proxy.has_cut());
    assert_eq!((written, runs.count()), (Ok(()), 2));
    assert_eq!((event_keys(&db), amount(&db, "before")), (vec!["a".to_owned()], Some(2)));
}

/// That nobody answers any more says nothing about the commit before.
#[test]
fn an_idempotent_commit_that_cannot_run_again_is_unknown() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();

    proxy.cut_next(Cut::AfterCommit, true);
    let written = put_of(&db, "a", &runs);

    assert!(matches!(written, Err(StoreError::OutcomeUnknown { .. })), "{written:?}");
    assert_eq!(runs.count(), 1);
    let behind = database.open();
    assert_eq!(ids(&crate::harness::things(&behind)), ["a", "before"]);
}

#[test]
fn a_step_whose_answer_is_lost_runs_again() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();
    let step = {
        let (db, runs) = (db.clone(), runs.clone());
        in_steps(async move {
            db.write_step(
                move |tx| {
                    runs.next();
                    put(tx, "a", 1)
                },
                |()| true,
            )
            .await
        })
    };

    proxy.cut_next(Cut::AfterCommit, false);
    let written: Result<(), StoreError> = wait_for(step);

    assert!(proxy.has_cut());
    assert!(written.unwrap_err().violates("things_pkey"));
    assert_eq!(runs.count(), 2);
}

#[test]
fn a_claim_whose_answer_is_lost_is_found_to_be_ones_own() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let key = || Key { principal: "usr_1".to_owned(), route: "POST /orders".to_owned(), key: "k1".to_owned() };
    let claiming = db.clone();
    let first = in_steps(async move {
        let claim = move |tx: &mut store::Tx<'_>| idempotency::claim_first(tx, &key(), "b", "ord_1");
        claiming.write_step::<Held, StoreError, _>(claim, |_| true).await
    });

    proxy.cut_next(Cut::AfterCommit, false);
    let first = wait_for(first);
    let claim = db.write_blocking::<_, StoreError, _>(move |tx| idempotency::claim_next(tx, &key(), "b", "ord_1"));

    assert!(proxy.has_cut());
    assert!(matches!(first, Err(StoreError::Untouched { .. })), "it was made the first time, and nobody was told");
    assert!(matches!(claim, Ok(Claim::Fresh(_))), "{claim:?}");
}

type Closure = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), StoreError> + Send>;

/// Keeps the one thread that writes busy until what is returned is dropped.
fn busy(db: &Db) -> impl Drop {
    struct Gate(Option<(crossbeam_channel::Sender<()>, std::thread::JoinHandle<()>)>);
    impl Drop for Gate {
        fn drop(&mut self) {
            if let Some((release, held)) = self.0.take() {
                drop(release);
                held.join().unwrap();
            }
        }
    }
    let (release, released) = bounded::<()>(0);
    let (tell, entered) = bounded(1);
    let db = db.clone();
    let held = std::thread::spawn(move || {
        let hold = move |_: &mut Tx<'_>| {
            tell.send(()).unwrap();
            released.recv().ok();
            Ok::<_, StoreError>(())
        };
        db.write_blocking(hold).unwrap();
    });
    entered.recv().unwrap();
    Gate(Some((release, held)))
}

/// Runs closures that have all gathered before the one thread that writes; what each is answered, in their order.
fn together(db: &Db, closures: Vec<Closure>) -> Vec<Result<(), StoreError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let gate = busy(db);
    let count = closures.len();
    let write = |mut closure: Closure| {
        let db = db.clone();
        runtime.spawn(async move { db.write_in_company(move |tx| closure(tx)).await })
    };
    let tasks: Vec<_> = closures.into_iter().map(write).collect();
    wait_until("all are there", || {
        runtime.block_on(tokio::task::yield_now());
        db.stats().write_queue >= count
    });
    drop(gate);
    tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect()
}

fn puts(id: &'static str, runs: &Runs) -> Closure {
    let runs = runs.clone();
    Box::new(move |tx| {
        runs.next();
        tx.execute_later(&PUT, &params![id, 1])?;
        tx.expect_one_last(&ADD, &params!["before", 1], gone())?;
        tx.publish(&ThingPut { id: id.to_owned() })
    })
}

/// Three that put "a", "b" and "c", in company with who cuts the connection at their commit; what all four are answered.
fn three_cut_off(db: &Db, proxy: Proxy, cut: Cut, stays_away: bool) -> Vec<Result<(), StoreError>> {
    let runs = Runs::default();
    let gathered = ["a", "b", "c"].map(|id| puts(id, &runs));
    let cuts: Closure = Box::new(move |_| {
        // Only the first time, when nobody has run yet.
        if runs.count() == 0 {
            proxy.cut_next(cut, stays_away);
        }
        Ok(())
    });
    together(db, std::iter::once(cuts).chain(gathered).collect())
}

fn commits(said: &[u8]) -> usize {
    said.windows(8).filter(|name| name == b"\0commit\0").count()
}

/// What a database holds in the end of three that put "a", "b" and "c".
fn all_three(db: &Db) -> (Vec<String>, Vec<String>, Option<i64>) {
    let mut told = event_keys(db);
    told.sort();
    (ids(db), told, amount(db, "before"))
}

fn three_of(ids: [&str; 4], told: [&str; 3]) -> (Vec<String>, Vec<String>, Option<i64>) {
    (ids.map(str::to_owned).to_vec(), told.map(str::to_owned).to_vec(), Some(4))
}

#[test]
fn those_who_come_together_share_a_commit() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();
    put_of(&db, "known", &runs).unwrap();
    proxy.take_said();

    let written = together(&db, ["a", "b", "c"].map(|id| puts(id, &runs)).into());

    assert_eq!(written, [Ok(()), Ok(()), Ok(())]);
    assert_eq!((commits(&proxy.take_said()), runs.count()), (1, 4));
    assert_eq!(event_keys(&db), ["known", "a", "b", "c"], "in the order in which they came");
    assert_eq!(amount(&db, "before"), Some(5));
}

#[test]
fn who_fails_in_company_fails_alone() {
    let database = TestDatabase::postgres();
    let (db, _proxy) = behind_a_proxy(&database);
    let runs = Runs::default();
    put_now(&db, "x", 1);
    let refuses: Closure = Box::new(|tx| tx.execute_later(&PUT, &params!["never", 1]).and(Err(gone())));
    let panics: Closure = Box::new(|tx| {
        put(tx, "never", 1)?;
        panic!("on purpose")
    });
    let touches_nothing: Closure = Box::new(|tx| tx.expect_one_last(&ADD, &params!["none", 1], gone()));

    for (place, bad) in [puts("x", &runs), refuses, panics, touches_nothing].into_iter().enumerate() {
        let [first, last] = [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]][place];
        let written = together(&db, vec![puts(first, &runs), bad, puts(last, &runs)]);

        assert!(matches!(&written[..], [Ok(()), Err(_), Ok(())]), "{place}: {written:?}");
    }

    assert_eq!(ids(&db), ["a", "b", "before", "c", "d", "e", "f", "g", "h", "x"]);
    assert_eq!((event_keys(&db).len(), amount(&db, "before")), (8, Some(9)));
}

#[test]
fn a_commit_of_a_company_that_did_not_arrive_is_made_by_each() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);

    let written = three_cut_off(&db, proxy, Cut::BeforeCommit, false);

    assert_eq!(written, [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(all_three(&db), three_of(["a", "b", "before", "c"], ["a", "b", "c"]));
}

#[test]
fn a_company_whose_answer_is_lost_tells_each_that_it_stood() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);

    let written = three_cut_off(&db, proxy, Cut::AfterCommit, false);

    assert!(written.iter().skip(1).all(|ended| ended.as_ref().is_err_and(|error| error.violates("things_pkey"))));
    assert_eq!(all_three(&db), three_of(["a", "b", "before", "c"], ["a", "b", "c"]));
}

#[test]
fn a_company_that_nobody_can_be_asked_about_is_unknown() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);

    let written = three_cut_off(&db, proxy, Cut::AfterCommit, true);

    let is_unknown = |ended: &Result<(), StoreError>| matches!(ended, Err(StoreError::OutcomeUnknown { .. }));
    assert!(written.iter().all(is_unknown), "{written:?}");
    let behind = database.open();
    assert_eq!(all_three(&crate::harness::things(&behind)), three_of(["a", "b", "before", "c"], ["a", "b", "c"]));
}

/// Rows that many want are taken in one order by everybody, in whatever order they were asked for.
#[test]
fn what_is_carried_out_last_goes_by_its_parameters() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    ["row-1", "row-2", "row-3"].into_iter().for_each(|id| put_now(&db, id, 1));
    let adds = |first: &'static str, second: &'static str| -> Closure {
        Box::new(move |tx| {
            tx.expect_one_last(&ADD, &params![first, 1], gone())?;
            tx.expect_one_last(&ADD, &params![second, 1], gone())?;
            tx.execute_later(&ADD, &params!["known", 1])
        })
    };
    together(&db, vec![adds("row-1", "row-1"), adds("row-1", "row-1")]).into_iter().for_each(|ended| ended.unwrap());
    proxy.take_said();

    let written = together(&db, vec![adds("row-3", "row-2"), adds("row-2", "row-1")]);

    assert_eq!(written, [Ok(()), Ok(())]);
    let said = proxy.take_said();
    let named: Vec<_> = said.windows(5).filter(|word| word.starts_with(b"row-") || *word == b"known").collect();
    let wanted: [&[u8]; 6] = [b"known", b"known", b"row-1", b"row-2", b"row-2", b"row-3"];
    assert_eq!(named, wanted);
    assert_eq!(["row-1", "row-2", "row-3"].map(|id| amount(&db, id)), [Some(6), Some(3), Some(2)]);
}

#[test]
fn more_than_share_a_transaction_are_all_answered() {
    let database = TestDatabase::postgres();
    let (db, _proxy) = behind_a_proxy(&database);
    let adds = || -> Closure { Box::new(|tx| tx.expect_one_last(&ADD, &params!["before", 1], gone())) };

    let written = together(&db, (0..100).map(|_| adds()).collect());

    assert!(written.iter().all(Result::is_ok));
    assert_eq!((amount(&db, "before"), db.stats().write_queue), (Some(101), 0));
}

#[test]
fn nobody_gathers_for_callers_who_are_gone() {
    let database = TestDatabase::postgres();
    let (db, _proxy) = behind_a_proxy(&database);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let gate = busy(&db);
    let write = |id: &'static str| {
        let db = db.clone();
        runtime.spawn(async move { db.write_in_company(move |tx| put(tx, id, 1)).await })
    };
    let (stays, gone) = (write("stays"), write("gone"));
    runtime.block_on(async { tokio::task::yield_now().await });
    wait_until("both are there", || db.stats().write_queue >= 2);

    gone.abort();
    assert!(runtime.block_on(gone).is_err_and(|ended| ended.is_cancelled()));
    drop(gate);
    let stays: Result<(), StoreError> = runtime.block_on(stays).unwrap();

    assert_eq!((stays, ids(&db)), (Ok(()), vec!["before".to_owned(), "stays".to_owned()]));
    assert_eq!(db.stats().abandoned, 1);
}

/// What the second run fails with says nothing about the first, which stands.
#[test]
fn a_fault_after_a_lost_answer_is_no_verdict() {
    store::statements! { FAULT = "SELECT 1 / $1::bigint"; }
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();
    let put_once = runs.clone();

    proxy.cut_next(Cut::AfterCommit, false);
    let written: Result<(), StoreError> = wait_for(db.write_in_company(move |tx| {
        if put_once.next() > 1 {
            tx.one(&FAULT, &params![0], |_| Ok(()))?;
        }
        tx.execute_later(&PUT, &params!["a", 1])
    }));

    assert!(matches!(written, Err(StoreError::OutcomeUnknown { .. })), "{written:?}");
    assert_eq!((runs.count(), ids(&db)), (2, vec!["a".to_owned(), "before".to_owned()]));
}

/// There is one thread, and those who gather never end.
#[test]
fn everybody_else_has_a_turn_between_two_companies() {
    let database = TestDatabase::postgres();
    let (db, _proxy) = behind_a_proxy(&database);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (tell, order) = bounded(100);
    let gate = busy(&db);
    let gathered: Vec<_> = (0..40)
        .map(|_| {
            let (db, tell) = (db.clone(), tell.clone());
            runtime.spawn(async move { db.write_in_company::<_, StoreError, _>(move |_| Ok(tell.send("many"))).await })
        })
        .collect();
    wait_until("all are there", || {
        runtime.block_on(tokio::task::yield_now());
        db.stats().write_queue >= 40
    });
    let alone = db.clone();
    let alone = std::thread::spawn(move || alone.write_blocking::<_, StoreError, _>(move |_| Ok(tell.send("one"))));
    wait_until("the other is there", || db.stats().write_queue >= 42);

    drop(gate);
    gathered.into_iter().for_each(|task| runtime.block_on(task).unwrap().unwrap().unwrap());
    alone.join().unwrap().unwrap().unwrap();

    let place = order.try_iter().position(|who| who == "one");
    assert!(place.is_some_and(|place| place <= 16), "{place:?}");
}
