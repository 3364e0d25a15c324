//! Waiting for a future on a thread outside the runtime, at most so long.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use kernel::Clock;
use tokio::runtime::Handle;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The future's output, or `None` if `limit` passed before it.
pub(super) fn wait<F: Future>(
    future: F,
    limit: Duration,
    clock: &dyn Clock,
    runtime: Option<&Handle>,
) -> Option<F::Output> {
    assert!(Handle::try_current().is_err(), "call_blocking inside the async runtime; use call().await there");
    // Timers that the future may want are the runtime's, which goes on in its own threads.
    let _entered = runtime.map(Handle::enter);
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let end = clock.elapsed() + limit;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = end.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
