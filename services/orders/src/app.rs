//! What every use case stands on.

use std::sync::Arc;
use std::time::Duration;

use contracts::orders::PaymentMethod;
use kernel::{Clock, Rng, Timestamp};
use service::{Calls, Deps, Settings};
use store::Db;

use crate::at_cap::AtCap;
use crate::numbers::Numbers;
use crate::settings;

/// The service's means.
#[derive(Debug)]
pub(crate) struct App {
    /// Its tables.
    pub(crate) db: Db,
    /// Questions to catalog.
    pub(crate) calls: Calls,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Chance.
    pub(crate) rng: Arc<dyn Rng>,
    /// Numbers handed out in blocks.
    pub(crate) numbers: Numbers,
    /// Guests who were refused for the cap on unpaid orders.
    pub(crate) at_cap: AtCap,
    /// What may be configured.
    pub(crate) rules: Rules,
}

/// The configured rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    online_expiry: Duration,
    counter_expiry: Duration,
    unpaid_online_max: i64,
    unpaid_counter_max: i64,
    /// How many days ahead slots are given.
    pub(crate) slot_days_max: i64,
}

impl App {
    pub(crate) fn new(deps: Deps) -> Self {
        Self {
            db: deps.db,
            calls: deps.calls,
            clock: deps.clock,
            rng: deps.rng,
            numbers: Numbers::default(),
            at_cap: AtCap::default(),
            rules: Rules::of(&deps.settings),
        }
    }
}

impl Rules {
    fn of(settings: &Settings) -> Self {
        let minutes = |key| Duration::from_secs(60 * u64::try_from(settings.int(key)).unwrap_or(0));
        Self {
            online_expiry: minutes(settings::UNPAID_EXPIRY_MIN),
            counter_expiry: minutes(settings::COUNTER_EXPIRY_MIN),
            unpaid_online_max: settings.int(settings::UNPAID_ONLINE_MAX),
            unpaid_counter_max: settings.int(settings::UNPAID_COUNTER_MAX),
            slot_days_max: settings.int(settings::SLOT_DAYS_MAX),
        }
    }

    /// When an order ends if nobody pays (decision 34).
    pub(crate) fn expires_at(&self, method: PaymentMethod, now: Timestamp, due_at: Timestamp) -> Timestamp {
        match method {
            PaymentMethod::Online => now.plus(self.online_expiry),
            PaymentMethod::Counter => due_at.plus(self.counter_expiry),
        }
    }

    /// How many unpaid orders a guest may have open.
    pub(crate) const fn unpaid_max(&self, method: PaymentMethod) -> i64 {
        match method {
            PaymentMethod::Online => self.unpaid_online_max,
            PaymentMethod::Counter => self.unpaid_counter_max,
        }
    }
}
