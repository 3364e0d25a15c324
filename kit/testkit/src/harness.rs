//! One service, or several that know each other, on a database of their own, asked in process: no sockets, no threads, time in the test's hands.
//!
//! Requests go to the services' own routers, with the principal that the gateway would have put into them. Consumers
//! and timers run when the test says so ([`ServiceHarness::settle`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::Clock as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service::{
    Admitted, CallHandler, Calls, ClientAddress, Ground, Mount, OUTBOUND_SETTINGS, Platform, RATE_SETTINGS, Report,
    RequestContext, RequestId, Setting, Settings, Sources,
};
use store::{Db, Statement, Store, StoreConfig, StoreError};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::{FakeCalls, FakeClock, Person, ScriptedOutbound, SeededRng, TestDatabase};

/// Steps after which consumers that still find work are taken to run in circles.
const STEPS_MAX: usize = 10_000;

/// What a test may choose before the service is mounted.
#[derive(Debug)]
pub struct HarnessOptions {
    /// Time.
    pub clock: FakeClock,
    /// Chance.
    pub rng: SeededRng,
    /// The outside world.
    pub outbound: ScriptedOutbound,
    /// The other services.
    pub calls: FakeCalls,
    /// Settings that differ from their defaults.
    pub settings: Vec<(&'static str, &'static str)>,
    /// What differs in the store.
    pub store: fn(StoreConfig) -> StoreConfig,
}

impl Default for HarnessOptions {
    fn default() -> Self {
        Self {
            clock: FakeClock::default(),
            rng: SeededRng::new(1),
            outbound: ScriptedOutbound::silent(),
            calls: FakeCalls::new(),
            settings: Vec::new(),
            store: |config| config,
        }
    }
}

/// A mounted service, or several.
pub struct ServiceHarness {
    name: &'static str,
    clock: FakeClock,
    store: Store,
    platform: Platform,
    router: Router,
    /// Doors to other services' tables: opening one looks at its migrations.
    others: Mutex<BTreeMap<&'static str, Db>>,
}

impl std::fmt::Debug for ServiceHarness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceHarness").field("service", &self.name).finish_non_exhaustive()
    }
}

impl Drop for ServiceHarness {
    /// Consumers and calls know each other in circles, so the store would outlive the test with all its threads.
    fn drop(&mut self) {
        self.store.shutdown();
    }
}

impl ServiceHarness {
    /// The service on this database, everything else silent.
    ///
    /// # Panics
    ///
    /// If it cannot be mounted; so do all methods when the test's expectation does not hold.
    #[must_use]
    pub fn mount(database: &TestDatabase, mount: Mount) -> Self {
        Self::mount_with(database, mount, HarnessOptions::default())
    }

    /// The service on this database with what the test chose.
    ///
    /// # Panics
    ///
    /// If it cannot be mounted.
    #[must_use]
    pub fn mount_with(database: &TestDatabase, mount: Mount, options: HarnessOptions) -> Self {
        Self::mount_together(database, &[mount], options)
    }

    /// These services, which answer each other's calls. [`ServiceHarness::db`] is that of the first.
    ///
    /// # Panics
    ///
    /// If they cannot be mounted, or there are none.
    #[must_use]
    pub fn mount_together(database: &TestDatabase, mounts: &[Mount], options: HarnessOptions) -> Self {
        // Calls remember the runtime that they are made in: handlers asked from a plain thread may want its timers.
        let _inside = runtime().enter();
        let store =
            Store::open((options.store)(database.config_for(mounts)), options.clock.shared(), options.rng.shared());
        let store = store.expect("a test database opens");
        let mut tables: Vec<_> = mounts.iter().map(|mount| mount.settings).collect();
        tables.extend([OUTBOUND_SETTINGS, RATE_SETTINGS]);
        let ground = Ground {
            store: store.clone(),
            settings: settings(&tables, &options.settings),
            clock: options.clock.shared(),
            rng: options.rng.shared(),
            outbound: options.outbound.shared(),
        };
        let others: Vec<CallHandler> = options.calls.into_handlers();
        let mut platform = Platform::mount(&ground, mounts, others).expect("the services mount");
        platform.start().expect("the services start");
        let routes = platform.take_routes().into_iter().map(|(_, routes)| Router::from(routes));
        let router = routes.fold(Router::new(), Router::merge);
        let name = mounts.first().expect("something is mounted").name;
        Self { name, clock: options.clock, store, platform, router, others: Mutex::default() }
    }

    /// The clock that the service reads.
    #[must_use]
    pub fn clock(&self) -> &FakeClock {
        &self.clock
    }

    /// The service's tables.
    #[must_use]
    pub fn db(&self) -> &Db {
        self.platform.db(self.name).expect("mounted under its name")
    }

    /// The whole store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The mounted platform.
    pub fn platform(&mut self) -> &mut Platform {
        &mut self.platform
    }

    /// The asker's side of the calls, as another service has it.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        self.platform.calls()
    }

    /// Another service's tables that its events are published from.
    ///
    /// # Panics
    ///
    /// If the store gives no such door.
    #[must_use]
    pub fn other_db(&self, service: &'static str) -> Db {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || self.store.db(service, &[]).expect("a service without tables");
        others.entry(service).or_insert_with(open).clone()
    }

    /// Publishes an event as its owner would.
    ///
    /// # Panics
    ///
    /// If it cannot be published.
    pub fn publish<E: kernel::Event + Clone>(&self, owner: &'static str, event: &E) {
        let event = event.clone();
        let mounted = self.platform.db(owner).cloned();
        let db = mounted.unwrap_or_else(|| self.other_db(owner));
        let published = db.write_blocking(move |tx| tx.publish(&event));
        published.expect("an event can be published");
    }

    /// Damages the event log, for a check to find it.
    ///
    /// # Panics
    ///
    /// If the statement changes nothing.
    pub fn damage_log(&self, damage: &'static Statement) {
        let log = self.store.kit("eventlog", eventlog::MIGRATIONS).expect("the log is there");
        let damaged: Result<u64, StoreError> = log.write_blocking(move |tx| tx.execute(damage, &[]));
        assert_ne!(damaged, Ok(0), "{} did no damage", damage.sql);
        damaged.expect("a statement that damages runs");
    }

    /// What is refused is refused in words that `docs/errors.md` has.
    fn assert_declared(&self, answer: &Answer) {
        if answer.headers.get(CONTENT_TYPE) == Some(&service::PROBLEM_JSON) {
            let fault = service::undeclared(&answer.json(), self.platform.errors().chain(service::kit_codes()));
            assert_eq!(fault, None, "{}", String::from_utf8_lossy(&answer.body));
        }
    }

    /// Lets consumers and timers work until nothing is left to do now.
    ///
    /// # Panics
    ///
    /// If a timer fails or the work does not end.
    pub fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            let worked = self.platform.step(self.clock.now()).expect("no timer fails");
            if !worked {
                return;
            }
        }
        panic!("consumers and timers still find work after {STEPS_MAX} steps");
    }

    /// Time passes, and then everything that became due is done.
    pub fn pass(&mut self, duration: Duration) {
        self.clock.advance(duration);
        self.settle();
    }

    /// One pass of the audit over the service and its log, as over a stopped instance.
    #[must_use]
    pub fn audit(&self) -> Report {
        self.platform.auditor().pass(&mut |_| {}).report()
    }

    /// Asks the service's router on behalf of nobody.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> TestRequest<'_> {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a test writes a path");
        TestRequest { harness: self, request }
    }

    /// `GET path`.
    #[must_use]
    pub fn get(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::GET, path)
    }

    /// `POST path`.
    #[must_use]
    pub fn post(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::POST, path)
    }

    /// `PATCH path`.
    #[must_use]
    pub fn patch(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::PATCH, path)
    }

    /// `PUT path`.
    #[must_use]
    pub fn put(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::PUT, path)
    }

    /// `DELETE path`.
    #[must_use]
    pub fn delete(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::DELETE, path)
    }
}

/// A request that is being written.
#[derive(Debug)]
pub struct TestRequest<'h> {
    harness: &'h ServiceHarness,
    request: Request<Body>,
}

impl TestRequest<'_> {
    /// On behalf of this person.
    #[must_use]
    pub fn by(mut self, person: &impl Person) -> Self {
        let principal = person.principal(self.harness.clock.now());
        self.request.extensions_mut().insert(principal);
        self
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a test writes a header");
        self.request.headers_mut().insert(name, value);
        self
    }

    /// From this address of a client; from one and the same without it.
    #[must_use]
    pub fn from_address(mut self, address: [u8; 4]) -> Self {
        self.request.extensions_mut().insert(ClientAddress(address.into()));
        self
    }

    /// Let in like this, as the gateway does.
    #[must_use]
    pub fn admitted(mut self, admitted: Admitted) -> Self {
        self.request.extensions_mut().insert(admitted);
        self
    }

    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With this JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// With these bytes as a body of this media type.
    #[must_use]
    pub fn bytes(mut self, media_type: &'static str, body: Vec<u8>) -> Self {
        self.request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        *self.request.body_mut() = Body::from(body);
        self
    }

    /// Sends it and waits for the whole answer.
    ///
    /// # Panics
    ///
    /// Inside an async runtime; use [`TestRequest::answer`] there.
    #[must_use]
    pub fn send(self) -> Answer {
        runtime().block_on(self.answer())
    }

    /// Sends it; for tests with several requests at once.
    ///
    /// # Panics
    ///
    /// If the body of the answer breaks off.
    pub async fn answer(mut self) -> Answer {
        let rng = self.harness.db().rng();
        let id = RequestId::new(self.harness.clock.now(), rng.as_ref());
        let language = service::language_of(self.request.headers());
        if self.request.extensions().get::<ClientAddress>().is_none() {
            self.request.extensions_mut().insert(ClientAddress([203, 0, 113, 7].into()));
        }
        let router = self.harness.router.clone();
        let context = RequestContext { id, language };
        let response = context.scope(router.oneshot(self.request)).await.unwrap_or_else(|never| match never {});
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body without a connection does not break").to_bytes().to_vec();
        let answer = Answer { status: head.status, headers: head.headers, body };
        self.harness.assert_declared(&answer);
        answer
    }
}

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` when it is empty.
    ///
    /// # Panics
    ///
    /// If it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body as a `T`.
    ///
    /// # Panics
    ///
    /// If it is not one.
    #[must_use]
    pub fn body<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("unexpected ({e}): {}", String::from_utf8_lossy(&self.body)))
    }

    /// The answer, if it has this status.
    ///
    /// # Panics
    ///
    /// If it has another: shows what was answered instead.
    pub fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "answered: {text}");
        self
    }

    /// The `code` of a problem document.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn code(&self) -> String {
        let body = self.json();
        let code = body["code"].as_str();
        code.unwrap_or_else(|| panic!("not a problem: {} {body}", self.status)).to_owned()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn settings(tables: &[&'static [Setting]], changed: &[(&'static str, &'static str)]) -> Settings {
    let flags = changed.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    Settings::load(tables, &Sources { flags, ..Sources::default() }).unwrap_or_else(|faults| panic!("{faults}"))
}

/// One runtime for all tests of a binary: handlers need one, and tests are plain functions.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("a machine that runs tests has threads")
    })
}
