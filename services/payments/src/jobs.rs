//! Timed work: asking the bank when it says nothing.

use std::sync::Arc;
use std::time::Duration;

use service::Timer;

use crate::app::App;
use crate::use_cases::ask::ask_about_silent;

/// How often it is looked for payments that are due; the pauses between questions are longer (`payments.ask_after`).
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn timers(app: &Arc<App>) -> Vec<Timer> {
    let asked = Arc::clone(app);
    vec![Timer::new("payments.ask", LOOK_EVERY, move |now| {
        ask_about_silent(&asked, now).map(drop).map_err(|error| error.to_string())
    })]
}
