//! Lists: of a guest, of a shop, of all; the board.

use contracts::orders::OrderState;
use contracts::{OrderId, ShopId, UserId};
use kernel::Timestamp;
use service::Shops;
use store::{Snapshot, StoreError, params};

use super::columns;
use super::statements::{
    LIST_ALL, LIST_LATEST_ON_BOARD, LIST_LIVE_OF_SHOP, LIST_OF_GUEST, LIST_OF_SHOP, LIST_ON_BOARD,
};
use crate::model::Order;

/// Whose orders somebody may see: the own ones, and those of the shops that they work in.
#[derive(Clone, Debug)]
pub(crate) struct Visible {
    pub(super) guest_id: Option<UserId>,
    pub(super) shops: String,
}

impl Visible {
    /// The own orders, and those of these shops.
    pub(crate) fn new(guest_id: UserId, shops: &Shops) -> Self {
        Self { guest_id: Some(guest_id), ..Self::to_staff(shops) }
    }

    /// Those of these shops only.
    pub(crate) fn to_staff(shops: &Shops) -> Self {
        let shops = match shops {
            Shops::All => "*".to_owned(),
            Shops::Only(shops) => shops.iter().map(ToString::to_string).collect(),
        };
        Self { guest_id: None, shops }
    }
}

/// What a list is narrowed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    /// Only ids below this one: the cursor.
    pub(crate) before: OrderId,
    /// Only in this state.
    pub(crate) state: Option<OrderState>,
    /// Placed at or after.
    pub(crate) from: Timestamp,
    /// Placed before.
    pub(crate) to: Timestamp,
    /// At most so many.
    pub(crate) limit: i64,
}

impl Filter {
    /// An id is made when its placement is claimed, and a claim lives two days at most: ids before that cannot have
    /// been placed in the wanted time, and the index need not be read further.
    fn oldest_id(&self) -> OrderId {
        let earliest = self.from.minus(store::idempotency::KEPT);
        OrderId::from_bits(u128::from(earliest.as_millis()) << 80)
    }

    fn state_word(&self) -> &'static str {
        self.state.map_or("", OrderState::as_str)
    }
}

/// A guest's orders, in one shop if one is named.
pub(crate) fn list_of_guest(
    snapshot: &mut Snapshot<'_>,
    guest_id: UserId,
    shop_id: Option<ShopId>,
    filter: &Filter,
) -> Result<Vec<Order>, StoreError> {
    let shop = shop_id.map(|shop| shop.to_string()).unwrap_or_default();
    let (oldest, state) = (filter.oldest_id(), filter.state_word());
    let row = params![filter.before, oldest, filter.from, filter.to, state, guest_id, &shop, filter.limit];
    snapshot.list(&LIST_OF_GUEST, &row, columns::order)
}

/// A shop's orders.
pub(crate) fn list_of_shop(
    snapshot: &mut Snapshot<'_>,
    shop_id: ShopId,
    filter: &Filter,
) -> Result<Vec<Order>, StoreError> {
    let (oldest, state) = (filter.oldest_id(), filter.state_word());
    let row = params![filter.before, oldest, filter.from, filter.to, state, shop_id, filter.limit];
    let is_live = filter.state.is_some_and(|state| ON_BOARD.contains(&state));
    snapshot.list(if is_live { &LIST_LIVE_OF_SHOP } else { &LIST_OF_SHOP }, &row, columns::order)
}

/// All orders.
pub(crate) fn list_all(snapshot: &mut Snapshot<'_>, filter: &Filter) -> Result<Vec<Order>, StoreError> {
    let (oldest, state) = (filter.oldest_id(), filter.state_word());
    let row = params![filter.before, oldest, filter.from, filter.to, state, filter.limit];
    snapshot.list(&LIST_ALL, &row, columns::order)
}

/// The columns of a board, in their order.
const ON_BOARD: [OrderState; 4] = [OrderState::Placed, OrderState::Paid, OrderState::Preparing, OrderState::Ready];

/// What a shop's board shows, column by column, at most so many in each, the most urgent first. Of those that wait for
/// their guests the latest are shown: whoever has not come for hours may not come at all.
pub(crate) fn on_board(
    snapshot: &mut Snapshot<'_>,
    shop_id: ShopId,
    column_max: i64,
) -> Result<Vec<Order>, StoreError> {
    let mut board = Vec::new();
    for state in ON_BOARD {
        let row = params![shop_id, state.as_str(), column_max];
        if state == OrderState::Ready {
            let latest = snapshot.list(&LIST_LATEST_ON_BOARD, &row, columns::order)?;
            board.extend(latest.into_iter().rev());
        } else {
            board.extend(snapshot.list(&LIST_ON_BOARD, &row, columns::order)?);
        }
    }
    Ok(board)
}
