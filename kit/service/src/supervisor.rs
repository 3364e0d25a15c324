//! The supervisor: starts the parts of a process, keeps them running, and stops them in order.
//!
//! A part is a thread with a name that runs until it is told to stop (a consumer, a timer), or a server on the async
//! runtime. A part that panics or ends by itself is started again, a bounded number of times; then the process
//! stops, because one that looks alive without its consumers is worse than one that is restarted.
//!
//! Stopping has two steps: the servers take no new work and finish what they accepted, then the threads finish the
//! event or turn in their hands. All of it within a limit; what is not done by then is named in the log and comes
//! again after the next start, as after a crash. A second signal ends the process at once.

mod restarts;
mod signals;
mod stop;
mod threads;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kernel::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::signals::Signals;
pub use self::stop::Stop;
use self::threads::Threads;
use crate::{Health, Setting, SettingKind, TimerLoop, Turn};

/// The settings of the supervisor.
pub static SUPERVISOR_SETTINGS: &[Setting] = &[Setting {
    key: "server.shutdown_limit",
    default: "20s",
    kind: SettingKind::Duration { min_ms: 0, max_ms: 600_000 },
    doc: "How long the process may take to finish accepted work when it is told to stop.",
}];

/// Why a process stopped by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// A part died too often.
    #[error("{part} died {times} times within a minute: {reason}")]
    PartDied {
        /// Its name.
        part: String,
        /// How often.
        times: usize,
        /// The last time.
        reason: String,
    },
    /// A server ended by itself.
    #[error("the server {server} ended: {reason}")]
    ServerEnded {
        /// Its name.
        server: String,
        /// The reason.
        reason: String,
    },
}

/// The parts of one process.
#[derive(Debug)]
pub struct Supervisor {
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    /// Told first: servers that take work from outside.
    front: Stop,
    /// Told second: threads, and servers for operators.
    back: Stop,
    servers: JoinSet<Option<Stopped>>,
    operators: JoinSet<Option<Stopped>>,
    threads: Threads,
    died: mpsc::UnboundedReceiver<Stopped>,
    signals: Signals,
}

impl Supervisor {
    /// No parts yet. `health` is told when stopping begins, and `front` is asked then: the public servers watch it, and
    /// whoever makes requests wait. From now on signals are heard, and wait for [`Supervisor::run`].
    ///
    /// # Panics
    ///
    /// Outside the async runtime.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, health: Arc<Health>, front: Stop) -> Self {
        let (deaths, died) = mpsc::unbounded_channel();
        let back = Stop::new();
        let threads = Threads::new(Arc::clone(&clock), back.clone(), deaths);
        let (servers, operators) = (JoinSet::new(), JoinSet::new());
        Self { clock, health, front, back, servers, operators, threads, died, signals: Signals::listen() }
    }

    /// What the threads watch; asking it stops them.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.back
    }

    /// What the public servers watch; asking it begins the shutdown as a signal would.
    #[must_use]
    pub fn front(&self) -> &Stop {
        &self.front
    }

    /// Runs `run` on a thread of its own, again whenever it panics or returns before it was told to stop.
    ///
    /// # Panics
    ///
    /// If the operating system gives no thread: the process cannot start.
    pub fn thread(&mut self, name: impl Into<String>, run: impl FnMut(&Stop) + Send + 'static) {
        self.threads.start(name.into(), Box::new(run));
    }

    /// Runs a timer on a thread of its own.
    pub fn timer(&mut self, mut timer: TimerLoop) {
        let name = timer.name();
        self.thread(name, move |stop| {
            while !stop.is_asked() {
                match timer.step() {
                    Turn::NotDue(wait) => stop.wait(wait),
                    Turn::Done | Turn::DoneInPart | Turn::HeldElsewhere | Turn::Failed(_) => {}
                }
            }
            timer.release();
        });
    }

    /// Runs a server that takes work from outside: told to stop first. It ends when its [`Stop`] is asked and its
    /// accepted work is done; its error says why it ended by itself. Must be called inside the runtime.
    pub fn server<F, S>(&mut self, name: &'static str, serve: S)
    where
        S: FnOnce(Stop) -> F,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let stop = self.front.clone();
        self.servers.spawn(watched(name, stop.clone(), serve(stop)));
    }

    /// Runs a server for operators: told to stop last, so that health and metrics can be watched while the process
    /// shuts down. Must be called inside the runtime.
    pub fn operator_server<F, S>(&mut self, name: &'static str, serve: S)
    where
        S: FnOnce(Stop) -> F,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let stop = self.back.clone();
        self.operators.spawn(watched(name, stop.clone(), serve(stop)));
    }

    /// Names of the threads that are not running at this moment: dead, and waiting to be started again.
    pub fn thread_names_down(&self) -> impl Fn() -> Vec<String> + Send + Sync + use<> {
        self.threads.down()
    }

    /// Runs until SIGTERM, SIGINT, [`Supervisor::front`] being asked, or the death of a part; then stops everything
    /// within `limit`.
    ///
    /// # Errors
    ///
    /// The death that stopped the process.
    pub async fn run(mut self, limit: Duration) -> Result<(), Stopped> {
        let reason = self.wait_for_end().await;
        self.health.stop();
        let Self { clock, front, back, mut servers, mut operators, threads, signals, .. } = self;
        signals.end_at_the_next();
        if let Err(death) = &reason {
            tracing::error!(reason = %death, "the process stops");
        }
        let end = clock.elapsed() + limit;
        front.ask();
        drain(&mut servers, "servers", Self::servers_limit(limit)).await;
        back.ask();
        join(&threads, end.saturating_sub(clock.elapsed())).await;
        drain(&mut operators, "operators", end.saturating_sub(clock.elapsed())).await;
        reason
    }

    /// How much of the limit the public servers may take: one connection that never ends must not cost the threads the
    /// time to finish what is in their hands.
    #[must_use]
    pub fn servers_limit(limit: Duration) -> Duration {
        limit * 3 / 4
    }

    async fn wait_for_end(&mut self) -> Result<(), Stopped> {
        tokio::select! {
            signal = self.signals.next() => {
                tracing::info!(signal, "stopping: finishing what was accepted");
                Ok(())
            }
            () = self.front.asked() => Ok(()),
            Some(death) = self.died.recv() => Err(death),
            Some(ended) = self.servers.join_next() => end_of(ended),
            Some(ended) = self.operators.join_next() => end_of(ended),
        }
    }
}

async fn join(threads: &Threads, limit: Duration) {
    let wait = threads.wait_all_ended();
    let waited = tokio::task::spawn_blocking(move || wait(limit)).await;
    let running = waited.unwrap_or_default();
    if !running.is_empty() {
        tracing::warn!(threads = running.join(", "), "not done in time; their work comes again after the start");
    }
}

/// A server's end is a death unless it was asked for.
async fn watched(server: &'static str, stop: Stop, serve: impl Future<Output = Result<(), String>>) -> Option<Stopped> {
    let ended = serve.await;
    let server = server.to_owned();
    match ended {
        Err(reason) => Some(Stopped::ServerEnded { server, reason }),
        Ok(()) if stop.is_asked() => None,
        Ok(()) => Some(Stopped::ServerEnded { server, reason: "without being told".to_owned() }),
    }
}

fn end_of(ended: Result<Option<Stopped>, tokio::task::JoinError>) -> Result<(), Stopped> {
    let panicked =
        |e: tokio::task::JoinError| Stopped::ServerEnded { server: "http".to_owned(), reason: e.to_string() };
    ended.map_err(panicked)?.map_or(Ok(()), Err)
}

async fn drain(servers: &mut JoinSet<Option<Stopped>>, what: &str, limit: Duration) {
    let all = async { while servers.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, all).await.is_err() {
        tracing::warn!(what, "requests were not finished in time");
        servers.abort_all();
    }
}
