//! EVT-1 and EVT-5 of auth: what others were told of a person is what is stored of them, and can be read.

use contracts::auth::Profile;
use kernel::Event as _;
use service::{Change, Changes, Check, EventType, Stretch, Telling, events_can_be_read};
use store::{Db, Row, Snapshot, StoreError, params};

use crate::store::sql;

static TYPES: [EventType; 1] = [EventType::of::<Profile>()];

static TELLING: Telling = Telling {
    thing: "user",
    topics: &[Profile::TOPIC],
    changes: registered,
    told: |event| {
        let profile = event.decode::<Profile>().ok()?;
        let says = says(profile.email.as_deref(), profile.name.as_deref(), profile.language.code());
        // A profile does not say which version it is.
        Some(Change { id: profile.user_id.to_string(), version: 1, says })
    },
    happened: |snapshot, change| {
        Ok(snapshot.one(&sql::VERSION_OF_USER, &params![&change.id], |row| row.get::<i64>(0))?.is_some())
    },
};

pub(super) fn checks(db: &Db) -> [Check; 2] {
    [TELLING.check(db), events_can_be_read(db, &TYPES)]
}

fn registered(snapshot: &mut Snapshot<'_>, stretch: &Stretch) -> Result<Changes, StoreError> {
    let wanted = params![stretch.after_id_of::<contracts::User>(), stretch.since, stretch.things];
    let people = snapshot.list(&sql::REGISTERED_SINCE, &wanted, |row| {
        Ok(Change { id: row.get(0)?, version: row.get(1)?, says: said(row)? })
    })?;
    Ok(people.into())
}

fn said(row: &Row<'_>) -> Result<String, StoreError> {
    let (email, name): (String, Option<String>) = (row.get(2)?, row.get(3)?);
    Ok(says(Some(&email), name.as_deref(), &row.get::<String>(4)?))
}

fn says(email: Option<&str>, name: Option<&str>, language: &str) -> String {
    format!("{email:?} {name:?} {language}")
}
