//! Ending orders that nobody paid for in time, a bounded batch per transaction.

use contracts::OrderId;
use store::{StoreError, Tx};

use super::move_order::{Move, Mover, save_move, save_moves};
use crate::app::App;
use crate::error::Error;
use crate::model::{Command, Order};
use crate::store::{expired, lock, lock_expired};

/// Orders per transaction: far below the time that one closure may hold the writer.
const BATCH: usize = 50;

/// Transactions per turn; what is left over has its turn a moment later.
const BATCHES_MAX: usize = 40;

/// Orders per turn while one of them is at fault.
const ONE_BY_ONE_MAX: i64 = 1_000;

/// The word that others are told.
const UNPAID: &str = "unpaid";

/// Ends what is past its time. An order that cannot be ended does not keep the others from it.
///
/// # Errors
/// The database fails, or what it holds of an order cannot be worked with.
pub(crate) fn expire_unpaid(app: &App) -> Result<(), Error> {
    for _ in 0..BATCHES_MAX {
        match app.db.write_blocking(expire_batch) {
            Ok(ended) if ended < BATCH => break,
            Ok(_) => {}
            Err(Error::Store(error)) if error.is_temporary() => return Err(error.into()),
            Err(_) => return expire_one_by_one(app),
        }
    }
    Ok(())
}

/// One of a batch is at fault; each has a transaction of its own.
fn expire_one_by_one(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let due: Result<Vec<OrderId>, StoreError> =
        app.db.read_blocking(move |snapshot| expired(snapshot, now, ONE_BY_ONE_MAX));
    let mut failed = Ok(());
    for id in due? {
        failed = failed.and(app.db.write_blocking(move |tx| expire_one(tx, id)));
    }
    failed
}

fn expire_one(tx: &mut Tx<'_>, id: OrderId) -> Result<(), Error> {
    let now = tx.now();
    let Some(order) = lock(tx, id)? else { return Ok(()) };
    // Whoever has moved meanwhile does not expire any more.
    let Ok(decision) = order.decide(Command::Expire, now) else { return Ok(()) };
    save_move(tx, order, decision, Mover::system(Some(UNPAID)))?;
    Ok(())
}

fn expire_batch(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let now = tx.now();
    let limit = i64::try_from(BATCH).expect("a small number");
    let orders = lock_expired(tx, now, limit)?;
    let moves: Vec<Move> = orders
        .into_iter()
        .map(|order: Order| order.decide(Command::Expire, now).map(|decision| Move::new(order, decision)))
        .collect::<Result<_, _>>()?;
    let count = moves.len();
    if count > 0 {
        save_moves(tx, moves, Mover::system(Some(UNPAID)))?;
    }
    Ok(count)
}
