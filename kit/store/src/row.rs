//! Values on their way out of a statement.

use kernel::{Currency, Id, IdKind, Timestamp};

use crate::StoreError;
use crate::postgres::ServerRow;

/// One row of an answer.
pub struct Row<'r> {
    driver: DriverRow<'r>,
    statement: &'static str,
}

/// The row as the driver hands it out.
pub(crate) enum DriverRow<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r ServerRow<'r>),
}

/// One stored value, as both databases can hold it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Column<'r> {
    /// SQL `NULL`.
    Null,
    /// A whole number; a boolean expression is 0 or 1.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(&'r str),
}

/// What can be read from a column. Services implement it for their states.
pub trait FromColumn: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without the value (it may be personal).
    fn from_column(column: Column<'_>) -> Result<Self, String>;
}

impl<'r> Row<'r> {
    pub(crate) const fn new(driver: DriverRow<'r>, statement: &'static str) -> Self {
        Self { driver, statement }
    }

    /// The value of a column, counted from zero.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] naming the statement and the column when the stored value is not a `T`.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        self.column(index)
            .and_then(T::from_column)
            .map_err(|reason| StoreError::Corrupt { column: self.column_name(index), reason })
    }

    fn column(&self, index: usize) -> Result<Column<'_>, String> {
        match &self.driver {
            DriverRow::Sqlite(row) => crate::sqlite::column(row, index),
            DriverRow::Postgres(row) => row.column(index),
        }
    }

    fn column_name(&self, index: usize) -> String {
        let name = match &self.driver {
            DriverRow::Sqlite(row) => row.as_ref().column_name(index).ok().map(str::to_owned),
            DriverRow::Postgres(row) => row.column_name(index).map(str::to_owned),
        };
        format!("{}.{}", self.statement, name.unwrap_or_else(|| index.to_string()))
    }
}

fn unexpected(wanted: &str, column: Column<'_>) -> String {
    let found = match column {
        Column::Null => "null",
        Column::Int(_) => "a whole number",
        Column::Real(_) => "a floating-point number",
        Column::Text(_) => "text",
    };
    format!("{wanted} wanted, {found} found")
}

impl FromColumn for i64 {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Int(value) => Ok(value),
            Column::Null | Column::Real(_) | Column::Text(_) => Err(unexpected("a whole number", column)),
        }
    }
}

/// A whole number of another size than SQL's.
macro_rules! sized {
    ($($type:ty),+) => {$(
        impl FromColumn for $type {
            fn from_column(column: Column<'_>) -> Result<Self, String> {
                let value = i64::from_column(column)?;
                Self::try_from(value).map_err(|_| concat!("out of the range of ", stringify!($type)).to_owned())
            }
        }
    )+};
}

sized!(i32, u64, u32, u16, u8);

impl FromColumn for bool {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match i64::from_column(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("a flag is neither 0 nor 1".to_owned()),
        }
    }
}

impl FromColumn for f64 {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Real(value) => Ok(value),
            Column::Null | Column::Int(_) | Column::Text(_) => Err(unexpected("a floating-point number", column)),
        }
    }
}

impl FromColumn for String {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        text(column).map(str::to_owned)
    }
}

impl FromColumn for Box<str> {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        text(column).map(Self::from)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Null => Ok(None),
            Column::Int(_) | Column::Real(_) | Column::Text(_) => T::from_column(column).map(Some),
        }
    }
}

impl<K: IdKind> FromColumn for Id<K> {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        text(column)?.parse().map_err(|error: kernel::IdError| error.to_string())
    }
}

impl FromColumn for Currency {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        text(column)?.parse().map_err(|error: kernel::MoneyError| error.to_string())
    }
}

impl FromColumn for Timestamp {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        i64::from_column(column).map(Self::from_micros)
    }
}

fn text(column: Column<'_>) -> Result<&str, String> {
    match column {
        Column::Text(value) => Ok(value),
        Column::Null | Column::Int(_) | Column::Real(_) => Err(unexpected("text", column)),
    }
}
