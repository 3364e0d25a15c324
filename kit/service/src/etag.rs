//! `ETag`, `If-None-Match`, `If-Match` (RFC 9110, section 13; decision 21).
//!
//! A read carries a weak tag over its body. A resource that two people may edit carries its version instead, as a
//! strong tag, and a change of it must say which version it was made on.

use std::hash::Hasher;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use kernel::{Code, Coded};
use serde::Serialize;

use crate::problem::{IF_MATCH_REQUIRED, Problem, STALE};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Kept by the caller, asked for again each time: the answer is then 304 without a body.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// A JSON body with its tag, made once and answered many times (the menu).
#[derive(Clone, Debug)]
pub struct Tagged {
    tag: HeaderValue,
    body: Bytes,
}

impl Tagged {
    /// The value as JSON under a weak tag over the text.
    ///
    /// # Errors
    /// A value that cannot be written as JSON is our own fault (500).
    pub fn new(value: &impl Serialize) -> Result<Self, Problem> {
        let body = Bytes::from(json(value)?);
        Ok(Self { tag: weak_tag(&body), body })
    }

    /// The value as JSON under its version as a strong tag.
    ///
    /// # Errors
    /// A value that cannot be written as JSON is our own fault (500).
    pub fn versioned(value: &impl Serialize, version: i64) -> Result<Self, Problem> {
        Ok(Self { tag: version_tag(version), body: Bytes::from(json(value)?) })
    }

    /// The value as JSON under a weak tag over the text that also says its version: for a resource that is edited and
    /// says something of this moment beside. The tag is taken as `If-Match` like the version itself.
    ///
    /// # Errors
    /// A value that cannot be written as JSON is our own fault (500).
    pub fn at_version(value: &impl Serialize, version: i64) -> Result<Self, Problem> {
        let body = Bytes::from(json(value)?);
        let hash = weak_tag(&body);
        let hash = hash.to_str().expect("made of visible ASCII characters").trim_start_matches("W/\"");
        let tag = HeaderValue::from_str(&format!("W/\"{version}.{hash}")).expect("made of visible ASCII characters");
        Ok(Self { tag, body })
    }

    /// The value as JSON under a weak tag over what it was made from, where that says more than the text: parts of the
    /// body that change all the time and mean little do not move the tag.
    ///
    /// # Errors
    /// A value that cannot be written as JSON is our own fault (500).
    pub fn under(value: &impl Serialize, made_from: &str) -> Result<Self, Problem> {
        Ok(Self { tag: weak_tag(made_from.as_bytes()), body: Bytes::from(json(value)?) })
    }

    /// Bytes of the body: for who keeps many of them.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// 200 with the body, or 304 when the caller has it already.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let is_known = names_tag(request, self.tag.as_bytes());
        let mut response = Response::new(if is_known { Body::empty() } else { Body::from(self.body.clone()) });
        let headers = response.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, REVALIDATE);
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(CONTENT_TYPE, JSON);
        }
        response
    }
}

/// 200 with the value as JSON under a weak tag over the body, or 304 when `If-None-Match` names it.
pub fn etagged(request: &HeaderMap, value: &impl Serialize) -> Response {
    Tagged::new(value).map_or_else(IntoResponse::into_response, |tagged| tagged.answer(request))
}

/// The same for a resource that is edited: the tag is its version, to be sent back as `If-Match`.
pub fn versioned(request: &HeaderMap, value: &impl Serialize, version: i64) -> Response {
    Tagged::versioned(value, version).map_or_else(IntoResponse::into_response, |tagged| tagged.answer(request))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::internal(format!("an answer is not JSON: {error}")))
}

/// A weak tag over the bytes. The hash is not a secret and not a signature: two bodies of one resource with the same
/// 64 bits are what must not happen by chance, and a caller gains nothing by making it happen.
#[must_use]
pub fn weak_tag(body: &[u8]) -> HeaderValue {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(body);
    let hash = hasher.finish();
    let mut text = *b"W/\"0000000000000000\"";
    for (byte, digits) in hash.to_be_bytes().into_iter().zip(text[3..19].chunks_exact_mut(2)) {
        digits[0] = HEX[usize::from(byte >> 4)];
        digits[1] = HEX[usize::from(byte & 0xF)];
    }
    HeaderValue::from_bytes(&text).expect("made of visible ASCII characters")
}

/// A version as a strong tag: `"17"`.
#[must_use]
pub fn version_tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("made of digits and quotes")
}

/// Whether `If-None-Match` names the tag; weak comparison, and `*` names every one.
fn names_tag(request: &HeaderMap, tag: &[u8]) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|value| value.as_bytes() == tag || tags(value).any(|known| known == b"*" || opaque(known) == opaque(tag)))
}

/// The tags of a list. Ours have no comma inside, so splitting at commas finds them.
fn tags(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Extractor: the version that a change was made on. Missing: 428.
///
/// A weak form of our own tag is taken as well: proxies that compress weaken tags on the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(Wanted);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    OneOf(Vec<i64>),
}

/// The version that a change was made on is not the current one any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the current version is {current}")]
pub struct Stale {
    /// The version that stands.
    pub current: i64,
}

impl Coded for Stale {
    fn code(&self) -> &'static Code {
        &STALE
    }

    fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::from_iter([("version".to_owned(), self.current.into())])
    }
}

impl IfMatch {
    /// Made on this version.
    #[must_use]
    pub fn version(version: i64) -> Self {
        Self(Wanted::OneOf(vec![version]))
    }

    /// Whether the change was made on the current version.
    ///
    /// # Errors
    /// [`Stale`] with the current version: 412.
    pub fn check(&self, current: i64) -> Result<(), Stale> {
        match &self.0 {
            Wanted::Any => Ok(()),
            Wanted::OneOf(versions) if versions.contains(&current) => Ok(()),
            Wanted::OneOf(_) => Err(Stale { current }),
        }
    }

    fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(IF_MATCH).iter().peekable();
        values.peek()?;
        let mut versions = Vec::new();
        for tag in values.flat_map(tags) {
            if tag == b"*" {
                return Some(Self(Wanted::Any));
            }
            // What is not one of our tags cannot match: it is left out, and the check answers 412.
            versions.extend(version_of(tag));
        }
        Some(Self(Wanted::OneOf(versions)))
    }
}

fn version_of(tag: &[u8]) -> Option<i64> {
    let quoted = opaque(tag).strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let text = std::str::from_utf8(quoted).ok()?;
    // Behind the point: what else the body said.
    text.split_once('.').map_or(text, |(version, _)| version).parse().ok()
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers).ok_or_else(|| Problem::new(&IF_MATCH_REQUIRED))
    }
}
