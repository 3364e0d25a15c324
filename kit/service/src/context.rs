//! What a request carries with it on its way without being passed from hand to hand: its id and the language of
//! its answer.
//!
//! Kept in a task-local, so that an error rendered anywhere below the server names the request and speaks the
//! caller's language. A closure that runs on another thread (a transaction) does not see it; what it returns is
//! rendered back here.

use std::convert::Infallible;
use std::future::Future;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use kernel::{Id, IdKind, Language};

/// What a [`RequestId`] identifies.
#[derive(Debug)]
pub enum RequestKind {}

impl IdKind for RequestKind {
    const PREFIX: &'static str = "req";
}

/// The id of one request: in every log line, in the answer's `X-Request-Id`, in every problem document.
pub type RequestId = Id<RequestKind>;

/// The id and the language of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// The id.
    pub id: RequestId,
    /// The language of the answer's words for people.
    pub language: Language,
}

tokio::task_local! {
    static CONTEXT: RequestContext;
}

impl RequestContext {
    /// Runs `answer` as part of this request.
    pub fn scope<F: Future>(self, answer: F) -> impl Future<Output = F::Output> {
        CONTEXT.scope(self, answer)
    }

    /// Runs `part` as part of this request, without waiting in it.
    pub fn sync_scope<R>(self, part: impl FnOnce() -> R) -> R {
        CONTEXT.sync_scope(self, part)
    }

    /// The request that the current task answers; `None` outside of any.
    #[must_use]
    pub fn current() -> Option<Self> {
        CONTEXT.try_with(|context| *context).ok()
    }
}

/// The language that errors and pages speak: `Accept-Language`, English without one.
#[must_use]
pub fn language_of(headers: &HeaderMap) -> Language {
    preferred(headers).unwrap_or(Language::En)
}

fn preferred(headers: &HeaderMap) -> Option<Language> {
    headers.get(ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::preferred)
}

/// Extractor: the language that names are shown in, of products and of what was ordered. Russian without
/// `Accept-Language`, for that is what a menu is written in; errors speak English then ([`language_of`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lang(pub Language);

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(preferred(&parts.headers).unwrap_or(Language::Ru)))
    }
}
