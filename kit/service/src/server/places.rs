//! Places for connections: so many in all, and so many for one network, so that nobody takes all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections each network has.
#[derive(Debug)]
pub(super) struct Places {
    by_network: Mutex<HashMap<IpAddr, usize>>,
    network_max: usize,
}

/// A network's place for one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    network: IpAddr,
}

impl Places {
    pub(super) fn new(network_max: usize) -> Arc<Self> {
        Arc::new(Self { by_network: Mutex::default(), network_max })
    }

    /// A place for one more connection of this network; `None` when it has all it may.
    pub(super) fn take(self: &Arc<Self>, network: IpAddr) -> Option<Place> {
        let mut by_network = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_network.entry(network).or_default();
        if *count >= self.network_max {
            return None;
        }
        *count += 1;
        Some(Place { places: Arc::clone(self), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_network = self.places.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_its_share_and_gives_it_back() {
        let places = Places::new(2);
        let (here, there) = (IpAddr::from([203, 0, 113, 7]), IpAddr::from([198, 51, 100, 7]));

        let mut taken: Vec<_> = (0..2).map(|_| places.take(here).unwrap()).collect();

        assert!(places.take(here).is_none());
        assert!(places.take(there).is_some());
        taken.pop();
        assert!(places.take(here).is_some());
        taken.clear();
        assert!(places.by_network.lock().unwrap().is_empty(), "who left is forgotten");
    }
}
