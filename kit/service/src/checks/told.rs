//! EVT-1 and EVT-5: what the events of a service say, against its rows and against the types that read them.

use std::collections::BTreeMap;

use eventlog::{Delivered, Failure, audit};
use kernel::{Event, Timestamp};
use store::{Db, Snapshot, StoreError};

use super::{Check, Finding};

/// So many findings of a kind say enough.
const FINDINGS_MAX: usize = 100;

/// Changes in one stretch.
const STRETCH: u32 = 500;

/// A change of a thing, as its row has it or as an event tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The thing's id.
    pub id: String,
    /// The version that the change made, as far as whoever says so knows it.
    pub version: i64,
    /// What it is since. A row and its event say it in the same words; never shown, since it may be personal.
    pub says: String,
}

/// Which changes are wanted next.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Those made at this time or later: their events are surely kept.
    pub since: Timestamp,
    /// Those that come after this id …
    pub after_id: String,
    /// … and version, in the order of both.
    pub after_version: i64,
    /// At most so many.
    pub rows: u32,
}

/// One kind of thing, and how its changes are told (EVT-1).
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    /// `order`.
    pub thing: &'static str,
    /// Where they are told.
    pub topics: &'static [&'static str],
    /// What the rows say of changes that have to be told.
    pub changes: fn(&mut Snapshot<'_>, &Stretch) -> Result<Vec<Change>, StoreError>,
    /// What an event says of a change; nothing if it tells of something else.
    pub told: fn(&Delivered) -> Option<Change>,
    /// Whether what an event tells has come to be.
    pub happened: fn(&mut Snapshot<'_>, &Change) -> Result<bool, StoreError>,
}

impl Telling {
    /// EVT-1: every change has its event, and what never came to be has none. The rows are read first: a change that is seen
    /// there was committed together with its event, which is then seen as well.
    #[must_use]
    pub fn check(self, db: &Db) -> Check {
        let db = db.clone();
        Check::row_by_row("EVT-1", move || self.compare(&db))
    }

    fn compare(&self, db: &Db) -> Result<Vec<Finding>, StoreError> {
        let mut untold = self.all_changes(db)?;
        let mut findings = Vec::new();
        for topic in self.topics {
            audit::walk(db, Some(topic), |events| {
                let mut doubtful = Vec::new();
                for event in events {
                    let Some(change) = (self.told)(event) else { continue };
                    let key = (change.id.clone(), change.says.clone());
                    if untold.remove(&key).is_none() {
                        doubtful.push((change, event.id.clone()));
                    }
                }
                findings.extend(self.never_happened(db, doubtful)?);
                findings.truncate(FINDINGS_MAX);
                Ok(())
            })?;
        }
        let untold = untold.into_iter().take(FINDINGS_MAX);
        findings.extend(untold.map(|((id, _), version)| {
            Finding::new(format!("{} {id}", self.thing), format!("no event tells what its version {version} is"))
        }));
        Ok(findings)
    }

    fn all_changes(&self, db: &Db) -> Result<BTreeMap<(String, String), i64>, StoreError> {
        let since = db.clock().now().minus(audit::SURELY_KEPT);
        let mut all = BTreeMap::new();
        let mut stretch = Stretch { since, after_id: String::new(), after_version: 0, rows: STRETCH };
        loop {
            let (changes, wanted) = (self.changes, stretch.clone());
            let found = db.read_blocking(move |snapshot| changes(snapshot, &wanted))?;
            let Some(last) = found.last() else { return Ok(all) };
            (stretch.after_id, stretch.after_version) = (last.id.clone(), last.version);
            all.extend(found.into_iter().map(|change| ((change.id, change.says), change.version)));
        }
    }

    /// Those of these events that tell what no row knows.
    fn never_happened(&self, db: &Db, doubtful: Vec<(Change, String)>) -> Result<Vec<Finding>, StoreError> {
        let (thing, happened) = (self.thing, self.happened);
        db.read_blocking(move |snapshot| {
            let mut findings = Vec::new();
            for (change, event) in &doubtful {
                if !happened(snapshot, change)? {
                    let Change { id, version, .. } = change;
                    let message = format!("tells of version {version} of {thing} {id}, which never came to be");
                    findings.push(Finding::new(format!("event {event}"), message));
                }
            }
            Ok(findings)
        })
    }
}

/// A type of event, and whether one of the log can be read as it.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    topic: &'static str,
    kind: &'static str,
    read: fn(&Delivered) -> Result<(), Failure>,
}

impl EventType {
    /// The type `E`.
    #[must_use]
    pub const fn of<E: Event>() -> Self {
        Self { topic: E::TOPIC, kind: E::TYPE, read: |event| event.decode::<E>().map(drop) }
    }
}

/// EVT-5: every event that is kept on the topics of these types can be read as one of them, however old it is.
#[must_use]
pub fn events_can_be_read(db: &Db, types: &'static [EventType]) -> Check {
    let db = db.clone();
    Check::row_by_row("EVT-5", move || {
        let mut findings = Vec::new();
        let mut topics: Vec<_> = types.iter().map(|known| known.topic).collect();
        topics.dedup();
        for topic in topics {
            audit::walk(&db, Some(topic), |events| {
                findings.extend(events.iter().filter_map(|event| unreadable(event, types)));
                findings.truncate(FINDINGS_MAX);
                Ok(())
            })?;
        }
        Ok(findings)
    })
}

fn unreadable(event: &Delivered, types: &[EventType]) -> Option<Finding> {
    let known = types.iter().find(|known| known.topic == event.topic && known.kind == event.kind);
    let fault = match known {
        Some(known) => (known.read)(event).err()?.to_string(),
        None => format!("nobody reads a {} on {}", event.kind, event.topic),
    };
    Some(Finding::new(format!("event {}", event.id), fault))
}
