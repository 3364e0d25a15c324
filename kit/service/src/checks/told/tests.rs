//! Whatever fits into memory at once, the same is found.

use kernel::Event;
use store::{Db, Migration, params};
use testkit::TestDatabase;

use super::{Change, Changes, Stretch, Telling};
use crate::Finding;

store::statements! {
    PUT = "INSERT INTO things (id) VALUES ($1)";
    AFTER = "SELECT id FROM things WHERE id > $1 ORDER BY id LIMIT 1";
    IS_THERE = "SELECT id FROM things WHERE id = $1";
}

static TABLE: &str = "CREATE TABLE things (id TEXT PRIMARY KEY);";
static MIGRATIONS: &[Migration] = &[Migration { name: "0001_things", sqlite: TABLE, postgres: TABLE }];

#[derive(serde::Serialize, serde::Deserialize)]
struct ThingMade {
    id: String,
}

impl Event for ThingMade {
    const TOPIC: &'static str = "things";
    const TYPE: &'static str = "samovar.thing.v1";
    const SOURCE: &'static str = "/things";

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// Things are looked at one by one; `h` never changed.
static TELLING: Telling = Telling {
    thing: "thing",
    topics: &[ThingMade::TOPIC],
    changes: |snapshot, stretch: &Stretch| {
        let last_id: Option<String> = snapshot.one(&AFTER, &params![&stretch.after_id], |row| row.get(0))?;
        let changes = last_id.iter().filter(|id| *id != "h").map(|id| change(id)).collect();
        Ok(Changes { changes, last_id })
    },
    told: |event| Some(change(&event.decode::<ThingMade>().ok()?.id)),
    happened: |snapshot, change| {
        Ok(snapshot.one(&IS_THERE, &params![&change.id], |row| row.get::<String>(0))?.is_some())
    },
};

fn change(id: &str) -> Change {
    Change { id: id.to_owned(), version: 1, says: "made".to_owned() }
}

testkit::both_databases!(however_few_changes_are_held_at_once_the_same_is_found);

/// Nobody was told of `b` and `e`; of `a`, `i` and `zz` there is nothing but news.
fn things(database: &TestDatabase) -> Db {
    let db = database.open().db("things", MIGRATIONS).unwrap();
    let written: Result<(), store::StoreError> = db.write_blocking(|tx| {
        for id in ["b", "c", "d", "e", "h", "j"] {
            tx.execute(&PUT, &params![id])?;
        }
        for id in ["j", "zz", "d", "h", "a", "c", "d", "i"] {
            tx.publish(&ThingMade { id: id.to_owned() })?;
        }
        Ok(())
    });
    written.unwrap();
    db
}

fn however_few_changes_are_held_at_once_the_same_is_found(database: &TestDatabase) {
    let db = things(database);

    for changes_max in 1..=7 {
        let mut found: Vec<String> = TELLING.compare(&db, changes_max).unwrap().iter().map(words).collect();

        found.sort_unstable();
        let untold = ["b", "e"].map(|id| format!("thing {id}: no event tells what its version 1 is"));
        let made_up = ["a", "i", "zz"].map(|id| format!("tells of version 1 of thing {id}, which never came to be"));
        assert_eq!(found, [&made_up[..], &untold].concat(), "{changes_max} at once");
    }
}

/// Events have another id in each run.
fn words(finding: &Finding) -> String {
    let of_event = finding.subject.starts_with("event ");
    if of_event { finding.message.clone() } else { format!("{}: {}", finding.subject, finding.message) }
}
