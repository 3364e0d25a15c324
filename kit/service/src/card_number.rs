//! Card numbers in free text: found and masked before anything is stored (PCI DSS: no field of ours can hold one).
//!
//! A card number is 13 to 19 digits with a right check digit, whole or in groups, whatever a person types between two
//! groups. Other digits may stand beside it: an expiry date, a security code, the number of an order. Deliberately absent:
//! digits parted by letters, and by commas, which part one number of a list from the next.

use std::ops::RangeInclusive;

/// The shortest and the longest card numbers (ISO/IEC 7812).
const DIGITS: RangeInclusive<usize> = 13..=19;

/// Of a number among other numbers, each group has so many digits: groups of one and two are dates and telephone numbers.
const GROUP_DIGITS_MIN: usize = 3;

/// The text as it may be kept: every card number that a person typed into it masked down to its last four digits.
#[must_use]
pub fn without_card_numbers(text: String) -> String {
    match masked(&text) {
        Some(masked) => {
            tracing::warn!("a card number was typed into a text and masked");
            masked
        }
        None => text,
    }
}

/// Whether there is a card number in a part of this address, its encoding undone: an address cannot be masked and still
/// lead where it led. Each part by itself, so that a date of three parts and the number behind it make none.
#[must_use]
pub fn address_holds_card_number(address: &str) -> bool {
    address.split(['/', '?', '&', ';', '=', '#']).any(|part| {
        let part = part.replace('+', " ");
        holds_card_number(&percent_encoding::percent_decode_str(&part).decode_utf8_lossy())
    })
}

/// Whether there is a card number in it.
pub(crate) fn holds_card_number(text: &str) -> bool {
    let mut rest = Groups { text, at: 0 };
    std::iter::from_fn(|| rest.next_run()).any(|run| !card_numbers(&run).is_empty())
}

/// The masked text; `None` when there is no card number in it.
fn masked(text: &str) -> Option<String> {
    let mut rest = Groups { text, at: 0 };
    let (mut out, mut copied) = (String::new(), 0);
    while let Some(run) = rest.next_run() {
        for card in card_numbers(&run) {
            let digits = digits_of(card);
            out.push_str(&text[copied..card[0].start]);
            out.push_str("**** ");
            out.extend(digits[digits.len() - 4..].iter().map(|digit| char::from(b'0' + digit)));
            copied = card[card.len() - 1].end();
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Digits beside each other.
struct Group<'a> {
    digits: &'a str,
    start: usize,
}

impl Group<'_> {
    const fn end(&self) -> usize {
        self.start + self.digits.len()
    }
}

/// The groups of a text, read from its beginning.
struct Groups<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Groups<'a> {
    /// The next groups with nothing but separators between them; `None` at the end of the text.
    fn next_run(&mut self) -> Option<Vec<Group<'a>>> {
        let mut run = vec![self.next_group()?];
        loop {
            let rest = &self.text[self.at..];
            let next = rest.trim_start_matches(is_separator);
            if !next.starts_with(|c: char| c.is_ascii_digit()) {
                return Some(run);
            }
            run.extend(self.next_group());
        }
    }

    fn next_group(&mut self) -> Option<Group<'a>> {
        let start = self.at + self.text[self.at..].find(|c: char| c.is_ascii_digit())?;
        let rest = &self.text[start..];
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        self.at = start + digits.len();
        Some(Group { digits, start })
    }
}

/// What people type between the groups of one number: blanks of every width, also none, dashes, dots, strokes.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '/' | '\\' | '|' | '_' | '*' | '·' | '•' | '\u{ad}' | '\u{feff}' | '\u{2212}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}' | '\u{2060}')
}

/// The card numbers of a run: the whole of it, or what of its groups is one, from the left and none within another.
fn card_numbers<'a, 'g>(run: &'g [Group<'a>]) -> Vec<&'g [Group<'a>]> {
    if is_card_number(run) {
        return vec![run];
    }
    let mut found = Vec::new();
    let mut from = 0;
    while from < run.len() {
        let card = card_number_at(&run[from..]);
        from += card.map_or(1, <[Group<'_>]>::len);
        found.extend(card);
    }
    found
}

/// The card number that begins with the first of these groups.
fn card_number_at<'a, 'g>(groups: &'g [Group<'a>]) -> Option<&'g [Group<'a>]> {
    let whole = groups.iter().take_while(|group| group.digits.len() >= GROUP_DIGITS_MIN).count();
    (1..=whole.min(*DIGITS.end() / GROUP_DIGITS_MIN))
        .map(|count| &groups[..count])
        .find(|groups| is_card_number(groups))
}

fn is_card_number(groups: &[Group<'_>]) -> bool {
    let length: usize = groups.iter().map(|group| group.digits.len()).sum();
    DIGITS.contains(&length) && luhn(&digits_of(groups))
}

fn digits_of(groups: &[Group<'_>]) -> Vec<u8> {
    groups.iter().flat_map(|group| group.digits.bytes()).map(|digit| digit - b'0').collect()
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                (_, _) => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::{holds_card_number, masked};

    #[test]
    fn card_numbers_are_masked_and_the_rest_is_left() {
        assert_eq!(masked("card 4242 4242 4242 4242, wrong drink").as_deref(), Some("card **** 4242, wrong drink"));
        assert_eq!(masked("4000-0000-0000-0002").as_deref(), Some("**** 0002"));
        assert_eq!(masked("a 4242424242424242 b 4000000000000002").as_deref(), Some("a **** 4242 b **** 0002"));
        assert_eq!(masked("4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2.").as_deref(), Some("**** 4242."));
    }

    #[test]
    fn a_card_number_is_seen_through_whatever_people_type_between_its_groups() {
        for between in ["  ", "     ", "\t", "\n", "\u{a0}", "\u{202f}", "\u{2009}", "\u{200b}", "\u{ad}", "."]
            .into_iter()
            .chain([". ", " - ", "–", " — ", "\u{2011}", "\u{2212}", "·", "_", "/", "|"])
        {
            let text = format!("карта {}!", ["4242"; 4].join(between));
            assert_eq!(masked(&text).as_deref(), Some("карта **** 4242!"), "{text:?}");
        }
    }

    #[test]
    fn what_stands_beside_a_card_number_does_not_hide_it() {
        for (text, kept) in [
            ("4242 4242 4242 4242 12/27 123", "**** 4242 12/27 123"),
            ("17 4000-0000-0000-0002", "17 **** 0002"),
            ("4242424242424242 4000000000000002", "**** 4242 **** 0002"),
            ("3782 822463 10005 - 12.27", "**** 0005 - 12.27"),
        ] {
            assert_eq!(masked(text).as_deref(), Some(kept), "{text}");
            assert!(holds_card_number(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_card_number_stays() {
        for text in [
            "",
            "RRN 123456789012",
            "4242 4242 4242 4241",
            "phone +7 900 000-00-00",
            "8 900 123-45-67 8-900-765-43-21",
            "900 123 4567, 900 765 4321",
            "заказы 1017, 1018, 1019, 1020",
            "заказ № 17",
            "2026-11-21 19:16:16",
            "12345678901234567890123",
        ] {
            assert_eq!(masked(text), None, "{text:?}");
        }
    }
}
