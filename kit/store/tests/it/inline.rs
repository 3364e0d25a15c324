//! The whole store on one thread: what a simulation stands on (decision 9).

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::Rng;
use store::{Db, Mode, SqliteConfig, Store, StoreConfig, StoreError, params};
use testkit::{FakeClock, SeededRng};

use crate::harness::{ADD, EVENTS, PUT, TOTAL, ThingPut, things};

const STEPS: usize = 1_000;
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// What the table should hold, kept beside it.
type Model = BTreeMap<&'static str, i64>;

#[test]
fn a_thousand_seeded_steps_match_their_model_and_repeat_exactly() {
    let seed = 0x5A_30_7A_12;

    assert_eq!(run(seed), run(seed), "seed {seed:#x} took two ways");
    assert_ne!(run(seed), run(seed + 1));
}

/// The events of a run: their ids come from the seed, so that two runs are alike to the last byte.
fn run(seed: u64) -> Vec<(String, i64, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (clock, rng) = (FakeClock::default(), SeededRng::new(seed));
    let mut config = SqliteConfig::new(folder.path().join("samovar.db"));
    config.mode = Mode::Inline;
    let store = Store::open(StoreConfig::Sqlite(config), clock.shared(), rng.shared()).unwrap();
    let db = things(&store);
    let mut model = Model::new();
    for step in 0..STEPS {
        let name = NAMES[usize::try_from(rng.next_u64() % 8).unwrap()];
        let by = i64::try_from(rng.next_u64() % 7).unwrap() - 3;
        take_step(&db, &mut model, name, by);
        clock.advance(Duration::from_millis(rng.next_u64() % 50));
        let total = db.read_blocking::<_, StoreError, _>(|snapshot| snapshot.one(&TOTAL, &params![], |row| row.get(0)));
        assert_eq!(total, Ok(Some(model.values().sum::<i64>())), "seed {seed:#x}, step {step}");
    }
    db.read_blocking::<_, StoreError, _>(|snapshot| {
        snapshot.list(&EVENTS, &params![], |row| Ok((row.get(1)?, row.get(6)?, row.get(5)?)))
    })
    .unwrap()
}

/// Puts a thing that is new, moves one that is there; what would go below zero is rejected by the constraint.
fn take_step(db: &Db, model: &mut Model, name: &'static str, by: i64) {
    let known = model.get(name).copied();
    let written: Result<(), StoreError> = db.write_blocking(move |tx| {
        tx.publish(&ThingPut { id: name.to_owned() })?;
        let statement = if known.is_none() { &PUT } else { &ADD };
        tx.execute(statement, &params![name, by]).map(drop)
    });
    let wanted = known.unwrap_or(0) + by;
    match written {
        Ok(()) => drop(model.insert(name, wanted)),
        Err(error) => assert!(wanted < 0 && error.violates("things_n_not_negative"), "{error:?}"),
    }
}
