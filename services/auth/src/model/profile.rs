//! What a person says of themselves.

use service::without_card_numbers;

/// Longest name, characters.
pub(crate) const NAME_CHARS_MAX: usize = 100;

/// A name as its owner writes it: one line of text that is not empty.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PersonName(String);

/// The text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is empty, too long or more than one line")]
pub(crate) struct NotAName;

impl PersonName {
    /// Takes a name; blanks at its ends are dropped, and a card number in it is masked.
    ///
    /// # Errors
    ///
    /// [`NotAName`].
    pub(crate) fn parse(text: &str) -> Result<Self, NotAName> {
        let name = text.trim();
        let printable = !name.chars().any(char::is_control);
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !printable {
            return Err(NotAName);
        }
        Ok(Self(without_card_numbers(name.to_owned())))
    }

    /// The name.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Personal data do not belong in logs.
impl std::fmt::Debug for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::PersonName;

    #[test]
    fn a_card_number_is_no_name() {
        assert_eq!(PersonName::parse("Анна 4242 4242 4242 4242").unwrap().as_str(), "Анна **** 4242");
    }

    #[test]
    fn a_name_is_one_line_of_text() {
        assert_eq!(PersonName::parse(" Анна ").unwrap().as_str(), "Анна");
        for text in ["", "   ", "a\nb", "a\u{1b}[31mb", &"x".repeat(101)] {
            assert!(PersonName::parse(text).is_err(), "{text:?} was taken for a name");
        }
    }
}
