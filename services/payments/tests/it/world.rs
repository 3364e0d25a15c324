//! A shop with guests and staff, the sandbox bank, and what the bank calls back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use contracts::orders::{OrderPlaced, OrderState, PaymentMethod};
use contracts::payments::PaymentMoved;
use contracts::{OrderId, ShopId};
use eventlog::Log;
use kernel::{Clock as _, Currency, Money, OsRng};
use sandbox::bank::{Bank, BankConfig};
use serde_json::{Value, json};
use service::{Mount, OUTBOUND_SETTINGS, Outbound as _, OutboundError, Settings, UreqOutbound};
use testkit::{
    Answer, Barista, FakeClock, Guest, HarnessOptions, Manager, ScriptedOutbound, SeededRng, ServiceHarness,
    TestDatabase,
};

use crate::told::{placed_at, update};

pub(crate) const TOTAL: i64 = 62_000;
pub(crate) const SECRET: &str = "the bank's and ours";
pub(crate) const ANNA: Guest = Guest(1);
pub(crate) const BORIS: Guest = Guest(2);
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const MOUNT: Mount = Mount {
    name: "payments",
    migrations: payments::MIGRATIONS,
    settings: payments::SETTINGS,
    service: payments::service,
};

pub(crate) fn shop() -> ShopId {
    ShopId::from_bits(77)
}

pub(crate) fn manager() -> Manager {
    Manager(shop())
}

pub(crate) fn barista() -> Barista {
    Barista(shop())
}

pub(crate) fn rub(minor: i64) -> Money {
    Money::new(minor, Currency::RUB).unwrap()
}

/// One callback as the bank sent it.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) body: String,
}

impl Callback {
    /// Signed now, as the bank would.
    pub(crate) fn signed(body: &Value, clock: &FakeClock) -> Self {
        let (timestamp, body) = (clock.now().as_seconds().to_string(), body.to_string());
        Self { signature: sandbox::bank::sign(SECRET, &timestamp, body.as_bytes()), timestamp, body }
    }

    pub(crate) fn kind(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["type"].as_str().unwrap().to_owned()
    }
}

#[derive(Default)]
struct Inbox {
    waiting: Mutex<Vec<Callback>>,
    came: Condvar,
}

/// Everything around the service.
pub(crate) struct World {
    pub(crate) harness: ServiceHarness,
    pub(crate) bank: Option<Bank>,
    pub(crate) bank_url: String,
    pub(crate) public_url: String,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: FakeClock,
    inbox: Arc<Inbox>,
    settings: Vec<(&'static str, &'static str)>,
    silenced: Silenced,
}

/// What the bank does with requests whose address has a text in it.
#[derive(Clone, Debug)]
enum Fate {
    /// It sees them and says nothing.
    Silent,
    /// It is not reached.
    Unreachable,
    /// It lets them wait, in the clock's time, and then says nothing.
    Slow(Duration),
}

/// Requests with this in their address, and their fate.
type Silenced = Arc<Mutex<Option<(String, Fate)>>>;

impl World {
    pub(crate) fn open(database: &TestDatabase) -> Self {
        Self::with(database, &[])
    }

    pub(crate) fn with(database: &TestDatabase, more: &[(&'static str, &'static str)]) -> Self {
        let clock = FakeClock::default();
        let folder = tempfile::tempdir().unwrap();
        let inbox = Arc::new(Inbox::default());
        let public_url = listen(&inbox);
        let bank = start_bank(&folder, &clock, "127.0.0.1:0");
        let bank_url = bank.url().to_owned();
        // The harness takes settings that live as long as the program; a test's few bytes may.
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let mut settings = vec![
            ("payments.bank_url", leak(&bank_url)),
            ("payments.bank_secret", SECRET),
            ("payments.public_url", leak(&public_url)),
            ("payments.return_hosts", "shop.example"),
            ("payments.bank_timeout", "500ms"),
        ];
        settings.extend(more);
        let silenced = Silenced::default();
        let harness = mount(database, &clock, &settings, real_outbound(&silenced, &clock), 1);
        Self { harness, bank: Some(bank), bank_url, public_url, folder, clock, inbox, settings, silenced }
    }

    /// The process ends and starts again on the same database.
    pub(crate) fn restart(self, database: &TestDatabase, seed: u64) -> Self {
        drop(self.harness);
        let harness = mount(database, &self.clock, &self.settings, real_outbound(&self.silenced, &self.clock), seed);
        Self { harness, ..self }
    }

    /// Another process on the same database.
    pub(crate) fn beside(&self, database: &TestDatabase) -> ServiceHarness {
        mount(database, &self.clock, &self.settings, real_outbound(&self.silenced, &self.clock), 2)
    }

    /// The bank does not answer us about this payment of its, until it does (`None`).
    pub(crate) fn silence(&self, part: Option<&str>) {
        *self.silenced.lock().unwrap() = part.map(|part| (part.to_owned(), Fate::Silent));
    }

    /// The bank is not reached with requests that have this in their address.
    pub(crate) fn cut_off(&self, part: &str) {
        *self.silenced.lock().unwrap() = Some((part.to_owned(), Fate::Unreachable));
    }

    /// The bank takes so long over requests with this in their address, and never answers.
    pub(crate) fn slow_down(&self, part: &str, each: Duration) {
        *self.silenced.lock().unwrap() = Some((part.to_owned(), Fate::Slow(each)));
    }

    /// The bank's process ends.
    pub(crate) fn stop_bank(&mut self) {
        self.bank.take();
    }

    /// … and starts again on the same file and address.
    pub(crate) fn start_bank(&mut self) {
        let address = self.bank_url.trim_start_matches("http://").to_owned();
        self.bank = Some(start_bank(&self.folder, &self.clock, &address));
    }

    pub(crate) fn fault(&self, body: &Value) {
        let sent = agent().post(format!("{}/v1/faults", self.bank_url)).send(body.to_string().as_bytes()).unwrap();
        assert_eq!(sent.status(), 201);
    }

    pub(crate) fn no_faults(&self) {
        agent().delete(format!("{}/v1/faults", self.bank_url)).call().unwrap();
    }

    /// An order of Anna's, placed and heard of.
    pub(crate) fn order(&mut self, method: PaymentMethod) -> OrderId {
        let id = self.place(method);
        self.harness.settle();
        id
    }

    /// An order of Anna's that payments has not heard of yet.
    pub(crate) fn place(&self, method: PaymentMethod) -> OrderId {
        let placed = self.placed(method, TOTAL);
        self.harness.publish("orders", &placed);
        placed.order_id
    }

    pub(crate) fn placed(&self, method: PaymentMethod, total: i64) -> OrderPlaced {
        placed_at(method, total, &self.clock)
    }

    /// Orders says that an order went somewhere.
    pub(crate) fn order_goes(&mut self, id: OrderId, to: OrderState, version: i64, refund_due: bool) {
        self.harness.publish("orders", &update(id, to, version, refund_due, self.clock.now()));
        self.harness.settle();
    }

    /// The order's payment as Anna sees it.
    pub(crate) fn payment(&self, id: OrderId) -> Value {
        self.harness.get(&format!("/orders/{id}/payment")).by(&ANNA).send().expect(200).json()
    }

    /// All payments of an order as the manager sees them, the newest first.
    pub(crate) fn payments(&self, id: OrderId) -> Vec<Value> {
        let page = self.harness.get(&format!("/payments?order_id={id}")).by(&manager()).send().expect(200).json();
        page["items"].as_array().unwrap().clone()
    }

    /// A payment with its refunds, as the manager sees it.
    pub(crate) fn detail(&self, id: &str) -> Value {
        self.harness.get(&format!("/payments/{id}")).by(&manager()).send().expect(200).json()
    }

    /// What the bank says of an order's payments, the oldest first.
    pub(crate) fn at_bank(&self, id: OrderId) -> Vec<Value> {
        let mut answer = agent().get(format!("{}/v1/payments?order_id={id}", self.bank_url)).call().unwrap();
        let page: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        page["items"].as_array().unwrap().clone()
    }

    /// Anna types a card into a page of the bank.
    pub(crate) fn type_card(&self, page: &Value, card: &str) -> Option<u16> {
        let form = format!("card={card}");
        let request =
            agent().post(page.as_str().expect("there is a page")).content_type("application/x-www-form-urlencoded");
        request.send(form.as_bytes()).ok().map(|answer| answer.status().as_u16())
    }

    /// Where the bank sends Anna after she typed this card into its page.
    pub(crate) fn sent_to_after(&self, page: &Value, card: &str) -> String {
        let form = format!("card={card}");
        let request =
            agent().post(page.as_str().expect("there is a page")).content_type("application/x-www-form-urlencoded");
        let answer = request.send(form.as_bytes()).unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Anna pays an order on the bank's page; nothing of it is heard here yet.
    pub(crate) fn pay(&self, id: OrderId, card: &str) -> Option<u16> {
        self.type_card(&self.payment(id)["payment_url"], card)
    }

    /// An order that is paid on the bank's page, and its payment.
    pub(crate) fn paid_order(&mut self) -> (OrderId, String) {
        let id = self.order(PaymentMethod::Online);
        self.pay(id, "4242424242424242");
        self.hear("payment.captured");
        let payment = self.payment(id);
        assert_eq!(payment["state"], "captured");
        (id, payment["id"].as_str().unwrap().to_owned())
    }

    /// Waits until the bank has sent an event of this type, and takes everything that it sent so far out of the inbox.
    pub(crate) fn callbacks(&self, kind: &str) -> Vec<Callback> {
        let waiting = self.inbox.waiting.lock().unwrap();
        let has = |callbacks: &mut Vec<Callback>| !callbacks.iter().any(|callback| callback.kind() == kind);
        let (mut waiting, waited) = self.inbox.came.wait_timeout_while(waiting, PATIENCE, has).unwrap();
        assert!(!waited.timed_out(), "no {kind}, only {waiting:?}");
        std::mem::take(&mut *waiting)
    }

    /// Passes a callback on to the service.
    pub(crate) fn call_back(&self, callback: &Callback) -> Answer {
        self.harness
            .post("/payments/callbacks/sandbox")
            .header("x-bank-timestamp", &callback.timestamp)
            .header("x-bank-signature", &callback.signature)
            .bytes("application/json", callback.body.clone().into_bytes())
            .send()
    }

    /// The bank's event of this type, and everything before it, arrives and is looked into.
    pub(crate) fn hear(&mut self, kind: &str) {
        for callback in self.callbacks(kind) {
            self.call_back(&callback).expect(200);
        }
        self.harness.settle();
    }

    /// Whatever the bank has sent so far arrives and is looked into; waits a moment for a first one.
    pub(crate) fn hear_what_came(&mut self) {
        let waiting = self.inbox.waiting.lock().unwrap();
        let moment = Duration::from_millis(100);
        let (mut waiting, _) =
            self.inbox.came.wait_timeout_while(waiting, moment, |callbacks| callbacks.is_empty()).unwrap();
        let came = std::mem::take(&mut *waiting);
        drop(waiting);
        for callback in came {
            self.call_back(&callback).expect(200);
        }
        self.harness.settle();
    }

    /// What others were told of an order's payments, in order.
    pub(crate) fn told(&self, id: OrderId) -> Vec<PaymentMoved> {
        store::statements! {
            /// What was published on a topic under a key.
            PAYLOADS = "SELECT payload FROM events WHERE topic = 'payments' AND key = $1 ORDER BY seq";
        }
        let db = self.harness.store().kit("eventlog", eventlog::MIGRATIONS).unwrap();
        let payloads: Result<Vec<String>, store::StoreError> =
            db.read_blocking(move |snapshot| snapshot.list(&PAYLOADS, &store::params![id], |row| row.get(0)));
        payloads.unwrap().iter().map(|payload| serde_json::from_str(payload).unwrap()).collect()
    }

    /// The words of the states that others were told.
    pub(crate) fn told_states(&self, id: OrderId) -> Vec<String> {
        self.told(id).iter().map(|moved| moved.state.to_string()).collect()
    }

    /// The ledger of an order: kind, account, debit or credit, minor units.
    pub(crate) fn ledger(&self, id: OrderId) -> Vec<(String, String, i64)> {
        let page = self.harness.get(&format!("/ledger?order_id={id}")).by(&manager()).send().expect(200).json();
        let mut lines = Vec::new();
        for transaction in page["items"].as_array().unwrap() {
            for entry in transaction["entries"].as_array().unwrap() {
                let minor =
                    entry["debit"]["amount"].as_i64().or_else(|| entry["credit"]["amount"].as_i64().map(|m| -m));
                let kind = transaction["kind"].as_str().unwrap().to_owned();
                lines.push((kind, entry["account"].as_str().unwrap().to_owned(), minor.unwrap()));
            }
        }
        lines
    }

    /// How many transactions a consumer makes of what is there for it.
    pub(crate) fn commits_of(&mut self, consumer: &str) -> u64 {
        let committed = |world: &Self| world.harness.store().stats().committed;
        let before = committed(self);
        while self.harness.platform().step_part(consumer, self.clock.now()).unwrap() {}
        committed(self) - before
    }

    /// A second passes.
    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    /// Asks for a refund as the manager.
    pub(crate) fn refund(&self, payment_id: &str, key: &str, minor: i64) -> Answer {
        self.harness
            .post(&format!("/payments/{payment_id}/refunds"))
            .by(&manager())
            .key(key)
            .json(&json!({"amount": {"amount": minor, "currency": "RUB"}, "reason": "the milk was sour"}))
            .send()
    }

    /// Every finding of the audit.
    pub(crate) fn findings(&self) -> Vec<String> {
        let report = self.harness.audit();
        let found = report.checks.iter().flat_map(|check| {
            check.findings.iter().map(|finding| format!("{} {}: {}", check.id, finding.subject, finding.message))
        });
        found.collect()
    }

    /// The audit names nothing.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.findings(), Vec::<String>::new());
    }
}

/// What a running business would have its audit name after a minute.
pub(crate) fn assert_nothing_waits(harness: &ServiceHarness) {
    let stats = Log::open(harness.store()).unwrap().stats().unwrap();
    let waits =
        |consumer: &eventlog::ConsumerStats| consumer.waiting > 0 || consumer.topics.iter().any(|topic| topic.lag > 0);
    let waiting: Vec<_> = stats.iter().filter(|consumer| waits(consumer)).collect();
    assert!(waiting.is_empty(), "{waiting:?}");
    let report = harness.audit();
    assert_eq!(report.findings(), 0, "{report}");
}

pub(crate) fn mount(
    database: &TestDatabase,
    clock: &FakeClock,
    settings: &[(&'static str, &'static str)],
    outbound: ScriptedOutbound,
    seed: u64,
) -> ServiceHarness {
    let options = HarnessOptions {
        clock: clock.clone(),
        rng: SeededRng::new(seed),
        outbound,
        settings: settings.to_vec(),
        ..HarnessOptions::default()
    };
    ServiceHarness::mount_with(database, MOUNT, options)
}

fn real_outbound(silenced: &Silenced, clock: &FakeClock) -> ScriptedOutbound {
    let real = UreqOutbound::new(&Settings::defaults(&[OUTBOUND_SETTINGS]));
    let (silenced, clock) = (Arc::clone(silenced), clock.clone());
    ScriptedOutbound::answering(move |request| {
        let fate =
            silenced.lock().unwrap().clone().filter(|(part, _)| request.url.contains(part)).map(|(_, fate)| fate);
        let host = "the bank".to_owned();
        match fate {
            None => real.send(request),
            Some(Fate::Silent) => Err(OutboundError::Timeout { host, timeout_ms: request.timeout_ms }),
            Some(Fate::Unreachable) => Err(OutboundError::Unreachable { host, reason: "cut off".to_owned() }),
            Some(Fate::Slow(each)) => {
                clock.advance(each);
                Err(OutboundError::Timeout { host, timeout_ms: request.timeout_ms })
            }
        }
    })
}

fn start_bank(folder: &tempfile::TempDir, clock: &FakeClock, address: &str) -> Bank {
    Bank::start(BankConfig {
        listen: address.parse().unwrap(),
        public_url: None,
        data_file: folder.path().join("bank.db"),
        secret: SECRET.to_owned(),
        pay_within: Duration::from_secs(900),
        clock: clock.shared(),
        rng: Arc::new(OsRng),
    })
    .unwrap()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(1)))
        .build()
        .into()
}

/// Takes what the bank posts and keeps it for the test.
fn listen(inbox: &Arc<Inbox>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let inbox = Arc::clone(inbox);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let callback = read(&mut BufReader::new(stream.try_clone().unwrap()));
            inbox.waiting.lock().unwrap().push(callback);
            inbox.came.notify_all();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    url
}

fn read(reader: &mut impl std::io::BufRead) -> Callback {
    let (mut timestamp, mut signature, mut length) = (String::new(), String::new(), 0);
    for line in std::io::Read::by_ref(reader).lines() {
        let line = line.unwrap();
        let Some((name, value)) = line.split_once(':') else {
            if line.is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-bank-timestamp" => value.trim().clone_into(&mut timestamp),
            "x-bank-signature" => value.trim().clone_into(&mut signature),
            "content-length" => length = value.trim().parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Callback { timestamp, signature, body: String::from_utf8(body).unwrap() }
}
