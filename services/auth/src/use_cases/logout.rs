//! A person ends the session that they are using.

use service::Principal;

use crate::app::{App, Ended, audit};
use crate::error::Error;
use crate::model::session::EndReason;
use crate::store::{sessions, users};

/// Ends the session; its access token is refused from now on. Twice is the same as once.
///
/// # Errors
///
/// Those of the store.
pub(crate) async fn logout(app: &App, principal: &Principal) -> Result<(), Error> {
    let (user_id, session_id) = (principal.user_id, principal.session_id);
    let entry = audit(user_id, "auth.signed-out", session_id);
    app.write_and_revoke(move |tx| {
        users::lock(tx, user_id)?;
        let Some(at) = sessions::end(tx, session_id, EndReason::Logout)? else { return Ok(((), Ended::new())) };
        tx.audit(entry.clone())?;
        Ok(((), vec![(session_id, at)]))
    })
    .await
}
