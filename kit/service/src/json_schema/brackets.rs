//! Where a request type has objects and lists, by the names of its fields.
//!
//! A reader derived by serde takes more than the schema: a list for a struct (its fields in their order), an object
//! `{"word": null}` for a word. To hold every body against the schema would cost more than to read it; so the text is
//! only looked over for a bracket where this type has none, and the schema then says what it is.

use std::collections::HashMap;

use serde_json::Value;

/// The brackets that a type has.
#[derive(Debug)]
pub(super) struct Brackets {
    root: Kinds,
    fields: HashMap<String, Kinds>,
}

/// What may begin at a place.
#[derive(Clone, Copy, Debug, Default)]
struct Kinds {
    object: bool,
    list: bool,
    list_of_objects: bool,
}

impl Kinds {
    fn of(schema: &Value, root: &Value) -> Self {
        if let Some(place) = schema["$ref"].as_str() {
            let referred = place.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return referred.map_or_else(Self::default, |referred| Self::of(referred, root));
        }
        let is = |word: &str| match &schema["type"] {
            Value::String(kind) => kind == word,
            Value::Array(kinds) => kinds.iter().any(|kind| kind == word),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        };
        let list_of_objects = is("array") && Self::of(&schema["items"], root).object;
        let own = Self { object: is("object"), list: is("array"), list_of_objects };
        let branches = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
        branches.fold(own, |kinds, branch| kinds.or(Self::of(branch, root)))
    }

    fn or(self, other: Self) -> Self {
        Self {
            object: self.object || other.object,
            list: self.list || other.list,
            list_of_objects: self.list_of_objects || other.list_of_objects,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            object: self.object && other.object,
            list: self.list && other.list,
            list_of_objects: self.list_of_objects && other.list_of_objects,
        }
    }
}

impl Brackets {
    pub(super) fn of(schema: &Value) -> Self {
        let mut brackets = Self { root: Kinds::of(schema, schema), fields: HashMap::new() };
        brackets.collect(schema, schema);
        brackets
    }

    /// A name that stands for different things in different objects counts as what all of them are.
    fn collect(&mut self, schema: &Value, root: &Value) {
        match schema {
            Value::Object(members) => {
                for (name, field) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
                    let kinds = Kinds::of(field, root);
                    self.fields.entry(name.clone()).and_modify(|known| *known = known.and(kinds)).or_insert(kinds);
                }
                members.iter().filter(|(word, _)| super::is_schema(word)).for_each(|(_, s)| self.collect(s, root));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, root)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whether an object or a list begins in the text, which serde has read, where this type may have none.
    pub(super) fn has_stray(&self, text: &str) -> bool {
        let mut open: Vec<Kinds> = Vec::with_capacity(8);
        let (mut last, mut field) = ("", None);
        let mut rest = text;
        while let Some(at) = rest.find(['"', ':', ',', '{', '[', '}', ']']) {
            let sign = rest.as_bytes()[at];
            rest = &rest[at + 1..];
            match sign {
                b'"' => (last, rest) = rest.split_at(crate::body::len_of_string(rest)),
                b':' => field = Some(last.strip_suffix('"').unwrap_or(last)),
                b',' => field = None,
                b'{' | b'[' => {
                    let kinds = self.kinds_here(field.take(), open.last().copied());
                    if !(if sign == b'{' { kinds.object } else { kinds.list }) {
                        return true;
                    }
                    open.push(if sign == b'[' { kinds } else { Kinds::default() });
                }
                _ => drop(open.pop()),
            }
        }
        false
    }

    fn kinds_here(&self, field: Option<&str>, around: Option<Kinds>) -> Kinds {
        match (field, around) {
            (Some(name), _) => self.fields.get(name).copied().unwrap_or_default(),
            (None, Some(list)) => Kinds { object: list.list_of_objects, ..Kinds::default() },
            (None, None) => self.root,
        }
    }
}
