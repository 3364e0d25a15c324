//! Timed work.

use std::sync::Arc;
use std::time::Duration;

use kernel::Coded as _;
use service::Timer;

use crate::app::App;
use crate::error::Error;
use crate::store::shops;
use crate::use_cases::{ask_about_holds, stop_items};

/// How often holds past their time are looked for.
const HOLDS_EVERY: Duration = Duration::from_secs(2);

/// How often ended stops are taken off the lists; readers see the end itself.
const STOPS_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn holds(app: Arc<App>) -> Timer {
    Timer::new("catalog.holds", HOLDS_EVERY, move |now| ask_about_holds::ask(&app, now).map_err(|error| told(&error)))
}

pub(crate) fn stops(app: Arc<App>) -> Timer {
    Timer::new("catalog.stops", STOPS_EVERY, move |now| end_stops(&app, now).map_err(|error| told(&error)))
}

/// Ends the stops of each shop; one that fails leaves the others theirs.
fn end_stops(app: &App, now: kernel::Timestamp) -> Result<(), Error> {
    let shops = app.db.read_blocking(move |snapshot| shops::shops_with_ended_stops(snapshot, now))?;
    if shops.is_empty() {
        return Ok(());
    }
    let Some(menu) = app.db.read_blocking(crate::store::menu::load)? else { return Ok(()) };
    let menu = Arc::new(menu);
    let mut failed = Ok(());
    for shop in shops {
        let known = Arc::clone(&menu);
        match app.db.write_blocking(move |tx| stop_items::end(tx, shop, &known)) {
            Ok(()) => app.menus.forget(shop),
            Err(error) => {
                tracing::error!(shop.id = %shop, %error, "the stops of a shop could not be ended");
                failed = Err(error);
            }
        }
    }
    failed
}

fn told(error: &Error) -> String {
    format!("{}: {error}", error.code().code)
}
