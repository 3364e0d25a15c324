//! What staff do: take an order a step on, look at the board.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contracts::{OrderId, ShopId};
use http::HeaderMap;
use service::{Answer, Body, IfNoneMatchHeader, Lang, PathId, Principal, Problem, etagged};

use super::refusals::StepRefused;
use super::requests::ChangeStatus;
use super::views::{BoardView, OrderView, Viewing};
use crate::app::App;
use crate::use_cases::change_status::change_status;
use crate::use_cases::read_orders::{Viewer, read_board};

/// Take an order a step on.
///
/// `paid → preparing → ready → closed`. An order that is brought by a courier is sent and closed by delivery alone.
/// Repeated: 200, nothing happens twice.
#[utoipa::path(
    post, path = "/orders/{id}/status", operation_id = "change_order_status", tag = "orders", params(("id" = OrderId, Path)),
    request_body(content = ChangeStatus, example = json!({"state": "preparing"})),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 409, description = "`orders.illegal-transition` with `from`, `to`; `orders.given-back` with `state`",
            content_type = "application/problem+json", body = StepRefused),
    ),
)]
pub(super) async fn status(
    State(app): State<Arc<App>>,
    principal: Principal,
    Lang(language): Lang,
    PathId(id): PathId<OrderId>,
    Body(request): Body<ChangeStatus>,
) -> Result<Answer, Problem> {
    let staff = Viewer::of(&principal);
    let order = change_status(&app, id, staff.clone(), request.step()).await?;
    let viewing = Viewing { language, canceller: staff.canceller_of(&order) };
    Ok(Answer::ok(&OrderView::of(&order, viewing))?.version(order.version))
}

/// What has to be done in a shop now.
///
/// Four columns, the most urgent first: waiting to be paid at the counter, to prepare, preparing, ready.
#[utoipa::path(
    get, path = "/shops/{id}/board", operation_id = "show_board", tag = "orders",
    params(("id" = ShopId, Path), IfNoneMatchHeader),
    responses(
        (status = 200, description = "The board", body = BoardView),
    ),
)]
pub(super) async fn board(
    State(app): State<Arc<App>>,
    principal: Principal,
    Lang(language): Lang,
    headers: HeaderMap,
    PathId(shop): PathId<ShopId>,
) -> Result<Response, Problem> {
    let orders = read_board(&app, shop, &Viewer::of(&principal)).await?;
    Ok(etagged(&headers, &BoardView::of(&orders, language)))
}
