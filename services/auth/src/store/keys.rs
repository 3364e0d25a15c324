//! Signing keys.

use store::{Row, Snapshot, StoreError, Tx, params};

use super::sql;
use crate::model::keys::{StoredKey, WrappedSeed};

/// All keys, the newest first.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn list(snapshot: &mut Snapshot<'_>) -> Result<Vec<StoredKey>, StoreError> {
    snapshot.list(&sql::LIST_KEYS, &params![], key_of)
}

/// Writes a key, unless somebody else wrote that generation first.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn insert(tx: &mut Tx<'_>, key: &StoredKey) -> Result<bool, StoreError> {
    let (text, sealed) = match &key.seed {
        WrappedSeed::Plain(text) => (text, false),
        WrappedSeed::Sealed(text) => (text, true),
    };
    let (id, public) = (&key.id, &key.public_key);
    let params = params![key.generation, id, public, text.as_str(), sealed, key.created_at, key.signs_from];
    Ok(tx.execute(&sql::INSERT_KEY, &params)? == 1)
}

/// Deletes the keys of earlier generations.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn delete_before(tx: &mut Tx<'_>, generation: i64) -> Result<u64, StoreError> {
    tx.execute(&sql::DELETE_KEYS_BEFORE, &params![generation])
}

/// Forgets the unsealed private halves of earlier generations; their public halves stay.
///
/// # Errors
///
/// Those of the store.
pub(crate) fn forget_plain_seeds(tx: &mut Tx<'_>, before: i64) -> Result<u64, StoreError> {
    tx.execute(&sql::FORGET_PLAIN_SEEDS, &params![before])
}

fn key_of(row: &Row<'_>) -> Result<StoredKey, StoreError> {
    let text = row.get::<String>(3)?.into();
    let sealed: bool = row.get(4)?;
    Ok(StoredKey {
        generation: row.get(0)?,
        id: row.get(1)?,
        public_key: row.get(2)?,
        seed: if sealed { WrappedSeed::Sealed(text) } else { WrappedSeed::Plain(text) },
        created_at: row.get(5)?,
        signs_from: row.get(6)?,
    })
}
