//! The trace goes on where an event is handled.

use eventlog::{Consumer, Delivered};

use crate::telemetry::adopt_traceparent;

/// The same consumer, its handlings as spans of the trace that published the event.
pub(super) fn traced(consumer: Consumer) -> Consumer {
    consumer.around(handling)
}

fn handling(consumer: &'static str, event: &Delivered, handle: &mut dyn FnMut()) {
    let span = tracing::info_span!("handle event", consumer, event.id = event.id, event.kind = event.kind);
    if let Some(traceparent) = &event.traceparent {
        adopt_traceparent(&span, traceparent);
    }
    span.in_scope(handle);
}
