//! From the menu to a file that reads back to the same menu.

use contracts::Localized;
use kernel::Money;

use super::COLUMNS;
use super::cells::major_units;
use crate::model::menu::Menu;
use crate::model::product::Product;
use crate::model::sheet;

/// A row by its columns; what it does not name is empty.
type Cells<'a> = Vec<(&'static str, std::borrow::Cow<'a, str>)>;

/// The whole menu, archived things too: it reads back to the same state.
#[must_use]
pub(crate) fn write(menu: &Menu) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut row = |cells: Cells<'_>| {
        let text = |column: &&str| cells.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text.as_ref());
        let record = COLUMNS.iter().map(|column| sheet::protected(text(column)).into_owned());
        writer.write_record(record).expect("writing to memory, rows of one length");
    };
    row(COLUMNS.iter().map(|column| (*column, (*column).into())).collect());
    for category in menu.categories() {
        row(named("category", "", &category.slug, &category.name));
    }
    for group in menu.groups() {
        let mut cells = named("group", "", &group.slug, &group.name);
        cells.extend([("min", group.min.to_string().into()), ("max", group.max.to_string().into())]);
        row(cells);
        for modifier in &group.modifiers {
            row(priced(
                named("modifier", &group.slug, &modifier.slug, &modifier.name),
                modifier.price,
                modifier.archived,
            ));
        }
    }
    for entry in menu.entries() {
        let product = &entry.product;
        row(product_row(menu, product));
        for variant in &product.variants {
            row(priced(named("variant", &product.sku, &variant.sku, &variant.name), variant.price, variant.archived));
        }
    }
    writer.into_inner().expect("writing to memory")
}

fn named<'a>(kind: &'static str, parent: &'a str, sku: &'a str, name: &'a Localized) -> Cells<'a> {
    vec![
        ("kind", kind.into()),
        ("parent", parent.into()),
        ("sku", sku.into()),
        ("name_ru", (&name.ru).into()),
        ("name_en", (&name.en).into()),
    ]
}

fn priced(mut cells: Cells<'_>, price: Money, archived: bool) -> Cells<'_> {
    cells.extend([
        ("price", major_units(price).into()),
        ("currency", price.currency().to_string().into()),
        ("archived", yes_or_no(archived).into()),
    ]);
    cells
}

fn product_row<'m>(menu: &'m Menu, product: &'m Product) -> Cells<'m> {
    let category = menu.shelf(product).map_or("", |shelf| shelf.category.slug.as_str());
    let mut cells = named("product", category, &product.sku, &product.name);
    let groups: Vec<&str> = menu.groups_of(product).map(|group| group.slug.as_str()).collect();
    cells.extend([
        ("tracked", yes_or_no(product.tracked).into()),
        ("modifier_groups", groups.join(" ").into()),
        ("archived", yes_or_no(product.archived).into()),
    ]);
    if let Some(text) = &product.description {
        cells.extend([("description_ru", (&text.ru).into()), ("description_en", (&text.en).into())]);
    }
    if let Some(text) = &product.composition {
        cells.extend([("composition_ru", (&text.ru).into()), ("composition_en", (&text.en).into())]);
    }
    if let Some(nutrition) = &product.nutrition {
        cells.extend(nutrition.parts().map(|(name, value)| (name, value.to_string().into())));
    }
    if let Some(link) = &product.image_url {
        cells.push(("image_url", link.into()));
    }
    cells
}

const fn yes_or_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}
