//! The routes. Who may call them is the gateway's policy table; whose orders they touch is in the queries' predicates.

mod examples;
mod problem;
mod refusals;
mod requests;
mod staff;
mod views;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contracts::{OrderId, ShopId};
use http::HeaderMap;
use kernel::Language;
use service::{
    Admitted, Answer, Body, IdempotencyKeyHeader, IfNoneMatchHeader, Keyed, Lang, Listing, Page, PageQuery, PathId,
    Principal, Problem, Query, etagged,
};
use tracing::Instrument as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::refusals::{CancellationRefused, PlacementRefused, QuoteRefused};
use self::requests::{CancelOrder, ListFilter, NewOrder, QuoteRequest, SlotsQuery};
use self::views::{DetailedOrderView, OrderView, QuoteView, SlotsView, Viewing};
use crate::app::App;
use crate::error::Error;
use crate::model::{Canceller, Order};
use crate::use_cases::cancel_order::cancel_order;
use crate::use_cases::place_order::{PlaceOrder, place_order};
use crate::use_cases::quote_order::quote_order;
use crate::use_cases::read_orders::{Viewer, list_orders, read_order};
use crate::use_cases::show_slots::show_slots;

pub(crate) fn routes(app: Arc<App>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(quote))
        .routes(routes!(place, list))
        .routes(routes!(read))
        .routes(routes!(cancel))
        .routes(routes!(staff::status))
        .routes(routes!(staff::board))
        .routes(routes!(slots))
        .with_state(app)
}

/// What an order would cost.
///
/// Prices the lines and says when the order could be had. Nothing is held. What stands in the way of ordering it like
/// this is told as notices; an order is refused for it.
#[utoipa::path(
    post, path = "/orders/quote", operation_id = "quote_order", tag = "orders",
    request_body(content = QuoteRequest, example = json!(examples::quote_request())),
    responses(
        (status = 200, description = "The quote", body = QuoteView),
        (status = 409, description = "`orders.out-of-stock` with `lines`",
            content_type = "application/problem+json", body = QuoteRefused),
    ),
)]
async fn quote(
    State(app): State<Arc<App>>,
    _: Principal,
    Lang(language): Lang,
    Body(request): Body<QuoteRequest>,
) -> Result<axum::Json<QuoteView>, Problem> {
    let quote = quote_order(&app, &request.basket()).await?;
    Ok(axum::Json(QuoteView::of(&quote, language)))
}

/// Place an order.
///
/// The server prices everything and compares with `expected_total`. Stock and slot are held until the order is paid,
/// cancelled or expired. Sent again with the same `Idempotency-Key` it has one effect and the same answer.
#[utoipa::path(
    post, path = "/orders", operation_id = "place_order", tag = "orders",
    params(IdempotencyKeyHeader),
    request_body(content = NewOrder, example = json!(examples::new_order())),
    responses(
        (status = 201, description = "Placed", body = OrderView, headers(
            ("Location" = String, description = "The order"), ("ETag" = String, description = "Its version"))),
        (status = 409, description = "`orders.price-changed` with `quote`, `orders.out-of-stock` with `lines`, \
            `orders.shop-closed` with `opens_at`, `orders.slot-full` and `orders.too-soon` with `earliest_at`, \
            `orders.too-many-unpaid`, `orders.online-unavailable`, `http.request-in-progress`",
            content_type = "application/problem+json", body = PlacementRefused),
    ),
)]
async fn place(
    State(app): State<Arc<App>>,
    principal: Principal,
    admitted: Admitted,
    Lang(language): Lang,
    Keyed { body, intent }: Keyed<NewOrder>,
) -> Result<Response, Problem> {
    let command = PlaceOrder {
        intent,
        guest_id: principal.user_id,
        language,
        basket: body.basket(),
        expected_total: body.expected_total(),
        payment_method: body.payment_method(),
        return_url: body.return_url(),
        comment: body.comment(),
        answer: placed,
    };
    // A task of its own: a caller who hangs up must not leave stock held for an order that nobody will ever place. It is
    // work until it ends.
    let placing = async move {
        let _admitted = admitted;
        place_order(&app, Arc::new(command)).await
    };
    let placing = tokio::spawn(placing.in_current_span());
    let answer = placing.await.map_err(|error| Problem::internal(format!("a placement panicked: {error}")))??;
    Ok(answer.into_response())
}

fn placed(order: &Order, language: Language) -> Result<Answer, Problem> {
    let view = OrderView::of(order, Viewing { language, canceller: Canceller::Guest });
    Ok(Answer::created(&view)?.location(&format!("/api/v1/orders/{}", order.id)).version(order.version))
}

/// Orders, the latest first.
///
/// The own ones; for staff also those of their shops.
#[utoipa::path(
    get, path = "/orders", operation_id = "list_orders", tag = "orders",
    params(ListFilter, PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page", body = Page<OrderView>)),
)]
async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    Lang(language): Lang,
    headers: HeaderMap,
    Listing { filter, page }: Listing<ListFilter>,
) -> Result<Response, Problem> {
    let viewer = Viewer::of(&principal);
    let wanted = filter.wanted(page.rows()).after(page.after::<OrderId>()?);
    let orders = list_orders(&app, &viewer, wanted).await?;
    let page = Page::of(orders, &page, |order| order.id);
    let page = page.map(|order| OrderView::of(&order, Viewing { language, canceller: viewer.canceller_of(&order) }));
    Ok(etagged(&headers, &page))
}

/// An order with its history.
///
///
#[utoipa::path(
    get, path = "/orders/{id}", operation_id = "read_order", tag = "orders",
    params(("id" = OrderId, Path), IfNoneMatchHeader),
    responses(
        (status = 200, description = "The order", body = DetailedOrderView),
    ),
)]
async fn read(
    State(app): State<Arc<App>>,
    principal: Principal,
    Lang(language): Lang,
    headers: HeaderMap,
    PathId(id): PathId<OrderId>,
) -> Result<Response, Problem> {
    let viewer = Viewer::of(&principal);
    let (order, history) = read_order(&app, id, &viewer).await?;
    let viewing = Viewing { language, canceller: viewer.canceller_of(&order) };
    Ok(etagged(&headers, &DetailedOrderView::of(&order, &history, viewing)))
}

/// Cancel an order.
///
/// The guest may while it is `placed` or `paid`; staff of its shop, with a reason, until it is handed over. What was
/// paid is refunded. Repeated: 200, nothing happens twice.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", operation_id = "cancel_order", tag = "orders", params(("id" = OrderId, Path)),
    request_body(content = CancelOrder, example = json!({"reason": "Передумал"})),
    responses(
        (status = 200, description = "Cancelled", body = OrderView),
        (status = 409, description = "`orders.cannot-cancel` with `state`",
            content_type = "application/problem+json", body = CancellationRefused),
    ),
)]
async fn cancel(
    State(app): State<Arc<App>>,
    principal: Principal,
    Lang(language): Lang,
    PathId(id): PathId<OrderId>,
    Body(request): Body<CancelOrder>,
) -> Result<Answer, Problem> {
    let viewer = Viewer::of(&principal);
    let order = cancel_order(&app, id, viewer.clone(), request.reason()).await?;
    let viewing = Viewing { language, canceller: viewer.canceller_of(&order) };
    Ok(Answer::ok(&OrderView::of(&order, viewing))?.version(order.version))
}

/// The slots of a shop's day.
///
/// Those that an order could still be placed for, in order; `left` is null where slots are unlimited.
#[utoipa::path(
    get, path = "/shops/{id}/slots", operation_id = "show_slots", tag = "orders",
    params(("id" = ShopId, Path), SlotsQuery, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The slots", body = SlotsView),
    ),
)]
async fn slots(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    PathId(shop): PathId<ShopId>,
    Query(query): Query<SlotsQuery>,
) -> Result<Response, Problem> {
    let (slots, time_zone) = show_slots(&app, shop, query.day()).await?;
    Ok(etagged(&headers, &SlotsView::of(&slots, time_zone)))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        problem::of(error)
    }
}
