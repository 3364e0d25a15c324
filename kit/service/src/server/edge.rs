//! What happens to every request before and after its handler.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{ALLOW, CONNECTION};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{Clock, Rng};
use tracing::Instrument as _;

use super::Respond;
use super::address::{ClientAddress, TrustedProxies};
use crate::context::{RequestContext, RequestId, language_of};
use crate::headers::{self, Audience, Transport, X_REQUEST_ID};
use crate::problem::{HEAD_TOO_LARGE, MALFORMED_REQUEST, METHOD_NOT_ALLOWED, Problem, TIMEOUT};
use crate::refusal;
use crate::telemetry::request_span;

/// What is known of the outside at this listener.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// How long an answer may take.
    pub request_max: Duration,
    /// Who may say where a request came from.
    pub proxies: TrustedProxies,
    /// Whether callers come over TLS.
    pub transport: Transport,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        let request_max = Duration::from_secs(30);
        Self { request_max, proxies: TrustedProxies::default(), transport: Transport::Plain }
    }
}

/// Stands between connections and what answers.
#[derive(Debug)]
pub struct Edge<R> {
    inner: R,
    settings: EdgeSettings,
    clock: Arc<dyn Clock>,
    chance: Sequence,
}

impl<R: Respond> Edge<R> {
    /// An edge before `inner`.
    #[must_use]
    pub fn new(inner: R, settings: EdgeSettings, clock: Arc<dyn Clock>, rng: &dyn Rng) -> Self {
        Self { inner, settings, clock, chance: Sequence::new(rng) }
    }

    /// Answers one request of `peer`, whatever it is.
    pub async fn answer(&self, peer: IpAddr, mut request: Request<Body>) -> Response {
        let (client, trusted_id) = self.whom(peer, request.headers_mut());
        let id = trusted_id.unwrap_or_else(|| RequestId::new(self.clock.now(), &self.chance));
        let context = RequestContext { id, language: language_of(request.headers()) };
        let audience = Audience::of(request.headers());
        request.extensions_mut().insert(ClientAddress(client));
        let span = request_span(&request, id);
        let method = request.method().clone();
        let mut response = context.scope(self.bounded(request)).instrument(span.clone()).await;
        span.record("http.response.status_code", response.status().as_u16());
        context.sync_scope(|| refusal::log(&response, Some(&method), Some(client)));
        self.finish(&mut response, context, audience);
        response
    }

    /// Whether the peer is a proxy of ours, which speaks for many.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.settings.proxies.has(peer)
    }

    /// The time that the edge goes by.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Answers a request whose head two readers may read differently; the connection ends with it.
    ///
    /// Neither this nor [`Edge::refuse_unread`] is seen by the rates of what stands behind the edge: to count it would mean
    /// to hand on what nobody knows the end of. Each costs its sender a connection, and of those a network has so many.
    pub(super) fn refuse_head<B>(&self, peer: IpAddr, mut request: Request<B>, detail: &'static str) -> Response {
        let (client, _) = self.whom(peer, request.headers_mut());
        self.refuse(Problem::new(&MALFORMED_REQUEST).detail(detail), Some(request.method()), Some(client))
    }

    /// The whole answer to what could not be read as a request; the connection ends with it. Whom a proxy of ours speaks
    /// for is not known then.
    pub(super) fn refuse_unread(&self, peer: IpAddr, status: StatusCode) -> Vec<u8> {
        let is_large = matches!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG);
        let problem = if is_large {
            Problem::new(&HEAD_TOO_LARGE)
        } else {
            Problem::new(&MALFORMED_REQUEST)
                .detail("the request line, a header line or the length of the body is not as RFC 9112 has it")
        };
        let client = (!self.trusts(peer)).then(|| peer.to_canonical());
        let (parts, body) = self.refuse(problem, None, client).into_parts();
        let body = body.collect().now_or_never().and_then(Result::ok).unwrap_or_default().to_bytes();
        let mut bytes = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", parts.status, body.len()).into_bytes();
        for (name, value) in &parts.headers {
            bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        bytes
    }

    fn refuse(&self, problem: Problem, method: Option<&Method>, client: Option<IpAddr>) -> Response {
        let id = RequestId::new(self.clock.now(), &self.chance);
        let context = RequestContext { id, language: kernel::Language::En };
        let problem = problem.header(CONNECTION, HeaderValue::from_static("close"));
        let mut response = context.sync_scope(|| {
            let response = problem.into_response();
            refusal::log(&response, method, client);
            response
        });
        self.finish(&mut response, context, Audience::Anybody);
        response
    }

    /// Where the request comes from and which id it has, as far as the peer is believed.
    fn whom(&self, peer: IpAddr, headers: &mut HeaderMap) -> (IpAddr, Option<RequestId>) {
        let peer = peer.to_canonical();
        let is_trusted = self.settings.proxies.has(peer);
        let (mut client, mut id) = (peer, None);
        if is_trusted {
            client = self.settings.proxies.client(peer, headers).to_canonical();
            id = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()?.parse().ok());
        }
        headers::drop_forged(headers);
        (client, id)
    }

    /// The handler's answer, or what stands for it when it takes too long or panics.
    async fn bounded(&self, request: Request<Body>) -> Response {
        if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
            let problem = Problem::new(&METHOD_NOT_ALLOWED);
            return problem
                .header(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE"))
                .into_response();
        }
        let answer = AssertUnwindSafe(self.inner.respond(request)).catch_unwind();
        match tokio::time::timeout(self.settings.request_max, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Problem::internal(format!("panic: {}", words_of(&*panic))).into_response(),
            Err(_) => Problem::new(&TIMEOUT).into_response(),
        }
    }

    fn finish(&self, response: &mut Response, context: RequestContext, audience: Audience) {
        let headers = response.headers_mut();
        headers::secure(headers, audience, self.settings.transport);
        let id = HeaderValue::from_str(context.id.text().as_str()).expect("an id is visible ASCII");
        headers.insert(X_REQUEST_ID, id);
    }
}

/// What a panic said, if it said it as text.
fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// Numbers that never repeat and need not be unguessable: a random start drawn once, and a count. Request ids are no
/// secrets, and a system call each would be the dearest part of a small request.
#[derive(Debug)]
struct Sequence {
    start: [u8; 10],
    count: AtomicU64,
}

impl Sequence {
    fn new(rng: &dyn Rng) -> Self {
        let mut start = [0; 10];
        rng.fill(&mut start);
        Self { start, count: AtomicU64::new(rng.next_u64() >> 16) }
    }
}

impl Rng for Sequence {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (place, byte) in bytes.iter_mut().rev().enumerate() {
            let moving = count.iter().rev().nth(place).copied().unwrap_or(0);
            *byte = self.start[place % self.start.len()] ^ moving;
        }
    }
}
