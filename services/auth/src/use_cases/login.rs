//! A person signs in with e-mail and password.
//!
//! The same answer in the same time for a wrong password, an unknown e-mail and a disabled user: each costs one
//! read and one hash (ASVS V6, API2).

#[cfg(test)]
mod tests;

use std::time::Duration;

use contracts::UserId;
use store::Tx;

use super::sign_in::{self, Opened, SignedIn};
use crate::app::{App, Device, Ended, audit};
use crate::error::Error;
use crate::hasher::Verified;
use crate::model::email::key_of;
use crate::secret::Secret;
use crate::store::sessions::NewSession;
use crate::store::users::{self, SignInFacts};
use crate::throttle::{AccountKey, Familiarity};

/// An address is known for so long after the last session from it ended: who signs out in the evening must get in
/// again in the morning, whatever strangers have tried meanwhile.
const ADDRESS_KNOWN: Duration = Duration::from_secs(30 * 86_400);

/// Signs in.
///
/// # Errors
///
/// [`Error::InvalidCredentials`], [`Error::TooManyAttempts`], [`Error::Busy`].
pub(crate) async fn login(app: &App, email: &str, password: Secret, device: &Device) -> Result<SignedIn, Error> {
    app.throttle
        .attempt_from(device.address, app.clock.elapsed())
        .inspect_err(|_| log_refusal("address_throttled", None))?;
    let (email_key, network) = (key_of(email), device.address.network().to_string());
    let (asked, known_since) = (email_key.clone(), app.clock.now().minus(ADDRESS_KNOWN));
    let facts = app.db.read(move |snapshot| users::sign_in_facts(snapshot, &asked, &network, known_since)).await?;
    let familiarity = match &facts {
        Some(SignInFacts { known_address: true, .. }) => Familiarity::Known(device.address),
        Some(SignInFacts { known_address: false, .. }) | None => Familiarity::Stranger,
    };
    let (account, user_id) = (AccountKey::new(&email_key, familiarity), facts.as_ref().map(|facts| facts.user_id));
    app.throttle
        .attempt_on(&account, app.clock.elapsed())
        .inspect_err(|_| log_refusal("account_throttled", user_id))?;
    let stored = facts.as_ref().map(|facts| facts.password_hash.clone());
    let verified = app.hasher.verify(password, stored).await.inspect_err(|_| app.throttle.succeeded_on(&account))?;
    let (facts, rehashed) = match (facts, verified) {
        (Some(facts), Verified::Yes) if !facts.disabled => (facts, None),
        (Some(facts), Verified::YesAndRehashed(hash)) if !facts.disabled => (facts, Some(hash)),
        (Some(_), Verified::Yes | Verified::YesAndRehashed(_)) => return Err(refused("disabled", user_id)),
        (Some(_), Verified::No) => return Err(refused("wrong_password", user_id)),
        (None, Verified::Yes | Verified::YesAndRehashed(_) | Verified::No) => {
            return Err(refused("unknown_email", user_id));
        }
    };
    app.throttle.succeeded_on(&account);
    let (session, refresh_token) = sign_in::prepare(app, device);
    let entry = audit(facts.user_id, "auth.signed-in", session.id);
    let sessions_max = app.sessions_max;
    let opened = app
        .write_and_revoke(move |tx| {
            tx.audit(entry.clone())?;
            open(tx, &Checked { facts: &facts, rehashed: rehashed.as_deref() }, &session, sessions_max)
        })
        .await?;
    sign_in::tokens(app, opened, refresh_token)
}

/// A password that was found good against what stood in the table a moment ago.
struct Checked<'a> {
    facts: &'a SignInFacts,
    rehashed: Option<&'a str>,
}

/// Opens the session if what was checked still stands: the user was not disabled and the password not changed
/// while it was being hashed.
fn open(
    tx: &mut Tx<'_>,
    checked: &Checked<'_>,
    session: &NewSession,
    sessions_max: usize,
) -> Result<(Opened, Ended), Error> {
    let user_id = checked.facts.user_id;
    let user = users::lock(tx, user_id)?.filter(|user| !user.disabled).ok_or(Error::InvalidCredentials)?;
    let stored = users::password_hash(tx, user_id)?.ok_or(Error::InvalidCredentials)?;
    if stored != checked.facts.password_hash {
        return Err(Error::InvalidCredentials);
    }
    if let Some(hash) = checked.rehashed {
        users::replace_password(tx, user_id, &stored, hash)?;
    }
    sign_in::open(tx, user, session, sessions_max)
}

fn refused(reason: &'static str, user_id: Option<UserId>) -> Error {
    log_refusal(reason, user_id);
    Error::InvalidCredentials
}

/// A failed sign-in is an event for the log (ASVS 16.3.1), not a row: an attacker must not fill the audit trail. What was
/// typed as the e-mail is not written: it may be the password.
fn log_refusal(reason: &'static str, user_id: Option<UserId>) {
    tracing::warn!(reason, user.id = user_id.map(tracing::field::display), "a sign-in was refused");
}
