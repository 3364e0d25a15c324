//! Idempotency keys (decision 17): one effect per key, however often and from however many places it is asked for.
//!
//! A request first commits a *claim*: principal, route, key, hash of the body, the id of the thing that it is going
//! to make, and a lease of 30 seconds. Every call that it makes carries that id. Its last transaction writes the
//! answer. A retry meanwhile is told to wait; a retry after the lease has run out takes over *with the same id*.
//! Only the holder of the claim can write the answer, so an overtaken request cannot finish behind the back of its
//! successor: its last transaction fails with [`StoreError::LeaseLost`].

use std::time::Duration;

use kernel::Timestamp;

use crate::{Row, Snapshot, StoreError, Tx, params};

/// How long a request may take before a retry takes over.
pub const LEASE: Duration = Duration::from_secs(30);

/// How long answers are kept.
pub const KEPT: Duration = Duration::from_hours(48);

/// What a key is unique within.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who asks.
    pub principal: String,
    /// Method and path (`POST /orders`).
    pub route: String,
    /// The value of the header.
    pub key: String,
}

/// The right to act on a key. Tokens count the takeovers of one claim; a key that was let go of and claimed anew begins
/// at 1 again, so the resource belongs to the right as much as the token does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The key.
    pub key: Key,
    /// The id of the thing to make, the same for every try.
    pub resource: String,
    token: i64,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody asked before: act.
    Fresh(Held),
    /// An earlier try died on the way: act, with its id; what it did already is there.
    TakenOver(Held),
    /// It was done: answer this again.
    Replay(StoredAnswer),
    /// An earlier try is still at it.
    InProgress {
        /// When to ask again.
        retry_after_s: u32,
    },
    /// The key was used with another body.
    Mismatch,
}

/// An answer that is given again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status, 2xx.
    pub status: u16,
    /// The headers that belong to the answer, as JSON.
    pub headers: String,
    /// The body.
    pub body: String,
}

crate::statements! {
    /// The first to ask.
    INSERT_CLAIM = "INSERT INTO idempotency_keys \
        (principal, route, key, body_hash, resource_id, token, lease_until_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, 1, $6, $7) ON CONFLICT (principal, route, key) DO NOTHING";
    /// What is known about a key.
    LOCK_CLAIM = "SELECT body_hash, resource_id, token, lease_until_at, status, headers, body FROM idempotency_keys \
        WHERE principal = $1 AND route = $2 AND key = $3 FOR UPDATE";
    /// The next to act after a dead lease.
    TAKE_OVER = "UPDATE idempotency_keys SET token = token + 1, lease_until_at = $4 \
        WHERE principal = $1 AND route = $2 AND key = $3";
    /// The end of it.
    STORE_ANSWER = "UPDATE idempotency_keys SET status = $5, headers = $6, body = $7 \
        WHERE principal = $1 AND route = $2 AND key = $3 AND token = $4 AND resource_id = $8 AND status IS NULL";
    /// A rejection lets go of the key.
    RELEASE_CLAIM = "DELETE FROM idempotency_keys \
        WHERE principal = $1 AND route = $2 AND key = $3 AND token = $4 AND resource_id = $5 AND status IS NULL";
    /// The oldest keys that are past keeping.
    PRUNE_KEYS = "DELETE FROM idempotency_keys WHERE (principal, route, key) IN \
        (SELECT principal, route, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    /// The next keys that have an answer, for the audit.
    ANSWERS_AFTER = "SELECT principal, route, key, body FROM idempotency_keys \
        WHERE (principal, route, key) > ($1, $2, $3) AND body IS NOT NULL ORDER BY principal, route, key LIMIT $4";
}

/// The bodies of the next so many answers that are kept, for whoever audits what they say.
///
/// # Errors
/// Those of the database.
pub fn answers_after(snapshot: &mut Snapshot<'_>, after: &Key, limit: u32) -> Result<Vec<(Key, String)>, StoreError> {
    snapshot.list(&ANSWERS_AFTER, &params![&after.principal, &after.route, &after.key, limit], |row| {
        Ok((Key { principal: row.get(0)?, route: row.get(1)?, key: row.get(2)? }, row.get(3)?))
    })
}

/// The token of a claim that was never taken over.
const FIRST_TOKEN: i64 = 1;

/// How often a claim looks again when the key is let go of between two of its statements.
const LOOKS_MAX: usize = 3;

/// Claims a key that nobody has claimed before, as most are; the closure does nothing else.
///
/// # Errors
/// [`StoreError::Untouched`] when somebody has ([`claim_next`] says what became of it); those of the database.
pub fn claim_first(tx: &mut Tx<'_>, key: &Key, body_hash: &str, resource_id: &str) -> Result<Held, StoreError> {
    let now = tx.now();
    let row = params![&key.principal, &key.route, &key.key, body_hash, resource_id, now.plus(LEASE), now];
    tx.expect_one(&INSERT_CLAIM, &row, StoreError::Untouched { statement: INSERT_CLAIM.name })?;
    Ok(Held { key: key.clone(), resource: resource_id.to_owned(), token: FIRST_TOKEN })
}

/// [`claim`] after [`claim_first`] found a claim: it may be this very one, whose answer was lost, so that it was made
/// twice. Nobody else knows the id.
///
/// # Errors
/// Those of the database.
pub fn claim_next(tx: &mut Tx<'_>, key: &Key, body_hash: &str, resource_id: &str) -> Result<Claim, StoreError> {
    let known = tx.one(&LOCK_CLAIM, &params![&key.principal, &key.route, &key.key], Known::read)?;
    match known {
        Some(known) if known.is_first_of(resource_id) => {
            Ok(Claim::Fresh(Held { key: key.clone(), resource: known.resource, token: known.token }))
        }
        Some(_) | None => claim(tx, key, body_hash, resource_id),
    }
}

/// Claims a key for a body, to make the thing with this id.
///
/// # Errors
/// Those of the database.
pub fn claim(tx: &mut Tx<'_>, key: &Key, body_hash: &str, resource_id: &str) -> Result<Claim, StoreError> {
    let now = tx.now();
    let until = now.plus(LEASE);
    for _ in 0..LOOKS_MAX {
        let row = params![&key.principal, &key.route, &key.key, body_hash, resource_id, until, now];
        if tx.execute(&INSERT_CLAIM, &row)? == 1 {
            return Ok(Claim::Fresh(Held { key: key.clone(), resource: resource_id.to_owned(), token: FIRST_TOKEN }));
        }
        if let Some(known) = tx.one(&LOCK_CLAIM, &params![&key.principal, &key.route, &key.key], Known::read)? {
            return known.meet(tx, key, body_hash);
        }
    }
    Ok(Claim::InProgress { retry_after_s: 1 })
}

/// Writes the answer in the last transaction of the request; that fails with [`StoreError::LeaseLost`] when another try
/// has taken over ([`Tx::expect_one`]).
///
/// # Errors
/// Those of the database.
pub fn answer(tx: &mut Tx<'_>, held: &Held, answer: &StoredAnswer) -> Result<(), StoreError> {
    let key = &held.key;
    let row = params![
        &key.principal,
        &key.route,
        &key.key,
        held.token,
        answer.status,
        &answer.headers,
        &answer.body,
        &held.resource,
    ];
    tx.expect_one(&STORE_ANSWER, &row, StoreError::LeaseLost { name: format!("{} {}", key.route, key.key) })
}

/// Lets go of the key after a rejection, so that a mended request may use it. `false`, and nothing done, when another
/// try has taken over: what was made under the claim's id outside this store is that try's now.
///
/// # Errors
/// Those of the database.
pub fn release(tx: &mut Tx<'_>, held: &Held) -> Result<bool, StoreError> {
    let key = &held.key;
    let row = params![&key.principal, &key.route, &key.key, held.token, &held.resource];
    Ok(tx.execute(&RELEASE_CLAIM, &row)? == 1)
}

/// Removes up to `limit` keys that are older than [`KEPT`]; how many.
///
/// # Errors
/// Those of the database.
pub fn prune(tx: &mut Tx<'_>, limit: u32) -> Result<u64, StoreError> {
    let oldest = tx.now().minus(KEPT);
    tx.execute(&PRUNE_KEYS, &params![oldest, limit])
}

/// A row that was there.
struct Known {
    body_hash: String,
    resource: String,
    token: i64,
    lease_until: Timestamp,
    answer: Option<StoredAnswer>,
}

impl Known {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let answer = match row.get::<Option<u16>>(4)? {
            None => None,
            Some(status) => Some(StoredAnswer { status, headers: row.get(5)?, body: row.get(6)? }),
        };
        Ok(Self { body_hash: row.get(0)?, resource: row.get(1)?, token: row.get(2)?, lease_until: row.get(3)?, answer })
    }

    fn is_first_of(&self, resource_id: &str) -> bool {
        self.resource == resource_id && self.token == FIRST_TOKEN && self.answer.is_none()
    }

    fn meet(self, tx: &mut Tx<'_>, key: &Key, body_hash: &str) -> Result<Claim, StoreError> {
        if self.body_hash != body_hash {
            return Ok(Claim::Mismatch);
        }
        if let Some(answer) = self.answer {
            return Ok(Claim::Replay(answer));
        }
        let now = tx.now();
        if self.lease_until > now {
            // Most requests end long before their lease does.
            let left = self.lease_until.since(now).as_secs();
            return Ok(Claim::InProgress { retry_after_s: u32::try_from(left).unwrap_or(1).clamp(1, 5) });
        }
        tx.execute(&TAKE_OVER, &params![&key.principal, &key.route, &key.key, now.plus(LEASE)])?;
        Ok(Claim::TakenOver(Held { key: key.clone(), resource: self.resource, token: self.token + 1 }))
    }
}
