//! Lists in pages: `?limit=` and `cursor`, `{"items": […], "next_cursor": …}`. The cursor is the sort key of the last
//! item shown (keyset paging), so a page is stable while rows are inserted before it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Validate;
use crate::problem::{Fault, INVALID, Problem};

/// The largest page.
pub const PAGE_MAX: u32 = 100;

/// The page that is given when none is asked for.
pub const PAGE_DEFAULT: u32 = 50;

/// A cursor is the base64url of a small JSON document; longer than this it is not one of ours.
const CURSOR_MAX_BYTES: usize = 1024;

/// Which part of a list. Read with `Listing<Filter>`; documented with `params(Filter, PageQuery)`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most so many items.
    #[param(minimum = 1, maximum = 100, example = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; opaque.
    #[param(max_length = 1024)]
    cursor: Option<String>,
}

impl PageQuery {
    pub(crate) const NAMES: &'static [&'static str] = &["limit", "cursor"];

    /// A page of so many items after a cursor, for callers that are not HTTP.
    #[must_use]
    pub fn new(limit: u32, cursor: Option<String>) -> Self {
        Self { limit: Some(limit.clamp(1, PAGE_MAX)), cursor }
    }

    /// How many items the page has at most.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_DEFAULT) as usize
    }

    /// How many rows to ask the database for: one more than the page, whose presence says that there is a next one.
    #[must_use]
    pub fn rows(&self) -> i64 {
        i64::from(self.limit.unwrap_or(PAGE_DEFAULT)) + 1
    }

    /// The key of the item that the page begins after; `None` for the first page.
    ///
    /// # Errors
    /// 422 when the cursor was not made by [`cursor`] from a `K`.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        match Some(text).filter(|text| text.len() <= CURSOR_MAX_BYTES).and_then(|text| key_of(text)) {
            Some(key) => Ok(Some(key)),
            None => Err(Problem::new(&INVALID).faults(vec![Fault::worded(
                "/cursor",
                "cursor",
                "is not a cursor of this list",
                "это не курсор этого списка",
            )])),
        }
    }
}

/// What [`cursor`] was made from. None of our keys holds the character NUL, and PostgreSQL would not take it.
fn key_of<K: DeserializeOwned>(text: &str) -> Option<K> {
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    if json.contains("\\u0000") { None } else { serde_json::from_str(&json).ok() }
}

impl Validate for PageQuery {
    fn faults(&self) -> Vec<Fault> {
        match self.limit {
            Some(1..=PAGE_MAX) | None => Vec::new(),
            Some(_) => vec![Fault::worded("/limit", "range", "must be from 1 to 100", "должно быть от 1 до 100")],
        }
    }
}

/// The sort key of an item as the text that a caller hands back.
#[must_use]
pub fn cursor<K: Serialize>(key: &K) -> String {
    let json = serde_json::to_vec(key).expect("a key is made of strings and numbers");
    URL_SAFE_NO_PAD.encode(json)
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is given whole.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// The page out of up to [`PageQuery::rows`] rows; `key` is what the list is sorted by.
    #[must_use]
    pub fn of<K: Serialize>(mut rows: Vec<T>, page: &PageQuery, key: impl Fn(&T) -> K) -> Self {
        let limit = page.limit();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|last| cursor(&key(last)));
        Self { items: rows, next_cursor }
    }

    /// The same page of other items.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}
