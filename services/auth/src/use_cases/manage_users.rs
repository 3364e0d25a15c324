//! An administrator looks at people, disables them, ends their sessions and grants them roles.

use contracts::UserId;
use contracts::auth::ProfileChange;
use serde_json::json;
use service::{Grant, IfMatch, PageQuery, Principal};
use store::Tx;

use super::manage_sessions::end_all_but;
use super::register::profile_event;
use crate::app::{App, Ended, audit};
use crate::error::Error;
use crate::model::email::key_of;
use crate::model::grants::{Difference, difference, is_admin};
use crate::model::session::EndReason;
use crate::model::user::User;
use crate::store::users;

/// A page of users after another, the newest first; only the one with this e-mail if it is given. One row more than
/// the page, if there is one.
///
/// # Errors
///
/// Those of the store.
pub(crate) async fn list(
    app: &App,
    email: Option<&str>,
    after: Option<UserId>,
    page: &PageQuery,
) -> Result<Vec<User>, Error> {
    let (key, rows) = (email.map(key_of), page.rows());
    app.db.read(move |snapshot| users::list(snapshot, key.as_deref(), after, rows)).await.map_err(Error::from)
}

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// They may.
    Enabled,
    /// They may not, and all their sessions end.
    Disabled,
}

/// Disables or enables a person.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Stale`], [`Error::LastAdmin`].
pub(crate) async fn set_access(
    app: &App,
    principal: &Principal,
    id: UserId,
    if_match: IfMatch,
    access: Access,
) -> Result<User, Error> {
    let entry = audit(principal.user_id, "auth.access-changed", id);
    app.write_and_revoke(move |tx| {
        let before = lock_for_change(tx, id, &if_match)?;
        let disabled = access == Access::Disabled;
        if before.disabled == disabled {
            return Ok((before, Ended::new()));
        }
        if disabled {
            keep_an_admin(tx, &before)?;
        }
        users::update(tx, &User { disabled, ..before.clone() })?;
        let entry = entry.clone().before(json!({ "disabled": before.disabled })).after(json!({ "disabled": disabled }));
        tx.audit(entry)?;
        let ended = if disabled { end_all_but(tx, id, None, EndReason::Disabled)? } else { Ended::new() };
        Ok((changed(tx, id)?, ended))
    })
    .await
}

/// Puts these grants in place of a person's own. When one is taken away all their sessions end (ASVS 7.4.2); one
/// that is added shows in the next access token.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Stale`], [`Error::LastAdmin`].
pub(crate) async fn replace_grants(
    app: &App,
    principal: &Principal,
    id: UserId,
    if_match: IfMatch,
    grants: Vec<Grant>,
) -> Result<User, Error> {
    let entry = audit(principal.user_id, "auth.grants-changed", id);
    app.write_and_revoke(move |tx| {
        let before = lock_for_change(tx, id, &if_match)?;
        let difference = difference(&before.grants, &grants);
        if difference == Difference::None {
            return Ok((before, Ended::new()));
        }
        if !is_admin(&grants) {
            keep_an_admin(tx, &before)?;
        }
        users::replace_grants(tx, id, &grants)?;
        users::update(tx, &before)?;
        tx.audit(entry.clone().before(json!(before.grants)).after(json!(grants)))?;
        let ended = match difference {
            Difference::SomeLess => end_all_but(tx, id, None, EndReason::GrantRemoved)?,
            Difference::None | Difference::OnlyMore => Ended::new(),
        };
        Ok((changed(tx, id)?, ended))
    })
    .await
}

/// Ends all sessions of a person.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::FreshLoginRequired`].
pub(crate) async fn end_sessions(app: &App, principal: &Principal, id: UserId) -> Result<(), Error> {
    app.require_fresh_login(principal)?;
    let entry = audit(principal.user_id, "auth.sessions-ended", id);
    app.write_and_revoke(move |tx| {
        users::lock(tx, id)?.ok_or(Error::NotFound)?;
        tx.audit(entry.clone())?;
        Ok(((), end_all_but(tx, id, None, EndReason::EndedByAdmin)?))
    })
    .await
}

fn lock_for_change(tx: &mut Tx<'_>, id: UserId, if_match: &IfMatch) -> Result<User, Error> {
    let user = users::lock(tx, id)?.ok_or(Error::NotFound)?;
    if_match.check(user.version)?;
    Ok(user)
}

/// The user as they are now, told to the others.
fn changed(tx: &mut Tx<'_>, id: UserId) -> Result<User, Error> {
    let user = users::lock(tx, id)?.ok_or(Error::NotFound)?;
    tx.publish(&profile_event(&user, ProfileChange::Changed, tx.now()))?;
    Ok(user)
}

/// Refuses to take away the only administrator who can sign in.
fn keep_an_admin(tx: &mut Tx<'_>, user: &User) -> Result<(), Error> {
    if !is_admin(&user.grants) || user.disabled {
        return Ok(());
    }
    let others = users::lock_admins(tx)?.into_iter().any(|id| id != user.id);
    if others { Ok(()) } else { Err(Error::LastAdmin) }
}
