//! The stop-list of a shop.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use contracts::ShopId;
use http::{HeaderMap, StatusCode};
use kernel::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use service::{
    Body, Everything, Fault, IfNoneMatchHeader, Listing, PageQuery, PathId, PathIds, Principal, Problem, Validate,
    codes, etagged,
};
use utoipa::ToSchema;

use super::{STAFF, Web, granted};
use crate::model::item::ItemId;
use crate::model::rules;
use crate::store::shops::{self, Stop};
use crate::use_cases::editor::Editor;
use crate::use_cases::stop_items;

/// Characters of a reason.
const REASON_MAX: usize = 200;
const PAST: Text = Text { en: "must lie in the future", ru: "должно быть в будущем" };

/// Until when, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StopBody {
    /// Null: until it is taken off the list.
    #[serde(default)]
    until: Option<Timestamp>,
    /// For the colleagues.
    #[serde(default)]
    #[schema(max_length = 200, example = "кончилось молоко")]
    reason: Option<String>,
}

/// What a shop cannot sell now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StopAnswer {
    /// A product, a variant or a modifier.
    #[schema(example = "mod_01h455vb4pex5vsknk084sn02q")]
    item_id: String,
    #[schema(required)]
    until: Option<Timestamp>,
    #[schema(required, example = "кончилось молоко")]
    reason: Option<String>,
    created_at: Timestamp,
}

/// A page of a stop-list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StopPage {
    items: Vec<StopAnswer>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl Validate for StopBody {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(reason) = &self.reason {
            rules::line("/reason", reason, REASON_MAX, &mut faults);
        }
        faults
    }
}

impl From<Stop> for StopAnswer {
    fn from(stop: Stop) -> Self {
        let Stop { item, until, reason, created_at } = stop;
        Self { item_id: item.text().as_str().to_owned(), until, reason, created_at }
    }
}

/// List what a shop cannot sell now
#[utoipa::path(get, path = "/shops/{id}/stop-list", tag = "shops",
    params(("id" = ShopId, Path, description = "The shop."), PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page, by id.", body = StopPage)))]
pub(super) async fn list_stops(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathId(shop): PathId<ShopId>,
    Listing { page, .. }: Listing<Everything>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    granted(&principal, STAFF, shop)?;
    let after = page.after::<String>()?.unwrap_or_default();
    let rows = page.rows();
    let stops = web.app.db.read(move |snapshot| shops::list_stops(snapshot, shop, &after, rows)).await?;
    let page = service::Page::of(stops, &page, |stop| stop.item.text().as_str().to_owned()).map(StopAnswer::from);
    Ok(etagged(&headers, &StopPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Stop selling something in a shop
#[utoipa::path(put, path = "/shops/{id}/stop-list/{item_id}", tag = "shops",
    params(("id" = ShopId, Path, description = "The shop."),
        ("item_id" = String, Path, description = "A product, a variant or a modifier.", example = "mod_01h455vb4pex5vsknk084sn02q")),
    request_body = StopBody,
    responses((status = 200, description = "It is on the list.", body = StopAnswer)))]
pub(super) async fn put_stop(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathIds(shop, item): PathIds<ShopId, ItemId>,
    Body(body): Body<StopBody>,
) -> Result<Json<StopAnswer>, Problem> {
    granted(&principal, STAFF, shop)?;
    let now = web.app.clock.now();
    if body.until.is_some_and(|until| until <= now) {
        return Err(Problem::new(&codes::INVALID).faults(vec![Fault::new("/until", "past", PAST)]));
    }
    let menu = Arc::clone(&web.app.menus.current(shop).await?.menu.menu);
    let editor = Editor::of(&principal);
    let stop = Stop { item, until: body.until, reason: body.reason, created_at: now };
    let stored = web.app.db.write(move |tx| stop_items::stop(tx, &editor, shop, &stop, &menu)).await?;
    web.app.menus.forget(shop);
    Ok(Json(stored.into()))
}

/// Sell something in a shop again
#[utoipa::path(delete, path = "/shops/{id}/stop-list/{item_id}", tag = "shops",
    params(("id" = ShopId, Path, description = "The shop."),
        ("item_id" = String, Path, description = "A product, a variant or a modifier.", example = "mod_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is not on the list.")))]
pub(super) async fn delete_stop(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathIds(shop, item): PathIds<ShopId, ItemId>,
) -> Result<StatusCode, Problem> {
    granted(&principal, STAFF, shop)?;
    let menu = Arc::clone(&web.app.menus.current(shop).await?.menu.menu);
    let editor = Editor::of(&principal);
    web.app.db.write(move |tx| stop_items::resume(tx, &editor, shop, item, &menu)).await?;
    web.app.menus.forget(shop);
    Ok(StatusCode::NO_CONTENT)
}
