//! A caller of the public API.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use service::{OutRequest, Outbound, Settings, UreqOutbound};

/// Somebody who calls, with or without a token.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    outbound: Arc<dyn Outbound>,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    etag: Option<String>,
    location: Option<String>,
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn etag(&self) -> &str {
        self.etag.as_deref().unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.location.as_deref().unwrap_or_default()
    }
}

impl Api {
    /// Nobody in particular.
    pub(crate) fn new(base: &str) -> Self {
        let settings = Settings::defaults(&[service::OUTBOUND_SETTINGS]);
        Self { outbound: Arc::new(UreqOutbound::new(&settings)), base: base.to_owned(), token: None }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(OutRequest::get(self.url(path)))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(OutRequest::post(self.url(path)).json(body))
    }

    pub(crate) fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(OutRequest::post(self.url(path)).json(body).header("idempotency-key", key))
    }

    pub(crate) fn put(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send(OutRequest::new(Method::PUT, self.url(path)).json(body).header("if-match", etag))
    }

    /// The bank's page.
    pub(crate) fn submit(&self, url: &str, form: &str) -> Answer {
        let mut request = OutRequest::post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body = form.as_bytes().to_vec();
        self.send(request)
    }

    /// Sends, if anybody is there: during a drill the server may be dead.
    pub(crate) fn try_post_with_key(&self, path: &str, key: &str, body: &Value) -> Option<Answer> {
        self.try_send(OutRequest::post(self.url(path)).json(body).header("idempotency-key", key).timeout_ms(5_000))
    }

    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send(OutRequest::post(self.url(path)).json(body).timeout_ms(5_000))
    }

    pub(crate) fn try_get(&self, path: &str) -> Option<Answer> {
        self.try_send(OutRequest::get(self.url(path)).timeout_ms(7_000))
    }

    pub(crate) fn try_submit(&self, url: &str, form: &str) -> Option<Answer> {
        let mut request = OutRequest::post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body = form.as_bytes().to_vec();
        self.try_send(request.timeout_ms(5_000))
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("/api") || ["/", "/openapi.json", "/metrics"].contains(&path) {
            format!("{}{path}", self.base)
        } else {
            format!("{}/api/v1{path}", self.base)
        }
    }

    #[track_caller]
    fn send(&self, request: OutRequest) -> Answer {
        let url = request.url.clone();
        self.try_send(request).unwrap_or_else(|| panic!("no answer from {url}"))
    }

    fn try_send(&self, mut request: OutRequest) -> Option<Answer> {
        if let Some(token) = &self.token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        let answer = self.outbound.send(&request).ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Some(Answer {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap_or(json!(null)),
            etag: answer.header("etag").map(str::to_owned),
            location: answer.header("location").map(str::to_owned),
            text,
        })
    }
}
