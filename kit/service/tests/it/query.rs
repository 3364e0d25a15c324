//! Queries, paths and pages.

use axum::Router;
use axum::routing::get as on_get;
use contracts::{OrderId, ShopId};
use http::StatusCode;
use serde::Deserialize;
use service::{Everything, Fault, Listing, Page, PageQuery, PathId, PathIds, Query, Validate, cursor};
use utoipa::IntoParams;

use crate::asked::{Answered, ask, get};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "shown by Debug")]
struct Menu {
    /// The shop.
    shop_id: ShopId,
    price_min: Option<i64>,
    tracked: Option<bool>,
    sort: Option<Sort>,
    q: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Price,
    #[serde(rename = "-price")]
    PriceDown,
}

impl Validate for Menu {
    fn faults(&self) -> Vec<Fault> {
        let negative = self.price_min.is_some_and(|price| price < 0);
        negative
            .then(|| Fault::worded("/price_min", "range", "must not be negative", "не меньше нуля"))
            .into_iter()
            .collect()
    }
}

fn router() -> Router {
    Router::new()
        .route("/menu", on_get(async |Query(menu): Query<Menu>| format!("{menu:?}")))
        .route("/list", on_get(async |list: Listing<Menu>| format!("{} {:?}", list.page.limit(), list.filter)))
        .route("/all", on_get(async |list: Listing<Everything>| list.page.rows().to_string()))
        .route("/orders/{id}", on_get(async |PathId(id): PathId<OrderId>| id.to_string()))
        .route(
            "/shops/{id}/stop/{item}",
            on_get(async |PathIds(shop, item): PathIds<ShopId, String>| format!("{shop} {item}")),
        )
        .route("/numbers", on_get(numbers))
        .route("/words", on_get(words))
}

/// A list that is sorted by words.
async fn words(list: Listing<Everything>) -> Result<String, service::Problem> {
    Ok(format!("{:?}", list.page.after::<(String, String)>()?))
}

/// A list of the numbers 1 to 5, sorted.
async fn numbers(list: Listing<Everything>) -> Result<axum::Json<serde_json::Value>, service::Problem> {
    let after: i64 = list.page.after()?.unwrap_or(0);
    let rows: Vec<i64> = (1..=5).filter(|n| *n > after).take(usize::try_from(list.page.rows()).unwrap()).collect();
    Ok(axum::Json(serde_json::to_value(Page::of(rows, &list.page, |n| *n)).unwrap()))
}

async fn asked(path: &str) -> Answered {
    ask(router(), get(path)).await
}

const SHOP: &str = "shop_id=shp_01h455vb4pex5vsknk084sn02q";

#[tokio::test]
async fn parameters_are_read_into_their_types() {
    let answer =
        asked(&format!("/menu?{SHOP}&price_min=100&tracked=true&sort=-price&q=%D1%80%D0%B0%D1%84+%2B1%252e")).await;

    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("price_min: Some(100)") && text.contains("tracked: Some(true)"), "{text}");
    assert!(text.contains("PriceDown") && text.contains("раф +1%2e"), "decoded once: {text}");
}

#[tokio::test]
async fn every_fault_of_a_query_is_told_at_once() {
    let answer = asked("/menu?shop_id=7&price_min=cheap&tracked=yes&sort=name&lang=ru&q=a&q=b").await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        answer.faults(),
        [
            "/lang unknown-parameter",
            "/price_min invalid",
            "/q repeated",
            "/shop_id invalid",
            "/sort invalid",
            "/tracked invalid"
        ]
    );
}

#[tokio::test]
async fn faults_of_values_are_told_without_unknown_ones() {
    assert_eq!(
        asked("/menu?price_min=9223372036854775808&tracked=1").await.faults(),
        ["/price_min invalid", "/shop_id required", "/tracked invalid"]
    );
    assert_eq!(
        asked(&format!("/menu?{SHOP}&price_min=x&sort=y")).await.faults(),
        ["/price_min invalid", "/sort invalid"]
    );
    assert_eq!(asked(&format!("/menu?{SHOP}&price_min=-1")).await.faults(), ["/price_min range"]);
    assert_eq!(asked("/menu").await.faults(), ["/shop_id required"]);
}

#[tokio::test]
async fn a_query_that_is_not_text_is_malformed() {
    let answer = asked("/menu?q=%ff").await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "http.malformed-request"));
}

#[tokio::test]
async fn the_character_nul_is_refused_in_queries_and_names_nothing_in_paths() {
    assert_eq!(asked(&format!("/menu?{SHOP}&q=a%00b")).await.faults(), ["/q nul"]);
    assert_eq!(
        asked(&format!("/menu?{SHOP}&sort=%00&q=%00&q=a")).await.faults(),
        ["/q nul", "/q repeated", "/sort invalid", "/sort nul"]
    );
    let path = "/shops/shp_01h455vb4pex5vsknk084sn02q/stop/latte%00";
    assert_eq!(asked(path).await.status, StatusCode::NOT_FOUND);
    let forged = cursor(&("2026\0", "ord"));
    assert_eq!(asked(&format!("/words?cursor={forged}")).await.faults(), ["/cursor cursor"]);
    let good = cursor(&("2026", "ord"));
    assert_eq!(asked(&format!("/words?cursor={good}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_of_a_list_stands_beside_its_filter() {
    let answer = asked(&format!("/list?{SHOP}&limit=7&q=a")).await;
    assert!(String::from_utf8(answer.body).unwrap().starts_with("7 Menu"));

    assert_eq!(asked("/list?limit=0&q=1&q=2").await.faults(), ["/limit range", "/q repeated", "/shop_id required"]);
    assert_eq!(asked("/all?limit=101").await.faults(), ["/limit range"]);
    assert_eq!(asked("/all?limit=1000000000000").await.faults(), ["/limit invalid"]);
    assert_eq!(asked("/all?page=2").await.faults(), ["/page unknown-parameter"]);
    assert_eq!(asked("/all").await.body, b"51");
}

#[tokio::test]
async fn pages_follow_one_another_to_the_end() {
    let mut seen = Vec::new();
    let mut next = String::new();
    for _ in 0..3 {
        let page = asked(&format!("/numbers?limit=2{next}")).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }

    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(asked("/numbers?limit=5").await.json()["next_cursor"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_is_refused() {
    let other = cursor(&("2026-11-21", 5));

    for text in ["x", "e30", "!!", other.as_str(), &"A".repeat(1_000)] {
        let answer = asked(&format!("/numbers?cursor={text}")).await;

        assert_eq!(
            (answer.status, answer.faults()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec!["/cursor cursor".to_owned()]),
            "{text}"
        );
    }
    assert_eq!(asked(&format!("/numbers?cursor={}", "A".repeat(1_025))).await.faults(), ["/cursor too-long"]);
}

#[tokio::test]
async fn what_is_not_an_id_names_nothing() {
    let good = "ord_01h455vb4pex5vsknk084sn02q";
    assert_eq!(asked(&format!("/orders/{good}")).await.body, good.as_bytes());

    for path in [
        "/orders/7",
        "/orders/pay_01h455vb4pex5vsknk084sn02q",
        "/orders/%ff",
        "/orders/ord_%2e%2e",
        "/orders/1'%20OR%201=1",
    ] {
        let answer = asked(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "http.not-found"), "{path}");
    }
    let both = asked("/shops/shp_01h455vb4pex5vsknk084sn02q/stop/latte-m").await;
    assert_eq!(both.body, b"shp_01h455vb4pex5vsknk084sn02q latte-m");
}

#[test]
fn a_page_for_others_than_http_is_bounded_too() {
    assert_eq!(PageQuery::new(100_000, None).limit(), 100);
    assert_eq!(PageQuery::new(0, None).limit(), 1);
}
