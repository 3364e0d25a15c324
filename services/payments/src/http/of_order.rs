//! The payment of an order, as its guest uses it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contracts::orders::PaymentMethod;
use contracts::{OrderId, PaymentId};
use http::HeaderMap;
use service::codes::INVALID;
use service::{
    Answer, Fault, IdempotencyKeyHeader, IfNoneMatchHeader, Keyed, PathId, Principal, Problem, Query, Role, etagged,
    once,
};

use super::answers::PaymentAnswer;
use super::refusals::PayingAgainRefused;
use super::requests::{PayAgainRequest, WaitQuery};
use super::wait::{Reader, payment_of_order};
use crate::app::App;
use crate::error::Error;
use crate::use_cases::start::{TryAgain, try_again};

/// Who sees the payments of a shop's orders, besides the guest.
const READERS: [Role; 3] = [Role::Barista, Role::Manager, Role::Admin];

/// Read the payment of an order
///
/// The payment that paid the order, else the latest attempt. With `wait` the answer comes when there is a page to pay
/// at, or when the state is no longer `since`, or when the time is over.
#[utoipa::path(get, path = "/orders/{id}/payment", tag = "payments",
    params(("id" = OrderId, Path, description = "The order."), WaitQuery, IfNoneMatchHeader),
    responses((status = 200, description = "The payment.", body = PaymentAnswer)))]
pub(super) async fn read_payment_of_order(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<OrderId>,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = Reader { user_id: principal.user_id, shops: principal.shops(&READERS) };
    let payment = payment_of_order(&app, id, &reader, &query).await?.ok_or(Error::UnknownOrder)?;
    Ok(etagged(&headers, &PaymentAnswer::from(&payment)))
}

/// Pay again
///
/// After an attempt that failed, or to pay another way. Attempts that are still open are called off.
#[utoipa::path(post, path = "/orders/{id}/payments", tag = "payments",
    params(("id" = OrderId, Path, description = "The order."), IdempotencyKeyHeader),
    request_body = PayAgainRequest,
    responses(
        (status = 201, description = "The new attempt.", body = PaymentAnswer),
        (status = 409, description = "payments.already-paid, payments.order-ended, payments.too-many-attempts, \
            payments.online-unavailable",
            content_type = "application/problem+json", body = PayingAgainRefused),
    ))]
pub(super) async fn pay_again(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<OrderId>,
    keyed: Keyed<PayAgainRequest>,
) -> Result<Response, Problem> {
    let Keyed { body, intent } = keyed;
    let sent_back = body.return_url.filter(|_| body.method == PaymentMethod::Online);
    let return_url = sent_back.map(|url| checked_return(&app, &url)).transpose()?;
    let ask = TryAgain {
        order_id: id,
        guest_id: principal.user_id,
        payment_id: PaymentId::new(app.clock.now(), app.rng.as_ref()),
        method: body.method,
        return_url,
    };
    let db = app.db.clone();
    once(&db, intent, move |tx| {
        let payment = try_again(tx, &app, &ask).map_err(Problem::from)?;
        Ok::<_, Problem>(
            Answer::created(&PaymentAnswer::made(&payment))?.location(&format!("/api/v1/orders/{id}/payment")),
        )
    })
    .await
}

fn checked_return(app: &App, url: &str) -> Result<String, Problem> {
    app.rules.return_hosts.check(url).map_err(|refused| {
        let fault = Fault::worded("/return_url", "return-url", refused.to_string(), refused.in_russian());
        Problem::new(&INVALID).faults(vec![fault])
    })
}
