//! Migrations run once, whole, and stand as they were applied.

use std::sync::Arc;

use kernel::{OsRng, SystemClock};
use store::{Migration, Statement, Store, StoreError, Upgrade, params};
use testkit::TestDatabase;

use crate::harness::{MIGRATIONS, ids, put_now, things};

testkit::both_databases!(
    migrations_run_once,
    new_migrations_run_after_old_ones,
    a_changed_migration_is_refused,
    a_missing_migration_is_refused,
    a_failing_migration_leaves_nothing_behind,
    who_only_looks_applies_nothing,
    a_deferred_constraint_is_refused,
    processes_that_start_together_migrate_once,
    a_service_has_a_plain_name,
);

const ONE: &str = "CREATE TABLE one (id TEXT PRIMARY KEY)";
const TWO: &str = "CREATE TABLE two (id TEXT PRIMARY KEY)";

const fn step(name: &'static str, text: &'static str) -> Migration {
    Migration { name, sqlite: text, postgres: text }
}

fn refusal(store: &Store, migrations: &[Migration]) -> String {
    match store.db("numbers", migrations) {
        Err(StoreError::Migration { service, reason }) => {
            assert_eq!(service, "numbers");
            reason
        }
        Ok(_) | Err(_) => panic!("the migrations were not refused"),
    }
}

fn migrations_run_once(database: &TestDatabase) {
    put_now(&things(&database.open()), "a", 1);

    let again = database.open();

    assert_eq!(ids(&things(&again)), ["a"]);
}

fn new_migrations_run_after_old_ones(database: &TestDatabase) {
    store::statements! { PUT = "INSERT INTO two (id) VALUES ($1)"; }
    let store = database.open();
    store.db("numbers", &[step("0001_one", ONE)]).unwrap();

    let db = store.db("numbers", &[step("0001_one", ONE), step("0002_two", TWO)]).unwrap();

    db.prepare_all(STATEMENTS).unwrap();
    assert_eq!(PUT.name, "PUT");
}

fn a_changed_migration_is_refused(database: &TestDatabase) {
    let store = database.open();
    store.db("numbers", &[step("0001_one", ONE)]).unwrap();

    let reason = refusal(&store, &[step("0001_one", "CREATE TABLE one (id TEXT PRIMARY KEY, n BIGINT)")]);

    assert!(reason.contains("0001_one was changed after it had been applied"), "{reason}");
}

fn a_missing_migration_is_refused(database: &TestDatabase) {
    let store = database.open();
    store.db("numbers", &[step("0001_one", ONE), step("0002_two", TWO)]).unwrap();

    let reason = refusal(&store, &[step("0001_one", ONE)]);

    assert!(reason.contains("0002_two is missing"), "{reason}");
}

fn a_failing_migration_leaves_nothing_behind(database: &TestDatabase) {
    let store = database.open();

    let reason = refusal(&store, &[step("0001_one", ONE), step("0002_two", "CREATE TABLE two (")]);
    let mended = store.db("numbers", &[step("0001_one", ONE), step("0002_two", TWO)]);

    assert!(reason.contains("syntax error") || reason.contains("incomplete input"), "{reason}");
    assert!(mended.is_ok());
}

fn who_only_looks_applies_nothing(database: &TestDatabase) {
    let look = || {
        let config = database.config().with_upgrade(Upgrade::Refuse);
        Store::open(config, Arc::new(SystemClock::new()), Arc::new(OsRng))
    };
    let Err(StoreError::Migration { reason: empty, .. }) = look() else { panic!("an empty database was taken") };
    let store = database.open();
    store.db("numbers", &[step("0001_one", ONE)]).unwrap();

    let looking = look().unwrap();
    let refused = refusal(&looking, &[step("0001_one", ONE), step("0002_two", TWO)]);
    let same = looking.db("numbers", &[step("0001_one", ONE)]);

    assert!(empty.contains("0001_kit") && refused.starts_with("0002_two not applied here"), "{empty}; {refused}");
    assert!(same.is_ok(), "nothing new, nothing refused");
    let upgraded = store.db("numbers", &[step("0001_one", ONE), step("0002_two", TWO)]);
    assert!(upgraded.is_ok(), "and it was not there: {upgraded:?}");
}

fn a_deferred_constraint_is_refused(database: &TestDatabase) {
    let text = "CREATE TABLE one (id TEXT PRIMARY KEY, up TEXT REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED)";

    let reason = refusal(&database.open(), &[step("0001_one", text)]);

    assert!(reason.contains("deferred"), "{reason}");
}

fn processes_that_start_together_migrate_once(database: &TestDatabase) {
    std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(|| database.open().db("things", MIGRATIONS))).collect();
        for start in starting {
            start.join().unwrap().unwrap();
        }
    });
}

fn a_service_has_a_plain_name(database: &TestDatabase) {
    let store = database.open();

    for name in ["", "Orders", "a b", "samovar_log", "x\"; DROP"] {
        assert!(matches!(store.db(name, &[]), Err(StoreError::Configuration { .. })), "{name:?}");
    }
}

/// What PostgreSQL compiles into one function it refuses by the names that the rules had, and what a CHECK lets through,
/// NULL also, it lets through.
#[test]
fn compiled_rules_refuse_by_their_names() {
    const TABLE: &str = "CREATE TABLE cups (
        id TEXT PRIMARY KEY, state TEXT NOT NULL, \"order\" BIGINT, full_at BIGINT, size BIGINT NOT NULL,
        CONSTRAINT cups_state_known CHECK (state IN ('empty', 'full')),
        CONSTRAINT \"cups_order'positive\" CHECK (\"order\" > 0),
        CONSTRAINT cups_full_at CHECK (state <> 'full' OR full_at IS NOT NULL))";
    const COMPILED: &str = "SELECT compile_rules('cups')";
    static PUT: Statement = Statement {
        name: "PUT",
        sql: "INSERT INTO cups (id, state, \"order\", full_at, size) VALUES ($1, $2, $3, $4, 1)",
    };
    static RULES: Statement = Statement {
        name: "RULES",
        sql: "SELECT conname::text FROM pg_constraint WHERE contype = 'c' AND conrelid = 'cups'::regclass",
    };
    let database = TestDatabase::postgres();
    let steps = [step("0001_cups", TABLE), step("0002_rules", COMPILED)];
    let db = database.open().db("cups", &steps).unwrap();
    let put = |id: &'static str, state: &'static str, order: Option<i64>, full_at: Option<i64>| {
        db.write_blocking::<_, StoreError, _>(move |tx| tx.execute(&PUT, &params![id, state, order, full_at]))
    };
    let refused = |name: &str| Err(StoreError::Check { constraint: name.to_owned() });

    assert_eq!(put("a", "empty", None, None), Ok(1));
    assert_eq!(put("b", "full", Some(1), Some(1)), Ok(1));
    assert_eq!(put("c", "cold", Some(1), None), refused("cups_state_known"));
    assert_eq!(put("c", "empty", Some(0), None), refused("cups_order'positive"));
    assert_eq!(put("c", "full", None, None), refused("cups_full_at"));
    let rules = db.read_blocking::<_, StoreError, _>(|snapshot| snapshot.list(&RULES, &[], |row| row.get::<String>(0)));
    assert_eq!(rules, Ok(vec!["cups_rules".to_owned()]), "they are checked once");
}
