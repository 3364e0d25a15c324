//! What the server says: rows, and why not.

use std::io;
use std::ops::Range;

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody};
use tokio_postgres::error::SqlState;

use super::Prepared;
use crate::Column;
use crate::postgres::values;

/// A row of an answer, and the statement that it answers.
pub(crate) struct ServerRow<'m> {
    prepared: &'m Prepared,
    bytes: &'m [u8],
    ranges: Vec<Option<Range<usize>>>,
}

impl<'m> ServerRow<'m> {
    pub(crate) fn new(prepared: &'m Prepared, body: &'m DataRowBody) -> Self {
        // A row that cannot be cut has no columns, and whoever asks for one is told.
        let ranges = body.ranges().collect().unwrap_or_default();
        Self { prepared, bytes: body.buffer(), ranges }
    }

    /// The value of a column, or a sentence that says why it is none of ours.
    pub(crate) fn column(&self, index: usize) -> Result<Column<'m>, String> {
        let (field, range) = self.prepared.columns().get(index).zip(self.ranges.get(index)).ok_or("no such column")?;
        values::column(&field.ty, range.clone().map(|range| &self.bytes[range]))
    }

    pub(crate) fn column_name(&self, index: usize) -> Option<&'m str> {
        self.prepared.columns().get(index).map(|field| field.name.as_str())
    }
}

/// An error of the server, as much of it as is asked about.
#[derive(Clone, Debug)]
pub(crate) struct ServerError {
    pub(crate) code: SqlState,
    pub(crate) message: String,
    pub(crate) constraint: String,
    pub(crate) column: String,
    /// The function of the server that raised it.
    pub(crate) routine: String,
}

impl ServerError {
    pub(crate) fn read(body: &ErrorResponseBody) -> io::Result<Self> {
        let mut error = Self {
            code: SqlState::from_code(""),
            message: String::new(),
            constraint: String::new(),
            column: String::new(),
            routine: String::new(),
        };
        let mut fields = body.fields();
        while let Some(field) = fields.next()? {
            let value = String::from_utf8_lossy(field.value_bytes());
            match field.type_() {
                b'C' => error.code = SqlState::from_code(&value),
                b'M' => error.message = value.into_owned(),
                b'n' => error.constraint = value.into_owned(),
                b'c' => error.column = value.into_owned(),
                b'R' => error.routine = value.into_owned(),
                _ => {}
            }
        }
        Ok(error)
    }
}
