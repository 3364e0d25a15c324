//! Calls: the few questions that one service asks another and waits for.
//!
//! A call is a type of `contracts` ([`kernel::Call`]). The registry holds one handler per name; the asker knows
//! neither who answers nor where. Requests, replies and rejections always pass through bytes, so what cannot
//! cross a wire fails in the first test of one process. A handler is a function from bytes to a future of bytes:
//! a handler that carries the bytes to another process has the same type, and nothing else has to know.
//!
//! Deliberately absent: retries. A caller that may ask again (`Call::IDEMPOTENT`) is a consumer or a timer, and
//! those come back by themselves.

mod block;
mod error;

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use kernel::{Call, Clock, Coded};
use tokio::runtime::Handle;

pub use self::error::{CALL_CODES, CallError};

/// What a handler gives back: the reply as JSON, or the rejection.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, CallError>> + Send>>;

/// One call that a service answers.
#[derive(Clone)]
pub struct CallHandler {
    name: &'static str,
    answer: Arc<dyn Fn(Vec<u8>) -> Answer + Send + Sync>,
}

impl std::fmt::Debug for CallHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CallHandler").field(&self.name).finish()
    }
}

impl CallHandler {
    /// A handler for `C`. Its error is any coded one, and arrives at the asker unchanged.
    pub fn new<C, H, F, E>(handler: H) -> Self
    where
        C: Call,
        H: Fn(C::Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<C::Reply, E>> + Send + 'static,
        E: Coded + 'static,
    {
        let handler = Arc::new(handler);
        let answer = move |bytes: Vec<u8>| -> Answer {
            let handler = Arc::clone(&handler);
            Box::pin(async move { serve::<C, H, F, E>(&handler, &bytes).await })
        };
        Self { name: C::NAME, answer: Arc::new(answer) }
    }

    /// The call's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// Reads the request, asks the handler, writes the reply; a rejection passes through the bytes of a wire as well.
async fn serve<C, H, F, E>(handler: &H, bytes: &[u8]) -> Result<Vec<u8>, CallError>
where
    C: Call,
    H: Fn(C::Request) -> F,
    F: Future<Output = Result<C::Reply, E>>,
    E: Coded,
{
    let request = serde_json::from_slice(bytes).map_err(|e| CallError::unreadable(C::NAME, "request", &e))?;
    match handler(request).await {
        Ok(reply) => serde_json::to_vec(&reply).map_err(|e| CallError::unreadable(C::NAME, "reply", &e)),
        Err(rejection) => Err(CallError::through_bytes(C::NAME, &rejection)),
    }
}

/// Two services answer the same call.
#[derive(Debug, thiserror::Error)]
#[error("the call {0} is answered twice")]
pub struct AnsweredTwice(pub &'static str);

/// The asker's side: one method, the same in one process and in many. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Calls(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    clock: Arc<dyn Clock>,
    /// Set once, when all services are built: each of them needs the asker's side before it can be built.
    handlers: OnceLock<HashMap<&'static str, CallHandler>>,
    /// The runtime that handlers find their timers in when they are asked from a thread outside it.
    runtime: Option<Handle>,
}

impl Calls {
    /// A registry without handlers; [`Calls::connect`] gives them. Remembers the tokio runtime it is made in.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Registry { clock, handlers: OnceLock::new(), runtime: Handle::try_current().ok() }))
    }

    /// Gives the registry its handlers, once.
    ///
    /// # Errors
    ///
    /// [`AnsweredTwice`] names a call with two handlers.
    ///
    /// # Panics
    ///
    /// If it was connected before: a fault of whoever assembles the process.
    pub fn connect(&self, handlers: impl IntoIterator<Item = CallHandler>) -> Result<(), AnsweredTwice> {
        let mut by_name = HashMap::new();
        for handler in handlers {
            let name = handler.name;
            if by_name.insert(name, handler).is_some() {
                return Err(AnsweredTwice(name));
            }
        }
        assert!(self.0.handlers.set(by_name).is_ok(), "calls are connected once, when the process is assembled");
        Ok(())
    }

    /// Asks and waits at most `C::TIMEOUT_MS`.
    ///
    /// # Errors
    ///
    /// The handler's rejection as it was; `call.timeout` and `call.unanswered` (both unavailable) when there is no
    /// answer; `call.failed` (internal) when the answer cannot be read or the handler panicked.
    pub async fn call<C: Call>(&self, request: C::Request) -> Result<C::Reply, CallError> {
        let answer = self.ask::<C>(&request)?;
        let limit = Duration::from_millis(u64::from(C::TIMEOUT_MS));
        // Outside a runtime (the simulation) there is no timer to wait on, and nothing there ever waits.
        let reply = if Handle::try_current().is_ok() {
            tokio::time::timeout(limit, answer).await.map_err(|_| CallError::timeout(C::NAME, C::TIMEOUT_MS))?
        } else {
            answer.await
        };
        read_reply::<C>(&reply?)
    }

    /// [`Calls::call`] for threads outside the runtime: consumers, timers, commands.
    ///
    /// # Errors
    ///
    /// As [`Calls::call`].
    ///
    /// # Panics
    ///
    /// Inside the async runtime, where it would hold a worker up.
    pub fn call_blocking<C: Call>(&self, request: &C::Request) -> Result<C::Reply, CallError> {
        let answer = self.ask::<C>(request)?;
        let limit = Duration::from_millis(u64::from(C::TIMEOUT_MS));
        let reply = block::wait(answer, limit, self.0.clock.as_ref(), self.0.runtime.as_ref());
        read_reply::<C>(&reply.ok_or_else(|| CallError::timeout(C::NAME, C::TIMEOUT_MS))??)
    }

    /// The future of the handler's bytes. A panic of the handler is the callee's fault and must not be the asker's.
    fn ask<C: Call>(
        &self,
        request: &C::Request,
    ) -> Result<impl Future<Output = Result<Vec<u8>, CallError>> + Send + use<C>, CallError> {
        let handlers = self.0.handlers.get().ok_or_else(|| CallError::unanswered(C::NAME))?;
        let handler = handlers.get(C::NAME).ok_or_else(|| CallError::unanswered(C::NAME))?;
        let bytes = serde_json::to_vec(request).map_err(|e| CallError::unreadable(C::NAME, "request", &e))?;
        let answer = Arc::clone(&handler.answer);
        let guarded = AssertUnwindSafe(async move { answer(bytes).await }).catch_unwind();
        Ok(async move { guarded.await.unwrap_or_else(|_| Err(CallError::panicked(C::NAME))) })
    }
}

fn read_reply<C: Call>(bytes: &[u8]) -> Result<C::Reply, CallError> {
    serde_json::from_slice(bytes).map_err(|e| CallError::unreadable(C::NAME, "reply", &e))
}
