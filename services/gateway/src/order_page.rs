//! `GET /orders/{id}`: the order with its payment in one answer, so that a phone asks once.
//!
//! The order is the answer; the rest is added to it. A payment that cannot be had now is null with a notice, and never
//! makes the order unreadable.

mod document;

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG, HeaderName, IF_NONE_MATCH};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt as _;
use kernel::{Language, Text};
use serde::Serialize;
use serde_json::{Map, Value};
use service::{RequestContext, Tagged, in_language};
use utoipa::ToSchema;

pub use self::document::document;
use crate::upstream::Upstreams;

/// An order with a hundred lines is some 60 KiB.
const PART_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Nobody waits longer for the payment beside an order that is there.
const PAYMENT_WAIT: Duration = Duration::from_secs(2);

const PAYMENT_UNAVAILABLE: Text = Text {
    en: "The payment cannot be shown at the moment. Read the order again in a few seconds.",
    ru: "Платёж сейчас показать нельзя. Запросите заказ снова через несколько секунд.",
};

/// An order with everything that belongs to it.
#[derive(Serialize)]
struct OrderPage {
    /// As orders tells it.
    #[serde(flatten)]
    order: Map<String, Value>,
    #[serde(flatten)]
    added: Added,
}

/// What the gateway adds to an order.
#[derive(Serialize, ToSchema)]
struct Added {
    /// The payment that paid the order, else the latest attempt; null with a notice when it cannot be had now.
    #[schema(required, schema_with = document::payment)]
    payment: Option<Value>,
    /// How the order is brought; null while it is fetched by the guest, as all are.
    #[schema(required, schema_with = document::delivery)]
    delivery: Option<Value>,
    /// What the guest was written about the order; empty until guests are written to.
    #[schema(value_type = Vec<Object>, example = json!([]))]
    messages: Vec<Value>,
    /// What is missing from this answer, and why.
    notices: Vec<OrderNotice>,
}

/// Something that is missing.
#[derive(Serialize, ToSchema)]
struct OrderNotice {
    /// What, for programs.
    #[schema(example = "gateway.payment-unavailable")]
    code: &'static str,
    /// What, for people, in the language of the request.
    message: &'static str,
}

impl OrderNotice {
    fn payment_unavailable(language: Language) -> Self {
        Self { code: "gateway.payment-unavailable", message: in_language(PAYMENT_UNAVAILABLE, language) }
    }
}

pub(crate) async fn answer(upstreams: &Upstreams, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    // The tag is over the whole page: the order alone does not know whether the page changed.
    let asked = parts.headers.clone();
    parts.headers.remove(IF_NONE_MATCH);
    // The parts are always read whole; the server leaves the body out of an answer to HEAD.
    parts.method = Method::GET;
    let mut payment_request = Request::new(Body::empty());
    *payment_request.uri_mut() = payment_path(&parts.uri);
    *payment_request.headers_mut() = parts.headers.clone();
    *payment_request.extensions_mut() = parts.extensions.clone();
    let order_request = Request::from_parts(parts, body);
    let payment = tokio::time::timeout(PAYMENT_WAIT, upstreams.call("payments", payment_request));
    let (order, payment) = tokio::join!(upstreams.call("orders", order_request), payment);
    if order.status() != StatusCode::OK {
        return order;
    }
    let (head, body) = order.into_parts();
    let Some(order) = read(body).await.and_then(|bytes| serde_json::from_slice(&bytes).ok()) else {
        return service::Problem::internal("orders answered what is not a JSON object").into_response();
    };
    let payment = match payment {
        Ok(response) => payment_of(response).await,
        Err(_) => None,
    };
    page(order, payment, &asked, &head.headers)
}

fn page(order: Map<String, Value>, payment: Option<Value>, asked: &HeaderMap, order_headers: &HeaderMap) -> Response {
    let language = RequestContext::current().map_or(Language::En, |context| context.language);
    let missing = payment.is_none().then(|| OrderNotice::payment_unavailable(language));
    let added = Added { payment, delivery: None, messages: Vec::new(), notices: missing.into_iter().collect() };
    let mut response = match Tagged::new(&OrderPage { order, added }) {
        Ok(tagged) => tagged.answer(asked),
        Err(problem) => return problem.into_response(),
    };
    for (name, value) in order_headers {
        if !is_of_the_body(name) && !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

fn is_of_the_body(name: &HeaderName) -> bool {
    name == CONTENT_LENGTH || name == ETAG
}

/// `/api/v1/orders/{id}` → `/api/v1/orders/{id}/payment`.
fn payment_path(order: &Uri) -> Uri {
    format!("{}/payment", order.path()).parse().expect("a path with a word after it is a path")
}

async fn payment_of(response: Response) -> Option<Value> {
    if response.status() != StatusCode::OK {
        return None;
    }
    serde_json::from_slice(&read(response.into_body()).await?).ok()
}

async fn read(body: Body) -> Option<Bytes> {
    let limited = http_body_util::Limited::new(body, PART_MAX_BYTES);
    limited.collect().await.ok().map(http_body_util::Collected::to_bytes)
}
