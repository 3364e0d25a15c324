//! What can be done to a good JSON body, one place at a time.

use serde_json::{Value, json};

/// A spoilt body.
pub(crate) struct Attack {
    pub(crate) what: String,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Expected,
}

/// What has to be answered.
pub(crate) enum Expected {
    /// Some 4xx.
    Refused,
    /// 422 that names all these places.
    Faults(Vec<String>),
}

/// Every attack on a body that is like this one.
pub(crate) fn of(example: &Value) -> Vec<Attack> {
    let mut attacks = of_whole(example);
    for (pointer, value) in leaves(example) {
        match value {
            Value::String(text) => attacks.extend(of_text(example, &pointer, &text)),
            Value::Number(_) => attacks.extend(of_number(example, &pointer)),
            Value::Array(items) => attacks.extend(of_list(example, &pointer, &items)),
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
    }
    attacks
}

/// All fields wrong at once, none of them known, one of them twice; and what is no object at all.
fn of_whole(example: &Value) -> Vec<Attack> {
    let fields: Vec<&String> = example.as_object().unwrap().keys().collect();
    let mut wrong: serde_json::Map<String, Value> =
        fields.iter().map(|name| ((*name).clone(), json!({"wrong": [[]]}))).collect();
    wrong.insert("unknown".to_owned(), json!(1));
    wrong.insert("role~/".to_owned(), json!("admin"));
    let mut places: Vec<String> = fields.iter().map(|name| format!("/{name}")).collect();
    places.extend(["/unknown".to_owned(), "/role~0~1".to_owned()]);
    let first = fields[0];
    let twice = format!("{{\"{first}\": {}, {}", example[first], &example.to_string()[1..]);
    let whole = |body: Value| Attack {
        what: format!("{body} for an object"),
        body: body.to_string().into(),
        expected: Expected::Faults(vec![String::new()]),
    };
    vec![
        Attack {
            what: "every field wrong".into(),
            body: json!(wrong).to_string().into(),
            expected: Expected::Faults(places),
        },
        Attack {
            what: format!("{first} twice"),
            body: twice.into(),
            expected: Expected::Faults(vec![format!("/{first}")]),
        },
        whole(json!(null)),
        whole(json!([])),
        whole(json!(example.as_object().unwrap().values().collect::<Vec<_>>())),
        whole(json!("x")),
        whole(json!(1)),
    ]
}

fn of_text(example: &Value, pointer: &str, text: &str) -> Vec<Attack> {
    let at = |value: &str| spoilt(example, pointer, &json!(value).to_string());
    let mut attacks = vec![
        Attack { expected: Expected::Faults(vec![pointer.to_owned()]), ..at(&format!("{text}\0")) },
        at(&"я".repeat(60_000)),
        Attack { expected: Expected::Faults(vec![pointer.to_owned()]), ..spoilt(example, pointer, "7") },
    ];
    if pointer.ends_with("currency") {
        attacks.extend(["rub", "ZZZ", "USD", "", "РУБ"].map(at));
    }
    if text.len() == 30 && text.as_bytes()[3] == b'_' {
        attacks.extend(
            [&format!("zzz{}", &text[3..]), &text[..29], "' OR 1=1 --"]
                .map(|id| Attack { expected: Expected::Faults(vec![pointer.to_owned()]), ..at(id) }),
        );
    }
    attacks
}

fn of_number(example: &Value, pointer: &str) -> Vec<Attack> {
    let huge = ["-9223372036854775808", "9223372036854775807", "99999999999999999999", "-1e300", "1e400"];
    let mut attacks: Vec<Attack> = huge.iter().map(|number| spoilt(example, pointer, number)).collect();
    if example.pointer(pointer).is_some_and(Value::is_i64) {
        attacks.extend(["-1", "0.5", "1e2"].map(|number| spoilt(example, pointer, number)));
    }
    attacks
}

fn of_list(example: &Value, pointer: &str, items: &[Value]) -> Vec<Attack> {
    let item = items.first().cloned().unwrap_or(json!("x"));
    vec![
        spoilt(example, pointer, &json!(vec![item; 10_000]).to_string()),
        spoilt(example, pointer, &json!(vec![0; 10_000]).to_string()),
    ]
}

/// The body with this text of JSON in one place.
fn spoilt(example: &Value, pointer: &str, with: &str) -> Attack {
    const HERE: &str = "\"here\\u0001\"";
    let mut body = example.clone();
    *body.pointer_mut(pointer).unwrap() = json!("here\u{1}");
    let what = format!("{} at {pointer}", with.chars().take(40).collect::<String>());
    Attack { what, body: body.to_string().replace(HERE, with).into(), expected: Expected::Refused }
}

/// Every value that is no object, with its place.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let inside = |name: String, inner: &Value| {
        leaves(inner).into_iter().map(move |(pointer, leaf)| (format!("/{name}{pointer}"), leaf)).collect::<Vec<_>>()
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, inner)| inside(name.clone(), inner)).collect(),
        Value::Array(items) => {
            let own = (String::new(), value.clone());
            let inner = items.iter().enumerate().flat_map(|(n, item)| inside(n.to_string(), item));
            std::iter::once(own).chain(inner).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![(String::new(), value.clone())],
    }
}
