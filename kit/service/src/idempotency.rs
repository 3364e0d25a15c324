//! `Idempotency-Key` over `store::idempotency` (decisions 17 and 18): a request that is sent again has one effect
//! and gets the same answer, byte for byte.
//!
//! Two forms. A route whose effect is one transaction uses [`once`]: claim, effect and answer are committed together.
//! A route of several steps uses [`begin`], carries the claim's resource id through every step, and writes the
//! answer with [`finish`] in its last transaction, or lets go with [`release`] when it is rejected.
//!
//! Only 2xx answers are stored. Whether the caller may is asked before any of this, by the gateway.

mod answer;

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use store::idempotency::{Claim, Held, Key};
use store::{Db, StoreError, Tx};
use utoipa::ToSchema;

pub use answer::Answer;

use crate::body::{self, BODY_MAX_BYTES, Validate, read_body};
use crate::principal::Principal;
use crate::problem::{
    IDEMPOTENCY_KEY_MALFORMED, IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_REUSED, Problem, REQUEST_IN_PROGRESS,
    UNAUTHENTICATED,
};

/// The header of the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Marks an answer that was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key.
pub const KEY_MAX_BYTES: usize = 128;

/// Extractor: the key of a request. 400 when it is missing; `Option<IdempotencyKey>` where it is only honoured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(parts: &Parts) -> Result<Option<Self>, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (Some(value), second) = (values.next(), values.next()) else { return Ok(None) };
        let malformed = || Problem::new(&IDEMPOTENCY_KEY_MALFORMED);
        let text = value.to_str().map_err(|_| malformed())?.trim();
        // The draft of the header writes it as a quoted string, nearly everybody sends it bare.
        let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let is_key = (1..=KEY_MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte));
        if is_key && second.is_none() { Ok(Some(Self(text.to_owned()))) } else { Err(malformed()) }
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts)?.ok_or_else(|| Problem::new(&IDEMPOTENCY_KEY_REQUIRED))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::read(parts)
    }
}

/// One intention of one caller: what a claim is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    key: Key,
    body_hash: String,
}

impl Intent {
    /// The intention behind a request: its caller, its method and path, its key, and what it says.
    #[must_use]
    pub fn new(principal: &Principal, route: String, key: &IdempotencyKey, said: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in said {
            // With its length before it, so that two parts cannot pass for one.
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
        let principal = principal.user_id.text().as_str().to_owned();
        let key = Key { principal, route, key: key.0.clone() };
        Self { key, body_hash: URL_SAFE_NO_PAD.encode(hasher.finalize()) }
    }

    fn of_request(parts: &Parts, key: &IdempotencyKey, body: &[u8]) -> Result<Self, Problem> {
        let principal = parts.extensions.get::<Principal>().ok_or_else(|| Problem::new(&UNAUTHENTICATED))?;
        let uri = parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let route = format!("{} {}", parts.method, uri.path());
        Ok(Self::new(principal, route, key, &[uri.query().unwrap_or_default().as_bytes(), body]))
    }
}

/// Extractor: a JSON body under a required key.
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    /// The body, as [`crate::Body`] reads it.
    pub body: T,
    /// What is claimed.
    pub intent: Intent,
}

/// Extractor: a JSON body, under a key if the caller sent one.
#[derive(Clone, Debug)]
pub struct MaybeKeyed<T> {
    /// The body, as [`crate::Body`] reads it.
    pub body: T,
    /// What is claimed, if anything.
    pub intent: Option<Intent>,
}

impl<S, T> FromRequest<S> for Keyed<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema + Validate + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let MaybeKeyed { body, intent } = read_keyed(request, Need::Required).await?;
        let intent = intent.ok_or_else(|| Problem::new(&IDEMPOTENCY_KEY_REQUIRED))?;
        Ok(Self { body, intent })
    }
}

impl<S, T> FromRequest<S> for MaybeKeyed<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema + Validate + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read_keyed(request, Need::Honoured).await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Honoured,
}

async fn read_keyed<T>(request: Request, need: Need) -> Result<MaybeKeyed<T>, Problem>
where
    T: DeserializeOwned + ToSchema + Validate + 'static,
{
    let (parts, body) = request.into_parts();
    let key = IdempotencyKey::read(&parts)?;
    if need == Need::Required && key.is_none() {
        return Err(Problem::new(&IDEMPOTENCY_KEY_REQUIRED));
    }
    body::check_json(&parts)?;
    let bytes = read_body(&parts.headers, body, BODY_MAX_BYTES).await?;
    let body = body::parse(&bytes)?;
    let intent = key.map(|key| Intent::of_request(&parts, &key, &bytes)).transpose()?;
    Ok(MaybeKeyed { body, intent })
}

/// What a claim allows.
#[derive(Debug)]
pub enum Begun {
    /// Act, with the id in the claim.
    Fresh(Held),
    /// Act, with the id of an earlier try that died on the way; what it did under that id is there.
    TakenOver(Held),
    /// It was done before: give this answer.
    Replay(Answer),
}

/// Claims the intent in a transaction of its own: the first step of several ([`store::in_steps`]). The id was drawn for this
/// call, so that nobody else knows it.
///
/// # Errors
/// 422 when the key was used for another body, 409 with `Retry-After` while an earlier try runs, and what the database
/// says.
pub async fn begin(db: &Db, intent: Intent, resource_id: String) -> Result<Begun, Problem> {
    let (first, id) = (intent.clone(), resource_id.clone());
    let held = db
        .write_step_in_company(
            move |tx| store::idempotency::claim_first(tx, &first.key, &first.body_hash, &id),
            |_: &Held| true,
        )
        .await;
    match held {
        Err(StoreError::Untouched { .. }) => {}
        held => return Ok(Begun::Fresh(held?)),
    }
    let next = move |tx: &mut Tx<'_>| store::idempotency::claim_next(tx, &intent.key, &intent.body_hash, &resource_id);
    // Not a step: a take-over that was carried out twice would wait for its own lease.
    begun(db.write(next).await?)
}

fn begun(claim: Claim) -> Result<Begun, Problem> {
    match claim {
        Claim::Fresh(held) => Ok(Begun::Fresh(held)),
        Claim::TakenOver(held) => Ok(Begun::TakenOver(held)),
        Claim::Replay(stored) => Answer::replayed(stored).map(Begun::Replay),
        Claim::InProgress { retry_after_s } => Err(Problem::new(&REQUEST_IN_PROGRESS).retry_after_s(retry_after_s)),
        Claim::Mismatch => Err(Problem::new(&IDEMPOTENCY_KEY_REUSED)),
    }
}

/// Writes the answer in the last transaction, beside the effect.
///
/// # Errors
/// [`StoreError::LeaseLost`] when another try took over: the transaction must fail with it.
pub fn finish(tx: &mut Tx<'_>, held: &Held, answer: &Answer) -> Result<(), StoreError> {
    store::idempotency::answer(tx, held, &answer.stored())
}

/// Lets go of the key after a rejection, so that a mended request may use it. `false` when another try has taken
/// over: what was made under the claim's id is that try's then, and must not be undone.
///
/// # Errors
/// What the database says.
pub async fn release(db: &Db, held: Held) -> Result<bool, StoreError> {
    db.write(move |tx| store::idempotency::release(tx, &held)).await
}

/// Claim, effect and answer in one transaction. A rejection rolls all three back. Without an intent (a route that only
/// honours keys, and none was sent) it is the effect alone.
///
/// # Errors
/// Those of [`begin`], and what the effect rejects.
pub async fn once<E, F>(db: &Db, intent: impl Into<Option<Intent>>, mut effect: F) -> Result<Response, Problem>
where
    E: From<StoreError> + Into<Problem> + Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<Answer, E> + Send + 'static,
{
    let intent = intent.into();
    let outcome = db.write(move |tx| one_transaction(tx, intent.as_ref(), &mut effect)).await;
    outcome.map(IntoResponse::into_response).map_err(|failed| match failed {
        Failed::Effect(error) => error.into(),
        Failed::Store(error) => error.into(),
        Failed::Claim(problem) => problem,
    })
}

enum Failed<E> {
    Effect(E),
    Store(StoreError),
    Claim(Problem),
}

impl<E> From<StoreError> for Failed<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn one_transaction<E: From<StoreError>>(
    tx: &mut Tx<'_>,
    intent: Option<&Intent>,
    effect: &mut impl FnMut(&mut Tx<'_>) -> Result<Answer, E>,
) -> Result<Answer, Failed<E>> {
    let Some(intent) = intent else { return effect(tx).map_err(Failed::Effect) };
    let claim = store::idempotency::claim(tx, &intent.key, &intent.body_hash, "")?;
    match begun(claim).map_err(Failed::Claim)? {
        Begun::Replay(answer) => Ok(answer),
        Begun::Fresh(held) | Begun::TakenOver(held) => {
            let answer = effect(tx).map_err(Failed::Effect)?;
            finish(tx, &held, &answer)?;
            Ok(answer)
        }
    }
}

/// The value of the header that marks a repeated answer.
const TRUE: HeaderValue = HeaderValue::from_static("true");
