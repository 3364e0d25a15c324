//! The menu as a file.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use service::{Csv, Principal, Problem, Query, Validate};
use utoipa::{IntoParams, ToSchema};

use super::Web;
use crate::use_cases::editor::Editor;
use crate::use_cases::import_menu::{self, Counts, ImportMode, ImportSummary};

/// Whether the file is only tried.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// `true`: says what would happen and changes nothing.
    dry_run: Option<bool>,
}

impl Validate for ImportQuery {}

/// How many things a file made, changed and left alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportCounts {
    #[schema(example = 48)]
    created: u64,
    #[schema(example = 0)]
    changed: u64,
    #[schema(example = 0)]
    unchanged: u64,
}

/// What a file did; the counts at the top are of products.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportAnswer {
    #[schema(example = 48)]
    created: u64,
    #[schema(example = 0)]
    changed: u64,
    #[schema(example = 0)]
    unchanged: u64,
    modifier_groups: ImportCounts,
    categories: ImportCounts,
    /// Whether nothing was written.
    #[schema(example = false)]
    dry_run: bool,
}

impl From<Counts> for ImportCounts {
    fn from(counts: Counts) -> Self {
        let Counts { created, changed, unchanged } = counts;
        Self { created, changed, unchanged }
    }
}

impl ImportAnswer {
    fn of(summary: ImportSummary, mode: ImportMode) -> Self {
        let Counts { created, changed, unchanged } = summary.products;
        Self {
            created,
            changed,
            unchanged,
            modifier_groups: summary.modifier_groups.into(),
            categories: summary.categories.into(),
            dry_run: mode == ImportMode::DryRun,
        }
    }
}

/// Import the menu
///
/// All of the file or nothing of it. The columns are those of the export; what the file does not name stays as it is.
/// A bad row is named by its number, as a spreadsheet counts (the heading is 1), and its column: `/rows/17/price`.
#[utoipa::path(post, path = "/catalog/import", tag = "products", params(ImportQuery),
    request_body(content = String, content_type = "text/csv", example = "kind,parent,sku,name_ru,name_en,price\nproduct,coffee,latte,Латте,Latte,\nvariant,latte,latte-m,M,M,250.00\n"),
    responses((status = 200, description = "What it did.", body = ImportAnswer)))]
pub(super) async fn import_catalog(
    State(web): State<Arc<Web>>,
    principal: Principal,
    Query(query): Query<ImportQuery>,
    Csv(bytes): Csv,
) -> Result<Json<ImportAnswer>, Problem> {
    let mode = if query.dry_run.unwrap_or(false) { ImportMode::DryRun } else { ImportMode::Apply };
    let app = &web.app;
    let summary = import_menu::import(&app.db, &app.rng, &Editor::of(&principal), (bytes, mode)).await?;
    app.menus.forget_all();
    Ok(Json(ImportAnswer::of(summary, mode)))
}

/// Export the menu
///
/// The whole of it, archived things too; it imports back to the same state. Cells that a spreadsheet program would take
/// for a formula have an apostrophe before them, which the import takes off.
#[utoipa::path(get, path = "/catalog/export", tag = "products",
    responses((status = 200, description = "The menu.", body = String, content_type = "text/csv",
        example = "kind,parent,sku,name_ru,name_en,price\r\nvariant,latte,latte-m,M,M,250.00\r\n")))]
pub(super) async fn export_catalog(State(web): State<Arc<Web>>) -> Result<Response, Problem> {
    let bytes = web.app.db.read(import_menu::export).await?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"menu.csv\"")),
    ];
    Ok((headers, bytes).into_response())
}
