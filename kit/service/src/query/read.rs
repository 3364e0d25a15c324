//! From the text of a query to the type, and everything that is wrong on the way.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Required, Schema};

use super::value::{Failed, PairsReader};
use crate::body::{NUL, Validate, escaped};
use crate::json_schema::fault::refused_by_reader;
use crate::problem::{FAULTS_MAX, Fault, INVALID, MALFORMED_REQUEST, Problem};

/// Decoded names and values, in the order of the query.
pub(super) struct Pairs<'q>(pub(super) Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Pairs<'q> {
    /// Decodes once (`application/x-www-form-urlencoded`): `%25` becomes `%` and is not looked at again.
    pub(super) fn read(query: &'q str) -> Result<Self, Problem> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        pairs.collect::<Result<_, Problem>>().map(Self)
    }

    /// The pairs with these names, and the others.
    pub(super) fn split(self, names: &[&str]) -> (Self, Self) {
        let (named, others) = self.0.into_iter().partition(|(name, _)| names.contains(&name.as_ref()));
        (Self(named), Self(others))
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Problem> {
    let not_text = |_| Problem::new(&MALFORMED_REQUEST).detail("the query is not UTF-8");
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let plain = percent_decode_str(&spaced).decode_utf8().map_err(not_text)?;
        return Ok(Cow::Owned(plain.into_owned()));
    }
    percent_decode_str(text).decode_utf8().map_err(not_text)
}

/// The parameters that a type documents.
pub(super) struct Names {
    all: Vec<Documented>,
}

struct Documented {
    name: String,
    need: Need,
    chars_max: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

static NAMES: RwLock<Option<HashMap<TypeId, &'static Names>>> = RwLock::new(None);

impl Names {
    /// The parameters of `T`; leaked once per type that the program has.
    pub(super) fn of<T: IntoParams + 'static>() -> &'static Self {
        let id = TypeId::of::<T>();
        let known = NAMES.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|all| all.get(&id).copied());
        known.unwrap_or_else(|| {
            let names: &'static Self = Box::leak(Box::new(Self::documented::<T>()));
            let mut all = NAMES.write().unwrap_or_else(PoisonError::into_inner);
            all.get_or_insert_default().entry(id).or_insert(names)
        })
    }

    fn documented<T: IntoParams>() -> Self {
        let need = |required: &Required| match required {
            Required::True => Need::Required,
            Required::False => Need::Optional,
        };
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        let documented = |parameter: Parameter| Documented {
            need: need(&parameter.required),
            chars_max: parameter.schema.as_ref().and_then(chars_max),
            name: parameter.name,
        };
        Self { all: parameters.into_iter().map(documented).collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.of_name(name).is_some()
    }

    fn of_name(&self, name: &str) -> Option<&Documented> {
        self.all.iter().find(|known| known.name == name)
    }

    /// Names that nobody documented, names that stand twice, names that are missing; values that are longer than
    /// documented or hold the character NUL.
    fn faults(&self, pairs: &Pairs<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (place, (name, value)) in pairs.0.iter().enumerate() {
            if value.contains('\0') {
                faults.push(Fault::new(pointer(name), "nul", NUL));
            }
            let known = self.of_name(name);
            if let Some(max) = known.and_then(|known| known.chars_max).filter(|max| value.chars().count() > *max) {
                faults.push(too_long(name, max));
            }
            if known.is_none() {
                faults.push(unknown(name));
            } else if pairs.0[..place].iter().any(|(earlier, _)| earlier == name) {
                faults.push(Fault::worded(pointer(name), "repeated", "is given twice", "указано дважды"));
            }
        }
        for Documented { name, need, .. } in &self.all {
            let is_given = pairs.0.iter().any(|(given, _)| given == name);
            if *need == Need::Required && !is_given {
                faults.push(Fault::worded(pointer(name), "required", "is missing", "не указано"));
            }
        }
        faults
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", escaped(name))
}

fn chars_max(schema: &RefOr<Schema>) -> Option<usize> {
    match schema {
        RefOr::T(Schema::Object(text)) => text.max_length,
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

fn too_long(name: &str, max: usize) -> Fault {
    let en = format!("must have at most {max} characters");
    Fault::worded(pointer(name), "too-long", en, format!("должно быть не длиннее {max} символов"))
}

fn unknown(name: &str) -> Fault {
    let name: String = name.chars().take(64).collect();
    let en = format!("there is no parameter {name:?} here");
    Fault::worded(pointer(&name), "unknown-parameter", en, format!("параметра {name:?} здесь нет"))
}

/// The pairs as a `T`, or everything that is wrong with them.
pub(super) fn typed<T: DeserializeOwned + Validate>(pairs: &Pairs<'_>, names: &Names) -> Result<T, Problem> {
    let mut faults = names.faults(pairs);
    if faults.is_empty() {
        match T::deserialize(PairsReader::all(&pairs.0)) {
            Ok(value) => {
                faults = value.faults();
                if faults.is_empty() {
                    return Ok(value);
                }
            }
            Err(failed) => faults = wrong_values::<T>(pairs, &failed),
        }
    } else {
        faults.extend(each_wrong_value::<T>(pairs, names));
    }
    faults.truncate(FAULTS_MAX);
    Err(Problem::new(&INVALID).faults(faults))
}

/// Every value that its parameter does not take; when none alone is at fault, the failure of the whole.
fn wrong_values<T: DeserializeOwned>(pairs: &Pairs<'_>, failed: &Failed) -> Vec<Fault> {
    let singly: Vec<Fault> = pairs.0.iter().filter_map(wrong_value::<T>).collect();
    if singly.is_empty() { vec![refused_by_reader(String::new(), failed)] } else { singly }
}

fn each_wrong_value<T: DeserializeOwned>(pairs: &Pairs<'_>, names: &Names) -> Vec<Fault> {
    pairs.0.iter().filter(|(name, _)| names.has(name)).filter_map(wrong_value::<T>).collect()
}

/// Reads this one pair as if it were the whole query, and looks whether its value is what fails: so each of several
/// wrong values is found, although a reader stops at its first.
fn wrong_value<T: DeserializeOwned>(pair: &(Cow<'_, str>, Cow<'_, str>)) -> Option<Fault> {
    let failed = T::deserialize(PairsReader::all(std::slice::from_ref(pair))).err()?;
    failed.in_value.then(|| refused_by_reader(pointer(&pair.0), &failed))
}
