//! Orders: what a guest wants, from the quote to the counter.
//!
//! The service prices through catalog, holds stock and a place in a slot, decides alone whether an order is paid, and
//! tells everybody else what became of it. Its only door is [`service`].
//!
//! Deliberately absent until their contexts exist: delivery (the states are there, nobody takes them), discounts,
//! points and other currencies (the columns are there, zero or null).

mod app;
mod at_cap;
mod checks;
mod error;
mod events;
mod feed;
mod http;
mod jobs;
pub mod model;
mod numbers;
mod settings;
mod store;
mod use_cases;

use std::sync::Arc;

use ::service::{Deps, Mount, Service};

pub use settings::SETTINGS;

use crate::app::App;
use crate::use_cases::tell_lives::tell_lives;

/// The tables.
pub static MIGRATIONS: &[::store::Migration] = ::store::migrations!["0001_orders", "0002_rules" per database];

/// The row for the table of services.
pub static MOUNT: Mount = Mount { name: "orders", migrations: MIGRATIONS, settings: SETTINGS, service };

/// The service.
#[must_use]
pub fn service(deps: Deps) -> Service {
    let app = Arc::new(App::new(deps));
    let asked = Arc::clone(&app);
    let mut service = Service::new("orders")
        .routes(http::routes(Arc::clone(&app)))
        .call::<contracts::orders::State, _, _, _>(move |request| {
            let app = Arc::clone(&asked);
            async move { tell_lives(&app, request).await }
        })
        .statements(store::STATEMENTS)
        .errors(error::codes::CODES)
        .settings(SETTINGS);
    for consumer in events::consumers(&app) {
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
