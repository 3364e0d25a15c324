//! A person registers, and is signed in.

use contracts::UserId;
use contracts::auth::{Profile, ProfileChange};
use kernel::Language;
use store::{StoreError, Tx};

use super::sign_in::{self, SignedIn};
use crate::app::{App, Device, audit};
use crate::error::Error;
use crate::model::email::EmailAddress;
use crate::model::profile::PersonName;
use crate::model::user::User;
use crate::secret::Secret;
use crate::store::users::{self, NewUser};

/// What a person registers with; the password satisfies the rules.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// Their address.
    pub email: EmailAddress,
    /// Their password.
    pub password: Secret,
    /// Their name.
    pub name: Option<PersonName>,
    /// What they read.
    pub language: Language,
}

/// Registers and signs in.
///
/// # Errors
///
/// [`Error::EmailTaken`], [`Error::TooManyAttempts`], [`Error::Busy`].
pub(crate) async fn register(app: &App, registration: Registration, device: &Device) -> Result<SignedIn, Error> {
    app.throttle.attempt_from(device.address, app.clock.elapsed())?;
    let Registration { email, password, name, language } = registration;
    let asked = email.clone();
    // Asked before the password is hashed, which is the dear part; the unique constraint decides.
    if app.db.read(move |snapshot| users::email_is_taken(snapshot, &asked)).await? {
        return Err(Error::EmailTaken);
    }
    let new = NewUser {
        id: UserId::new(app.clock.now(), app.rng.as_ref()),
        email,
        name: name.map(|name| name.as_str().to_owned()),
        language,
        password_hash: app.hasher.hash(password).await?,
    };
    let (session, refresh_token) = sign_in::prepare(app, device);
    let entry = audit(new.id, "auth.registered", session.id);
    let sessions_max = app.sessions_max;
    let opened = app
        .write_and_revoke(move |tx| {
            let user = insert(tx, &new)?;
            tx.audit(entry.clone())?;
            sign_in::open(tx, user, &session, sessions_max)
        })
        .await?;
    sign_in::tokens(app, opened, refresh_token)
}

/// Writes a new user and tells the others.
///
/// # Errors
///
/// [`Error::EmailTaken`].
pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewUser) -> Result<User, Error> {
    users::insert(tx, new).map_err(taken)?;
    let user = users::lock(tx, new.id)?.ok_or(Error::NotFound)?;
    tx.publish(&profile_event(&user, ProfileChange::Registered, tx.now()))?;
    Ok(user)
}

/// The broken constraint as what it means.
pub(crate) fn taken(error: StoreError) -> Error {
    if error.violates("users_email_key_unique") { Error::EmailTaken } else { error.into() }
}

/// What others are told of a profile.
#[must_use]
pub(crate) fn profile_event(user: &User, change: ProfileChange, at: kernel::Timestamp) -> Profile {
    let (name, email) = (user.name.clone(), Some(user.email.clone()));
    Profile { user_id: user.id, change, name, email, language: user.language, at }
}
