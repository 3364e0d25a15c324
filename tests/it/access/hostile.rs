//! Hostile requests to every row of the policy table, by somebody who may: refused with a 4xx problem, and nothing changed.

use gateway::Row;
use gateway::policy::{GATEWAY, TABLE};
use http::Method;
use serde_json::{Value, json};
use testkit::TestDatabase;

use super::callers::{self, Caller};
use super::examples::Scene;
use super::{Verdict, verdict};
use crate::business::{Asked, Told};

testkit::both_databases!(
    hostile_places_in_a_path_name_nothing,
    hostile_queries_are_no_fault_of_ours_and_reading_changes_nothing,
    a_parameter_that_nobody_documents_is_refused_by_name,
    hostile_bodies_are_refused,
    members_that_nobody_may_set_are_refused,
);

/// What may stand between two slashes and is no id of ours.
const PLACES: [&str; 12] = [
    "%252e%252e%252f",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%00",
    "%ff%fe",
    "%0d%0aset-cookie:a=b",
    "'%20OR%20'1'='1",
    "1;%20DROP%20TABLE%20orders",
    "-1",
    "null",
    "ord_zzzzzzzzzzzzzzzzzzzzzzzzzz",
    "ORD_01H455VB4PEX5VSKNK084SN02Q",
];

const QUERIES: [&str; 12] = [
    "limit=1000000",
    "limit=-1",
    "limit=1e6",
    "limit=1&limit=2",
    "cursor=garbage",
    "cursor=%00%ff",
    "sort=price%3bDROP%20TABLE%20orders",
    "lang='--",
    "from=yesterday&to=-1",
    "wait=999999999999s",
    "q=%25%27%22%5c%28a%2b%29%2b%24",
    "%",
];

/// Columns and rights that a body might try to smuggle in.
const MEMBERS: [&str; 14] = [
    "role",
    "roles",
    "grants_all",
    "shop_ids",
    "total",
    "state",
    "status",
    "paid_at",
    "points_total",
    "cost",
    "verified",
    "owner_id",
    "guest_id",
    "__proto__",
];

/// Tries every request on every row that it fits, by the first who may; gives back what went wrong.
fn sweep(
    database: &TestDatabase,
    hostile: impl Fn(&Row, &Asked) -> Vec<Asked>,
    is_right: impl Fn(&Row, &Told) -> bool,
) -> Vec<String> {
    let scene = Scene::set(database, callers::some);
    let examples: Vec<(&Row, Asked, Caller)> = TABLE.iter().map(|row| example(&scene, row)).collect();
    let before = database.contents();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (row, asked, caller) in &examples {
        for hostile in hostile(row, asked) {
            tried += 1;
            let told = scene.business.ask(&caller.asks(&hostile));
            if told.status >= 500 || !is_right(row, &told) {
                let body = String::from_utf8_lossy(&hostile.body).chars().take(80).collect::<String>();
                wrong.push(format!("{} {} {body}: {} {}", row.method, hostile.path, told.status, told.text));
            }
        }
    }
    assert!(tried > TABLE.len(), "only {tried} requests");
    wrong.extend(before.differences(&database.contents()));
    wrong
}

fn example<'r>(scene: &Scene, row: &'r Row) -> (&'r Row, Asked, Caller) {
    let asked = scene.example(row, &scene.standing);
    let may = |caller: &&Caller| verdict(row, &asked, caller, scene) == Verdict::LetIn;
    let caller = scene.callers.iter().find(may).expect("somebody may").clone();
    (row, asked, caller)
}

fn is_refused(told: &Told) -> bool {
    (400..500).contains(&told.status) && told.header("content-type") == "application/problem+json"
}

fn hostile_places_in_a_path_name_nothing(database: &TestDatabase) {
    let places = |row: &Row, asked: &Asked| {
        let template: Vec<&str> = row.path.split('/').collect();
        let with = |place: usize, word: &str| {
            let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
            let mut parts: Vec<&str> = path.split('/').collect();
            parts[place] = word;
            Asked { path: format!("{}?{query}", parts.join("/")), ..asked.clone() }
        };
        let open = (0..template.len()).filter(|place| template[*place].starts_with('{'));
        open.flat_map(|place| PLACES.map(|word| with(place, word))).collect()
    };

    assert_eq!(sweep(database, places, |_, told| is_refused(told)), Vec::<String>::new());
}

fn hostile_queries_are_no_fault_of_ours_and_reading_changes_nothing(database: &TestDatabase) {
    let queries = |row: &Row, asked: &Asked| {
        let joint = if asked.path.contains('?') { '&' } else { '?' };
        let with = |query: &&str| Asked { path: format!("{}{joint}{query}", asked.path), ..asked.clone() };
        let is_read = row.method == Method::GET;
        QUERIES.iter().chain([&"a=b"]).filter(|_| is_read).map(with).chain(is_read.then(|| asked.clone())).collect()
    };

    assert_eq!(sweep(database, queries, |_, told| told.status < 400 || is_refused(told)), Vec::<String>::new());
}

/// Beside a query that is right, and on rows that have none. The gateway's own pages take what others append.
fn a_parameter_that_nobody_documents_is_refused_by_name(database: &TestDatabase) {
    let with_another = |row: &Row, asked: &Asked| {
        let joint = if asked.path.contains('?') { '&' } else { '?' };
        let another = |pair: &str| Asked { path: format!("{}{joint}{pair}", asked.path), ..asked.clone() };
        if row.service == GATEWAY { Vec::new() } else { ["surprise=1", "sur%70rise"].map(another).into() }
    };
    let is_named = |_: &Row, told: &Told| {
        let fault = &told.json()["errors"][0];
        told.status == 422 && (&fault["pointer"], &fault["code"]) == (&json!("/surprise"), &json!("unknown-parameter"))
    };

    assert_eq!(sweep(database, with_another, is_named), Vec::<String>::new());
}

/// The same bytes, called plain text, as a form of another site may send them.
fn called_text(asked: &Asked) -> Asked {
    let mut plain = asked.clone();
    plain.headers.retain(|(name, _)| *name != "content-type");
    plain.header("content-type", "text/plain")
}

fn hostile_bodies_are_refused(database: &TestDatabase) {
    let bodies = |row: &Row, asked: &Asked| {
        if asked.body.is_empty() {
            return Vec::new();
        }
        let mut cut = asked.body.clone();
        cut.truncate(asked.body.len() / 2);
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes();
        let bodies = [Vec::new(), cut, b"null".to_vec(), b"{\"a\":\"\xff\"}".to_vec(), deep, vec![b' '; 10 << 20]];
        let mut all: Vec<Asked> = bodies.into_iter().map(|body| Asked { body, ..asked.clone() }).collect();
        // A callback is read as the bytes that were signed, whatever they are called.
        if !row.path.contains("/callbacks/") {
            all.push(called_text(asked));
        }
        all
    };

    assert_eq!(sweep(database, bodies, |_, told| is_refused(told)), Vec::<String>::new());
}

fn members_that_nobody_may_set_are_refused(database: &TestDatabase) {
    let smuggled = |_: &Row, asked: &Asked| {
        let Ok(Value::Object(members)) = serde_json::from_slice(&asked.body) else { return Vec::new() };
        let with = |name: &str| {
            let mut members = members.clone();
            members.insert(name.to_owned(), json!("usr_00000000000000000000000001"));
            Asked { body: Value::Object(members).to_string().into_bytes(), ..asked.clone() }
        };
        MEMBERS.iter().filter(|name| !members.contains_key(**name)).map(|name| with(name)).collect()
    };
    // A callback is signed as a whole: with one more member it is not the bank's.
    let expected = |row: &Row| if row.path.contains("/callbacks/") { 401 } else { 422 };

    let wrong = sweep(database, smuggled, |row, told| told.status == expected(row));

    assert_eq!(wrong, Vec::<String>::new());
}
