//! The model's words as they stand in columns.

use std::str::FromStr as _;

use contracts::UnknownWord;
use contracts::payments::PaymentState;
use store::{Column, FromColumn};

use crate::model::judge::{SeenRefundState, SeenState};
use crate::model::ledger::{Account, PostingKind, Side};
use crate::model::payment::{Alarm, ProviderName, ReceivedHow};
use crate::model::refund::{RefundHow, RefundState};

macro_rules! words_in_columns {
    ($($name:ty),+ $(,)?) => {$(
        impl FromColumn for $name {
            fn from_column(column: Column<'_>) -> Result<Self, String> {
                let text = <Box<str> as FromColumn>::from_column(column)?;
                text.parse().map_err(|unknown: UnknownWord| unknown.to_string())
            }
        }
    )+};
}

words_in_columns!(
    PostingKind,
    Account,
    Side,
    RefundState,
    RefundHow,
    ProviderName,
    ReceivedHow,
    Alarm,
    SeenState,
    SeenRefundState
);

/// A state as it stands in a column.
pub(crate) struct StoredState(pub(crate) PaymentState);

impl FromColumn for StoredState {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        let text = <Box<str> as FromColumn>::from_column(column)?;
        PaymentState::from_str(&text).map(Self).map_err(|error| error.to_string())
    }
}
