//! The ledger's rows: written once, read by order or by time.

use contracts::{LedgerTransactionId, OrderId, PaymentId, ShopId};
use kernel::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Param, Row, Snapshot, StoreError, ToParam as _, Tx, params};

use super::lists::Scope;
use super::sql::{INSERT_ENTRY, INSERT_TRANSACTION, LEDGER, LEDGER_OF_ORDER};
use crate::model::ledger::{Account, Entry, Posting, PostingKind, Side};

/// A transaction as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerLine {
    /// Its id.
    pub id: LedgerTransactionId,
    /// What kind of fact.
    pub kind: PostingKind,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Of which order.
    pub order_id: OrderId,
    /// In which shop.
    pub shop_id: ShopId,
    /// When.
    pub posted_at: Timestamp,
    /// Its lines.
    pub entries: Vec<Entry>,
}

/// Where a page of the ledger begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerKey(pub Timestamp, pub LedgerTransactionId);

/// Posts a transaction: its lines, then its header. Called inside the transaction that changes the payment.
///
/// # Errors
/// [`StoreError::Unique`] `ledger_transactions_source_unique` when the fact is posted already, [`StoreError::Check`]
/// `ledger_balanced` when the lines do not balance.
pub(crate) fn post(tx: &mut Tx<'_>, id: LedgerTransactionId, posting: &Posting) -> Result<(), StoreError> {
    let rows: Vec<Vec<Param<'_>>> = (1_i64..)
        .zip(posting.entries())
        .map(|(line, entry)| {
            let (debit, credit) = match entry.side {
                Side::Debit => (entry.amount.amount(), 0),
                Side::Credit => (0, entry.amount.amount()),
            };
            let account = entry.account.as_str();
            vec![
                id.to_param(),
                line.to_param(),
                account.to_param(),
                entry.amount.currency().to_param(),
                debit.to_param(),
                credit.to_param(),
            ]
        })
        .collect();
    rows.iter().try_for_each(|row| tx.execute_later(&INSERT_ENTRY, row))?;
    let header = params![
        id,
        posting.kind().as_str(),
        posting.source(),
        posting.payment_id(),
        posting.order_id(),
        posting.shop_id(),
        tx.now(),
    ];
    tx.execute_later(&INSERT_TRANSACTION, &header)
}

/// Transactions of one order or of all, oldest first, of the shops in `scope`.
///
/// # Errors
/// Those of the database.
pub(crate) fn list_ledger(
    snapshot: &mut Snapshot<'_>,
    order_id: Option<OrderId>,
    scope: &Scope,
    after: Option<LedgerKey>,
    rows: i64,
) -> Result<Vec<LedgerLine>, StoreError> {
    let (at, id) = after.map_or((0, String::new()), |LedgerKey(at, id)| (at.as_micros(), id.to_string()));
    let mut lines: Vec<LedgerLine> = Vec::new();
    let mut gather = |row: &Row<'_>| {
        let line = read(row)?;
        match lines.last_mut().filter(|last| last.id == line.id) {
            Some(last) => last.entries.extend(line.entries),
            None => lines.push(line),
        }
        Ok(())
    };
    match order_id {
        Some(order_id) => {
            snapshot.each(&LEDGER_OF_ORDER, &params![order_id, scope.text(), at, &id, rows], &mut gather)?;
        }
        None => snapshot.each(&LEDGER, &params![scope.text(), at, &id, rows], &mut gather)?,
    }
    Ok(lines)
}

/// A transaction with one of its lines.
fn read(row: &Row<'_>) -> Result<LedgerLine, StoreError> {
    Ok(LedgerLine {
        id: row.get(0)?,
        kind: row.get(1)?,
        payment_id: row.get(2)?,
        order_id: row.get(3)?,
        shop_id: row.get(4)?,
        posted_at: row.get(5)?,
        entries: vec![read_entry(row)?],
    })
}

fn read_entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let account: Account = row.get(6)?;
    let currency: Currency = row.get(7)?;
    let (debit, credit): (i64, i64) = (row.get(8)?, row.get(9)?);
    let (side, minor) = if debit > 0 { (Side::Debit, debit) } else { (Side::Credit, credit) };
    let amount = Money::new(minor, currency)
        .map_err(|error| StoreError::Corrupt { column: "ledger_entries".to_owned(), reason: error.to_string() })?;
    Ok(Entry { account, side, amount })
}
