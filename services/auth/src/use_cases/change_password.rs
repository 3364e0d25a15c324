//! A person changes their password, and is signed out everywhere else.

use service::Principal;

use super::manage_sessions::end_all_but;
use crate::app::{App, audit};
use crate::error::Error;
use crate::hasher::Verified;
use crate::model::session::EndReason;
use crate::secret::Secret;
use crate::store::users;
use crate::throttle::AccountKey;

/// The current password and the one to come; the new one satisfies the rules.
#[derive(Clone, Debug)]
pub(crate) struct PasswordChange {
    /// What the person signs in with now.
    pub current: Secret,
    /// What they want to sign in with.
    pub new: Secret,
}

/// Changes the password; every other session ends (ASVS 7.4.3).
///
/// # Errors
///
/// [`Error::FreshLoginRequired`], [`Error::WrongPassword`], [`Error::TooManyAttempts`], [`Error::Busy`].
pub(crate) async fn change_password(app: &App, principal: &Principal, change: PasswordChange) -> Result<(), Error> {
    app.require_fresh_login(principal)?;
    let account = AccountKey::OwnPassword(principal.user_id);
    app.throttle.attempt_on(&account, app.clock.elapsed())?;
    let (user_id, kept) = (principal.user_id, principal.session_id);
    let stored = app.db.read(move |snapshot| users::password_hash(snapshot, user_id)).await?;
    match app
        .hasher
        .verify(change.current, stored.clone())
        .await
        .inspect_err(|_| app.throttle.succeeded_on(&account))?
    {
        Verified::Yes | Verified::YesAndRehashed(_) => app.throttle.succeeded_on(&account),
        Verified::No => return Err(Error::WrongPassword),
    }
    let stored = stored.ok_or(Error::WrongPassword)?;
    let new = app.hasher.hash(change.new).await?;
    let entry = audit(user_id, "auth.password-changed", user_id);
    app.write_and_revoke(move |tx| {
        users::lock(tx, user_id)?.ok_or(Error::NotFound)?;
        // Another change was faster: what was checked is not the current password any more.
        if !users::replace_password(tx, user_id, &stored, &new)? {
            return Err(Error::WrongPassword);
        }
        tx.audit(entry.clone())?;
        let ended = end_all_but(tx, user_id, Some(kept), EndReason::PasswordChanged)?;
        Ok(((), ended))
    })
    .await
}
