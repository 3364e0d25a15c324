//! Services put together in one process on one store: the same for the program, for tests and for the simulation.
//!
//! Mounting a service runs its migrations, builds it and connects the calls; nothing runs yet. Then either
//! [`Platform::supervise`] gives the consumers and timers threads, or somebody calls [`Platform::step`].

mod housekeeping;
mod log_checks;
mod log_readings;
mod secrets;
mod trace;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use eventlog::{Consumer, Log, Runner, Running, Step};
use kernel::{Clock, Code, Rng, Timestamp};
use store::{Db, Migration, Statement, Store, StoreError};
use utoipa_axum::router::OpenApiRouter;

pub use self::housekeeping::until_time_is_up;
use crate::metrics::{Metrics, read_store};
use crate::{
    AnsweredTwice, Audited, Auditor, CallHandler, Calls, Check, Deps, FactSet, Health, Outbound, Revocations, Service,
    Setting, Settings, Start, Stop, Supervisor, TimerLoop, Turn, VerificationKeys, instance_name,
};

/// How often the threads of the consumers are looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One row of the table of services: what can be mounted.
#[derive(Clone, Copy, Debug)]
pub struct Mount {
    /// `orders`.
    pub name: &'static str,
    /// Its tables.
    pub migrations: &'static [Migration],
    /// What may be configured; wanted before the service can be built.
    pub settings: &'static [Setting],
    /// Builds it.
    pub service: fn(Deps) -> Service,
}

/// What a process stands on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The database of all services of the process.
    pub store: Store,
    /// Checked settings.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// HTTP to the outside.
    pub outbound: Arc<dyn Outbound>,
}

/// Why services cannot be mounted.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The database does not take their tables.
    #[error("the tables of {service} cannot be brought up to date: {source}")]
    Store {
        /// Whose tables.
        service: &'static str,
        /// The store's reason.
        source: StoreError,
    },
    /// Two of them answer the same call.
    #[error(transparent)]
    Calls(#[from] AnsweredTwice),
}

/// A mounted service, without what runs.
#[derive(Debug)]
struct Mounted {
    name: &'static str,
    db: Db,
    checks: Vec<Check>,
    facts: Vec<FactSet>,
    statements: &'static [&'static Statement],
    errors: &'static [&'static Code],
}

/// Mounted services.
pub struct Platform {
    store: Store,
    log: Log,
    log_db: Db,
    clock: Arc<dyn Clock>,
    calls: Calls,
    revocations: Arc<Revocations>,
    keys: Arc<VerificationKeys>,
    closing: Stop,
    services: Vec<Mounted>,
    routes: Vec<(&'static str, OpenApiRouter)>,
    consumers: Vec<(Db, Consumer)>,
    timers: Vec<TimerLoop>,
    starts: Vec<(&'static str, Start)>,
    /// Made at the first step, never beside threads.
    runner: Option<Runner>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("services", &self.services).finish_non_exhaustive()
    }
}

impl Platform {
    /// Mounts these services. `others` answers the calls of services that run elsewhere (in tests: fakes).
    ///
    /// # Errors
    ///
    /// See [`MountError`].
    pub fn mount(ground: &Ground, mounts: &[Mount], others: Vec<CallHandler>) -> Result<Self, MountError> {
        let of_log = |source| MountError::Store { service: "eventlog", source };
        let log = Log::open(&ground.store).map_err(of_log)?;
        let log_db = log.db().clone();
        let mut platform = Self {
            store: ground.store.clone(),
            log,
            log_db,
            clock: Arc::clone(&ground.clock),
            calls: Calls::new(Arc::clone(&ground.clock)),
            revocations: Arc::default(),
            keys: Arc::default(),
            closing: Stop::new(),
            services: Vec::new(),
            routes: Vec::new(),
            consumers: Vec::new(),
            timers: Vec::new(),
            starts: Vec::new(),
            runner: None,
        };
        let mut handlers = others;
        let instance = instance_name(&platform.log_db);
        let own = housekeeping::timers(&platform.log, &platform.log_db).into_iter();
        let own = own.chain([trail::sealing(&platform.log_db)]);
        platform.timers = own.map(|timer| TimerLoop::new(timer, platform.log_db.clone(), instance.clone())).collect();
        for mount in mounts {
            let (service, db) = platform.build(ground, mount)?;
            handlers.extend(platform.take_in(service, &db, &instance));
        }
        platform.calls.connect(handlers)?;
        Ok(platform)
    }

    fn build(&self, ground: &Ground, mount: &Mount) -> Result<(Service, Db), MountError> {
        let db = ground
            .store
            .db(mount.name, mount.migrations)
            .map_err(|source| MountError::Store { service: mount.name, source })?;
        let service = (mount.service)(Deps {
            db: db.clone(),
            calls: self.calls.clone(),
            clock: Arc::clone(&ground.clock),
            rng: Arc::clone(&ground.rng),
            settings: ground.settings.clone(),
            outbound: Arc::clone(&ground.outbound),
            revocations: Arc::clone(&self.revocations),
            keys: Arc::clone(&self.keys),
            closing: self.closing.clone(),
        });
        assert_eq!(service.name, mount.name, "a service and its row in the table have one name");
        Ok((service, db))
    }

    /// Keeps what the service consists of; gives back the calls that it answers.
    fn take_in(&mut self, service: Service, db: &Db, instance: &str) -> Vec<CallHandler> {
        let Service { name, routes, calls, consumers, timers, statements, errors, checks, facts, starts, .. } = service;
        self.starts.extend(starts.into_iter().map(|start| (name, start)));
        self.routes.push((name, routes));
        self.consumers.extend(consumers.into_iter().map(|consumer| (db.clone(), trace::traced(consumer))));
        self.timers.extend(timers.into_iter().map(|timer| TimerLoop::new(timer, db.clone(), instance.to_owned())));
        self.services.push(Mounted { name, db: db.clone(), checks, facts, statements, errors });
        calls
    }

    /// The documented routes of each service; once, afterwards there are none.
    pub fn take_routes(&mut self) -> Vec<(&'static str, OpenApiRouter)> {
        std::mem::take(&mut self.routes)
    }

    /// The asker's side of the calls.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The event log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Who is refused.
    #[must_use]
    pub fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// What tokens are checked with.
    #[must_use]
    pub fn keys(&self) -> &Arc<VerificationKeys> {
        &self.keys
    }

    /// What the services take as the end of all requests; the public servers stop by it ([`Supervisor::new`]).
    #[must_use]
    pub fn closing(&self) -> &Stop {
        &self.closing
    }

    /// The tables of a service, for commands and tests.
    #[must_use]
    pub fn db(&self, service: &str) -> Option<&Db> {
        self.services.iter().find(|mounted| mounted.name == service).map(|mounted| &mounted.db)
    }

    /// The failures of all mounted services.
    pub fn errors(&self) -> impl Iterator<Item = &'static Code> + '_ {
        self.services.iter().flat_map(|mounted| mounted.errors.iter().copied())
    }

    /// Prepares every statement of every mounted service.
    ///
    /// # Errors
    ///
    /// The first that does not prepare, by name.
    pub fn prepare_all(&self) -> Result<(), StoreError> {
        self.services.iter().try_for_each(|mounted| mounted.db.prepare_all(mounted.statements))
    }

    /// Everything that `samovar audit` checks: the services' checks, those of the log, and the chain of the audit trail.
    #[must_use]
    pub fn auditor(&self) -> Auditor {
        let mut audited: Vec<_> = self
            .services
            .iter()
            .map(|mounted| Audited {
                service: mounted.name,
                db: mounted.db.clone(),
                checks: mounted.checks.clone(),
                facts: mounted.facts.clone(),
            })
            .collect();
        let db = self.log_db.clone();
        let audit = |service, checks| Audited { service, db: db.clone(), checks, facts: Vec::new() };
        let log_checks = log_checks::all().into_iter().chain([secrets::check(&self.log_db)]).collect();
        audited.extend([audit("eventlog", log_checks), audit("store", vec![trail::check(&self.log_db)])]);
        Auditor::new(audited, move || db.read_blocking(eventlog::audit::undelivered_keys))
    }

    /// Has health ask the databases and metrics read the store and the log.
    pub fn watch(&self, health: &Health, metrics: &Metrics) {
        for mounted in self.services.iter().take(1) {
            health.database(mounted.db.clone());
        }
        read_store(metrics.readings(), "main", &self.store);
        log_readings::read_log(metrics.readings(), &self.log, &self.consumers);
    }

    /// Has the services do what they do before the first request; further times do nothing. For whoever serves: a
    /// command that only looks must not make anything.
    ///
    /// # Errors
    ///
    /// The first that could not, by its service.
    pub fn start(&mut self) -> Result<(), String> {
        for (service, start) in std::mem::take(&mut self.starts) {
            start().map_err(|reason| format!("{service} cannot start: {reason}"))?;
        }
        Ok(())
    }

    /// One step of every consumer, then of every timer, on this thread; whether anything was done.
    ///
    /// # Errors
    ///
    /// What failed in a timer; the others have had their turn all the same.
    pub fn step(&mut self, now: Timestamp) -> Result<bool, String> {
        let runner = self.runner.get_or_insert_with(|| runner(&self.log, &self.consumers));
        let mut worked = matches!(runner.step(now), Step::Worked(_));
        let mut failed = None;
        for timer in &mut self.timers {
            match timer.step() {
                Turn::Done | Turn::DoneInPart => worked = true,
                Turn::NotDue(_) | Turn::HeldElsewhere => {}
                Turn::Failed(reason) => failed = Some(format!("{}: {reason}", timer.name())),
            }
        }
        failed.map_or(Ok(worked), Err)
    }

    /// Every consumer and timer, by name, in the order of [`Platform::step`].
    #[must_use]
    pub fn parts(&self) -> Vec<&'static str> {
        let consumers = self.consumers.iter().map(|(_, consumer)| consumer.name());
        consumers.chain(self.timers.iter().map(TimerLoop::name)).collect()
    }

    /// One step of one consumer or timer: a simulation says whose turn it is. Whether anything was done.
    ///
    /// # Errors
    ///
    /// What failed in the timer.
    pub fn step_part(&mut self, part: &str, now: Timestamp) -> Result<bool, String> {
        if let Some(timer) = self.timers.iter_mut().find(|timer| timer.name() == part) {
            return match timer.step() {
                Turn::Done | Turn::DoneInPart => Ok(true),
                Turn::NotDue(_) | Turn::HeldElsewhere => Ok(false),
                Turn::Failed(reason) => Err(format!("{part}: {reason}")),
            };
        }
        let runner = self.runner.get_or_insert_with(|| runner(&self.log, &self.consumers));
        Ok(matches!(runner.step_one(part, now), Step::Worked(_)))
    }

    /// Gives consumers and timers their threads.
    pub fn supervise(self, supervisor: &mut Supervisor) {
        let (log, clock) = (self.log, self.clock);
        if !self.consumers.is_empty() {
            let consumers = self.consumers;
            supervisor.thread("consumers", move |stop| consume(runner(&log, &consumers).start(&clock), stop));
        }
        for timer in self.timers {
            supervisor.timer(timer);
        }
    }
}

fn runner(log: &Log, consumers: &[(Db, Consumer)]) -> Runner {
    let mut runner = log.runner();
    for (db, consumer) in consumers {
        runner.add(db, consumer.clone());
    }
    runner
}

/// Runs the consumers until told to stop, and then until the events in their hands are done; dies with a consumer
/// that died.
fn consume(started: std::io::Result<Running>, stop: &Stop) {
    let running = started.expect("the operating system gives threads to a process that starts");
    while !stop.is_asked() {
        stop.wait(LOOK_EVERY);
        if let Some(thread) = running.ended() {
            panic!("the consumer {thread} ended");
        }
    }
    running.stop();
}
