//! The demo's side of the public HTTP API: what a phone, a tablet at the counter and a browser would send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use kernel::{Clock, Timestamp};
use serde_json::Value;
use service::{OutRequest, OutResponse, Outbound};

/// How long each kind of step took, seen from outside.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<BTreeMap<&'static str, Vec<Duration>>>);

/// One row of the summary.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct StepTimes {
    /// What was done.
    pub(crate) step: &'static str,
    /// How often.
    pub(crate) count: usize,
    /// Half of them were faster, milliseconds.
    pub(crate) p50_ms: f64,
    /// All but one in a hundred were faster, milliseconds.
    pub(crate) p99_ms: f64,
}

impl Steps {
    fn add(&self, step: &'static str, took: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(step).or_default().push(took);
    }

    /// Slowest first.
    pub(crate) fn slowest_first(&self) -> Vec<StepTimes> {
        let mut rows: Vec<StepTimes> = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(step, times)| {
                let mut times = times.clone();
                times.sort();
                let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
                StepTimes { step, count: times.len(), p50_ms: at(50), p99_ms: at(99) }
            })
            .collect();
        rows.sort_by(|a, b| b.p99_ms.total_cmp(&a.p99_ms));
        rows
    }
}

/// Somebody who talks to Samovar: nobody in particular, or a signed-in person.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    outbound: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    steps: Arc<Steps>,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Nobody in particular, talking to the API at `base` (`http://127.0.0.1:8080`).
    pub(crate) fn new(outbound: Arc<dyn Outbound>, clock: Arc<dyn Clock>, base: String) -> Self {
        Self { outbound, clock, steps: Arc::default(), base, token: None }
    }

    /// The same line with somebody else's token.
    pub(crate) fn signed_in(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same line without a token.
    pub(crate) fn nobody(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The time as the demo's clock shows it.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The times of every step so far.
    pub(crate) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Reads a resource.
    pub(crate) fn get(&self, step: &'static str, path: &str) -> Result<Value> {
        self.expect(step, OutRequest::get(self.url(path)))
    }

    /// Sends a body and expects success.
    pub(crate) fn post(&self, step: &'static str, path: &str, body: &Value) -> Result<Value> {
        self.expect(step, OutRequest::post(self.url(path)).json(body))
    }

    /// Sends a body under an idempotency key; the answer may be a refusal.
    pub(crate) fn try_post(&self, step: &'static str, path: &str, key: &str, body: &Value) -> Result<OutResponse> {
        self.send(step, OutRequest::post(self.url(path)).json(body).header("idempotency-key", key))
    }

    /// Sends a body under an idempotency key and expects success.
    pub(crate) fn post_once(&self, step: &'static str, path: &str, key: &str, body: &Value) -> Result<Value> {
        self.expect(step, OutRequest::post(self.url(path)).json(body).header("idempotency-key", key))
    }

    /// Asks for a new token; the session may be over.
    pub(crate) fn refresh(&self, step: &'static str, refresh_token: &str) -> Result<OutResponse> {
        let body = serde_json::json!({"refresh_token": refresh_token});
        self.send(step, OutRequest::post(self.url("/auth/refresh")).json(&body))
    }

    /// Sends a CSV and expects success.
    pub(crate) fn post_csv(&self, step: &'static str, path: &str, csv: &[u8]) -> Result<Value> {
        let mut request = OutRequest::post(self.url(path)).header("content-type", "text/csv");
        request.body = csv.to_vec();
        self.expect(step, request)
    }

    /// Replaces a part of a resource, over the version of the whole that was read.
    pub(crate) fn put(&self, step: &'static str, (whole, part): (&str, &str), body: &Value) -> Result<Value> {
        let read = self.send(step, OutRequest::get(self.url(whole)))?;
        let version = read.header("etag").with_context(|| format!("{whole} has no ETag"))?.to_owned();
        let request = OutRequest::new(http::Method::PUT, self.url(&format!("{whole}{part}"))).json(body);
        self.expect(step, request.header("if-match", &version))
    }

    /// Fills in the form of a page that stands elsewhere (the bank's).
    pub(crate) fn submit_form(&self, step: &'static str, url: &str, form: &str) -> Result<OutResponse> {
        let mut request = OutRequest::post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body = form.as_bytes().to_vec();
        self.send(step, request)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    fn send(&self, step: &'static str, mut request: OutRequest) -> Result<OutResponse> {
        if let Some(token) = &self.token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        let started = self.clock.elapsed();
        let answer = self.outbound.send(&request).with_context(|| format!("{} {}", request.method, request.url))?;
        self.steps.add(step, self.clock.elapsed().saturating_sub(started));
        Ok(answer)
    }

    fn expect(&self, step: &'static str, request: OutRequest) -> Result<Value> {
        let (method, url) = (request.method.clone(), request.url.clone());
        let answer = self.send(step, request)?;
        if !answer.is_success() {
            bail!("{method} {url} answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        if answer.body.is_empty() { Ok(Value::Null) } else { answer.json().with_context(|| format!("{method} {url}")) }
    }
}
