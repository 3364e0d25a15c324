//! What the audit asks of idempotency claims.

use store::{Snapshot, StoreError, params};

use super::statements::ANSWERED_WITHOUT_ORDER;

/// Ids of orders that were answered as placed and are not there (ORD-3, DUR-1).
pub(crate) fn answered_without_order(snapshot: &mut Snapshot<'_>, route: &str) -> Result<Vec<String>, StoreError> {
    snapshot.list(&ANSWERED_WITHOUT_ORDER, &params![route], |row| row.get(0))
}
