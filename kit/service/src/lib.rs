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
mod health;
mod keys;
mod metrics;
mod operators;
mod outbound;
mod platform;
mod revocations;
mod service;
mod settings;
mod supervisor;
mod telemetry;
mod timers;

pub use calls::{AnsweredTwice, CALL_CODES, CallError, CallHandler, Calls};
pub use checks::{
    Audited, Auditor, Change, Changes, Check, CheckOutcome, EventType, FactError, FactSet, Facts, Finding, Pass,
    QUIET_PERIOD, Report, Stretch, Telling, events_can_be_read,
};
pub use deps::Deps;
pub use health::{Health, HealthReport, PartHealth};
pub use keys::{VerificationKey, VerificationKeys};
pub use metrics::{HistogramReading, METRICS_MEDIA_TYPE, Metrics, Readings, RouteMetrics, ShedMetric, read_store};
pub use operators::operator_routes;
pub use outbound::{OUTBOUND_SETTINGS, OutRequest, OutResponse, Outbound, OutboundError, UreqOutbound};
pub use platform::{Ground, Mount, MountError, Platform, until_time_is_up};
pub use revocations::{REVOCATION_LIFETIME, Revocation, Revocations};
pub use service::{Service, Start};
pub use settings::{
    Origin, Setting, SettingFault, SettingFaults, SettingKind, Settings, Shown, Sources, settings_table,
};
pub use supervisor::{SUPERVISOR_SETTINGS, Stop, Stopped, Supervisor};
pub use telemetry::{
    TELEMETRY_SETTINGS, Telemetry, TelemetryError, adopt_traceparent, current_traceparent, trace_route,
};
pub use timers::{GO_ON_AFTER, Progress, Timer, TimerLoop, Turn, instance_name};

// HTTP half.
mod body;
mod card_number;
mod context;
mod etag;
mod headers;
mod idempotency;
mod json_schema;
mod limits;
mod openapi;
mod page;
mod path;
mod principal;
mod problem;
mod query;
mod rates;
mod refusal;
mod server;
pub mod token;

pub use body::{
    BODY_MAX_BYTES, Body, CSV_MAX_BYTES, Csv, DEPTH_MAX, Validate, parse as parse_body, read_body, read_counted_body,
};
pub use card_number::{address_holds_card_number, without_card_numbers};
pub use context::{Lang, RequestContext, RequestId, RequestKind, language_of};
pub use etag::{IfMatch, Stale, Tagged, etagged, version_tag, versioned, weak_tag};
pub use headers::{Transport, X_REQUEST_ID};
pub use idempotency::{
    Answer, Begun, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IdempotencyKey, Intent, KEY_MAX_BYTES, Keyed, MaybeKeyed,
    begin, finish, once, release,
};
pub use limits::{Admission, AdmissionLimits, Admitted, Overloaded, Permit};
pub use openapi::{
    Access, ApiDocument, IdempotencyKeyHeader, IfMatchHeader, IfNoneMatchHeader, OptionalIdempotencyKeyHeader, Outline,
    Refusal, documentation, members_of, one_of,
};
pub use page::{PAGE_DEFAULT, PAGE_MAX, Page, PageQuery, cursor};
pub use path::{PathId, PathIds};
pub use principal::{Grant, Principal, Role, Shops, UnknownRole};
pub use problem::{
    FAULTS_MAX, Fault, PROBLEM_JSON, Problem, codes, errors_table, in_language, kit_codes, status_of, undeclared,
};
pub use query::{Everything, Listing, Query, no_query};
pub use rates::{RATE_SETTINGS, rate_limiter};
pub use refusal::RefusedCaller;
pub use server::{ClientAddress, Drained, Edge, EdgeSettings, Respond, ServerLimits, TrustedProxies, serve};
