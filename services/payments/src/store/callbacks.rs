//! Callbacks as they came.

use kernel::Timestamp;
use store::{StoreError, Tx, params};

use super::sql::{INSERT_CALLBACK, MATCH_CALLBACKS, PRUNE_CALLBACKS};
use crate::model::payment::ProviderName;

/// A callback whose signature was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callback {
    /// Whose.
    pub provider: ProviderName,
    /// The provider's id of the event.
    pub event_id: String,
    /// The provider's id of the payment.
    pub provider_ref: String,
    /// What the provider says happened; kept for people, decides nothing.
    pub kind: String,
    /// The raw body.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// Keeps a callback; `false` when the event came before.
///
/// # Errors
/// Those of the database.
pub(crate) fn callback_stored(tx: &mut Tx<'_>, callback: &Callback) -> Result<bool, StoreError> {
    let row = params![
        callback.provider.as_str(),
        &callback.event_id,
        &callback.provider_ref,
        &callback.kind,
        &callback.body,
        callback.received_at,
    ];
    Ok(tx.execute(&INSERT_CALLBACK, &row)? == 1)
}

/// The callbacks of this payment have found it; whether there were any that had not.
///
/// # Errors
/// Those of the database.
pub(crate) fn match_callbacks(tx: &mut Tx<'_>, provider: ProviderName, provider_ref: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(&MATCH_CALLBACKS, &params![provider.as_str(), provider_ref])? > 0)
}

/// Forgets up to `limit` callbacks that came before this time and were looked into; how many.
///
/// # Errors
/// Those of the database.
pub(crate) fn prune_callbacks(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(&PRUNE_CALLBACKS, &params![before, limit])
}
