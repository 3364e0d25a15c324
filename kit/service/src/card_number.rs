//! Card numbers in free text: found and masked before anything is stored (PCI DSS: no field of ours can hold one).

/// The shortest and the longest card numbers (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

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

/// Whether there is a card number in it.
pub(crate) fn holds_card_number(text: &str) -> bool {
    masked(text).is_some()
}

/// The masked text; `None` when there is no card number in it.
fn masked(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut at, mut found) = (0, 0, false);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = DigitRun::at(bytes, at);
        if run.is_card_number() {
            out.push_str(&text[copied..at]);
            out.push_str("**** ");
            out.extend(run.digits[run.digits.len() - 4..].iter().map(|digit| char::from(b'0' + digit)));
            copied = run.end;
            found = true;
        }
        at = run.end;
    }
    out.push_str(&text[copied..]);
    found.then_some(out)
}

/// Digits with at most one space or dash between two of them, as people write card numbers.
struct DigitRun {
    digits: Vec<u8>,
    end: usize,
}

impl DigitRun {
    fn at(bytes: &[u8], start: usize) -> Self {
        let mut digits = Vec::new();
        let mut end = start;
        let mut at = start;
        while at < bytes.len() {
            let is_separator = matches!(bytes[at], b' ' | b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if bytes[at].is_ascii_digit() {
                digits.push(bytes[at] - b'0');
                end = at + 1;
            } else if !is_separator {
                break;
            }
            at += 1;
        }
        Self { digits, end }
    }

    fn is_card_number(&self) -> bool {
        DIGITS.contains(&self.digits.len()) && luhn(&self.digits)
    }
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
    use super::masked;

    #[test]
    fn card_numbers_are_masked_and_the_rest_is_left() {
        assert_eq!(masked("card 4242 4242 4242 4242, wrong drink").as_deref(), Some("card **** 4242, wrong drink"));
        assert_eq!(masked("4000-0000-0000-0002").as_deref(), Some("**** 0002"));
        assert_eq!(masked("a 4242424242424242 b 4000000000000002").as_deref(), Some("a **** 4242 b **** 0002"));
    }

    #[test]
    fn what_is_no_card_number_stays() {
        for text in [
            "",
            "RRN 123456789012",
            "4242 4242 4242 4241",
            "phone +7 900 000-00-00",
            "заказ № 17",
            "12345678901234567890123",
        ] {
            assert_eq!(masked(text), None, "{text:?}");
        }
    }
}
