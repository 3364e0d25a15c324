//! Numbers that are handed out in blocks: pickup numbers per shop and day, and the numbers of the feed.
//!
//! A counter that every placement increments would make all placements of a shop wait for each other's commit. So an
//! instance takes a block in a transaction of its own and hands out of memory; what it had left when it stopped is a
//! gap, and gaps are allowed (decision 38). Of several callers at an empty pool one takes blocks for all of them: on
//! PostgreSQL they would wait for one another's commit. The database's unique constraints stand behind it all.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::ShopId;
use jiff::civil::Date;
use store::{Db, StoreError};

use crate::model::{PickupNumber, days_after};
use crate::store::take_block;

/// Pickup numbers are taken in blocks of so many: small, since a gap is seen by people.
const PICKUP_BLOCK: i64 = 20;

/// Numbers of the feed are taken in blocks of so many.
const FEED_BLOCK: i64 = 1_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sequence {
    Feed,
    Pickup(ShopId, Date),
}

impl Sequence {
    fn name(self) -> String {
        match self {
            Self::Feed => "feed".to_owned(),
            Self::Pickup(shop, day) => format!("pickup/{shop}/{day}"),
        }
    }

    const fn block(self) -> i64 {
        match self {
            Self::Feed => FEED_BLOCK,
            Self::Pickup(..) => PICKUP_BLOCK,
        }
    }
}

/// The numbers of one sequence that are left, and who waits for more.
#[derive(Debug, Default)]
struct Pool {
    /// First and last number of each run, by the first.
    left: BTreeMap<i64, i64>,
    waiting: i64,
    /// How often blocks could not be taken, and why not the last time.
    failures: u64,
    failure: Option<StoreError>,
    /// Held by whoever takes blocks.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The numbers that this instance has taken and not handed out yet.
#[derive(Debug, Default)]
pub(crate) struct Numbers(Mutex<HashMap<Sequence, Pool>>);

/// Counts a caller who waits, until he goes.
struct Waiting<'n> {
    numbers: &'n Numbers,
    sequence: Sequence,
    /// How often blocks could not be taken before he came.
    failures: u64,
}

impl Waiting<'_> {
    /// Why blocks could not be taken while he waited.
    fn failure(&self) -> Option<StoreError> {
        let pools = self.numbers.pools();
        let pool = pools.get(&self.sequence)?;
        if pool.failures > self.failures { pool.failure.clone() } else { None }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.numbers.pools().get_mut(&self.sequence) {
            pool.waiting -= 1;
        }
    }
}

impl Numbers {
    /// The next number of the feed.
    pub(crate) async fn feed(&self, db: &Db) -> Result<i64, StoreError> {
        self.next(db, Sequence::Feed).await
    }

    /// The next pickup number of a shop's day. `today` tells which days are over and need no pool any more.
    pub(crate) async fn pickup(
        &self,
        db: &Db,
        shop: ShopId,
        day: Date,
        today: Date,
    ) -> Result<PickupNumber, StoreError> {
        let sequence = Sequence::Pickup(shop, day);
        let ordinal = match self.pop(sequence) {
            Some(ordinal) => ordinal,
            None => {
                self.forget_before(days_after(today, -2));
                self.next(db, sequence).await?
            }
        };
        let number = u32::try_from(ordinal).ok().and_then(PickupNumber::new);
        number.ok_or_else(|| StoreError::Fault { at: "numbers".to_owned(), reason: format!("{ordinal} is no number") })
    }

    async fn next(&self, db: &Db, sequence: Sequence) -> Result<i64, StoreError> {
        if let Some(number) = self.pop(sequence) {
            return Ok(number);
        }
        let (waiting, turn) = self.wait(sequence);
        let _turn = turn.lock().await;
        if let Some(number) = self.pop(sequence) {
            return Ok(number);
        }
        // Whoever waited beside a caller in vain has waited for nothing himself: they do not fail one after another.
        match waiting.failure() {
            Some(failure) => Err(failure),
            None => self.take(db, sequence).await.inspect_err(|error| self.note_failure(sequence, error)),
        }
    }

    fn wait(&self, sequence: Sequence) -> (Waiting<'_>, Arc<tokio::sync::Mutex<()>>) {
        let mut pools = self.pools();
        let pool = pools.entry(sequence).or_default();
        pool.waiting += 1;
        (Waiting { numbers: self, sequence, failures: pool.failures }, Arc::clone(&pool.turn))
    }

    fn note_failure(&self, sequence: Sequence, error: &StoreError) {
        if let Some(pool) = self.pools().get_mut(&sequence) {
            pool.failures += 1;
            pool.failure = Some(error.clone());
        }
    }

    /// The first number of as many blocks as those who wait need; the others go into the pool.
    async fn take(&self, db: &Db, sequence: Sequence) -> Result<i64, StoreError> {
        let (name, block) = (sequence.name(), sequence.block());
        let waiting = self.pools().get(&sequence).map_or(1, |pool| pool.waiting);
        let count = (waiting + block - 1) / block * block;
        let last = db.write(move |tx| take_block(tx, &name, count)).await?;
        let first = last - count + 1;
        if first < last {
            self.pools().entry(sequence).or_default().left.insert(first + 1, last);
        }
        Ok(first)
    }

    /// The lowest number left, so that a counter's numbers grow as the day goes on.
    fn pop(&self, sequence: Sequence) -> Option<i64> {
        let mut pools = self.pools();
        let pool = pools.get_mut(&sequence)?;
        let (first, last) = pool.left.pop_first()?;
        if first < last {
            pool.left.insert(first + 1, last);
        }
        Some(first)
    }

    fn forget_before(&self, day: Date) {
        self.pools().retain(|sequence, pool| match sequence {
            Sequence::Feed => true,
            Sequence::Pickup(_, of) => *of >= day || pool.waiting > 0,
        });
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Sequence, Pool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{join, join_all};
    use store::StoreError;
    use testkit::TestDatabase;

    use super::{Numbers, PICKUP_BLOCK, Sequence};
    use crate::MIGRATIONS;
    use crate::store::take_block;

    testkit::both_databases!(
        callers_at_once_get_different_numbers_of_as_few_blocks_as_they_need,
        callers_at_once_fail_together,
    );

    const CALLERS: u8 = 50;

    fn counter() -> Sequence {
        Sequence::Pickup("shp_01jz0000000000000000000000".parse().unwrap(), jiff::civil::date(2026, 11, 21))
    }

    /// The turn is kept from the callers until all of them wait.
    fn at_once(numbers: &Numbers, db: &store::Db) -> Vec<Result<i64, StoreError>> {
        let (_, turn) = numbers.wait(counter());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let held = turn.lock().await;
            let callers = join_all((0..CALLERS).map(|_| numbers.next(db, counter())));
            let go = async {
                while numbers.pools()[&counter()].waiting < i64::from(CALLERS) {
                    tokio::task::yield_now().await;
                }
                drop(held);
            };
            join(callers, go).await.0
        })
    }

    fn callers_at_once_get_different_numbers_of_as_few_blocks_as_they_need(database: &TestDatabase) {
        let db = database.open().db("orders", MIGRATIONS).unwrap();
        let numbers = Numbers::default();

        let mut handed_out: Vec<i64> = at_once(&numbers, &db).into_iter().map(Result::unwrap).collect();
        let next = db.write_blocking::<_, StoreError, _>(|tx| take_block(tx, &counter().name(), 1)).unwrap();

        handed_out.sort_unstable();
        assert_eq!(handed_out, (1..=50).collect::<Vec<i64>>());
        assert_eq!(next, 3 * PICKUP_BLOCK + 1, "three blocks were taken");
    }

    fn callers_at_once_fail_together(database: &TestDatabase) {
        let store = database.open();
        let db = store.db("orders", MIGRATIONS).unwrap();
        let numbers = Numbers::default();
        let locked = db.clone();
        // The counter is at its end.
        let spoilt = locked.write_blocking::<_, StoreError, _>(|tx| take_block(tx, &counter().name(), i64::MAX));
        assert!(spoilt.is_ok());
        let before = db.stats().rolled_back;

        let failed = at_once(&numbers, &db);

        assert!(failed.iter().all(Result::is_err), "{failed:?}");
        assert_eq!(db.stats().rolled_back - before, 1, "one failed for all who waited beside it");
    }
}
