//! Products: read by guests, edited by staff.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use contracts::{CategoryId, Localized, ProductId, ShopId};
use http::HeaderMap;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use service::codes::{FORBIDDEN, UNAUTHENTICATED};
use service::{
    Answer, Body, Fault, IfMatch, IfMatchHeader, IfNoneMatchHeader, Lang, MaybeKeyed, OptionalIdempotencyKeyHeader,
    PathId, Principal, Problem, Query, Validate, etagged, once, versioned,
};
use utoipa::{IntoParams, ToSchema};

use super::bodies::{NutritionFacts, ProductBody, VariantBody};
use super::items::{MenuItem, Showing};
use super::menu::in_language;
use super::patch::{LocalizedPatch, MergePatch, PricePatch};
use super::refusals::{ChangeRefused, CreationRefused};
use super::{STAFF, Web, examples};
use crate::app::Ids;
use crate::error::Error;
use crate::model::merge::MatchedList;
use crate::use_cases::edit_product::{self, ProductPage};
use crate::use_cases::editor::Editor;

const VARIANTS: MatchedList = MatchedList { name: "variants", key: "sku" };

/// How a product is read.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ProductQuery {
    /// In whose menu; without one, nothing is said about what is left.
    shop_id: Option<ShopId>,
    /// `edit`: every language and everything archived, for staff.
    #[param(inline)]
    view: Option<ProductView>,
}

/// For whom a product is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProductView {
    /// For guests.
    Menu,
    /// For staff who edit it.
    Edit,
}

impl Validate for ProductQuery {
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// A product as staff edit it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EditedProduct {
    id: ProductId,
    #[schema(example = "latte")]
    sku: String,
    #[schema(example = "coffee")]
    category: String,
    category_id: CategoryId,
    name: Localized,
    #[schema(required)]
    description: Option<Localized>,
    #[schema(required)]
    composition: Option<Localized>,
    #[schema(required)]
    nutrition: Option<NutritionFacts>,
    #[schema(required)]
    image_url: Option<String>,
    tracked: bool,
    #[schema(example = 1)]
    position: i64,
    #[schema(example = false)]
    archived: bool,
    #[schema(example = json!(["milk"]))]
    modifier_groups: Vec<String>,
    variants: Vec<VariantBody>,
    /// Also the ETag.
    #[schema(example = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// What a product is, read in either way.
#[derive(ToSchema)]
#[schema(as = Product)]
#[expect(dead_code, reason = "only its schema is used: which one it is depends on the query")]
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum EitherProduct {
    /// For guests.
    Menu(MenuItem),
    /// With `view=edit`.
    Edit(EditedProduct),
}

/// What of a product is to change; `null` takes away what may be missing.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
#[derive(Deserialize)]
pub(super) struct ProductPatch {
    #[schema(min_length = 1, max_length = 64, example = "latte")]
    sku: Option<String>,
    /// The slug of the category; an unknown one is created.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "coffee")]
    category: Option<String>,
    name: Option<LocalizedPatch>,
    description: Option<LocalizedPatch>,
    composition: Option<LocalizedPatch>,
    nutrition: Option<NutritionPatch>,
    #[schema(max_length = 2000, example = "https://samovar.example/latte.webp")]
    image_url: Option<String>,
    tracked: Option<bool>,
    #[schema(minimum = 0, maximum = 1_000_000, example = 1)]
    position: Option<i64>,
    #[schema(example = false)]
    archived: Option<bool>,
    #[schema(max_items = 20, example = json!(["milk"]))]
    modifier_groups: Option<Vec<String>>,
    /// All of them: those that are missing are archived. Each is merged onto the one of its `id`, else of its `sku`.
    #[schema(max_items = 100)]
    variants: Option<Vec<VariantPatch>>,
}

/// What of the nutrition is to change; where nothing was said of it before, everything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct NutritionPatch {
    #[schema(minimum = 0, maximum = 100_000, example = 180.0)]
    kcal: Option<f64>,
    #[schema(minimum = 0, maximum = 100_000, example = 7.1)]
    protein_g: Option<f64>,
    #[schema(minimum = 0, maximum = 100_000, example = 6.0)]
    fat_g: Option<f64>,
    #[schema(minimum = 0, maximum = 100_000, example = 21.0)]
    carbohydrate_g: Option<f64>,
}

/// What of a variant is to change; of a new one everything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct VariantPatch {
    #[schema(value_type = Option<String>, example = "var_01h455vb4pex5vsknk084sn02q")]
    id: Option<contracts::VariantId>,
    #[schema(min_length = 1, max_length = 64, example = "latte-m")]
    sku: Option<String>,
    name: Option<LocalizedPatch>,
    price: Option<PricePatch>,
    #[schema(example = false)]
    archived: Option<bool>,
}

impl From<ProductPage> for EditedProduct {
    fn from(page: ProductPage) -> Self {
        let ProductPage { product, category, groups } = page;
        Self {
            id: product.id,
            sku: product.sku,
            category: category.slug,
            category_id: product.category,
            name: product.name,
            description: product.description,
            composition: product.composition,
            nutrition: product.nutrition.map(Into::into),
            image_url: product.image_url,
            tracked: product.tracked,
            position: product.position,
            archived: product.archived,
            modifier_groups: groups,
            variants: product.variants.into_iter().map(VariantBody::from).collect(),
            version: product.version,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// Create a product
#[utoipa::path(post, path = "/products", tag = "products", params(OptionalIdempotencyKeyHeader),
    request_body(content = ProductBody, example = json!(examples::new_product())),
    responses(
        (status = 201, description = "It is on the menu of every shop.", body = EditedProduct),
        (status = 409, description = "catalog.taken with `taken`",
            content_type = "application/problem+json", body = CreationRefused),
    ))]
pub(super) async fn create_product(
    State(web): State<Arc<Web>>,
    principal: Principal,
    MaybeKeyed { body, intent }: MaybeKeyed<ProductBody>,
) -> Result<Response, Problem> {
    let (app, editor, draft) = (Arc::clone(&web.app), Editor::of(&principal), body.into());
    let answer = once(&web.app.db, intent, move |tx| {
        let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
        let page = edit_product::create(tx, ids, &editor, &draft)?;
        let (id, version) = (page.product.id, page.product.version);
        let answer = Answer::created(&EditedProduct::from(page)).map_err(|_| Error::Answer)?;
        Ok::<_, Error>(answer.version(version).location(&format!("/api/v1/products/{id}")))
    })
    .await?;
    web.app.menus.forget_all();
    Ok(answer)
}

/// Read a product
///
/// With `view=edit` (staff): every language, archived variants too, and the version to send back as `If-Match`.
#[utoipa::path(get, path = "/products/{id}", tag = "products",
    params(("id" = ProductId, Path, description = "The product."), ProductQuery, IfNoneMatchHeader),
    responses((status = 200, description = "The product.", body = EitherProduct)))]
pub(super) async fn read_product(
    State(web): State<Arc<Web>>,
    PathId(id): PathId<ProductId>,
    Query(query): Query<ProductQuery>,
    principal: Option<Principal>,
    (Lang(language), headers): (Lang, HeaderMap),
) -> Result<Response, Problem> {
    match query.view.unwrap_or(ProductView::Menu) {
        ProductView::Edit => {
            let principal = principal.ok_or_else(|| Problem::new(&UNAUTHENTICATED))?;
            if !STAFF.iter().any(|role| principal.is(*role)) {
                return Err(Problem::new(&FORBIDDEN));
            }
            let page = web.app.db.read(move |snapshot| edit_product::read(snapshot, id)).await?;
            let version = page.product.version;
            Ok(versioned(&headers, &EditedProduct::from(page), version))
        }
        ProductView::Menu => {
            let now = web.app.clock.now();
            let unknown = || Problem::from(Error::Unknown("product"));
            let item = match query.shop_id {
                Some(shop) => {
                    let view = web.app.menus.current(shop).await?;
                    let product = view.menu.menu.product(id).filter(|product| !product.archived);
                    Showing::in_shop(&view.menu, now, language).item(product.ok_or_else(unknown)?)
                }
                None => {
                    let menu = web.app.menus.whole().await?.ok_or_else(unknown)?;
                    let product = menu.product(id).filter(|product| !product.archived);
                    Showing::anywhere(&menu, now, language).item(product.ok_or_else(unknown)?)
                }
            };
            Ok(in_language(etagged(&headers, &item), language))
        }
    }
}

/// Change a product
///
/// A JSON merge patch (RFC 7396). Archiving is the end of a product: nothing is deleted.
#[utoipa::path(patch, path = "/products/{id}", tag = "products",
    params(("id" = ProductId, Path, description = "The product."), IfMatchHeader), request_body = ProductPatch,
    responses(
        (status = 200, description = "As it is now.", body = EditedProduct),
        (status = 409, description = "catalog.taken with `taken`",
            content_type = "application/problem+json", body = ChangeRefused),
    ))]
pub(super) async fn change_product(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathId(id): PathId<ProductId>,
    if_match: IfMatch,
    Body(patch): Body<MergePatch>,
) -> Result<Response, Problem> {
    let current = web.app.db.read(move |snapshot| edit_product::read(snapshot, id)).await?;
    let version = current.product.version;
    if_match.check(version)?;
    let draft = patch.onto(&ProductBody::from(&current), Some(VARIANTS))?.into();
    let (app, editor) = (Arc::clone(&web.app), Editor::of(&principal));
    let page = web
        .app
        .db
        .write(move |tx| {
            let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
            edit_product::update(tx, ids, &editor, (id, version), &draft)
        })
        .await?;
    web.app.menus.forget_all();
    let version = page.product.version;
    Ok(Answer::ok(&EditedProduct::from(page))?.version(version).into_response())
}
