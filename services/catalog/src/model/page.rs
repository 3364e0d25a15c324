//! One page of a shop's menu: what fits the filter, in an order, after a place.
//!
//! Keyset: a page begins after the sort key of the last product shown, so products that appear meanwhile neither
//! repeat nor hide others.

use contracts::ProductId;
use kernel::Language;
use serde::{Deserialize, Serialize};

use super::fold::{SearchTerm, fold};
use super::menu::{Entry, Menu, ShopMenu};
use super::product::Product;

/// What of the menu is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct MenuFilter {
    /// The slug of a category.
    pub(crate) category: Option<String>,
    /// Minor units: some variant costs at least this …
    pub(crate) price_min: Option<i64>,
    /// … and at most this.
    pub(crate) price_max: Option<i64>,
    /// What the texts have to hold.
    pub(crate) term: Option<SearchTerm>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum MenuOrder {
    /// As the shop arranged it.
    #[default]
    Menu,
    /// Cheapest first.
    Price,
    /// Dearest first.
    PriceDown,
    /// By name.
    Name,
    /// By name, backwards.
    NameDown,
}

/// Characters of a text that a list is sorted by: a cursor with more is longer than cursors may be. Beyond them the id
/// decides.
pub(crate) const KEY_TEXT_MAX: usize = 64;

/// Where a product stands in an order; also what a cursor holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    numbers: [i64; 2],
    text: String,
    id: ProductId,
}

impl MenuOrder {
    const fn is_down(self) -> bool {
        match self {
            Self::PriceDown | Self::NameDown => true,
            Self::Menu | Self::Price | Self::Name => false,
        }
    }

    fn place(self, menu: &Menu, product: &Product, language: Language) -> Place {
        let (numbers, text) = match self {
            Self::Menu => {
                let category = menu.shelf(product).map(|shelf| &shelf.category);
                let (first, id) = category.map_or((i64::MAX, String::new()), |c| (c.position, c.id.to_string()));
                ([first, product.position], id)
            }
            Self::Price | Self::PriceDown => ([price_from(product).unwrap_or(0), 0], String::new()),
            Self::Name | Self::NameDown => {
                ([0, 0], fold(product.name.get(language)).chars().take(KEY_TEXT_MAX).collect())
            }
        };
        Place { numbers, text, id: product.id }
    }
}

impl Place {
    /// Bytes of its text.
    #[must_use]
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The order of places: of one shelf before the next, then by the number within it.
    fn rank(&self) -> (i64, &str, i64, ProductId) {
        (self.numbers[0], &self.text, self.numbers[1], self.id)
    }
}

/// The lowest price of what is sold.
#[must_use]
pub(crate) fn price_from(product: &Product) -> Option<i64> {
    product.sold_variants().map(|variant| variant.price.amount()).min()
}

/// The products of the page, and the place where the next one begins.
#[must_use]
pub(crate) fn page<'m>(
    shop: &'m ShopMenu,
    filter: &MenuFilter,
    order: (MenuOrder, Language),
    after: Option<&Place>,
    limit: usize,
) -> (Vec<&'m Product>, Option<Place>) {
    let (order, language) = order;
    let menu = &shop.menu;
    let wanted = menu.entries().iter().filter(|entry| filter.accepts(menu, entry));
    let mut found: Vec<(Place, &Product)> = wanted
        .map(|entry| (order.place(menu, &entry.product, language), &entry.product))
        .filter(|(place, _)| {
            after.is_none_or(
                |after| if order.is_down() { place.rank() < after.rank() } else { place.rank() > after.rank() },
            )
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| {
        let ordering = one.rank().cmp(&other.rank());
        if order.is_down() { ordering.reverse() } else { ordering }
    });
    let next =
        if found.len() > limit { found.get(limit.saturating_sub(1)).map(|(place, _)| place.clone()) } else { None };
    (found.into_iter().take(limit).map(|(_, product)| product).collect(), next)
}

impl MenuFilter {
    /// Bytes of its texts.
    #[must_use]
    pub(crate) fn text_bytes(&self) -> usize {
        self.category.as_ref().map_or(0, String::len) + self.term.as_ref().map_or(0, SearchTerm::text_bytes)
    }

    /// Whether the category that it names, if any, is on the menu.
    #[must_use]
    pub(crate) fn has_its_category(&self, menu: &Menu) -> bool {
        self.category.as_ref().is_none_or(|slug| menu.has_category(slug))
    }

    fn accepts(&self, menu: &Menu, entry: &Entry) -> bool {
        let product = &entry.product;
        if product.archived || product.sold_variants().next().is_none() {
            return false;
        }
        let shelf = menu.shelf(product);
        let in_category =
            self.category.as_ref().is_none_or(|slug| shelf.is_some_and(|shelf| shelf.category.slug == *slug));
        let in_range = product.sold_variants().any(|variant| {
            let amount = variant.price.amount();
            self.price_min.is_none_or(|min| amount >= min) && self.price_max.is_none_or(|max| amount <= max)
        });
        let shelf_words = shelf.map_or("", |shelf| shelf.search_words.as_str());
        in_category
            && in_range
            && self.term.as_ref().is_none_or(|term| term.matches(&[&entry.search_words, shelf_words]))
    }
}
