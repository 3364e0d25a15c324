//! A shop to play a story in: the program as a process on a database of its own, the sandbox bank beside it, a menu,
//! staff and guests.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock as _, OsRng, Rng as _, SystemClock};
use sandbox::bank::{Bank, BankConfig};
use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::api::Api;

pub(crate) const SECRET: &str = "the bank's secret of this test";
/// How long it may take until everything has come to rest.
const REST_MAX: Duration = Duration::from_secs(60);

pub(crate) const PASSWORD: &str = "kettle-harbour-sonata-41";

/// The program, its bank and its data.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    database_url: Option<String>,
    bank: Option<Bank>,
    public: SocketAddr,
    private: Option<String>,
    process: Option<Child>,
    extra: Vec<String>,
    log: Option<PathBuf>,
}

/// The business that [`Stage::open_shop`] sets up.
pub(crate) struct Shop {
    pub(crate) id: String,
    pub(crate) manager: Api,
    pub(crate) barista: Api,
    /// A counted thing, of which there are as many as asked.
    pub(crate) cake: String,
    /// Made to order.
    pub(crate) latte: String,
}

impl Stage {
    /// Everything started, nothing set up. `extra` are further settings, `key=value`.
    pub(crate) fn new(database: &TestDatabase, extra: &[&str]) -> Self {
        Self::with_log(database, extra, |_| None)
    }

    /// The same; the log of the program goes into a file, see [`Stage::log`].
    pub(crate) fn logged(database: &TestDatabase, extra: &[&str]) -> Self {
        Self::with_log(database, extra, |folder| Some(folder.join("log")))
    }

    fn with_log(database: &TestDatabase, extra: &[&str], log: fn(&Path) -> Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        let public = free_address();
        let mut stage = Self {
            folder,
            database_url: database.is_postgres().then(|| database.url()),
            bank: None,
            public,
            private: None,
            process: None,
            extra: extra.iter().map(|e| (*e).to_owned()).collect(),
            log,
        };
        stage.bank = Some(stage.start_bank());
        let password = stage.path("admin-password");
        std::fs::write(&password, PASSWORD).unwrap();
        let file = format!("--password-file={}", password.display());
        let created = stage.command(&["admin", "create", "--email", "admin@shop.example", &file]).output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        stage.start();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_bank(&self) -> Bank {
        Bank::start(BankConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: None,
            data_file: self.path("bank.db"),
            secret: SECRET.to_owned(),
            pay_within: Duration::from_secs(900),
            clock: Arc::new(SystemClock::new()),
            rng: Arc::new(OsRng),
        })
        .unwrap()
    }

    /// The program with the stage's data and settings.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let bank = self.bank.as_ref().expect("the bank runs");
        let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
        command.args(words).arg("--data").arg(self.path("data"));
        let settings = [
            format!("server.listen={}", self.public),
            "server.private_listen=127.0.0.1:0".to_owned(),
            "limits.enabled=false".to_owned(),
            format!("payments.public_url=http://{}", self.public),
            format!("payments.bank_url={}", bank.url()),
            format!("payments.bank_secret={SECRET}"),
            "payments.ask_after=500ms".to_owned(),
            "log.level=warn".to_owned(),
        ];
        let key = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
        let is_usual = |setting: &&String| self.extra.iter().all(|other| key(other) != key(setting));
        for setting in settings.iter().filter(is_usual).chain(&self.extra) {
            command.arg("--set").arg(setting);
        }
        if let Some(url) = &self.database_url {
            command.env("SAMOVAR_DATABASE_URL", url);
        }
        command
    }

    /// Starts the program and waits until it answers.
    pub(crate) fn start(&mut self) {
        let mut command = self.command(&["serve", "--json"]);
        if let Some(log) = &self.log {
            command.stderr(File::options().create(true).append(true).open(log).unwrap());
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).unwrap_or_default();
        self.private = addresses["private"].as_str().map(str::to_owned);
        assert!(self.private.is_some(), "the program did not start: {line}");
        self.process = Some(process);
    }

    pub(crate) fn public(&self) -> SocketAddr {
        self.public
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("the program runs").id()
    }

    pub(crate) fn sqlite_file(&self) -> PathBuf {
        self.path("data").join("samovar.db")
    }

    /// What the program has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.as_ref().expect("the stage was made with a log")).unwrap()
    }

    /// What the program tells its operators.
    pub(crate) fn metrics(&self) -> String {
        let private = self.private.as_deref().expect("the program has been started");
        Api::new(&format!("http://{private}")).get("/metrics").text
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("the program runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// SIGTERM, and waits for the end; whether it ended well.
    pub(crate) fn stop(&mut self) -> bool {
        let mut process = self.process.take().expect("the program runs");
        let pid = rustix::process::Pid::from_child(&process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        process.wait().unwrap().success()
    }

    /// `samovar audit` over the stopped business: its report.
    pub(crate) fn audit(&self) -> Value {
        assert!(self.process.is_none(), "an audit of a stopped business");
        let output = self.command(&["audit", "--stopped", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            panic!("{e}: {} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        })
    }

    /// Stops the program and audits it. What was under way when it stopped (a payment that the bank has opened and nobody
    /// has recorded yet) needs a further start to be put right, and gets it, for a bounded time.
    #[track_caller]
    pub(crate) fn come_to_rest(&mut self) {
        let clock = SystemClock::new();
        let begun = clock.elapsed();
        loop {
            assert!(self.stop(), "the program ended with a failure");
            let report = self.audit();
            if report["clean"] == json!(true) {
                return;
            }
            assert!(clock.elapsed() - begun < REST_MAX, "at rest: {report:#}");
            self.start();
            // If it does not come to that, the next audit says what is left.
            let _heard = within(200, || self.has_heard_everything().then_some(()));
        }
    }

    /// Whether no consumer has events before it, or tries one again.
    fn has_heard_everything(&self) -> bool {
        let metrics = self.metrics();
        let left = metrics
            .lines()
            .filter(|line| line.starts_with("samovar_consumer_lag{") || line.starts_with("samovar_consumer_parked{"));
        left.clone().count() > 0 && left.into_iter().all(|line| line.ends_with(" 0"))
    }

    /// Nobody in particular.
    pub(crate) fn nobody(&self) -> Api {
        Api::new(&format!("http://{}", self.public))
    }

    pub(crate) fn sign_in(&self, email: &str) -> Api {
        let answer = self.nobody().post("/auth/login", &json!({"email": email, "password": PASSWORD})).expect(200);
        self.nobody().with_token(answer["access_token"].as_str().unwrap())
    }

    /// A new guest with this first name.
    pub(crate) fn guest(&self, name: &str) -> Api {
        let body =
            json!({"email": format!("{name}@guests.example"), "password": PASSWORD, "name": name, "language": "en"});
        let answer = self.nobody().post("/auth/register", &body).expect(201);
        self.nobody().with_token(answer["access_token"].as_str().unwrap())
    }

    fn staff(&self, admin: &Api, role: &str, shop_id: &str) -> Api {
        let email = format!("{role}-{:x}@shop.example", OsRng.next_u64());
        let body = json!({"email": email, "password": PASSWORD, "name": role, "language": "en"});
        let user = self.nobody().post("/auth/register", &body).expect(201)["user"]["id"].as_str().unwrap().to_owned();
        let read = admin.get(&format!("/users/{user}"));
        let grants = json!({"grants": [{"role": role, "shop_id": shop_id}]});
        admin.put(&format!("/users/{user}/grants"), read.etag(), &grants).expect(200);
        self.sign_in(&email)
    }

    /// A shop that is always open, with a cake that is counted and a latte that is made.
    pub(crate) fn open_shop(&self, cakes: i64) -> Shop {
        let admin = self.sign_in("admin@shop.example");
        let shop = json!({"name": "Kettle", "address": "Tverskaya 7", "lat": 55.7579, "lon": 37.6112, "time_zone": "Europe/Moscow",
            "currency": "RUB", "lead_time_min": 5, "hours": [], "closed_days": [], "slot_minutes": 10, "slot_capacity": null});
        let id = admin.post("/shops", &shop).expect(201)["id"].as_str().unwrap().to_owned();
        let (manager, barista) = (self.staff(&admin, "manager", &id), self.staff(&admin, "barista", &id));
        let product = |sku: &str, tracked: bool, price: i64| {
            let variant = json!({"sku": format!("{sku}-m"), "name": {"ru": "М", "en": "M"}, "price": {"amount": price, "currency": "RUB"}});
            let body = json!({"sku": sku, "category": "coffee", "name": {"ru": sku, "en": sku}, "tracked": tracked, "variants": [variant]});
            manager.post("/products", &body).expect(201)["variants"][0]["id"].as_str().unwrap().to_owned()
        };
        let (cake, latte) = (product("cake", true, 20_000), product("latte", false, 15_000));
        let receipt =
            json!({"shop_id": id, "variant_id": cake, "kind": "receipt", "quantity": cakes, "reason": "opening"});
        manager.post_with_key("/stock/movements", "opening-stock-0001", &receipt).expect(201);
        Shop { id, manager, barista, cake, latte }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if let Some(bank) = self.bank.take() {
            bank.stop();
        }
    }
}

/// An address that nobody listens on. The program gets it a moment later; a test that loses the race fails loudly.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits for `done`, a bounded number of times; what is waited for happens in other processes.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, done: impl FnMut() -> Option<T>) -> T {
    within(600, done).unwrap_or_else(|| panic!("{what} did not happen within 30 seconds"))
}

/// Asks so many times, 50 ms apart, whether something is there.
pub(crate) fn within<T>(tries: usize, mut done: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..tries {
        if let Some(found) = done() {
            return Some(found);
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    None
}
