//! How often one caller may ask (decision 23): the settings that the gateway, which counts requests, and auth, which
//! counts sign-ins, have in common. The counting itself is `cache::RateLimiter`.

use std::time::Duration;

use cache::{Rate, RateLimiter};

use crate::{Setting, SettingKind, Settings};

/// The settings of everything that counts callers.
pub static RATE_SETTINGS: &[Setting] = &[
    Setting {
        key: "limits.enabled",
        default: "true",
        kind: SettingKind::Flag,
        doc: "Whether requests and sign-ins are counted, and refused when there are too many; only a demo or a benchmark turns it off.",
    },
    Setting {
        key: "limits.principal_per_s",
        default: "50",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Requests a second of one signed-in person.",
    },
    Setting {
        key: "limits.principal_burst",
        default: "200",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Requests of one signed-in person that may come at once.",
    },
    Setting {
        key: "limits.address_per_s",
        default: "20",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Requests a second without a sign-in from one address (of IPv6, one /64).",
    },
    Setting {
        key: "limits.address_burst",
        default: "100",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Requests without a sign-in from one address that may come at once.",
    },
    Setting {
        key: "limits.provider_per_s",
        default: "500",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Callbacks a second of payment providers from one address; one whose callbacks are refused has the measure of a stranger.",
    },
    Setting {
        key: "limits.provider_burst",
        default: "2000",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Callbacks of payment providers from one address that may come at once.",
    },
    Setting {
        key: "limits.callers_max",
        default: "100000",
        kind: SettingKind::Int { min: 1_000, max: 100_000_000 },
        doc: "Callers that each limit remembers; a new one is refused while all of them are in use.",
    },
];

/// A limiter of so many in each `per` with this burst; `None` when limits are off.
#[must_use]
pub fn rate_limiter(settings: &Settings, count: i64, per: Duration, burst: i64) -> Option<RateLimiter> {
    let whole = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let callers_max = usize::try_from(settings.int("limits.callers_max")).unwrap_or(usize::MAX);
    let rate = Rate::new(whole(count), per, whole(burst));
    settings.flag("limits.enabled").then(|| RateLimiter::new(rate, callers_max))
}
