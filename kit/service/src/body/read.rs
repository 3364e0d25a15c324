//! A body's bytes, cut off while they stream in: a sender of ten megabytes is refused after the limit, not after ten.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;

use crate::problem::{MALFORMED_REQUEST, Problem, TOO_LARGE, UNSUPPORTED_CONTENT_ENCODING};

/// The largest JSON body: 256 KiB (decision 24).
pub const BODY_MAX_BYTES: usize = 256 * 1024;

/// The largest CSV file: 5 MiB (decision 24).
pub const CSV_MAX_BYTES: usize = 5 * 1024 * 1024;

/// The whole body, at most `max_bytes` of it.
///
/// # Errors
/// 415 when it is compressed, 413 beyond the limit, 400 when the connection breaks off.
pub async fn read_body(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    read_counted_body(headers, body, max_bytes, |_| Ok(())).await
}

/// The same; `count` hears how long the body is with each part of it that came, and may refuse to take more.
///
/// # Errors
/// Those of [`read_body`], and what `count` says.
pub async fn read_counted_body(
    headers: &HeaderMap,
    mut body: Body,
    max_bytes: usize,
    mut count: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(encoded());
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(too_large(max_bytes));
    }
    // Nearly every body is one frame: it is passed on as it came, without a copy.
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(&MALFORMED_REQUEST).detail("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = whole.len() + joined.len() + data.len();
        if length > max_bytes {
            return Err(too_large(max_bytes));
        }
        count(length)?;
        if whole.is_empty() && joined.is_empty() {
            whole = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { whole } else { joined.freeze() })
}

/// With what would be read (RFC 9110, section 15.5.16).
fn encoded() -> Problem {
    Problem::new(&UNSUPPORTED_CONTENT_ENCODING).header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}

fn too_large(max_bytes: usize) -> Problem {
    Problem::new(&TOO_LARGE).detail(format!("the limit is {max_bytes} bytes"))
}
