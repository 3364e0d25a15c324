//! Timed work.

use std::sync::Arc;
use std::time::Duration;

use service::Timer;

use crate::app::App;
use crate::use_cases::expire_unpaid::expire_unpaid;

/// How late an order may end at most, when nothing else holds it up.
const EXPIRY_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn timers(app: &Arc<App>) -> Vec<Timer> {
    let app = Arc::clone(app);
    vec![Timer::new("orders.expire-unpaid", EXPIRY_EVERY, move |_| {
        expire_unpaid(&app).map_err(|error| error.to_string())
    })]
}
