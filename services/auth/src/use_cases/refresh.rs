//! A refresh token is changed for a new one, and a new access token beside it (AUT-1).

use contracts::SessionId;
use service::RequestContext;
use store::Tx;

use super::sign_in::{self, Opened, SignedIn};
use crate::app::{App, Device, Ended, audit_of};
use crate::error::Error;
use crate::model::refresh::{SessionRules, Verdict, decide};
use crate::model::session::{EndReason, Session};
use crate::refresh_token::{self, TokenHash};
use crate::secret::Secret;
use crate::store::{sessions, users};

/// Changes the token.
///
/// # Errors
///
/// [`Error::InvalidRefreshToken`], [`Error::TokenReused`], [`Error::SessionEnded`].
pub(crate) async fn refresh(app: &App, token: &Secret, device: &Device) -> Result<SignedIn, Error> {
    let (new_token, new_hash) = refresh_token::new(app.rng.as_ref());
    let rotation = Rotation {
        shown: TokenHash::of(token),
        new: new_hash,
        network: device.address.network().to_string(),
        rules: app.rules,
        request: RequestContext::current(),
    };
    let outcome = app.write_and_revoke(move |tx| rotate(tx, &rotation)).await?;
    match outcome {
        Outcome::Rotated(opened) => sign_in::tokens(app, opened, new_token),
        Outcome::Killed(session) => {
            tracing::warn!(session.id = %session, "a refresh token was used twice: its family is dead");
            Err(Error::TokenReused)
        }
        Outcome::Refused(error) => Err(error),
    }
}

/// One token for another.
struct Rotation {
    shown: TokenHash,
    new: TokenHash,
    network: String,
    rules: SessionRules,
    request: Option<RequestContext>,
}

/// How it ended. A killed family is a commit, not an error: an error would roll it back.
enum Outcome {
    Rotated(Opened),
    Killed(SessionId),
    Refused(Error),
}

fn rotate(tx: &mut Tx<'_>, rotation: &Rotation) -> Result<(Outcome, Ended), Error> {
    let refused = |error| Ok((Outcome::Refused(error), Ended::new()));
    let Some((session_id, user_id)) = sessions::of_token(tx, &rotation.shown)? else {
        return refused(Error::InvalidRefreshToken);
    };
    // Everything below is read under this lock: of two who show one token at once, the second sees it spent.
    let Some(user) = users::lock(tx, user_id)? else { return refused(Error::InvalidRefreshToken) };
    let (Some(token), Some(session)) = (sessions::shown(tx, &rotation.shown)?, sessions::read(tx, session_id)?) else {
        return refused(Error::InvalidRefreshToken);
    };
    let lifetimes = if user.grants.is_empty() { rotation.rules.guest } else { rotation.rules.staff };
    match decide(token, &session, lifetimes, tx.now()) {
        Verdict::Rotate => {
            sessions::rotate(tx, session_id, (&rotation.shown, &rotation.new), &rotation.network)?;
            let (auth_time, issued_at) = (session.created_at, tx.now());
            Ok((Outcome::Rotated(Opened { user, session_id, auth_time, issued_at }), Ended::new()))
        }
        Verdict::KillFamily => kill(tx, &session, rotation.request),
        Verdict::DeadByReuse => refused(Error::TokenReused),
        Verdict::Ended | Verdict::Expired => refused(Error::SessionEnded),
    }
}

fn kill(tx: &mut Tx<'_>, session: &Session, request: Option<RequestContext>) -> Result<(Outcome, Ended), Error> {
    let ended_at = sessions::end(tx, session.id, EndReason::TokenReused)?;
    tx.audit(audit_of(request, "auth.token-reused", (session.user_id, session.id)))?;
    let ended = ended_at.map(|at| (session.id, at)).into_iter().collect();
    Ok((Outcome::Killed(session.id), ended))
}
