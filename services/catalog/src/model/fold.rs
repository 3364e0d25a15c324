//! Folding: text as a search compares it. Case, accents, `ё` and punctuation make no difference; Russian and
//! English stand side by side in one column.
//!
//! A folded text is its words, each with a space before it, so that *a word begins with* is a search for a space
//! and the beginning. No pattern language is involved: no character of a search term means anything but itself.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Characters that a search term may have.
pub(crate) const TERM_MAX: usize = 100;

/// The words of a text, lower case and without marks, each after a space.
#[must_use]
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 1);
    let mut in_word = false;
    for letter in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        // Lower-casing may bring a mark back ('İ').
        if is_combining_mark(letter) {
            continue;
        }
        if !letter.is_alphanumeric() {
            in_word = false;
            continue;
        }
        if !in_word {
            folded.push(' ');
            in_word = true;
        }
        folded.push(letter);
    }
    folded
}

/// What a guest looks for: beginnings of words, all of which have to be there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SearchTerm(Vec<String>);

impl SearchTerm {
    /// The beginnings in a term. A term without a letter or a digit has none and finds nothing.
    #[must_use]
    pub(crate) fn new(text: &str) -> Self {
        let mut words: Vec<String> = fold(text).split_whitespace().map(|word| format!(" {word}")).collect();
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    /// Bytes of its words.
    #[must_use]
    pub(crate) fn text_bytes(&self) -> usize {
        self.0.iter().map(|word| size_of::<String>() + word.len()).sum()
    }

    /// Whether every beginning begins a word of one of the folded texts.
    #[must_use]
    pub(crate) fn matches(&self, folded: &[&str]) -> bool {
        !self.0.is_empty() && self.0.iter().all(|word| folded.iter().any(|text| text.contains(word.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SearchTerm, fold};

    #[test]
    fn case_accents_and_yo_make_no_difference() {
        assert_eq!(fold("Кофе «Чёрный»,  Café"), " кофе черныи cafe");
        assert_eq!(fold("ёлка"), fold("ЕЛКА"));
        assert_eq!(fold("İstanbul"), " istanbul");
    }

    #[test]
    fn a_term_finds_beginnings_of_words_in_any_order() {
        let text = fold("Раф лавандовый / Lavender raf");

        assert!(SearchTerm::new("лав РАФ").matches(&[&text]));
        assert!(SearchTerm::new("raf lav").matches(&[&text]));
        assert!(!SearchTerm::new("андовый").matches(&[&text]));
        assert!(!SearchTerm::new("раф мята").matches(&[&text]));
    }

    #[test]
    fn signs_of_pattern_languages_mean_nothing() {
        let text = fold("Латте 100%");

        for term in ["%", "_", "*", ".*", "(a+)+$", "'; DROP TABLE products; --", "\"", "\\", "\u{0}", "☕"] {
            assert!(!SearchTerm::new(term).matches(&[&text]), "{term:?} found something");
        }
        assert!(SearchTerm::new("100%").matches(&[&text]));
    }

    proptest! {
        #[test]
        fn any_word_of_a_text_finds_it(text in "\\PC{0,60}") {
            let folded = fold(&text);
            for word in folded.split_whitespace() {
                prop_assert!(SearchTerm::new(word).matches(&[&folded]), "{word:?} in {folded:?}");
            }
        }

        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,60}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
