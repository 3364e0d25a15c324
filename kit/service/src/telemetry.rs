//! Logs and traces.
//!
//! Logs are events of `tracing`, one a line on standard error, as JSON or as text, in UTC; what others wrote into
//! a message cannot start a line of its own or colour a terminal (OWASP ASVS 16.4.1). Traces go to one collector
//! over OTLP/HTTP, through the same port as all other requests to the outside. Without a collector every span is
//! switched off at its place in the code and costs one load of a flag.
//!
//! Deliberately absent: personal data, tokens and bodies, in both.

mod exporter;
mod line;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use kernel::Clock;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry};

pub(crate) use self::trace::{TRACEPARENT, request_span};
pub use self::trace::{adopt_traceparent, current_traceparent, trace_route};
use crate::{Outbound, Setting, SettingKind, Settings};

/// The settings of logs and traces.
pub static TELEMETRY_SETTINGS: &[Setting] = &[
    Setting {
        key: "log.format",
        default: "text",
        kind: SettingKind::Choice(&["text", "json"]),
        doc: "How a line of the log is written.",
    },
    Setting {
        key: "log.level",
        default: "info",
        kind: SettingKind::LogLevel,
        doc: "Least level that is logged, also by part: `info,store=debug`.",
    },
    Setting {
        key: "telemetry.otlp_endpoint",
        default: "",
        kind: SettingKind::Url,
        doc: "Collector of traces over OTLP/HTTP, like `http://localhost:4318`; empty: no traces. Its host must be in `outbound.hosts`.",
    },
    Setting {
        key: "telemetry.sample_percent",
        default: "100",
        kind: SettingKind::Int { min: 0, max: 100 },
        doc: "Share of the requests without a trace of their own that get one.",
    },
];

/// How long the last spans may take to leave.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// Logs and traces that run. Sends the last spans when dropped.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Logs and traces cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` cannot be read.
    #[error("log.level is {text:?}, expected a level like info, or levels by part like info,store=debug: {reason}")]
    Level {
        /// What was set.
        text: String,
        /// The parser's reason.
        reason: String,
    },
    /// The exporter refuses its configuration.
    #[error("traces cannot be sent to {endpoint}: {reason}")]
    Exporter {
        /// The collector.
        endpoint: String,
        /// The exporter's reason.
        reason: String,
    },
    /// Somebody else in the process logs already.
    #[error("the log of this process is already taken")]
    Taken,
}

impl Telemetry {
    /// Starts logs on standard error, and traces if a collector is configured, for the whole process.
    ///
    /// # Errors
    ///
    /// See [`TelemetryError`].
    pub fn start(
        settings: &Settings,
        clock: &Arc<dyn Clock>,
        outbound: &Arc<dyn Outbound>,
    ) -> Result<Self, TelemetryError> {
        let (subscriber, telemetry) = assemble(settings, clock, outbound, std::io::stderr)?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Taken)?;
        Ok(telemetry)
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take() {
            trace::off();
            if let Err(error) = provider.shutdown_with_timeout(FLUSH_MAX) {
                tracing::warn!(%error, "the last traces were not sent");
            }
        }
    }
}

/// The subscriber over any writer, so that a test reads what a terminal would.
fn assemble<W>(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    outbound: &Arc<dyn Outbound>,
    writer: W,
) -> Result<(impl tracing::Subscriber + Send + Sync + use<W>, Telemetry), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let levels = levels(settings.text("log.level"))?;
    let form = if settings.text("log.format") == "json" { line::Form::Json } else { line::Form::Text };
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer)
        .event_format(line::Line::new(form, Arc::clone(clock)))
        .with_filter(levels.and(filter_fn(is_event)))
        .boxed();

    let provider = trace_provider(settings, outbound)?;
    // A list, and not an optional layer: one that is absent would switch every span on.
    let mut layers = vec![log];
    if let Some(provider) = &provider {
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("samovar"));
        layers.push(spans.with_filter(LevelFilter::INFO.and(filter_fn(is_span))).boxed());
    }
    Ok((Registry::default().with(layers), Telemetry { provider }))
}

/// A level, or levels by part.
pub(crate) fn levels(text: &str) -> Result<Targets, TelemetryError> {
    let refused = |reason: String| TelemetryError::Level { text: text.to_owned(), reason };
    // The parser takes any word for the name of a part; a level that is misspelt must not become one.
    let bare = text.split(',').find(|word| !word.contains('=') && word.trim().parse::<LevelFilter>().is_err());
    if let Some(word) = bare {
        return Err(refused(format!("{word:?} is not a level")));
    }
    text.parse().map_err(|e: tracing_subscriber::filter::ParseError| refused(e.to_string()))
}

// Functions of their own: the methods' lifetimes do not fit a filter.
fn is_event(callsite: &Metadata<'_>) -> bool {
    callsite.is_event()
}

fn is_span(callsite: &Metadata<'_>) -> bool {
    callsite.is_span()
}

fn trace_provider(
    settings: &Settings,
    outbound: &Arc<dyn Outbound>,
) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let endpoint = settings.text("telemetry.otlp_endpoint");
    if endpoint.is_empty() {
        return Ok(None);
    }
    let percent = u32::try_from(settings.int("telemetry.sample_percent")).expect("checked to be 0 to 100");
    let provider = exporter::provider(endpoint, percent, Arc::clone(outbound))
        .map_err(|e| TelemetryError::Exporter { endpoint: endpoint.to_owned(), reason: e.to_string() })?;
    trace::on();
    Ok(Some(provider))
}

#[cfg(test)]
mod tests;
