//! The sandbox bank over HTTP. Its answers are somebody else's words: read into closed types, bounded, and taken
//! for a statement only when they make sense (API10).

use std::sync::Arc;

use http::HeaderMap;
use kernel::{Money, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use service::{OutRequest, OutResponse, Outbound, OutboundError};

use super::signature::{self, CallbackRefused};
use super::{Provider, ProviderError};
use crate::model::judge::{Seen, SeenRefund, SeenRefundState, SeenState};
use crate::model::payment::Payment;
use crate::model::refund::Refund;
use crate::model::return_url::Hosts;

/// When the bank takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// As soon as the guest has paid.
    Automatic,
    /// When we ask for it.
    Manual,
}

/// What the adapter has to know.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where the bank is; empty when there is none.
    pub bank_url: String,
    /// What callbacks are signed with.
    pub secret: String,
    /// Where the bank posts them.
    pub callback_url: String,
    /// Where its payment pages may be.
    pub page_hosts: Hosts,
    /// When it takes the money.
    pub capture: Capture,
    /// How long it may take to answer.
    pub timeout_ms: u32,
}

/// The bank.
#[derive(Clone, Debug)]
pub struct Sandbox {
    outbound: Arc<dyn Outbound>,
    config: SandboxConfig,
}

#[derive(Serialize)]
struct OpenBody<'a> {
    amount: Money,
    order_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<&'a str>,
    callback_url: &'a str,
    capture: Capture,
}

#[derive(Serialize)]
struct RefundBody<'a> {
    amount: Money,
    reference: &'a str,
}

/// A payment in the bank's words; members that we do not use are left alone.
#[derive(Deserialize)]
struct BankPayment {
    id: String,
    order_id: String,
    state: SeenState,
    amount: Money,
    captured: Money,
    page_url: Option<String>,
    refunds: Vec<BankRefund>,
}

#[derive(Deserialize)]
struct BankRefund {
    id: String,
    amount: Money,
    state: SeenRefundState,
    reference: String,
}

#[derive(Deserialize)]
struct BankPage {
    items: Vec<BankPayment>,
    next_cursor: Option<String>,
}

/// The bank's ids are short; longer ones are not stored.
const ID_MAX_BYTES: usize = 100;

impl Sandbox {
    /// The bank that is asked through `outbound`.
    #[must_use]
    pub fn new(outbound: Arc<dyn Outbound>, config: SandboxConfig) -> Self {
        Self { outbound, config }
    }

    /// When the bank takes the money.
    #[must_use]
    pub const fn capture_mode(&self) -> Capture {
        self.config.capture
    }

    /// Whether there is a bank.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !self.config.bank_url.is_empty()
    }

    /// Whether a callback is the bank's own.
    ///
    /// # Errors
    /// Why it is not, for the log.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), CallbackRefused> {
        signature::verify(&self.config.secret, headers, body, now)
    }

    /// One page of everything that the bank knows, and where the next one begins.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub fn list(&self, cursor: Option<&str>) -> Result<(Vec<Seen>, Option<String>), ProviderError> {
        let query = cursor.map_or_else(String::new, |cursor| format!("?cursor={cursor}"));
        let page: BankPage = read(&self.send(OutRequest::get(self.url(&format!("/v1/payments{query}"))))?)?;
        let next = page.next_cursor.filter(|cursor| is_plain_id(cursor));
        Ok((page.items.into_iter().map(|payment| self.seen(payment)).collect::<Result<_, _>>()?, next))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.bank_url)
    }

    fn send(&self, request: OutRequest) -> Result<OutResponse, ProviderError> {
        if !self.is_configured() {
            return Err(ProviderError::Away("payments.bank_url is not set".to_owned()));
        }
        let answer =
            self.outbound.send(&request.timeout_ms(self.config.timeout_ms)).map_err(|error| silence(&error))?;
        match answer.status {
            200..=299 => Ok(answer),
            404 => Err(ProviderError::Forgotten),
            409 => Err(ProviderError::Conflict(words(&answer))),
            // 503 and 429 are said by who has not begun; other faults may come after the deed (security.md P13).
            429 | 503 => Err(ProviderError::Away(format!("it answered {}", answer.status))),
            400..=499 => Err(ProviderError::Refused(format!("{} {}", answer.status, words(&answer)))),
            status => Err(ProviderError::Unclear(format!("it answered {status}"))),
        }
    }

    fn ask(&self, request: OutRequest) -> Result<Seen, ProviderError> {
        self.seen(read(&self.send(request)?)?)
    }

    fn seen(&self, payment: BankPayment) -> Result<Seen, ProviderError> {
        if !is_plain_id(&payment.id) || payment.captured.amount() < 0 {
            return Err(ProviderError::Unclear("its answer makes no sense".to_owned()));
        }
        Ok(Seen {
            page_url: payment.page_url.and_then(|page| self.checked_page(&page)),
            provider_ref: payment.id,
            order_id: payment.order_id,
            state: payment.state,
            amount: payment.amount,
            captured: payment.captured,
            refunds: payment.refunds.into_iter().map(seen_refund).collect(),
        })
    }

    /// A guest is never sent anywhere but to the bank.
    fn checked_page(&self, page: &str) -> Option<String> {
        match self.config.page_hosts.check(page) {
            Ok(page) => Some(page),
            Err(reason) => {
                tracing::error!(reason = %reason, "the bank names a payment page that guests are not sent to; see payments.page_hosts");
                None
            }
        }
    }
}

impl Provider for Sandbox {
    fn answers_at_once(&self) -> bool {
        false
    }

    fn open(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        let (id, order_id) = (payment.id.text(), payment.order_id.text());
        let body = OpenBody {
            amount: payment.amount,
            order_id: order_id.as_str(),
            return_url: payment.return_url.as_deref(),
            callback_url: &self.config.callback_url,
            capture: self.config.capture,
        };
        self.ask(OutRequest::post(self.url("/v1/payments")).header("idempotency-key", id.as_str()).json(&body))
    }

    fn capture(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        let url = self.url(&format!("{}/capture", path_of(payment)?));
        self.ask(OutRequest::post(url).header("idempotency-key", &format!("{}:capture", payment.id)))
    }

    fn cancel(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        let url = self.url(&format!("{}/cancel", path_of(payment)?));
        self.ask(OutRequest::post(url).header("idempotency-key", &format!("{}:cancel", payment.id)))
    }

    fn refund(&self, payment: &Payment, refund: &Refund) -> Result<SeenRefund, ProviderError> {
        let id = refund.id.text();
        let body = RefundBody { amount: refund.amount, reference: id.as_str() };
        let url = self.url(&format!("{}/refunds", path_of(payment)?));
        let answer = self.send(OutRequest::post(url).header("idempotency-key", id.as_str()).json(&body))?;
        let seen = seen_refund(read(&answer)?);
        if seen.reference == id.as_str() && seen.amount == refund.amount && is_plain_id(&seen.provider_ref) {
            Ok(seen)
        } else {
            Err(ProviderError::Unclear("it speaks of another refund".to_owned()))
        }
    }

    fn fetch(&self, payment: &Payment) -> Result<Seen, ProviderError> {
        self.ask(OutRequest::get(self.url(&path_of(payment)?)))
    }
}

fn path_of(payment: &Payment) -> Result<String, ProviderError> {
    let provider_ref = payment.provider_ref.as_ref().ok_or(ProviderError::Forgotten)?;
    Ok(format!("/v1/payments/{provider_ref}"))
}

fn seen_refund(refund: BankRefund) -> SeenRefund {
    SeenRefund { provider_ref: refund.id, reference: refund.reference, amount: refund.amount, state: refund.state }
}

/// Fit to stand in a path and in a column.
pub(crate) fn is_plain_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= ID_MAX_BYTES
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// An answer of success that cannot be read: it may well have been done.
fn read<T: DeserializeOwned>(answer: &OutResponse) -> Result<T, ProviderError> {
    answer.json().map_err(|error| ProviderError::Unclear(format!("its answer cannot be read: {error}")))
}

fn silence(error: &OutboundError) -> ProviderError {
    if error.outcome_unknown() {
        ProviderError::Silent(error.to_string())
    } else {
        ProviderError::Away(error.to_string())
    }
}

/// What the bank says for people, short enough for a log line.
fn words(answer: &OutResponse) -> String {
    String::from_utf8_lossy(&answer.body).chars().filter(|c| !c.is_control()).take(200).collect()
}
