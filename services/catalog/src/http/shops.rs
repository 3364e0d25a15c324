//! Shops: found by guests, opened by administrators, run by their managers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use contracts::ShopId;
use http::HeaderMap;
use kernel::{Currency, Text, Timestamp};
use serde::{Deserialize, Serialize};
use service::{
    Answer, Body, Fault, IfMatch, IfMatchHeader, IfNoneMatchHeader, Listing, MaybeKeyed, OptionalIdempotencyKeyHeader,
    PageQuery, PathId, Principal, Problem, Tagged, Validate, etagged, once,
};
use utoipa::{IntoParams, ToSchema};

use super::bodies::{HoursBody, ShopBody};
use super::patch::MergePatch;
use super::{MANAGERS, Web, granted};
use crate::app::Ids;
use crate::error::Error;
use crate::model::hours::{Hours, Opening};
use crate::model::page::KEY_TEXT_MAX;
use crate::model::shop::Shop;
use crate::store::shops;
use crate::use_cases::edit_shop;
use crate::use_cases::editor::Editor;

const BOTH: Text = Text { en: "lat and lon go together", ru: "lat и lon указывают вместе" };
const LAT: Text = Text { en: "must be between -90 and 90", ru: "должно быть от -90 до 90" };
const LON: Text = Text { en: "must be between -180 and 180", ru: "должно быть от -180 до 180" };

/// Where somebody is.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ShopsQuery {
    /// Degrees north: the nearest shop comes first.
    #[param(minimum = -90, maximum = 90, example = 55.7579)]
    lat: Option<f64>,
    /// Degrees east.
    #[param(minimum = -180, maximum = 180, example = 37.6112)]
    lon: Option<f64>,
}

/// A shop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShopAnswer {
    id: ShopId,
    #[schema(example = "Самовар на Тверской")]
    name: String,
    #[schema(example = "Москва, Тверская, 7")]
    address: String,
    #[schema(example = 55.7579)]
    lat: f64,
    #[schema(example = 37.6112)]
    lon: f64,
    #[schema(example = "Europe/Moscow")]
    time_zone: String,
    currency: Currency,
    /// Minutes from an order to its being ready at the earliest.
    #[schema(example = 10)]
    lead_time_min: i64,
    /// When it is open, in its own time; none: always.
    hours: Vec<HoursBody>,
    /// Days on which it does not open, in its own time.
    #[schema(example = json!(["2027-01-01"]))]
    closed_days: Vec<String>,
    #[schema(example = 10)]
    slot_minutes: i64,
    /// Orders per slot; null: unlimited.
    #[schema(required, example = 12)]
    slot_capacity: Option<i64>,
    /// Whether it is open now.
    open_now: bool,
    /// When it opens next; null while it is open, or when it does not open within two months.
    #[schema(required)]
    opens_at: Option<Timestamp>,
    /// When it closes; null while it is closed, or when it does not close within two months.
    #[schema(required)]
    closes_at: Option<Timestamp>,
    /// How far it is, if the question said from where.
    #[schema(required, example = 1.2)]
    distance_km: Option<f64>,
    /// Also the ETag.
    #[schema(example = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A page of shops.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShopPage {
    items: Vec<ShopAnswer>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What of a shop is to change; `null` takes away what may be missing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct ShopPatch {
    #[schema(min_length = 1, max_length = 200, example = "Самовар на Тверской")]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 500, example = "Москва, Тверская, 7")]
    address: Option<String>,
    #[schema(minimum = -90, maximum = 90, example = 55.7579)]
    lat: Option<f64>,
    #[schema(minimum = -180, maximum = 180, example = 37.6112)]
    lon: Option<f64>,
    #[schema(max_length = 64, example = "Europe/Moscow")]
    time_zone: Option<String>,
    /// May only say what it is.
    #[schema(example = "RUB")]
    currency: Option<String>,
    #[schema(minimum = 0, maximum = 10_080, example = 10)]
    lead_time_min: Option<i64>,
    #[schema(max_items = 50)]
    hours: Option<Vec<HoursBody>>,
    #[schema(max_items = 400, example = json!(["2027-01-01"]))]
    closed_days: Option<Vec<String>>,
    #[schema(minimum = 1, maximum = 1440, example = 10)]
    slot_minutes: Option<i64>,
    #[schema(minimum = 1, maximum = 10_000, example = 12)]
    slot_capacity: Option<i64>,
}

/// The sort key of a list of shops: metres away, or nothing; then the beginning of the name.
type ShopKey = (i64, String, ShopId);

impl Validate for ShopsQuery {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match (self.lat, self.lon) {
            (Some(_), None) => faults.push(Fault::new("/lon", "missing", BOTH)),
            (None, Some(_)) => faults.push(Fault::new("/lat", "missing", BOTH)),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.lat.is_some_and(|lat| !(-90.0..=90.0).contains(&lat)) {
            faults.push(Fault::new("/lat", "out-of-range", LAT));
        }
        if self.lon.is_some_and(|lon| !(-180.0..=180.0).contains(&lon)) {
            faults.push(Fault::new("/lon", "out-of-range", LON));
        }
        faults
    }
}

impl ShopAnswer {
    fn of(shop: &Shop, now: Timestamp, distance_km: Option<f64>) -> Self {
        let draft = shop.draft.clone();
        // Hours were checked when they were written; ones that cannot be read mean closed until further notice.
        let hours = Hours::new(&draft.time_zone, &draft.hours, &draft.closed_days);
        let opening = hours.map_or(Opening::Closed { opens_at: None }, |hours| hours.at(now));
        let (open_now, opens_at, closes_at) = match opening {
            Opening::Open { closes_at } => (true, None, closes_at),
            Opening::Closed { opens_at } => (false, opens_at, None),
        };
        Self {
            id: shop.id,
            name: draft.name,
            address: draft.address,
            lat: draft.lat,
            lon: draft.lon,
            time_zone: draft.time_zone,
            currency: draft.currency,
            lead_time_min: draft.lead_time_min,
            hours: draft.hours.into_iter().map(HoursBody::from).collect(),
            closed_days: draft.closed_days,
            slot_minutes: draft.slot_minutes,
            slot_capacity: draft.slot_capacity,
            open_now,
            opens_at,
            closes_at,
            distance_km,
            version: shop.version,
            created_at: shop.created_at,
            updated_at: shop.updated_at,
        }
    }
}

/// Find shops
///
/// The nearest first when the question says from where, else by name.
#[utoipa::path(get, path = "/shops", tag = "shops", params(ShopsQuery, PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page of shops.", body = ShopPage)))]
pub(super) async fn list_shops(
    State(web): State<Arc<Web>>,
    Listing { filter, page }: Listing<ShopsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = page.after::<ShopKey>()?;
    let shops = web.app.db.read(shops::list).await?;
    let here = filter.lat.zip(filter.lon);
    let mut found: Vec<(ShopKey, Option<f64>, Shop)> = shops
        .into_iter()
        .map(|shop| {
            let km = here.map(|(lat, lon)| shop.distance_km(lat, lon));
            ((km.map_or(0, metres), shop.draft.name.chars().take(KEY_TEXT_MAX).collect(), shop.id), km, shop)
        })
        .filter(|(key, ..)| after.as_ref().is_none_or(|after| key > after))
        .collect();
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    found.truncate(page.limit() + 1);
    let now = web.app.clock.now();
    let page = service::Page::of(found, &page, |(key, ..)| key.clone());
    let page = page.map(|(_, km, shop)| ShopAnswer::of(&shop, now, km));
    Ok(etagged(&headers, &ShopPage { items: page.items, next_cursor: page.next_cursor }))
}

#[expect(clippy::cast_possible_truncation, reason = "at most half of the way around the earth")]
fn metres(km: f64) -> i64 {
    (km * 1000.0).round() as i64
}

/// Open a shop
#[utoipa::path(post, path = "/shops", tag = "shops", params(OptionalIdempotencyKeyHeader), request_body = ShopBody,
    responses((status = 201, description = "It sells the whole menu.", body = ShopAnswer)))]
pub(super) async fn create_shop(
    State(web): State<Arc<Web>>,
    principal: Principal,
    MaybeKeyed { body, intent }: MaybeKeyed<ShopBody>,
) -> Result<Response, Problem> {
    let (app, editor, draft) = (Arc::clone(&web.app), Editor::of(&principal), body.into());
    once(&web.app.db, intent, move |tx| {
        let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
        let shop = edit_shop::create(tx, ids, &editor, &draft)?;
        let answer = Answer::created(&ShopAnswer::of(&shop, tx.now(), None)).map_err(|_| Error::Answer)?;
        Ok::<_, Error>(answer.version(shop.version).location(&format!("/api/v1/shops/{}", shop.id)))
    })
    .await
}

/// Read a shop
///
/// The ETag says its version and whether it is open at this moment; it may be sent back as `If-Match`.
#[utoipa::path(get, path = "/shops/{id}", tag = "shops",
    params(("id" = ShopId, Path, description = "The shop."), IfNoneMatchHeader),
    responses((status = 200, description = "The shop.", body = ShopAnswer,
        headers(("ETag" = String, description = "Its version, and what it says of this moment.")))))]
pub(super) async fn read_shop(
    State(web): State<Arc<Web>>,
    PathId(id): PathId<ShopId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shop = find(&web, id).await?;
    Ok(Tagged::at_version(&ShopAnswer::of(&shop, web.app.clock.now(), None), shop.version)?.answer(&headers))
}

/// Change a shop
///
/// A JSON merge patch (RFC 7396). The currency stays.
#[utoipa::path(patch, path = "/shops/{id}", tag = "shops",
    params(("id" = ShopId, Path, description = "The shop."), IfMatchHeader), request_body = ShopPatch,
    responses((status = 200, description = "As it is now.", body = ShopAnswer)))]
pub(super) async fn change_shop(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathId(id): PathId<ShopId>,
    if_match: IfMatch,
    Body(patch): Body<MergePatch>,
) -> Result<Response, Problem> {
    granted(&principal, MANAGERS, id)?;
    let current = find(&web, id).await?;
    let version = current.version;
    if_match.check(version)?;
    let draft = patch.onto(&ShopBody::from(&current.draft), None)?.into();
    let editor = Editor::of(&principal);
    let shop = web.app.db.write(move |tx| edit_shop::update(tx, &editor, (id, version), &draft)).await?;
    web.app.menus.forget(id);
    Ok(Answer::ok(&ShopAnswer::of(&shop, web.app.clock.now(), None))?.version(shop.version).into_response())
}

async fn find(web: &Web, id: ShopId) -> Result<Shop, Error> {
    web.app.db.read(move |snapshot| shops::read(snapshot, id)).await?.ok_or(Error::UnknownShop(id))
}
