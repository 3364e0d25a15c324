//! Ending orders that nobody paid for in time, a bounded batch per transaction.

use store::Tx;

use super::move_order::{Move, Mover, save_moves};
use crate::app::App;
use crate::error::Error;
use crate::model::{Command, Order};
use crate::store::lock_expired;

/// Orders per transaction: far below the time that one closure may hold the writer.
const BATCH: usize = 50;

/// Transactions per turn; what is left over has its turn a moment later.
const BATCHES_MAX: usize = 40;

/// The word that others are told.
const UNPAID: &str = "unpaid";

/// Ends what is past its time; how many.
pub(crate) fn expire_unpaid(app: &App) -> Result<usize, Error> {
    let mut ended = 0;
    for _ in 0..BATCHES_MAX {
        let batch = app.db.write_blocking(expire_batch)?;
        ended += batch;
        if batch < BATCH {
            break;
        }
    }
    Ok(ended)
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
