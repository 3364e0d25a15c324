//! Every SQL statement of the catalog, by what it is about; rows to model and back.

pub(crate) mod edits;
pub(crate) mod holds;
pub(crate) mod levels;
pub(crate) mod menu;
pub(crate) mod shops;

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Statement, StoreError};

/// The one price list there is to begin with (decision 40).
pub(crate) const PRICE_LIST: &str = "main";

/// All of them, for the test that prepares each on both databases.
pub(crate) static STATEMENTS: LazyLock<Vec<&'static Statement>> = LazyLock::new(|| {
    [menu::STATEMENTS, shops::STATEMENTS, edits::STATEMENTS, levels::STATEMENTS, holds::STATEMENTS].concat()
});

/// A document in a column.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("documents of the catalog are texts, numbers and lists of them")
}

fn from_json<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt { column: column.to_owned(), reason: error.to_string() })
}

/// A row that another one refers to is not there.
pub(crate) fn missing(column: &str) -> StoreError {
    StoreError::Corrupt { column: column.to_owned(), reason: "what it refers to is not there".to_owned() }
}

fn from_json_or_null<T: DeserializeOwned>(text: Option<&str>, column: &str) -> Result<Option<T>, StoreError> {
    text.map(|text| from_json(text, column)).transpose()
}
