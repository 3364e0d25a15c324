//! The trail is only ever added to, and a seal shows when somebody did otherwise.

use serde_json::json;
use store::audit_trail::{self, Fault, Sealed};
use store::{AuditEntry, Db, StoreError, params};
use testkit::TestDatabase;

use crate::harness::{put, put_now, things};

testkit::both_databases!(
    an_entry_stands_with_its_change_or_not_at_all,
    entries_cannot_be_changed_nor_removed,
    a_sealed_entry_cannot_be_sealed_again,
    the_chain_is_whole,
    a_cut_and_a_change_are_found,
);

store::statements! {
    ENTRIES = "SELECT service, actor, action, subject, shop_id, request_id, state_before, state_after \
        FROM audit_trail ORDER BY seq";
    CHANGE = "UPDATE audit_trail SET actor = 'nobody'";
    REMOVE = "DELETE FROM audit_trail";
    RESEAL = "UPDATE audit_trail SET place = place + 100";
}

fn entry(subject: &str) -> AuditEntry {
    AuditEntry::new("usr_1", "things.put", subject)
        .shop("shp_1")
        .request("req_1")
        .before(json!({"n": 1}))
        .after(json!({"n": 2}))
}

fn write(db: &Db, count: usize) {
    for number in 0..count {
        db.write_blocking::<_, StoreError, _>(move |tx| tx.audit(entry(&format!("thg_{number}")))).unwrap();
    }
}

fn seal(db: &Db, limit: u32) -> Sealed {
    db.write_blocking::<_, StoreError, _>(move |tx| audit_trail::seal(tx, limit)).unwrap()
}

fn verify(db: &Db) -> Result<Sealed, Fault> {
    let mut from = Sealed::default();
    loop {
        let start = from.clone();
        let checked =
            db.read_blocking::<_, StoreError, _>(move |snapshot| audit_trail::verify(snapshot, &start, 3)).unwrap();
        match checked {
            Ok(end) if end.rows == 0 => return Ok(end),
            Ok(end) => from = end,
            Err(fault) => return Err(fault),
        }
    }
}

fn an_entry_stands_with_its_change_or_not_at_all(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    write(&db, 1);
    let rolled_back: Result<(), StoreError> = db.write_blocking(|tx| {
        tx.audit(entry("lost"))?;
        put(tx, "a", 1)
    });

    assert!(rolled_back.is_err());
    let entries = db.read_blocking::<_, StoreError, _>(|snapshot| {
        snapshot.list(&ENTRIES, &params![], |row| {
            (0..8).map(|index| row.get::<String>(index)).collect::<Result<Vec<_>, _>>()
        })
    });
    let wanted = ["things", "usr_1", "things.put", "thg_0", "shp_1", "req_1", r#"{"n":1}"#, r#"{"n":2}"#];
    assert_eq!(entries, Ok(vec![wanted.map(str::to_owned).to_vec()]));
}

fn entries_cannot_be_changed_nor_removed(database: &TestDatabase) {
    let db = things(&database.open());
    write(&db, 1);

    for statement in [&CHANGE, &REMOVE] {
        let refused = db.write_blocking::<_, StoreError, _>(move |tx| tx.execute(statement, &params![]));

        assert!(refused.unwrap_err().violates("audit_trail_append_only"), "{}", statement.name);
    }
}

fn a_sealed_entry_cannot_be_sealed_again(database: &TestDatabase) {
    let db = things(&database.open());
    write(&db, 1);
    seal(&db, 10);

    let refused = db.write_blocking::<_, StoreError, _>(|tx| tx.execute(&RESEAL, &params![]));

    assert!(refused.unwrap_err().violates("audit_trail_append_only"));
}

fn the_chain_is_whole(database: &TestDatabase) {
    let db = things(&database.open());
    write(&db, 5);

    assert_eq!(seal(&db, 3).rows, 3);
    write(&db, 1);
    let end = seal(&db, 10);
    assert_eq!((end.place, end.rows, seal(&db, 10).rows), (6, 3, 0));

    let verified = verify(&db).unwrap();
    assert_eq!((verified.place, verified.seal), (6, end.seal));
    assert_eq!(STATEMENTS.len(), 4);
}

/// Somebody with the database in their hands takes the triggers away first.
fn a_cut_and_a_change_are_found(database: &TestDatabase) {
    store::statements! {
        DISARM = "DROP TRIGGER audit_trail_keeps";
        DISARM_TOO = "DROP TRIGGER audit_trail_stands";
        FORGE = "UPDATE audit_trail SET actor = 'usr_2' WHERE place = 4";
        UNFORGE = "UPDATE audit_trail SET actor = 'usr_1' WHERE place = 4";
        CUT = "DELETE FROM audit_trail WHERE place = 2";
    }
    if database.is_postgres() {
        return a_cut_on_a_server(database);
    }
    let store = database.open();
    let (db, kit) = (things(&store), store.kit("nothing", &[]).unwrap());
    let run = |statement| kit.write_blocking::<_, StoreError, _>(move |tx| tx.execute(statement, &params![])).unwrap();
    write(&db, 5);
    seal(&db, 10);
    run(&DISARM);
    run(&DISARM_TOO);

    run(&FORGE);
    let changed = verify(&db);
    run(&UNFORGE);
    run(&CUT);
    let cut = verify(&db);

    assert_eq!(changed.unwrap_err().place, 4);
    assert_eq!(cut.unwrap_err(), Fault { place: 2, reason: "a sealed row is missing" });
    assert_eq!(STATEMENTS.len(), 5);
}

fn a_cut_on_a_server(database: &TestDatabase) {
    store::statements! {
        DISARM = "ALTER TABLE audit_trail DISABLE TRIGGER USER";
        CUT = "DELETE FROM audit_trail WHERE place = 2";
    }
    let store = database.open();
    let (db, kit) = (things(&store), store.kit("nothing", &[]).unwrap());
    write(&db, 3);
    seal(&db, 10);

    for statement in STATEMENTS {
        kit.write_blocking::<_, StoreError, _>(move |tx| tx.execute(statement, &params![])).unwrap();
    }

    assert_eq!(verify(&db).unwrap_err().place, 2);
    assert_eq!((DISARM.name, CUT.name), ("DISARM", "CUT"));
}
