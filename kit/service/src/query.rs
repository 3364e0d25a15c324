//! Query parameters, read into a type: a closed set of names, each at most once, and every fault told at once.
//!
//! The type needs no `deny_unknown_fields`: the names come from its documentation (`utoipa::IntoParams`), so a
//! parameter that is read and not documented does not work and is noticed.

mod read;
mod value;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::body::Validate;
use crate::page::PageQuery;
use crate::problem::Problem;
use read::{Names, Pairs};

/// Extractor: the query parameters of a request. Refused with every fault at once (422): unknown, repeated and
/// missing parameters, values that are not of the type, broken [`Validate`] rules.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + IntoParams + Validate + 'static,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = Pairs::read(parts.uri.query().unwrap_or_default())?;
        read::typed::<T>(&pairs, Names::of::<T>()).map(Self)
    }
}

/// Refuses every query parameter by its name: of a route that documents none, which has no reader that could.
///
/// # Errors
/// 422 that names them, 400 when the query is no text.
pub fn no_query(query: Option<&str>) -> Result<(), Problem> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(()) };
    read::typed::<Everything>(&Pairs::read(query)?, Names::of::<Everything>()).map(drop)
}

/// Extractor: the query of a list: the filter's own parameters, and `limit` and `cursor`.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// What is listed.
    pub filter: T,
    /// Which part of it.
    pub page: PageQuery,
}

impl<S, T> FromRequestParts<S> for Listing<T>
where
    S: Send + Sync,
    T: DeserializeOwned + IntoParams + Validate + 'static,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = Pairs::read(parts.uri.query().unwrap_or_default())?;
        let (of_page, of_filter) = pairs.split(PageQuery::NAMES);
        let page = read::typed::<PageQuery>(&of_page, Names::of::<PageQuery>());
        let filter = read::typed::<T>(&of_filter, Names::of::<T>());
        match (filter, page) {
            (Ok(filter), Ok(page)) => Ok(Self { filter, page }),
            (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => Err(problem),
            (Err(first), Err(second)) => {
                let all = first.listed().iter().chain(second.listed()).cloned().collect();
                Err(first.faults(all))
            }
        }
    }
}

/// The filter of a list that has none: `Listing<Everything>`.
#[derive(Clone, Copy, Debug, serde::Deserialize, IntoParams)]
pub struct Everything {}

impl Validate for Everything {}
