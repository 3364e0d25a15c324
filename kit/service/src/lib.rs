//! What every service is made of and runs in: the [`Service`] value, what it is given ([`Deps`]), and the process
//! around it.
//!
//! The crate knows no business word. It has two halves. The runtime half is configuration, calls, HTTP to the
//! outside, timers, checks, health, logs, traces, metrics and the supervisor; the HTTP half is everything between a
//! connection and a handler.

// Runtime half.
mod calls;
mod checks;
mod deps;
mod keys;
mod metrics;
mod outbound;
mod revocations;
mod service;
mod settings;
mod telemetry;
mod timers;

pub use calls::{AnsweredTwice, CALL_CODES, CallError, CallHandler, Calls};
pub use checks::{
    Audited, Auditor, Check, CheckOutcome, FactError, FactSet, Facts, Finding, Pass, QUIET_PERIOD, Report,
};
pub use deps::Deps;
pub use keys::{VerificationKey, VerificationKeys};
pub use metrics::{METRICS_MEDIA_TYPE, Metrics, ReadingKind, ReadingName, RouteMetrics, ShedMetric};
pub use outbound::{OUTBOUND_SETTINGS, OutRequest, OutResponse, Outbound, OutboundError, UreqOutbound};
pub use revocations::{REVOCATION_LIFETIME, Revocation, Revocations};
pub use service::Service;
pub use settings::{
    Origin, Setting, SettingFault, SettingFaults, SettingKind, Settings, Shown, Sources, settings_table,
};
pub use telemetry::{TELEMETRY_SETTINGS, Telemetry, TelemetryError, adopt_traceparent, current_traceparent};
pub use timers::Timer;
