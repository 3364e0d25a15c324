//! The menu from a file: all of it or nothing (decision 7: validated in memory, written in one short closure).
//!
//! The plan is made from the menu as it was read, outside of any write transaction. Writing it begins with the proof
//! that the price list is still at that edition; otherwise a new plan is made.

mod plan;

use std::sync::Arc;

use bytes::Bytes;
use contracts::catalog::{ProductChange, ProductChanged};
use kernel::{Currency, Rng, Timestamp};
use serde_json::json;
use store::{Db, Snapshot, StoreError, Tx};
use tokio::task::spawn_blocking;

use super::edit_group;
use super::edit_product::taken;
use super::editor::{Deed, Editor};
use crate::app::Ids;
use crate::error::Error;
use crate::model::import;
use crate::model::menu::Menu;
use crate::store::{edits, menu};
use plan::Plan;
pub use plan::{Counts, ImportSummary};

/// How often an import follows a menu that is edited under it.
const TRIES: usize = 5;

/// Whether the file is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    /// Nothing is changed.
    DryRun,
    /// All of it, or nothing.
    Apply,
}

/// Imports a file for somebody on a request.
pub(crate) async fn import(
    db: &Db,
    rng: &Arc<dyn Rng>,
    editor: &Editor,
    (bytes, mode): (Bytes, ImportMode),
) -> Result<ImportSummary, Error> {
    for _ in 0..TRIES {
        let known = db.read(menu::load).await?;
        let (file, clock, chance) = (bytes.clone(), Arc::clone(db.clock()), Arc::clone(rng));
        // Thousands of rows are too much for a thread that others take turns on.
        let planning = move || planned(known.as_ref(), &file, clock.now(), chance.as_ref());
        let plan = Arc::new(spawn_blocking(planning).await.map_err(|_| Error::Answer)??);
        if mode == ImportMode::DryRun {
            return Ok(plan.summary);
        }
        let (writing, editor) = (Arc::clone(&plan), editor.clone());
        match db.write(move |tx| write(tx, &editor, &writing)).await? {
            Written::All => return Ok(plan.summary),
            Written::Nothing => {}
        }
    }
    Err(Error::MenuMoves)
}

/// Imports a file for a command.
pub(crate) fn import_blocking(
    db: &Db,
    rng: &Arc<dyn Rng>,
    editor: &Editor,
    (bytes, mode): (&[u8], ImportMode),
) -> Result<ImportSummary, Error> {
    for _ in 0..TRIES {
        let known = db.read_blocking(menu::load)?;
        let plan = Arc::new(planned(known.as_ref(), bytes, db.clock().now(), rng.as_ref())?);
        if mode == ImportMode::DryRun {
            return Ok(plan.summary);
        }
        let (writing, editor) = (Arc::clone(&plan), editor.clone());
        match db.write_blocking(move |tx| write(tx, &editor, &writing))? {
            Written::All => return Ok(plan.summary),
            Written::Nothing => {}
        }
    }
    Err(Error::MenuMoves)
}

/// The whole menu as a file; before there is one, its heading.
pub(crate) fn export(snapshot: &mut Snapshot<'_>) -> Result<Vec<u8>, StoreError> {
    let menu = menu::load(snapshot)?;
    Ok(import::write(&menu.unwrap_or_else(|| Menu::empty(Currency::RUB))))
}

fn planned(known: Option<&Menu>, bytes: &[u8], now: Timestamp, rng: &dyn Rng) -> Result<Plan, Error> {
    let reading = import::read(bytes, known.map(|menu| menu.currency));
    Plan::new(known, reading, Ids { now, rng }).map_err(Error::Invalid)
}

/// Whether the plan was still good.
enum Written {
    All,
    Nothing,
}

fn write(tx: &mut Tx<'_>, editor: &Editor, plan: &Plan) -> Result<Written, Error> {
    let stands = match plan.edition {
        Some(edition) => edits::lock_known_list(tx)?.is_some_and(|list| list.edition == edition),
        // There was no price list: this file makes it, unless somebody else just did.
        None => {
            edits::lock_known_list(tx)?.is_none() && {
                let list = edits::lock_list(tx, plan.currency)?;
                list.currency == plan.currency && list.edition == 1
            }
        }
    };
    if !stands {
        return Ok(Written::Nothing);
    }
    if plan.is_empty() {
        return Ok(Written::All);
    }
    edits::put_categories(tx, &plan.categories)?;
    edits::put_groups(tx, &plan.groups).map_err(taken)?;
    let products: Vec<_> = plan.products.iter().map(|(product, _)| product.clone()).collect();
    edits::put_products(tx, &products).map_err(taken)?;
    edits::move_edition(tx)?;
    announce(tx, plan)?;
    let after = json!({ "summary": plan.summary, "currency": plan.currency });
    editor.record(tx, Deed::new("catalog.import", "menu").after(after))?;
    Ok(Written::All)
}

fn announce(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), Error> {
    let at = tx.now();
    for (product, change) in &plan.products {
        let (product_id, version, change) = (product.id, product.version, *change);
        tx.publish(&ProductChanged { product_id, change, shop_id: None, at, version })?;
    }
    for group in plan.groups.iter().filter(|group| group.version > 1) {
        edit_group::announce(tx, group.id)?;
    }
    Ok(())
}

/// What a planned product is told as.
type Told = ProductChange;
