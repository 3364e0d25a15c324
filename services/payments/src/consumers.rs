//! What payments hears: orders, and itself.

use std::num::NonZeroUsize;
use std::sync::Arc;

use contracts::orders::{OrderPlaced, OrderUpdated};
use eventlog::Consumer;
use kernel::Event as _;

use crate::app::App;
use crate::events::{CallbackStored, ProviderWanted};
use crate::use_cases::callback::look_into;
use crate::use_cases::carry_out::carry_out;
use crate::use_cases::end_order::{hear_update, matters};
use crate::use_cases::start::start;

/// How many questions the bank gets at once: guests of one shop do not wait for each other, and a slow bank is not
/// asked by all of them.
const QUESTIONS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");

/// Whoever moves money locks its order first. Events that lock several orders in one transaction would lock them as they come,
/// and others come otherwise: on PostgreSQL such events have a transaction each. New orders are nobody else's yet.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let (placed, updated) = (Arc::clone(app), Arc::clone(app));
    let (tasks, callbacks) = (Arc::clone(app), Arc::clone(app));
    vec![
        Consumer::apply_all("payments.new-orders", &[OrderPlaced::TOPIC], move |tx, events| start(tx, &placed, events)),
        Consumer::apply("payments.order-updates", &[OrderUpdated::TOPIC], move |tx, event| {
            Ok(hear_update(tx, &updated, &event.id, &event.decode::<OrderUpdated>()?)?)
        })
        .one_by_one_on_server(|event| event.decode().is_ok_and(|update| matters(&update))),
        Consumer::effect("payments.tasks", &[ProviderWanted::TOPIC], move |event| carry_out(&tasks, event))
            .concurrency(QUESTIONS_AT_ONCE)
            .one_by_one_on_server(|_| true),
        Consumer::effect("payments.callbacks", &[CallbackStored::TOPIC], move |event| look_into(&callbacks, event))
            .concurrency(QUESTIONS_AT_ONCE)
            .one_by_one_on_server(|_| true),
    ]
}
