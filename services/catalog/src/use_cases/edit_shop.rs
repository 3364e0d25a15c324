//! Shops: opened and changed.

use contracts::ShopId;
use kernel::Text;
use serde_json::{Value, json};
use service::{Fault, Stale};
use store::Tx;

use super::edit_product::refuse;
use super::editor::{Deed, Editor};
use crate::app::Ids;
use crate::error::Error;
use crate::model::product::OTHER_CURRENCY;
use crate::model::shop::{Shop, ShopDraft};
use crate::store::{edits, shops};

const FIXED_CURRENCY: Text = Text {
    en: "stays what it was when the shop was opened",
    ru: "остаётся той, с которой точку открыли",
};

/// Opens a shop. The first one decides what the price list is priced in.
pub(crate) fn create(tx: &mut Tx<'_>, ids: Ids<'_>, editor: &Editor, draft: &ShopDraft) -> Result<Shop, Error> {
    let list = edits::lock_list(tx, draft.currency)?;
    if list.currency != draft.currency {
        refuse(vec![Fault::new("/currency", "other-currency", OTHER_CURRENCY)])?;
    }
    let now = tx.now();
    let draft = draft.clone();
    let shop = Shop { id: ids.next(), draft, version: 1, menu_version: 1, created_at: now, updated_at: now };
    shops::insert(tx, &shop)?;
    editor.record(tx, Deed::new("catalog.shop.create", shop.id.to_string()).shop(shop.id).after(trail(&shop)))?;
    Ok(shop)
}

/// Changes a shop that stands at this version. Orders and prices are in its currency: that stays.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    editor: &Editor,
    target: (ShopId, i64),
    draft: &ShopDraft,
) -> Result<Shop, Error> {
    let (id, version) = target;
    let current = shops::lock(tx, id)?.ok_or(Error::UnknownShop(id))?;
    if current.version != version {
        return Err(Stale { current: current.version }.into());
    }
    if current.draft.currency != draft.currency {
        refuse(vec![Fault::new("/currency", "fixed", FIXED_CURRENCY)])?;
    }
    if current.draft == *draft {
        return Ok(current);
    }
    shops::update(tx, id, draft)?;
    let shop = Shop {
        draft: draft.clone(),
        version: current.version + 1,
        menu_version: current.menu_version + 1,
        updated_at: tx.now(),
        ..current.clone()
    };
    let deed = Deed::new("catalog.shop.update", id.to_string()).shop(id).before(trail(&current)).after(trail(&shop));
    editor.record(tx, deed)?;
    Ok(shop)
}

fn trail(shop: &Shop) -> Value {
    let draft = &shop.draft;
    json!({
        "version": shop.version,
        "time_zone": draft.time_zone,
        "currency": draft.currency,
        "lead_time_min": draft.lead_time_min,
        "hours": draft.hours,
        "closed_days": draft.closed_days,
        "slot_minutes": draft.slot_minutes,
        "slot_capacity": draft.slot_capacity,
    })
}
