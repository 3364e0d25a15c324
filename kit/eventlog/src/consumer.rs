//! What a service declares to hear events: a name, topics, and one function.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use store::Tx;

use crate::{Delivered, Failure};

/// What an effect leaves behind: run in one transaction with the position. May be run again after a lost race.
pub type Record = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Failure> + Send>;

pub(crate) type Apply = Arc<dyn Fn(&mut Tx<'_>, &Delivered) -> Result<(), Failure> + Send + Sync>;
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
        Self::new(name, topics, Handler::Apply(Arc::new(handler)))
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

    /// The same consumer with `around` about every handling of an event: it runs what it is given, once. For traces.
    #[must_use]
    pub fn around(self, around: Around) -> Self {
        let name = self.name;
        let handler = match self.handler {
            Handler::Apply(apply) => {
                Handler::Apply(Arc::new(move |tx, event| within(around, name, event, || apply(tx, event))))
            }
            Handler::Effect(effect) => {
                Handler::Effect(Arc::new(move |event| within(around, name, event, || effect(event))))
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
            Handler::Apply(_) => "apply",
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

fn within<T>(around: Around, name: &'static str, event: &Delivered, handle: impl FnOnce() -> T) -> T {
    let mut handle = Some(handle);
    let mut result = None;
    around(name, event, &mut || result = handle.take().map(|handle| handle()));
    result.expect("what is put around a handling runs it")
}
