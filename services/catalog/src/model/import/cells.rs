//! One row of a file, its cells by column, and how each kind of cell is read.

use contracts::Localized;
use kernel::{Currency, Money, Text};
use service::Fault;

use super::COLUMNS;
use crate::model::product::Nutrition;
use crate::model::sheet;

const NOT_A_NUMBER: Text = Text { en: "is not a number", ru: "не число" };
const NOT_A_FLAG: Text = Text { en: "must be yes or no", ru: "должно быть yes или no" };
const NOT_A_PRICE: Text = Text {
    en: "must be an amount such as 250 or 250.00, in the decimals of its currency",
    ru: "должно быть суммой, например 250 или 250.00, с дробной частью своей валюты",
};
const NOT_A_CURRENCY: Text = Text { en: "is not a currency of ISO 4217", ru: "не валюта ISO 4217" };
const NO_CURRENCY: Text = Text {
    en: "is needed: neither a price list nor another row says what is priced in",
    ru: "нужна: ни прейскурант, ни другая строка не говорят, в чём цены",
};
const NOT_OF_THIS_KIND: Text = Text {
    en: "does not belong to a row of this kind",
    ru: "не относится к строке этого вида",
};

/// A row with its cells in the order of [`COLUMNS`].
pub(super) struct Cells<'a> {
    pub(super) row: usize,
    pub(super) cells: [&'a str; COLUMNS.len()],
}

impl<'a> Cells<'a> {
    pub(super) fn text(&self, column: &str) -> &'a str {
        let index = COLUMNS.iter().position(|known| *known == column).expect("columns are named in this crate only");
        sheet::read_back(self.cells[index])
    }

    pub(super) fn fault(&self, column: &str, code: &'static str, message: Text) -> Fault {
        Fault::new(format!("/rows/{}/{column}", self.row), code, message)
    }

    pub(super) fn name(&self) -> Localized {
        self.both("name_ru", "name_en")
    }

    fn both(&self, ru: &str, en: &str) -> Localized {
        Localized { ru: self.text(ru).to_owned(), en: self.text(en).to_owned() }
    }

    /// A text that may be missing, in both languages or in none.
    pub(super) fn prose(&self, ru: &str, en: &str) -> Option<Localized> {
        let both = self.both(ru, en);
        (!both.ru.is_empty() || !both.en.is_empty()).then_some(both)
    }

    pub(super) fn optional(&self, column: &str) -> Option<String> {
        let text = self.text(column);
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(super) fn flag(&self, column: &str, faults: &mut Vec<Fault>) -> bool {
        match self.text(column) {
            "yes" => true,
            "no" | "" => false,
            _ => {
                faults.push(self.fault(column, "flag", NOT_A_FLAG));
                false
            }
        }
    }

    /// The number, or for one that cannot be read another to which no rule objects.
    pub(super) fn whole(&self, column: &str, stand_in: i64, faults: &mut Vec<Fault>) -> i64 {
        self.text(column).parse().unwrap_or_else(|_| {
            faults.push(self.fault(column, "number", NOT_A_NUMBER));
            stand_in
        })
    }

    pub(super) fn nutrition(&self, faults: &mut Vec<Fault>) -> Option<Nutrition> {
        let columns = ["kcal", "protein_g", "fat_g", "carbohydrate_g"];
        if columns.iter().all(|column| self.text(column).is_empty()) {
            return None;
        }
        let [kcal, protein_g, fat_g, carbohydrate_g] = columns.map(|column| {
            let number = self.text(column).parse::<f64>().ok().filter(|number| number.is_finite());
            number.unwrap_or_else(|| {
                faults.push(self.fault(column, "number", NOT_A_NUMBER));
                0.0
            })
        });
        Some(Nutrition { kcal, protein_g, fat_g, carbohydrate_g })
    }

    /// The price in major units, in the currency of the row or else of the price list. Nothing stands in for one that cannot
    /// be read, in that currency: that it is another one than the menu's is a fault besides.
    pub(super) fn price(&self, list: Option<Currency>, faults: &mut Vec<Fault>) -> Money {
        let named = self.text("currency");
        let currency =
            if named.is_empty() { list.ok_or(NO_CURRENCY) } else { named.parse().map_err(|_| NOT_A_CURRENCY) };
        match currency {
            Err(message) => {
                faults.push(self.fault("currency", "currency", message));
                Money::zero(list.unwrap_or(Currency::RUB))
            }
            Ok(currency) => {
                let price =
                    minor_units(self.text("price"), currency).and_then(|amount| Money::new(amount, currency).ok());
                price.unwrap_or_else(|| {
                    faults.push(self.fault("price", "price", NOT_A_PRICE));
                    Money::zero(currency)
                })
            }
        }
    }

    /// Cells that mean nothing in a row of this kind: a price in the row of a product is a slip that would go unseen.
    pub(super) fn strangers(&self, own: &[&str], faults: &mut Vec<Fault>) {
        const EVERY: [&str; 4] = ["kind", "sku", "name_ru", "name_en"];
        let is_strange =
            |column: &&&str| !EVERY.contains(column) && !own.contains(column) && !self.text(column).is_empty();
        faults.extend(
            COLUMNS.iter().filter(is_strange).map(|column| self.fault(column, "not-of-this-kind", NOT_OF_THIS_KIND)),
        );
    }
}

/// `250`, `250.5`, `250.00`: at most as many decimals as the currency has.
fn minor_units(text: &str, currency: Currency) -> Option<i64> {
    let (major, fraction) = text.split_once('.').unwrap_or((text, ""));
    let has_digits = !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit());
    let decimals = currency.exponent() as usize;
    let is_whole = !text.ends_with('.') && fraction.len() <= decimals && fraction.bytes().all(|b| b.is_ascii_digit());
    if !has_digits || !is_whole {
        return None;
    }
    format!("{major}{fraction:0<decimals$}").parse().ok()
}

/// The opposite of [`minor_units`].
pub(super) fn major_units(price: Money) -> String {
    let decimals = price.currency().exponent() as usize;
    let digits = format!("{:0>width$}", price.amount(), width = decimals + 1);
    let (major, fraction) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { major.to_owned() } else { format!("{major}.{fraction}") }
}
