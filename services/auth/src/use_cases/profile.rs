//! A person looks at their profile and changes it.

use contracts::UserId;
use contracts::auth::ProfileChange;
use kernel::Language;
use service::{ClientAddress, Principal};
use store::Tx;

use super::register::{profile_event, taken};
use crate::app::{App, audit};
use crate::error::Error;
use crate::model::email::EmailAddress;
use crate::model::profile::PersonName;
use crate::model::user::User;
use crate::store::users;
use crate::throttle::AccountKey;

/// What is to be different; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfilePatch {
    /// Another address: wants a fresh login.
    pub email: Option<EmailAddress>,
    /// Another name, or none.
    pub name: Option<Option<PersonName>>,
    /// Another language.
    pub language: Option<Language>,
}

impl ProfilePatch {
    fn apply(&self, user: &User) -> User {
        let mut changed = user.clone();
        if let Some(email) = &self.email {
            email.as_str().clone_into(&mut changed.email);
        }
        if let Some(name) = &self.name {
            changed.name = name.as_ref().map(|name| name.as_str().to_owned());
        }
        if let Some(language) = self.language {
            changed.language = language;
        }
        changed
    }
}

/// A user as they are.
///
/// # Errors
///
/// [`Error::NotFound`].
pub(crate) async fn read(app: &App, id: UserId) -> Result<User, Error> {
    app.db.read(move |snapshot| users::read(snapshot, id)).await?.ok_or(Error::NotFound)
}

/// Changes one's own profile.
///
/// # Errors
///
/// [`Error::EmailTaken`], [`Error::FreshLoginRequired`] for another address, [`Error::TooManyAttempts`] for trying
/// many.
pub(crate) async fn change(
    app: &App,
    principal: &Principal,
    from: ClientAddress,
    patch: ProfilePatch,
) -> Result<User, Error> {
    if patch.email.is_some() {
        app.require_fresh_login(principal)?;
        // The answer tells whether somebody has the address, as a registration does: it is as dear to ask for many.
        app.throttle.attempt_from(from, app.clock.elapsed())?;
        app.throttle.attempt_on(&AccountKey::OwnEmail(principal.user_id), app.clock.elapsed())?;
    }
    let id = principal.user_id;
    let entry = audit(id, "auth.profile-changed", id);
    let write = move |tx: &mut Tx<'_>| {
        let before = users::lock(tx, id)?.ok_or(Error::NotFound)?;
        let after = patch.apply(&before);
        if after == before {
            return Ok(after);
        }
        users::update(tx, &after).map_err(taken)?;
        let after = users::lock(tx, id)?.ok_or(Error::NotFound)?;
        tx.publish(&profile_event(&after, ProfileChange::Changed, tx.now()))?;
        tx.audit(entry.clone())?;
        Ok(after)
    };
    app.db.write(write).await
}
