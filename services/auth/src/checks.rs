//! The invariants that `samovar audit` recomputes.

mod told;

use contracts::{SessionId, UserId};
use kernel::Timestamp;
use service::{Check, Finding};
use store::{Db, Snapshot, StoreError, params};

use crate::store::sql;

/// AUT-1 and AUT-2 as far as rows can show them, AUTH-1: nobody without a password; and what others are told.
pub(crate) fn all(db: &Db) -> Vec<Check> {
    let rows = vec![
        Check::local("AUT-1", one_live_token_per_family),
        Check::local("AUT-2", disabled_users_have_no_session),
        Check::local("AUTH-1", everybody_has_a_password),
    ];
    rows.into_iter().chain(told::checks(db)).collect()
}

fn one_live_token_per_family(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    snapshot.list(&sql::CHECK_FAMILIES, &params![], |row| {
        let (id, ended_at): (SessionId, Option<Timestamp>) = (row.get(0)?, row.get(1)?);
        let live: i64 = row.get(2)?;
        let (state, wanted) = if ended_at.is_some() { ("ended", 0) } else { ("live", 1) };
        Ok(Finding::new(
            format!("session {id}"),
            format!("is {state} and has {live} live refresh tokens, not {wanted}"),
        ))
    })
}

fn disabled_users_have_no_session(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    snapshot.list(&sql::CHECK_DISABLED, &params![], |row| {
        let (id, user): (SessionId, UserId) = (row.get(0)?, row.get(1)?);
        Ok(Finding::new(format!("session {id}"), format!("is live although {user} is disabled")))
    })
}

fn everybody_has_a_password(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    snapshot.list(&sql::CHECK_CREDENTIALS, &params![], |row| {
        let id: UserId = row.get(0)?;
        Ok(Finding::new(format!("user {id}"), "has no password and can never sign in"))
    })
}
