//! Timed work: what each instance keeps in memory, and what is forgotten.

use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;
use service::{REVOCATION_LIFETIME, Revocation, Revocations, Timer, until_time_is_up};
use store::{Db, StoreError};

use crate::app::App;
use crate::key_ring::KeyRing;
use crate::store::sessions;

/// Keys and revocations are read so often (decision 26).
const REFRESH_EVERY: Duration = Duration::from_secs(2);

/// Clocks of two instances differ by less: what ended longer ago by another's clock is read as well.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// An ended session is kept so long, to tell its owner and the auditor.
const SESSIONS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// So many sessions in one transaction.
const FORGOTTEN_AT_ONCE: u32 = 200;

/// Everything that auth does at an interval.
pub(crate) fn timers(app: &Arc<App>, key_rotation: Duration) -> Vec<Timer> {
    let (refreshed, rotated, forgotten) = (Arc::clone(app), Arc::clone(&app.keys), Arc::clone(app));
    vec![
        Timer::each_instance("auth.refresh", REFRESH_EVERY, move |_| {
            read(&refreshed).and_then(|()| refreshed.keys.forget_plain_seeds()).map_err(|e| e.to_string())
        }),
        Timer::new("auth.rotate-keys", Duration::from_secs(3600), move |now| {
            rotate_when_due(&rotated, key_rotation, now).map_err(|e| e.to_string())
        }),
        Timer::in_parts("auth.forget-sessions", Duration::from_secs(3600), move |now| {
            until_time_is_up(forgotten.clock.as_ref(), || forget_sessions(&forgotten, now).map_err(|e| e.to_string()))
        }),
    ]
}

/// Reads keys and revocations into memory. Blocks.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn read(app: &App) -> Result<(), StoreError> {
    app.keys.read()?;
    refresh_revocations(&app.db, &app.revocations)
}

fn refresh_revocations(db: &Db, revocations: &Revocations) -> Result<(), StoreError> {
    let since = db.clock().now().minus(REVOCATION_LIFETIME + CLOCK_SLACK);
    let ended = db.read_blocking(move |snapshot| sessions::ended_since(snapshot, since))?;
    let ended = ended.into_iter().map(|(session, at)| Revocation::Session { id: session.to_string(), at });
    revocations.refresh(ended, db.clock().as_ref());
    Ok(())
}

fn rotate_when_due(keys: &KeyRing, after: Duration, now: Timestamp) -> Result<(), StoreError> {
    match keys.newest_made_at() {
        Some(made_at) if now.since(made_at) >= after => keys.rotate(),
        Some(_) | None => Ok(()),
    }
}

/// Deletes a handful of the sessions that were over long ago (decision 7); whether there may be more.
fn forget_sessions(app: &App, now: Timestamp) -> Result<bool, StoreError> {
    let longest_idle = app.rules.guest.idle.max(app.rules.staff.idle);
    let (ended, used) = (now.minus(SESSIONS_KEPT), now.minus(SESSIONS_KEPT + longest_idle));
    let forgotten = app.db.write_blocking(move |tx| sessions::forget(tx, ended, used, FORGOTTEN_AT_ONCE))?;
    Ok(forgotten == FORGOTTEN_AT_ONCE as usize)
}
