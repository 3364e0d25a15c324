//! Sessions and their refresh tokens.

use contracts::{SessionId, UserId};
use kernel::Timestamp;
use store::{Row, Snapshot, StoreError, Tx, params};

use super::sql;
use super::users::{corrupt, parsed};
use crate::model::refresh::ShownToken;
use crate::model::session::{End, EndReason, Session};
use crate::refresh_token::TokenHash;

/// A sign-in on its way into the tables.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    /// Made beforehand, so that a second run of the transaction writes the same.
    pub id: SessionId,
    /// What the client calls itself.
    pub device: String,
    /// The network that it came from.
    pub network: String,
    /// Of its first refresh token.
    pub token: TokenHash,
}

/// Writes a session with its first refresh token. The user is locked.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn insert(tx: &mut Tx<'_>, user: UserId, session: &NewSession) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute_later(&sql::INSERT_SESSION, &params![session.id, user, &session.device, &session.network, now])?;
    tx.execute_later(&sql::INSERT_REFRESH_TOKEN, &params![session.token.as_str(), session.id, now])
}

/// A session, living or ended.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn read(snapshot: &mut Snapshot<'_>, id: SessionId) -> Result<Option<Session>, StoreError> {
    snapshot.one(&sql::READ_SESSION, &params![id], session_of)
}

/// The living sessions of a user, the newest first.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn living(snapshot: &mut Snapshot<'_>, user: UserId) -> Result<Vec<Session>, StoreError> {
    snapshot.list(&sql::LIST_SESSIONS, &params![user], session_of)
}

/// Ends a session and its refresh token. `None` when it was ended before.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn end(tx: &mut Tx<'_>, id: SessionId, reason: EndReason) -> Result<Option<Timestamp>, StoreError> {
    let now = tx.now();
    let ended_at = tx.one(&sql::END_SESSION, &params![id, now, reason.as_str()], |row| row.get(0))?;
    tx.execute_later(&sql::SPEND_ALL_REFRESH_TOKENS, &params![id, now])?;
    Ok(ended_at)
}

/// Which session and user a refresh token belongs to. Not locked: only to know what to lock.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn of_token(
    snapshot: &mut Snapshot<'_>,
    hash: &TokenHash,
) -> Result<Option<(SessionId, UserId)>, StoreError> {
    snapshot.one(&sql::FIND_REFRESH_TOKEN, &params![hash.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What a shown token is, as of now.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn shown(snapshot: &mut Snapshot<'_>, hash: &TokenHash) -> Result<Option<ShownToken>, StoreError> {
    snapshot.one(&sql::READ_REFRESH_TOKEN, &params![hash.as_str()], |row| {
        let spent_at: Option<Timestamp> = row.get(0)?;
        Ok(if spent_at.is_some() { ShownToken::Spent } else { ShownToken::Live })
    })
}

/// Changes a refresh token for a new one. The user is locked, and the token was read as live.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn rotate(
    tx: &mut Tx<'_>,
    session: SessionId,
    (spent, new): (&TokenHash, &TokenHash),
    network: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    let touched = tx.execute(&sql::SPEND_REFRESH_TOKEN, &params![spent.as_str(), now])?;
    if touched != 1 {
        return Err(corrupt("refresh_tokens.spent_at", "a token was spent although its user is locked"));
    }
    tx.execute_later(&sql::INSERT_REFRESH_TOKEN, &params![new.as_str(), session, now])?;
    tx.execute_later(&sql::TOUCH_SESSION, &params![session, now, network])
}

/// The sessions that ended at `since` or later, with the moment.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn ended_since(
    snapshot: &mut Snapshot<'_>,
    since: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
    snapshot.list(&sql::LIST_ENDED_SINCE, &params![since], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Deletes up to `limit` sessions that ended before `ended` or were last used before `used`; how many.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn forget(tx: &mut Tx<'_>, ended: Timestamp, used: Timestamp, limit: u32) -> Result<usize, StoreError> {
    let ids = tx.list(&sql::LIST_FORGETTABLE, &params![ended, used, limit], |row| row.get::<SessionId>(0))?;
    let rows: Vec<_> = ids.iter().map(|id| params![id].to_vec()).collect();
    tx.execute_many(&sql::DELETE_REFRESH_TOKENS, &rows)?;
    tx.execute_many(&sql::DELETE_SESSION, &rows)?;
    Ok(ids.len())
}

fn session_of(row: &Row<'_>) -> Result<Session, StoreError> {
    let end = match (row.get::<Option<Timestamp>>(5)?, row.get::<Option<String>>(6)?) {
        (Some(at), Some(reason)) => Some(End { reason: parsed::<EndReason>(&reason, "sessions.end_reason")?, at }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(corrupt("sessions.end_reason", "an end without a reason")),
    };
    Ok(Session {
        id: row.get(0)?,
        user_id: row.get(1)?,
        device: row.get(2)?,
        created_at: row.get(3)?,
        refreshed_at: row.get(4)?,
        end,
    })
}
