//! Rows to the model.

use std::str::FromStr;

use contracts::orders::FulfilmentKind;
use kernel::{Currency, Money, MoneyError, Timestamp};
use store::{Column, FromColumn, Row, StoreError};

use crate::model::{Fulfilment, Order, PickupNumber, Receipt, Slot, State, Tender, Totals};

/// A column that holds a word, a day or a document, read by the type's own reader.
pub(super) struct Parsed<T>(pub(super) T);

impl<T> FromColumn for Parsed<T>
where
    T: FromStr,
{
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        let kind = std::any::type_name::<T>();
        let text = String::from_column(column)?;
        text.parse().map(Self).map_err(|_| format!("does not read as {kind}"))
    }
}

/// A column that holds a JSON document.
struct Json<T>(T);

impl<T: serde::de::DeserializeOwned> FromColumn for Json<T> {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        let text = String::from_column(column)?;
        serde_json::from_str(&text).map(Self).map_err(|error| error.to_string())
    }
}

/// The word of a column.
pub(super) fn word<T: FromStr>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    row.get::<Parsed<T>>(index).map(|parsed| parsed.0)
}

/// What is wrong with several columns together.
pub(super) fn corrupt(column: &str, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt { column: column.to_owned(), reason: reason.to_string() }
}

/// Money of an order's currency.
pub(super) fn money(row: &Row<'_>, index: usize, currency: Currency) -> Result<Money, StoreError> {
    let minor = row.get(index)?;
    Money::new(minor, currency).map_err(|error: MoneyError| corrupt("amount in minor units", error))
}

/// How many columns `order_columns!` names.
pub(super) const ORDER_COLUMNS: usize = 31;

/// An order from the columns of `order_columns!`.
pub(super) fn order(row: &Row<'_>) -> Result<Order, StoreError> {
    let number: u32 = row.get(5)?;
    Ok(Order {
        id: row.get(0)?,
        feed_id: row.get(1)?,
        shop_id: row.get(2)?,
        guest_id: row.get(3)?,
        channel: word(row, 4)?,
        number: PickupNumber::new(number).ok_or_else(|| corrupt("orders.number", "is zero"))?,
        version: row.get(8)?,
        payment_method: word(row, 9)?,
        state: state(row)?,
        tender: Tender { progress: word(row, 10)?, captured_minor: row.get(13)?, refunded_minor: row.get(14)? },
        fulfilment: fulfilment(row)?,
        totals: totals(row)?,
        lines: row.get::<Json<_>>(27)?.0,
        comment: row.get(28)?,
        placed_at: row.get(29)?,
    })
}

fn state(row: &Row<'_>) -> Result<State, StoreError> {
    use contracts::orders::OrderState as Word;
    let expires_at: Timestamp = row.get(30)?;
    let receipt = match (row.get(11)?, row.get(12)?) {
        (Some(payment_id), Some(paid_at)) => Some(Receipt { payment_id, paid_at }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(corrupt("orders.paid_at", "half a receipt")),
    };
    let paid = || receipt.ok_or_else(|| corrupt("orders.paid_by", "a paid order without a payment"));
    Ok(match word(row, 7)? {
        Word::Placed => State::Placed { expires_at },
        Word::Paid => State::Paid(paid()?),
        Word::Preparing => State::Preparing(paid()?),
        Word::Ready => State::Ready(paid()?),
        Word::Delivering => State::Delivering(paid()?),
        Word::Closed => State::Closed(paid()?),
        Word::Expired => State::Expired,
        Word::Cancelled => State::Cancelled { receipt },
    })
}

fn fulfilment(row: &Row<'_>) -> Result<Fulfilment, StoreError> {
    let kind: FulfilmentKind = word(row, 15)?;
    Ok(Fulfilment {
        kind,
        is_asap: row.get(16)?,
        due_at: row.get(17)?,
        slot: Slot { from: row.get(18)?, to: row.get(19)? },
        is_slot_held: row.get(20)?,
        time_zone: row.get(21)?,
        day: word(row, 6)?,
    })
}

fn totals(row: &Row<'_>) -> Result<Totals, StoreError> {
    let currency = row.get(22)?;
    let part = |index| money(row, index, currency);
    Totals::new(part(23)?, part(24)?, part(25)?, part(26)?).map_err(|error| corrupt("orders.total_minor", error))
}
