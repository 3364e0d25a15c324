//! What may be configured.

use service::{Setting, SettingKind};

const DAY_MS: u64 = 86_400_000;

/// The settings of auth, beside `service::RATE_SETTINGS`.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "auth.guest_idle",
        default: "30d",
        kind: SettingKind::Duration { min_ms: 60_000, max_ms: 400 * DAY_MS },
        doc: "How long a guest's session lives after its last use.",
    },
    Setting {
        key: "auth.guest_absolute",
        default: "180d",
        kind: SettingKind::Duration { min_ms: 60_000, max_ms: 400 * DAY_MS },
        doc: "How long a guest's session lives in all, however much it is used.",
    },
    Setting {
        key: "auth.staff_idle",
        default: "12h",
        kind: SettingKind::Duration { min_ms: 60_000, max_ms: 30 * DAY_MS },
        doc: "How long a session of somebody with a role lives after its last use.",
    },
    Setting {
        key: "auth.staff_absolute",
        default: "7d",
        kind: SettingKind::Duration { min_ms: 60_000, max_ms: 90 * DAY_MS },
        doc: "How long a session of somebody with a role lives in all, however much it is used.",
    },
    Setting {
        key: "auth.sessions_max",
        default: "20",
        kind: SettingKind::Int { min: 1, max: 900 },
        doc: "Living sessions of one person; a further one ends the oldest.",
    },
    Setting {
        key: "auth.hash_queue_max",
        default: "32",
        kind: SettingKind::Int { min: 1, max: 10_000 },
        doc: "Passwords that may wait for their hash; who comes on top is told to come back (503).",
    },
    Setting {
        key: "auth.attempts_per_address_per_min",
        default: "20",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Sign-ins, registrations and changes of e-mail a minute from one address (of IPv6, one /64).",
    },
    Setting {
        key: "auth.attempts_per_address_burst",
        default: "30",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Sign-ins, registrations and changes of e-mail from one address that may come at once.",
    },
    Setting {
        key: "auth.failures_per_account_per_h",
        default: "30",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Wrong passwords an hour on one account; an address that the account knows is counted by itself.",
    },
    Setting {
        key: "auth.failures_per_account_burst",
        default: "10",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Wrong passwords on one account that may come at once.",
    },
    Setting {
        key: "auth.key_secret",
        default: "",
        kind: SettingKind::Secret,
        doc: "Seals the private signing keys in the database; without it a copy of the database is enough to forge tokens.",
    },
    Setting {
        key: "auth.key_rotation",
        default: "90d",
        kind: SettingKind::Duration { min_ms: DAY_MS, max_ms: 400 * DAY_MS },
        doc: "After this time a new signing key takes over.",
    },
    Setting {
        key: "auth.origins",
        default: "",
        kind: SettingKind::List,
        doc: "Where the site's own pages come from (https://shop.example); without any, the host that a request was sent to.",
    },
];
