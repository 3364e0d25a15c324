//! The port over `ureq`: pooled connections, rustls on ring, and the machine's own list of authorities.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Error, Timeout};

use super::{OutRequest, OutResponse, Outbound, OutboundError};
use crate::telemetry::{TRACEPARENT, current_traceparent};
use crate::{Setting, SettingFault, SettingKind, Settings};

const HOSTS: &str = "outbound.hosts";
const CA_FILE: &str = "outbound.ca_file";

/// The settings of the port.
pub static OUTBOUND_SETTINGS: &[Setting] = &[
    Setting {
        key: HOSTS,
        default: "localhost,127.0.0.1,[::1]",
        kind: SettingKind::List,
        doc: "Hosts that may be asked over HTTP, with or without a port; all others are refused.",
    },
    Setting {
        key: CA_FILE,
        default: "/etc/ssl/certs/ca-certificates.crt",
        kind: SettingKind::Text,
        doc: "PEM file of the certificate authorities that are trusted.",
    },
];

/// How long a connection may take; a host that is away should not cost the whole time limit.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The production port.
#[derive(Debug)]
pub struct UreqOutbound {
    agent: Agent,
    hosts: Vec<String>,
}

impl UreqOutbound {
    /// The port as configured by [`OUTBOUND_SETTINGS`]. Without the file of authorities plain HTTP still works, and
    /// every HTTPS request fails on its certificate.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let authorities = authorities(settings.path(CA_FILE)).unwrap_or_default();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&authorities))
            .build();
        let config = Config::builder()
            .tls_config(tls)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_MAX))
            .user_agent("samovar")
            .build();
        Self { agent: config.new_agent(), hosts: hosts(settings) }
    }

    /// What keeps the port from asking where it will be asked to: the addresses that the settings `asked` hold, unless they
    /// are empty. A file of authorities that nobody named may be missing: not every machine has one there.
    #[must_use]
    pub fn faults(settings: &Settings, asked: &[&str]) -> Vec<SettingFault> {
        let of_hosts = asked.iter().filter_map(|key| host_fault(settings, key));
        of_hosts.chain(authorities_fault(settings)).collect()
    }

    fn exchange(&self, request: &OutRequest, host: &str) -> Result<OutResponse, OutboundError> {
        let mut sent = http::Request::builder().method(request.method.clone()).uri(&request.url);
        if let Some(headers) = sent.headers_mut() {
            headers.extend(request.headers.clone());
            if let Some(traceparent) = current_traceparent().and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.entry(TRACEPARENT).or_insert(traceparent);
            }
        }
        let bad = |e: http::Error| OutboundError::BadRequest { reason: e.to_string() };
        let limit = Some(Duration::from_millis(u64::from(request.timeout_ms)));
        let answer = if request.body.is_empty() && takes_no_body(&request.method) {
            let sent = sent.body(()).map_err(bad)?;
            self.agent.run(self.agent.configure_request(sent).timeout_global(limit).build())
        } else {
            let sent = sent.body(&request.body[..]).map_err(bad)?;
            self.agent.run(self.agent.configure_request(sent).timeout_global(limit).build())
        };
        let failed = |error| failure(error, host, request);
        let (head, mut body) = answer.map_err(failed)?.into_parts();
        // The reader's limit counts a body that ends exactly there as too large.
        let limit = request.body_max.saturating_add(1);
        let body = body.with_config().limit(limit).read_to_vec().map_err(failed)?;
        Ok(OutResponse { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl Outbound for UreqOutbound {
    fn send(&self, request: &OutRequest) -> Result<OutResponse, OutboundError> {
        let bad = |reason: String| OutboundError::BadRequest { reason };
        let uri: Uri = request.url.parse().map_err(|e| bad(format!("{:?} is not an address: {e}", request.url)))?;
        let authority = uri.authority().ok_or_else(|| bad(format!("{:?} names no host", request.url)))?;
        let host = authority.as_str().to_owned();
        if authority.as_str().contains('@') {
            return Err(bad("an address with a name or password in it is refused".to_owned()));
        }
        if !allows(&self.hosts, authority) {
            return Err(OutboundError::NotAllowed { host });
        }
        self.exchange(request, &host)
    }
}

/// The hosts that may be asked.
fn hosts(settings: &Settings) -> Vec<String> {
    settings.list(HOSTS).iter().map(|host| host.to_ascii_lowercase()).collect()
}

fn allows(hosts: &[String], authority: &Authority) -> bool {
    let host = authority.host().to_ascii_lowercase();
    let with_port = authority.port_u16().map(|port| format!("{host}:{port}"));
    hosts.iter().any(|known| *known == host || Some(known) == with_port.as_ref())
}

/// The fault of an address that may not be asked, with what somebody set of the two.
fn host_fault(settings: &Settings, key: &str) -> Option<SettingFault> {
    let address = settings.text(key);
    let uri: Uri = address.parse().ok()?;
    let is_refused = uri.authority().is_some_and(|authority| !allows(&hosts(settings), authority));
    is_refused.then(|| {
        if settings.is_set(key) {
            settings.unusable(key, format!("is {address}, whose host is not in {HOSTS}"))
        } else {
            settings.unusable(HOSTS, format!("leaves out the host of {key}, {address}"))
        }
    })
}

fn authorities_fault(settings: &Settings) -> Option<SettingFault> {
    let path = settings.path(CA_FILE);
    let reason = match authorities(path) {
        Err(error) => format!("cannot be read: {error}"),
        Ok(found) if found.is_empty() => "holds no certificate".to_owned(),
        Ok(_) => return None,
    };
    settings.is_set(CA_FILE).then(|| settings.unusable(CA_FILE, format!("names {}, which {reason}", path.display())))
}

fn takes_no_body(method: &http::Method) -> bool {
    [http::Method::GET, http::Method::HEAD, http::Method::DELETE, http::Method::OPTIONS].contains(method)
}

/// A certificate that cannot be read is left out: the others of the machine's list still serve.
fn authorities(path: &Path) -> std::io::Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(path)?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    });
    Ok(certificates.collect())
}

/// What the asker may conclude. Whatever is not certainly before the first byte of the request counts as seen.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows; what is not known here counts as seen")]
fn failure(error: Error, host: &str, request: &OutRequest) -> OutboundError {
    let host = host.to_owned();
    let reason = error.to_string();
    match error {
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | Error::Tls(_)
        | Error::Rustls(_)
        | Error::TlsRequired => OutboundError::Unreachable { host, reason },
        Error::Io(error) if before_sending(&error) => OutboundError::Unreachable { host, reason },
        Error::Timeout(_) => OutboundError::Timeout { host, timeout_ms: request.timeout_ms },
        Error::BodyExceedsLimit(_) => OutboundError::TooLarge { host, limit: request.body_max },
        Error::BadUri(_) | Error::Http(_) => OutboundError::BadRequest { reason },
        _ => OutboundError::Broken { host, reason },
    }
}

fn before_sending(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let refused = [Kind::ConnectionRefused, Kind::HostUnreachable, Kind::NetworkUnreachable, Kind::AddrNotAvailable];
    refused.contains(&error.kind())
}
