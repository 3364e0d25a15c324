//! The outside world as a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use service::{OutRequest, OutResponse, Outbound, OutboundError};

type Answer = Box<dyn FnMut(&OutRequest) -> Result<OutResponse, OutboundError> + Send>;

/// An outside that answers as the test says, and remembers what it was asked. Clones are the same outside.
#[derive(Clone)]
pub struct ScriptedOutbound(Arc<Script>);

struct Script {
    asked: Mutex<Vec<OutRequest>>,
    answer: Mutex<Answer>,
}

impl std::fmt::Debug for ScriptedOutbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScriptedOutbound")
    }
}

impl ScriptedOutbound {
    /// Answers every request by this function.
    pub fn answering(answer: impl FnMut(&OutRequest) -> Result<OutResponse, OutboundError> + Send + 'static) -> Self {
        Self(Arc::new(Script { asked: Mutex::default(), answer: Mutex::new(Box::new(answer)) }))
    }

    /// Gives these answers, one a request, in their order; a request beyond them fails the test.
    pub fn queued(answers: impl IntoIterator<Item = Result<OutResponse, OutboundError>>) -> Self {
        let mut answers: VecDeque<_> = answers.into_iter().collect();
        Self::answering(move |request| {
            answers.pop_front().unwrap_or_else(|| panic!("nobody expected {} {}", request.method, request.url))
        })
    }

    /// Nobody is outside: any request fails the test.
    #[must_use]
    pub fn silent() -> Self {
        Self::queued([])
    }

    /// Nobody can be reached.
    #[must_use]
    pub fn unreachable() -> Self {
        Self::answering(|request| {
            Err(OutboundError::Unreachable { host: request.url.clone(), reason: "away by script".to_owned() })
        })
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<OutRequest> {
        locked(&self.0.asked).clone()
    }

    /// The outside as the product takes it.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Outbound> {
        Arc::new(self.clone())
    }
}

impl Outbound for ScriptedOutbound {
    fn send(&self, request: &OutRequest) -> Result<OutResponse, OutboundError> {
        locked(&self.0.asked).push(request.clone());
        (locked(&self.0.answer))(request)
    }
}

/// An answer with this status and JSON body.
#[must_use]
pub fn json_answer(status: u16, body: &serde_json::Value) -> OutResponse {
    OutResponse { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
