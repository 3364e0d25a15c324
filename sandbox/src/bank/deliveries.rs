//! Threads that post what the bank owes, each delivery signed anew, until the shop has taken it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::books::{BankError, Books, Owed};
use super::faults::FaultKind;
use super::signature::sign;

/// A receiver that is slow holds up one thread, not the others.
const THREADS: usize = 4;
/// How long the shop may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a thread sleeps at most before it looks again: time may pass faster on the bank's clock than here.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Rung when something new is owed.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
    stop: AtomicBool,
}

impl Bell {
    pub(super) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    fn count(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until it rings again after `heard`, or `limit` has passed.
    fn wait(&self, heard: u64, limit: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(rung, limit, |rung| *rung == heard));
    }
}

#[derive(Debug)]
pub(super) struct Deliveries {
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
}

impl Deliveries {
    pub(super) fn start(books: &Arc<Books>, secret: &str) -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let mut threads = Vec::new();
        for number in 0..THREADS {
            let postman = Postman { books: Arc::clone(books), secret: secret.to_owned(), agent: agent() };
            let bell = Arc::clone(&bell);
            let thread = std::thread::Builder::new().name(format!("sandbox-callbacks-{number}"));
            threads.push(thread.spawn(move || postman.run(&bell))?);
        }
        Ok(Self { bell, threads })
    }

    pub(super) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    pub(super) fn stop(&mut self) {
        self.bell.stop.store(true, Ordering::SeqCst);
        self.bell.ring();
        for thread in self.threads.drain(..) {
            // A panic was printed where it happened.
            let _ = thread.join();
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_WITHIN))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into()
}

/// An event on its way to the shop.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where to.
    pub url: String,
    /// `X-Bank-Timestamp`.
    pub timestamp: String,
    /// `X-Bank-Signature`.
    pub signature: String,
    /// The JSON.
    pub body: String,
}

/// One delivery, if one is due, signed now and handed to `post`, which says whether the shop took it. `true` if there may
/// be another.
pub(super) fn deliver_one(
    books: &Books,
    secret: &str,
    post: impl FnOnce(&Delivery) -> bool,
) -> Result<bool, BankError> {
    books.settle()?;
    let Some(owed) = books.take_owed()? else { return Ok(false) };
    let is_down = books.strikes(FaultKind::Down)?.is_some();
    if !is_down && post(&signed(books, secret, &owed)) {
        books.delivered(&owed)?;
    } else {
        books.put_off(&owed)?;
    }
    Ok(true)
}

fn signed(books: &Books, secret: &str, owed: &Owed) -> Delivery {
    let timestamp = books.now().as_seconds().to_string();
    let secret = if owed.forged { "not the bank's secret" } else { secret };
    let signature = sign(secret, &timestamp, owed.body.as_bytes());
    Delivery { url: owed.url.clone(), timestamp, signature, body: owed.body.clone() }
}

struct Postman {
    books: Arc<Books>,
    secret: String,
    agent: ureq::Agent,
}

impl Postman {
    fn run(&self, bell: &Bell) {
        while !bell.stop.load(Ordering::SeqCst) {
            let heard = bell.count();
            match self.step() {
                Ok(true) => {}
                Ok(false) => bell.wait(heard, self.pause()),
                Err(e) => {
                    tracing::error!(error = %e, "the bank's file fails");
                    bell.wait(heard, LOOK_EVERY);
                }
            }
        }
    }

    /// One delivery, if one is due: `true` if there may be another.
    fn step(&self) -> Result<bool, BankError> {
        deliver_one(&self.books, &self.secret, |delivery| self.post(delivery))
    }

    /// Whether the shop took it.
    fn post(&self, delivery: &Delivery) -> bool {
        let sent = self
            .agent
            .post(&delivery.url)
            .header("Content-Type", "application/json")
            .header("X-Bank-Timestamp", &delivery.timestamp)
            .header("X-Bank-Signature", &delivery.signature)
            .send(delivery.body.as_bytes());
        match sent {
            Ok(answer) => answer.status().is_success(),
            Err(e) => {
                tracing::debug!(error = %e, callback.url = delivery.url, "the shop does not answer");
                false
            }
        }
    }

    fn pause(&self) -> Duration {
        let due_at = self.books.next_due_at().ok().flatten();
        due_at.map_or(LOOK_EVERY, |at| at.since(self.books.now()).min(LOOK_EVERY))
    }
}
