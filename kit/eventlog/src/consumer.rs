//! What a service declares to hear events: a name, topics, and one function.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use store::Tx;

use crate::settle::guarded;
use crate::{Delivered, Failure};

/// What an effect leaves behind: run in one transaction with the position. May be run again after a lost race.
pub type Record = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Failure> + Send>;

type ApplyEach = Arc<dyn Fn(&mut Tx<'_>, &Delivered) -> Result<(), Failure> + Send + Sync>;
type ApplyAll = Arc<dyn Fn(&mut Tx<'_>, &[&Delivered]) -> Result<(), Failure> + Send + Sync>;
pub(crate) type Effect = Arc<dyn Fn(&Delivered) -> Result<Record, Failure> + Send + Sync>;

/// What [`Consumer::around`] puts about the handling: given the consumer's name, the event, and what to run.
pub type Around = fn(&'static str, &Delivered, &mut dyn FnMut());

/// How many outside calls of one consumer run at once unless it says otherwise.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");

/// A function that hears topics. Its name is its place in the log: renaming it makes a new consumer.
///
/// Within one key events come in order, one at a time; between keys nothing is promised. After a failure an event
/// comes again with the same id.
#[derive(Clone)]
pub struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) topics: Arc<[&'static str]>,
    pub(crate) handler: Handler,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) transactions: Transactions,
}

/// How many events share a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transactions {
    /// As many as are at hand.
    Shared,
    /// On PostgreSQL, at most one of these.
    OneOfTheseOnServer(fn(&Delivered) -> bool),
}

#[derive(Clone)]
pub(crate) enum Handler {
    Apply(Apply),
    Effect(Effect),
}

/// What runs in the transaction of the position.
#[derive(Clone)]
pub(crate) enum Apply {
    /// Once for each event.
    Each(ApplyEach),
    /// Once for all events of the transaction.
    All(ApplyAll),
}

/// Which event could not be handled.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The one at this place.
    Of(usize, Failure),
    /// One of several.
    OfOne(Failure),
}

impl Consumer {
    /// A consumer that only writes to its own tables: its handler runs in the transaction that moves the position,
    /// so its effect happens exactly once. Several events may share one transaction; when one of them fails the others
    /// are run again without it.
    ///
    /// Nothing outside the database may happen in the handler.
    pub fn apply<H>(name: &'static str, topics: &[&'static str], handler: H) -> Self
    where
        H: Fn(&mut Tx<'_>, &Delivered) -> Result<(), Failure> + Send + Sync + 'static,
    {
        Self::new(name, topics, Handler::Apply(Apply::Each(Arc::new(handler))))
    }

    /// [`Consumer::apply`] for a handler that takes all events of a transaction at once, in their order, so that it can
    /// ask the database for all of them together. When it fails, it is run for halves of them until the event that it
    /// fails with is alone.
    ///
    /// What it publishes for an event belongs to that event's trace: it says so with [`Tx::in_trace`].
    pub fn apply_all<H>(name: &'static str, topics: &[&'static str], handler: H) -> Self
    where
        H: Fn(&mut Tx<'_>, &[&Delivered]) -> Result<(), Failure> + Send + Sync + 'static,
    {
        Self::new(name, topics, Handler::Apply(Apply::All(Arc::new(handler))))
    }

    /// A consumer that talks to the outside: its handler holds no transaction, and what it returns is recorded in one
    /// transaction with the position. A crash between the two calls it again with the same event, so whatever it does
    /// outside carries [`Delivered::id`] as idempotency key.
    ///
    /// Events of different keys may be handled at once, on a bounded number of threads.
    pub fn effect<H>(name: &'static str, topics: &[&'static str], handler: H) -> Self
    where
        H: Fn(&Delivered) -> Result<Record, Failure> + Send + Sync + 'static,
    {
        Self::new(name, topics, Handler::Effect(Arc::new(handler)))
    }

    fn new(name: &'static str, topics: &[&'static str], handler: Handler) -> Self {
        let transactions = Transactions::Shared;
        Self { name, topics: topics.into(), handler, concurrency: CONCURRENCY, transactions }
    }

    /// How many outside calls may run at once; four unless said.
    #[must_use]
    pub fn concurrency(mut self, calls_max: NonZeroUsize) -> Self {
        self.concurrency = calls_max;
        self
    }

    /// On PostgreSQL, at most one of the events that `lock_rows` in a transaction: rows that others lock as well. Each of
    /// them may take its rows in order, several of them together cannot. Those that do nothing share it.
    #[must_use]
    pub fn one_by_one_on_server(mut self, lock_rows: fn(&Delivered) -> bool) -> Self {
        self.transactions = Transactions::OneOfTheseOnServer(lock_rows);
        self
    }

    /// The same consumer with `around` about every handling of an event: it runs what it is given, once. For traces. Where
    /// several events are handled at once, that is within the one of each.
    #[must_use]
    pub fn around(self, around: Around) -> Self {
        let name = self.name;
        let handler = match self.handler {
            Handler::Apply(Apply::Each(apply)) => Handler::Apply(Apply::Each(Arc::new(move |tx, event| {
                within(around, name, &[event], || apply(tx, event))
            }))),
            Handler::Apply(Apply::All(apply)) => Handler::Apply(Apply::All(Arc::new(move |tx, events| {
                within(around, name, events, || apply(tx, events))
            }))),
            Handler::Effect(effect) => {
                Handler::Effect(Arc::new(move |event| within(around, name, &[event], || effect(event))))
            }
        };
        Self { handler, ..self }
    }

    /// The name that its position, its dead letters and its numbers go by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it hears.
    #[must_use]
    pub fn topics(&self) -> &[&'static str] {
        &self.topics
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handler = match self.handler {
            Handler::Apply(Apply::Each(_)) => "apply",
            Handler::Apply(Apply::All(_)) => "apply_all",
            Handler::Effect(_) => "effect",
        };
        f.debug_struct("Consumer")
            .field("name", &self.name)
            .field("topics", &self.topics)
            .field("as", &handler)
            .finish()
    }
}

/// The record of an effect that leaves nothing behind but its position.
#[must_use]
pub fn nothing() -> Record {
    Box::new(|_| Ok(()))
}

impl Apply {
    /// Runs the handler so that a panic is a failure of its event and not of the consumer.
    pub(crate) fn run(&self, tx: &mut Tx<'_>, events: &[&Delivered]) -> Result<(), Fault> {
        match (self, events) {
            (Self::Each(apply), _) => events.iter().enumerate().try_for_each(|(place, event)| {
                tx.in_trace(event.traceparent.as_deref());
                guarded(|| apply(tx, event)).map_err(|failure| Fault::Of(place, failure))
            }),
            (Self::All(apply), [_]) => guarded(|| apply(tx, events)).map_err(|failure| Fault::Of(0, failure)),
            (Self::All(apply), _) => guarded(|| apply(tx, events)).map_err(Fault::OfOne),
        }
    }
}

fn within<T>(around: Around, name: &'static str, events: &[&Delivered], handle: impl FnOnce() -> T) -> T {
    let mut handle = Some(handle);
    let mut result = None;
    nest((around, name), events, &mut || result = handle.take().map(|handle| handle()));
    result.expect("what is put around a handling runs it")
}

fn nest(put: (Around, &'static str), events: &[&Delivered], handle: &mut dyn FnMut()) {
    let (around, name) = put;
    match events {
        [] => handle(),
        [first, others @ ..] => around(name, first, &mut || nest(put, others, handle)),
    }
}
