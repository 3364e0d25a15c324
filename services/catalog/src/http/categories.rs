//! Categories: read by everybody, named and arranged by staff.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use contracts::{CategoryId, Localized};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use service::{
    Answer, Body, Everything, IfMatch, IfMatchHeader, IfNoneMatchHeader, Listing, PageQuery, PathId, Principal,
    Problem, etagged, versioned,
};
use utoipa::ToSchema;

use super::Web;
use super::bodies::CategoryBody;
use super::patch::{LocalizedPatch, MergePatch};
use crate::error::Error;
use crate::model::category::Category;
use crate::store::menu::{self, Purpose};
use crate::use_cases::edit_category;
use crate::use_cases::editor::Editor;

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CategoryAnswer {
    id: CategoryId,
    #[schema(example = "coffee")]
    slug: String,
    name: Localized,
    /// Smaller is earlier.
    #[schema(example = 1)]
    position: i64,
    /// Also the ETag.
    #[schema(example = 1)]
    version: i64,
}

/// A page of categories.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CategoryPage {
    items: Vec<CategoryAnswer>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What of a category is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct CategoryPatch {
    name: Option<LocalizedPatch>,
    /// Smaller is earlier.
    #[schema(minimum = 0, maximum = 1_000_000, example = 1)]
    position: Option<i64>,
}

impl From<&Category> for CategoryAnswer {
    fn from(category: &Category) -> Self {
        let Category { id, slug, name, position, version, .. } = category.clone();
        Self { id, slug, name, position, version }
    }
}

/// List the categories in the order of the menu
#[utoipa::path(get, path = "/categories", tag = "menu", params(PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page.", body = CategoryPage)))]
pub(super) async fn list_categories(
    State(web): State<Arc<Web>>,
    Listing { page, .. }: Listing<Everything>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = page.after::<(i64, CategoryId)>()?;
    let menu = web.app.menus.whole().await?;
    let all = menu.as_ref().map(|menu| menu.categories()).unwrap_or_default();
    let rest = all.into_iter().filter(|category| after.is_none_or(|after| (category.position, category.id) > after));
    let rows: Vec<&Category> = rest.take(page.limit() + 1).collect();
    let page = service::Page::of(rows, &page, |category| (category.position, category.id)).map(CategoryAnswer::from);
    Ok(etagged(&headers, &CategoryPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Read a category
#[utoipa::path(get, path = "/categories/{id}", tag = "menu",
    params(("id" = CategoryId, Path, description = "The category."), IfNoneMatchHeader),
    responses((status = 200, description = "The category.", body = CategoryAnswer)))]
pub(super) async fn read_category(
    State(web): State<Arc<Web>>,
    PathId(id): PathId<CategoryId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let category = find(&web, id).await?;
    Ok(versioned(&headers, &CategoryAnswer::from(&category), category.version))
}

/// Name a category and give it its place
///
/// A JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/categories/{id}", tag = "menu",
    params(("id" = CategoryId, Path, description = "The category."), IfMatchHeader), request_body = CategoryPatch,
    responses((status = 200, description = "As it is now.", body = CategoryAnswer)))]
pub(super) async fn change_category(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathId(id): PathId<CategoryId>,
    if_match: IfMatch,
    Body(patch): Body<MergePatch>,
) -> Result<Response, Problem> {
    let current = find(&web, id).await?;
    let version = current.version;
    if_match.check(version)?;
    let draft = patch.onto(&CategoryBody::from(&current), None)?.into();
    let editor = Editor::of(&principal);
    let category = web.app.db.write(move |tx| edit_category::update(tx, &editor, (id, version), &draft)).await?;
    web.app.menus.forget_all();
    Ok(Answer::ok(&CategoryAnswer::from(&category))?.version(category.version).into_response())
}

async fn find(web: &Web, id: CategoryId) -> Result<Category, Error> {
    let found = web.app.db.read(move |snapshot| menu::category_by_id(snapshot, id, Purpose::Show)).await?;
    found.ok_or(Error::Unknown("category"))
}
