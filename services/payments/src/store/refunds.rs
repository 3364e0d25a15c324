//! Refunds.

use contracts::{PaymentId, RefundId};
use store::{Row, Snapshot, StoreError, Tx, params};

use super::payments::money;
use super::sql::{INSERT_REFUND, LOCK_REFUND, REFUNDS_OF, SAVE_REFUND};
use crate::model::refund::{Refund, RefundLine};

/// Keeps a new refund; `false` when its source has asked before.
///
/// # Errors
/// Those of the database.
pub(crate) fn insert_refund(tx: &mut Tx<'_>, refund: &Refund) -> Result<bool, StoreError> {
    let lines = refund.lines.as_deref().map(lines_text);
    let row = params![
        refund.id,
        refund.payment_id,
        refund.amount.currency(),
        refund.amount.amount(),
        refund.state.as_str(),
        &refund.source,
        &refund.reason,
        lines,
        refund.by_user,
        &refund.provider_ref,
        refund.created_at,
        refund.updated_at,
        refund.how.as_str(),
    ];
    Ok(tx.execute(&INSERT_REFUND, &row)? == 1)
}

/// A refund, held until the end of the transaction. Its payment is locked first, always.
///
/// # Errors
/// Those of the database.
pub(crate) fn lock_refund(tx: &mut Tx<'_>, id: RefundId) -> Result<Option<Refund>, StoreError> {
    tx.one(&LOCK_REFUND, &params![id], read)
}

/// The refunds of a payment, oldest first.
///
/// # Errors
/// Those of the database.
pub(crate) fn refunds_of(snapshot: &mut Snapshot<'_>, id: PaymentId) -> Result<Vec<Refund>, StoreError> {
    snapshot.list(&REFUNDS_OF, &params![id], read)
}

/// Keeps where a refund is.
///
/// # Errors
/// Those of the database.
pub(crate) fn save_refund(tx: &mut Tx<'_>, refund: &Refund) -> Result<(), StoreError> {
    let row = params![refund.id, refund.state.as_str(), &refund.provider_ref, refund.updated_at];
    tx.execute(&SAVE_REFUND, &row).map(drop)
}

fn read(row: &Row<'_>) -> Result<Refund, StoreError> {
    Ok(Refund {
        id: row.get(0)?,
        payment_id: row.get(1)?,
        amount: money(row, 3, row.get(2)?)?,
        state: row.get(4)?,
        source: row.get(5)?,
        reason: row.get(6)?,
        lines: row.get::<Option<String>>(7)?.map(|text| read_lines(&text)).transpose()?,
        by_user: row.get(8)?,
        provider_ref: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
        how: row.get(12)?,
    })
}

pub(super) fn lines_text(lines: &[RefundLine]) -> String {
    serde_json::to_string(lines).expect("ids and numbers are JSON")
}

pub(super) fn read_lines(text: &str) -> Result<Vec<RefundLine>, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt { column: "lines".to_owned(), reason: error.to_string() })
}
