//! What a schema has against a value, in words for people and codes for programs.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::body::escaped;
use crate::problem::{FAULTS_MAX, Fault};

/// Adds the faults of one finding: an alternative is told as its nearest branch, unknown fields one by one.
#[expect(clippy::wildcard_enum_match_arm, reason = "another crate's list of keywords, open at its end")]
pub(crate) fn collect(error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    if faults.len() >= FAULTS_MAX {
        return;
    }
    let place = error.instance_path().as_str();
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match nearest(context, place) {
            Some(branch) => branch.iter().for_each(|inner| collect(inner, faults)),
            None => faults.push(told(place, error)),
        },
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            faults.extend(unexpected.iter().map(|name| unknown_field(place, name)));
        }
        Kind::Required { property } => faults.push(missing(place, property)),
        _ => faults.push(told(place, error)),
    }
}

/// The branch of an alternative that the caller most likely meant: not one of another JSON type, then the one whose
/// tag fits, then the one with the fewest findings.
fn nearest<'e>(branches: &'e [Vec<ValidationError<'static>>], place: &str) -> Option<&'e [ValidationError<'static>]> {
    let rank = |branch: &Vec<ValidationError<'static>>| {
        let other_type =
            branch.iter().any(|e| matches!(e.kind(), Kind::Type { .. }) && e.instance_path().as_str() == place);
        let other_tag = branch.iter().any(|e| matches!(e.kind(), Kind::Enum { .. } | Kind::Constant { .. }));
        (other_type, other_tag, branch.len())
    };
    branches.iter().filter(|branch| !branch.is_empty()).min_by_key(|branch| rank(branch)).map(Vec::as_slice)
}

fn unknown_field(place: &str, name: &str) -> Fault {
    let name: String = name.chars().take(64).collect();
    let pointer = format!("{place}/{}", escaped(&name));
    Fault::worded(
        pointer,
        "unknown-field",
        format!("there is no field {name:?} here"),
        format!("поля {name:?} здесь нет"),
    )
}

fn missing(place: &str, property: &Value) -> Fault {
    let name = property.as_str().unwrap_or_default();
    Fault::worded(format!("{place}/{}", escaped(name)), "required", "is missing", "не указано")
}

/// A finding that concerns exactly one place.
fn told(place: &str, error: &ValidationError<'_>) -> Fault {
    let (code, en, ru) = words(error.kind());
    Fault::worded(place.to_owned(), code, en, ru)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "another crate's list of keywords, open at its end")]
fn words(kind: &Kind) -> (&'static str, String, String) {
    let pair = |code, en: String, ru: String| (code, en, ru);
    match kind {
        Kind::Type { kind } => type_words(kind),
        Kind::Enum { options } => {
            pair("not-an-option", format!("must be one of {options}"), format!("должно быть одним из {options}"))
        }
        Kind::Constant { expected_value } => {
            pair("not-an-option", format!("must be {expected_value}"), format!("должно быть {expected_value}"))
        }
        Kind::Minimum { limit } => {
            pair("too-small", format!("must be at least {limit}"), format!("должно быть не меньше {limit}"))
        }
        Kind::Maximum { limit } => {
            pair("too-large", format!("must be at most {limit}"), format!("должно быть не больше {limit}"))
        }
        Kind::ExclusiveMinimum { limit } => {
            pair("too-small", format!("must be above {limit}"), format!("должно быть больше {limit}"))
        }
        Kind::ExclusiveMaximum { limit } => {
            pair("too-large", format!("must be below {limit}"), format!("должно быть меньше {limit}"))
        }
        Kind::MinLength { limit } => pair(
            "too-short",
            format!("must have at least {limit} {}", counted(*limit, "character")),
            format!("должно быть не короче {limit} {}", of_counted(*limit, "символа", "символов")),
        ),
        Kind::MaxLength { limit } => pair(
            "too-long",
            format!("must have at most {limit} {}", counted(*limit, "character")),
            format!("должно быть не длиннее {limit} {}", of_counted(*limit, "символа", "символов")),
        ),
        Kind::MinItems { limit } => pair(
            "too-few",
            format!("must have at least {limit} {}", counted(*limit, "item")),
            format!("должно быть не меньше {limit} {}", of_counted(*limit, "элемента", "элементов")),
        ),
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => pair(
            "too-many",
            format!("must have at most {limit} {}", counted(*limit, "item")),
            format!("должно быть не больше {limit} {}", of_counted(*limit, "элемента", "элементов")),
        ),
        Kind::UniqueItems => {
            pair("repeated", "must not repeat an item".into(), "элементы не должны повторяться".into())
        }
        Kind::Format { format } => {
            pair("format", format!("does not have the format {format}"), format!("не соответствует формату {format}"))
        }
        Kind::Pattern { pattern } => {
            pair("pattern", format!("must match {pattern}"), format!("должно соответствовать {pattern}"))
        }
        Kind::OneOfMultipleValid { .. } => pair(
            "ambiguous",
            "fits more than one of the alternatives".into(),
            "подходит сразу под несколько вариантов".into(),
        ),
        // The rest are keywords that our schemas do not use; the words are the library's own, without the value.
        other => pair(
            "invalid",
            format!("breaks the rule {:?}", other.keyword()),
            format!("нарушает правило {:?}", other.keyword()),
        ),
    }
}

/// `1 item`, `2 items`.
fn counted(count: u64, one: &str) -> String {
    if count == 1 { one.to_owned() } else { format!("{one}s") }
}

/// In Russian, after a number that stands in the genitive: `не больше 21 элемента`, `не больше 11 элементов`.
fn of_counted<'w>(count: u64, one: &'w str, many: &'w str) -> &'w str {
    if count % 10 == 1 && count % 100 != 11 { one } else { many }
}

fn type_words(kind: &TypeKind) -> (&'static str, String, String) {
    let wanted = match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" | "),
    };
    ("type", format!("must be {wanted}"), format!("должно быть типа {wanted}"))
}

/// A fault that only the type's own reader knows. Where serde quotes the value, only what was expected is told.
pub(crate) fn refused_by_reader(pointer: String, error: &dyn std::fmt::Display) -> Fault {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let quotes_value = text.starts_with("invalid type: ") || text.starts_with("invalid value: ");
    match text.rsplit_once(", expected ").filter(|_| quotes_value) {
        Some((_, wanted)) => {
            let (en, ru) = whole_number(wanted).unwrap_or((wanted.to_owned(), wanted.to_owned()));
            Fault::worded(pointer, "invalid", format!("must be {en}"), format!("ожидается {ru}"))
        }
        None => Fault::worded(pointer, "invalid", text.to_owned(), format!("не принимается: {text}")),
    }
}

/// What a reader of whole numbers expected, in other words than the name of its type. To JSON Schema 1.0 is one as well;
/// here a whole number is written like one.
fn whole_number(wanted: &str) -> Option<(String, String)> {
    let (kind, bits) = wanted.split_at_checked(1)?;
    let bits: u32 = bits.parse().ok()?;
    let (from_en, from_ru) = match kind {
        "i" => ("", ""),
        "u" => (", not below 0", ", не меньше 0"),
        _ => return None,
    };
    Some((
        format!("a whole number of {bits} bits{from_en}, written without a point and exponent"),
        format!("целое {bits}-битное число{from_ru}, без точки и экспоненты"),
    ))
}
