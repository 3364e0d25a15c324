//! Access tokens: what auth signs and whoever stands at the door checks. JWTs with Ed25519 (RFC 7519, RFC 8037,
//! typ of RFC 9068), good for ten minutes.
//!
//! The signature is checked first, with a key that is found by `kid` in our own list and nowhere else: what a header
//! says of keys (`jku`, `jwk`, `x5u`) is not looked at (ASVS V9). Deliberately absent: any other algorithm, and
//! asking whether a session was revoked, which is [`Revocations`](crate::Revocations)' and no cache may remember.

mod provider;

use std::sync::LazyLock;
use std::time::Duration;

use contracts::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};

use crate::{Grant, REVOCATION_LIFETIME, VerificationKey, VerificationKeys};

/// How long an access token is good. The list of revocations remembers for as long.
pub const ACCESS_TOKEN_LIFETIME: Duration = REVOCATION_LIFETIME;

/// `typ` of the header: no other token of ours, present or future, is taken for an access token.
const ACCESS_TOKEN_TYPE: &str = "at+jwt";
const ISSUER: &str = "samovar";
const GUEST_AUDIENCE: &str = "samovar:guest";
const STAFF_AUDIENCE: &str = "samovar:staff";
/// Ours have about 500 bytes and one grant more each 60.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Clocks of two machines may differ by so much.
const CLOCK_LEEWAY_S: i64 = 5;
#[expect(clippy::cast_possible_wrap, reason = "ten minutes")]
const LIFETIME_S: i64 = ACCESS_TOKEN_LIFETIME.as_secs() as i64;

/// Who signed in, what they may do, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Who.
    pub user_id: UserId,
    /// Their session: the token ends with it.
    pub session_id: SessionId,
    /// What they may do; empty for a guest.
    pub grants: Vec<Grant>,
    /// When they last showed their password.
    pub auth_time: Timestamp,
    /// When the token was issued; on the wire in whole seconds.
    pub issued_at: Timestamp,
}

/// The claims on the wire.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<Grant>,
}

/// Why a token is refused. For the log: the caller is only told to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not three parts of base64url, or not JSON, or longer than any of ours.
    #[error("the token cannot be read")]
    Malformed,
    /// Another type or algorithm, or a header that must be understood and is not.
    #[error("the token is of another kind")]
    WrongKind,
    /// No key of that name, or none named.
    #[error("the token names no key of ours")]
    UnknownKey,
    /// The signature is not the key's, or a claim is missing or not for us.
    #[error("the token's signature or claims are not ours")]
    NotOurs,
    /// Its time is over, or has not come.
    #[error("the token's time is over")]
    Expired,
}

/// A private key that tokens are signed with, and its name.
pub struct SigningKey {
    id: String,
    private: EncodingKey,
    public: [u8; 32],
}

/// The name only.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.id).finish()
    }
}

impl SigningKey {
    /// The key that a 32-byte seed of RFC 8032 stands for.
    #[must_use]
    pub fn from_seed(id: String, seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed has 32 bytes, and any 32 bytes are one");
        let public = pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
        Self { id, private: EncodingKey::from_ed_der(seed), public }
    }

    /// What tokens signed with it are checked with.
    #[must_use]
    pub fn verification_key(&self) -> VerificationKey {
        VerificationKey { id: self.id.clone(), ed25519: self.public }
    }

    /// The signed token.
    #[must_use]
    pub fn sign(&self, token: &AccessToken) -> String {
        provider::install();
        let iat = token.issued_at.as_seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience_of(&token.grants).to_owned(),
            sub: token.user_id,
            sid: token.session_id,
            iat,
            exp: iat + LIFETIME_S,
            auth_time: token.auth_time.as_seconds(),
            grants: token.grants.clone(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, &claims, &self.private)
            .expect("the claims are plain JSON and the key was made from a seed")
    }
}

/// Staff and guests have tokens of their own: one never passes for the other.
fn audience_of(grants: &[Grant]) -> &'static str {
    if grants.is_empty() { GUEST_AUDIENCE } else { STAFF_AUDIENCE }
}

/// Signature, issuer and audience. Times are checked against [`kernel::Clock`], not the machine's.
static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[GUEST_AUDIENCE, STAFF_AUDIENCE]);
    validation.validate_exp = false;
    validation
});

/// What a token says, if one of `keys` signed it and its time is now.
///
/// # Errors
///
/// The first reason to refuse it.
pub fn verify(token: &str, keys: &VerificationKeys, now: Timestamp) -> Result<AccessToken, TokenFault> {
    provider::install();
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Malformed)?;
    if header.typ.as_deref() != Some(ACCESS_TOKEN_TYPE) || header.alg != Algorithm::EdDSA || header.crit.is_some() {
        return Err(TokenFault::WrongKind);
    }
    let public = header.kid.as_deref().and_then(|id| keys.find(id)).ok_or(TokenFault::UnknownKey)?;
    let key = DecodingKey::from_ed_der(&public);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &VALIDATION).map_err(|_| TokenFault::NotOurs)?.claims;
    check_times(&claims, now)?;
    if claims.aud != audience_of(&claims.grants) {
        return Err(TokenFault::NotOurs);
    }
    Ok(AccessToken {
        user_id: claims.sub,
        session_id: claims.sid,
        grants: claims.grants,
        auth_time: at_second(claims.auth_time),
        issued_at: at_second(claims.iat),
    })
}

/// No leeway at the end: a revocation is forgotten when the token that it refuses has run out.
fn check_times(claims: &Claims, now: Timestamp) -> Result<(), TokenFault> {
    let life_s = claims.exp.saturating_sub(claims.iat);
    let good = now.as_seconds() < claims.exp
        && claims.iat <= now.as_seconds().saturating_add(CLOCK_LEEWAY_S)
        && (1..=LIFETIME_S).contains(&life_s);
    if good { Ok(()) } else { Err(TokenFault::Expired) }
}

fn at_second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests;
