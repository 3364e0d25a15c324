//! Payments in pages, for staff.

use contracts::payments::PaymentState;
use contracts::{OrderId, PaymentId, ShopId};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use service::Shops;
use store::{Snapshot, StoreError, params};

use super::payments::read;
use super::sql::{LIST_ALARMED_PAYMENTS, LIST_PAYMENTS, LIST_PAYMENTS_OF_ORDER, LIST_PAYMENTS_OF_SHOP};
use crate::model::payment::{Payment, ProviderName};

/// The shops that somebody may look into, as a text that stands in the predicate of a query: `*`, or the ids behind
/// each other. Ids have one length and one alphabet, so that none is a part of two others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope(String);

impl Scope {
    /// Of these shops.
    #[must_use]
    pub(crate) fn of(shops: &Shops) -> Self {
        match shops {
            Shops::All => Self("*".to_owned()),
            Shops::Only(shops) => Self(shops.iter().map(|shop| format!("{shop},")).collect()),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// What is listed; nothing set lists everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct PaymentFilter {
    /// Of this shop.
    pub shop_id: Option<ShopId>,
    /// Of this order.
    pub order_id: Option<OrderId>,
    /// In this state.
    pub state: Option<PaymentState>,
    /// Of this provider.
    pub provider: Option<ProviderName>,
    /// Made at or after this time.
    pub from: Option<Timestamp>,
    /// Made before this time.
    pub to: Option<Timestamp>,
    /// That a person should look at.
    pub alarmed: bool,
}

/// Where a page of payments begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaymentKey(pub Timestamp, pub PaymentId);

/// Payments of the shops in `shops`, newest first.
///
/// # Errors
/// Those of the database.
pub(crate) fn list_payments(
    snapshot: &mut Snapshot<'_>,
    shops: &Shops,
    filter: &PaymentFilter,
    before: Option<PaymentKey>,
    rows: i64,
) -> Result<Vec<Payment>, StoreError> {
    let one_shop = match (filter.shop_id, shops) {
        (Some(shop), _) if !shops.has(shop) => return Ok(Vec::new()),
        (Some(shop), _) => Some(shop),
        (None, Shops::Only(shops)) if shops.len() == 1 => shops.first().copied(),
        (None, Shops::All | Shops::Only(_)) => None,
    };
    let scope = one_shop.map_or_else(|| Scope::of(shops).text().to_owned(), |shop| shop.to_string());
    let statement = match (filter.order_id, filter.alarmed, one_shop) {
        (Some(_), _, _) => &LIST_PAYMENTS_OF_ORDER,
        (None, true, _) => &LIST_ALARMED_PAYMENTS,
        (None, false, Some(_)) => &LIST_PAYMENTS_OF_SHOP,
        (None, false, None) => &LIST_PAYMENTS,
    };
    let order_id = filter.order_id.map_or_else(String::new, |id| id.to_string());
    let (before_at, before_id) =
        before.map_or((i64::MAX, String::new()), |PaymentKey(at, id)| (at.as_micros(), id.to_string()));
    let values = params![
        &scope,
        &order_id,
        filter.state.map_or("", PaymentState::as_str),
        filter.provider.map_or("", ProviderName::as_str),
        filter.from.map_or(i64::MIN, Timestamp::as_micros),
        filter.to.map_or(i64::MAX, Timestamp::as_micros),
        filter.alarmed,
        before_at,
        &before_id,
        rows,
    ];
    snapshot.list(statement, &values, read)
}
