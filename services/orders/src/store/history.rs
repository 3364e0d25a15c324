//! Histories: append only, one entry per version.

use std::str::FromStr;

use contracts::OrderId;
use contracts::orders::{Actor, FulfilmentKind, OrderState};
use kernel::Timestamp;
use store::{Snapshot, StoreError, Tx, params};

use super::columns::{self, Parsed, word};
use super::orders::Saved;
use super::statements::{
    ENTOMB, FIRST_ENTRY, HISTORIES_BETWEEN, HISTORIES_UP_TO, HISTORY_OF_ORDER, INSERT_HISTORY, LOAD_WITH_PASSAGES,
    WITHOUT_HISTORY,
};
use crate::model::{Order, PaymentProgress};

/// What is written about a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HistoryEntry<'a> {
    /// Who moved it.
    pub(crate) by: Actor,
    /// Why, as a person gave it; it stays in this table.
    pub(crate) reason: Option<&'a str>,
    /// When.
    pub(crate) at: Timestamp,
}

/// An entry as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastEntry {
    /// The order's version after it.
    pub(crate) version: i64,
    /// Where it went or stayed.
    pub(crate) state: OrderState,
    /// Who moved it.
    pub(crate) by: Actor,
    /// When.
    pub(crate) at: Timestamp,
}

/// When an order went somewhere or stayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Where to.
    pub(crate) state: OrderState,
    /// When.
    pub(crate) at: Timestamp,
}

/// An order and where it has been, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Travelled {
    /// The order as it stands.
    pub(crate) order: Order,
    /// Where it has been.
    pub(crate) passages: Vec<Passage>,
}

/// Passages as [`LOAD_WITH_PASSAGES`] writes them: `placed 1763720000000000,paid 1763720009000000`.
struct Passages(Vec<Passage>);

impl FromStr for Passages {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let passage = |word: &str| {
            let (state, at) = word.split_once(' ')?;
            Some(Passage { state: state.parse().ok()?, at: Timestamp::from_micros(at.parse().ok()?) })
        };
        text.split(',').map(passage).collect::<Option<_>>().map(Self).ok_or("no list of states and times")
    }
}

impl HistoryEntry<'_> {
    /// The first entry of a new order.
    ///
    /// # Errors
    /// A unique violation of `order_history_once`: the id was entombed, or the order exists already.
    pub(crate) fn begin(tx: &mut Tx<'_>, order: &Order) -> Result<(), StoreError> {
        let row = params![
            order.id,
            order.version,
            order.state.word().as_str(),
            order.tender.progress.as_str(),
            Actor::Guest.as_str(),
            None::<&str>,
            order.placed_at,
        ];
        tx.execute_later(&INSERT_HISTORY, &row)
    }
}

pub(super) fn append(tx: &mut Tx<'_>, moved: &[Saved<'_>]) -> Result<(), StoreError> {
    moved.iter().try_for_each(|Saved { order, entry }| {
        let (state, progress) = (order.state.word().as_str(), order.tender.progress.as_str());
        let row = params![order.id, order.version, state, progress, entry.by.as_str(), entry.reason, entry.at];
        tx.execute_later(&INSERT_HISTORY, &row)
    })
}

/// The history of an order, the oldest entry first.
pub(crate) fn history_of(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<Vec<PastEntry>, StoreError> {
    snapshot.list(&HISTORY_OF_ORDER, &params![id], |row| {
        Ok(PastEntry { version: row.get(0)?, state: word(row, 1)?, by: word(row, 3)?, at: row.get(4)? })
    })
}

/// The orders with these ids, by one statement each; nothing for an id that is none.
pub(crate) fn load_with_passages(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<Option<Travelled>>, StoreError> {
    let rows: Vec<_> = ids.iter().map(|id| params![id].into()).collect();
    tx.one_many(&LOAD_WITH_PASSAGES, &rows, |row| {
        let passages = row.get::<Option<Parsed<Passages>>>(columns::ORDER_COLUMNS)?;
        Ok(Travelled { order: columns::order(row)?, passages: passages.map(|found| found.0.0).unwrap_or_default() })
    })
}

/// How an order began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstEntry {
    /// It was placed and stands here now.
    Placed {
        /// Where it is.
        state: OrderState,
        /// When it ends, or would have ended, unpaid.
        expires_at: Timestamp,
        /// Until when it is being revived by money that came late, if it is.
        retaking_until: Option<Timestamp>,
    },
    /// It was declared dead before it could be placed.
    Entombed,
}

/// How an order began; nothing for an id that was never heard of.
pub(crate) fn first_entry(snapshot: &mut Snapshot<'_>, id: OrderId) -> Result<Option<FirstEntry>, StoreError> {
    snapshot.one(&FIRST_ENTRY, &params![id], |row| {
        let state = row.get::<Option<Parsed<OrderState>>>(1)?;
        let expires_at = row.get::<Option<Timestamp>>(2)?;
        Ok(match (state, expires_at) {
            (Some(state), Some(expires_at)) => {
                FirstEntry::Placed { state: state.0, expires_at, retaking_until: row.get(3)? }
            }
            (None | Some(_), _) => FirstEntry::Entombed,
        })
    })
}

/// Declares an order dead, unless it has begun already.
pub(crate) fn entomb(tx: &mut Tx<'_>, id: OrderId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(&ENTOMB, &params![id, now]).map(drop)
}

/// One entry of a history beside what is stored of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryRow {
    /// The order.
    pub(crate) order_id: String,
    /// The entry's version.
    pub(crate) version: i64,
    /// The entry's state; nothing for a tombstone.
    pub(crate) state: Option<OrderState>,
    /// The entry's payment state.
    pub(crate) progress: PaymentProgress,
    /// What is stored: state, version, payment state and kind.
    pub(crate) stored: Option<(OrderState, i64, PaymentProgress, FulfilmentKind)>,
}

/// The last of the next `count` orders that have a history, for the audit; nothing when there are no more.
pub(crate) fn histories_up_to(
    snapshot: &mut Snapshot<'_>,
    after: &str,
    count: u32,
) -> Result<Option<String>, StoreError> {
    Ok(snapshot.one(&HISTORIES_UP_TO, &params![after, count], |row| row.get(0))?.flatten())
}

/// Every entry of the histories after this order up to that one, by order and version, for the audit.
pub(crate) fn history_rows(
    snapshot: &mut Snapshot<'_>,
    after: &str,
    up_to: &str,
    mut f: impl FnMut(HistoryRow),
) -> Result<(), StoreError> {
    snapshot.each(&HISTORIES_BETWEEN, &params![after, up_to], |row| {
        let state: String = row.get(2)?;
        let stored = match row.get::<Option<Parsed<OrderState>>>(4)? {
            None => None,
            Some(state) => Some((state.0, row.get(5)?, word(row, 6)?, word(row, 7)?)),
        };
        f(HistoryRow {
            order_id: row.get(0)?,
            version: row.get(1)?,
            state: state.parse().ok(),
            progress: word(row, 3)?,
            stored,
        });
        Ok(())
    })
}

/// Orders that have no history at all, for the audit.
pub(crate) fn without_history(snapshot: &mut Snapshot<'_>) -> Result<Vec<String>, StoreError> {
    snapshot.list(&WITHOUT_HISTORY, &[], |row| row.get(0))
}
