//! The body of a request, read into a type: closed, bounded, and with every fault told at once (decision 20).
//!
//! The fast path is serde alone. Only when it refuses, or when the type's own rules do, the body is held against
//! the JSON schema of the type, so that the answer lists all that is wrong and not only what was met first.
//! No bytes whatsoever make this panic: `tests/it/body.rs` and its properties try.

mod read;
mod rest;
mod walk;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

pub use read::{BODY_MAX_BYTES, CSV_MAX_BYTES, read_body, read_counted_body};
pub(crate) use walk::{NUL, escaped, len_of_string, unescaped};

use crate::json_schema::{Shape, fault};
use crate::problem::{FAULTS_MAX, Fault, INVALID, MALFORMED_JSON, Problem, TOO_DEEP, UNSUPPORTED_MEDIA_TYPE};

/// Objects and arrays are nested at most so deep.
pub const DEPTH_MAX: usize = 64;

/// The rules of a request type that its JSON schema cannot say: between fields, and ranges of plain numbers.
///
/// Every request type implements it; the empty body of the trait says that there are none.
pub trait Validate {
    /// Everything that is wrong, with a JSON pointer each.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// Extractor: the JSON body of a request.
///
/// Refused: another media type (415), more than [`BODY_MAX_BYTES`] (413), what is not JSON in UTF-8 or deeper than
/// [`DEPTH_MAX`] (400); unknown, missing, repeated or wrong fields, the character NUL in any text, and broken
/// [`Validate`] rules (422, all of them).
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema + Validate + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_json(&parts)?;
        let bytes = read_body(&parts.headers, body, BODY_MAX_BYTES).await?;
        parse(&bytes).map(Self)
    }
}

/// Extractor: a CSV file as the body, as bytes; at most [`CSV_MAX_BYTES`].
#[derive(Clone, Debug)]
pub struct Csv(pub bytes::Bytes);

impl<S: Send + Sync> FromRequest<S> for Csv {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_media(&parts.headers, "text/csv") {
            return Err(unsupported("text/csv"));
        }
        read_body(&parts.headers, body, CSV_MAX_BYTES).await.map(Self)
    }
}

/// Refuses a body that does not say that it is JSON (a merge patch may say that it is one).
pub(crate) fn check_json(parts: &Parts) -> Result<(), Problem> {
    let json = is_media(&parts.headers, "application/json");
    let patch = || parts.method == Method::PATCH && is_media(&parts.headers, "application/merge-patch+json");
    if json || patch() { Ok(()) } else { Err(unsupported("application/json")) }
}

fn unsupported(wanted: &str) -> Problem {
    Problem::new(&UNSUPPORTED_MEDIA_TYPE).detail(format!("content-type must be {wanted} in UTF-8"))
}

/// Whether the one Content-Type header names `wanted`, in UTF-8 if it names a charset.
fn is_media(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    if value.as_bytes() == wanted.as_bytes() {
        return true;
    }
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case(wanted)
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// Reads a JSON document into a `T`, or says everything that is wrong with it.
///
/// # Errors
/// 400 when it is not JSON, 422 with every fault when it is not a `T`.
pub fn parse<T>(bytes: &[u8]) -> Result<T, Problem>
where
    T: DeserializeOwned + ToSchema + Validate + 'static,
{
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Problem::new(&MALFORMED_JSON).detail(format!("byte {} is not UTF-8", error.valid_up_to())))?;
    if walk::is_deeper_than(text.as_bytes(), DEPTH_MAX) {
        return Err(Problem::new(&TOO_DEEP));
    }
    let shape = Shape::of::<T>();
    match serde_json::from_str::<T>(text) {
        Ok(value) => {
            let mut faults = value.faults();
            if faults.is_empty() && !shape.may_refuse(text) && !walk::may_hold_nul(text) {
                return Ok(value);
            }
            let mut found = walk::unseen_faults(text);
            add_new(&mut found, schema_faults(text, shape));
            // What the type's own rules say of a place is all that is said of it: they know the reason.
            found.retain(|fault| !faults.iter().any(|known| known.pointer() == fault.pointer()));
            faults.extend(found);
            let problem = listed(faults);
            if problem.listed().is_empty() { Ok(value) } else { Err(problem) }
        }
        Err(error) => Err(refusal::<T>(text, shape, &error)),
    }
}

/// The problem for a text that serde refused.
fn refusal<T: DeserializeOwned + Validate>(text: &str, shape: &Shape, error: &serde_json::Error) -> Problem {
    if let Err(syntax) = serde_json::from_str::<serde_json::Value>(text) {
        let detail = if text.trim().is_empty() { "the body is empty".to_owned() } else { syntax.to_string() };
        return Problem::new(&MALFORMED_JSON).detail(detail);
    }
    let mut faults = walk::unseen_faults(text);
    add_new(&mut faults, schema_faults(text, shape));
    if faults.is_empty() {
        // The schema has nothing against it: a rule that only the type's own reader knows.
        faults.push(fault::refused_by_reader(rest::place_of(text, error), error));
    }
    rest::judge::<T>(text, shape, &mut faults);
    listed(faults)
}

/// What the schema finds.
fn schema_faults(text: &str, shape: &Shape) -> Vec<Fault> {
    serde_json::from_str(text).map(|value| shape.faults(&value)).unwrap_or_default()
}

fn listed(mut faults: Vec<Fault>) -> Problem {
    faults.truncate(FAULTS_MAX);
    Problem::new(&INVALID).faults(faults)
}

/// Each place and code once.
fn add_new(faults: &mut Vec<Fault>, found: Vec<Fault>) {
    for fault in found {
        if !faults.iter().any(|known| known.pointer() == fault.pointer() && known.code() == fault.code()) {
            faults.push(fault);
        }
    }
}
