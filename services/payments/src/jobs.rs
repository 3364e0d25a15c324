//! Timed work: asking the bank when it says nothing, forgetting what it said long ago.

use std::sync::Arc;
use std::time::Duration;

use service::{Timer, until_time_is_up};

use crate::app::App;
use crate::use_cases::ask::ask_about_silent;
use crate::use_cases::callback::forget_callbacks;

/// How often it is looked for payments that are due; the pauses between questions are longer (`payments.ask_after`).
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often old callbacks are forgotten.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

pub(crate) fn timers(app: &Arc<App>) -> Vec<Timer> {
    let (asked, pruned) = (Arc::clone(app), Arc::clone(app));
    vec![
        Timer::new("payments.ask", LOOK_EVERY, move |now| {
            ask_about_silent(&asked, now).map_err(|error| error.to_string())
        }),
        Timer::in_parts("payments.prune-callbacks", PRUNE_EVERY, move |now| {
            until_time_is_up(pruned.clock.as_ref(), || {
                forget_callbacks(&pruned, now).map_err(|error| error.to_string())
            })
        }),
    ]
}
