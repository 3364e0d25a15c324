//! The menu as a CSV file: one row per category, modifier group, modifier, product and variant.
//!
//! | kind | parent | sku | has |
//! |---|---|---|---|
//! | category | | slug | names |
//! | group | | slug | names, min, max |
//! | modifier | slug of its group | slug | names, price, currency, archived |
//! | product | slug of its category | article number | names, tracked, modifier_groups, texts, nutrition, image_url, archived |
//! | variant | article number of its product | article number | names, price, currency, archived |
//!
//! A file is read whole: everything that is wrong with it, or with it in the menu as it stands, is told at once, as
//! `/rows/17/price`. Rows are counted as
//! a spreadsheet program counts them: the heading is row 1.

mod cells;
mod reader;
mod writer;

use service::Fault;

use super::modifiers::GroupDraft;
use super::product::ProductDraft;
pub(crate) use reader::read;
pub(crate) use writer::write;

/// Rows of a file: more would hold up other writers for too long when they are written.
pub(crate) const ROWS_MAX: usize = 5_000;

/// The columns, in the order in which they are written.
pub(crate) const COLUMNS: [&str; 21] = [
    "kind",
    "parent",
    "sku",
    "name_ru",
    "name_en",
    "price",
    "currency",
    "tracked",
    "modifier_groups",
    "min",
    "max",
    "description_ru",
    "description_en",
    "composition_ru",
    "composition_en",
    "kcal",
    "protein_g",
    "fat_g",
    "carbohydrate_g",
    "image_url",
    "archived",
];

/// What a file wants the menu to be. What it does not name stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WantedMenu {
    /// Categories by slug, in the order of the file.
    pub(crate) categories: Vec<Wanted<CategoryRow>>,
    /// Groups with all their modifiers.
    pub(crate) groups: Vec<Wanted<GroupDraft>>,
    /// Products with all their variants.
    pub(crate) products: Vec<Wanted<ProductDraft>>,
}

/// A file as it was read. What is wrong with it does not hide what the menu has against the rest, so that who mends a file
/// sees all of it at once: a cell that cannot be read has something harmless in its place.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What it wants. Not to be done while there are faults.
    pub(crate) menu: WantedMenu,
    /// What is wrong with the file by itself.
    pub(crate) faults: Vec<Fault>,
}

/// Something a file wants, and where it says so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted<T> {
    /// What.
    pub(crate) draft: T,
    /// The row that names it.
    pub(crate) row: usize,
    /// The rows of its modifiers or variants.
    pub(crate) inner_rows: Vec<usize>,
}

/// A category of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CategoryRow {
    /// What links and filters call it.
    pub(crate) slug: String,
    /// What guests read.
    pub(crate) name: contracts::Localized,
}

impl<T> Wanted<T> {
    /// A fault of the draft as a fault of the file.
    #[must_use]
    pub(crate) fn placed(&self, fault: &Fault) -> Fault {
        let (row, inside) = self.place(fault.pointer());
        moved(fault, row, column_of(inside))
    }

    /// `/variants/2/price/amount` stands in the row of the third variant.
    fn place<'p>(&self, pointer: &'p str) -> (usize, &'p str) {
        let inner = pointer.strip_prefix("/variants/").or_else(|| pointer.strip_prefix("/modifiers/"));
        let found = inner.and_then(|rest| {
            let (index, inside) = rest.split_once('/')?;
            let row = *self.inner_rows.get(index.parse::<usize>().ok()?)?;
            Some((row, &rest[rest.len() - inside.len() - 1..]))
        });
        found.unwrap_or((self.row, pointer))
    }
}

/// The faults of a file by its rows, each once.
#[must_use]
pub(crate) fn by_row(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| {
        let row: usize = fault.pointer().split('/').nth(2).and_then(|row| row.parse().ok()).unwrap_or(0);
        (row, fault.pointer().to_owned())
    });
    faults.dedup();
    faults
}

fn moved(fault: &Fault, row: usize, column: &str) -> Fault {
    let message = |language| fault.message(language).to_owned();
    Fault::worded(
        format!("/rows/{row}/{column}"),
        fault.code(),
        message(kernel::Language::En),
        message(kernel::Language::Ru),
    )
}

/// The column that a member of a draft stands in.
fn column_of(pointer: &str) -> &str {
    match pointer {
        "/slug" | "/variants" | "/modifiers" => "sku",
        "/category" => "parent",
        "/name/ru" => "name_ru",
        "/name/en" => "name_en",
        "/description/ru" => "description_ru",
        "/description/en" => "description_en",
        "/composition/ru" => "composition_ru",
        "/composition/en" => "composition_en",
        "/price/amount" => "price",
        "/price/currency" => "currency",
        _ if pointer.starts_with("/modifier_groups") => "modifier_groups",
        _ => pointer.rsplit('/').next().unwrap_or(pointer),
    }
}
