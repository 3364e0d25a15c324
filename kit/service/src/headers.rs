//! Headers that every answer carries, and headers that nobody outside may set.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, FORWARDED, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// The request id of an answer; taken from a trusted proxy, made otherwise.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An answer of the API is data: opened in a browser it may load nothing, run nothing and be framed by nobody.
const DATA_ONLY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// How callers reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Plain HTTP: a development machine, or an inner network.
    Plain,
    /// TLS, here or at the proxy before us.
    Tls,
}

/// Whether the answer is meant for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Anybody,
    OnePerson,
}

impl Audience {
    /// A request with credentials, good or bad, gets an answer that nobody may store.
    pub(crate) fn of(request: &HeaderMap) -> Self {
        if request.contains_key(AUTHORIZATION) || request.contains_key(COOKIE) {
            Self::OnePerson
        } else {
            Self::Anybody
        }
    }
}

/// Sets what every answer carries. A page (Swagger UI, the storefront) has set its own, wider policy already.
pub(crate) fn secure(answer: &mut HeaderMap, audience: Audience, transport: Transport) {
    answer.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    answer.insert(REFERRER_POLICY, NO_REFERRER);
    answer.entry(CONTENT_SECURITY_POLICY).or_insert(DATA_ONLY);
    match audience {
        Audience::OnePerson => {
            answer.insert(CACHE_CONTROL, NO_STORE);
        }
        Audience::Anybody => {
            answer.entry(CACHE_CONTROL).or_insert(NO_STORE);
        }
    }
    match transport {
        Transport::Plain => {}
        Transport::Tls => {
            answer.insert(STRICT_TRANSPORT_SECURITY, ONE_YEAR);
        }
    }
}

/// Takes out what only a trusted proxy or we ourselves may say (ASVS 4.1.3): where the caller is, who and in which
/// shop, which method was meant.
pub(crate) fn drop_forged(request: &mut HeaderMap) {
    let forged: Vec<HeaderName> = request.keys().filter(|name| is_ours_to_say(name)).cloned().collect();
    for name in forged {
        request.remove(name);
    }
}

fn is_ours_to_say(name: &HeaderName) -> bool {
    if *name == FORWARDED {
        return true;
    }
    let Some(rest) = name.as_str().strip_prefix("x-") else { return false };
    ["forwarded", "user-", "shop-", "real-ip", "request-id", "http-method", "method-override", "original-", "rewrite-"]
        .iter()
        .any(|start| rest.starts_with(start))
}
