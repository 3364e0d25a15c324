//! What may be configured.

use service::{Setting, SettingFault, SettingKind, Settings};

use crate::model::return_url::NamedHost;

pub(crate) const PUBLIC_URL: &str = "payments.public_url";
pub(crate) const BANK_URL: &str = "payments.bank_url";
pub(crate) const BANK_SECRET: &str = "payments.bank_secret";
pub(crate) const BANK_TIMEOUT: &str = "payments.bank_timeout";
pub(crate) const CAPTURE: &str = "payments.capture";
pub(crate) const PAGE_HOSTS: &str = "payments.page_hosts";
pub(crate) const RETURN_HOSTS: &str = "payments.return_hosts";
pub(crate) const ASK_AFTER: &str = "payments.ask_after";
pub(crate) const ASK_MAX: &str = "payments.ask_max";
pub(crate) const ATTEMPTS_MAX: &str = "payments.attempts_max";
pub(crate) const WAITERS_MAX: &str = "payments.waiters_max";

/// All of them.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: PUBLIC_URL,
        default: "http://localhost:8080",
        kind: SettingKind::Url,
        doc: "How browsers and the bank reach this installation; callbacks go there, and guests without a return address to `/returned` there. Not empty where there is a bank.",
    },
    Setting {
        key: BANK_URL,
        default: "",
        kind: SettingKind::Url,
        doc: "Where the sandbox bank is; empty: there is none, and orders are paid at the counter only.",
    },
    Setting {
        key: BANK_SECRET,
        default: "",
        kind: SettingKind::Secret,
        doc: "What the bank signs its callbacks with; empty: no callback is genuine.",
    },
    Setting {
        key: BANK_TIMEOUT,
        default: "5s",
        kind: SettingKind::Duration { min_ms: 10, max_ms: 60_000 },
        doc: "How long the bank may take to answer before what it did counts as unknown.",
    },
    Setting {
        key: CAPTURE,
        default: "automatic",
        kind: SettingKind::Choice(&["automatic", "manual"]),
        doc: "Whether the bank takes the money at once, or blocks it until it is asked to.",
    },
    Setting {
        key: PAGE_HOSTS,
        default: "",
        kind: SettingKind::List,
        doc: "Hosts of payment pages, beside payments.bank_url; guests are sent nowhere else. Written like payments.return_hosts.",
    },
    Setting {
        key: RETURN_HOSTS,
        default: "",
        kind: SettingKind::List,
        doc: "Hosts that guests may return to after paying, beside payments.public_url: `shop.example` or `shop.example:8443`, by https; hosts of this machine, like `localhost`, by http as well, and on every port unless one is named.",
    },
    Setting {
        key: ASK_AFTER,
        default: "15s",
        kind: SettingKind::Duration { min_ms: 10, max_ms: 3_600_000 },
        doc: "How long the bank may be silent about a payment before it is asked; the pause doubles with each question.",
    },
    Setting {
        key: ASK_MAX,
        default: "15min",
        kind: SettingKind::Duration { min_ms: 10, max_ms: 86_400_000 },
        doc: "The longest pause between two questions about a payment.",
    },
    Setting {
        key: ATTEMPTS_MAX,
        default: "10",
        kind: SettingKind::Int { min: 1, max: 100 },
        doc: "How often a guest may try to pay for one order.",
    },
    Setting {
        key: WAITERS_MAX,
        default: "500",
        kind: SettingKind::Int { min: 0, max: 100_000 },
        doc: "How many requests may wait for news of a payment at once, five of them of one person; beyond them the answer comes at once.",
    },
];

/// What cannot be as it is set, though each value by itself can: to be asked before anything is served.
#[must_use]
pub fn setting_faults(settings: &Settings) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    if !settings.text(BANK_URL).is_empty() && settings.text(PUBLIC_URL).is_empty() {
        let why = format!("is empty and {BANK_URL} is not: it is where the bank sends its callbacks and guests");
        faults.push(settings.unusable(PUBLIC_URL, why));
    }
    for key in [RETURN_HOSTS, PAGE_HOSTS] {
        let strange = settings.list(key).iter().filter(|text| NamedHost::parse(text).is_none());
        faults.extend(strange.map(|text| {
            settings.unusable(key, format!("names {text}, expected hosts like shop.example or localhost:3000"))
        }));
    }
    faults
}
