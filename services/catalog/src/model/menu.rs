//! The menu as it is sold: everything of one edition in memory, and a shop's view of it.

use std::collections::HashMap;
use std::sync::Arc;

use contracts::catalog::ShopTerms;
use contracts::{CategoryId, ModifierGroupId, ModifierId, ProductId, VariantId};
use kernel::{Currency, Timestamp};

use super::category::Category;
use super::item::ItemId;
use super::modifiers::{Modifier, ModifierGroup};
use super::product::{Product, Variant};

/// All that a price list sells at one edition. Archived products and variants are in it, to be told from unknown ones.
#[derive(Debug)]
pub(crate) struct Menu {
    /// Which state of the list.
    pub(crate) edition: i64,
    /// What everything is priced in.
    pub(crate) currency: Currency,
    categories: HashMap<CategoryId, Shelf>,
    groups: HashMap<ModifierGroupId, ModifierGroup>,
    entries: Vec<Entry>,
    products: HashMap<ProductId, usize>,
    variants: HashMap<VariantId, (usize, usize)>,
    modifiers: HashMap<ModifierId, ModifierGroupId>,
}

/// A category with its folded names.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// The category.
    pub(crate) category: Category,
    /// Its names as a search compares them.
    pub(crate) search_words: String,
}

/// A product with what a search and a list need of it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The product.
    pub(crate) product: Product,
    /// Its texts as a search compares them.
    pub(crate) search_words: String,
}

/// The rows that a menu is made of.
#[derive(Debug)]
pub(crate) struct MenuRows {
    /// Which state of the list.
    pub(crate) edition: i64,
    /// What everything is priced in.
    pub(crate) currency: Currency,
    /// All categories.
    pub(crate) categories: Vec<Category>,
    /// All groups with their modifiers.
    pub(crate) groups: Vec<ModifierGroup>,
    /// All products.
    pub(crate) entries: Vec<Entry>,
}

impl Menu {
    /// The menu of these rows, its products in the order of the menu: category, place, id.
    #[must_use]
    pub(crate) fn new(rows: MenuRows) -> Self {
        let MenuRows { edition, currency, categories, groups, mut entries } = rows;
        let shelf = |category: Category| (category.id, Shelf { search_words: category.search_words(), category });
        let categories: HashMap<_, _> = categories.into_iter().map(shelf).collect();
        let place = |id: &CategoryId| categories.get(id).map_or(i64::MAX, |shelf| shelf.category.position);
        entries.sort_by_key(|e| (place(&e.product.category), e.product.category, e.product.position, e.product.id));
        let products = entries.iter().enumerate().map(|(index, entry)| (entry.product.id, index)).collect();
        let variants = entries.iter().enumerate().flat_map(|(index, entry)| {
            entry.product.variants.iter().enumerate().map(move |(place, variant)| (variant.id, (index, place)))
        });
        let variants = variants.collect();
        let modifiers = groups.iter().flat_map(|g| g.modifiers.iter().map(|m| (m.id, g.id))).collect();
        let groups = groups.into_iter().map(|group| (group.id, group)).collect();
        Self { edition, currency, categories, groups, entries, products, variants, modifiers }
    }

    /// A menu of nothing.
    #[must_use]
    pub(crate) fn empty(currency: Currency) -> Self {
        let (categories, groups, entries) = (Vec::new(), Vec::new(), Vec::new());
        Self::new(MenuRows { edition: 0, currency, categories, groups, entries })
    }

    /// Every product in the order of the menu, archived ones too.
    #[must_use]
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A product.
    #[must_use]
    pub(crate) fn product(&self, id: ProductId) -> Option<&Product> {
        self.products.get(&id).map(|&index| &self.entries[index].product)
    }

    /// A variant with its product.
    #[must_use]
    pub(crate) fn variant(&self, id: VariantId) -> Option<(&Product, &Variant)> {
        let &(index, place) = self.variants.get(&id)?;
        let product = &self.entries[index].product;
        Some((product, &product.variants[place]))
    }

    /// A modifier with its group.
    #[must_use]
    pub(crate) fn modifier(&self, id: ModifierId) -> Option<(&ModifierGroup, &Modifier)> {
        let group = self.groups.get(self.modifiers.get(&id)?)?;
        group.modifiers.iter().find(|modifier| modifier.id == id).map(|modifier| (group, modifier))
    }

    /// The groups of a product, in its order.
    pub(crate) fn groups_of<'m>(&'m self, product: &'m Product) -> impl Iterator<Item = &'m ModifierGroup> {
        product.groups.iter().filter_map(|id| self.groups.get(id))
    }

    /// Where a product stands.
    #[must_use]
    pub(crate) fn shelf(&self, product: &Product) -> Option<&Shelf> {
        self.categories.get(&product.category)
    }

    /// Whether there is a category of this slug.
    #[must_use]
    pub(crate) fn has_category(&self, slug: &str) -> bool {
        self.categories.values().any(|shelf| shelf.category.slug == slug)
    }

    /// The categories, in the order of the menu.
    #[must_use]
    pub(crate) fn categories(&self) -> Vec<&Category> {
        let mut all: Vec<_> = self.categories.values().map(|shelf| &shelf.category).collect();
        all.sort_by_key(|category| (category.position, category.id));
        all
    }

    /// All groups, in their order.
    #[must_use]
    pub(crate) fn groups(&self) -> Vec<&ModifierGroup> {
        let mut all: Vec<_> = self.groups.values().collect();
        all.sort_by_key(|group| (group.position, group.id));
        all
    }
}

/// The menu of one shop: what it has, what it stopped, on which terms it sells.
#[derive(Debug)]
pub(crate) struct ShopMenu {
    /// What all shops of the price list sell.
    pub(crate) menu: Arc<Menu>,
    /// The shop's terms.
    pub(crate) terms: ShopTerms,
    /// The shop's `menu_version`.
    pub(crate) version: i64,
    /// What is stopped, and until when.
    pub(crate) stops: HashMap<ItemId, Option<Timestamp>>,
    /// What is left of tracked variants; a variant without a row has none.
    pub(crate) stock: HashMap<VariantId, i64>,
}

/// A state of a shop's menu that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MenuVersion {
    /// The price list's edition.
    pub(crate) edition: i64,
    /// The shop's own counter.
    pub(crate) shop: i64,
}

impl ShopMenu {
    /// Which state this is.
    #[must_use]
    pub(crate) fn version(&self) -> MenuVersion {
        MenuVersion { edition: self.menu.edition, shop: self.version }
    }

    /// When the first stop that holds now ends by itself.
    #[must_use]
    pub(crate) fn next_stop_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.stops.values().copied().flatten().filter(|until| *until > now).min()
    }
}
