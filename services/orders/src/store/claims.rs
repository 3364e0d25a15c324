//! What the audit asks of idempotency claims.

use store::{Snapshot, StoreError};

use super::statements::ANSWERED_WITHOUT_ORDER;

/// Ids of orders that were answered as placed and are not there (ORD-3, DUR-1).
pub(crate) fn answered_without_order(snapshot: &mut Snapshot<'_>) -> Result<Vec<String>, StoreError> {
    snapshot.list(&ANSWERED_WITHOUT_ORDER, &[], |row| row.get(0))
}
