//! From the bytes of a file to what it wants.

use std::collections::HashMap;

use kernel::{Currency, Money, Text};
use service::Fault;

use super::cells::Cells;
use super::{COLUMNS, CategoryRow, ROWS_MAX, Reading, Wanted, WantedMenu};
use crate::model::modifiers::{CHOICES_MAX, GroupDraft, ModifierDraft};
use crate::model::product::{ProductDraft, VariantDraft};
use crate::model::rules;

const NOT_UTF_8: Text = Text { en: "the file is not UTF-8", ru: "файл не в кодировке UTF-8" };
const EMPTY: Text = Text { en: "the file has no rows", ru: "в файле нет строк" };
const NOT_CSV: Text = Text { en: "is not CSV", ru: "не CSV" };
const OPEN_QUOTE: Text = Text {
    en: "begins a quotation that is not closed before the end of the file",
    ru: "открывает кавычку, которая не закрыта до конца файла",
};
const NEEDED_COLUMN: Text = Text { en: "the column is missing", ru: "нет такого столбца" };
const UNKNOWN_COLUMN: Text =
    Text { en: "is not a column of a menu", ru: "нет такого столбца в меню" };
const CELLS: Text = Text {
    en: "has not as many cells as the heading", ru: "ячеек не столько, сколько в заголовке"
};
const KIND: Text = Text {
    en: "must be category, group, modifier, product or variant",
    ru: "должно быть category, group, modifier, product или variant",
};
const NUL: Text =
    Text { en: "must not hold the character NUL", ru: "не должно содержать символ NUL" };
const NO_PARENT: Text = Text { en: "names nothing in this file", ru: "в этом файле такого нет" };

/// The columns of modifiers and variants.
const OF_PRICED: [&str; 4] = ["parent", "price", "currency", "archived"];
/// The columns of products.
const OF_PRODUCT: [&str; 13] = [
    "parent",
    "tracked",
    "modifier_groups",
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

/// What the file wants, and everything that is wrong with it by itself; prices without a currency are in that of the list.
#[must_use]
pub(crate) fn read(bytes: &[u8], list: Option<Currency>) -> Reading {
    sheet(bytes, list).map_or_else(|faults| Reading { menu: WantedMenu::default(), faults }, Sheet::finished)
}

/// # Errors
/// What keeps every row from being read.
fn sheet(bytes: &[u8], list: Option<Currency>) -> Result<Sheet, Vec<Fault>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| vec![Fault::new("/rows", "utf-8", NOT_UTF_8)])?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(heading) = records.next() else { return Err(vec![Fault::new("/rows", "empty", EMPTY)]) };
    let heading = heading.map_err(|_| vec![Fault::new("/rows/1", "csv", NOT_CSV)])?;
    let places = columns(&heading)?;
    let first = 1 + empty_lines_before(text, &heading);
    let records: Vec<_> = records.take(ROWS_MAX + 1).collect();
    let mut sheet = Sheet { list: list.or_else(|| first_currency(&records, &places)), ..Sheet::default() };
    rules::count("/rows", records.len(), ROWS_MAX, &mut sheet.faults);
    let mut row = first;
    for record in records.iter().take(ROWS_MAX) {
        row += 1 + record.as_ref().map_or(0, |record| empty_lines_before(text, record));
        match record {
            Err(_) => sheet.faults.push(Fault::new(format!("/rows/{row}"), "csv", NOT_CSV)),
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) if record.len() != heading.len() => {
                sheet.faults.push(Fault::new(format!("/rows/{row}"), "cells", CELLS));
            }
            Ok(record) => {
                let cells = places.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default());
                sheet.row(&Cells { row, cells });
            }
        }
    }
    // The reader takes the rest of the file for the cell.
    if records.len() <= ROWS_MAX && ends_in_a_quotation(text) {
        sheet.faults.push(Fault::new(format!("/rows/{row}"), "csv", OPEN_QUOTE));
    }
    Ok(sheet)
}

/// Whether the file ends in a cell that a quotation mark begins and none ends. In the middle of a cell it is a character like
/// any other (`Pizza 30" large`), and two of them in a quotation are one of its own.
fn ends_in_a_quotation(text: &str) -> bool {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum At {
        Begin,
        Plain,
        Quoted,
        Mark,
    }
    let end = text.bytes().fold(At::Begin, |at, byte| match (at, byte) {
        (At::Quoted, b'"') => At::Mark,
        (At::Begin | At::Mark, b'"') | (At::Quoted, _) => At::Quoted,
        (At::Begin | At::Plain | At::Mark, b',' | b'\r' | b'\n') => At::Begin,
        (At::Begin | At::Plain | At::Mark, _) => At::Plain,
    });
    end == At::Quoted
}

/// Empty lines between a record and the one before it: the reader leaves them out, and a spreadsheet program counts them.
fn empty_lines_before(text: &str, record: &csv::StringRecord) -> usize {
    let start = record.position().and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(0);
    let (before, rest) = text.as_bytes().split_at(start.min(text.len()));
    let line_ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
    // Of "\r\n" the reader leaves the second half to the next record.
    let is_halved = before.ends_with(b"\r") && rest.starts_with(b"\n");
    line_ends - usize::from(is_halved)
}

/// What the file prices in where a row does not say and there is no price list yet.
fn first_currency(records: &[csv::Result<csv::StringRecord>], places: &Places) -> Option<Currency> {
    let column = COLUMNS.iter().position(|column| *column == "currency").and_then(|index| places[index])?;
    records.iter().flatten().find_map(|record| record.get(column)?.parse().ok())
}

/// Where in the file each of [`COLUMNS`] stands.
type Places = [Option<usize>; COLUMNS.len()];

/// Where in the file each of our columns stands.
fn columns(heading: &csv::StringRecord) -> Result<Places, Vec<Fault>> {
    let names: Vec<&str> = heading.iter().map(str::trim).collect();
    let mut faults = Vec::new();
    for name in names.iter().filter(|name| !COLUMNS.contains(name)) {
        faults.push(Fault::new(format!("/rows/1/{name}"), "unknown-column", UNKNOWN_COLUMN));
    }
    rules::each_once(names.iter().map(|name| (format!("/rows/1/{name}"), *name)), &mut faults);
    for needed in COLUMNS[..5].iter().filter(|needed| !names.contains(needed)) {
        faults.push(Fault::new(format!("/rows/1/{needed}"), "missing-column", NEEDED_COLUMN));
    }
    let places = COLUMNS.map(|column| names.iter().position(|name| *name == column));
    if faults.is_empty() { Ok(places) } else { Err(faults) }
}

/// A file while it is read. Modifiers and variants wait until all rows are there: their parents may come after them.
#[derive(Default)]
struct Sheet {
    list: Option<Currency>,
    menu: WantedMenu,
    modifiers: Vec<Child<ModifierDraft>>,
    variants: Vec<Child<VariantDraft>>,
    faults: Vec<Fault>,
}

struct Child<T> {
    parent: String,
    row: usize,
    draft: T,
}

impl Sheet {
    fn row(&mut self, cells: &Cells<'_>) {
        let own: &[&str] = match cells.text("kind") {
            "category" => {
                self.category(cells);
                &[]
            }
            "group" => {
                self.group(cells);
                &["min", "max"]
            }
            "modifier" => {
                self.modifier(cells);
                &OF_PRICED
            }
            "product" => {
                self.product(cells);
                &OF_PRODUCT
            }
            "variant" => {
                self.variant(cells);
                &OF_PRICED
            }
            _ => {
                self.faults.push(cells.fault("kind", "kind", KIND));
                return;
            }
        };
        cells.strangers(own, &mut self.faults);
        // Parents are looked up before any rule sees them, and PostgreSQL takes no text with this character.
        let with_nul = COLUMNS.iter().filter(|column| cells.text(column).contains('\0'));
        self.faults.extend(with_nul.map(|column| cells.fault(column, "nul", NUL)));
    }

    fn category(&mut self, cells: &Cells<'_>) {
        let draft = CategoryRow { slug: cells.text("sku").to_owned(), name: cells.name() };
        let wanted = Wanted { draft, row: cells.row, inner_rows: Vec::new() };
        let mut faults = Vec::new();
        rules::slug("/slug", &wanted.draft.slug, &mut faults);
        rules::name("/name", &wanted.draft.name, &mut faults);
        self.faults.extend(faults.iter().map(|fault| wanted.placed(fault)));
        self.menu.categories.push(wanted);
    }

    fn group(&mut self, cells: &Cells<'_>) {
        let draft = GroupDraft {
            slug: cells.text("sku").to_owned(),
            name: cells.name(),
            min: cells.whole("min", 0, &mut self.faults),
            max: cells.whole("max", CHOICES_MAX, &mut self.faults),
            modifiers: Vec::new(),
        };
        self.menu.groups.push(Wanted { draft, row: cells.row, inner_rows: Vec::new() });
    }

    fn modifier(&mut self, cells: &Cells<'_>) {
        let price = self.price(cells);
        let draft = ModifierDraft {
            id: None,
            slug: cells.text("sku").to_owned(),
            name: cells.name(),
            price,
            archived: cells.flag("archived", &mut self.faults),
        };
        self.modifiers.push(Child { parent: cells.text("parent").to_owned(), row: cells.row, draft });
    }

    fn product(&mut self, cells: &Cells<'_>) {
        let draft = ProductDraft {
            sku: cells.text("sku").to_owned(),
            category: cells.text("parent").to_owned(),
            name: cells.name(),
            description: cells.prose("description_ru", "description_en"),
            composition: cells.prose("composition_ru", "composition_en"),
            nutrition: cells.nutrition(&mut self.faults),
            image_url: cells.optional("image_url"),
            tracked: cells.flag("tracked", &mut self.faults),
            position: None,
            archived: cells.flag("archived", &mut self.faults),
            groups: cells.text("modifier_groups").split_whitespace().map(str::to_owned).collect(),
            variants: Vec::new(),
        };
        self.menu.products.push(Wanted { draft, row: cells.row, inner_rows: Vec::new() });
    }

    fn variant(&mut self, cells: &Cells<'_>) {
        let price = self.price(cells);
        let draft = VariantDraft {
            id: None,
            sku: cells.text("sku").to_owned(),
            name: cells.name(),
            price,
            archived: cells.flag("archived", &mut self.faults),
        };
        self.variants.push(Child { parent: cells.text("parent").to_owned(), row: cells.row, draft });
    }

    fn price(&mut self, cells: &Cells<'_>) -> Money {
        cells.price(self.list, &mut self.faults)
    }

    fn finished(mut self) -> Reading {
        let groups = by_name(&self.menu.groups, |draft| &draft.slug, &mut self.faults);
        for child in self.modifiers {
            match groups.get(&child.parent) {
                Some(&place) => {
                    adopt(&mut self.menu.groups[place], child.row, |group| group.modifiers.push(child.draft));
                }
                None => self.faults.push(orphan(child.row)),
            }
        }
        let products = by_name(&self.menu.products, |draft| &draft.sku, &mut self.faults);
        for child in self.variants {
            match products.get(&child.parent) {
                Some(&place) => {
                    adopt(&mut self.menu.products[place], child.row, |product| product.variants.push(child.draft));
                }
                None => self.faults.push(orphan(child.row)),
            }
        }
        by_name(&self.menu.categories, |draft| &draft.slug, &mut self.faults);
        check_drafts(&self.menu, &mut self.faults);
        Reading { menu: self.menu, faults: self.faults }
    }
}

fn by_name<T>(wanted: &[Wanted<T>], name: impl Fn(&T) -> &String, faults: &mut Vec<Fault>) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (place, one) in wanted.iter().enumerate() {
        let name = name(&one.draft);
        if places.insert(name.clone(), place).is_some() {
            faults.push(rules::repeated(format!("/rows/{}/sku", one.row), name));
        }
    }
    places
}

fn adopt<T>(parent: &mut Wanted<T>, row: usize, add: impl FnOnce(&mut T)) {
    parent.inner_rows.push(row);
    add(&mut parent.draft);
}

fn orphan(row: usize) -> Fault {
    Fault::new(format!("/rows/{row}/parent"), "unknown-parent", NO_PARENT)
}

/// The rules of the drafts themselves, and of article numbers across products.
fn check_drafts(menu: &WantedMenu, faults: &mut Vec<Fault>) {
    for group in &menu.groups {
        faults.extend(group.draft.faults().iter().map(|fault| group.placed(fault)));
    }
    for product in &menu.products {
        faults.extend(product.draft.faults().iter().map(|fault| product.placed(fault)));
    }
    let variants = menu.products.iter().flat_map(|product| product.draft.variants.iter().zip(&product.inner_rows));
    rules::each_once(variants.map(|(variant, row)| (format!("/rows/{row}/sku"), variant.sku.as_str())), faults);
}
