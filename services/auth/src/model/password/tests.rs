//! The rules for passwords, one by one.

use super::{COMMON_PASSWORDS, PasswordFault, faults};
use crate::secret::Secret;

fn of(text: &str) -> Vec<PasswordFault> {
    faults(&Secret::new(text.to_owned()), &["anna.petrova", "Анна Петрова"])
}

#[test]
fn a_long_sentence_in_any_alphabet_may_be_a_password() {
    for text in [
        "correct horse battery staple",
        "щука плыла против течения",
        "🫖🫖🫖🫖🫖🫖🫖🫖",
        "  spaces at both ends  ",
        "tr0ub4dor&3",
        &"x y".repeat(341),
    ] {
        assert_eq!(of(text), [], "{text:?}");
    }
}

#[test]
fn length_is_counted_in_characters() {
    assert_eq!(of("дыгщхюэ"), [PasswordFault::TooShort]);
    assert_eq!(of("дыгщхюэж"), []);
    assert_eq!(of(&"ж".repeat(1024)), []);
    assert_eq!(of(&"ж".repeat(1025)), [PasswordFault::TooLong]);
    assert_eq!(of(&"x".repeat(1_000_000)), [PasswordFault::TooLong]);
}

#[test]
fn nul_is_refused_with_every_other_fault_at_once() {
    assert_eq!(of("a\0b"), [PasswordFault::TooShort, PasswordFault::Nul]);
}

#[test]
fn what_everybody_tries_first_is_refused_in_any_case() {
    for text in [
        "password1",
        "PassWord1",
        "12345678",
        "qwertyuiop",
        "йцукенгш",
        "Пароль123",
        "iloveyou",
        "1q2w3e4r",
        "zzzzzzzz",
    ] {
        assert_eq!(of(text), [PasswordFault::Common], "{text}");
    }
}

#[test]
fn every_line_of_the_list_is_found_and_nothing_between_them() {
    let lines: Vec<&str> = COMMON_PASSWORDS.lines().collect();

    assert!(lines.len() >= 3000, "only {} lines", lines.len());
    assert!(lines.is_sorted(), "the list is searched by halves");
    for line in &lines {
        assert!(line.chars().count() >= 8, "{line} is refused by its length already");
        assert!(super::is_common(line), "{line} was not found");
        assert!(!super::is_common(&format!("{line}\u{1}")), "something after {line} was found");
    }
    assert!(!super::is_common(""));
}

#[test]
fn words_of_the_house_and_of_the_person_do_not_make_a_password() {
    for text in ["Samovar-2026!", "moscowcoffee99", "самоваркофе1", "Anna.Petrova1", "петрова-анна", "administrator-1!"]
    {
        assert_eq!(of(text), [PasswordFault::Guessable], "{text}");
    }
    assert_eq!(of("samovar boils over slowly"), []);
    assert_eq!(of("petrova likes ginger snaps"), []);
}
