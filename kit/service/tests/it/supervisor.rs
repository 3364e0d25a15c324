//! The parts of a process: started again, given up, stopped in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use kernel::SystemClock;
use service::{Health, Stop, Stopped, Supervisor};

/// Longer than anything here takes; a test that waits so long has failed.
const BOUND: Duration = Duration::from_secs(10);

fn supervisor() -> (Supervisor, Arc<Health>) {
    let clock = Arc::new(SystemClock::new());
    let health = Arc::new(Health::new(clock.clone()));
    (Supervisor::new(clock, Arc::clone(&health), Stop::new()), health)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_panics_is_started_again() {
    let (mut supervisor, _) = supervisor();
    let (started, starts) = mpsc::channel();
    let mut runs = 0;
    supervisor.thread("fragile", move |stop| {
        runs += 1;
        started.send(runs).unwrap();
        assert!(runs >= 3, "on purpose");
        stop.wait(BOUND);
    });

    let front = supervisor.front().clone();
    let running = tokio::spawn(supervisor.run(BOUND));
    let seen = tokio::task::spawn_blocking(move || (0..3).map(|_| starts.recv_timeout(BOUND)).collect::<Vec<_>>());

    assert_eq!(seen.await.unwrap(), [Ok(1), Ok(2), Ok(3)]);
    front.ask();
    assert_eq!(running.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_keeps_dying_stops_the_process() {
    let (mut supervisor, _) = supervisor();
    supervisor.thread("hopeless", |_| panic!("on purpose"));

    let stopped = supervisor.run(BOUND).await.unwrap_err();

    let reason = "it panicked: on purpose".to_owned();
    assert_eq!(stopped, Stopped::PartDied { part: "hopeless".to_owned(), times: 5, reason });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_ends_by_itself_counts_as_dead() {
    let (mut supervisor, _) = supervisor();
    supervisor.thread("leaver", |_| {});

    let stopped = supervisor.run(BOUND).await.unwrap_err();

    assert!(stopped.to_string().starts_with("leaver died 5 times"), "{stopped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_by_itself_stops_the_process() {
    let (mut supervisor, _) = supervisor();
    supervisor.server("http", |_| async { Err("the port is gone".to_owned()) });

    let stopped = supervisor.run(BOUND).await.unwrap_err();

    assert_eq!(stopped.to_string(), "the server http ended: the port is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_requests_finish_before_the_threads_are_told_to_stop() {
    let (mut supervisor, health) = supervisor();
    let order = Arc::new(Mutex::new(Vec::new()));
    let of_server = Arc::clone(&order);
    let threads = supervisor.stop().clone();
    supervisor.server("http", move |stop: Stop| async move {
        stop.asked().await;
        // The request in hand goes on for a while, and may need a consumer: none may be told to stop meanwhile.
        let threads_told = tokio::time::timeout(Duration::from_millis(50), threads.asked()).await.is_ok();
        of_server.lock().unwrap().push(("request finished", threads_told));
        Ok(())
    });
    let of_thread = Arc::clone(&order);
    supervisor.thread("consumer", move |stop| {
        stop.wait(BOUND);
        of_thread.lock().unwrap().push(("event finished", true));
    });
    let of_operators = Arc::clone(&order);
    supervisor.operator_server("private", move |stop: Stop| async move {
        stop.asked().await;
        of_operators.lock().unwrap().push(("operators left", true));
        Ok(())
    });
    assert!(health.report().ready);

    supervisor.front().ask();
    supervisor.run(BOUND).await.unwrap();

    let order = order.lock().unwrap();
    assert_eq!(order[0], ("request finished", false));
    assert_eq!(order.len(), 3, "{order:?}");
    assert!(!health.report().ready, "who shuts down is not ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_finish_is_left_after_the_limit() {
    let (mut supervisor, _) = supervisor();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = Arc::clone(&gate);
    let ends = Arc::new(AtomicUsize::new(0));
    let ended = Arc::clone(&ends);
    supervisor.thread("stuck", move |_| {
        let (open, opened) = &*held;
        drop(opened.wait_timeout_while(open.lock().unwrap(), BOUND, |open| !*open));
        ended.fetch_add(1, Ordering::SeqCst);
    });
    supervisor.server("hanging", |_| std::future::pending());
    supervisor.front().ask();

    supervisor.run(Duration::from_millis(20)).await.unwrap();

    assert_eq!(ends.load(Ordering::SeqCst), 0, "nobody waited for the stuck one");
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_is_down_is_named() {
    let (mut supervisor, _) = supervisor();
    let down = supervisor.thread_names_down();
    assert!(down().is_empty());
    supervisor.thread("hopeless", |_| panic!("on purpose"));

    supervisor.run(BOUND).await.unwrap_err();

    assert_eq!(down(), ["hopeless"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_never_ends_leaves_the_threads_time_to_finish() {
    let (mut supervisor, _) = supervisor();
    let finished = Arc::new(AtomicUsize::new(0));
    let finishes = Arc::clone(&finished);
    let (ask, asked) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let _echo = std::thread::spawn(move || asked.iter().try_for_each(|question: u32| answer.send(question)));
    supervisor.thread("consumer", move |stop| {
        stop.wait(BOUND);
        // The event in hand: so much to and fro that nobody who does not wait sees its end.
        for question in 0..1_000 {
            ask.send(question).unwrap();
            assert_eq!(answered.recv_timeout(BOUND), Ok(question));
        }
        finishes.fetch_add(1, Ordering::SeqCst);
    });
    supervisor.server("hanging", |_| std::future::pending());
    supervisor.front().ask();

    supervisor.run(Duration::from_secs(2)).await.unwrap();

    assert_eq!(finished.load(Ordering::SeqCst), 1, "the consumer was waited for");
}
