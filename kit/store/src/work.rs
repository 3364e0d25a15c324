//! A closure on its way to the thread that runs it, and its answer on the way back.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::{Snapshot, StoreError, Tx};

/// Whose statements a connection runs; the index is what caches and the fence know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
}

/// The kit itself: its tables are open to all services, and all tables are open to it.
pub(crate) const KIT: Service = Service { index: 0, name: "kit" };

/// How a run of a closure ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// With `Ok`: to be committed.
    Done,
    /// With `Err`: to be rolled back.
    Rejected,
    /// With a panic: to be rolled back.
    Panicked(String),
}

/// A closure whose answer somebody may wait for.
pub(crate) trait Awaited {
    /// Whether somebody still does. Who is gone before his closure's turn came gets nothing done, as if he had gone a
    /// moment earlier.
    fn is_awaited(&self) -> bool;
}

/// A closure that writes, without its types.
pub(crate) trait WriteWork: Awaited + Send {
    /// Runs it; may be called again when the run before was rolled back, or, of an idempotent one, nobody knows.
    fn run(&mut self, tx: &mut Tx<'_>) -> Ran;
    /// Hands the result of the last run out before its commit, if it is a step's that another one follows; whether it
    /// did.
    fn answer_early(&mut self) -> bool;
    /// Hands the result of the last run to whoever waits.
    fn answer(self: Box<Self>);
    /// Hands out a failure instead.
    fn fail(self: Box<Self>, error: StoreError);
}

/// A closure that reads, without its types.
pub(crate) trait ReadWork: Awaited + Send {
    /// Runs it; may be called again.
    fn run(&mut self, snapshot: &mut Snapshot<'_>) -> Ran;
    /// Hands the result of the last run to whoever waits.
    fn answer(self: Box<Self>);
    /// Hands out a failure instead.
    fn fail(self: Box<Self>, error: StoreError);
}

/// What a transaction is to those of the same request (see [`crate::in_steps`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Another one follows that waits for the disk; this one need not.
    pub(crate) is_followed: bool,
    /// It may stand only if the store has lost no batch since it had lost so many.
    pub(crate) upon: Option<u64>,
    /// It may wait a moment for others to share a trip to the disk with.
    pub(crate) is_patient: bool,
    /// It may share its transaction, which is run again, each by itself, when it fails or its answer is lost.
    pub(crate) is_in_company: bool,
}

/// A queued closure.
pub(crate) struct Job<W: ?Sized> {
    pub(crate) service: Service,
    /// The closure's path in the code, for logs.
    pub(crate) name: &'static str,
    pub(crate) traceparent: Option<String>,
    pub(crate) queued_at: Duration,
    pub(crate) step: Step,
    pub(crate) work: Box<W>,
}

/// A queued closure that writes.
pub(crate) type WriteJob = Job<dyn WriteWork>;
/// A queued closure that reads.
pub(crate) type ReadJob = Job<dyn ReadWork>;

/// Where an answer goes.
pub(crate) enum Reply<R> {
    /// To a task.
    Task(oneshot::Sender<R>),
    /// To a thread that blocks on it.
    Thread(crossbeam_channel::Sender<R>),
}

impl<R> Reply<R> {
    fn send(self, answer: R) {
        // Nobody may be waiting any more (a client hung up meanwhile): what has begun stands all the same.
        match self {
            Self::Task(sender) => drop(sender.send(answer)),
            Self::Thread(sender) => drop(sender.send(answer)),
        }
    }
}

/// A closure with its types and the result of its last run.
pub(crate) struct Task<F, T, E> {
    closure: F,
    result: Option<Result<T, E>>,
    /// Gone when the answer was given.
    reply: Option<Reply<Result<T, E>>>,
    /// For which results another step follows.
    goes_on: Option<fn(&T) -> bool>,
}

impl<F, T, E: From<StoreError>> Task<F, T, E> {
    pub(crate) const fn new(closure: F, reply: Reply<Result<T, E>>) -> Self {
        Self { closure, result: None, reply: Some(reply), goes_on: None }
    }

    /// A step: for these results another one follows.
    pub(crate) const fn step(closure: F, reply: Reply<Result<T, E>>, goes_on: fn(&T) -> bool) -> Self {
        Self { closure, result: None, reply: Some(reply), goes_on: Some(goes_on) }
    }

    fn keep(&mut self, result: std::thread::Result<Result<T, E>>) -> Ran {
        match result {
            Ok(result) => {
                let ran = if result.is_ok() { Ran::Done } else { Ran::Rejected };
                self.result = Some(result);
                ran
            }
            Err(panic) => {
                self.result = None;
                Ran::Panicked(panic_message(panic.as_ref()))
            }
        }
    }

    fn finish(self) {
        let missing = || Err(StoreError::fault("store", "a closure was answered before it ran").into());
        if let Some(reply) = self.reply {
            reply.send(self.result.unwrap_or_else(missing));
        }
    }

    fn reject(self, error: StoreError) {
        if let Some(reply) = self.reply {
            reply.send(Err(error.into()));
        }
    }
}

impl<F, T, E> Awaited for Task<F, T, E> {
    fn is_awaited(&self) -> bool {
        match &self.reply {
            Some(Reply::Task(sender)) => !sender.is_closed(),
            // A thread blocks until it has its answer; who was answered early comes back with the next step.
            Some(Reply::Thread(_)) | None => true,
        }
    }
}

impl<F, T, E> WriteWork for Task<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Ran {
        // Whatever state the panic left behind in the closure is dropped with it or overwritten by the next run.
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(tx)));
        self.keep(result)
    }

    fn answer_early(&mut self) -> bool {
        let (Some(goes_on), Some(Ok(result))) = (self.goes_on, &self.result) else { return false };
        if !goes_on(result) {
            return false;
        }
        if let (Some(reply), Some(result)) = (self.reply.take(), self.result.take()) {
            reply.send(result);
        }
        true
    }

    fn answer(self: Box<Self>) {
        self.finish();
    }

    fn fail(self: Box<Self>, error: StoreError) {
        self.reject(error);
    }
}

impl<F, T, E> ReadWork for Task<F, T, E>
where
    F: FnMut(&mut Snapshot<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, snapshot: &mut Snapshot<'_>) -> Ran {
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(snapshot)));
        self.keep(result)
    }

    fn answer(self: Box<Self>) {
        self.finish();
    }

    fn fail(self: Box<Self>, error: StoreError) {
        self.reject(error);
    }
}

/// A closure swallowed the failure of a statement: what it returned means nothing.
pub(crate) fn went_on(closure: &str, failure: &StoreError) -> StoreError {
    StoreError::fault(closure, format!("went on after a failed statement: {failure}"))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}
