//! Timers: once at a time however many instances run, and a holder that wakes up late is refused.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use service::{GO_ON_AFTER, Progress, Timer, TimerLoop, Turn};
use store::lease::{self, Lease};
use store::{Db, StoreError};
use testkit::{FakeClock, SeededRng, TestDatabase};

const EVERY: Duration = Duration::from_secs(60);

testkit::both_databases!(
    a_timer_runs_at_its_interval,
    work_that_a_turn_left_unfinished_goes_on_a_moment_later,
    of_two_instances_one_runs,
    another_instance_takes_over_a_dead_one,
    a_holder_that_wakes_up_late_is_refused,
    a_released_timer_passes_on_at_once,
    a_failed_turn_does_not_stop_the_timer,
    every_instance_refreshes_its_own_memory,
);

fn db(database: &TestDatabase, clock: &FakeClock) -> Db {
    let store = database.open_with(clock.shared(), SeededRng::new(7).shared());
    store.db("ticking", &[]).expect("a service without tables")
}

fn counting(runs: &Arc<AtomicU32>) -> Timer {
    let runs = Arc::clone(runs);
    Timer::new("ticking.count", EVERY, move |_| {
        runs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    })
}

fn instance(timer: &Timer, db: &Db, owner: &str) -> TimerLoop {
    TimerLoop::new(timer.clone(), db.clone(), owner.to_owned())
}

fn a_timer_runs_at_its_interval(database: &TestDatabase) {
    let (clock, runs) = (FakeClock::default(), Arc::default());
    let db = db(database, &clock);
    let mut timer = instance(&counting(&runs), &db, "a");

    assert_eq!(timer.step(), Turn::Done, "the first turn is due at once");
    assert_eq!(timer.step(), Turn::NotDue(EVERY));
    clock.advance(EVERY - Duration::from_secs(1));
    assert_eq!(timer.step(), Turn::NotDue(Duration::from_secs(1)));
    clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    clock.advance(Duration::from_secs(1));

    assert_eq!(timer.step(), Turn::Done, "setting the wall clock back does not stop a timer");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

fn work_that_a_turn_left_unfinished_goes_on_a_moment_later(database: &TestDatabase) {
    let clock = FakeClock::default();
    let db = db(database, &clock);
    let parts = AtomicU32::new(0);
    let timer = Timer::in_parts("ticking.parts", EVERY, move |_| {
        let is_last = parts.fetch_add(1, Ordering::SeqCst) == 1;
        Ok(if is_last { Progress::Finished } else { Progress::Unfinished })
    });
    let mut timer = instance(&timer, &db, "a");

    assert_eq!((timer.step(), timer.step()), (Turn::DoneInPart, Turn::NotDue(GO_ON_AFTER)));
    clock.advance(GO_ON_AFTER);

    assert_eq!((timer.step(), timer.step()), (Turn::Done, Turn::NotDue(EVERY)));
}

fn of_two_instances_one_runs(database: &TestDatabase) {
    let (clock, runs) = (FakeClock::default(), Arc::default());
    let db = db(database, &clock);
    let timer = counting(&runs);
    let (mut first, mut second) = (instance(&timer, &db, "a"), instance(&timer, &db, "b"));

    for _ in 0..10 {
        assert_eq!((first.step(), second.step()), (Turn::Done, Turn::HeldElsewhere));
        clock.advance(EVERY);
    }

    assert_eq!(runs.load(Ordering::SeqCst), 10);
}

fn another_instance_takes_over_a_dead_one(database: &TestDatabase) {
    let (clock, runs) = (FakeClock::default(), Arc::default());
    let db = db(database, &clock);
    let timer = counting(&runs);
    assert_eq!(instance(&timer, &db, "dies at once").step(), Turn::Done);
    let mut second = instance(&timer, &db, "b");

    let mut waited = Duration::ZERO;
    while second.step() != Turn::Done {
        clock.advance(Duration::from_secs(1));
        waited += Duration::from_secs(1);
        assert!(waited <= EVERY + Duration::from_secs(40), "nobody took over");
    }

    assert!(waited >= EVERY, "the lease of a living instance is not taken away");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// The effect of [`frozen`]: made only by whoever still holds the lease.
fn effect(db: &Db, held: &Lease) -> Result<(), StoreError> {
    let held = held.clone();
    db.write_blocking(move |tx| lease::check(tx, &held))
}

fn a_holder_that_wakes_up_late_is_refused(database: &TestDatabase) {
    let clock = FakeClock::default();
    let db = db(database, &clock);
    let held = Arc::new(Mutex::new(Vec::<Lease>::new()));
    let (leases, tables) = (Arc::clone(&held), db.clone());
    let timer = Timer::fenced("ticking.fenced", EVERY, move |_, lease| {
        leases.lock().unwrap().push(lease.clone());
        effect(&tables, lease).map_err(|e| e.to_string())
    });
    let (mut first, mut second) = (instance(&timer, &db, "a"), instance(&timer, &db, "b"));

    assert_eq!(first.step(), Turn::Done);
    clock.advance(EVERY * 10);
    assert_eq!(second.step(), Turn::Done);

    let held = held.lock().unwrap();
    let (frozen, current) = (&held[0], &held[1]);
    assert!(frozen.token < current.token, "{frozen:?} {current:?}");
    assert!(matches!(effect(&db, frozen), Err(StoreError::LeaseLost { .. })), "a stale token has no effect");
    assert!(effect(&db, current).is_ok());
    drop(held);
    assert_eq!(first.step(), Turn::HeldElsewhere, "and the one that was frozen does not go on");
}

fn a_released_timer_passes_on_at_once(database: &TestDatabase) {
    let (clock, runs) = (FakeClock::default(), Arc::default());
    let db = db(database, &clock);
    let timer = counting(&runs);
    let (mut first, mut second) = (instance(&timer, &db, "a"), instance(&timer, &db, "b"));
    assert_eq!(first.step(), Turn::Done);

    first.release();

    assert_eq!(second.step(), Turn::Done);
}

fn a_failed_turn_does_not_stop_the_timer(database: &TestDatabase) {
    let clock = FakeClock::default();
    let db = db(database, &clock);
    let turns = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&turns);
    let timer = Timer::new("ticking.fails", EVERY, move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Err("the bank is away".to_owned()),
        1 => panic!("on purpose"),
        _ => Ok(()),
    });
    let mut timer = instance(&timer, &db, "a");

    let turns = [(); 3].map(|()| {
        let turn = timer.step();
        clock.advance(EVERY);
        turn
    });

    let failed = |reason: &str| Turn::Failed(reason.to_owned());
    assert_eq!(turns, [failed("the bank is away"), failed("the work panicked"), Turn::Done]);
}

fn every_instance_refreshes_its_own_memory(database: &TestDatabase) {
    let clock = FakeClock::default();
    let db = db(database, &clock);
    let timer = Timer::each_instance("ticking.refresh", EVERY, |_| Ok(()));

    let turns = ["a", "b"].map(|owner| instance(&timer, &db, owner).step());

    assert_eq!(turns, [Turn::Done, Turn::Done]);
}
