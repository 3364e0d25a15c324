//! What is heard: payments, and our own events for the feed. What is said is published by the use cases.

use std::num::NonZeroUsize;
use std::sync::Arc;

use contracts::orders::{OrderPlaced, OrderUpdated};
use contracts::payments::PaymentMoved;
use eventlog::Consumer;
use kernel::Event as _;

use crate::app::App;
use crate::feed::publish_feed;
use crate::use_cases::record_payment::{matters, record_payment};

/// Payments looked into at once: for late money catalog is asked before it is recorded. Each record locks its order, and then
/// what the order holds, so on PostgreSQL each is a transaction of its own.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("sixteen is not zero");

pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let app = Arc::clone(app);
    vec![
        Consumer::effect("orders.payments", &[PaymentMoved::TOPIC], move |event| record_payment(&app, event))
            .concurrency(AT_ONCE)
            .one_by_one_on_server(|event| event.decode().is_ok_and(|moved| matters(&moved))),
        Consumer::apply_all("orders.feed", &[OrderPlaced::TOPIC, OrderUpdated::TOPIC], publish_feed),
    ]
}
