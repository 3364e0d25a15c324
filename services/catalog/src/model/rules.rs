//! The rules that texts and numbers of the menu obey, each with its fault.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use contracts::Localized;
use kernel::{Id, IdKind, Text};
use service::Fault;

/// Characters of a name.
pub(crate) const NAME_MAX: usize = 200;
/// Characters of a description or a composition.
pub(crate) const PROSE_MAX: usize = 4000;
/// Characters of a slug or an article number.
pub(crate) const SLUG_MAX: usize = 64;
/// The last place in an order.
pub(crate) const POSITION_MAX: i64 = 1_000_000;

const UNKNOWN_ID: Text = Text { en: "names nothing of this list", ru: "в этом списке такого нет" };
const EMPTY: Text = Text { en: "must not be empty", ru: "не должно быть пустым" };
const NAME_SIGNS: Text = Text {
    en: "must not hold line breaks or other control characters",
    ru: "не должно содержать переводов строк и управляющих символов",
};
const SLUG: Text = Text {
    en: "must be 1 to 64 lower-case Latin letters, digits, - or _",
    ru: "должно состоять из 1–64 строчных латинских букв, цифр, - или _",
};
const SKU: Text = Text {
    en: "must be 1 to 64 letters, digits or any of . _ - / : +",
    ru: "должно состоять из 1–64 букв, цифр или знаков . _ - / : +",
};

/// A name in both languages.
pub(crate) fn name(pointer: &str, name: &Localized, faults: &mut Vec<Fault>) {
    for (language, text) in [("ru", &name.ru), ("en", &name.en)] {
        line(&format!("{pointer}/{language}"), text, NAME_MAX, faults);
    }
}

/// A longer text in both languages; it may have paragraphs.
pub(crate) fn prose(pointer: &str, prose: &Localized, faults: &mut Vec<Fault>) {
    for (language, text) in [("ru", &prose.ru), ("en", &prose.en)] {
        let pointer = format!("{pointer}/{language}");
        if text.trim().is_empty() {
            faults.push(Fault::new(pointer, "empty", EMPTY));
        } else if text.chars().count() > PROSE_MAX {
            faults.push(too_long(pointer, PROSE_MAX));
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            faults.push(Fault::new(pointer, "control-character", NAME_SIGNS));
        }
    }
}

/// One line of text.
pub(crate) fn line(pointer: &str, text: &str, chars_max: usize, faults: &mut Vec<Fault>) {
    if text.trim().is_empty() {
        faults.push(Fault::new(pointer.to_owned(), "empty", EMPTY));
    } else if text.chars().count() > chars_max {
        faults.push(too_long(pointer.to_owned(), chars_max));
    } else if text.chars().any(char::is_control) {
        faults.push(Fault::new(pointer.to_owned(), "control-character", NAME_SIGNS));
    }
}

/// A word of links and filters.
pub(crate) fn slug(pointer: &str, text: &str, faults: &mut Vec<Fault>) {
    let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if text.is_empty() || text.len() > SLUG_MAX || !text.chars().all(is_known) {
        faults.push(Fault::new(pointer.to_owned(), "slug", SLUG));
    }
}

/// An article number.
pub(crate) fn sku(pointer: &str, text: &str, faults: &mut Vec<Fault>) {
    let is_known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '+');
    if text.is_empty() || text.chars().count() > SLUG_MAX || !text.chars().all(is_known) {
        faults.push(Fault::new(pointer.to_owned(), "sku", SKU));
    }
}

/// A number in its range.
pub(crate) fn within(pointer: &str, value: i64, range: RangeInclusive<i64>, faults: &mut Vec<Fault>) {
    if !range.contains(&value) {
        faults.push(outside(pointer.to_owned(), *range.start(), *range.end()));
    }
}

/// The fault of a number outside its range.
#[must_use]
pub(crate) fn outside(pointer: String, min: i64, max: i64) -> Fault {
    Fault::worded(
        pointer,
        "out-of-range",
        format!("must be between {min} and {max}"),
        format!("должно быть от {min} до {max}"),
    )
}

/// The fault of a text that stands twice in a list where each may stand once.
#[must_use]
pub(crate) fn repeated(pointer: String, text: &str) -> Fault {
    Fault::worded(pointer, "repeated", format!("{text} is there twice"), format!("{text} встречается дважды"))
}

/// At most so many members.
pub(crate) fn count(pointer: &str, length: usize, max: usize, faults: &mut Vec<Fault>) {
    if length > max {
        faults.push(Fault::worded(
            pointer.to_owned(),
            "too-many",
            format!("has {length} members; at most {max}"),
            format!("элементов {length}; не больше {max}"),
        ));
    }
}

/// Each text that stands more than once in the list, at its second and later places.
pub(crate) fn each_once<'t>(texts: impl Iterator<Item = (String, &'t str)>, faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    for (pointer, text) in texts {
        if !seen.insert(text) {
            let list = pointer.split('/').nth(1).map_or_else(String::new, |list| format!("/{list}"));
            faults.push(repeated(pointer, text).beside(list));
        }
    }
}

/// Ids in a list that name nothing known, or the same thing twice.
#[must_use]
pub(crate) fn ids<K: IdKind>(
    list: &str,
    ids: impl Iterator<Item = Option<Id<K>>>,
    is_known: impl Fn(Id<K>) -> bool,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    for (index, id) in ids.enumerate() {
        let Some(id) = id else { continue };
        let pointer = format!("{list}/{index}/id");
        if !is_known(id) {
            faults.push(Fault::new(pointer, "unknown-id", UNKNOWN_ID));
        } else if !seen.insert(id) {
            faults.push(repeated(pointer, id.text().as_str()));
        }
    }
    faults
}

fn too_long(pointer: String, chars_max: usize) -> Fault {
    Fault::worded(
        pointer,
        "too-long",
        format!("is longer than {chars_max} characters"),
        format!("длиннее {chars_max} символов"),
    )
}
