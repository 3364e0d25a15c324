//! Categories: a product makes one by naming it; here it gets its names and its place.

use contracts::CategoryId;
use serde_json::{Value, json};
use service::Stale;
use store::Tx;

use super::editor::{Deed, Editor};
use crate::error::Error;
use crate::model::category::{Category, CategoryDraft};
use crate::store::edits;
use crate::store::menu::{self, Purpose};

/// Changes a category that stands at this version.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    editor: &Editor,
    target: (CategoryId, i64),
    draft: &CategoryDraft,
) -> Result<Category, Error> {
    let (id, version) = target;
    edits::lock_known_list(tx)?;
    let current = menu::category_by_id(tx, id, Purpose::Change)?.ok_or(Error::Unknown("category"))?;
    if current.version != version {
        return Err(Stale { current: current.version }.into());
    }
    let CategoryDraft { name, position } = draft.clone();
    if (&name, position) == (&current.name, current.position) {
        return Ok(current);
    }
    let category = Category { name, position, version: current.version + 1, updated_at: tx.now(), ..current.clone() };
    edits::put_categories(tx, std::slice::from_ref(&category))?;
    edits::move_edition(tx)?;
    let deed = Deed::new("catalog.category.update", id.to_string()).before(trail(&current)).after(trail(&category));
    editor.record(tx, deed)?;
    Ok(category)
}

fn trail(category: &Category) -> Value {
    json!({ "version": category.version, "name": category.name, "position": category.position })
}
