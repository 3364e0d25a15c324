//! Modifier groups, for staff.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use contracts::{Localized, ModifierGroupId, ModifierId};
use http::HeaderMap;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use service::{
    Answer, Body, Everything, IfMatch, IfMatchHeader, IfNoneMatchHeader, Listing, MaybeKeyed,
    OptionalIdempotencyKeyHeader, PageQuery, PathId, Principal, Problem, etagged, once, versioned,
};
use utoipa::ToSchema;

use super::bodies::{GroupBody, ModifierBody};
use super::patch::{LocalizedPatch, MergePatch, PricePatch};
use super::refusals::{ChangeRefused, CreationRefused};
use super::{Web, examples};
use crate::app::Ids;
use crate::error::Error;
use crate::model::merge::MatchedList;
use crate::model::modifiers::ModifierGroup;
use crate::use_cases::edit_group;
use crate::use_cases::editor::Editor;

const MODIFIERS: MatchedList = MatchedList { name: "modifiers", key: "slug" };

/// A modifier group as staff edit it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EditedGroup {
    id: ModifierGroupId,
    #[schema(example = "milk")]
    slug: String,
    name: Localized,
    #[schema(example = 0)]
    min: i64,
    #[schema(example = 1)]
    max: i64,
    modifiers: Vec<ModifierBody>,
    /// Also the ETag.
    #[schema(example = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A page of modifier groups.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupPage {
    items: Vec<EditedGroup>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What of a group is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct GroupPatch {
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "milk")]
    slug: Option<String>,
    name: Option<LocalizedPatch>,
    #[schema(minimum = 0, maximum = 999, example = 0)]
    min: Option<i64>,
    #[schema(minimum = 1, maximum = 999, example = 1)]
    max: Option<i64>,
    /// All of them: those that are missing are archived. Each is merged onto the one of its `id`, else of its `slug`.
    #[schema(max_items = 100)]
    modifiers: Option<Vec<ModifierPatch>>,
}

/// What of a modifier is to change; of a new one everything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct ModifierPatch {
    #[schema(value_type = Option<String>, example = "mod_01h455vb4pex5vsknk084sn02q")]
    id: Option<ModifierId>,
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "oat")]
    slug: Option<String>,
    name: Option<LocalizedPatch>,
    price: Option<PricePatch>,
    #[schema(example = false)]
    archived: Option<bool>,
}

impl From<&ModifierGroup> for EditedGroup {
    fn from(group: &ModifierGroup) -> Self {
        let ModifierGroup { id, slug, name, min, max, modifiers, version, created_at, updated_at, .. } = group.clone();
        let modifiers = modifiers.into_iter().map(ModifierBody::from).collect();
        Self { id, slug, name, min, max, modifiers, version, created_at, updated_at }
    }
}

/// Create a modifier group
#[utoipa::path(post, path = "/modifier-groups", tag = "products", params(OptionalIdempotencyKeyHeader),
    request_body(content = GroupBody, example = json!(examples::new_group())),
    responses(
        (status = 201, description = "Products may offer it.", body = EditedGroup),
        (status = 409, description = "catalog.taken with `taken`",
            content_type = "application/problem+json", body = CreationRefused),
    ))]
pub(super) async fn create_group(
    State(web): State<Arc<Web>>,
    principal: Principal,
    MaybeKeyed { body, intent }: MaybeKeyed<GroupBody>,
) -> Result<Response, Problem> {
    let (app, editor, draft) = (Arc::clone(&web.app), Editor::of(&principal), body.into());
    let answer = once(&web.app.db, intent, move |tx| {
        let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
        let group = edit_group::create(tx, ids, &editor, &draft)?;
        let answer = Answer::created(&EditedGroup::from(&group)).map_err(|_| Error::Answer)?;
        Ok::<_, Error>(answer.version(group.version).location(&format!("/api/v1/modifier-groups/{}", group.id)))
    })
    .await?;
    web.app.menus.forget_all();
    Ok(answer)
}

/// List the modifier groups
#[utoipa::path(get, path = "/modifier-groups", tag = "products", params(PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page, in their order.", body = GroupPage)))]
pub(super) async fn list_groups(
    State(web): State<Arc<Web>>,
    Listing { page, .. }: Listing<Everything>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = page.after::<(i64, ModifierGroupId)>()?;
    let menu = web.app.menus.whole().await?;
    let all = menu.as_ref().map(|menu| menu.groups()).unwrap_or_default();
    let rest = all.into_iter().filter(|group| after.is_none_or(|after| (group.position, group.id) > after));
    let rows: Vec<&ModifierGroup> = rest.take(page.limit() + 1).collect();
    let page = service::Page::of(rows, &page, |group| (group.position, group.id)).map(EditedGroup::from);
    Ok(etagged(&headers, &GroupPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Read a modifier group
#[utoipa::path(get, path = "/modifier-groups/{id}", tag = "products",
    params(("id" = ModifierGroupId, Path, description = "The group."), IfNoneMatchHeader),
    responses((status = 200, description = "The group, archived modifiers too.", body = EditedGroup)))]
pub(super) async fn read_group(
    State(web): State<Arc<Web>>,
    PathId(id): PathId<ModifierGroupId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let group = web.app.db.read(move |snapshot| edit_group::read(snapshot, id)).await?;
    Ok(versioned(&headers, &EditedGroup::from(&group), group.version))
}

/// Change a modifier group
///
/// A JSON merge patch (RFC 7396). Every product that offers the group changes with it.
#[utoipa::path(patch, path = "/modifier-groups/{id}", tag = "products",
    params(("id" = ModifierGroupId, Path, description = "The group."), IfMatchHeader), request_body = GroupPatch,
    responses(
        (status = 200, description = "As it is now.", body = EditedGroup),
        (status = 409, description = "catalog.taken with `taken`",
            content_type = "application/problem+json", body = ChangeRefused),
    ))]
pub(super) async fn change_group(
    State(web): State<Arc<Web>>,
    principal: Principal,
    PathId(id): PathId<ModifierGroupId>,
    if_match: IfMatch,
    Body(patch): Body<MergePatch>,
) -> Result<Response, Problem> {
    let current = web.app.db.read(move |snapshot| edit_group::read(snapshot, id)).await?;
    let version = current.version;
    if_match.check(version)?;
    let draft = patch.onto(&GroupBody::from(&current), Some(MODIFIERS))?.into();
    let (app, editor) = (Arc::clone(&web.app), Editor::of(&principal));
    let group = web
        .app
        .db
        .write(move |tx| {
            let ids = Ids { now: tx.now(), rng: app.rng.as_ref() };
            edit_group::update(tx, ids, &editor, (id, version), &draft)
        })
        .await?;
    web.app.menus.forget_all();
    Ok(Answer::ok(&EditedGroup::from(&group))?.version(group.version).into_response())
}
