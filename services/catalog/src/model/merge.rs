//! RFC 7396 (JSON merge patch) with one rule of the house: lists of things that have an id are matched by it, or by
//! the name that they are known by (decision 40). A member of the patch is merged onto the one it matches, so that
//! a price can be changed by its id and price alone. What the patch leaves out is archived by whoever applies the
//! result, not here.

use serde_json::{Map, Value};

/// A list whose members are matched: where it stands, and what else than `id` names a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatchedList {
    /// The member of the document that holds the list.
    pub(crate) name: &'static str,
    /// `sku`, `slug`.
    pub(crate) key: &'static str,
}

/// The document with the patch applied.
#[must_use]
pub(crate) fn merged(
    document: &Map<String, Value>,
    patch: &Map<String, Value>,
    list: Option<MatchedList>,
) -> Map<String, Value> {
    let mut result = document.clone();
    for (name, value) in patch {
        let is_matched = list.filter(|list| list.name == name);
        match (value, is_matched, document.get(name)) {
            (Value::Array(wanted), Some(list), Some(Value::Array(known))) => {
                let members = wanted.iter().map(|member| matched(known, member, list.key)).collect();
                result.insert(name.clone(), Value::Array(members));
            }
            _ => apply(&mut result, name, value),
        }
    }
    result
}

/// The rule of RFC 7396 for one member.
fn apply(target: &mut Map<String, Value>, name: &str, value: &Value) {
    match value {
        Value::Null => {
            target.remove(name);
        }
        Value::Object(patch) => {
            let inner = match target.get(name) {
                Some(Value::Object(known)) => merged(known, patch, None),
                _ => merged(&Map::new(), patch, None),
            };
            target.insert(name.to_owned(), Value::Object(inner));
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            target.insert(name.to_owned(), value.clone());
        }
    }
}

/// The member of the patch on top of the one that it matches; as it is when it matches none.
fn matched(known: &[Value], member: &Value, key: &str) -> Value {
    let Value::Object(patch) = member else { return member.clone() };
    let same = |name: &str| {
        let wanted = patch.get(name).filter(|value| value.is_string())?;
        known.iter().find(|one| one.get(name) == Some(wanted))
    };
    let found = if patch.contains_key("id") { same("id") } else { same(key) };
    let Some(Value::Object(found)) = found else { return Value::Object(merged(&Map::new(), patch, None)) };
    let mut base = found.clone();
    // Who is listed is wanted, unless the list says otherwise.
    base.remove("archived");
    Value::Object(merged(&base, patch, None))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{MatchedList, merged};

    fn map(value: &Value) -> &Map<String, Value> {
        value.as_object().unwrap()
    }

    fn patched(document: &Value, patch: &Value) -> Value {
        let list = MatchedList { name: "variants", key: "sku" };
        Value::Object(merged(map(document), map(patch), Some(list)))
    }

    /// The examples of RFC 7396, appendix A, whose patch is an object.
    #[test]
    fn the_examples_of_the_standard_come_out() {
        for (original, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            assert_eq!(patched(&original, &patch), result, "{original} with {patch}");
        }
    }

    #[test]
    fn members_of_a_list_are_matched_by_id_then_by_name_and_keep_what_is_not_said() {
        let document = json!({"variants": [
            {"id": "var_1", "sku": "s", "price": 1, "archived": false},
            {"id": "var_2", "sku": "m", "price": 2, "archived": true},
        ]});
        let patch = json!({"variants": [
            {"id": "var_1", "sku": "small"},
            {"sku": "m", "price": 3},
            {"sku": "l", "price": 4},
        ]});

        assert_eq!(
            patched(&document, &patch),
            json!({"variants": [
                {"id": "var_1", "sku": "small", "price": 1},
                {"id": "var_2", "sku": "m", "price": 3},
                {"sku": "l", "price": 4},
            ]})
        );
    }

    #[test]
    fn an_unknown_id_matches_nothing_even_with_a_known_name() {
        let document = json!({"variants": [{"id": "var_1", "sku": "s", "price": 1}]});
        let patch = json!({"variants": [{"id": "var_9", "sku": "s"}]});

        assert_eq!(patched(&document, &patch), json!({"variants": [{"id": "var_9", "sku": "s"}]}));
    }
}
