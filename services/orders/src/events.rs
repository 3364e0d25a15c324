//! What is heard: payments, and our own events for the feed. What is said is published by the use cases.

use std::num::NonZeroUsize;
use std::sync::Arc;

use contracts::orders::{OrderPlaced, OrderUpdated};
use contracts::payments::PaymentMoved;
use eventlog::Consumer;
use kernel::Event as _;

use crate::app::App;
use crate::feed::publish_feed;
use crate::use_cases::record_payment::record_payment;

/// Payments recorded at once: each is a transaction of its own, and group commit gathers them.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("sixteen is not zero");

pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let app = Arc::clone(app);
    vec![
        Consumer::effect("orders.payments", &[PaymentMoved::TOPIC], move |event| record_payment(&app, event))
            .concurrency(AT_ONCE),
        Consumer::apply("orders.feed", &[OrderPlaced::TOPIC, OrderUpdated::TOPIC], publish_feed),
    ]
}
