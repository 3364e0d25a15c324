//! An answer that is stored with its effect and sent as it was stored: one text for the first caller and all others.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use store::idempotency::StoredAnswer;

use super::{IDEMPOTENT_REPLAYED, TRUE};
use crate::etag::{json, version_tag};
use crate::problem::Problem;

/// A success. There is no way to make one of another status: only successes are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
    is_replayed: bool,
}

impl Answer {
    /// 200 with the value as JSON.
    ///
    /// # Errors
    /// A value that cannot be written as JSON is our own fault (500).
    pub fn ok(value: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::OK, value)
    }

    /// 201 with the value as JSON.
    ///
    /// # Errors
    /// A value that cannot be written as JSON is our own fault (500).
    pub fn created(value: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::CREATED, value)
    }

    fn new(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        let not_text = |_| Problem::internal("JSON that is not UTF-8");
        let body = String::from_utf8(json(value)?).map_err(not_text)?;
        Ok(Self { status, headers: Vec::new(), body, is_replayed: false })
    }

    /// Where the thing that was made can be read: a path of ids and words.
    #[must_use]
    pub fn location(self, path: &str) -> Self {
        match HeaderValue::from_str(path) {
            Ok(value) => self.header(LOCATION, value),
            // A path that is no header value would be our own mistake; the answer is right without it.
            Err(_) => self,
        }
    }

    /// The version of the thing, to be sent back as `If-Match`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        self.header(ETAG, version_tag(version))
    }

    /// A header that is stored and repeated with the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn stored(&self) -> StoredAnswer {
        let pairs: Vec<(&str, &str)> =
            self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let headers = serde_json::to_string(&pairs).expect("pairs of strings are JSON");
        StoredAnswer { status: self.status.as_u16(), headers, body: self.body.clone() }
    }

    pub(super) fn replayed(stored: StoredAnswer) -> Result<Self, Problem> {
        let damaged = |what: &str| Problem::internal(format!("a stored answer has {what}"));
        let pairs: Vec<(String, String)> =
            serde_json::from_str(&stored.headers).map_err(|_| damaged("headers that are not JSON"))?;
        let read = |(name, value): (String, String)| Some((name.parse().ok()?, value.parse().ok()?));
        let headers: Option<Vec<_>> = pairs.into_iter().map(read).collect();
        let status = StatusCode::from_u16(stored.status).map_err(|_| damaged("no status"))?;
        let headers = headers.ok_or_else(|| damaged("headers that are none"))?;
        Ok(Self { status, headers, body: stored.body, is_replayed: true })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(self.headers);
        if self.is_replayed {
            headers.insert(IDEMPOTENT_REPLAYED, TRUE);
        }
        response
    }
}
