//! What staff book on a shelf: what came in, what is written off, what was counted.

use contracts::{MovementId, ShopId, VariantId};
use kernel::{Text, Timestamp};
use serde_json::json;
use service::Fault;
use store::Tx;

use super::announce;
use super::edit_product::refuse;
use super::editor::{Deed, Editor};
use crate::app::Ids;
use crate::error::Error;
use crate::model::stock::{Flip, Level, StaffMovement};
use crate::store::levels::{self, Movement};
use crate::store::menu;

const UNKNOWN_VARIANT: Text = Text { en: "is not a variant", ru: "нет такого варианта" };

/// What is to be booked.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    pub(crate) shop_id: ShopId,
    pub(crate) variant_id: VariantId,
    pub(crate) movement: StaffMovement,
    pub(crate) reason: Option<String>,
}

/// What was booked.
#[derive(Clone, Debug)]
pub(crate) struct Booked {
    pub(crate) id: MovementId,
    /// What it added to the shelf.
    pub(crate) change: i64,
    /// What there is now.
    pub(crate) level: Level,
    pub(crate) at: Timestamp,
}

/// Books a movement.
pub(crate) fn book(tx: &mut Tx<'_>, ids: Ids<'_>, editor: &Editor, booking: &Booking) -> Result<Booked, Error> {
    let (shop, variant) = (booking.shop_id, booking.variant_id);
    menu::read_version(tx, shop)?.ok_or(Error::UnknownShop(shop))?;
    match levels::is_tracked(tx, variant)? {
        Some(true) => {}
        Some(false) => return Err(Error::Untracked),
        None => refuse(vec![Fault::new("/variant_id", "unknown-variant", UNKNOWN_VARIANT)])?,
    }
    let before = levels::lock(tx, shop, variant)?;
    let change = booking.movement.change(before).map_err(|available| Error::NotEnough { available })?;
    let left = levels::add(tx, shop, variant, change)?.ok_or(Error::NotEnough { available: before.available() })?;
    let movement = Movement {
        id: ids.next(),
        shop_id: shop,
        variant_id: variant,
        kind: booking.movement.kind(),
        change,
        order_id: None,
        reason: booking.reason.as_deref(),
    };
    levels::insert_movements(tx, std::slice::from_ref(&movement))?;
    let flip = Flip::of(variant, before.available(), left);
    announce::flips(tx, shop, flip.as_slice())?;
    let deed = Deed::new("catalog.stock.move", movement.id.to_string()).shop(shop);
    let after = json!({ "variant_id": variant, "kind": movement.kind.as_str(), "change": change });
    editor.record(tx, deed.after(after))?;
    let level = Level { on_hand: before.on_hand + change, reserved: before.reserved };
    Ok(Booked { id: movement.id, change, level, at: tx.now() })
}
