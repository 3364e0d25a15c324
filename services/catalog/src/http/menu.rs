//! The menu of a shop.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contracts::ShopId;
use http::header::{CONTENT_LANGUAGE, VARY};
use http::{HeaderMap, HeaderValue};
use kernel::{Language, Text, Timestamp};
use serde::{Deserialize, Serialize};
use service::{Fault, IfNoneMatchHeader, Lang, Listing, PageQuery, Problem, Tagged, Validate, codes, cursor};
use utoipa::{IntoParams, ToSchema};

use super::Web;
use super::items::{MenuItem, Showing};
use super::pages::PageKey;
use crate::error::Error;
use crate::menus::View;
use crate::model::fold::{SearchTerm, TERM_MAX};
use crate::model::page::{self, MenuFilter, MenuOrder, Place};
use crate::model::rules;

const TERM: Text =
    Text { en: "must be at most 100 characters", ru: "должно быть не длиннее 100 символов" };
const NEGATIVE: Text = Text { en: "must not be below zero", ru: "не может быть меньше нуля" };
const RANGE: Text = Text { en: "is below price_min", ru: "меньше, чем price_min" };
const OTHER_SORT: Text =
    Text { en: "is not a cursor of this order", ru: "это курсор другого порядка" };

/// What of a menu is wanted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MenuQuery {
    /// Whose menu.
    shop_id: ShopId,
    /// The slug of a category.
    #[param(max_length = 64, pattern = "^[a-z0-9_-]+$", example = "coffee")]
    category: Option<String>,
    /// Minor units: products with a variant that costs at least this …
    #[param(minimum = 0, example = 100)]
    price_min: Option<i64>,
    /// … and at most this.
    #[param(minimum = 0, example = 30_000)]
    price_max: Option<i64>,
    /// Beginnings of words in names, descriptions and compositions, Russian or English; all must be there.
    #[param(max_length = 100, example = "раф")]
    q: Option<String>,
    /// As the shop arranged it, unless said otherwise.
    #[param(inline)]
    sort: Option<MenuSort>,
}

/// The order of a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) enum MenuSort {
    /// As the shop arranged it.
    #[serde(rename = "menu")]
    Menu,
    /// Cheapest first.
    #[serde(rename = "price")]
    Price,
    /// Dearest first.
    #[serde(rename = "-price")]
    PriceDown,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// By name, backwards.
    #[serde(rename = "-name")]
    NameDown,
}

/// A page of a menu.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MenuPage {
    items: Vec<MenuItem>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl Validate for MenuQuery {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(category) = &self.category {
            rules::slug("/category", category, &mut faults);
        }
        if self.q.as_ref().is_some_and(|q| q.chars().count() > TERM_MAX) {
            faults.push(Fault::new("/q", "too-long", TERM));
        }
        for (name, price) in [("/price_min", self.price_min), ("/price_max", self.price_max)] {
            if price.is_some_and(|price| price < 0) {
                faults.push(Fault::new(name, "out-of-range", NEGATIVE));
            }
        }
        if self.price_min.zip(self.price_max).is_some_and(|(min, max)| min > max) {
            faults.push(Fault::new("/price_max", "out-of-range", RANGE));
        }
        faults
    }
}

impl MenuQuery {
    fn filter(&self) -> MenuFilter {
        let term = self.q.as_deref().filter(|q| !q.trim().is_empty());
        MenuFilter {
            category: self.category.clone(),
            price_min: self.price_min,
            price_max: self.price_max,
            term: term.map(SearchTerm::new),
        }
    }

    fn order(&self) -> MenuOrder {
        match self.sort.unwrap_or(MenuSort::Menu) {
            MenuSort::Menu => MenuOrder::Menu,
            MenuSort::Price => MenuOrder::Price,
            MenuSort::PriceDown => MenuOrder::PriceDown,
            MenuSort::Name => MenuOrder::Name,
            MenuSort::NameDown => MenuOrder::NameDown,
        }
    }
}

/// Read the menu of a shop
///
/// Names are in the language of `Accept-Language`, Russian without one. `left` is a hint: it may be a few seconds old,
/// and the ETag moves only when something is edited, sells out or comes back.
#[utoipa::path(get, path = "/menu", tag = "menu", params(MenuQuery, PageQuery, IfNoneMatchHeader),
    responses(
        (status = 200, description = "A page of the menu.", body = MenuPage),
        (status = 404, description = "catalog.unknown-shop", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn read_menu(
    State(web): State<Arc<Web>>,
    Listing { filter: query, page }: Listing<MenuQuery>,
    Lang(language): Lang,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sort = query.sort.unwrap_or(MenuSort::Menu);
    let after = page.after::<(MenuSort, Place)>()?;
    if after.as_ref().is_some_and(|(of, _)| *of != sort) {
        return Err(Problem::new(&codes::INVALID).faults(vec![Fault::new("/cursor", "cursor", OTHER_SORT)]));
    }
    let view = web.app.menus.current(query.shop_id).await?;
    let key = PageKey {
        serial: view.serial,
        shop: query.shop_id,
        language,
        filter: query.filter(),
        order: query.order(),
        after: after.map(|(_, place)| place),
        limit: page.limit(),
    };
    let known = web.pages.get(&key);
    let rendered = match known {
        Some(page) => page,
        None => {
            let rendered = Arc::new(render(&view, &key, sort, web.app.clock.now())?);
            // Everybody can make up categories: their empty pages would push out what others ask for.
            if key.filter.has_its_category(&view.menu.menu) {
                web.pages.put(key, Arc::clone(&rendered));
            }
            rendered
        }
    };
    Ok(in_language(rendered.answer(&headers), language))
}

fn render(view: &View, key: &PageKey, sort: MenuSort, now: Timestamp) -> Result<Tagged, Problem> {
    let order = (key.order, key.language);
    let (products, next) = page::page(&view.menu, &key.filter, order, key.after.as_ref(), key.limit);
    let next_cursor = next.map(|place| cursor(&(sort, place)));
    let page = |showing: Showing<'_>| MenuPage {
        items: products.iter().map(|product| showing.item(product)).collect(),
        next_cursor: next_cursor.clone(),
    };
    let showing = Showing::in_shop(&view.menu, now, key.language);
    // All that the page says but how much is left (decision 21): whatever else changes its text moves the tag, a new
    // version of this program as well.
    let lasting = serde_json::to_string(&(key.language.code(), page(showing.without_left())));
    Tagged::under(&page(showing), &lasting.map_err(|_| Error::Answer)?)
}

pub(super) fn in_language(mut response: Response, language: Language) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
    response
}
