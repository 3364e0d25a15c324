//! The languages that the product speaks.

use serde::{Deserialize, Serialize};

/// A language of names, messages and error texts. Russian is the default of the menu's source data, English of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Language {
    /// The two-letter code of ISO 639-1.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// The first language of an `Accept-Language` header that the product speaks, by weight and then by position.
    #[must_use]
    pub fn preferred(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let Some(language) = Self::of_tag(tag) else { continue };
            let weight =
                parts.find_map(|p| p.trim().strip_prefix("q=")).map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(known, _)| weight > known) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("ru") {
            Some(Self::Ru)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_heaviest_known_language_wins() {
        assert_eq!(Language::preferred("de, en;q=0.5, ru-RU;q=0.9"), Some(Language::Ru));
        assert_eq!(Language::preferred("en-GB,ru;q=0.9"), Some(Language::En));
        assert_eq!(Language::preferred("fr, ru;q=0"), None);
    }
}
