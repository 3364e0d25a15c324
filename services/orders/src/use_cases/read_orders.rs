//! Reading orders: one, a list, a board. Who may see what is in the predicate of every query.

use contracts::catalog::{Shop, ShopRequest};
use contracts::orders::OrderState;
use contracts::{OrderId, ShopId, UserId};
use kernel::Timestamp;
use service::{Principal, Role, Shops};
use store::{Snapshot, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::model::{Canceller, Order};
use crate::store::{
    Filter, PastEntry, Visible, history_of, list_all, list_of_guest, list_of_shop, load_visible, on_board,
};

/// The roles that see and move the orders of their shops.
pub(crate) const STAFF: &[Role] = &[Role::Barista, Role::Manager, Role::Admin];

/// Orders in a column of a board at most; a shop with more has other worries.
const COLUMN_MAX: i64 = 200;

/// Somebody who looks at orders: always a guest, perhaps staff of some shops.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    user_id: UserId,
    shops: Shops,
}

impl Viewer {
    /// The signed-in person.
    pub(crate) fn of(principal: &Principal) -> Self {
        Self { user_id: principal.user_id, shops: principal.shops(STAFF) }
    }

    /// Who it is.
    pub(crate) const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The own orders and those of the shops.
    pub(super) fn visible(&self) -> Visible {
        Visible::new(self.user_id, &self.shops)
    }

    /// Those of the shops only.
    pub(super) fn visible_as_staff(&self) -> Visible {
        Visible::to_staff(&self.shops)
    }

    /// Nobody is staff for the own order: whoever ordered may do what guests may.
    pub(crate) fn canceller_of(&self, order: &Order) -> Canceller {
        if order.guest_id == self.user_id { Canceller::Guest } else { Canceller::Staff }
    }
}

/// What a list is narrowed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// In this shop only.
    pub(crate) shop_id: Option<ShopId>,
    /// The rest.
    pub(crate) filter: Filter,
}

impl Wanted {
    /// Orders placed in `[from, to)`, whatever their state.
    pub(crate) fn within(from: Option<Timestamp>, to: Option<Timestamp>, rows: i64) -> Self {
        let filter = Filter {
            before: OrderId::from_bits(u128::MAX),
            state: None,
            from: from.unwrap_or(Timestamp::from_micros(0)),
            to: to.unwrap_or(Timestamp::from_micros(i64::MAX)),
            limit: rows,
        };
        Self { shop_id: None, filter }
    }

    /// In this state only.
    pub(crate) fn in_state(mut self, state: Option<OrderState>) -> Self {
        self.filter.state = state;
        self
    }

    /// In this shop only.
    pub(crate) fn in_shop(mut self, shop_id: Option<ShopId>) -> Self {
        self.shop_id = shop_id;
        self
    }

    /// After the one that the page before ended with.
    pub(crate) fn after(mut self, cursor: Option<OrderId>) -> Self {
        self.filter.before = cursor.unwrap_or(self.filter.before);
        self
    }
}

/// An order with its history.
pub(crate) async fn read_order(app: &App, id: OrderId, viewer: &Viewer) -> Result<(Order, Vec<PastEntry>), Error> {
    let visible = viewer.visible();
    app.db
        .read(move |snapshot| {
            let order = load_visible(snapshot, id, &visible)?.ok_or(Error::NoSuchOrder)?;
            let history = history_of(snapshot, id)?;
            Ok((order, history))
        })
        .await
}

/// Orders, the latest first: the own ones, and for staff those of their shops.
pub(crate) async fn list_orders(app: &App, viewer: &Viewer, wanted: Wanted) -> Result<Vec<Order>, Error> {
    let viewer = viewer.clone();
    app.db.read(move |snapshot| list(snapshot, &viewer, &wanted).map_err(Error::from)).await
}

fn list(snapshot: &mut Snapshot<'_>, viewer: &Viewer, wanted: &Wanted) -> Result<Vec<Order>, StoreError> {
    let filter = &wanted.filter;
    if let Some(shop) = wanted.shop_id
        && viewer.shops.has(shop)
    {
        return list_of_shop(snapshot, shop, filter);
    }
    let shops = match (&viewer.shops, wanted.shop_id) {
        (Shops::All, _) => return list_all(snapshot, filter),
        (Shops::Only(_), Some(_)) => &[][..],
        (Shops::Only(shops), None) => shops,
    };
    let mut orders = list_of_guest(snapshot, viewer.user_id, wanted.shop_id, filter)?;
    for shop in shops {
        orders.extend(list_of_shop(snapshot, *shop, filter)?);
    }
    // Each of the lists holds its first page, so the first page of all of them together is among these.
    orders.sort_unstable_by_key(|order| std::cmp::Reverse(order.id));
    orders.dedup_by_key(|order| order.id);
    orders.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(orders)
}

/// What stands on the board of a shop, the most urgent first. Staff of other shops see no such shop.
pub(crate) async fn read_board(app: &App, shop: ShopId, staff: &Viewer) -> Result<Vec<Order>, Error> {
    if !staff.shops.has(shop) {
        return Err(Error::NoSuchShop);
    }
    let orders: Result<_, StoreError> = app.db.read(move |snapshot| on_board(snapshot, shop, COLUMN_MAX)).await;
    let orders = orders?;
    if orders.is_empty() {
        // An empty board and a shop that does not exist look alike from here; only catalog knows.
        app.calls.call::<Shop>(ShopRequest { shop_id: shop }).await?;
    }
    Ok(orders)
}
