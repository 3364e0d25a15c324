//! Leases: work that one instance does at a time (decision 44).
//!
//! A lease is a row: name, owner, until, and a token that grows with every new holder. Whoever has stopped for
//! longer than its lease and goes on afterwards still believes that it holds it; so the transaction of the effect
//! itself checks the token ([`check`]), and a stale one is refused.

use std::time::Duration;

use kernel::Timestamp;

use crate::{StoreError, Tx, params};

/// The right to do something, until it runs out or is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for (`orders.expire-unpaid`).
    pub name: String,
    /// The fencing token: larger than that of every earlier holder.
    pub token: i64,
    /// When it runs out unless renewed.
    pub until: Timestamp,
}

crate::statements! {
    /// Takes a lease that nobody holds; the same owner starts anew.
    ACQUIRE = "INSERT INTO leases (name, owner, token, until_at) VALUES ($1, $2, 1, $3) \
        ON CONFLICT (name) DO UPDATE \
        SET owner = excluded.owner, token = leases.token + 1, until_at = excluded.until_at \
        WHERE leases.until_at <= $4 OR leases.owner = excluded.owner \
        RETURNING token";
    /// Holds it for longer.
    RENEW = "UPDATE leases SET until_at = $3 WHERE name = $1 AND token = $2 AND until_at > $4";
    /// Gives it back.
    GIVE_BACK = "UPDATE leases SET until_at = 0 WHERE name = $1 AND token = $2";
    /// Who holds it, held fast until the effect is committed.
    LOCK_LEASE = "SELECT token FROM leases WHERE name = $1 FOR UPDATE";
}

/// Takes a lease for so long; `None` when somebody else holds it.
///
/// # Errors
/// Those of the database.
pub fn acquire(tx: &mut Tx<'_>, name: &str, owner: &str, length: Duration) -> Result<Option<Lease>, StoreError> {
    let now = tx.now();
    let until = now.plus(length);
    let token = tx.one(&ACQUIRE, &params![name, owner, until, now], |row| row.get(0))?;
    Ok(token.map(|token| Lease { name: name.to_owned(), token, until }))
}

/// Holds a lease for so long from now; the lease with its new end.
///
/// # Errors
/// [`StoreError::LeaseLost`] when it has run out or passed on.
pub fn renew(tx: &mut Tx<'_>, lease: &Lease, length: Duration) -> Result<Lease, StoreError> {
    let now = tx.now();
    let until = now.plus(length);
    match tx.execute(&RENEW, &params![&lease.name, lease.token, until, now])? {
        1 => Ok(Lease { until, ..lease.clone() }),
        _ => Err(StoreError::LeaseLost { name: lease.name.clone() }),
    }
}

/// Gives a lease back early. Does nothing when it has passed on.
///
/// # Errors
/// Those of the database.
pub fn release(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), StoreError> {
    tx.execute(&GIVE_BACK, &params![&lease.name, lease.token]).map(drop)
}

/// Makes sure, in the transaction of an effect, that the lease has not passed on. Its end is not looked at: clocks
/// may differ, tokens do not.
///
/// # Errors
/// [`StoreError::LeaseLost`]: this transaction must not be committed.
pub fn check(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), StoreError> {
    let token = tx.one(&LOCK_LEASE, &params![&lease.name], |row| row.get::<i64>(0))?;
    if token == Some(lease.token) { Ok(()) } else { Err(StoreError::LeaseLost { name: lease.name.clone() }) }
}
