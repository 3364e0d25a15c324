//! The other services, as far as one service asks them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Call, Clock};
use serde_json::Value;
use service::{CallError, CallHandler, Calls};

/// Other services that answer as the test says, and remember what they were asked.
#[derive(Debug, Default)]
pub struct FakeCalls {
    handlers: Vec<CallHandler>,
    asked: Asked,
}

/// What was asked, by the call's name. Clones look at the same list.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<Mutex<BTreeMap<&'static str, Vec<Value>>>>);

impl FakeCalls {
    /// Nobody answers anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `C` is answered by this function.
    #[must_use]
    pub fn answering<C: Call>(
        mut self,
        answer: impl Fn(C::Request) -> Result<C::Reply, CallError> + Send + Sync + 'static,
    ) -> Self {
        let asked = self.asked.clone();
        self.handlers.push(CallHandler::new::<C, _, _, CallError>(move |request: C::Request| {
            asked.note(C::NAME, &request);
            std::future::ready(answer(request))
        }));
        self
    }

    /// Answered by a handler that the test made: one that takes its time, or refuses with members. Not noted.
    #[must_use]
    pub fn with(mut self, handler: CallHandler) -> Self {
        self.handlers.push(handler);
        self
    }

    /// What was asked, also later.
    #[must_use]
    pub fn asked(&self) -> Asked {
        self.asked.clone()
    }

    /// The asker's side.
    #[must_use]
    pub fn connect(self, clock: Arc<dyn Clock>) -> Calls {
        let calls = Calls::new(clock);
        calls.connect(self.handlers).expect("a test answers each call once");
        calls
    }

    /// The handlers alone, beside those of a service under test.
    #[must_use]
    pub fn into_handlers(self) -> Vec<CallHandler> {
        self.handlers
    }
}

impl Asked {
    /// The requests of `C` in their order.
    #[must_use]
    pub fn of<C: Call>(&self) -> Vec<C::Request> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = asked.get(C::NAME).into_iter().flatten();
        requests.map(|request| serde_json::from_value(request.clone()).expect("it was one when it was noted")).collect()
    }

    fn note(&self, name: &'static str, request: &impl serde::Serialize) {
        let request = serde_json::to_value(request).expect("requests are plain JSON");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().push(request);
    }
}
