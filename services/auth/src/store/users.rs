//! Users, credentials and grants.

use contracts::UserId;
use kernel::{IdKind, Language, Timestamp};
use service::{Grant, Role};
use store::{Row, Snapshot, StoreError, Tx, params};

use super::{EVERY_SHOP, sql};
use crate::model::email::EmailAddress;
use crate::model::user::User;

/// A registration on its way into the tables.
#[derive(Clone, Debug)]
pub(crate) struct NewUser {
    /// Made beforehand, so that a second run of the transaction writes the same.
    pub id: UserId,
    /// The address.
    pub email: EmailAddress,
    /// The name, if there is one.
    pub name: Option<String>,
    /// What they read.
    pub language: Language,
    /// The password as a PHC string.
    pub password_hash: String,
}

/// What a sign-in is checked against.
#[derive(Clone, Debug)]
pub(crate) struct SignInFacts {
    /// Who it would be.
    pub user_id: UserId,
    /// Whether they are kept from signing in.
    pub disabled: bool,
    /// The stored password.
    pub password_hash: String,
    /// Whether a session of this user, living or ended not long ago, came from the same address.
    pub known_address: bool,
}

/// Writes a user with a password and no grants.
///
/// # Errors
///
/// The constraint `users_email_key_unique` when the address is taken.
pub(crate) fn insert(tx: &mut Tx<'_>, user: &NewUser) -> Result<(), StoreError> {
    let now = tx.now();
    let (email, name) = (&user.email, &user.name);
    let language = user.language.code();
    tx.execute(&sql::INSERT_USER, &params![user.id, email.as_str(), email.key(), name, language, now])?;
    tx.execute(&sql::INSERT_CREDENTIAL, &params![user.id, &user.password_hash, now])?;
    Ok(())
}

/// Whether somebody has this address.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn email_is_taken(snapshot: &mut Snapshot<'_>, email: &EmailAddress) -> Result<bool, StoreError> {
    let found = snapshot.one(&sql::FIND_USER_ID, &params![email.key()], |row| row.get::<UserId>(0))?;
    Ok(found.is_some())
}

/// A user with their grants.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn read(snapshot: &mut Snapshot<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    let user = snapshot.one(&sql::READ_USER, &params![id], user_of)?;
    with_grants(snapshot, user)
}

/// A user with their grants, locked until the transaction ends.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn lock(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    let user = tx.one(&sql::LOCK_USER, &params![id], user_of)?;
    with_grants(tx, user)
}

/// A page of users below `before`, the newest first; only the one with this address key if it is given.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn list(
    snapshot: &mut Snapshot<'_>,
    email_key: Option<&str>,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let before = before.map_or_else(after_every_id, |id| id.to_string());
    let users = match email_key {
        Some(key) => snapshot.list(&sql::LIST_USERS_BY_EMAIL, &params![&before, limit, key], user_of)?,
        None => snapshot.list(&sql::LIST_USERS, &params![&before, limit], user_of)?,
    };
    users.into_iter().map(|user| Ok(User { grants: grants(snapshot, user.id)?, ..user })).collect()
}

/// A text that sorts behind every user's id, in any locale.
fn after_every_id() -> String {
    format!("{}_{}", contracts::User::PREFIX, "z".repeat(27))
}

/// Writes the changed profile of a locked user.
///
/// # Errors
///
/// The constraint `users_email_key_unique` when the address is taken.
///
/// # Panics
///
/// Never for a user that was read from the table.
pub(crate) fn update(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    let key = crate::model::email::key_of(&user.email);
    let language = user.language.code();
    let params = params![user.id, &user.email, &key, &user.name, language, user.disabled, user.version];
    let touched = tx.execute(&sql::UPDATE_USER, &params)?;
    assert_eq!(touched, 1, "the row of {} is locked, and its version was read under the lock", user.id);
    Ok(())
}

/// Puts these grants in place of all others.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn replace_grants(tx: &mut Tx<'_>, user: UserId, grants: &[Grant]) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(&sql::DELETE_GRANTS, &params![user])?;
    let rows: Vec<_> = grants
        .iter()
        .map(|grant| {
            let scope = grant.shop_id.map_or_else(|| EVERY_SHOP.to_owned(), |shop| shop.to_string());
            params![user, grant.role.as_str(), scope, now].to_vec()
        })
        .collect();
    tx.execute_many(&sql::INSERT_GRANT, &rows)?;
    Ok(())
}

/// The administrators who can sign in, locked.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn lock_admins(tx: &mut Tx<'_>) -> Result<Vec<UserId>, StoreError> {
    tx.list(&sql::LOCK_ADMINS, &params![], |row| row.get(0))
}

/// What a sign-in with this address is checked against; `None` when nobody has it.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn sign_in_facts(
    snapshot: &mut Snapshot<'_>,
    email_key: &str,
    network: &str,
    known_since: Timestamp,
) -> Result<Option<SignInFacts>, StoreError> {
    snapshot.one(&sql::READ_SIGN_IN, &params![email_key, network, known_since], |row| {
        Ok(SignInFacts {
            user_id: row.get(0)?,
            disabled: row.get(1)?,
            password_hash: row.get(2)?,
            known_address: row.get(3)?,
        })
    })
}

/// The stored password of a user.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn password_hash(snapshot: &mut Snapshot<'_>, user: UserId) -> Result<Option<String>, StoreError> {
    snapshot.one(&sql::READ_CREDENTIAL, &params![user], |row| row.get(0))
}

/// Puts a hash in place of the one that was checked; false when that one is gone.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn replace_password(tx: &mut Tx<'_>, user: UserId, checked: &str, new: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(&sql::REPLACE_CREDENTIAL, &params![user, new, now, checked])? == 1)
}

fn with_grants(snapshot: &mut Snapshot<'_>, user: Option<User>) -> Result<Option<User>, StoreError> {
    let Some(user) = user else { return Ok(None) };
    let grants = grants(snapshot, user.id)?;
    Ok(Some(User { grants, ..user }))
}

fn grants(snapshot: &mut Snapshot<'_>, user: UserId) -> Result<Vec<Grant>, StoreError> {
    snapshot.list(&sql::LIST_GRANTS, &params![user], |row| {
        let scope: String = row.get(1)?;
        let shop_id = if scope == EVERY_SHOP { None } else { Some(parsed(&scope, "grants.scope")?) };
        Ok(Grant { role: parsed::<Role>(&row.get::<String>(0)?, "grants.role")?, shop_id })
    })
}

fn user_of(row: &Row<'_>) -> Result<User, StoreError> {
    let language = match row.get::<String>(3)?.as_str() {
        "ru" => Language::Ru,
        "en" => Language::En,
        _ => return Err(corrupt("users.language", "no language of ours")),
    };
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        language,
        grants: Vec::new(),
        disabled: row.get(4)?,
        version: row.get(5)?,
        created_at: row.get::<Timestamp>(6)?,
    })
}

/// A stored word as the type it stands for.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, column: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| corrupt(column, &error.to_string()))
}

pub(super) fn corrupt(column: &str, reason: &str) -> StoreError {
    StoreError::Corrupt { column: column.to_owned(), reason: reason.to_owned() }
}
