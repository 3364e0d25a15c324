//! The ledger, for those who run shops.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use service::{IfNoneMatchHeader, Listing, Page, PageQuery, Principal, Problem, Role, etagged};

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
#[utoipa::path(get, path = "/ledger", tag = "payments", params(LedgerQuery, PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page.", body = LedgerPage)))]
pub(super) async fn list_ledger(
    State(app): State<Arc<App>>,
    principal: Principal,
    Listing { filter, page }: Listing<LedgerQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = page.after::<LedgerKey>()?;
    let scope = Scope::of(&principal.shops(&READERS));
    let count = page.rows();
    let found: Result<_, Error> =
        app.db.read(move |snapshot| Ok(rows::list_ledger(snapshot, filter.order_id, &scope, after, count)?)).await;
    let found = Page::of(found?, &page, |line| LedgerKey(line.posted_at, line.id));
    let Page { items, next_cursor } = found.map(LedgerAnswer::from);
    Ok(etagged(&headers, &LedgerPage { items, next_cursor }))
}
