//! What a type's own rules say of a body that its reader refused: of all but the places that cannot be read.
//!
//! Those places are filled with what the schema would take, so that the rest can be read and judged. A rule that
//! depends on a filled place is not told: nobody knows what would have stood there.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Validate, walk};
use crate::json_schema::{Shape, fault};
use crate::problem::{FAULTS_MAX, Fault};

/// Adds what the reader and the rules of `T` find beside these faults.
pub(super) fn judge<T>(text: &str, shape: &Shape, faults: &mut Vec<Fault>)
where
    T: DeserializeOwned + Validate,
{
    let Ok(mut body) = serde_json::from_str::<Value>(text) else { return };
    for known in faults.iter() {
        fill(&mut body, known.pointer(), shape);
    }
    for _ in 0..FAULTS_MAX {
        let filled = body.to_string();
        let error = match serde_json::from_str::<T>(&filled) {
            Ok(read) => {
                let found = read.faults();
                let is_sure = |found: &Fault| !faults.iter().any(|known| found.depends_on(known.pointer()));
                let sure: Vec<Fault> = found.into_iter().filter(is_sure).collect();
                faults.extend(sure);
                return;
            }
            Err(error) => error,
        };
        let found = fault::refused_by_reader(place_of(&filled, &error), &error);
        if faults.iter().any(|known| found.depends_on(known.pointer())) {
            return;
        }
        let is_filled = fill(&mut body, found.pointer(), shape);
        faults.push(found);
        if !is_filled {
            return;
        }
    }
}

/// The value that the reader had before it when it stopped. One that is refused after it was read is known by the comma
/// or bracket behind it.
pub(super) fn place_of(text: &str, error: &serde_json::Error) -> String {
    let offset = walk::offset_of(text, error.line(), error.column()).min(text.len());
    let read = text.get(..offset).unwrap_or_default();
    let value = read.strip_suffix([',', '}', ']']).filter(|_| is_late(error)).unwrap_or(read).trim_end();
    walk::pointer_at(text, value.len())
}

/// Whether the reader had gone on behind the value: it does when the type refuses what JSON has nothing against.
fn is_late(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    !["invalid type: ", "missing field ", "unknown field ", "unknown variant "].iter().any(|way| text.starts_with(way))
}

/// Puts something there that the schema takes; takes away what it does not know. Whether it could.
fn fill(body: &mut Value, pointer: &str, shape: &Shape) -> bool {
    let Some((parent, step)) = pointer.rsplit_once('/') else { return false };
    let step = walk::unescaped(step);
    let stand_in = shape.stand_in(pointer);
    match body.pointer_mut(parent) {
        Some(Value::Object(members)) => match stand_in {
            Some(value) => {
                members.insert(step, value);
                true
            }
            None => members.remove(&step).is_some(),
        },
        Some(Value::Array(items)) => {
            let place = step.parse().ok().and_then(|index: usize| items.get_mut(index));
            place.zip(stand_in).map(|(place, value)| *place = value).is_some()
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => false,
    }
}
