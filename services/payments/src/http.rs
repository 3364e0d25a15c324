//! The routes of payments. Who may use which is the gateway's table; whose payment it is stands in the queries here.

mod answers;
mod callbacks;
mod ledger;
mod of_order;
mod payments;
mod refusals;
mod requests;
mod wait;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) fn router(app: Arc<App>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(of_order::read_payment_of_order))
        .routes(routes!(of_order::pay_again))
        .routes(routes!(payments::list_payments))
        .routes(routes!(payments::read_payment))
        .routes(routes!(payments::receive_payment))
        .routes(routes!(payments::refund_payment))
        .routes(routes!(ledger::list_ledger))
        .routes(routes!(callbacks::provider_callback))
        .with_state(app)
}
