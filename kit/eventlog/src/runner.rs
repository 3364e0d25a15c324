//! Who runs consumers: step by step, or a thread for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use kernel::{Clock, Timestamp};
use store::Db;

use crate::log::NewGap;
use crate::signal::News;
use crate::tenure::Tenure;
use crate::worker::{Pace, Turn, Worker};
use crate::{Consumer, Log};

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many events were handled or parked; there may be more.
    Worked(usize),
    /// There is nothing to do before this moment, or before something happens.
    Idle {
        /// The next retry, probe or renewal.
        until: Option<Timestamp>,
    },
}

/// A consumer looks by itself this often, whatever it was told: a replay from the command line is noticed so.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// On PostgreSQL the log is not looked at again sooner after something was found or is just coming. Where much happens,
/// a look finds the news of several commits, and so does each consumer that it wakes: two hundred looks a second and not
/// thousands. It is the most that this adds to the time between a commit and its being heard.
const BREATH_ON_SERVER: Duration = Duration::from_millis(5);

/// The consumers of one process.
pub struct Runner {
    log: Log,
    workers: Vec<Worker>,
    tenure: Arc<Tenure>,
}

impl Runner {
    pub(crate) fn new(log: Log, owner: String) -> Self {
        let tenure = Arc::new(Tenure::new(log.db().clone(), owner));
        Self { log, workers: Vec::new(), tenure }
    }

    /// A consumer that writes through this door. Its positions stand in the same database.
    pub fn add(&mut self, db: &Db, consumer: Consumer) {
        self.tenure.add(consumer.name);
        let worker = Worker::new(consumer, db.clone(), self.log.clone(), Arc::clone(&self.tenure));
        self.workers.push(worker);
    }

    /// Looks at the log and lets each consumer do one step, on this thread, in the order they were added, one outside
    /// call at a time: the same events and the same clock give the same result.
    pub fn step(&mut self, now: Timestamp) -> Step {
        if !look(&self.log, &self.tenure, now, NewGap::Mark) {
            return Step::Idle { until: Some(now.plus(self.log.looked_at_every())) };
        }
        let mut worked = 0;
        let mut moved = false;
        let mut until = self.tenure.next_at();
        if self.log.waits_at_a_gap() {
            until = earlier(until, Some(now.plus(self.log.looked_at_every())));
        }
        for worker in &mut self.workers {
            match worker.step(now, Pace::OneByOne) {
                Turn::Worked(events) | Turn::Emptied(events, _) => (worked, moved) = (worked + events, true),
                Turn::Idle(at) => until = earlier(until, at),
            }
        }
        if moved { Step::Worked(worked) } else { Step::Idle { until } }
    }

    /// Looks at the log and lets this consumer alone do one step: a simulation says whose turn it is. One that is not run
    /// here has nothing to do.
    pub fn step_one(&mut self, consumer: &str, now: Timestamp) -> Step {
        if !look(&self.log, &self.tenure, now, NewGap::Mark) {
            return Step::Idle { until: Some(now.plus(self.log.looked_at_every())) };
        }
        let worker = self.workers.iter_mut().find(|worker| worker.name() == consumer);
        match worker.map(|worker| worker.step(now, Pace::OneByOne)) {
            Some(Turn::Worked(events) | Turn::Emptied(events, _)) => Step::Worked(events),
            Some(Turn::Idle(until)) => Step::Idle { until },
            None => Step::Idle { until: None },
        }
    }

    /// Starts a thread for each consumer, and one that looks at the log for all of them.
    ///
    /// # Errors
    /// When the operating system refuses a thread; those already started are stopped.
    pub fn start(self, clock: &Arc<dyn Clock>) -> std::io::Result<Running> {
        let mut running = Running {
            log: self.log.clone(),
            tenure: Arc::clone(&self.tenure),
            stopping: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
        };
        let (log, tenure, stop) = (self.log, self.tenure, Arc::clone(&running.stopping));
        let time = Arc::clone(clock);
        running.spawn("event-log", move || watch(&log, &tenure, &*time, &stop))?;
        for worker in self.workers {
            let (stop, time) = (Arc::clone(&running.stopping), Arc::clone(clock));
            running.spawn(worker.name(), move || consume(worker, &*time, &stop))?;
        }
        Ok(running)
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.workers.iter().map(Worker::name)).finish()
    }
}

/// Consumers at work on their threads. Dropping it stops them.
#[derive(Debug)]
pub struct Running {
    log: Log,
    tenure: Arc<Tenure>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// No consumer begins anything new from now on. Does not wait.
    pub fn ask_to_stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.log.db().commits().wake_all();
        self.log.listeners().tell(&News::Any);
    }

    /// Lets every consumer finish the events in its hand and ends its thread; then another process may take over.
    pub fn stop(self) {
        drop(self);
    }

    /// The name of a thread that has ended although nobody stopped it: a fault of this crate, and the process must not go
    /// on as if its consumers ran.
    #[must_use]
    pub fn ended(&self) -> Option<&str> {
        let ended = self.threads.iter().find(|thread| thread.is_finished());
        ended.map(|thread| thread.thread().name().unwrap_or("event-log"))
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ask_to_stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a consumer's thread had panicked");
            }
        }
        if let Err(error) = self.tenure.give_back() {
            tracing::warn!(%error, "the leases of the consumers run out by themselves");
        }
    }
}

/// Keeps the leases and finds how far the log can be read; whether the store let us.
fn look(log: &Log, tenure: &Tenure, now: Timestamp, gap: NewGap) -> bool {
    match tenure.keep(now).and_then(|gained| log.advance_over(gap).map(|_| gained)) {
        Ok(gained) => {
            if gained {
                log.listeners().tell(&News::Any);
            }
            true
        }
        Err(error) => {
            tracing::warn!(%error, "the event log cannot be looked at");
            false
        }
    }
}

/// Looks at the log for all consumers of the process: after each commit that brought events, and from time to time.
fn watch(log: &Log, tenure: &Tenure, clock: &dyn Clock, stop: &AtomicBool) {
    let commits = log.db().commits();
    let every = log.looked_at_every();
    loop {
        let (seen, end) = (commits.count(), log.end());
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let longest = if look(log, tenure, clock.now(), NewGap::Leave) { every } else { IDLE_MAX };
        if log.db().is_postgres() && (log.end() > end || log.waits_at_a_gap()) {
            std::thread::park_timeout(BREATH_ON_SERVER);
        }
        let _ = commits.wait(seen, longest);
    }
}

fn consume(mut worker: Worker, clock: &dyn Clock, stop: &AtomicBool) {
    let news = worker.news();
    loop {
        let seen = news.count();
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let now = clock.now();
        let until = match worker.step(now, Pace::Until(stop)) {
            Turn::Worked(_) => continue,
            Turn::Emptied(_, until) | Turn::Idle(until) => until,
        };
        let wait = until.map_or(IDLE_MAX, |at| at.since(now)).clamp(Duration::from_millis(1), IDLE_MAX);
        news.wait_past(seen, wait);
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
