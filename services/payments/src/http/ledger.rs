//! The ledger, for those who run shops.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use service::{Listing, Page, PageQuery, Principal, Problem, Role};

use super::answers::{LedgerAnswer, LedgerPage};
use super::requests::LedgerQuery;
use crate::app::App;
use crate::error::Error;
use crate::store::{self as rows, LedgerKey, Scope};

/// Who reads the ledger of a shop.
const READERS: [Role; 2] = [Role::Manager, Role::Admin];

/// List the ledger, the oldest first
///
/// Every transaction balances: its debits are its credits.
#[utoipa::path(get, path = "/ledger", tag = "payments", params(LedgerQuery, PageQuery),
    responses((status = 200, description = "A page.", body = LedgerPage)))]
pub(super) async fn list_ledger(
    State(app): State<Arc<App>>,
    principal: Principal,
    Listing { filter, page }: Listing<LedgerQuery>,
) -> Result<Json<LedgerPage>, Problem> {
    let after = page.after::<LedgerKey>()?;
    let scope = Scope::of(&principal.shops(&READERS));
    let count = page.rows();
    let found: Result<_, Error> =
        app.db.read(move |snapshot| Ok(rows::list_ledger(snapshot, filter.order_id, &scope, after, count)?)).await;
    let found = Page::of(found?, &page, |line| LedgerKey(line.posted_at, line.id));
    let Page { items, next_cursor } = found.map(LedgerAnswer::from);
    Ok(Json(LedgerPage { items, next_cursor }))
}
