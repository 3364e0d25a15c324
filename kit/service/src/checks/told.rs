//! EVT-1 and EVT-5: what the events of a service say, against its rows and against the types that read them.

use std::collections::BTreeMap;
use std::time::Duration;

use eventlog::{Delivered, Failure, audit};
use kernel::{Event, Id, IdKind, Timestamp};
use store::{Db, Snapshot, StoreError};

use super::{Check, Finding};

/// So many findings of a kind say enough.
const FINDINGS_MAX: usize = 100;

/// Things in one stretch.
const STRETCH: u32 = 500;

/// So many changes are held at once: some 50 MB. Further ones wait for another walk through the events.
const CHANGES_MAX: usize = 200_000;

/// Who makes an id looks at the clock before the row is written, and a clock may be set back a little.
const IDS_EARLIER: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// Those of things that come after this id.
    pub after_id: String,
    /// Of at most so many things.
    pub things: u32,
}

impl Stretch {
    /// After which id to look when the changes are those that made the things: an id knows when it was made, and whatever is
    /// older than [`Stretch::since`] need not be read.
    #[must_use]
    pub fn after_id_of<K: IdKind>(&self) -> String {
        let first = Id::<K>::first_at(self.since.minus(IDS_EARLIER)).to_string();
        if first > self.after_id { first } else { self.after_id.clone() }
    }
}

/// What the rows say.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// All changes of the things that were looked at.
    pub changes: Vec<Change>,
    /// The last of these things, whether it has changes or not; nothing when there are no further ones.
    pub last_id: Option<String>,
}

impl From<Vec<Change>> for Changes {
    /// When nothing was looked at but what changed.
    fn from(changes: Vec<Change>) -> Self {
        let last_id = changes.last().map(|change| change.id.clone());
        Self { changes, last_id }
    }
}

/// One kind of thing, and how its changes are told (EVT-1).
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    /// `order`.
    pub thing: &'static str,
    /// Where they are told.
    pub topics: &'static [&'static str],
    /// What the rows say of changes that have to be told.
    pub changes: fn(&mut Snapshot<'_>, &Stretch) -> Result<Changes, StoreError>,
    /// What an event says of a change; nothing if it tells of something else.
    pub told: fn(&Delivered) -> Option<Change>,
    /// Whether what an event tells has come to be.
    pub happened: fn(&mut Snapshot<'_>, &Change) -> Result<bool, StoreError>,
}

impl Telling {
    /// EVT-1: every change has its event, and what never came to be has none.
    #[must_use]
    pub fn check(self, db: &Db) -> Check {
        let db = db.clone();
        Check::row_by_row("EVT-1", move || self.compare(&db, CHANGES_MAX))
    }

    /// Page by page in the order of ids, each held against all events: what is in memory has a bound, and no statement that
    /// joins rows with events needs an index that every write would pay for.
    fn compare(&self, db: &Db, changes_max: usize) -> Result<Vec<Finding>, StoreError> {
        let since = db.clock().now().minus(audit::SURELY_KEPT);
        let mut findings = Vec::new();
        let mut after = Some(String::new());
        while let Some(after_id) = after.take() {
            let page = self.page(db, Stretch { since, after_id, things: STRETCH }, changes_max)?;
            after.clone_from(&page.up_to);
            findings.extend(self.compare_page(db, page)?);
            findings.truncate(FINDINGS_MAX);
        }
        Ok(findings)
    }

    /// The changes of the next things, about as many as are wanted.
    fn page(&self, db: &Db, mut stretch: Stretch, changes_max: usize) -> Result<Page, StoreError> {
        let after = stretch.after_id.clone();
        let mut untold = BTreeMap::new();
        while untold.len() < changes_max {
            let (changes, wanted) = (self.changes, stretch.clone());
            let found = db.read_blocking(move |snapshot| changes(snapshot, &wanted))?;
            let Some(last_id) = found.last_id else { return Ok(Page { after, up_to: None, untold }) };
            stretch.after_id = last_id;
            untold.extend(found.changes.into_iter().map(|change| ((change.id, change.says), change.version)));
        }
        Ok(Page { after, up_to: Some(stretch.after_id), untold })
    }

    /// The rows were read first: a change that is seen there was committed together with its event, which is seen now.
    fn compare_page(&self, db: &Db, mut page: Page) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for topic in self.topics {
            audit::walk(db, Some(topic), |events| {
                let mut doubtful = Vec::new();
                for event in events {
                    let Some(change) = (self.told)(event).filter(|change| page.holds(&change.id)) else { continue };
                    let key = (change.id.clone(), change.says.clone());
                    if page.untold.remove(&key).is_none() {
                        doubtful.push((change, event.id.clone()));
                    }
                }
                findings.extend(self.never_happened(db, doubtful)?);
                findings.truncate(FINDINGS_MAX);
                Ok(())
            })?;
        }
        let untold = page.untold.into_iter().take(FINDINGS_MAX);
        findings.extend(untold.map(|((id, _), version)| {
            Finding::new(format!("{} {id}", self.thing), format!("no event tells what its version {version} is"))
        }));
        Ok(findings)
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

/// The changes of some things, by id and what they say, until their events are seen.
struct Page {
    after: String,
    /// The last id; nothing when no thing comes behind it.
    up_to: Option<String>,
    untold: BTreeMap<(String, String), i64>,
}

impl Page {
    /// Whether events of this thing are judged with this page: each is with one.
    fn holds(&self, id: &str) -> bool {
        *id > *self.after && self.up_to.as_deref().is_none_or(|up_to| id <= up_to)
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

#[cfg(test)]
mod tests;
