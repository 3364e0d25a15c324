//! What registration, login and refresh end with: a session and its two tokens.

use std::time::Duration;

use contracts::SessionId;
use kernel::Timestamp;
use service::token::{ACCESS_TOKEN_LIFETIME, AccessToken};
use store::Tx;

use crate::app::{App, Device, Ended};
use crate::error::Error;
use crate::model::session::EndReason;
use crate::model::user::User;
use crate::refresh_token::{self, TokenHash};
use crate::secret::Secret;
use crate::store::sessions::{self, NewSession};

/// Longest name of a device that is kept, characters.
const DEVICE_CHARS_MAX: usize = 200;

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// Who.
    pub user: User,
    /// The access token.
    pub access_token: String,
    /// How long it is good.
    pub expires_in: Duration,
    /// The refresh token.
    pub refresh_token: Secret,
    /// How long it is good if it is not used.
    pub refresh_expires_in: Duration,
}

/// A session of this moment, as it came out of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// Who.
    pub user: User,
    /// Their session.
    pub session_id: SessionId,
    /// When the password was shown.
    pub auth_time: Timestamp,
    /// Now.
    pub issued_at: Timestamp,
}

/// A session that is about to be written, and its refresh token.
#[must_use]
pub(crate) fn prepare(app: &App, device: &Device) -> (NewSession, Secret) {
    let (token, hash) = refresh_token::new(app.rng.as_ref());
    let session = NewSession {
        id: SessionId::new(app.clock.now(), app.rng.as_ref()),
        device: device.name.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS_MAX).collect(),
        network: device.address.network().to_string(),
        token: hash,
    };
    (session, token)
}

/// Writes the session of a locked user; the oldest ones end when there are too many.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    user: User,
    session: &NewSession,
    sessions_max: usize,
) -> Result<(Opened, Ended), Error> {
    let living = sessions::living(tx, user.id)?;
    let mut ended = Ended::new();
    for old in living.iter().skip(sessions_max.saturating_sub(1)) {
        if let Some(at) = sessions::end(tx, old.id, EndReason::TooMany)? {
            ended.push((old.id, at));
        }
    }
    sessions::insert(tx, user.id, session)?;
    let now = tx.now();
    Ok((Opened { user, session_id: session.id, auth_time: now, issued_at: now }, ended))
}

/// The tokens of a session that stands in the tables.
///
/// # Errors
///
/// [`Error::NoSigningKey`].
pub(crate) fn tokens(app: &App, opened: Opened, refresh_token: Secret) -> Result<SignedIn, Error> {
    let access_token = app.keys.sign(&AccessToken {
        user_id: opened.user.id,
        session_id: opened.session_id,
        grants: opened.user.grants.clone(),
        auth_time: opened.auth_time,
        issued_at: opened.issued_at,
    })?;
    let lifetimes = app.lifetimes(&opened.user.grants);
    let left = opened.auth_time.plus(lifetimes.absolute).since(opened.issued_at);
    Ok(SignedIn {
        user: opened.user,
        access_token,
        expires_in: ACCESS_TOKEN_LIFETIME,
        refresh_token,
        refresh_expires_in: lifetimes.idle.min(left),
    })
}

/// Ends the session that a device still had when it signed in again (ASVS 7.2.4).
///
/// # Errors
///
/// Those of the store.
pub(crate) async fn end_replaced(app: &App, token: TokenHash) -> Result<(), Error> {
    app.write_and_revoke(move |tx| {
        let Some((session, user)) = sessions::of_token(tx, &token)? else { return Ok(((), Ended::new())) };
        crate::store::users::lock(tx, user)?;
        let ended_at = sessions::end(tx, session, EndReason::SignedInAgain)?;
        Ok(((), ended_at.map(|at| (session, at)).into_iter().collect()))
    })
    .await
}
