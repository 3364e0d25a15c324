//! Ids and slugs in the path. What is not one names nothing: 404, as for an id that nobody has.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::problem::{NOT_FOUND, Problem};

/// Extractor: the one parameter of a path, `PathId<OrderId>`.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

/// Extractor: the two parameters of a path, in their order.
#[derive(Clone, Copy, Debug)]
pub struct PathIds<A, B>(pub A, pub B);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let values = path_values(parts, state).await?;
        nth(&values, 0).map(Self)
    }
}

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let values = path_values(parts, state).await?;
        Ok(Self(nth(&values, 0)?, nth(&values, 1)?))
    }
}

async fn path_values<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, Problem> {
    RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::new(&NOT_FOUND))
}

fn nth<T: FromStr>(values: &RawPathParams, place: usize) -> Result<T, Problem> {
    let text = values.iter().nth(place).map(|(_, text)| text).filter(|text| !text.contains('\0'));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Problem::new(&NOT_FOUND))
}
