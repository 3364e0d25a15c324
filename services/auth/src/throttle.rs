//! How often somebody may try a password (ASVS 6.1.1, 6.3.1, decision 23).
//!
//! Two counters. Per address (network): every attempt. Per account: failed attempts only, whoever makes them; a
//! thousand addresses guess no faster than one. A victim is not locked out: an address from which the account had a
//! session lately counts by itself, and so does somebody who is signed in, so strangers' guesses do not use up what the
//! owner may try. An account that does not exist is counted like one that does.

use std::net::IpAddr;
use std::time::Duration;

use cache::RateLimiter;
use contracts::UserId;
use service::{ClientAddress, Settings, rate_limiter};

use crate::error::Error;

/// Both counters; nothing is refused where they are off.
#[derive(Debug)]
pub(crate) struct Throttle {
    by_address: Option<RateLimiter>,
    by_account: Option<RateLimiter>,
}

/// Whose guesses an attempt counts among.
#[derive(Clone, Debug, Hash)]
pub(crate) enum AccountKey {
    /// Of whoever knows the e-mail, from an address that the account knows or from anywhere else.
    SignIn { email_key: String, known_address: Option<IpAddr> },
    /// Of somebody who is signed in, with their current password.
    OwnPassword(UserId),
    /// Of somebody who is signed in, with other people's e-mails.
    OwnEmail(UserId),
}

impl AccountKey {
    /// An attempt to sign in with this e-mail from an address that the account knows, or from a stranger's.
    #[must_use]
    pub(crate) fn new(email_key: &str, from: Familiarity) -> Self {
        let known_address = match from {
            Familiarity::Known(address) => Some(address.network()),
            Familiarity::Stranger => None,
        };
        Self::SignIn { email_key: email_key.to_owned(), known_address }
    }
}

/// Whether the account knows the address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Familiarity {
    /// It has a session that was last used from there, or had one not long ago.
    Known(ClientAddress),
    /// It has none.
    Stranger,
}

impl Throttle {
    /// The counters as configured.
    #[must_use]
    pub(crate) fn new(settings: &Settings) -> Self {
        let limiter = |count, burst, per| rate_limiter(settings, settings.int(count), per, settings.int(burst));
        let minute = Duration::from_secs(60);
        let hour = Duration::from_secs(3600);
        Self {
            by_address: limiter("auth.attempts_per_address_per_min", "auth.attempts_per_address_burst", minute),
            by_account: limiter("auth.failures_per_account_per_h", "auth.failures_per_account_burst", hour),
        }
    }

    /// Counts an attempt from an address.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyAttempts`].
    pub(crate) fn attempt_from(&self, address: ClientAddress, now: Duration) -> Result<(), Error> {
        count(self.by_address.as_ref(), &address.network(), now)
    }

    /// Counts an attempt on an account, before it is known whether it fails: guesses that run at once count each.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyAttempts`].
    pub(crate) fn attempt_on(&self, account: &AccountKey, now: Duration) -> Result<(), Error> {
        count(self.by_account.as_ref(), account, now)
    }

    /// The attempt did not fail: it does not count.
    pub(crate) fn succeeded_on(&self, account: &AccountKey) {
        if let Some(limiter) = &self.by_account {
            limiter.give_back(account);
        }
    }
}

fn count<K: std::hash::Hash>(limiter: Option<&RateLimiter>, key: &K, now: Duration) -> Result<(), Error> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.take(key, now).map_err(|wait| {
        let retry_after_s = u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX);
        Error::TooManyAttempts { retry_after_s }
    })
}
