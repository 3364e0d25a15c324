//! The JSON routes of the bank, and what faults do to their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kernel::Money;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use super::books::{Answer, BankError, Books, OpenPayment, RefundPayment, Work};
use super::deliveries::Bell;
use super::faults::{Fault, FaultKind};
use super::model::{BankPaymentId, CaptureMode, Payment, Refund};
use super::page;

/// How long an answer that never comes is not given; the asker has hung up long before.
const NEVER: Duration = Duration::from_secs(120);

/// What the routes share.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    books: Arc<Books>,
    url: Arc<str>,
    bell: Arc<Bell>,
    patience: Patience,
}

/// How an answer is waited with.
#[derive(Clone, Debug)]
pub(super) enum Patience {
    /// Asleep, until the bank stops.
    Asleep(watch::Receiver<bool>),
    /// Not at all: so many milliseconds would have passed.
    Counted(Arc<AtomicU64>),
}

impl Desk {
    pub(super) fn new(books: &Arc<Books>, url: &str, bell: Arc<Bell>, patience: Patience) -> Self {
        Self { books: Arc::clone(books), url: url.into(), bell, patience }
    }

    /// Works on the file on a thread that may wait for the disk, then wakes whoever delivers.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Books) -> Result<T, BankError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let books = Arc::clone(&self.books);
        let done = tokio::task::spawn_blocking(move || f(&books)).await;
        self.bell.ring();
        done.map_err(|_| Refusal::Panicked)?.map_err(Refusal::Bank)
    }

    /// Nothing happens for so long, or until the bank stops.
    pub(super) async fn pause(&self, duration: Duration) {
        match &self.patience {
            Patience::Asleep(stopped) => {
                let mut stopped = stopped.clone();
                // Running out of time is the purpose; a closed channel means that the bank is gone.
                let _ = tokio::time::timeout(duration, stopped.wait_for(|stop| *stop)).await;
            }
            Patience::Counted(waited_ms) => {
                let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                waited_ms.fetch_add(ms, Ordering::SeqCst);
            }
        }
    }

    /// Faults that strike before anything is done.
    pub(super) async fn arrive(&self) -> Result<(), Refusal> {
        if self.work(|books| books.strikes(FaultKind::Down)).await?.is_some() {
            return Err(Refusal::Down);
        }
        if let Some(slow) = self.work(|books| books.strikes(FaultKind::Slow)).await? {
            self.pause(Duration::from_millis(slow.delay_ms)).await;
        }
        Ok(())
    }

    /// The fault that strikes after everything is done.
    pub(super) async fn leave(&self) -> Result<(), Refusal> {
        if self.work(|books| books.strikes(FaultKind::ChargedThenTimeout)).await?.is_some() {
            self.silence().await;
        }
        Ok(())
    }

    /// No answer for as long as anybody waits.
    pub(super) async fn silence(&self) {
        self.pause(NEVER).await;
    }

    fn page_url(&self, id: BankPaymentId) -> String {
        page_url(&self.url, id)
    }

    /// One answer per key; a request that was answered before is not struck by the last fault again.
    async fn once(
        &self,
        asked: Asked,
        f: impl FnOnce(&Work<'_>) -> Result<(u16, String), BankError> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let Asked { headers, uri, body } = asked;
        let key = idempotency_key(&headers)?;
        let answer = self.work(move |books| books.once(&key, &[uri.path().as_bytes(), &body], f)).await?;
        if answer.fresh {
            self.leave().await?;
        }
        Ok(respond(&answer))
    }
}

/// The parts of a request that an answer is kept for.
struct Asked {
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
}

/// A request that is not answered with what it asked for.
#[derive(Debug)]
pub(super) enum Refusal {
    Bank(BankError),
    Down,
    Panicked,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::Down => (StatusCode::SERVICE_UNAVAILABLE, "down", "the bank is down".to_owned()),
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "the bank has a fault".to_owned()),
            Self::Bank(error) => {
                let (status, code) = match &error {
                    BankError::UnknownPayment(_) => (StatusCode::NOT_FOUND, "unknown-payment"),
                    BankError::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
                    BankError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
                    BankError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
                    BankError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "key-reused"),
                    BankError::File(e) => {
                        tracing::error!(error = %e, "the bank's file fails");
                        (StatusCode::INTERNAL_SERVER_ERROR, "internal")
                    }
                };
                (status, code, error.to_string())
            }
        };
        json_response(status, &json!({"code": code, "detail": detail}).to_string())
    }
}

/// A payment as the bank tells it.
#[derive(Serialize)]
struct PaymentView<'a> {
    id: BankPaymentId,
    order_id: &'a str,
    state: super::model::State,
    amount: Money,
    captured: Money,
    refunded: Money,
    refunds: &'a [Refund],
    capture: CaptureMode,
    page_url: String,
    created_at: kernel::Timestamp,
    expires_at: kernel::Timestamp,
}

fn view(payment: &Payment, page_url: String) -> String {
    let view = PaymentView {
        id: payment.id,
        order_id: &payment.order_id,
        state: payment.state,
        amount: payment.amount,
        captured: payment.captured,
        refunded: payment.refunded(),
        refunds: &payment.refunds,
        capture: payment.capture,
        page_url,
        created_at: payment.created_at,
        expires_at: payment.expires_at,
    };
    serde_json::to_string(&view).expect("strings and numbers always are JSON")
}

pub(super) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/v1/payments", post(open).get(list))
        .route("/v1/payments/{id}", get(fetch))
        .route("/v1/payments/{id}/capture", post(capture))
        .route("/v1/payments/{id}/cancel", post(cancel))
        .route("/v1/payments/{id}/refunds", post(refund))
        .route("/v1/faults", get(faults).post(set_fault).delete(clear_faults))
        .route("/pay/{id}", get(page::show).post(page::pay))
        .with_state(desk)
}

async fn open(State(desk): State<Desk>, headers: HeaderMap, uri: Uri, body: Bytes) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let ask: OpenPayment = read(&body)?;
    let bank = Arc::clone(&desk.url);
    desk.once(Asked { headers, uri, body }, move |work| {
        let payment = work.open_payment(&ask)?;
        Ok((201, view(&payment, page_url(&bank, payment.id))))
    })
    .await
}

async fn capture(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let id = payment_id(&id)?;
    let page_url = desk.page_url(id);
    desk.once(Asked { headers, uri, body }, move |work| Ok((200, view(&work.capture_authorized(id)?, page_url)))).await
}

async fn cancel(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let id = payment_id(&id)?;
    let page_url = desk.page_url(id);
    desk.once(Asked { headers, uri, body }, move |work| Ok((200, view(&work.cancel(id)?, page_url)))).await
}

async fn refund(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let id = payment_id(&id)?;
    let ask: RefundPayment = read(&body)?;
    desk.once(Asked { headers, uri, body }, move |work| {
        let (_, refund) = work.refund(id, &ask)?;
        Ok((201, serde_json::to_string(&refund).expect("strings and numbers always are JSON")))
    })
    .await
}

async fn fetch(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let id = payment_id(&id)?;
    let payment = desk.work(move |books| books.payment(id)).await?;
    Ok(json_response(StatusCode::OK, &view(&payment, desk.page_url(id))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    order_id: Option<String>,
    cursor: Option<BankPaymentId>,
}

async fn list(State(desk): State<Desk>, Query(query): Query<ListQuery>) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let (payments, next) = desk.work(move |books| books.payments(query.order_id.as_deref(), query.cursor)).await?;
    let items: Vec<String> = payments.iter().map(|payment| view(payment, desk.page_url(payment.id))).collect();
    let next = next.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
    Ok(json_response(StatusCode::OK, &format!(r#"{{"items":[{}],"next_cursor":{next}}}"#, items.join(","))))
}

/// The switches themselves never misbehave.
async fn faults(State(desk): State<Desk>) -> Result<Response, Refusal> {
    let faults = desk.work(Books::faults).await?;
    Ok(json_response(StatusCode::OK, &json!({"items": faults}).to_string()))
}

async fn set_fault(State(desk): State<Desk>, body: Bytes) -> Result<Response, Refusal> {
    let fault: Fault = read(&body)?;
    let answer = json!(fault).to_string();
    desk.work(move |books| books.set_fault(&fault)).await?;
    Ok(json_response(StatusCode::CREATED, &answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichFault {
    kind: Option<FaultKind>,
}

/// `?kind=`, or a body `{"kind"}`, or neither for all.
async fn clear_faults(
    State(desk): State<Desk>,
    Query(query): Query<WhichFault>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    #[derive(Deserialize)]
    struct Named {
        kind: Option<FaultKind>,
    }
    let named = if body.is_empty() { None } else { read::<Named>(&body)?.kind };
    desk.work(move |books| books.clear_faults(query.kind.or(named))).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn page_url(bank: &str, id: BankPaymentId) -> String {
    format!("{bank}/pay/{id}")
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|e| {
        let error = if e.is_data() { BankError::Invalid(e.to_string()) } else { BankError::Malformed(e.to_string()) };
        Refusal::Bank(error)
    })
}

pub(super) fn payment_id(text: &str) -> Result<BankPaymentId, Refusal> {
    text.parse().map_err(|_| Refusal::Bank(BankError::UnknownPayment(text.chars().take(64).collect())))
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key.len() > 200 {
        let detail = "every POST needs an Idempotency-Key of 1 to 200 characters".to_owned();
        return Err(Refusal::Bank(BankError::Malformed(detail)));
    }
    Ok(key.to_owned())
}

fn respond(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).expect("written by this module");
    let mut response = json_response(status, &answer.body);
    if !answer.fresh {
        response.headers_mut().insert("idempotent-replayed", header::HeaderValue::from_static("true"));
    }
    response
}

fn json_response(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_owned()).into_response()
}
