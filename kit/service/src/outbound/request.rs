//! What is sent, and what comes back.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long an answer is waited for unless the asker says otherwise.
const TIMEOUT_MS: u32 = 10_000;

/// How large an answer may be unless the asker says otherwise.
const BODY_MAX: u64 = 1024 * 1024;

/// A request to the outside.
#[derive(Clone, Debug)]
pub struct OutRequest {
    /// The method.
    pub method: Method,
    /// Absolute, `http` or `https`.
    pub url: String,
    /// Headers beside those of the connection.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// For the whole exchange, from looking the name up to the last byte.
    pub timeout_ms: u32,
    /// The largest answer that is taken, bytes.
    pub body_max: u64,
}

impl OutRequest {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        let url = url.into();
        Self { method, url, headers: HeaderMap::new(), body: Vec::new(), timeout_ms: TIMEOUT_MS, body_max: BODY_MAX }
    }

    /// A GET.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// With this header.
    ///
    /// # Panics
    ///
    /// If the value holds control characters: what comes from outside is checked where it comes in.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("header values are made of checked text");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// With this body as JSON.
    ///
    /// # Panics
    ///
    /// If `body` cannot be written as JSON (a map whose keys are not texts): a fault of its type.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).expect("request types are plain JSON");
        self.header("content-type", "application/json")
    }

    /// Waiting at most so long.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }
}

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct OutResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl OutResponse {
    /// The body as a `T`.
    ///
    /// # Errors
    ///
    /// What the body is instead.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
