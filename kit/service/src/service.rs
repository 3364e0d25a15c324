//! A service as a value: what its crate exports, and all that the process needs to run it.

use std::future::Future;

use eventlog::Consumer;
use kernel::{Call, Code, Coded};
use store::Statement;
use utoipa_axum::router::OpenApiRouter;

use crate::{CallHandler, Check, FactSet, Setting, Timer};

/// What `service(deps)` gives back. Nothing in it runs until a supervisor runs it.
pub struct Service {
    /// `orders`; also the first word of its codes, settings, timers and consumers.
    pub name: &'static str,
    /// Its routes, documented.
    pub routes: OpenApiRouter,
    /// The calls that it answers.
    pub calls: Vec<CallHandler>,
    /// What it does when something happened.
    pub consumers: Vec<Consumer>,
    /// What it does at an interval.
    pub timers: Vec<Timer>,
    /// All its SQL, for the test that prepares it on both databases.
    pub statements: &'static [&'static Statement],
    /// All its failures, for `docs/errors.md` and the texts of problems.
    pub errors: &'static [&'static Code],
    /// The invariants that `samovar audit` recomputes.
    pub checks: Vec<Check>,
    /// What it tells checks that look across services.
    pub facts: Vec<FactSet>,
    /// What may be configured.
    pub settings: &'static [Setting],
    /// What it does before the first request of a process that serves; a command does not.
    pub starts: Vec<Start>,
}

/// Done once, on the caller's thread; why it could not be.
pub type Start = Box<dyn FnOnce() -> Result<(), String> + Send + Sync>;

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Service {
    /// A service that does nothing yet.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            routes: OpenApiRouter::new(),
            calls: Vec::new(),
            consumers: Vec::new(),
            timers: Vec::new(),
            statements: &[],
            errors: &[],
            checks: Vec::new(),
            facts: Vec::new(),
            settings: &[],
            starts: Vec::new(),
        }
    }

    /// With these routes, beside those it has.
    #[must_use]
    pub fn routes(mut self, routes: OpenApiRouter) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Answering the call `C`.
    #[must_use]
    pub fn call<C: Call, H, F, E>(mut self, handler: H) -> Self
    where
        H: Fn(C::Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<C::Reply, E>> + Send + 'static,
        E: Coded + 'static,
    {
        self.calls.push(CallHandler::new::<C, H, F, E>(handler));
        self
    }

    /// Hearing events.
    #[must_use]
    pub fn consumer(mut self, consumer: Consumer) -> Self {
        self.consumers.push(consumer);
        self
    }

    /// Working at an interval.
    #[must_use]
    pub fn timer(mut self, timer: Timer) -> Self {
        self.timers.push(timer);
        self
    }

    /// Doing this before the first request.
    #[must_use]
    pub fn start(mut self, start: impl FnOnce() -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.starts.push(Box::new(start));
        self
    }

    /// With this SQL.
    #[must_use]
    pub fn statements(mut self, statements: &'static [&'static Statement]) -> Self {
        self.statements = statements;
        self
    }

    /// With these failures.
    #[must_use]
    pub fn errors(mut self, errors: &'static [&'static Code]) -> Self {
        self.errors = errors;
        self
    }

    /// Audited by this check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Telling these facts.
    #[must_use]
    pub fn facts(mut self, facts: FactSet) -> Self {
        self.facts.push(facts);
        self
    }

    /// Configured by these settings.
    #[must_use]
    pub fn settings(mut self, settings: &'static [Setting]) -> Self {
        self.settings = settings;
        self
    }
}
