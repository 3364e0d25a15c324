//! What may be configured.

use service::{Setting, SettingKind};

pub(crate) const UNPAID_EXPIRY_MIN: &str = "orders.unpaid_expiry_min";
pub(crate) const COUNTER_EXPIRY_MIN: &str = "orders.counter_expiry_min";
pub(crate) const UNPAID_ONLINE_MAX: &str = "orders.unpaid_online_max";
pub(crate) const UNPAID_COUNTER_MAX: &str = "orders.unpaid_counter_max";
pub(crate) const SLOT_DAYS_MAX: &str = "orders.slot_days_max";

/// The table.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: UNPAID_EXPIRY_MIN,
        default: "10",
        kind: SettingKind::Int { min: 1, max: 1_440 },
        doc: "Minutes after which an order that is to be paid online and was not ends.",
    },
    Setting {
        key: COUNTER_EXPIRY_MIN,
        default: "30",
        kind: SettingKind::Int { min: 1, max: 1_440 },
        doc: "Minutes after its due time at which an order that is to be paid at the counter and was not ends.",
    },
    Setting {
        key: UNPAID_ONLINE_MAX,
        default: "10",
        kind: SettingKind::Int { min: 1, max: 1_000_000_000 },
        doc: "Orders to be paid online that one guest may have open and unpaid.",
    },
    Setting {
        key: UNPAID_COUNTER_MAX,
        default: "3",
        kind: SettingKind::Int { min: 1, max: 1_000_000_000 },
        doc: "Orders to be paid at the counter that one guest may have open and unpaid.",
    },
    Setting {
        key: SLOT_DAYS_MAX,
        default: "14",
        kind: SettingKind::Int { min: 0, max: 365 },
        doc: "Days ahead of today for which slots are given.",
    },
];
