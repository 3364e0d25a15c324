//! A person looks at their sessions and ends one of them.

use contracts::{SessionId, UserId};
use service::Principal;
use store::Tx;

use crate::app::{App, Ended, audit};
use crate::error::Error;
use crate::model::session::{EndReason, Session};
use crate::store::{sessions, users};

/// The living sessions of a person, the newest first.
///
/// # Errors
///
/// Those of the store.
pub(crate) async fn list(app: &App, principal: &Principal) -> Result<Vec<Session>, Error> {
    let user_id = principal.user_id;
    let (now, lifetimes) = (app.clock.now(), app.lifetimes(&principal.grants));
    let mut living = app.db.read(move |snapshot| sessions::living(snapshot, user_id)).await?;
    living.retain(|session| !session.is_over(lifetimes, now));
    Ok(living)
}

/// Ends one of the person's own sessions. Another than the one in use wants a fresh login.
///
/// # Errors
///
/// [`Error::NotFound`] for a session that is not theirs or is over, [`Error::FreshLoginRequired`].
pub(crate) async fn end(app: &App, principal: &Principal, session_id: SessionId) -> Result<(), Error> {
    if session_id != principal.session_id {
        app.require_fresh_login(principal)?;
    }
    let user_id = principal.user_id;
    let entry = audit(user_id, "auth.session-ended", session_id);
    app.write_and_revoke(move |tx| {
        users::lock(tx, user_id)?;
        let owned = sessions::read(tx, session_id)?.filter(|session| session.user_id == user_id);
        let session = owned.ok_or(Error::NotFound)?;
        let at = sessions::end(tx, session.id, EndReason::EndedByOwner)?.ok_or(Error::NotFound)?;
        tx.audit(entry.clone())?;
        Ok(((), vec![(session.id, at)]))
    })
    .await
}

/// Ends all living sessions of a locked user but one.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn end_all_but(
    tx: &mut Tx<'_>,
    user: UserId,
    kept: Option<SessionId>,
    reason: EndReason,
) -> Result<Ended, Error> {
    let mut ended = Ended::new();
    for session in sessions::living(tx, user)?.iter().filter(|session| Some(session.id) != kept) {
        if let Some(at) = sessions::end(tx, session.id, reason)? {
            ended.push((session.id, at));
        }
    }
    Ok(ended)
}
