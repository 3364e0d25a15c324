//! RFC 9457: an error as `application/problem+json`, and the one place where a kind becomes an HTTP status.
//!
//! Every error of every service carries a [`Code`]; `?` in a handler turns it into a [`Problem`]. What is the
//! caller's to mend is told in full. What is ours (`internal`, `unavailable`) shows no detail: the answer has the
//! request id, the log has the chain of causes under the same id.

pub mod codes;
mod docs;
mod fault;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::{Code, Coded, ErrorKind, Language, Text};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

pub(crate) use codes::*;
pub use docs::{errors_table, kit_codes, undeclared};
pub use fault::{FAULTS_MAX, Fault};

use crate::context::RequestContext;
use crate::openapi::members_of;
use crate::refusal::Refused;

/// The media type of a problem document.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An answer that refuses or fails.
///
/// One pointer wide, since it stands in the `Result` of every handler.
#[derive(Debug)]
pub struct Problem(Box<Facts>);

#[derive(Debug)]
struct Facts {
    code: &'static Code,
    detail: Option<String>,
    faults: Vec<Fault>,
    members: Map<String, Value>,
    retry_after_s: Option<u32>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// A problem with this code and nothing further to say.
    #[must_use]
    pub fn new(code: &'static Code) -> Self {
        Self(Box::new(Facts {
            code,
            detail: None,
            faults: Vec::new(),
            members: Map::new(),
            retry_after_s: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// What is wrong with this very request: English, lower case, no full stop.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The places in the request that are wrong; all of them, in the order of the request.
    #[must_use]
    pub fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.faults = faults;
        self
    }

    /// A member beside the standard ones, at the top of the document.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// The members that a type documents ([`refusals!`](crate::refusals!)).
    #[must_use]
    pub fn members(mut self, members: &impl Serialize) -> Self {
        self.0.members.extend(members_of(members));
        self
    }

    /// When trying again makes sense.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// A header of the answer (`Allow`, `ETag`).
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Our own fault: `cause` is logged under the request id and not shown.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut problem = Self::new(&INTERNAL);
        problem.0.cause = Some(cause.into());
        problem
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        status_of(self.0.code.kind)
    }

    /// The places in the request that are wrong.
    #[must_use]
    pub fn listed(&self) -> &[Fault] {
        &self.0.faults
    }

    /// What is ours to mend is logged once, here; what the caller did is for the edge, which knows the caller.
    fn log(&self, context: Option<RequestContext>) {
        let request_id = context.map(|known| known.id.text());
        let id = request_id.as_ref().map(kernel::IdText::as_str);
        let (code, cause) = (self.0.code.code, self.0.cause.as_deref());
        match self.0.code.kind {
            ErrorKind::Internal => {
                tracing::error!(request.id = id, error.code = code, error.cause = cause, "request failed");
            }
            ErrorKind::Unavailable if code.ends_with(".overloaded") => {
                tracing::debug!(request.id = id, error.code = code, "request turned away");
            }
            ErrorKind::Unavailable => {
                tracing::warn!(request.id = id, error.code = code, error.cause = cause, "request turned away");
            }
            ErrorKind::Malformed
            | ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::TooLarge
            | ErrorKind::HeadTooLarge
            | ErrorKind::UnsupportedMedia
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::PreconditionRequired
            | ErrorKind::MethodNotAllowed
            | ErrorKind::TooMany => {}
        }
    }
}

/// The status of a kind: decision 19, and nowhere else.
#[must_use]
pub const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Malformed => StatusCode::BAD_REQUEST,
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Stale => StatusCode::PRECONDITION_FAILED,
        ErrorKind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorKind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the words of the error itself may leave the house.
const fn is_told(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable)
}

impl<E: Coded> From<E> for Problem {
    fn from(error: E) -> Self {
        let code = error.code();
        let mut problem = Self::new(code);
        if is_told(code.kind) {
            problem.0.members = error.members();
            // Faults say for themselves what is wrong.
            problem.0.detail = (!problem.0.members.contains_key("errors")).then(|| error.to_string());
        } else {
            problem.0.cause = Some(chain(&error));
        }
        problem.0.retry_after_s = error.retry_after_s();
        problem
    }
}

/// The words of an error and of all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let context = RequestContext::current();
        self.log(context);
        let body = serde_json::to_vec(&Document { facts: &self.0, context })
            .expect("a document of strings, numbers and values that came from JSON");
        let mut response = Response::new(axum::body::Body::from(body));
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Refused(self.0.code));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if self.0.code.kind == ErrorKind::Unauthenticated {
            // Every 401 names a way to sign in (RFC 9110, section 15.5.2), and there is one.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let retry_after_s = self.0.retry_after_s.or_else(|| default_retry_after_s(self.0.code.kind));
        if let Some(seconds) = retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in self.0.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// Every 429 and 503 says when to come back, even where the cause cannot tell.
const fn default_retry_after_s(kind: ErrorKind) -> Option<u32> {
    match kind {
        ErrorKind::TooMany | ErrorKind::Unavailable => Some(1),
        ErrorKind::Malformed
        | ErrorKind::Invalid
        | ErrorKind::Unauthenticated
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Stale
        | ErrorKind::PreconditionRequired
        | ErrorKind::TooLarge
        | ErrorKind::HeadTooLarge
        | ErrorKind::UnsupportedMedia
        | ErrorKind::MethodNotAllowed
        | ErrorKind::Internal => None,
    }
}

struct Document<'a> {
    facts: &'a Facts,
    context: Option<RequestContext>,
}

/// Members that a service adds never overwrite the standard ones.
pub(crate) const STANDARD: [&str; 8] = ["type", "title", "status", "code", "detail", "hint", "request_id", "errors"];

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let facts = self.facts;
        let language = self.context.map_or(Language::En, |known| known.language);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("urn:samovar:error:{}", facts.code.code))?;
        map.serialize_entry("title", in_language(facts.code.title, language))?;
        map.serialize_entry("status", &status_of(facts.code.kind).as_u16())?;
        map.serialize_entry("code", facts.code.code)?;
        if let Some(detail) = &facts.detail {
            map.serialize_entry("detail", detail)?;
        }
        map.serialize_entry("hint", in_language(facts.code.hint, language))?;
        if let Some(context) = self.context {
            map.serialize_entry("request_id", context.id.text().as_str())?;
        }
        if !facts.faults.is_empty() {
            let faults: Vec<_> = facts.faults.iter().map(|fault| fault.in_language(language)).collect();
            map.serialize_entry("errors", &faults)?;
        }
        // Faults that another service found come as a member of its rejection.
        let is_free = |name: &str| !STANDARD.contains(&name) || (name == "errors" && facts.faults.is_empty());
        for (name, value) in facts.members.iter().filter(|(name, _)| is_free(name)) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The sentence in the language of the answer.
#[must_use]
pub const fn in_language(text: Text, language: Language) -> &'static str {
    match language {
        Language::Ru => text.ru,
        Language::En => text.en,
    }
}
