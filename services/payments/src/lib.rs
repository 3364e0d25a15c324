//! Money: attempts to pay for orders, what the bank says of them, refunds, and the ledger.
//!
//! Three rules hold everything together. A payment is bound to the order as it was placed. A callback says *look*,
//! and only what is then seen at the bank moves a payment, forward or not at all. State, ledger, event and idempotent
//! answer are one transaction, and the bank is only ever asked outside of one.
//!
//! Deliberately absent: whether an order is paid, which orders decides from our events; card data of any kind; points,
//! discounts and other currencies than the order's.

mod app;
mod checks;
mod consumers;
pub mod error;
pub mod events;
mod http;
mod jobs;
pub mod model;
pub mod provider;
mod settings;
mod store;
mod use_cases;
mod waiters;

use std::sync::Arc;

use ::store::Migration;
use contracts::payments::{Payable, PayableRequest};
use service::{Deps, Service, SettingFaults};

use crate::app::App;
pub use crate::settings::{SETTINGS, setting_faults};
use crate::use_cases::start::payable;

/// Its tables.
pub static MIGRATIONS: &[Migration] = ::store::migrations![
    "0001_payments",
    "0002_ledger" per database,
    "0003_rules" per database,
    "0004_refunds_by_hand",
];

/// The service.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "the shape that every service has")]
pub fn service(deps: Deps) -> Service {
    let app = Arc::new(App::new(&deps));
    let (asked, started) = (Arc::clone(&app), Arc::clone(&app));
    let settings = deps.settings.clone();
    let mut service = Service::new("payments")
        .routes(http::router(Arc::clone(&app)))
        .call::<Payable, _, _, _>(move |request: PayableRequest| std::future::ready(payable(&asked, &request)))
        .start(move || {
            let faults = setting_faults(&settings);
            if !faults.is_empty() {
                return Err(SettingFaults(faults).to_string());
            }
            say_what_is_offered(&started);
            Ok(())
        })
        .statements(crate::store::sql::STATEMENTS)
        .errors(error::CODES)
        .settings(SETTINGS);
    for consumer in consumers::consumers(&app) {
        service = service.consumer(consumer);
    }
    for timer in jobs::timers(&app) {
        service = service.timer(timer);
    }
    for check in checks::checks(&app) {
        service = service.check(check);
    }
    for facts in checks::facts() {
        service = service.facts(facts);
    }
    service
}

/// Whoever starts a business without a bank should know what guests will meet.
fn say_what_is_offered(app: &App) {
    if !app.bank.is_configured() {
        tracing::warn!("no bank is configured (payments.bank_url): orders can be paid at the counter only");
    }
}
