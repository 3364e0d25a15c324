//! What a file changes in the menu as it stands.

use std::collections::HashMap;

use contracts::{CategoryId, ModifierGroupId};
use kernel::{Currency, Text};
use serde::Serialize;
use service::Fault;

use super::Told;
use crate::app::Ids;
use crate::model::category::Category;
use crate::model::import::{self, CategoryRow, Reading, Wanted, WantedMenu};
use crate::model::menu::Menu;
use crate::model::modifiers::{GroupDraft, ModifierGroup};
use crate::model::product::{Places, Product, ProductDraft};
use crate::use_cases::edit_product::change_of;

const UNKNOWN_GROUP: Text =
    Text { en: "names a group that is not there", ru: "называет группу, которой нет" };
const TAKEN: Text = Text { en: "belongs to another product", ru: "принадлежит другому товару" };

/// How many of a kind a file makes, changes and leaves alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New ones.
    pub created: u64,
    /// Ones that differed.
    pub changed: u64,
    /// Ones that are so already.
    pub unchanged: u64,
}

/// What a file does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// Products.
    #[serde(flatten)]
    pub products: Counts,
    /// Modifier groups.
    pub modifier_groups: Counts,
    /// Categories.
    pub categories: Counts,
}

/// Everything that is to be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// What the plan was made from; none: there was no price list.
    pub(super) edition: Option<i64>,
    pub(super) currency: Currency,
    pub(super) categories: Vec<Category>,
    pub(super) groups: Vec<ModifierGroup>,
    pub(super) products: Vec<(Product, Told)>,
    pub(super) summary: ImportSummary,
}

impl Counts {
    fn count<T>(&mut self, before: Option<&T>, after: Option<&T>) {
        match (before, after) {
            (None, _) => self.created += 1,
            (Some(_), Some(_)) => self.changed += 1,
            (Some(_), None) => self.unchanged += 1,
        }
    }
}

impl Plan {
    /// # Errors
    /// What is wrong with the file, and what it wants and the menu does not permit.
    pub(super) fn new(known: Option<&Menu>, reading: Reading, ids: Ids<'_>) -> Result<Self, Vec<Fault>> {
        let Reading { menu: wanted, faults } = reading;
        let currency = known.map(|menu| menu.currency).or_else(|| first_currency(&wanted)).unwrap_or(Currency::RUB);
        let mut planning = Planning {
            ids,
            categories: Categories::of(known),
            groups: known.map_or_else(HashMap::new, |menu| menu.groups().into_iter().map(named).collect()),
            plan: Self {
                edition: known.map(|menu| menu.edition),
                currency,
                categories: Vec::new(),
                groups: Vec::new(),
                products: Vec::new(),
                summary: ImportSummary::default(),
            },
            faults,
        };
        for row in &wanted.categories {
            planning.category(&row.draft);
        }
        planning.new_groups(known, &wanted.groups);
        planning.new_products(known, &wanted.products);
        let Planning { mut plan, faults, categories, .. } = planning;
        plan.categories = categories.changed();
        if faults.is_empty() { Ok(plan) } else { Err(import::by_row(faults)) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.categories.is_empty() && self.groups.is_empty() && self.products.is_empty()
    }
}

fn first_currency(wanted: &WantedMenu) -> Option<Currency> {
    let modifiers = wanted.groups.iter().flat_map(|group| group.draft.modifiers.iter().map(|m| m.price.currency()));
    let variants = wanted.products.iter().flat_map(|product| product.draft.variants.iter().map(|v| v.price.currency()));
    modifiers.chain(variants).next()
}

fn named(group: &ModifierGroup) -> (String, ModifierGroupId) {
    (group.slug.clone(), group.id)
}

/// The categories by slug, and which of them have to be written.
struct Categories {
    by_slug: HashMap<String, (Category, bool)>,
    last: i64,
    /// The place after the last product of each.
    ends: HashMap<CategoryId, i64>,
}

impl Categories {
    fn of(known: Option<&Menu>) -> Self {
        let all = known.map(Menu::categories).unwrap_or_default();
        let last = all.iter().map(|category| category.position).max().unwrap_or(0);
        let by_slug = all.into_iter().map(|category| (category.slug.clone(), (category.clone(), false))).collect();
        let mut ends = HashMap::new();
        for entry in known.map(Menu::entries).unwrap_or_default() {
            let end = ends.entry(entry.product.category).or_insert(0);
            *end = (*end).max(entry.product.position);
        }
        Self { by_slug, last, ends }
    }

    /// The category of that slug; made if it is not there.
    fn get(&mut self, slug: &str, ids: Ids<'_>) -> (&mut (Category, bool), bool) {
        let is_new = !self.by_slug.contains_key(slug);
        if is_new {
            self.last += 1;
        }
        let last = self.last;
        let made = || (Category::of_slug(ids.next(), slug, last, ids.now), true);
        (self.by_slug.entry(slug.to_owned()).or_insert_with(made), is_new)
    }

    fn next_place(&mut self, category: CategoryId) -> i64 {
        let end = self.ends.entry(category).or_insert(0);
        *end += 1;
        *end
    }

    fn changed(self) -> Vec<Category> {
        let mut changed: Vec<_> =
            self.by_slug.into_values().filter(|(_, is_changed)| *is_changed).map(|(category, _)| category).collect();
        changed.sort_by_key(|category| category.position);
        changed
    }
}

struct Planning<'r> {
    ids: Ids<'r>,
    categories: Categories,
    groups: HashMap<String, ModifierGroupId>,
    plan: Plan,
    faults: Vec<Fault>,
}

impl Planning<'_> {
    fn category(&mut self, row: &CategoryRow) {
        let now = self.ids.now;
        let ((category, is_changed), is_new) = self.categories.get(&row.slug, self.ids);
        let counts = &mut self.plan.summary.categories;
        if is_new {
            counts.created += 1;
            category.name = row.name.clone();
        } else if category.name == row.name {
            counts.unchanged += 1;
        } else {
            counts.changed += 1;
            category.name = row.name.clone();
            category.version += 1;
            category.updated_at = now;
            *is_changed = true;
        }
    }

    fn new_groups(&mut self, known: Option<&Menu>, wanted: &[Wanted<GroupDraft>]) {
        let stored: HashMap<&str, &ModifierGroup> =
            known.map(Menu::groups).unwrap_or_default().into_iter().map(|group| (group.slug.as_str(), group)).collect();
        let mut last = stored.values().map(|group| group.position).max().unwrap_or(0);
        let ids = self.ids;
        for wanted in wanted {
            let foreign = wanted.draft.currency_faults(self.plan.currency);
            self.faults.extend(foreign.iter().map(|fault| wanted.placed(fault)));
            let before = stored.get(wanted.draft.slug.as_str()).copied();
            let after = match before {
                None => {
                    last += 1;
                    Some(wanted.draft.made(ids.next(), last, ids.now, &mut || ids.next()))
                }
                Some(current) => {
                    let after = wanted.draft.applied_to(current, &mut || ids.next());
                    let moved = |g: ModifierGroup| ModifierGroup { version: g.version + 1, updated_at: ids.now, ..g };
                    (after != *current).then_some(after).map(moved)
                }
            };
            self.plan.summary.modifier_groups.count(before, after.as_ref());
            if let Some(group) = after {
                self.groups.insert(group.slug.clone(), group.id);
                self.plan.groups.push(group);
            }
        }
    }

    fn new_products(&mut self, known: Option<&Menu>, wanted: &[Wanted<ProductDraft>]) {
        let entries = known.map(Menu::entries).unwrap_or_default();
        let stored: HashMap<&str, &Product> =
            entries.iter().map(|entry| (entry.product.sku.as_str(), &entry.product)).collect();
        let owners: HashMap<&str, &Product> = entries
            .iter()
            .flat_map(|entry| entry.product.variants.iter().map(move |variant| (variant.sku.as_str(), &entry.product)))
            .collect();
        for wanted in wanted {
            self.check(wanted, &owners);
            let before = stored.get(wanted.draft.sku.as_str()).copied();
            let after = self.product(wanted, before);
            self.plan.summary.products.count(before, after.as_ref().map(|(product, _)| product));
            self.plan.products.extend(after);
        }
    }

    fn check(&mut self, wanted: &Wanted<ProductDraft>, owners: &HashMap<&str, &Product>) {
        let mut faults = wanted.draft.currency_faults(self.plan.currency);
        if wanted.draft.groups.iter().any(|slug| !self.groups.contains_key(slug)) {
            faults.push(Fault::new("/modifier_groups", "unknown-group", UNKNOWN_GROUP));
        }
        for (index, variant) in wanted.draft.variants.iter().enumerate() {
            if owners.get(variant.sku.as_str()).is_some_and(|owner| owner.sku != wanted.draft.sku) {
                faults.push(Fault::new(format!("/variants/{index}/sku"), "taken", TAKEN));
            }
        }
        self.faults.extend(faults.iter().map(|fault| wanted.placed(fault)));
    }

    /// The product as it will be; none: it is so already.
    fn product(&mut self, wanted: &Wanted<ProductDraft>, before: Option<&Product>) -> Option<(Product, Told)> {
        let ids = self.ids;
        let groups = wanted.draft.groups.iter().filter_map(|slug| self.groups.get(slug).copied()).collect();
        let category = self.categories.get(&wanted.draft.category, ids).0.0.id;
        match before {
            None => {
                let places = Places { category, groups, position: self.categories.next_place(category) };
                let product = wanted.draft.made(ids.next(), &places, ids.now, &mut || ids.next());
                Some((product, Told::Created))
            }
            Some(current) => {
                let position =
                    if current.category == category { current.position } else { self.categories.next_place(category) };
                let after =
                    wanted.draft.applied_to(current, &Places { category, groups, position }, &mut || ids.next());
                if after == *current {
                    return None;
                }
                let after = Product { version: current.version + 1, updated_at: ids.now, ..after };
                let told = change_of(current, &after);
                Some((after, told))
            }
        }
    }
}
