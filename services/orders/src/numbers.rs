//! Numbers that are handed out in blocks: pickup numbers per shop and day, and the numbers of the feed.
//!
//! A counter that every placement increments would make all placements of a shop wait for each other's commit. So an
//! instance takes a block in a transaction of its own and hands out of memory; what it had left when it stopped is a
//! gap, and gaps are allowed (decision 38). Several callers at an empty pool take a block each rather than wait for
//! one another; the rest goes into the pool. The database's unique constraints stand behind it all.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// First and last number of each run that is left, by the first.
type Pool = BTreeMap<i64, i64>;

/// The numbers that this instance has taken and not handed out yet.
#[derive(Debug, Default)]
pub(crate) struct Numbers(Mutex<HashMap<Sequence, Pool>>);

impl Numbers {
    /// The next number of the feed.
    pub(crate) async fn feed(&self, db: &Db) -> Result<i64, StoreError> {
        match self.pop(Sequence::Feed) {
            Some(number) => Ok(number),
            None => self.take(db, Sequence::Feed).await,
        }
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
                self.take(db, sequence).await?
            }
        };
        let number = u32::try_from(ordinal).ok().and_then(PickupNumber::new);
        number.ok_or_else(|| StoreError::Fault { at: "numbers".to_owned(), reason: format!("{ordinal} is no number") })
    }

    /// The first number of a new block; the others go into the pool.
    async fn take(&self, db: &Db, sequence: Sequence) -> Result<i64, StoreError> {
        let (name, block) = (sequence.name(), sequence.block());
        let last = db.write(move |tx| take_block(tx, &name, block)).await?;
        let first = last - block + 1;
        self.pools().entry(sequence).or_default().insert(first + 1, last);
        Ok(first)
    }

    /// The lowest number left, so that a counter's numbers grow as the day goes on.
    fn pop(&self, sequence: Sequence) -> Option<i64> {
        let mut pools = self.pools();
        let pool = pools.get_mut(&sequence)?;
        let (first, last) = pool.pop_first()?;
        if first < last {
            pool.insert(first + 1, last);
        }
        Some(first)
    }

    fn forget_before(&self, day: Date) {
        self.pools().retain(|sequence, _| match sequence {
            Sequence::Feed => true,
            Sequence::Pickup(_, of) => *of >= day,
        });
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Sequence, Pool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
