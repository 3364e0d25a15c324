//! What can go wrong with a PostgreSQL server, and what is made of it (decisions 2 and 3).

use std::sync::{Arc, Barrier};
use std::time::Duration;

use crossbeam_channel::bounded;
use kernel::{OsRng, SystemClock};
use store::{Db, Migration, PostgresConfig, Store, StoreConfig, StoreError, params};
use testkit::TestDatabase;

use crate::harness::{ADD, LOCK, Runs, ThingPut, amount, event_keys, ids, put, put_now, things, wait_until};
use crate::proxy::{Cut, Proxy};

store::statements! {
    KILL_ME = "SELECT pg_terminate_backend(pg_backend_pid())";
    TRIP = "SELECT trip($1)";
    SLOW = "SELECT 1 FROM pg_sleep(5)";
    SUM = "SELECT sum(n) FROM things";
    WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
}

/// Raises an error of the server's by its code; only in the first run, since a sequence is not rolled back.
const TRIPWIRE: &str = "
    CREATE SEQUENCE trips;
    CREATE FUNCTION trip(code text) RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('trips') = 1 THEN RAISE EXCEPTION 'tripped' USING ERRCODE = code; END IF;
        RETURN 1;
    END $$";

fn open(config: PostgresConfig) -> Store {
    Store::open(StoreConfig::Postgres(config), Arc::new(SystemClock::new()), Arc::new(OsRng)).unwrap()
}

fn two_things(database: &TestDatabase) -> Db {
    let db = things(&database.open());
    put_now(&db, "a", 0);
    put_now(&db, "b", 0);
    db
}

#[test]
fn a_deadlock_is_run_again_until_both_are_done() {
    let database = TestDatabase::postgres();
    let db = two_things(&database);
    let both_hold_one = Arc::new(Barrier::new(2));

    std::thread::scope(|scope| {
        for order in [["a", "b"], ["b", "a"]] {
            let (db, barrier, runs) = (db.clone(), Arc::clone(&both_hold_one), Runs::default());
            scope.spawn(move || {
                let moved = db.write_blocking::<_, StoreError, _>(move |tx| {
                    tx.execute(&ADD, &params![order[0], 1])?;
                    if runs.next() == 1 {
                        barrier.wait();
                    }
                    tx.execute(&ADD, &params![order[1], 1])
                });
                assert_eq!(moved, Ok(1));
            });
        }
    });

    assert_eq!((amount(&db, "a"), amount(&db, "b")), (Some(2), Some(2)));
    assert_eq!(db.stats().run_again, 1);
}

#[test]
fn a_serialization_failure_is_run_again() {
    let database = TestDatabase::postgres();
    let tripwire = Migration { name: "0002_tripwire", sqlite: "", postgres: TRIPWIRE };
    let migrations = [crate::harness::MIGRATIONS[0], tripwire];
    let db = database.open().db("things", &migrations).unwrap();
    let runs = Runs::default();
    let counted = runs.clone();

    let written = db.write_blocking::<_, StoreError, _>(move |tx| {
        counted.next();
        put(tx, "a", 1)?;
        tx.publish(&ThingPut { id: "a".to_owned() })?;
        tx.one(&TRIP, &params!["40001"], |row| row.get::<i64>(0))
    });

    assert_eq!(written, Ok(Some(1)));
    assert_eq!(runs.count(), 2);
    assert_eq!((ids(&db), event_keys(&db)), (vec!["a".to_owned()], vec!["a".to_owned()]));
}

#[test]
fn a_row_that_is_loaded_to_be_changed_is_locked() {
    let database = TestDatabase::postgres();
    let db = two_things(&database);
    let (locked, first_holds_it) = bounded::<()>(1);
    let first = db.clone();
    let watching = db.clone();

    let holding = std::thread::spawn(move || {
        first.write_blocking::<_, StoreError, _>(move |tx| {
            tx.one(&LOCK, &params!["a"], |row| row.get::<i64>(0))?;
            locked.send(()).unwrap();
            wait_until("somebody waits for the row", || waiting(&watching) > 0);
            tx.execute(&ADD, &params!["a", 1])
        })
    });
    first_holds_it.recv().unwrap();
    let seen = db.write_blocking::<_, StoreError, _>(|tx| tx.one(&LOCK, &params!["a"], |row| row.get::<i64>(0)));

    assert_eq!(seen, Ok(Some(1)), "the row was loaded while another transaction was changing it");
    assert_eq!(holding.join().unwrap(), Ok(1));
}

/// How many transactions wait for a lock.
fn waiting(db: &Db) -> i64 {
    let count = db.read_blocking::<_, StoreError, _>(|snapshot| snapshot.one(&WAITING, &params![], |row| row.get(0)));
    count.unwrap().unwrap_or_default()
}

#[test]
fn what_fails_every_time_is_given_up() {
    let database = TestDatabase::postgres();
    let always = TRIPWIRE.replace("nextval('trips') = 1", "true").leak();
    let tripwire = Migration { name: "0002_tripwire", sqlite: "", postgres: always };
    let db = database.open().db("things", &[crate::harness::MIGRATIONS[0], tripwire]).unwrap();
    let runs = Runs::default();
    let counted = runs.clone();

    let written = db.write_blocking(move |tx| {
        counted.next();
        tx.one(&TRIP, &params!["40P01"], |row| row.get::<i64>(0))
    });

    assert!(matches!(written, Err(StoreError::Busy { .. })), "{written:?}");
    assert_eq!(runs.count(), 6);
}

#[test]
fn a_connection_that_is_killed_before_the_commit_is_run_again() {
    let database = TestDatabase::postgres();
    let db = two_things(&database);
    let runs = Runs::default();
    let counted = runs.clone();

    let written = db.write_blocking::<_, StoreError, _>(move |tx| {
        put(tx, "c", 1)?;
        if counted.next() == 1 {
            tx.one(&KILL_ME, &params![], |_| Ok(()))?;
        }
        tx.publish(&ThingPut { id: "c".to_owned() })
    });
    let reading = Runs::default();
    let read = db.read_blocking::<_, StoreError, _>(move |snapshot| {
        if reading.next() == 1 {
            snapshot.one(&KILL_ME, &params![], |_| Ok(()))?;
        }
        snapshot.one(&crate::harness::COUNT, &params![], |row| row.get::<i64>(0))
    });

    assert_eq!(written, Ok(()));
    assert_eq!(runs.count(), 2);
    assert_eq!(event_keys(&db), ["c"]);
    assert_eq!(read, Ok(Some(3)));
}

#[test]
fn a_connection_that_dies_while_idle_is_not_noticed_by_anybody() {
    let database = TestDatabase::postgres();
    let mut config = config_of(&database);
    config.writers = 1;
    let db = things(&open(config));
    put_now(&db, "a", 1);

    kill_all_others(&database);
    put_now(&db, "b", 1);

    assert_eq!(ids(&db), ["a", "b"]);
}

fn config_of(database: &TestDatabase) -> PostgresConfig {
    match database.config() {
        StoreConfig::Postgres(config) => config,
        StoreConfig::Sqlite(_) => panic!("a PostgreSQL database was made"),
    }
}

fn kill_all_others(database: &TestDatabase) {
    store::statements! {
        KILL_OTHERS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
    }
    let other = database.open().kit("nothing", &[]).unwrap();
    other.write_blocking::<_, StoreError, _>(|tx| tx.one(&KILL_OTHERS, &params![], |_| Ok(()))).unwrap();
    assert_eq!(STATEMENTS.len(), 1);
}

/// A store behind a proxy, with one writer, so that the next COMMIT is the test's.
pub(crate) fn behind_a_proxy(database: &TestDatabase) -> (Db, Proxy) {
    let url = database.url();
    let (start, rest) = url.rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::before(server.to_owned());
    let mut config = config_of(database);
    config.url = format!("{start}@{}/{name}", proxy.address());
    config.writers = 1;
    let db = things(&open(config));
    put_now(&db, "before", 1);
    (db, proxy)
}

fn put_and_tell(db: &Db, runs: &Runs) -> Result<(), StoreError> {
    let runs = runs.clone();
    db.write_blocking(move |tx| {
        runs.next();
        put(tx, "a", 1)?;
        tx.publish(&ThingPut { id: "a".to_owned() })
    })
}

#[test]
fn a_commit_whose_answer_is_lost_is_asked_about() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();

    proxy.cut_next(Cut::AfterCommit, false);
    let written = put_and_tell(&db, &runs);

    assert!(proxy.has_cut());
    assert_eq!(written, Ok(()));
    assert_eq!(runs.count(), 1, "it stood already");
    assert_eq!(event_keys(&db), ["a"]);
}

/// The server says why with a code that nobody here knows.
#[test]
fn a_session_that_the_server_ends_is_not_noticed_by_anybody() {
    let database = TestDatabase::postgres();
    let mut config = config_of(&database);
    config.url = format!("{}?options=-c%20idle_session_timeout%3D100", config.url);
    config.writers = 1;
    let db = things(&open(config));
    put_now(&db, "a", 1);

    wait_until("the server has ended it", || connections(&database, "application_name = 'samovar'") == 0);
    put_now(&db, "b", 1);

    assert_eq!(ids(&db), ["a", "b"]);
}

#[test]
fn a_panic_leaves_nothing_open_on_the_server() {
    let database = TestDatabase::postgres();
    let mut config = config_of(&database);
    config.writers = 1;
    let db = things(&open(config));
    put_now(&db, "a", 1);
    let lock = |panics: bool| -> Result<_, StoreError> {
        db.write_blocking(move |tx| {
            tx.one(&LOCK, &params!["a"], |row| {
                assert!(!panics, "on purpose");
                row.get::<i64>(0)
            })
        })
    };
    assert_eq!(lock(false), Ok(Some(1)));

    assert!(lock(true).is_err());

    // The server ends by itself what lies open for a minute.
    let is_ended = (0..200).any(|_| {
        std::thread::park_timeout(Duration::from_millis(10));
        connections(&database, "state LIKE 'idle in transaction%'") == 0
    });
    assert!(is_ended);
}

/// Longer than a statement may take and its grace: only a migration may.
#[test]
fn a_migration_takes_as_long_as_it_takes() {
    let database = TestDatabase::postgres();
    let mut config = config_of(&database);
    config.statement_timeout = Duration::from_millis(200);
    let slow = "SELECT pg_sleep(5.5)";

    let migrated = open(config).db("slow", &[Migration { name: "0001_slow", sqlite: slow, postgres: slow }]);

    assert!(migrated.is_ok(), "{migrated:?}");
}

#[test]
fn a_commit_that_did_not_arrive_is_run_again() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();

    proxy.cut_next(Cut::BeforeCommit, false);
    let written = put_and_tell(&db, &runs);

    assert!(proxy.has_cut());
    assert_eq!(written, Ok(()));
    assert_eq!(runs.count(), 2);
    assert_eq!(event_keys(&db), ["a"]);
}

#[test]
fn a_commit_that_nobody_can_be_asked_about_is_unknown() {
    let database = TestDatabase::postgres();
    let (db, proxy) = behind_a_proxy(&database);
    let runs = Runs::default();

    proxy.cut_next(Cut::AfterCommit, true);
    let written = put_and_tell(&db, &runs);

    assert!(matches!(written, Err(StoreError::OutcomeUnknown { .. })), "{written:?}");
    assert_eq!(runs.count(), 1, "what may stand must not run again");
    let store = database.open();
    assert_eq!(ids(&things(&store)), ["a", "before"]);
}

#[test]
fn a_server_that_is_not_there_is_waited_for_and_named() {
    let mut config = PostgresConfig::new("postgres://somebody:secret@127.0.0.1:1/samovar");
    config.connect_wait = Duration::from_millis(300);

    let opened = Store::open(StoreConfig::Postgres(config), Arc::new(SystemClock::new()), Arc::new(OsRng));

    let Err(StoreError::Unavailable { reason }) = opened else { panic!("it was opened") };
    assert!(reason.contains("127.0.0.1:1/samovar") && !reason.contains("secret"), "{reason}");
}

#[test]
fn a_database_that_sorts_by_a_language_is_refused() {
    let database = TestDatabase::postgres();
    let unfit = unfit_copy(&database);
    let opened =
        Store::open(StoreConfig::postgres(&unfit.url), Arc::new(SystemClock::new()), Arc::new(OsRng)).map(drop);

    let Err(StoreError::Configuration { reason }) = opened else { panic!("it was opened: {opened:?}") };
    assert!(reason.contains("SQL_ASCII"), "{reason}");
}

/// A database with another encoding beside the test's own.
struct Unfit<'d> {
    url: String,
    beside: &'d TestDatabase,
}

fn unfit_copy(database: &TestDatabase) -> Unfit<'_> {
    let unfit = Unfit { url: format!("{}_ascii", database.url()), beside: database };
    let name = unfit.url.rsplit_once('/').unwrap().1;
    run(
        database,
        &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"),
    );
    unfit
}

impl Drop for Unfit<'_> {
    fn drop(&mut self) {
        let name = self.url.rsplit_once('/').unwrap().1;
        run(self.beside, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }
}

fn run(database: &TestDatabase, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}

/// How many connections of this database another one sees that are so.
fn connections(database: &TestDatabase, so: &str) -> i64 {
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {so}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.query_one(&count, &[]).await.unwrap().get(0)
    })
}

#[test]
fn a_statement_that_takes_too_long_is_ended() {
    let database = TestDatabase::postgres();
    let mut config = config_of(&database);
    config.statement_timeout = Duration::from_millis(200);
    let db = things(&open(config));

    let written = db.write_blocking(|tx| tx.one(&SLOW, &params![], |_| Ok(())));

    assert!(matches!(written, Err(StoreError::Fault { .. })), "it would take as long the next time: {written:?}");
}

#[test]
fn a_row_that_others_keep_for_too_long_is_busy() {
    let database = TestDatabase::postgres();
    let mut config = config_of(&database);
    config.lock_timeout = Duration::from_millis(100);
    let db = two_things(&database);
    let impatient = things(&open(config));
    let (locked, first_holds_it) = bounded::<()>(1);
    let (let_go, may_end) = bounded::<()>(1);

    let written = std::thread::scope(|scope| {
        scope.spawn(|| {
            db.write_blocking::<_, StoreError, _>(move |tx| {
                tx.one(&LOCK, &params!["a"], |row| row.get::<i64>(0))?;
                locked.send(()).unwrap();
                may_end.recv().unwrap();
                Ok(())
            })
            .unwrap();
        });
        first_holds_it.recv().unwrap();
        let written = impatient.write_blocking::<_, StoreError, _>(|tx| tx.execute(&ADD, &params!["a", 1]));
        let_go.send(()).unwrap();
        written
    });

    assert!(matches!(written, Err(StoreError::Busy { .. })), "{written:?}");
    assert_eq!(amount(&db, "a"), Some(0));
}

#[test]
fn a_type_that_is_not_portable_asks_for_a_cast() {
    let database = TestDatabase::postgres();
    let db = two_things(&database);

    let read = db.read_blocking(|snapshot| snapshot.one(&SUM, &params![], |row| row.get::<i64>(0)));

    assert!(matches!(&read, Err(StoreError::Corrupt { reason, .. }) if reason.contains("cast")), "{read:?}");
    assert_eq!(STATEMENTS.len(), 5);
}

#[test]
fn a_statement_prepared_before_a_migration_goes_on_after_it() {
    let database = TestDatabase::postgres();
    store::statements! { WHOLE = "SELECT * FROM boxes"; }
    const WIDER: &str = "ALTER TABLE boxes ADD COLUMN label TEXT";
    let db = things(&database.open());
    let read = || db.read_blocking(|snapshot| snapshot.list(&WHOLE, &params![], |_| Ok(())));
    for _ in 0..4 {
        read().unwrap();
    }

    let newer = [crate::harness::MIGRATIONS[0], Migration { name: "0002_wider", sqlite: WIDER, postgres: WIDER }];
    database.open().db("things", &newer).unwrap();

    for _ in 0..4 {
        read().unwrap();
    }
    assert_eq!(STATEMENTS.len(), 1);
}
