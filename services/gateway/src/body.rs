//! The body of a request, waited for before the request is work: a sender who is slow, or pretends to be, holds a
//! connection and nothing else.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request};
use service::codes::MALFORMED_REQUEST;
use service::{Problem, read_body};

use crate::policy::Row;

/// The same request with its body in memory, as far as the row takes one. A body that came with the head is passed on
/// as it came.
///
/// # Errors
/// 413 beyond the row's limit, 400 when the body breaks off or is not there in time.
pub(crate) async fn arrived(request: Request<Body>, row: &Row, limit: Duration) -> Result<Request<Body>, Problem> {
    let takes_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    if !takes_body || request.body().is_end_stream() {
        return Ok(request);
    }
    let (head, body) = request.into_parts();
    let limit = limit * if row.is_import() { IMPORT_PATIENCE } else { 1 };
    let read = read_body(&head.headers, body, row.body_max_bytes());
    let whole = tokio::time::timeout(limit, read).await.map_err(|_| late())??;
    Ok(Request::from_parts(head, Body::from(whole)))
}

/// A file is twenty times as long as the longest other body, and comes from people who were let in by name.
const IMPORT_PATIENCE: u32 = 4;

fn late() -> Problem {
    Problem::new(&MALFORMED_REQUEST)
        .detail("the body did not arrive in time")
        .header(CONNECTION, HeaderValue::from_static("close"))
}
