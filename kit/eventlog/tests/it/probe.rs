//! A service that writes down what it hears, and events for it to hear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventlog::{Consumer, Delivered, Failure, Log, Record, Runner, Step};
use kernel::{Clock, Event, SystemClock};
use serde::{Deserialize, Serialize};
use store::{Db, Migration, Store, StoreError, Tx, params, statements};
use testkit::FakeClock;

/// An event of the topic `notes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) key: String,
    pub(crate) number: i64,
}

/// An event of the topic `memos`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memo {
    pub(crate) key: String,
    pub(crate) number: i64,
}

impl Event for Note {
    const TOPIC: &'static str = "notes";
    const TYPE: &'static str = "samovar.probe.note.v1";
    const SOURCE: &'static str = "/probe";

    fn key(&self) -> String {
        self.key.clone()
    }
}

impl Event for Memo {
    const TOPIC: &'static str = "memos";
    const TYPE: &'static str = "samovar.probe.memo.v1";
    const SOURCE: &'static str = "/probe";

    fn key(&self) -> String {
        self.key.clone()
    }
}

const TABLES: &str = "
    CREATE TABLE heard (
        place BIGINT PRIMARY KEY,
        consumer TEXT NOT NULL,
        event_id TEXT NOT NULL,
        key TEXT NOT NULL,
        number BIGINT NOT NULL
    );
    CREATE TABLE counters (key TEXT PRIMARY KEY, number BIGINT NOT NULL);";

pub(crate) static MIGRATIONS: &[Migration] = &[Migration { name: "0001_probe", sqlite: TABLES, postgres: TABLES }];

statements! {
    /// Without any constraint on the event: hearing one twice is to be seen.
    HEAR = "
        INSERT INTO heard (place, consumer, event_id, key, number)
        SELECT COALESCE(MAX(place), 0) + 1, $1, $2, $3, $4 FROM heard";
    HEARD = "SELECT key, number FROM heard WHERE consumer = $1 ORDER BY place";
    COUNT_UP = "
        INSERT INTO counters (key, number) VALUES ($1, 1)
        ON CONFLICT (key) DO UPDATE SET number = counters.number + 1
        RETURNING number";
    LATEST = "SELECT COALESCE(MAX(seq), 0) FROM events";
}

/// A process: its own connections, nothing in memory.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) log: Log,
    pub(crate) db: Db,
    pub(crate) clock: FakeClock,
    store: Store,
}

impl Process {
    pub(crate) fn start(store: Store, clock: FakeClock) -> Self {
        let log = Log::open(&store).unwrap();
        let db = store.db("probe", MIGRATIONS).unwrap();
        Self { log, db, clock, store }
    }

    /// The store goes away under everybody.
    pub(crate) fn shut_down(&self) {
        self.store.shutdown();
    }

    /// Publishes notes in one transaction.
    pub(crate) fn publish(&self, notes: &[(&str, i64)]) {
        let notes: Vec<Note> = notes.iter().map(|(key, number)| note(key, *number)).collect();
        self.db
            .write_blocking(move |tx| notes.iter().try_for_each(|note| tx.publish(note)))
            .unwrap_or_else(|error: StoreError| panic!("publishing failed: {error}"));
    }

    /// Publishes any event in a transaction of its own.
    pub(crate) fn publish_one<E: Event + Clone>(&self, event: &E) {
        let event = event.clone();
        self.db.write_blocking(move |tx| tx.publish(&event)).unwrap();
    }

    /// Publishes a note and changes its mind.
    pub(crate) fn roll_back(&self, key: &str) {
        let note = note(key, -1);
        let result: Result<(), StoreError> = self.db.write_blocking(move |tx| {
            tx.publish(&note)?;
            Err(StoreError::Busy { reason: "the test changed its mind".into() })
        });
        assert!(result.is_err());
    }

    /// A runner with one consumer.
    pub(crate) fn runner(&self, consumer: Consumer) -> Runner {
        let mut runner = self.log.runner();
        runner.add(&self.db, consumer);
        runner
    }

    /// What a consumer wrote down, in the order it did.
    pub(crate) fn heard(&self, consumer: &'static str) -> Vec<(String, i64)> {
        self.db
            .read_blocking(move |snapshot| {
                snapshot.list(&HEARD, &params![consumer], |row| Ok::<_, StoreError>((row.get(0)?, row.get(1)?)))
            })
            .unwrap()
    }

    /// What a consumer wrote down about a key.
    pub(crate) fn heard_of(&self, consumer: &'static str, key: &str) -> Vec<i64> {
        let of_key = |(heard_key, number): (String, i64)| (heard_key == key).then_some(number);
        self.heard(consumer).into_iter().filter_map(of_key).collect()
    }

    /// Steps until nothing is left to do at this time.
    pub(crate) fn drain(&self, runner: &mut Runner) {
        let latest = self.db.read_blocking(|snapshot| snapshot.one(&LATEST, &[], |row| row.get::<i64>(0)));
        let latest = latest.unwrap_or_else(|error: StoreError| panic!("{error}")).unwrap();
        let patience = Patience::new("the log to come to rest");
        loop {
            let idle = matches!(runner.step(self.clock.now()), Step::Idle { .. });
            if idle && self.log.advance().unwrap() >= latest {
                break;
            }
            patience.check();
        }
        // What became readable between the last step and the look at the end.
        while let Step::Worked(_) = runner.step(self.clock.now()) {
            patience.check();
        }
    }

    /// The invariants of the log.
    pub(crate) fn assert_audit_is_clean(&self) {
        let findings = self.db.read_blocking(|snapshot| {
            let mut findings = eventlog::audit::evt_2(snapshot)?;
            findings.extend(eventlog::audit::evt_3(snapshot)?);
            findings.extend(eventlog::audit::undelivered(snapshot)?);
            findings.extend(eventlog::audit::evt_4(snapshot)?);
            Ok::<_, StoreError>(findings)
        });
        assert_eq!(findings.unwrap(), []);
    }
}

pub(crate) fn note(key: &str, number: i64) -> Note {
    Note { key: key.to_owned(), number }
}

/// Writes a note down.
pub(crate) fn hear(tx: &mut Tx<'_>, consumer: &str, event: &Delivered) -> Result<(), Failure> {
    let note: Note = event.decode()?;
    tx.execute(&HEAR, &params![consumer, &event.id, &note.key, note.number])?;
    Ok(())
}

/// A consumer that writes every note down in the transaction of its position.
pub(crate) fn scribe(name: &'static str) -> Consumer {
    Consumer::apply(name, &[Note::TOPIC], move |tx, event| hear(tx, name, event))
}

/// A consumer that writes all notes of a transaction down together, unless one of them fails.
pub(crate) fn scribe_all<F>(name: &'static str, topics: &[&'static str], fails: F) -> Consumer
where
    F: Fn(&Delivered) -> Result<(), Failure> + Send + Sync + 'static,
{
    Consumer::apply_all(name, topics, move |tx, events| {
        let notes: Vec<Note> = events.iter().map(|event| event.decode()).collect::<Result<_, _>>()?;
        let rows: Vec<_> = events
            .iter()
            .zip(&notes)
            .map(|(event, note)| params![name, &event.id, &note.key, note.number].into())
            .collect();
        tx.execute_many(&HEAR, &rows)?;
        events.iter().try_for_each(|event| fails(event))
    })
}

/// The record of an effect that writes the note down.
pub(crate) fn record(name: &'static str, event: &Delivered) -> Record {
    let event = event.clone();
    Box::new(move |tx| hear(tx, name, &event))
}

/// Something that several calls write to and the test reads.
#[derive(Clone, Debug)]
pub(crate) struct Journal<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Journal<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// The bound of a wait for a condition.
pub(crate) struct Patience {
    clock: SystemClock,
    what: &'static str,
}

impl Patience {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { clock: SystemClock::new(), what }
    }

    /// Gives others a turn.
    pub(crate) fn check(&self) {
        assert!(self.clock.elapsed() < Duration::from_secs(150), "waited too long for {}", self.what);
        std::thread::yield_now();
    }

    pub(crate) fn until(&self, mut met: impl FnMut() -> bool) {
        while !met() {
            self.check();
        }
    }
}
