//! A long day of a log with everything going wrong, from a seed: the audit after each thing that happens, and every
//! event where it belongs at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventlog::{Consumer, DeadLetter, DeadLetterKey, DeadLetterQuery, Delivered, Failure, KEPT_FOR, Runner};
use kernel::{Clock, Event, Rng};
use store::{Mode, StoreConfig, StoreError};
use testkit::{FakeClock, SeededRng, TestDatabase};

use crate::probe::{Note, Process, hear, record, scribe_all};

const STEPS: usize = 1000;
const KEYS: u64 = 6;
const CONSUMERS: [&str; 3] = ["probe.apply", "probe.effect", "probe.apply-all"];

/// What is broken at the moment.
#[derive(Default)]
struct Weather {
    poisoned: BTreeSet<String>,
    bank_is_away: bool,
}

impl Weather {
    fn strikes(&self, event: &Delivered) -> Result<(), Failure> {
        if self.bank_is_away {
            return Err(Failure::Unavailable { destination: "bank", reason: "it rains".into() });
        }
        if self.poisoned.contains(&event.key) {
            let reason = "it is poisoned".to_owned();
            return Err(if event.seq % 5 == 0 { Failure::GiveUp(reason) } else { Failure::Retry(reason) });
        }
        Ok(())
    }
}

struct Day<'d> {
    database: &'d TestDatabase,
    clock: FakeClock,
    rng: SeededRng,
    weather: Arc<Mutex<Weather>>,
    process: Process,
    runner: Runner,
    published: BTreeMap<String, i64>,
    dropped: BTreeSet<(String, String, i64)>,
}

impl<'d> Day<'d> {
    fn begin(database: &'d TestDatabase, seed: u64) -> Self {
        let (clock, rng, weather) = (FakeClock::default(), SeededRng::new(seed), Arc::default());
        let (process, runner) = start(database, &clock, &rng, &weather);
        Self { database, clock, rng, weather, process, runner, published: BTreeMap::new(), dropped: BTreeSet::new() }
    }

    fn below(&self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn key(&self) -> String {
        format!("key-{}", self.below(KEYS))
    }

    /// One thing happens.
    fn happen(&mut self) {
        match self.below(20) {
            0..=4 => self.publish(),
            5 => self.process.roll_back(&self.key()),
            6 => {
                let key = self.key();
                self.weather.lock().unwrap().poisoned.insert(key);
            }
            7 | 8 => self.weather.lock().unwrap().poisoned.clear(),
            9 => self.weather.lock().unwrap().bank_is_away ^= true,
            10 => (self.process, self.runner) = start(self.database, &self.clock, &self.rng, &self.weather),
            11 => self.clock.advance(Duration::from_secs(self.below(100))),
            12 => self.treat_a_dead_letter(),
            13 if self.below(10) == 0 => {
                self.clock.advance(KEPT_FOR);
                self.process.log.prune(self.clock.now(), 0).map(drop).unwrap();
            }
            _ => {
                let _ = self.runner.step(self.clock.now());
                self.clock.advance(Duration::from_millis(self.below(500)));
            }
        }
    }

    fn publish(&mut self) {
        for _ in 0..=self.below(8) {
            let key = self.key();
            let number = self.published.entry(key.clone()).or_default();
            *number += 1;
            self.process.publish(&[(&key, *number)]);
        }
    }

    fn dead_letters(&self) -> Vec<DeadLetter> {
        self.process.log.dead_letters(DeadLetterQuery::default()).unwrap()
    }

    fn treat_a_dead_letter(&mut self) {
        let Some(letter) = self.dead_letters().into_iter().next() else { return };
        let id = DeadLetterKey { consumer: letter.consumer.clone(), seq: letter.seq };
        if self.below(2) == 0 {
            self.process.log.replay_dead_letter(&id, "usr_1").unwrap();
        } else {
            self.process.log.drop_dead_letter(&id, "usr_1").unwrap();
            let note: Note = serde_json::from_str(&letter.payload).unwrap();
            self.dropped.insert((letter.consumer, note.key, note.number));
        }
    }

    /// What holds at every commit.
    fn audit(&self) {
        let findings = self.process.db.read_blocking(|snapshot| {
            let mut findings = eventlog::audit::evt_2(snapshot)?;
            findings.extend(eventlog::audit::evt_3(snapshot)?);
            findings.extend(eventlog::audit::evt_4(snapshot)?);
            Ok::<_, StoreError>(findings)
        });
        assert_eq!(findings.unwrap(), []);
    }

    /// The weather clears, and every dead letter gets its tries again.
    fn end(&mut self) {
        *self.weather.lock().unwrap() = Weather::default();
        for _ in 0..50 {
            for letter in self.dead_letters() {
                let id = DeadLetterKey { consumer: letter.consumer, seq: letter.seq };
                self.process.log.replay_dead_letter(&id, "usr_1").unwrap();
            }
            self.process.drain(&mut self.runner);
            self.clock.advance(Duration::from_secs(31));
        }
        self.process.assert_audit_is_clean();
        for consumer in CONSUMERS {
            for (key, last) in &self.published {
                let dropped = |number: &i64| self.dropped.contains(&(consumer.to_owned(), key.clone(), *number));
                let expected: Vec<i64> = (1..=*last).filter(|number| !dropped(number)).collect();
                assert_eq!(self.process.heard_of(consumer, key), expected, "{consumer}, {key}");
            }
        }
    }
}

fn start(
    database: &TestDatabase,
    clock: &FakeClock,
    rng: &SeededRng,
    weather: &Arc<Mutex<Weather>>,
) -> (Process, Runner) {
    let mut config = database.config();
    if let StoreConfig::Sqlite(config) = &mut config {
        config.mode = Mode::Inline;
    }
    let store = store::Store::open(config, clock.shared(), rng.shared()).unwrap();
    let process = Process::start(store, clock.clone());
    let mut runner = process.log.runner();
    let for_apply = Arc::clone(weather);
    runner.add(
        &process.db,
        Consumer::apply(CONSUMERS[0], &[Note::TOPIC], move |tx, event| {
            hear(tx, CONSUMERS[0], event)?;
            for_apply.lock().unwrap().strikes(event)
        }),
    );
    let for_all = Arc::clone(weather);
    runner.add(
        &process.db,
        scribe_all(CONSUMERS[2], &[Note::TOPIC], move |event| for_all.lock().unwrap().strikes(event)),
    );
    let for_effect = Arc::clone(weather);
    runner.add(
        &process.db,
        Consumer::effect(CONSUMERS[1], &[Note::TOPIC], move |event| {
            for_effect.lock().unwrap().strikes(event)?;
            Ok(record(CONSUMERS[1], event))
        }),
    );
    (process, runner)
}

/// `SAMOVAR_SEED` runs another day.
#[test]
fn whatever_happens_every_event_ends_where_it_belongs() {
    let seed = std::env::var("SAMOVAR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("seed {seed}");
    let database = TestDatabase::sqlite();
    let mut day = Day::begin(&database, seed);
    for _ in 0..STEPS {
        day.happen();
        day.audit();
    }
    day.end();
    assert!(day.published.values().sum::<i64>() > 500, "a day on which nothing happens proves nothing");
}
