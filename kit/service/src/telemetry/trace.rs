//! The trace context as W3C Trace Context writes it: what comes in with a request or an event, what goes out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::RequestId;

/// The header of W3C Trace Context.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Whether traces are collected. One load decides everything else in this file.
static ON: AtomicBool = AtomicBool::new(false);

pub(super) fn on() {
    ON.store(true, Ordering::Relaxed);
}

pub(super) fn off() {
    ON.store(false, Ordering::Relaxed);
}

/// The `traceparent` of the current span, for an event or a request that leaves; `None` when nothing is traced.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    if !ON.load(Ordering::Relaxed) {
        return None;
    }
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    let flags = span.trace_flags().to_u8();
    span.is_valid().then(|| format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
}

/// The span of one request, part of the caller's trace if it brought one. Nothing and no cost when nothing is traced.
pub(crate) fn request_span<B>(request: &http::Request<B>, id: RequestId) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        request.id = id.text().as_str(),
        http.request.method = request.method().as_str(),
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
    );
    if !span.is_disabled()
        && let Some(traceparent) = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok())
    {
        adopt_traceparent(&span, traceparent);
    }
    span
}

/// Names the span of the current request by its route: the template, never the address.
pub fn trace_route(method: &http::Method, template: &'static str) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("http.route", template);
        // The layer takes a name only until the span is entered, and by now it is.
        span.context().span().update_name(format!("{method} {template}"));
    }
}

/// Makes `span` a child of the span that this `traceparent` names. What is not one is ignored, as the standard asks.
pub fn adopt_traceparent(span: &Span, traceparent: &str) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if context.span().span_context().is_valid() {
        // A span that is filtered out has no layer to tell; that is not a fault.
        let _ = span.set_parent(context);
    }
}
