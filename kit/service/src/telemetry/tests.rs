//! The log as a terminal sees it, and traces as a collector gets them.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use kernel::{Language, Timestamp};
use serde_json::Value;

use super::*;
use crate::{OUTBOUND_SETTINGS, OutRequest, OutResponse, OutboundError, RequestContext, RequestId, Sources};

/// Where lines go in a test.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Vec<u8>>>);

impl Terminal {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A collector that takes everything.
#[derive(Debug, Default)]
struct Collector(Mutex<Vec<OutRequest>>);

impl Outbound for Collector {
    fn send(&self, request: &OutRequest) -> Result<OutResponse, OutboundError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        Ok(OutResponse { status: 200, headers: http::HeaderMap::new(), body: Vec::new() })
    }
}

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings::load(&[TELEMETRY_SETTINGS, OUTBOUND_SETTINGS], &Sources { flags, ..Sources::default() }).unwrap()
}

/// A process has one subscriber. Where one comes while another has a place in the code registered, `tracing` may keep
/// the other's answer on whether that place is on, so these tests take turns.
static ONE_SUBSCRIBER: Mutex<()> = Mutex::new(());

/// What `work` leaves on the terminal and at the collector.
fn observed(flags: &[(&str, &str)], work: impl FnOnce()) -> (String, Vec<OutRequest>) {
    let _turn = ONE_SUBSCRIBER.lock().unwrap_or_else(PoisonError::into_inner);
    let (terminal, collector) = (Terminal::default(), Arc::new(Collector::default()));
    let (clock, outbound): (Arc<dyn Clock>, Arc<dyn Outbound>) = (Arc::new(Noon), Arc::clone(&collector) as _);
    let writer = terminal.clone();
    let (subscriber, telemetry) = assemble(&settings(flags), &clock, &outbound, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, work);
    drop(telemetry);
    let sent = collector.0.lock().unwrap().clone();
    (terminal.text(), sent)
}

#[test]
fn a_line_of_text_reads_by_itself() {
    let (log, _) = observed(&[], || {
        tracing::info!(order.id = "ord_1", duration_ms = 12, paid = true, "an order was placed");
    });

    let part = module_path!();
    assert_eq!(
        log,
        format!("2026-11-21T12:00:00Z INFO  {part}: an order was placed order.id=ord_1 duration_ms=12 paid=true\n")
    );
}

#[test]
fn a_line_of_json_has_one_schema() {
    let (log, _) = observed(&[("log.format", "json")], || {
        tracing::warn!(order.id = "ord_1", message_too = "x", n = 1.5, "late");
    });

    let line: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["time"], "2026-11-21T12:00:00Z");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["part"], module_path!());
    assert_eq!(line["message"], "late");
    assert_eq!(line["order.id"], "ord_1");
    assert_eq!(line["n"], 1.5);
}

#[test]
fn nobody_can_forge_a_line_or_colour_the_terminal() {
    let forged = "x\n2026-11-21T12:00:00Z ERROR all: is lost\r\u{1b}[31m\u{9b}31m";

    for format in ["text", "json"] {
        let (log, _) = observed(&[("log.format", format)], || {
            tracing::info!(name = forged, debugged = ?forged, "{forged}");
        });

        assert_eq!(log.matches('\n').count(), 1, "{log:?}");
        assert!(log.ends_with('\n'));
        assert!(!log.trim_end().contains(|c: char| c.is_ascii_control()), "{log:?}");
    }
}

#[test]
fn levels_are_chosen_by_part() {
    let (log, _) = observed(&[("log.level", "warn,service=debug")], || {
        tracing::debug!("ours");
        tracing::info!(target: "somebody_else", "theirs");
    });

    assert!(log.contains("ours") && !log.contains("theirs"), "{log}");
}

#[test]
fn what_is_logged_while_a_request_is_answered_names_it() {
    let id = RequestId::from_bits(7);

    let (log, _) = observed(&[], || {
        let context = RequestContext { id, language: Language::En };
        context.sync_scope(|| tracing::info!("inside"));
        tracing::info!("outside");
    });

    let lines: Vec<_> = log.lines().collect();
    assert!(lines[0].ends_with(&format!("inside request.id={}", id.text().as_str())), "{log}");
    assert!(lines[1].ends_with("outside"), "{log}");
}

#[test]
fn without_a_collector_a_span_is_switched_off_at_its_place() {
    let (log, sent) = observed(&[], || {
        let request = http::Request::builder().header(TRACEPARENT, THEIRS).body(()).unwrap();
        let span = request_span(&request, RequestId::from_bits(1));

        assert!(span.is_disabled());
        assert_eq!(span.in_scope(current_traceparent), None);
    });

    assert!(log.is_empty() && sent.is_empty());
}

const THEIRS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Whether traces are on is one switch of the process, so all that needs it on stands in one test.
#[test]
fn a_trace_goes_from_the_request_through_the_event_to_the_collector() {
    let flags = [("telemetry.otlp_endpoint", "http://localhost:4318")];
    let mut left = None;

    let (log, sent) = observed(&flags, || {
        let request = http::Request::builder().method("POST").header(TRACEPARENT, THEIRS).body(()).unwrap();
        let span = request_span(&request, RequestId::from_bits(1));
        left = span.in_scope(|| {
            trace_route(&http::Method::POST, "/orders/{id}");
            current_traceparent()
        });
        let handling = tracing::info_span!("handle event");
        adopt_traceparent(&handling, left.as_deref().unwrap());
        let inside = handling.in_scope(current_traceparent).unwrap();
        assert_eq!(inside[..36], THEIRS[..36], "the trace is the caller's");
        assert_ne!(Some(&inside), left.as_ref(), "the span is its own");
        adopt_traceparent(&tracing::info_span!("rubbish"), "not a traceparent");
    });

    let left = left.unwrap();
    assert_eq!((&left[..36], left.len()), (&THEIRS[..36], 55));
    assert_ne!(left[36..52], THEIRS[36..52]);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].method.as_str(), sent[0].url.as_str()), ("POST", "http://localhost:4318/v1/traces"));
    assert_eq!(sent[0].headers["content-type"], "application/x-protobuf");
    let body = String::from_utf8_lossy(&sent[0].body).into_owned();
    for word in ["POST /orders/{id}", "handle event", "http.route", "service.name", "samovar"] {
        assert!(body.contains(word), "{word} is not among what was sent");
    }
    assert!(log.is_empty(), "spans are not lines: {log}");
}
