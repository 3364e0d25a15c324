//! Stock of a shop, and what staff book on it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contracts::{Localized, MovementId, ProductId, ShopId, VariantId};
use http::HeaderMap;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use service::{
    Answer, Fault, IdempotencyKeyHeader, IfNoneMatchHeader, Keyed, Listing, PageQuery, Principal, Problem, Validate,
    etagged, once, without_card_numbers,
};
use utoipa::{IntoParams, ToSchema};

use super::refusals::MovementRefused;
use super::{MANAGERS, STAFF, Web, granted};
use crate::app::Ids;
use crate::error::Error;
use crate::model::rules;
use crate::model::stock::{StaffMovement, UNITS_MAX};
use crate::store::levels::{self, StockRow};
use crate::use_cases::editor::Editor;
use crate::use_cases::move_stock::{self, Booked, Booking};

/// Characters of a reason.
const REASON_MAX: usize = 200;

/// Whose stock.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StockQuery {
    /// The shop.
    shop_id: ShopId,
}

impl Validate for StockQuery {}

/// What a shop has of a variant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StockAnswer {
    variant_id: VariantId,
    product_id: ProductId,
    #[schema(example = "cheesecake-slice")]
    sku: String,
    product_name: Localized,
    variant_name: Localized,
    /// On the shelf.
    #[schema(example = 20)]
    on_hand: i64,
    /// Of these, held for orders.
    #[schema(example = 3)]
    reserved: i64,
    /// What can still be sold.
    #[schema(example = 17)]
    available: i64,
}

/// A page of stock.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StockPage {
    items: Vec<StockAnswer>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What is booked.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MovementBody {
    shop_id: ShopId,
    variant_id: VariantId,
    /// `receipt`: so many came in; `write_off`: so many are gone; `count`: so many there are.
    kind: BookedKind,
    /// From 1; a count may be 0.
    #[schema(minimum = 0, maximum = 1_000_000, example = 20)]
    quantity: i64,
    #[serde(default)]
    #[schema(max_length = 200, example = "поставка")]
    reason: Option<String>,
}

/// What staff book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BookedKind {
    /// So many came in.
    Receipt,
    /// So many are gone.
    WriteOff,
    /// So many there are.
    Count,
}

/// What was booked, and what there is now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MovementAnswer {
    id: MovementId,
    shop_id: ShopId,
    variant_id: VariantId,
    kind: BookedKind,
    #[schema(example = 20)]
    quantity: i64,
    /// What it added to the shelf.
    #[schema(example = 20)]
    change: i64,
    #[schema(required, example = "поставка")]
    reason: Option<String>,
    #[schema(example = 20)]
    on_hand: i64,
    #[schema(example = 0)]
    reserved: i64,
    #[schema(example = 20)]
    available: i64,
    created_at: Timestamp,
}

impl Validate for MovementBody {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let min = if self.kind == BookedKind::Count { 0 } else { 1 };
        if !(min..=UNITS_MAX).contains(&self.quantity) {
            faults.push(rules::outside("/quantity".to_owned(), min, UNITS_MAX).beside("/kind"));
        }
        if let Some(reason) = &self.reason {
            rules::line("/reason", reason, REASON_MAX, &mut faults);
        }
        faults
    }
}

impl MovementBody {
    /// The reason as it is kept.
    fn kept_reason(&self) -> Option<String> {
        self.reason.clone().map(without_card_numbers)
    }
}

impl From<&MovementBody> for Booking {
    fn from(body: &MovementBody) -> Self {
        let movement = match body.kind {
            BookedKind::Receipt => StaffMovement::Receipt(body.quantity),
            BookedKind::WriteOff => StaffMovement::WriteOff(body.quantity),
            BookedKind::Count => StaffMovement::Count(body.quantity),
        };
        Self { shop_id: body.shop_id, variant_id: body.variant_id, movement, reason: body.kept_reason() }
    }
}

impl MovementAnswer {
    fn of(body: &MovementBody, booked: &Booked) -> Self {
        Self {
            id: booked.id,
            shop_id: body.shop_id,
            variant_id: body.variant_id,
            kind: body.kind,
            quantity: body.quantity,
            change: booked.change,
            reason: body.kept_reason(),
            on_hand: booked.level.on_hand,
            reserved: booked.level.reserved,
            available: booked.level.available(),
            created_at: booked.at,
        }
    }
}

impl From<StockRow> for StockAnswer {
    fn from(row: StockRow) -> Self {
        Self {
            variant_id: row.variant_id,
            product_id: row.product_id,
            sku: row.sku,
            product_name: row.product_name,
            variant_name: row.variant_name,
            on_hand: row.level.on_hand,
            reserved: row.level.reserved,
            available: row.level.available(),
        }
    }
}

/// List the stock of a shop
///
/// Every variant whose stock is counted, and whatever else still lies on a shelf.
#[utoipa::path(get, path = "/stock", tag = "stock", params(StockQuery, PageQuery, IfNoneMatchHeader),
    responses(
        (status = 200, description = "A page, by variant.", body = StockPage),
        (status = 404, description = "catalog.unknown-shop", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn list_stock(
    State(web): State<Arc<Web>>,
    principal: Principal,
    Listing { filter, page }: Listing<StockQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shop = filter.shop_id;
    granted(&principal, STAFF, shop)?;
    web.app.menus.current(shop).await?;
    let after = page.after::<VariantId>()?.map_or_else(String::new, |id| id.to_string());
    let limit = page.rows();
    let rows = web.app.db.read(move |snapshot| levels::list(snapshot, shop, &after, limit)).await?;
    let page = service::Page::of(rows, &page, |row| row.variant_id).map(StockAnswer::from);
    Ok(etagged(&headers, &StockPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Book a movement of stock
#[utoipa::path(post, path = "/stock/movements", tag = "stock", params(IdempotencyKeyHeader), request_body = MovementBody,
    responses(
        (status = 201, description = "Booked.", body = MovementAnswer),
        (status = 404, description = "catalog.unknown-shop", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 409, description = "catalog.not-enough-stock with `available`, or catalog.untracked",
            content_type = "application/problem+json", body = MovementRefused),
    ))]
pub(super) async fn move_stock(
    State(web): State<Arc<Web>>,
    principal: Principal,
    Keyed { body, intent }: Keyed<MovementBody>,
) -> Result<Response, Problem> {
    let shop = body.shop_id;
    granted(&principal, MANAGERS, shop)?;
    let (app, editor, booking) = (Arc::clone(&web.app), Editor::of(&principal), Booking::from(&body));
    let answer = once(&web.app.db, intent, move |tx| {
        let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
        let booked = move_stock::book(tx, ids, &editor, &booking)?;
        Answer::created(&MovementAnswer::of(&body, &booked)).map_err(|_| Error::Answer)
    })
    .await?;
    web.app.menus.forget(shop);
    Ok(answer)
}
