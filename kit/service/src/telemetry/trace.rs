//! The trace context as W3C Trace Context writes it: what comes in with a request or an event, what goes out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

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

/// Makes `span` a child of the span that this `traceparent` names. What is not one is ignored, as the standard asks.
pub fn adopt_traceparent(span: &Span, traceparent: &str) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if context.span().span_context().is_valid() {
        // A span that is filtered out has no layer to tell; that is not a fault.
        let _ = span.set_parent(context);
    }
}
