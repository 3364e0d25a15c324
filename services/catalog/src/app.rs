//! What every use case stands on.

use std::sync::Arc;

use kernel::{Clock, Id, IdKind, Rng, Timestamp};
use service::{Calls, Deps};
use store::Db;

use crate::menus::Menus;

/// The service's means.
#[derive(Debug)]
pub(crate) struct App {
    /// Its tables.
    pub(crate) db: Db,
    /// Questions to orders.
    pub(crate) calls: Calls,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Chance.
    pub(crate) rng: Arc<dyn Rng>,
    /// The menus in memory.
    pub(crate) menus: Menus,
}

impl App {
    pub(crate) fn new(deps: Deps) -> Self {
        let menus = Menus::new(deps.db.clone(), Arc::clone(&deps.clock));
        Self { db: deps.db, calls: deps.calls, clock: deps.clock, rng: deps.rng, menus }
    }
}

/// Makes ids of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<'r> {
    pub(crate) now: Timestamp,
    pub(crate) rng: &'r dyn Rng,
}

impl Ids<'_> {
    pub(crate) fn next<K: IdKind>(&self) -> Id<K> {
        Id::new(self.now, self.rng)
    }
}
