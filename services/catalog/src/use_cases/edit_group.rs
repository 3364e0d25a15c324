//! Modifier groups: made and changed; products offer them by slug.

use contracts::ModifierGroupId;
use contracts::catalog::{ProductChange, ProductChanged};
use serde_json::{Value, json};
use service::Stale;
use store::{Snapshot, Tx};

use super::edit_product::{refuse, taken};
use super::editor::{Deed, Editor};
use crate::app::Ids;
use crate::error::Error;
use crate::model::modifiers::{GroupDraft, Modifier, ModifierGroup};
use crate::store::edits;
use crate::store::menu::{self, Purpose};

/// Makes a group.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    ids: Ids<'_>,
    editor: &Editor,
    draft: &GroupDraft,
) -> Result<ModifierGroup, Error> {
    refuse(draft.id_faults(&[]))?;
    let list = match draft.modifiers.first() {
        Some(modifier) => Some(edits::lock_list(tx, modifier.price.currency())?),
        None => edits::lock_known_list(tx)?,
    };
    if let Some(list) = list {
        refuse(draft.currency_faults(list.currency))?;
    }
    let position = edits::next_group_position(tx)?;
    let group = draft.made(ids.next(), position, ids.now, &mut || ids.next());
    edits::put_groups(tx, std::slice::from_ref(&group)).map_err(taken)?;
    edits::move_edition(tx)?;
    editor.record(tx, Deed::new("catalog.modifier-group.create", group.id.to_string()).after(trail(&group)))?;
    Ok(group)
}

/// Changes a group that stands at this version. Every product that offers it has changed with it.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    ids: Ids<'_>,
    editor: &Editor,
    target: (ModifierGroupId, i64),
    draft: &GroupDraft,
) -> Result<ModifierGroup, Error> {
    let (id, version) = target;
    let list = match draft.modifiers.first() {
        Some(modifier) => edits::lock_list(tx, modifier.price.currency())?,
        None => edits::lock_known_list(tx)?.ok_or(Error::Unknown("modifier group"))?,
    };
    let current = menu::modifier_group(tx, id, list.currency, Purpose::Change)?;
    let current = current.ok_or(Error::Unknown("modifier group"))?;
    if current.version != version {
        return Err(Stale { current: current.version }.into());
    }
    refuse(draft.id_faults(&current.modifiers))?;
    refuse(draft.currency_faults(list.currency))?;
    let wanted = draft.applied_to(&current, &mut || ids.next());
    if wanted == current {
        return Ok(current);
    }
    let group = ModifierGroup { version: current.version + 1, updated_at: ids.now, ..wanted };
    edits::put_groups(tx, std::slice::from_ref(&group)).map_err(taken)?;
    edits::move_edition(tx)?;
    announce(tx, id)?;
    let deed = Deed::new("catalog.modifier-group.update", id.to_string()).before(trail(&current)).after(trail(&group));
    editor.record(tx, deed)?;
    Ok(group)
}

/// A group as staff edit it.
pub(crate) fn read(snapshot: &mut Snapshot<'_>, id: ModifierGroupId) -> Result<ModifierGroup, Error> {
    let currency = menu::read_list(snapshot)?.map_or(kernel::Currency::RUB, |list| list.currency);
    menu::modifier_group(snapshot, id, currency, Purpose::Show)?.ok_or(Error::Unknown("modifier group"))
}

/// Every product that offers the group has changed.
pub(crate) fn announce(tx: &mut Tx<'_>, group: ModifierGroupId) -> Result<(), Error> {
    let at = tx.now();
    for (product_id, version) in edits::products_of_group(tx, group)? {
        tx.publish(&ProductChanged { product_id, change: ProductChange::Changed, shop_id: None, at, version })?;
    }
    Ok(())
}

fn trail(group: &ModifierGroup) -> Value {
    let modifier = |m: &Modifier| json!({ "id": m.id, "slug": m.slug, "price": m.price, "archived": m.archived });
    json!({
        "version": group.version,
        "slug": group.slug,
        "min": group.min,
        "max": group.max,
        "modifiers": group.modifiers.iter().map(modifier).collect::<Vec<_>>(),
    })
}
