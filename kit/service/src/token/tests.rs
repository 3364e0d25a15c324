//! Every way to forge a token that ASVS V9 and the history of the format know.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use contracts::{SessionId, ShopId, UserId};
use kernel::Timestamp;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::{AccessToken, SigningKey, TokenFault, verify};
use crate::{Grant, Role, VerificationKeys};

const SEED: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp::from_micros(1_795_255_200_000_000);

fn keys() -> VerificationKeys {
    let keys = VerificationKeys::default();
    keys.replace([SigningKey::from_seed("k1".to_owned(), &SEED).verification_key()]);
    keys
}

fn anna() -> AccessToken {
    AccessToken {
        user_id: UserId::from_bits(1),
        session_id: SessionId::from_bits(2),
        grants: vec![Grant { role: Role::Barista, shop_id: Some(ShopId::from_bits(3)) }],
        auth_time: Timestamp::from_micros(1_795_255_000_000_000),
        issued_at: NOW,
    }
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"})
}

fn claims() -> Value {
    let token = SigningKey::from_seed("k1".to_owned(), &SEED).sign(&anna());
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A token of our own key, whatever it says.
fn signed(header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    let signature = Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap().sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

#[test]
fn what_was_signed_is_read() {
    let token = SigningKey::from_seed("k1".to_owned(), &SEED).sign(&anna());

    assert_eq!(verify(&token, &keys(), NOW), Ok(anna()));
    assert_eq!(
        verify(&signed(&header(), &claims()), &keys(), NOW),
        Ok(anna()),
        "the forgeries below start from a good one"
    );
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let stripped = format!("{}.", message(&header(), &claims()));
    let two_parts = message(&header(), &claims());
    let none = format!("{}.", message(&with(header(), "alg", json!("none")), &claims()));

    assert_eq!(verify(&stripped, &keys(), NOW), Err(TokenFault::NotOurs));
    assert_eq!(verify(&two_parts, &keys(), NOW), Err(TokenFault::Malformed));
    assert_eq!(verify(&none, &keys(), NOW), Err(TokenFault::Malformed));
    for odd in ["None", "NONE", "nOnE", ""] {
        let none = signed(&with(header(), "alg", json!(odd)), &claims());
        assert!(verify(&none, &keys(), NOW).is_err(), "alg {odd:?} was taken");
    }
}

#[test]
fn the_public_key_is_not_a_secret_to_sign_with() {
    let public = *Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap().public_key();
    let message = message(&with(header(), "alg", json!("HS256")), &claims());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_ref()), message.as_bytes());

    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));

    assert_eq!(verify(&token, &keys(), NOW), Err(TokenFault::WrongKind));
}

#[test]
fn a_key_that_the_token_brings_along_is_not_used() {
    let stranger = SigningKey::from_seed("k1".to_owned(), &[9; 32]);
    let public = URL_SAFE_NO_PAD.encode(stranger.verification_key().ed25519);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": public, "kid": "k1", "alg": "EdDSA", "use": "sig"});
    for brought in
        [json!({"jwk": jwk}), json!({"jku": "https://evil.example/jwks"}), json!({"x5u": "https://evil.example"})]
    {
        let mut forged = header();
        forged.as_object_mut().unwrap().extend(brought.as_object().unwrap().clone());
        let message = message(&forged, &claims());
        let signature = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap().sign(message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));

        assert_eq!(verify(&token, &keys(), NOW), Err(TokenFault::NotOurs), "{brought}");
    }
}

#[test]
fn a_key_that_is_not_ours_is_refused_by_its_name() {
    let stranger = SigningKey::from_seed("k2".to_owned(), &[9; 32]).sign(&anna());
    let unnamed = signed(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims());
    let path = signed(&with(header(), "kid", json!("../../dev/null")), &claims());

    assert_eq!(verify(&stranger, &keys(), NOW), Err(TokenFault::UnknownKey));
    assert_eq!(verify(&unnamed, &keys(), NOW), Err(TokenFault::UnknownKey));
    assert_eq!(verify(&path, &keys(), NOW), Err(TokenFault::UnknownKey));
}

#[test]
fn another_spelling_of_the_same_bytes_is_refused() {
    let good = signed(&header(), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // The last character of 64 bytes carries four bits that mean nothing: they must be zero.
    let (start, last) = signature.split_at(signature.len() - 1);
    let sloppy: String =
        ["A", "Q", "g", "w"].iter().find(|c| **c == last).map(|_| format!("{start}{}", next(last))).unwrap();

    for signature in
        [URL_SAFE.encode(&bytes), STANDARD.encode(&bytes), format!("{signature}="), format!("{signature} "), sloppy]
    {
        assert!(verify(&format!("{message}.{signature}"), &keys(), NOW).is_err(), "{signature} was taken");
    }
}

fn next(last: &str) -> char {
    char::from(last.as_bytes()[0] + 1)
}

#[test]
fn a_token_is_good_for_ten_minutes_and_not_before() {
    let token = signed(&header(), &claims());
    let minute = std::time::Duration::from_secs(60);

    assert!(verify(&token, &keys(), NOW.plus(9 * minute)).is_ok());
    assert_eq!(verify(&token, &keys(), NOW.plus(10 * minute)), Err(TokenFault::Expired));
    assert_eq!(verify(&token, &keys(), NOW.minus(minute)), Err(TokenFault::Expired));
    let long = signed(&header(), &with(claims(), "exp", json!(NOW.as_seconds() + 86_400)));
    assert_eq!(verify(&long, &keys(), NOW), Err(TokenFault::Expired), "it would outlive the list of revocations");
}

#[test]
fn a_token_for_somebody_else_or_of_another_kind_is_refused() {
    let kind = |typ: &str| signed(&with(header(), "typ", json!(typ)), &claims());
    let claim = |name: &str, value: Value| signed(&header(), &with(claims(), name, value));

    for typ in ["JWT", "rt+jwt", "reset+jwt", ""] {
        assert_eq!(verify(&kind(typ), &keys(), NOW), Err(TokenFault::WrongKind), "{typ}");
    }
    for audience in [json!("samovar:guest"), json!("samovar:internal"), json!(["samovar:staff"]), json!(null)] {
        assert_eq!(verify(&claim("aud", audience.clone()), &keys(), NOW), Err(TokenFault::NotOurs), "{audience}");
    }
    assert_eq!(verify(&claim("iss", json!("evil")), &keys(), NOW), Err(TokenFault::NotOurs));
    assert_eq!(verify(&claim("sub", json!("ses_00000000000000000000000001")), &keys(), NOW), Err(TokenFault::NotOurs));
    let must_understand = signed(&with(header(), "crit", json!(["exp"])), &claims());
    assert_eq!(verify(&must_understand, &keys(), NOW), Err(TokenFault::WrongKind));
}

#[test]
fn a_guests_token_cannot_be_given_roles() {
    let guest = AccessToken { grants: Vec::new(), ..anna() };
    let token = SigningKey::from_seed("k1".to_owned(), &SEED).sign(&guest);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let richer = URL_SAFE_NO_PAD.encode(claims().to_string());

    assert_eq!(verify(&token, &keys(), NOW), Ok(guest));
    assert_eq!(verify(&format!("{head}.{richer}.{signature}"), &keys(), NOW), Err(TokenFault::NotOurs));
}

#[test]
fn rubbish_is_refused() {
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJ.eyJ.eyJ",
        "\u{0}.\u{0}.\u{0}",
        &"a".repeat(100_000),
        &format!("{}.e30.AA", URL_SAFE_NO_PAD.encode("[]")),
    ] {
        assert_eq!(verify(token, &keys(), NOW), Err(TokenFault::Malformed), "{:?}", &token[..token.len().min(20)]);
    }
}
