//! Cells of a CSV file that a spreadsheet program may open.
//!
//! A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is a formula to such a program, and a
//! product's name must not become one (CWE-1236). It is written with an apostrophe before it, which is taken off
//! when the file is read. So that every text comes back as it was, a text that itself begins with apostrophes
//! before such a sign gets one more.

use std::borrow::Cow;

/// Whether the text is apostrophes and then a sign that begins a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The text as it is written into a cell.
#[must_use]
pub(crate) fn protected(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a cell stands for.
#[must_use]
pub(crate) fn read_back(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        Some(_) | None => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{protected, read_back};

    #[test]
    fn a_formula_is_written_as_text_and_read_back() {
        for text in ["=1+1", "+7 900", "-5", "@SUM(A1)", "\tx", "\rx", "'=1", "''-"] {
            let cell = protected(text);

            assert!(cell.starts_with('\''), "{text:?} became {cell:?}");
            assert_eq!(read_back(&cell), text);
        }
    }

    #[test]
    fn an_apostrophe_of_the_text_itself_stays() {
        assert_eq!(protected("'Раф'"), "'Раф'");
        assert_eq!(read_back("'Раф'"), "'Раф'");
        assert_eq!(read_back("'"), "'");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_verbatim(text in "['=+@\\-\t\ra ]{0,6}") {
            let cell = protected(&text);
            prop_assert_eq!(read_back(&cell), &text);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
