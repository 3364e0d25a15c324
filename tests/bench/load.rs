//! Load in a closed loop (so many callers, each asks again once it is answered) and in an open one (so many requests a
//! second, whatever becomes of them).

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use crate::connection::Connection;

/// How long one load is measured, after it has run for [`WARM`].
pub(crate) const MEASURED: Duration = Duration::from_secs(8);
const WARM: Duration = Duration::from_secs(2);

/// What a caller asks next: the caller's number and how often it has asked.
pub(crate) type Next = Rc<dyn Fn(usize, u64) -> Vec<u8>>;

/// A load of a fixed number of callers.
#[derive(Clone)]
pub(crate) struct Closed {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// The status that counts.
    pub(crate) good: u16,
    pub(crate) next: Next,
}

/// A load of a fixed rate.
pub(crate) struct Open {
    pub(crate) closed: Closed,
    /// Requests a second.
    pub(crate) rate: u32,
    /// An answer later than this after its request was due counts for nothing.
    pub(crate) useful_within: Duration,
}

/// What came of a load.
pub(crate) struct Measured {
    connections: usize,
    seconds: f64,
    good_us: Vec<u32>,
    late: usize,
    others: BTreeMap<u16, u64>,
}

impl Measured {
    /// Good answers a second.
    pub(crate) fn per_s(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
        let good = self.good_us.len() as f64;
        good / self.seconds
    }

    fn quantile_ms(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into a list that is there"
        )]
        let at = ((self.good_us.len() as f64 * share) as usize).min(self.good_us.len().saturating_sub(1));
        f64::from(self.good_us.get(at).copied().unwrap_or(0)) / 1_000.0
    }

    pub(crate) fn figures(&self) -> Value {
        let mut figures = json!({"connections": self.connections, "per_s": self.per_s().round(),
            "p50_ms": self.quantile_ms(0.5), "p99_ms": self.quantile_ms(0.99), "max_ms": self.quantile_ms(1.0)});
        if self.late > 0 {
            figures["late"] = json!(self.late);
        }
        if !self.others.is_empty() {
            figures["others"] = json!(self.others);
        }
        figures
    }
}

/// Answers as they come in.
#[derive(Default)]
struct Tally {
    good_us: Vec<u32>,
    late: usize,
    others: BTreeMap<u16, u64>,
}

/// Runs a closed load on this thread.
pub(crate) fn closed(load: &Closed) -> Measured {
    closed_for(load, MEASURED)
}

/// The same for another time.
pub(crate) fn closed_for(load: &Closed, measured: Duration) -> Measured {
    let clock = Rc::new(SystemClock::new());
    let tally = Rc::new(RefCell::new(Tally::default()));
    let (from, until) = (clock.elapsed() + WARM, clock.elapsed() + WARM + measured);
    run(async {
        let callers = (0..load.connections).map(|caller| {
            let (load, clock, tally) = (load.clone(), Rc::clone(&clock), Rc::clone(&tally));
            tokio::task::spawn_local(async move {
                let mut connection = Connection::open(load.address).await;
                let mut round = 0;
                while clock.elapsed() < until {
                    let request = (load.next)(caller, round);
                    let begun = clock.elapsed();
                    let status = connection.ask(&request).await;
                    let ended = clock.elapsed();
                    round += 1;
                    if ended >= from && ended < until {
                        tally.borrow_mut().add(&load, status, ended - begun, &connection);
                    }
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    });
    tally.take().measured(load.connections, measured)
}

/// Runs an open load on this thread. Requests that find no caller free wait, and their time counts.
pub(crate) fn open(load: &Open) -> Measured {
    let clock = Rc::new(SystemClock::new());
    let tally = Rc::new(RefCell::new(Tally::default()));
    let due: Rc<RefCell<VecDeque<Duration>>> = Rc::default();
    let permits = Rc::new(Semaphore::new(0));
    let (from, until) = (clock.elapsed() + WARM, clock.elapsed() + WARM + MEASURED);
    run(async {
        for caller in 0..load.closed.connections {
            let (load, within) = (load.closed.clone(), load.useful_within);
            let (clock, tally, due, permits) =
                (Rc::clone(&clock), Rc::clone(&tally), Rc::clone(&due), Rc::clone(&permits));
            tokio::task::spawn_local(async move {
                let mut connection = Connection::open(load.address).await;
                for round in 0.. {
                    permits.acquire().await.unwrap().forget();
                    let begun = due.borrow_mut().pop_front().unwrap();
                    let request = (load.next)(caller, round);
                    let status = connection.ask(&request).await;
                    let ended = clock.elapsed();
                    if ended < from || ended >= until {
                        continue;
                    }
                    let mut tally = tally.borrow_mut();
                    if status == load.good && ended - begun > within {
                        tally.late += 1;
                    } else {
                        tally.add(&load, status, ended - begun, &connection);
                    }
                }
            });
        }
        // Every millisecond, as many as have become due since.
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        let (begun, mut sent) = (clock.elapsed(), 0_u32);
        while clock.elapsed() < until {
            tick.tick().await;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of some thousands")]
            let wanted = ((clock.elapsed() - begun).as_secs_f64() * f64::from(load.rate)) as u32;
            for n in sent..wanted {
                due.borrow_mut().push_back(begun + Duration::from_secs(1) * n / load.rate);
                permits.add_permits(1);
            }
            sent = wanted;
        }
    });
    tally.take().measured(load.closed.connections, MEASURED)
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work);
}

impl Tally {
    fn add(&mut self, load: &Closed, status: u16, took: Duration, connection: &Connection) {
        if status == load.good {
            self.good_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
            return;
        }
        let seen = self.others.entry(status).or_default();
        *seen += 1;
        // One of a kind is shown: a load that measures refusals should be seen to.
        if *seen == 1 && status != 503 {
            println!("  {status}: {}", String::from_utf8_lossy(connection.body()));
        }
    }

    fn measured(mut self, connections: usize, measured: Duration) -> Measured {
        self.good_us.sort_unstable();
        let seconds = measured.as_secs_f64();
        Measured { connections, seconds, good_us: self.good_us, late: self.late, others: self.others }
    }
}
