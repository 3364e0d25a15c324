//! Threads with names that are started again when they die.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kernel::Clock;
use tokio::sync::mpsc;

use super::restarts::{After, Restarts};
use super::{Stop, Stopped};

pub(super) type Run = Box<dyn FnMut(&Stop) + Send>;

#[derive(Debug)]
pub(super) struct Threads {
    clock: Arc<dyn Clock>,
    stop: Stop,
    deaths: mpsc::UnboundedSender<Stopped>,
    states: Arc<States>,
}

/// What each thread that has not ended is doing.
#[derive(Debug, Default)]
struct States {
    by_name: Mutex<BTreeMap<String, State>>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Down,
}

impl Threads {
    pub(super) fn new(clock: Arc<dyn Clock>, stop: Stop, deaths: mpsc::UnboundedSender<Stopped>) -> Self {
        Self { clock, stop, deaths, states: Arc::default() }
    }

    pub(super) fn start(&self, name: String, mut run: Run) {
        self.states.set(&name, State::Running);
        let (clock, stop, deaths) = (Arc::clone(&self.clock), self.stop.clone(), self.deaths.clone());
        let states = Arc::clone(&self.states);
        let thread = thread::Builder::new().name(name.clone());
        let keep = move || {
            let mut restarts = Restarts::default();
            while let Some(reason) = death(&mut run, &stop) {
                match restarts.died(clock.elapsed()) {
                    After::Restart(wait) => {
                        tracing::error!(thread = name, reason, "died; it is started again");
                        states.set(&name, State::Down);
                        stop.wait(wait);
                        states.set(&name, State::Running);
                    }
                    After::GiveUp(times) => {
                        // Nobody listens when the process is stopping already.
                        let _ = deaths.send(Stopped::PartDied { part: name.clone(), times, reason });
                        states.set(&name, State::Down);
                        return;
                    }
                }
            }
            states.end(&name);
        };
        thread.spawn(keep).expect("the operating system gives a thread to a process that starts");
    }

    /// Asks for the names of those that are down.
    pub(super) fn down(&self) -> impl Fn() -> Vec<String> + Send + Sync + use<> {
        let states = Arc::clone(&self.states);
        move || names(&states.locked(), |state| state == State::Down)
    }

    /// Waits until all running ones have ended, at most so long; the names of those that have not.
    pub(super) fn wait_all_ended(&self) -> impl FnOnce(Duration) -> Vec<String> + Send + use<> {
        let states = Arc::clone(&self.states);
        move |at_most| {
            let running = |by_name: &BTreeMap<String, State>| names(by_name, |state| state == State::Running);
            let waited =
                states.changed.wait_timeout_while(states.locked(), at_most, |by_name| !running(by_name).is_empty());
            running(&waited.unwrap_or_else(PoisonError::into_inner).0)
        }
    }
}

impl States {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, name: &str, state: State) {
        self.locked().insert(name.to_owned(), state);
        self.changed.notify_all();
    }

    fn end(&self, name: &str) {
        self.locked().remove(name);
        self.changed.notify_all();
    }
}

fn names(by_name: &BTreeMap<String, State>, wanted: impl Fn(State) -> bool) -> Vec<String> {
    by_name.iter().filter(|(_, state)| wanted(**state)).map(|(name, _)| name.clone()).collect()
}

/// Runs until it ends; why it died, or `None` when it was told to end.
fn death(run: &mut Run, stop: &Stop) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| run(stop))) {
        Err(panic) => Some(format!("it panicked: {}", said(panic.as_ref()))),
        Ok(()) if stop.is_asked() => None,
        Ok(()) => Some("it ended by itself".to_owned()),
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
