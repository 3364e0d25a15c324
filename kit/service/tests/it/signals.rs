//! Signals, sent to a process of the test's own: this very binary, running the same test as a child.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kernel::SystemClock;
use rustix::process::{Pid, Signal, kill_process};
use service::{Health, Stop, Supervisor};

/// The variable by which a test sees that it is the child.
const CHILD: &str = "SIGNALS_CHILD";

/// What the child says when it may be told to stop, and when it was.
const RUNNING: &str = "child: running";
const STOPPING: &str = "child: stopping";
const FINISHED: &str = "child: finished";

/// Longer than anything here takes.
const BOUND: Duration = Duration::from_secs(20);

struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// This binary again, running only `test`, which sees that it is the child.
    fn start(test: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--nocapture"]).env(CHILD, "1").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn wait_for(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the child ended before it said {words:?}");
        }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

fn supervisor() -> Supervisor {
    let clock = Arc::new(SystemClock::new());
    Supervisor::new(clock.clone(), Arc::new(Health::new(clock)), Stop::new())
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// The child: a process whose server does this when it is told to stop.
fn serve_until_stopped<F: Future<Output = Result<(), String>> + Send + 'static>(
    after: impl FnOnce() -> F + Send + 'static,
) {
    testkit::runtime().block_on(async {
        let mut supervisor = supervisor();
        supervisor.server("http", |stop: Stop| async move {
            println!("{RUNNING}");
            stop.asked().await;
            println!("{STOPPING}");
            after().await
        });
        supervisor.thread("worker", |stop| {
            while !stop.is_asked() {
                stop.wait(BOUND);
            }
            println!("{FINISHED}");
        });
        supervisor.run(BOUND).await.unwrap();
    });
}

#[test]
fn a_signal_stops_the_process_after_its_work() {
    if is_child() {
        return serve_until_stopped(|| std::future::ready(Ok(())));
    }
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = Process::start("signals::a_signal_stops_the_process_after_its_work");

        process.wait_for(RUNNING);
        process.send(signal);
        let (status, rest) = process.end();

        assert!(status.success(), "{status}");
        let (stopping, finished) = (rest.find(STOPPING).unwrap(), rest.find(FINISHED).unwrap());
        assert!(stopping < finished, "{rest}");
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    if is_child() {
        return serve_until_stopped(std::future::pending);
    }
    let mut process = Process::start("signals::a_second_signal_ends_the_process_at_once");

    process.wait_for(RUNNING);
    process.send(Signal::INT);
    process.wait_for(STOPPING);
    process.send(Signal::INT);
    let (status, _) = process.end();

    assert_eq!(status.code(), Some(130));
}
