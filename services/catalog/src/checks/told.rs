//! EVT-1 and EVT-5 of catalog: the latest version of a product was told, and can be read. That it sold out or came back in a
//! shop makes no version: who hears it looks at the menu.

use contracts::catalog::ProductChanged;
use kernel::Event as _;
use service::{Change, Check, EventType, Telling, events_can_be_read};
use store::Db;

use crate::store::edits;

static TYPES: [EventType; 1] = [EventType::of::<ProductChanged>()];

static TELLING: Telling = Telling {
    thing: "product",
    topics: &[ProductChanged::TOPIC],
    changes: |snapshot, stretch| {
        let products = edits::products_changed(snapshot, stretch)?.into_iter();
        Ok(products.map(|(id, version)| change(id, version)).collect::<Vec<_>>().into())
    },
    told: |event| {
        let changed = event.decode::<ProductChanged>().ok()?;
        changed.shop_id.is_none().then(|| change(changed.product_id.to_string(), changed.version))
    },
    happened: |snapshot, change| {
        let version = edits::version_of_product(snapshot, &change.id)?;
        Ok(version.is_some_and(|version| version >= change.version))
    },
};

pub(super) fn checks(db: &Db) -> [Check; 2] {
    [TELLING.check(db), events_can_be_read(db, &TYPES)]
}

fn change(id: String, version: i64) -> Change {
    Change { id, version, says: version.to_string() }
}
