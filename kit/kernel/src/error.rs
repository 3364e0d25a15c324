//! How a failure is named: a small fixed set of kinds, and a stable code per failure.
//!
//! A crate declares its codes as a table of [`Code`]; its `Error` enum points each variant at one row. The
//! kind becomes an HTTP status in exactly one place (`service::problem`), and `docs/errors.md` is generated
//! from the tables.

use serde::{Deserialize, Serialize};

/// What the caller can do about a failure. The set is closed on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request cannot be read: mend it before sending it again.
    Malformed,
    /// The request was read, and breaks a rule of its schema or between its fields.
    Invalid,
    /// Who is asking is not known: sign in.
    Unauthenticated,
    /// The role lacks the right.
    Forbidden,
    /// There is no such thing, or it is not the caller's to see.
    NotFound,
    /// The state of the thing does not permit it now.
    Conflict,
    /// The caller's version is stale: read again.
    Stale,
    /// The caller must say which version it means.
    PreconditionRequired,
    /// Larger than the stated limit.
    TooLarge,
    /// The request line or the headers are larger than the stated limit.
    HeadTooLarge,
    /// The media type is not one that the route reads.
    UnsupportedMedia,
    /// The path is known, the method is not.
    MethodNotAllowed,
    /// Too often: try again after the stated time.
    TooMany,
    /// Something that the answer needs is away or overloaded: try again.
    Unavailable,
    /// Our fault; only the request id is shown.
    Internal,
}

/// A sentence in both languages of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Russian.
    pub ru: &'static str,
}

/// One row of a crate's table of failures.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable machine name, `orders.out-of-stock`.
    pub code: &'static str,
    /// What the caller can do.
    pub kind: ErrorKind,
    /// What happened, as a person reads it.
    pub title: Text,
    /// What to do about it.
    pub hint: Text,
    /// Names of the members that its problem document may have beside the standard ones.
    pub members: &'static [&'static str],
}

/// An error that carries its row of the table.
///
/// `Display` is the detail: lower case, no full stop, names the thing, without the text of its source.
pub trait Coded: std::error::Error {
    /// The row that this failure belongs to.
    fn code(&self) -> &'static Code;

    /// Members that stand beside the standard ones at the top of the problem document (a new quote, what is left); those
    /// that [`Code::members`] names.
    fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::new()
    }

    /// Seconds after which trying again makes sense; becomes `Retry-After`.
    fn retry_after_s(&self) -> Option<u32> {
        None
    }
}
