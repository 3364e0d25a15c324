//! How a thread waits for something to do: a count that grows, and a bounded wait for it to have grown.
//!
//! A waiter reads the count before it looks for work, so that a signal raised while it was looking is not missed. Each
//! consumer has a signal of its own, raised for news of its topics: to look in vain costs a transaction.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Signal {
    count: Mutex<u64>,
    raised: Condvar,
}

/// Whoever waits for news of a log.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    all: Mutex<Vec<Listener>>,
}

/// Gone when the signal is.
#[derive(Debug)]
struct Listener {
    topics: Arc<[&'static str]>,
    signal: Weak<Signal>,
}

/// Where something can be read that could not be read before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// On these topics and on no others.
    Of(Vec<String>),
    /// On any topic.
    Any,
}

impl Signal {
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn raise(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.raised.notify_all();
    }

    /// Returns when the count is past `seen`, and after `longest` at the latest.
    pub(crate) fn wait_past(&self, seen: u64, longest: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.raised.wait_timeout_while(count, longest, |count| *count <= seen));
    }
}

impl Listeners {
    /// A signal that is raised for news of these topics, as long as somebody keeps it.
    pub(crate) fn add(&self, topics: Arc<[&'static str]>) -> Arc<Signal> {
        let signal = Arc::new(Signal::default());
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|listener| listener.signal.strong_count() > 0);
        all.push(Listener { topics, signal: Arc::downgrade(&signal) });
        signal
    }

    /// Wakes those whom the news concern.
    pub(crate) fn tell(&self, news: &News) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in all.iter().filter(|listener| news.concern(&listener.topics)) {
            if let Some(signal) = listener.signal.upgrade() {
                signal.raise();
            }
        }
    }
}

impl News {
    fn concern(&self, topics: &[&'static str]) -> bool {
        match self {
            Self::Of(news) => news.iter().any(|topic| topics.contains(&topic.as_str())),
            Self::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_wake_those_whom_they_concern() {
        let listeners = Listeners::default();
        let (notes, both) = (listeners.add(["notes"].into()), listeners.add(["notes", "memos"].into()));

        listeners.tell(&News::Of(vec!["memos".to_owned()]));
        assert_eq!((notes.count(), both.count()), (0, 1));
        listeners.tell(&News::Of(vec!["notes".to_owned(), "letters".to_owned()]));
        assert_eq!((notes.count(), both.count()), (1, 2));
        listeners.tell(&News::Any);
        assert_eq!((notes.count(), both.count()), (2, 3));
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let listeners = Listeners::default();
        drop(listeners.add(["notes"].into()));

        let stays = listeners.add(["notes"].into());

        listeners.tell(&News::Any);
        assert_eq!((stays.count(), listeners.all.lock().unwrap().len()), (1, 1));
    }
}
