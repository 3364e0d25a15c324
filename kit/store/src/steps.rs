//! Requests that take several transactions in one store, of which only the last must be on disk before anybody hears of
//! it.
//!
//! A placement claims its key, holds the stock and inserts the order: three transactions, and a trip to the disk is what
//! a transaction costs. Nobody outside hears of the first two, and the log of a database is written in order: once the
//! last one is on disk, so are those before it. So a *step* ([`Db::write_step`](crate::Db::write_step)) inside
//! [`in_steps`] does not wait for the disk, and the [`Db::write`](crate::Db::write) that ends it does, for all of them.
//!
//! On SQLite a step is answered as soon as it has run, before its batch is committed, and the writer gives the next step
//! a moment to join the batch. A batch that is rolled back as a whole (decision 1) takes answered steps with it; every
//! later transaction of the same steps then fails, so that nothing is built on what is gone. On PostgreSQL a step is
//! committed without waiting for its log (`synchronous_commit = off`).
//!
//! What was answered early may only be built upon by the same request in the same store: a service that is asked from
//! another process finds no steps begun, and waits for the disk.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use crate::engine::Common;

/// The first step that was taken: through which store, and how many batches that store had lost by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Begun {
    store: usize,
    lost: u64,
}

tokio::task_local! {
    static STEPS: Cell<Option<Begun>>;
}

/// Runs a request whose transactions are steps.
pub async fn in_steps<F: Future>(request: F) -> F::Output {
    STEPS.scope(Cell::new(None), request).await
}

/// Whether a step that is taken here may be answered early; remembers that one was.
pub(crate) fn begin(common: &Arc<Common>) -> bool {
    let begun = |steps: &Cell<Option<Begun>>| match steps.get() {
        Some(begun) => begun.store == address(common),
        None => {
            steps.set(Some(Begun { store: address(common), lost: common.lost() }));
            true
        }
    };
    STEPS.try_with(begun).unwrap_or(false)
}

/// What a transaction is built upon: it must fail if the store has lost a batch since.
pub(crate) fn built_upon(common: &Arc<Common>) -> Option<u64> {
    let begun = STEPS.try_with(Cell::get).ok().flatten()?;
    (begun.store == address(common)).then_some(begun.lost)
}

/// After a failure: what was lost is known now, and what is done next (undoing, trying again) is built upon nothing.
pub(crate) fn forget_what_was_lost(common: &Arc<Common>) {
    if built_upon(common).is_some_and(|lost| lost != common.lost()) {
        let _ = STEPS.try_with(|steps| steps.set(None));
    }
}

/// Which store it is; it outlives the request, since the request holds a door to it.
fn address(common: &Arc<Common>) -> usize {
    Arc::as_ptr(common).addr()
}
