//! A disk that is full, a file that is damaged: the process stops, and nobody is told that all is well.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use kernel::{OsRng, SystemClock};
use store::{Db, Hooks, SqliteConfig, Store, StoreConfig, StoreError, params};

use crate::harness::{PUT_WHOLE, TOTAL, ids, put, things};

/// A store whose fatal hook writes down what it is told.
struct Watched {
    store: Store,
    told: Arc<Mutex<Vec<String>>>,
}

fn watched(mut config: SqliteConfig) -> Watched {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    config.hooks = Hooks {
        fatal: Arc::new(move |reason: &str| telling.lock().unwrap().push(reason.to_owned())),
        ..Hooks::default()
    };
    let store = Store::open(StoreConfig::Sqlite(config), Arc::new(SystemClock::new()), Arc::new(OsRng)).unwrap();
    Watched { store, told }
}

fn put_large(db: &Db, id: String) -> Result<(), StoreError> {
    let label = format!("{id}{}", "x".repeat(1000));
    db.write_blocking(move |tx| {
        let rest = params![&label, None::<f64>, None::<&str>, None::<&str>, None::<i64>];
        let [label, weight, in_box, shelf, place] = rest;
        tx.execute(&PUT_WHOLE, &params![&id, 1, label, weight, in_box, shelf, place]).map(drop)
    })
}

#[test]
fn a_full_disk_stops_the_store_and_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");
    let mut config = SqliteConfig::new(&path);
    config.pages_max = Some(100);
    let Watched { store, told } = watched(config);
    let db = things(&store);

    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let db = db.clone();
                scope.spawn(move || {
                    let names = (0..400).map(|number| format!("{writer}-{number:03}"));
                    names.filter(|id| put_large(&db, id.clone()).is_ok()).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });

    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("full"), "{told:?}");
    assert!(matches!(db.write_blocking(|tx| put(tx, "late", 1)), Err(StoreError::Stopped { .. })));
    drop((db, store));
    let mut stored = ids(&things(&watched(SqliteConfig::new(&path)).store));
    stored.retain(|id| !acknowledged.contains(id));
    assert!(!acknowledged.is_empty() && acknowledged.len() < 1600);
    assert_eq!(stored, [""; 0], "kept without an answer");
}

#[test]
fn a_damaged_page_stops_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");
    {
        let Watched { store, .. } = watched(SqliteConfig::new(&path));
        let db = things(&store);
        for number in 0..300 {
            put_large(&db, format!("{number:03}")).unwrap();
        }
    }
    let Watched { store, told } = watched(SqliteConfig::new(&path));
    let db = things(&store);

    damage(&path);
    let read = db.read_blocking(|snapshot| snapshot.one(&TOTAL, &params![], |row| row.get::<i64>(0)));
    let written = db.write_blocking(|tx| tx.one(&TOTAL, &params![], |row| row.get::<i64>(0)));

    assert!(matches!(read, Err(StoreError::Stopped { .. })), "{read:?}");
    assert!(matches!(written, Err(StoreError::Stopped { .. })), "{written:?}");
    assert!(told.lock().unwrap().iter().all(|reason| reason.contains("malformed")));
    assert_eq!(told.lock().unwrap().len(), 2);
}

/// Overwrites everything behind the schema's first pages.
fn damage(path: &Path) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let start = 4096 * 60;
    assert!(length > start);
    file.seek(SeekFrom::Start(4096 * 60)).unwrap();
    file.write_all(&vec![0xAB; length - start]).unwrap();
}

#[test]
fn what_is_not_a_database_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");
    std::fs::write(&path, "not a database, but long enough to be mistaken for one at first sight".repeat(100)).unwrap();

    let opened = Store::open(StoreConfig::sqlite(&path), Arc::new(SystemClock::new()), Arc::new(OsRng));

    let Err(StoreError::Configuration { reason }) = opened else { panic!("it was opened") };
    assert!(reason.contains("samovar.db") && reason.contains("not a database"), "{reason}");
}
