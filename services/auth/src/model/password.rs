//! Which passwords may be chosen (ASVS 5.0.0 V6.2): length, nothing that everybody guesses first, nothing that is
//! made of the person's own or the house's words.
//!
//! A password is taken verbatim: not trimmed, folded or cut. Folding happens only to compare it with the lists.
//! Deliberately absent: rules about which characters it must hold, and forced changes.

use kernel::Text;

use crate::secret::Secret;

/// Shortest password, characters.
pub(crate) const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password, characters.
pub(crate) const PASSWORD_CHARS_MAX: usize = 1024;

/// What is left of a password without the known words must have so many letters.
const OWN_LETTERS_MIN: usize = 4;

/// Words of the person shorter than this would refuse too much.
const PERSONAL_WORD_CHARS_MIN: usize = 4;

/// One per line, lower-case, sorted by bytes, all of eight characters and more.
static COMMON_PASSWORDS: &str = include_str!("../../data/common_passwords.txt");

/// The house's own words: brand, products, places and roles. Lower-case.
const HOUSE_WORDS: &[&str] = &[
    "samovar",
    "самовар",
    "coffee",
    "кофе",
    "latte",
    "латте",
    "espresso",
    "эспрессо",
    "cappuccino",
    "капучино",
    "barista",
    "бариста",
    "manager",
    "менеджер",
    "courier",
    "курьер",
    "marketer",
    "маркетолог",
    "analyst",
    "аналитик",
    "admin",
    "админ",
    "administrator",
    "администратор",
    "guest",
    "гость",
    "password",
    "пароль",
    "moscow",
    "moskva",
    "москва",
    "petersburg",
    "петербург",
    "kazan",
    "казань",
    "shop",
    "store",
    "order",
    "заказ",
    "tea",
    "чай",
];

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer than [`PASSWORD_CHARS_MIN`] characters.
    TooShort,
    /// More than [`PASSWORD_CHARS_MAX`] characters.
    TooLong,
    /// Holds the character NUL, which systems in between cut at.
    Nul,
    /// Stands in the list of what is tried first.
    Common,
    /// Made of the person's e-mail or name, or of the house's words.
    Guessable,
}

impl PasswordFault {
    /// For programs: the code of the fault.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::Nul => "nul",
            Self::Common => "common-password",
            Self::Guessable => "guessable-password",
        }
    }

    /// For people: completes "the password …".
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::TooShort => Text {
                en: "must have at least 8 characters", ru: "должен быть не короче 8 символов"
            },
            Self::TooLong => Text {
                en: "must have at most 1024 characters",
                ru: "должен быть не длиннее 1024 символов",
            },
            Self::Nul => Text {
                en: "must not hold the character NUL", ru: "не должен содержать символ NUL"
            },
            Self::Common => Text {
                en: "is one of those that are tried first", ru: "один из тех, что пробуют первыми"
            },
            Self::Guessable => Text {
                en: "is made of your own name or of words of this place",
                ru: "составлен из вашего имени или слов этого заведения",
            },
        }
    }
}

/// Everything that is wrong with a password that somebody wants; empty when it may be used.
///
/// `personal` are texts that anybody who knows the person knows: the e-mail's local part, the name.
#[must_use]
pub(crate) fn faults(password: &Secret, personal: &[&str]) -> Vec<PasswordFault> {
    let text = password.expose();
    let mut faults = Vec::new();
    let chars = text.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        faults.push(PasswordFault::TooShort);
    }
    if chars > PASSWORD_CHARS_MAX {
        // A text of megabytes is not folded and searched.
        return vec![PasswordFault::TooLong];
    }
    if text.contains('\0') {
        faults.push(PasswordFault::Nul);
    }
    let folded = Secret::new(text.to_lowercase());
    if is_common(folded.expose()) {
        faults.push(PasswordFault::Common);
    } else if is_guessable(folded.expose(), personal) {
        faults.push(PasswordFault::Guessable);
    }
    faults
}

/// Binary search over the lines of the list, where they stand: nothing is copied at start-up.
fn is_common(folded: &str) -> bool {
    let list = COMMON_PASSWORDS.as_bytes();
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = list[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let end = list[middle..].iter().position(|byte| *byte == b'\n').map_or(list.len(), |length| middle + length);
        match folded.as_bytes().cmp(&list[start..end]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => high = start,
            std::cmp::Ordering::Greater => low = end + 1,
        }
    }
    false
}

/// Whether hardly anything is left when the known words are taken out.
fn is_guessable(folded: &str, personal: &[&str]) -> bool {
    let personal = personal.iter().flat_map(|text| words_of(text));
    let mut words: Vec<String> = HOUSE_WORDS.iter().map(|word| (*word).to_owned()).chain(personal).collect();
    // The longest first: "administrator" before "admin".
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut rest = Secret::new(folded.to_owned());
    for word in words {
        rest = Secret::new(rest.expose().replace(&word, " "));
    }
    let found = rest.expose() != folded;
    found && rest.expose().chars().filter(|c| c.is_alphabetic()).count() < OWN_LETTERS_MIN
}

/// The words of a name or of the part before the `@`, and the whole of it, folded.
fn words_of(text: &str) -> Vec<String> {
    let folded = text.to_lowercase();
    let mut words: Vec<String> = folded.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
    words.push(folded);
    words.retain(|word| word.chars().count() >= PERSONAL_WORD_CHARS_MIN);
    words
}

#[cfg(test)]
mod tests;
