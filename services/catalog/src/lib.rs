//! Shops, menu, prices, stop-lists, stock: what is sold, where, for how much, and whether there is any left.
//!
//! The README says what it owns, hears and answers, and how a reservation proves its price.

mod app;
mod checks;
mod error;
mod events;
mod http;
mod jobs;
mod menus;
mod model;
mod store;
mod use_cases;

use std::sync::Arc;

use contracts::catalog::{
    Price, PriceRequest, Release, ReleaseRequest, Released, Reserve, ReserveRequest, Shop, ShopRequest,
};
use kernel::{Code, Coded, Rng};
use service::{Deps, Service, Setting};
// Named from the root: the module of our own statements has the same name.
use ::store::{Db, Migration};

use crate::app::{App, Ids};
use crate::error::Error;
use crate::model::hold::{HoldCommand, HoldEffect};
use crate::use_cases::editor::Editor;
use crate::use_cases::{import_menu, price, reserve, settle_hold};

pub use crate::use_cases::import_menu::{Counts, ImportMode, ImportSummary};

/// The tables.
pub static MIGRATIONS: &[Migration] = ::store::migrations!["0001_catalog"];

/// What may be configured: nothing yet.
pub static SETTINGS: &[Setting] = &[];

/// The service.
#[must_use]
pub fn service(deps: Deps) -> Service {
    let app = Arc::new(App::new(deps));
    let [pricing, reserving, releasing, telling] = [0; 4].map(|_| Arc::clone(&app));
    let checks = checks::all(&app.db);
    let mut service = Service::new("catalog")
        .routes(http::routes(Arc::clone(&app)))
        .call::<Price, _, _, _>(move |request: PriceRequest| {
            let app = Arc::clone(&pricing);
            async move { price::price(&app, &request).await }
        })
        .call::<Reserve, _, _, _>(move |request: ReserveRequest| {
            let app = Arc::clone(&reserving);
            async move { reserve::reserve(&app, request).await }
        })
        .call::<Release, _, _, _>(move |request: ReleaseRequest| {
            let app = Arc::clone(&releasing);
            async move { release(&app, &request).await }
        })
        .call::<Shop, _, _, _>(move |request: ShopRequest| {
            let app = Arc::clone(&telling);
            async move { price::terms(&app, request.shop_id).await }
        })
        .consumer(events::holds(Arc::clone(&app)))
        .timer(jobs::holds(Arc::clone(&app)))
        .timer(jobs::stops(app))
        .statements(store::STATEMENTS.as_slice())
        .errors(error::CODES)
        .settings(SETTINGS);
    for facts in checks::facts() {
        service = service.facts(facts);
    }
    for check in checks {
        service = service.check(check);
    }
    service
}

/// Gives the hold of an order back.
async fn release(app: &Arc<App>, request: &ReleaseRequest) -> Result<Released, Error> {
    let (rng, order) = (Arc::clone(&app.rng), request.order_id);
    let effect = app
        .db
        .write(move |tx| {
            let ids = Ids { now: tx.now(), rng: rng.as_ref() };
            settle_hold::settle(tx, ids, order, HoldCommand::Release)
        })
        .await?;
    Ok(Released { was_held: effect == HoldEffect::GiveBack })
}

/// Why a file was not imported: a coded error whose member `errors` names every bad row.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ImportError(Error);

impl Coded for ImportError {
    fn code(&self) -> &'static Code {
        self.0.code()
    }

    fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        self.0.members()
    }

    fn retry_after_s(&self) -> Option<u32> {
        self.0.retry_after_s()
    }
}

/// Imports the menu from a CSV file: all of it or nothing. For the command line; the columns are in the README.
///
/// # Errors
/// What is wrong with the file, or what the database says.
pub fn import_menu(db: &Db, rng: &Arc<dyn Rng>, csv: &[u8], mode: ImportMode) -> Result<ImportSummary, ImportError> {
    import_menu::import_blocking(db, rng, &Editor::command(), (csv, mode)).map_err(ImportError)
}

/// The whole menu as a CSV file that imports back to the same state. For the command line.
///
/// # Errors
/// What the database says.
pub fn export_menu(db: &Db) -> Result<Vec<u8>, ::store::StoreError> {
    db.read_blocking(import_menu::export)
}
