//! Hostile bodies: refused, with everything that is wrong, and nothing worse.

use axum::Router;
use axum::body::Body as RawBody;
use axum::routing::{patch, post as on_post};
use bytes::Bytes;
use contracts::{Localized, ShopId};
use http::{Request, StatusCode};
use kernel::{Language, Money, Timestamp};
use proptest::prelude::*;
use serde::Deserialize;
use service::{BODY_MAX_BYTES, Body, CSV_MAX_BYTES, Csv, Fault, Validate, parse_body};
use utoipa::ToSchema;

use crate::asked::{Answered, ask, post};

/// A request type with everything that the product's types have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Basket {
    #[expect(dead_code, reason = "read by serde")]
    shop_id: ShopId,
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<Line>,
    #[expect(dead_code, reason = "read by serde")]
    fulfilment: Fulfilment,
    #[expect(dead_code, reason = "read by serde")]
    expected_total: Option<Money>,
    #[expect(dead_code, reason = "read by serde")]
    name: Option<Localized>,
    #[schema(max_length = 5)]
    comment: Option<String>,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, i32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    #[schema(minimum = 1, maximum = 999)]
    quantity: i64,
    #[schema(max_length = 8)]
    sku: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Fulfilment {
    Pickup {
        #[expect(dead_code, reason = "read by serde")]
        at: Option<Timestamp>,
    },
    Delivery {
        #[expect(dead_code, reason = "read by serde")]
        address: String,
        #[expect(dead_code, reason = "read by serde")]
        floor: i32,
    },
}

/// A request type with limits of many kinds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read by serde")]
struct Tea {
    #[schema(min_length = 1, max_length = 21)]
    name: String,
    #[schema(min_items = 1, max_items = 11)]
    leaves: Vec<i64>,
    served_at: Option<Timestamp>,
}

impl Validate for Tea {}

/// A request type without a map: its reader is trusted as far as its brackets go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Cup {
    lines: Vec<Line>,
    #[expect(dead_code, reason = "read by serde")]
    size: Option<Size>,
    #[expect(dead_code, reason = "read by serde")]
    name: Option<Localized>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Size {
    Large,
}

impl Validate for Cup {}

/// A request type with a field that reads itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read by serde")]
struct Till {
    cups: Vec<Lent>,
    open: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read by serde")]
struct Lent {
    #[schema(value_type = Option<String>, example = "ever")]
    #[serde(deserialize_with = "ever")]
    until: bool,
    size: Option<Size>,
}

fn ever<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None => Ok(false),
        Some("ever") => Ok(true),
        Some(_) => Err(serde::de::Error::custom("must be ever")),
    }
}

impl Validate for Till {}

impl Validate for Basket {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            if !(1..=999).contains(&line.quantity) {
                let (en, ru) = ("must be from 1 to 999", "должно быть от 1 до 999");
                faults.push(Fault::worded(format!("/lines/{place}/quantity"), "range", en, ru));
            }
        }
        if self.comment.as_ref().is_some_and(|comment| comment == "never") && self.labels.is_empty() {
            faults.push(Fault::worded("/comment", "pair", "needs a label", "нужна метка").beside("/labels"));
        }
        faults
    }
}

fn router() -> Router {
    Router::new()
        .route("/basket", on_post(async |Body(basket): Body<Basket>| basket.lines[0].sku.clone()))
        .route("/patched", patch(async |Body(_): Body<Basket>| "patched"))
        .route("/file", on_post(async |Csv(file): Csv| file.len().to_string()))
}

async fn answered(body: impl Into<RawBody>) -> Answered {
    ask(router(), post("/basket", body)).await
}

const GOOD: &str = r#"{"shop_id": "shp_01h455vb4pex5vsknk084sn02q", "lines": [{"quantity": 2, "sku": "latte"}],
    "fulfilment": {"kind": "pickup", "at": "2026-11-21T10:00:00Z"}}"#;

#[tokio::test]
async fn a_good_body_is_read() {
    let answer = answered(GOOD).await;

    assert_eq!(answer.status, StatusCode::OK, "{:?}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.body, b"latte");
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let answer = answered(
        r#"{"shop_id": "ord_01h455vb4pex5vsknk084sn02q", "role": "admin", "a/b": 1,
            "lines": [{"quantity": "two", "sku": "far too long"}, {"quantity": 0, "price": 1}, 7],
            "fulfilment": {"kind": "delivery", "floor": "first"},
            "expected_total": {"amount": 9007199254740993, "currency": "rub"}, "comment": "longer"}"#,
    )
    .await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.code(), "http.invalid");
    assert_eq!(
        answer.faults(),
        [
            "/a~1b unknown-field",
            "/comment too-long",
            "/expected_total/amount too-large",
            "/expected_total/currency pattern",
            "/fulfilment/address required",
            "/fulfilment/floor type",
            "/lines/0/quantity type",
            "/lines/0/sku too-long",
            "/lines/1/price unknown-field",
            "/lines/1/quantity too-small",
            "/lines/1/sku required",
            "/lines/2 type",
            "/role unknown-field",
            "/shop_id pattern",
        ]
    );
}

#[tokio::test]
async fn an_unknown_field_of_an_alternative_is_told_with_the_others() {
    let answer = answered(GOOD.replace("\"at\":", "\"paid\": true, \"at\":").replacen('{', r#"{"role": 1, "#, 1)).await;

    assert_eq!(answer.faults(), ["/fulfilment/paid unknown-field", "/role unknown-field"]);
}

#[tokio::test]
async fn an_alternative_that_does_not_exist_is_told_at_its_tag() {
    let answer = answered(GOOD.replace("\"pickup\"", "\"teleport\"")).await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.faults().contains(&"/fulfilment/kind not-an-option".to_owned()), "{:?}", answer.faults());
}

#[tokio::test]
async fn repeated_keys_are_refused_wherever_they_stand() {
    let twice = GOOD.replacen("\"quantity\": 2", "\"quantity\": 2, \"quantity\": 3", 1);
    let in_a_map = GOOD.replacen('{', r#"{"labels": {"a": 1, "a": 2}, "#, 1);

    assert_eq!(answered(twice).await.faults(), ["/lines/0/quantity repeated"]);
    assert_eq!(answered(in_a_map).await.faults(), ["/labels/a repeated"]);
}

#[test]
fn a_list_is_not_an_object_and_an_object_is_not_a_word() {
    let read = |text: &str| parse_body::<Cup>(text.as_bytes()).map(|cup| cup.lines[0].sku.clone());
    let refused = |text: &str| {
        let problem = read(text).unwrap_err();
        problem.listed().iter().map(|fault| format!("{} {}", fault.pointer(), fault.code())).collect::<Vec<_>>()
    };
    let good = r#"{"lines": [{"quantity": 2, "sku": "latte"}], "size": "large", "name": {"ru": "Раф", "en": "Raf"}}"#;

    assert_eq!(read(good).unwrap(), "latte");
    assert_eq!(read(&good.replace("\"lines\"", r#""line\u0073""#)).unwrap(), "latte");
    assert_eq!(read(&good.replace("latte", r#"[{\"я\": [\\"#)).unwrap(), r#"[{"я": [\"#);
    assert_eq!(refused(r#"[[{"quantity": 2, "sku": "latte"}], "large", null]"#), [" type"]);
    assert_eq!(refused(&good.replace(r#"{"quantity": 2, "sku": "latte"}"#, r#"[2, "latte"]"#)), ["/lines/0 type"]);
    assert_eq!(refused(&good.replace(r#""large""#, r#"{"large": null}"#)), ["/size type"]);
    assert_eq!(refused(&good.replace(r#"{"ru": "Раф", "en": "Raf"}"#, r#"["Раф", "Raf"]"#)), ["/name type"]);
}

#[tokio::test]
async fn the_character_nul_is_refused_wherever_it_stands() {
    let cup = br#"{"lines": [{"quantity": 2, "sku": "la\u0000tte"}], "size": null, "name": null}"#;
    assert_eq!(parse_body::<Cup>(cup).unwrap_err().listed()[0].pointer(), "/lines/0/sku");
    let in_a_text = GOOD.replace("latte", "la\\u0000tte");
    let in_a_map = GOOD.replacen('{', r#"{"labels": {"a\u0000": 1}, "#, 1);
    let beside_others =
        GOOD.replace("latte", "far too long\\u0000").replacen('{', r#"{"role": "\u0000", "role": 1, "#, 1);
    let written_out = GOOD.replace("latte", r"\\u0000");

    assert_eq!(answered(in_a_text).await.faults(), ["/lines/0/sku nul"]);
    assert_eq!(answered(in_a_map).await.faults(), ["/labels/a\0 nul"]);
    assert_eq!(
        answered(beside_others).await.faults(),
        ["/lines/0/sku nul", "/lines/0/sku too-long", "/role nul", "/role repeated", "/role unknown-field"]
    );
    assert_eq!(answered(written_out).await.body, br"\u0000");
}

#[tokio::test]
async fn the_rules_of_a_type_come_with_the_other_faults_and_name_their_place_once() {
    let body = GOOD.replace("\"quantity\": 2, \"sku\": \"latte\"", "\"quantity\": -5, \"sku\": \"far too long\"");

    let answer = answered(body.replacen('{', r#"{"comment": "never", "#, 1)).await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.faults(), ["/comment pair", "/lines/0/quantity range", "/lines/0/sku too-long"]);
}

#[tokio::test]
async fn what_cannot_be_read_hides_nothing_of_the_rest() {
    let body = GOOD.replace("2026-11-21T", "2026-02-30T").replacen('{', r#"{"comment": "never", "role": 1, "#, 1);
    let two = body.replace("\"lines\": [", "\"lines\": [{\"sku\": \"tea\", \"quantity\": {}}, ");

    assert_eq!(answered(body).await.faults(), ["/comment pair", "/fulfilment/at format", "/role unknown-field"]);
    assert_eq!(
        answered(two).await.faults(),
        ["/comment pair", "/fulfilment/at format", "/lines/0/quantity type", "/role unknown-field"]
    );
}

#[tokio::test]
async fn what_depends_on_a_place_that_cannot_be_read_is_not_told() {
    let with_labels = |labels: &str| GOOD.replacen('{', &format!(r#"{{"comment": "never", "labels": {labels}, "#), 1);

    // What stands in for them has no label.
    assert_eq!(answered(with_labels("7")).await.faults(), ["/labels type"]);
    assert_eq!(answered(with_labels(r#"{"hot": "very"}"#)).await.faults(), ["/labels/hot type"]);
}

#[tokio::test]
async fn a_field_that_its_own_reader_refuses_is_named_itself() {
    for (text, place) in [
        (r#"{"cups": [{"until": "never", "size": "large"}], "open": true}"#, "/cups/0/until"),
        (r#"{"cups": [{"size": "large", "until": "never" }], "open": true}"#, "/cups/0/until"),
        (r#"{"open": true, "cups": [{"until": null}, {"until": "soon"}, {"until": null}]}"#, "/cups/1/until"),
        // Its schema does not ask for it, its reader does.
        (r#"{"open": true, "cups": [{"until": null}, {"size": "large"}]}"#, "/cups/1"),
    ] {
        let faults = parse_body::<Till>(text.as_bytes()).unwrap_err().listed().to_vec();
        assert_eq!(faults.iter().map(Fault::pointer).collect::<Vec<_>>(), [place], "{text}");
    }
}

#[tokio::test]
async fn what_only_the_reader_knows_is_told_at_its_place_and_without_the_value() {
    // The 30th of February passes for a date-time of nobody's schema.
    let answer = answered(GOOD.replace("2026-11-21T", "2026-02-30T")).await;
    assert_eq!(answer.faults().len(), 1);
    assert!(answer.faults()[0].starts_with("/fulfilment"), "{:?}", answer.faults());

    let answer = answered(GOOD.replace("\"quantity\": 2", "\"quantity\": 2.0")).await;
    let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(answer.faults(), ["/lines/0/quantity invalid"]);
    assert_eq!(message, "must be a whole number of 64 bits, written without a point and exponent");
}

#[test]
fn the_words_of_a_fault_agree_with_their_number() {
    // Only a body that its reader refuses is held against its schema.
    let told = |name: &str, leaves: &str, served_at: &str| {
        let text = format!(r#"{{"name": {name:?}, "leaves": {leaves}, "served_at": {served_at}, "unknown": 1}}"#);
        let problem = parse_body::<Tea>(text.as_bytes()).unwrap_err();
        let fault = problem.listed().iter().find(|fault| fault.code() != "unknown-field").unwrap();
        [Language::En, Language::Ru].map(|language| fault.message(language).to_owned())
    };
    let long = "x".repeat(22);

    for (told, words) in [
        (told("", "[1]", "null"), ["must have at least 1 character", "должно быть не короче 1 символа"]),
        (told(&long, "[1]", "null"), ["must have at most 21 characters", "должно быть не длиннее 21 символа"]),
        (told("x", "[]", "null"), ["must have at least 1 item", "должно быть не меньше 1 элемента"]),
        (
            told("x", "[1,1,1,1,1,1,1,1,1,1,1,1]", "null"),
            ["must have at most 11 items", "должно быть не больше 11 элементов"],
        ),
        (told("x", "[1]", r#""now""#), ["does not have the format date-time", "не соответствует формату date-time"]),
    ] {
        assert_eq!(told, words);
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_what_would_be_read() {
    let good = |encoding: &str| {
        let request = Request::post("/basket").header("content-type", "application/json");
        request.header("content-encoding", encoding).body(RawBody::from(GOOD)).unwrap()
    };

    for encoding in ["gzip", "identity, gzip", ""] {
        let answer = ask(router(), good(encoding)).await;

        assert_eq!(answer.code(), "http.unsupported-content-encoding", "{encoding}");
        assert_eq!((answer.status, answer.header("accept-encoding")), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "identity"));
    }
    assert_eq!(ask(router(), good("Identity")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    for (body, code) in [
        (&b""[..], "http.malformed-json"),
        (b"{", "http.malformed-json"),
        (b"{\"lines\": [}", "http.malformed-json"),
        (b"{} {}", "http.malformed-json"),
        (b"\xEF\xBB\xBF{}", "http.malformed-json"),
        (b"{\"comment\": \"\xFF\xFE\"}", "http.malformed-json"),
        (b"\xC3\x28", "http.malformed-json"),
        (b"{\"comment\": \"\x00\"}", "http.malformed-json"),
        (b"{\"comment\": \"\\ud800\"}", "http.malformed-json"),
        (b"NaN", "http.malformed-json"),
    ] {
        let answer = answered(Bytes::copy_from_slice(body)).await;

        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{body:?}");
    }
}

#[tokio::test]
async fn deep_json_is_refused_before_it_is_read() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));

        let answer = answered(deep).await;

        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "http.too-deep"));
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_cut_off() {
    let long = "x".repeat(BODY_MAX_BYTES);
    let announced = Request::post("/basket")
        .header("content-type", "application/json")
        .header("content-length", "10000000")
        .body(RawBody::from("{}"))
        .unwrap();
    let frames =
        futures_util::stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1_000_000]))));
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));

    for request in [
        post("/basket", format!("{{\"comment\": \"{long}\"}}")),
        announced,
        post("/basket", RawBody::from_stream(frames)),
        post("/basket", RawBody::from_stream(endless)),
    ] {
        let answer = ask(router(), request).await;

        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "http.too-large"));
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_in_many_frames_is_read() {
    let mut text = GOOD.as_bytes().to_vec();
    text.resize(BODY_MAX_BYTES, b' ');
    let frames: Vec<_> = text.chunks(1_000).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c))).collect();

    let answer = answered(RawBody::from_stream(futures_util::stream::iter(frames))).await;

    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn only_json_in_utf8_is_read() {
    for (media, status) in [
        ("application/json", StatusCode::OK),
        ("Application/JSON; charset=UTF-8", StatusCode::OK),
        ("application/json; charset=utf-16", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/x-www-form-urlencoded", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/merge-patch+json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let request = Request::post("/basket").header("content-type", media).body(RawBody::from(GOOD)).unwrap();
        assert_eq!(ask(router(), request).await.status, status, "{media}");
    }
    let without = Request::post("/basket").body(RawBody::from(GOOD)).unwrap();
    assert_eq!(ask(router(), without).await.code(), "http.unsupported-media-type");
    let patch = Request::patch("/patched").header("content-type", "application/merge-patch+json");
    assert_eq!(ask(router(), patch.body(RawBody::from(GOOD)).unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_file_has_a_limit_of_its_own() {
    let file = |len: usize| {
        Request::post("/file").header("content-type", "text/csv; charset=utf-8").body(vec![b'a'; len].into())
    };

    let (fits, exceeds) = (file(CSV_MAX_BYTES).unwrap(), file(CSV_MAX_BYTES + 1).unwrap());

    assert_eq!(ask(router(), fits).await.body, CSV_MAX_BYTES.to_string().as_bytes());
    assert_eq!(ask(router(), exceeds).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ask(router(), post("/file", "a,b")).await.code(), "http.unsupported-media-type");
}

#[tokio::test]
async fn faults_are_told_up_to_a_bound() {
    let many: String = (0..5_000).map(|i| format!("\"field{i}\": 1,")).collect();

    let answer = answered(GOOD.replacen('{', &format!("{{{many}"), 1)).await;

    assert_eq!(answer.faults().len(), service::FAULTS_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(parse_body::<Basket>(&bytes));
    }

    #[test]
    fn no_damage_to_a_good_body_makes_the_reader_panic(at in 0..GOOD.len(), byte in any::<u8>(), cut in 0..GOOD.len()) {
        let mut bytes = GOOD.as_bytes().to_vec();
        bytes[at] = byte;
        drop(parse_body::<Basket>(&bytes));
        bytes.truncate(cut);
        drop(parse_body::<Basket>(&bytes));
    }

    #[test]
    fn no_json_makes_the_reader_panic(text in "[\\[\\]{}:,\" a1e.\\\\-]{0,60}") {
        drop(parse_body::<Basket>(text.as_bytes()));
    }
}
