//! Places for those who wait for news of a payment: so many for everybody, a few of them for each person.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::UserId;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many requests of one person wait at once: a page in a few windows, and not everybody's places.
const EACH_MAX: usize = 5;

/// Who waits.
#[derive(Debug)]
pub(crate) struct Waiters {
    places: Semaphore,
    /// How many requests of each person wait; nobody who does not is in it.
    of_each: Mutex<HashMap<UserId, usize>>,
}

/// One of a person's places, until it is dropped.
#[derive(Debug)]
pub(crate) struct OwnPlace<'w> {
    waiters: &'w Waiters,
    user_id: UserId,
}

impl Waiters {
    /// So many places for everybody together.
    pub(crate) fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places), of_each: Mutex::default() }
    }

    /// One of this person's places, if there is one left.
    pub(crate) fn own_place(&self, user_id: UserId) -> Option<OwnPlace<'_>> {
        let mut of_each = self.of_each();
        let waiting = of_each.entry(user_id).or_default();
        if *waiting == EACH_MAX {
            return None;
        }
        *waiting += 1;
        Some(OwnPlace { waiters: self, user_id })
    }

    /// One of everybody's places, if there is one left.
    pub(crate) fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    fn of_each(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.of_each.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OwnPlace<'_> {
    fn drop(&mut self) {
        let mut of_each = self.waiters.of_each();
        match of_each.get_mut(&self.user_id) {
            Some(waiting) if *waiting > 1 => *waiting -= 1,
            Some(_) | None => drop(of_each.remove(&self.user_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_a_few_places_and_gives_them_back() {
        let (waiters, anna, boris) = (Waiters::new(0), UserId::from_bits(1), UserId::from_bits(2));

        let held: Vec<_> = (0..EACH_MAX).map_while(|_| waiters.own_place(anna)).collect();

        assert_eq!(held.len(), EACH_MAX);
        assert!(waiters.own_place(anna).is_none());
        assert!(waiters.own_place(boris).is_some());
        drop(held);
        assert!(waiters.of_each().is_empty(), "nobody is remembered who does not wait");
        assert!(waiters.own_place(anna).is_some());
    }
}
