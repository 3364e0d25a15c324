//! The whole platform with its bank, in process: asked, stepped, killed and started again over the same data.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventlog::ReplayFrom;
use kernel::{Clock as _, Rng as _};
use sandbox::bank::{BankConfig, Delivery, StillBank};
use service::{Mount, OutRequest, OutResponse, OutboundError};
use store::{Hooks, Mode, StoreConfig};
use testkit::{
    Answer, FakeClock, HarnessOptions, ScriptedOutbound, SeededRng, ServiceHarness, TestDatabase, TestRequest,
};
use tokio::runtime::Runtime;

use super::fate;

const SECRET: &str = "the bank's and ours";
const SETTINGS: &[(&str, &str)] = &[
    ("payments.bank_url", "http://127.0.0.1:7070"),
    ("payments.bank_secret", SECRET),
    ("payments.public_url", "http://127.0.0.1:8080"),
    ("payments.bank_timeout", "5s"),
    ("limits.enabled", "false"),
];

/// Everything that outlives a process, and the process.
pub(super) struct Business<'d> {
    database: &'d TestDatabase,
    mounts: Vec<Mount>,
    pub(super) clock: FakeClock,
    pub(super) rng: SeededRng,
    pub(super) bank: Arc<StillBank>,
    outbound: ScriptedOutbound,
    /// Whether the network behaves.
    pub(super) is_calm: Arc<AtomicBool>,
    runtime: Runtime,
    process: Option<ServiceHarness>,
    pub(super) deaths: u32,
    _folder: tempfile::TempDir,
}

impl<'d> Business<'d> {
    pub(super) fn open(database: &'d TestDatabase, seed: u64, mounts: Vec<Mount>) -> Self {
        fate::lives();
        let clock = FakeClock::default();
        let folder = tempfile::tempdir().unwrap();
        let bank = Arc::new(bank(&folder, &clock, seed));
        let is_calm = Arc::new(AtomicBool::new(true));
        let network = Network { bank: Arc::clone(&bank), rng: SeededRng::new(seed ^ 2), is_calm: Arc::clone(&is_calm) };
        let mut business = Self {
            database,
            mounts,
            clock,
            rng: SeededRng::new(seed ^ 3),
            bank,
            outbound: network.into_outbound(),
            is_calm,
            runtime: runtime(),
            process: None,
            deaths: 0,
            _folder: folder,
        };
        business.start();
        business
    }

    /// Ends the process, if there is one, and starts it over the same data.
    pub(super) fn start(&mut self) {
        if let Some(dead) = self.process.take() {
            // Its services hold each other; only the end of a real process frees the connections.
            dead.store().shutdown();
        }
        fate::lives();
        let options = HarnessOptions {
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            outbound: self.outbound.clone(),
            settings: SETTINGS.to_vec(),
            store: mortal,
            ..HarnessOptions::default()
        };
        self.process = Some(ServiceHarness::mount_together(self.database, &self.mounts, options));
    }

    pub(super) fn process(&mut self) -> &mut ServiceHarness {
        self.process.as_mut().expect("started")
    }

    /// What is answered; nothing when the process died over it. Nobody is ever answered with a fault of ours.
    pub(super) fn ask<F>(&mut self, request: F) -> Option<Answer>
    where
        F: for<'h> FnOnce(&'h ServiceHarness) -> TestRequest<'h>,
    {
        let answer = self.answer(request);
        self.bury();
        let answer = answer?;
        assert!(answer.status.as_u16() < 500, "answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        Some(answer)
    }

    fn answer<F>(&self, request: F) -> Option<Answer>
    where
        F: for<'h> FnOnce(&'h ServiceHarness) -> TestRequest<'h>,
    {
        let process = self.process.as_ref().expect("started");
        let answered = unless_dead(|| self.runtime.block_on(request(process).answer()))?;
        // Whatever a dying process would still say, nobody hears.
        (!fate::is_dead()).then_some(answered)
    }

    /// One step of a consumer or timer; whether it did anything.
    pub(super) fn step(&mut self, part: &str) -> bool {
        let now = self.clock.now();
        let process = self.process();
        let stepped = unless_dead(|| process.platform().step_part(part, now));
        let is_dead = fate::is_dead();
        self.bury();
        match stepped {
            Some(Ok(worked)) => worked,
            Some(Err(reason)) if !is_dead => panic!("{reason}"),
            Some(Err(_)) | None => true,
        }
    }

    pub(super) fn parts(&mut self) -> Vec<&'static str> {
        self.process().platform().parts()
    }

    /// Sends a consumer so many events back; nothing when the process died over it, or has no such consumer yet.
    pub(super) fn replay(&mut self, consumer: &str, back: i64) -> Option<i64> {
        let log = self.process().platform().log().clone();
        let replayed = unless_dead(|| {
            let latest = log.advance().ok()?;
            log.replay(consumer, ReplayFrom::After((latest - back).max(0)), "usr_1").ok()
        });
        self.bury();
        replayed.flatten()
    }

    /// The bank's next event reaches us, or does not; whether there was one.
    pub(super) fn deliver(&mut self) -> bool {
        let delivered = self.bank.deliver(|delivery| {
            let answer = self.answer(|process| callback(process, delivery));
            answer.is_some_and(|answer| answer.status.is_success())
        });
        self.bury();
        delivered.unwrap()
    }

    /// A guest's browser at the bank.
    pub(super) fn at_the_bank(&self, page: &str, form: &str) {
        let request = http::Request::builder().method("POST").uri(page).body(form.as_bytes().to_vec()).unwrap();
        self.runtime.block_on(self.bank.answer(request));
    }

    /// Somebody with our name asks the bank behind our back.
    pub(super) fn ask_the_bank(&self, path: &str, body: &serde_json::Value) {
        let request = http::Request::builder().method("POST").uri(path).header("idempotency-key", path);
        let answer = self.runtime.block_on(self.bank.answer(request.body(body.to_string().into_bytes()).unwrap()));
        assert!((200..300).contains(&answer.status), "{}", String::from_utf8_lossy(&answer.body));
    }

    /// After a death comes another process, a moment later.
    fn bury(&mut self) {
        if fate::is_dead() {
            self.deaths += 1;
            self.clock.advance(Duration::from_millis(300));
            self.start();
        }
    }
}

/// What `f` gives, unless the process died over it. Any other panic is a failure of the test.
fn unless_dead<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(_) if fate::is_dead() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Everything on the thread of the test, whose fate the store asks for.
fn mortal(config: StoreConfig) -> StoreConfig {
    let fatal = Arc::new(|reason: &str| panic!("the store cannot go on: {reason}"));
    let mut config = config.with_hooks(Hooks { fatal, traceparent: fate::at_a_write, ..Hooks::default() });
    if let StoreConfig::Sqlite(sqlite) = &mut config {
        sqlite.mode = Mode::Inline;
    }
    config
}

/// One thread: a task that a handler spawns has the fate of its process.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn bank(folder: &tempfile::TempDir, clock: &FakeClock, seed: u64) -> StillBank {
    StillBank::open(BankConfig {
        listen: "127.0.0.1:7070".parse().unwrap(),
        public_url: None,
        data_file: folder.path().join("bank.db"),
        secret: SECRET.to_owned(),
        pay_within: Duration::from_secs(900),
        clock: clock.shared(),
        rng: SeededRng::new(seed ^ 1).shared(),
    })
    .unwrap()
}

fn callback<'h>(process: &'h ServiceHarness, delivery: &Delivery) -> TestRequest<'h> {
    let path = delivery.url.split_once("/api/v1").expect("a callback comes to our API").1;
    process
        .post(path)
        .header("x-bank-timestamp", &delivery.timestamp)
        .header("x-bank-signature", &delivery.signature)
        .bytes("application/json", delivery.body.clone().into_bytes())
}

/// What lies between us and the bank.
struct Network {
    bank: Arc<StillBank>,
    rng: SeededRng,
    is_calm: Arc<AtomicBool>,
}

impl Network {
    fn into_outbound(self) -> ScriptedOutbound {
        let runtime = runtime();
        ScriptedOutbound::answering(move |request| self.carry(request, &runtime))
    }

    fn carry(&self, request: &OutRequest, runtime: &Runtime) -> Result<OutResponse, OutboundError> {
        let host = || "the bank".to_owned();
        let chance = if self.is_calm.load(Ordering::SeqCst) { u64::MAX } else { self.rng.next_u64() % 100 };
        if chance < 3 || fate::is_dead() {
            return Err(OutboundError::Unreachable { host: host(), reason: "the cable is out".to_owned() });
        }
        if chance < 5 {
            return Err(OutboundError::Timeout { host: host(), timeout_ms: request.timeout_ms });
        }
        let mut asked = http::Request::builder().method(request.method.clone()).uri(&request.url);
        asked.headers_mut().expect("a request that was built").extend(request.headers.clone());
        let answer = runtime.block_on(self.bank.answer(asked.body(request.body.clone()).unwrap()));
        if chance < 7 {
            return Err(OutboundError::Broken { host: host(), reason: "the cable is out".to_owned() });
        }
        if chance < 10 {
            // The bank has done it, and the process does not live to hear so.
            fate::dies_now();
        }
        if answer.took > Duration::from_millis(request.timeout_ms.into()) {
            return Err(OutboundError::Timeout { host: host(), timeout_ms: request.timeout_ms });
        }
        Ok(OutResponse { status: answer.status, headers: answer.headers, body: answer.body })
    }
}
