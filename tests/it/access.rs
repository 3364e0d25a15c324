//! The access matrix: every row of the policy table × everybody who may try × a thing of their own, of their shop and
//! of another's, generated from the table itself.
//!
//! The thing asked for is always Anna's, in the shop called *here*. Who may not have it is refused and changes nothing:
//! 401 when not signed in, 403 when the role is not held, 404 when it is not theirs, in the words of what does not
//! exist. Who may have it gets it: no 401, 403 or 404, indeed a success. A row that the examples do not know fails.

mod callers;
mod examples;
mod hostile;

use gateway::policy::{BASE_PATH, Reach, TABLE};
use gateway::{Access, Row};
use http::Method;
use service::Role;
use testkit::TestDatabase;

use self::callers::{Caller, Who};
use self::examples::{Scene, Thing};
use crate::business::{Asked, Told};

testkit::both_databases!(
    a_list_narrowed_to_what_is_not_theirs_shows_nothing_of_it,
    every_read_has_a_tag_and_is_not_sent_again_under_it,
    every_row_lets_in_whom_it_says_and_nobody_else,
    an_order_shows_its_payment_and_history_to_its_guest_and_staff
);

/// Who sees the orders of a shop and what belongs to them, besides the guest.
const STAFF: [Role; 3] = [Role::Barista, Role::Manager, Role::Admin];

/// What the table says of one caller and one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Succeeds.
    LetIn,
    /// Succeeds, and shows nothing of Anna's.
    LetInToNothing,
    /// Refused with this status.
    Refused(u16),
}

/// Read off the row; nothing here knows any route.
fn verdict(row: &Row, asked: &Asked, caller: &Caller, scene: &Scene) -> Verdict {
    let roles = match row.access {
        Access::Public => return Verdict::LetIn,
        Access::SignedIn | Access::Roles(_) if caller.who == Who::Nobody => return Verdict::Refused(401),
        Access::SignedIn => &STAFF[..],
        Access::Roles(roles) if !caller.holds(roles) => return Verdict::Refused(403),
        Access::Roles(roles) => roles,
    };
    let is_owner = caller.who == Who::Anna;
    let (is_theirs, names_it) = match row.reach {
        Reach::Anything | Reach::Chain => return Verdict::LetIn,
        Reach::Own => (is_owner, row.path.contains("/{id}")),
        Reach::OwnOrGrantedShop => (is_owner || caller.holds_here(roles), scene.is_named_in(asked)),
        Reach::GrantedShop => (caller.holds_here(roles), scene.is_named_in(asked)),
    };
    match (is_theirs, names_it, row.reach) {
        (true, _, _) | (_, false, Reach::Own) => Verdict::LetIn,
        (false, true, _) => Verdict::Refused(404),
        (false, false, _) => Verdict::LetInToNothing,
    }
}

fn every_row_lets_in_whom_it_says_and_nobody_else(database: &TestDatabase) {
    let mut scene = Scene::set(database, callers::all);
    let mut holes = Vec::new();
    for row in TABLE {
        holes.extend(refusals(row, &mut scene, database));
        holes.extend(admissions(row, &mut scene));
    }
    assert_eq!(holes, Vec::<String>::new(), "{} holes", holes.len());
}

/// Everybody who is to be refused tries; then nothing may have changed.
fn refusals(row: &Row, scene: &mut Scene, database: &TestDatabase) -> Vec<String> {
    scene.keep_standing();
    let thing = scene.standing.clone();
    let asked = scene.example(row, &thing);
    let mut holes = Vec::new();
    if row.access == Access::Public {
        return holes;
    }
    let before = database.contents();
    assert!(before.rows() > 100, "only {} rows: nothing could be missed", before.rows());
    for caller in scene.callers.clone() {
        let Verdict::Refused(expected) = verdict(row, &asked, &caller, scene) else { continue };
        let told = scene.business.ask(&caller.asks(&asked));
        let place = || format!("{} {} by {}", row.method, row.path, caller.name);
        if told.status != expected {
            holes.push(format!("{}: {expected} expected, {} {}", place(), told.status, told.text));
        } else if told.header("content-type") != "application/problem+json" {
            holes.push(format!("{}: not a problem document", place()));
        }
        if expected == 404 && words(&told, &asked) != words_of_nothing(scene, &caller, &asked) {
            holes.push(format!("{}: other words than for what does not exist: {}", place(), told.text));
        }
        if row.method == Method::GET {
            let head = scene.business.ask(&caller.asks(&Asked { method: Method::HEAD, ..asked.clone() }));
            if head.status != expected {
                holes.push(format!("{}: HEAD answers {}", place(), head.status));
            }
        }
    }
    let changes = before.differences(&database.contents());
    holes.extend(changes.into_iter().map(|change| format!("{} {} refused, and yet: {change}", row.method, row.path)));
    holes
}

/// Everybody who is to be let in is, each with a thing of Anna's that nobody has touched before.
fn admissions(row: &Row, scene: &mut Scene) -> Vec<String> {
    let mut holes = Vec::new();
    let thing = scene.standing.clone();
    let usual = scene.example(row, &thing);
    for caller in scene.callers.clone() {
        let verdict = verdict(row, &usual, &caller, scene);
        if matches!(verdict, Verdict::Refused(_)) {
            continue;
        }
        let thing = scene.fresh_thing(row);
        let asked = scene.example(row, &thing);
        let caller = scene.ready(row, caller);
        let told = scene.business.ask(&caller.asks(&asked));
        let place = format!("{} {} by {}", row.method, row.path, caller.name);
        if told.status >= 400 {
            holes.push(format!("{place}: to be let in, {} {}", told.status, told.text));
        }
        let is_list = row.method == Method::GET && matches!(row.reach, Reach::OwnOrGrantedShop | Reach::GrantedShop);
        let shows = told.text.contains(&thing.order) || told.text.contains(&thing.payment);
        if is_list && !scene.is_named_in(&asked) && shows != (verdict == Verdict::LetIn) {
            holes.push(format!("{place}: {verdict:?}, shows Anna's order: {shows}"));
        }
    }
    scene.business.settle();
    holes
}

/// A refusal without what is of this very request.
fn words(told: &Told, asked: &Asked) -> String {
    let mut body = told.json();
    body["request_id"] = serde_json::Value::Null;
    asked
        .path
        .split(['/', '?', '=', '&'])
        .filter(|part| part.contains('_'))
        .fold(body.to_string(), |text, id| text.replace(id, "ID"))
}

/// What the same caller is told about things that nobody has.
fn words_of_nothing(scene: &Scene, caller: &Caller, asked: &Asked) -> String {
    let nothing = scene.with_ids_of_nothing(asked);
    let told = scene.business.ask(&caller.asks(&nothing));
    words(&told, &nothing)
}

fn an_order_shows_its_payment_and_history_to_its_guest_and_staff(database: &TestDatabase) {
    let scene = Scene::set(database, callers::some);
    let Thing { order, payment, .. } = scene.standing.clone();
    let page = |caller: &Caller| scene.business.ask(&caller.asks(&Asked::get(format!("/api/v1/orders/{order}"))));
    let allowed = |caller: &&Caller| caller.who == Who::Anna || caller.holds_here(&STAFF);
    for caller in scene.callers.iter().filter(allowed) {
        let page = page(caller).expect(200);

        assert_eq!(page["payment"]["id"], payment.as_str(), "{}", caller.name);
        assert_eq!(page["payment"]["state"], "captured", "{}", caller.name);
        let states: Vec<_> = page["history"].as_array().unwrap().iter().map(|entry| &entry["state"]).collect();
        assert_eq!(states, ["placed", "paid"], "{}", caller.name);
        assert_eq!(page["notices"], serde_json::json!([]), "{}", caller.name);
    }
}

fn a_list_narrowed_to_what_is_not_theirs_shows_nothing_of_it(database: &TestDatabase) {
    let scene = Scene::set(database, callers::some);
    let Thing { order, payment, .. } = scene.standing.clone();
    let shop = scene.here.clone();
    for path in [
        format!("/orders?shop_id={shop}"),
        format!("/payments?shop_id={shop}"),
        format!("/payments?order_id={order}"),
        format!("/ledger?order_id={order}"),
    ] {
        let mut seen_by = 0;
        for caller in &scene.callers {
            let told = scene.business.ask(&caller.asks(&Asked::get(format!("/api/v1{path}"))));
            let may = caller.holds_here(&STAFF) || caller.who == Who::Anna;
            // The filter itself is not repeated in an answer.
            let shows = told.status < 400 && (told.text.contains(&order) || told.text.contains(&payment));
            assert!(may || !shows, "{path} by {}: {}", caller.name, told.text);
            seen_by += usize::from(shows);
        }
        assert!(seen_by > 0, "{path} shows nobody anything");
    }
}

/// Of the API; the menu as a file is no read of a thing.
fn every_read_has_a_tag_and_is_not_sent_again_under_it(database: &TestDatabase) {
    let scene = Scene::set(database, callers::some);
    let is_read = |row: &&Row| {
        row.method == Method::GET && row.path.starts_with(BASE_PATH) && row.path != "/api/v1/catalog/export"
    };
    let mut untagged = Vec::new();
    for row in TABLE.iter().filter(is_read) {
        let asked = scene.example(row, &scene.standing);
        let may = |caller: &&Caller| verdict(row, &asked, caller, &scene) == Verdict::LetIn;
        let asked = scene.callers.iter().find(may).expect("somebody may").asks(&asked);
        let first = scene.business.ask(&asked);
        let again = scene.business.ask(&asked.header("if-none-match", first.header("etag")));
        if first.status != 200 || first.header("etag").is_empty() || again.status != 304 || !again.text.is_empty() {
            untagged.push(format!("{}: {} {:?}, then {}", row.path, first.status, first.header("etag"), again.status));
        }
    }
    assert_eq!(untagged, Vec::<String>::new());
}
