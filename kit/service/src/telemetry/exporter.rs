//! Traces to a collector: OTLP over HTTP, protobuf, through the [`Outbound`] port.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use crate::{OutRequest, Outbound};

/// How long the collector may take. The exporter has a thread of its own; what it cannot send is dropped.
const TIMEOUT_MS: u32 = 5_000;

pub(super) fn provider(
    endpoint: &str,
    sample_percent: u32,
    outbound: Arc<dyn Outbound>,
) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_http_client(CollectorClient { outbound, failing: AtomicBool::new(false) })
        .build()?;
    let sampler = Sampler::TraceIdRatioBased(f64::from(sample_percent) / 100.0);
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(Resource::builder().with_service_name("samovar").build())
        .build())
}

/// The port in the exporter's words.
struct CollectorClient {
    outbound: Arc<dyn Outbound>,
    /// So that a collector that is away is one line in the log, and not one each five seconds.
    failing: AtomicBool,
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CollectorClient")
    }
}

impl CollectorClient {
    fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let mut sent = OutRequest::new(head.method, head.uri.to_string()).timeout_ms(TIMEOUT_MS);
        sent.headers = head.headers;
        sent.body = body.to_vec();
        let answer = self.outbound.send(&sent);
        let failed = answer.as_ref().map_or_else(ToString::to_string, |a| {
            if a.is_success() { String::new() } else { format!("status {}", a.status) }
        });
        self.log_change(&failed);
        let answer = answer?;
        let mut response = Response::builder().status(answer.status);
        if let Some(headers) = response.headers_mut() {
            *headers = answer.headers;
        }
        Ok(response.body(Bytes::from(answer.body))?)
    }

    fn log_change(&self, failed: &str) {
        let was_failing = self.failing.swap(!failed.is_empty(), Ordering::Relaxed);
        match (was_failing, failed.is_empty()) {
            (false, false) => tracing::warn!(reason = failed, "traces are not being taken by the collector"),
            (true, true) => tracing::info!("traces are being taken by the collector again"),
            (false, true) | (true, false) => {}
        }
    }
}

/// What `#[async_trait]` makes of the trait's one method, written out: the future is ready at once, because the
/// exporter's own thread is there to wait.
impl HttpClient for CollectorClient {
    fn send_bytes<'client, 'sent>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'client: 'sent,
        Self: 'sent,
    {
        Box::pin(std::future::ready(self.exchange(request)))
    }
}
