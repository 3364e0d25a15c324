//! A shop that opens payments and takes callbacks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use kernel::{OsRng, SystemClock};
use sandbox::bank::{Bank, BankConfig};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "the bank's and the shop's";
/// Nothing here takes longer on any machine that works.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn a_bank(folder: &Path) -> Bank {
    a_bank_that_waits(folder, Duration::from_secs(900))
}

pub(crate) fn a_bank_that_waits(folder: &Path, pay_within: Duration) -> Bank {
    Bank::start(BankConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        data_file: folder.join("bank.db"),
        secret: SECRET.to_owned(),
        pay_within,
        clock: Arc::new(SystemClock::new()),
        rng: Arc::new(OsRng),
    })
    .unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let text = response.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body, text }
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(2)))
        .build()
        .into()
}

pub(crate) fn post(url: &str, key: &str, body: &Value) -> Result<Answer, ureq::Error> {
    agent().post(url).header("Idempotency-Key", key).send(body.to_string().as_bytes()).map(answer)
}

pub(crate) fn get(url: &str) -> Answer {
    agent().get(url).call().map(answer).unwrap()
}

pub(crate) fn delete(url: &str) -> Answer {
    agent().delete(url).call().map(answer).unwrap()
}

pub(crate) fn form(url: &str, body: &str) -> Result<Answer, ureq::Error> {
    agent().post(url).content_type("application/x-www-form-urlencoded").send(body.as_bytes()).map(answer)
}

/// Opens a payment of 620 roubles and returns what the bank says of it.
pub(crate) fn open(bank: &str, order_id: &str, callback_url: &str) -> Value {
    let ask = json!({
        "amount": {"amount": 62_000, "currency": "RUB"},
        "order_id": order_id,
        "return_url": "http://shop.example/thanks",
        "callback_url": callback_url,
    });
    let opened = post(&format!("{bank}/v1/payments"), order_id, &ask).unwrap();
    assert_eq!(opened.status, 201, "{}", opened.text);
    opened.body
}

pub(crate) fn pay(payment: &Value, card: &str) -> Answer {
    form(payment["page_url"].as_str().unwrap(), &format!("card={card}")).unwrap()
}

pub(crate) fn payment(bank: &str, opened: &Value) -> Value {
    get(&format!("{bank}/v1/payments/{}", opened["id"].as_str().unwrap())).body
}

pub(crate) fn fault(bank: &str, body: &Value) {
    let set = post(&format!("{bank}/v1/faults"), "", body).unwrap();
    assert_eq!(set.status, 201, "{}", set.text);
}

/// One callback as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) raw: String,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Inbox {
    callbacks: Mutex<Vec<Callback>>,
    arrived: Condvar,
}

/// The shop's callback address: refuses the first so many, then takes everything.
pub(crate) struct Shop {
    pub(crate) url: String,
    inbox: Arc<Inbox>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::that_refuses_first(0)
    }

    pub(crate) fn that_refuses_first(refused: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/callbacks", listener.local_addr().unwrap());
        let inbox = Arc::new(Inbox::default());
        let kept = Arc::clone(&inbox);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let callback = read(&mut BufReader::new(stream.try_clone().unwrap()));
                let mut callbacks = kept.callbacks.lock().unwrap();
                callbacks.push(callback);
                let status = if callbacks.len() <= refused { "503 Service Unavailable" } else { "200 OK" };
                kept.arrived.notify_all();
                drop(callbacks);
                write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            }
        });
        Self { url, inbox }
    }

    /// Everything that arrived, once it satisfies `enough`.
    pub(crate) fn when(&self, enough: impl Fn(&[Callback]) -> bool) -> Vec<Callback> {
        let callbacks = self.inbox.callbacks.lock().unwrap();
        let (callbacks, waited) =
            self.inbox.arrived.wait_timeout_while(callbacks, PATIENCE, |callbacks| !enough(callbacks)).unwrap();
        assert!(!waited.timed_out(), "only these came: {callbacks:#?}");
        callbacks.clone()
    }

    /// Waits for an event of this type and returns it.
    pub(crate) fn event(&self, kind: &str) -> Callback {
        let callbacks = self.when(|callbacks| callbacks.iter().any(|callback| callback.body["type"] == kind));
        callbacks.into_iter().find(|callback| callback.body["type"] == kind).unwrap()
    }
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
    let mut raw = vec![0; length];
    reader.read_exact(&mut raw).unwrap();
    let raw = String::from_utf8(raw).unwrap();
    Callback { timestamp, signature, body: serde_json::from_str(&raw).unwrap(), raw }
}
