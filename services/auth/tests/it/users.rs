//! What an administrator does with people.

use std::sync::Barrier;

use contracts::UserId;
use serde_json::json;
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World, signed_in};

both_databases!(
    grants_are_changed_on_the_current_version_only,
    a_grant_that_is_taken_away_ends_all_sessions_at_once,
    grants_that_make_no_sense_are_refused,
    a_disabled_person_is_out_at_once_and_may_come_back,
    the_last_administrator_stays,
    two_administrators_who_remove_each_other_at_once_do_not_both_succeed,
    people_are_listed_in_pages,
    what_is_not_there_is_not_found,
);

const SHOP: &str = "shp_00000000000000000000000001";

fn grants_are_changed_on_the_current_version_only(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    let path = format!("/users/{}/grants", anna.id);
    let body = json!({"grants": [{"role": "barista", "shop_id": SHOP}]});
    let read = world.ask("GET", &format!("/users/{}", anna.id), &admin).send().expect(200);
    assert_eq!(read.header("etag"), Some("\"1\""));

    assert_eq!(world.ask("PUT", &path, &admin).json(&body).send().expect(428).code(), "http.if-match-required");
    let changed = world.ask("PUT", &path, &admin).header("if-match", "\"1\"").json(&body).send().expect(200);
    let stale =
        world.ask("PUT", &path, &admin).header("if-match", "\"1\"").json(&json!({"grants": []})).send().expect(412);

    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.json()["grants"], body["grants"]);
    assert_eq!((stale.code().as_str(), &stale.json()["version"]), ("http.stale", &json!(2)));
    let same = world.ask("PUT", &path, &admin).header("if-match", "\"2\"").json(&body).send().expect(200);
    assert_eq!(same.header("etag"), Some("\"2\""), "the same again changes nothing");
    let path = format!("/users/{}", anna.id);
    world.ask("PATCH", &path, &admin).json(&json!({"disabled": true})).send().expect(428);
    world.ask("PATCH", &path, &admin).header("if-match", "\"1\"").json(&json!({"disabled": true})).send().expect(412);
    assert!(world.who(&anna.access).is_some());
}

fn a_grant_that_is_taken_away_ends_all_sessions_at_once(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    let two = json!([{"role": "barista", "shop_id": SHOP}, {"role": "courier", "shop_id": null}]);
    world.grant(&admin, anna.id, &two).expect(200);
    let anna = world.login("anna@example.org", PASSWORD);
    assert_eq!(world.who(&anna.access).unwrap().grants.len(), 2);

    world.grant(&admin, anna.id, &json!([{"role": "courier", "shop_id": null}])).expect(200);

    assert!(world.who(&anna.access).is_none());
    world.try_refresh(&anna.refresh).expect(401);
    let again = world.login("anna@example.org", PASSWORD);
    assert_eq!(world.who(&again.access).unwrap().grants.len(), 1);
    world.assert_clean();
}

fn grants_that_make_no_sense_are_refused(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    for (grants, pointer) in [
        (json!([{"role": "guest", "shop_id": null}]), "/grants/0"),
        (json!([{"role": "courier", "shop_id": null}, {"role": "admin", "shop_id": SHOP}]), "/grants/1"),
        (json!([{"role": "barista", "shop_id": SHOP}, {"role": "barista", "shop_id": SHOP}]), "/grants/1"),
        (json!([{"role": "king", "shop_id": null}]), "/grants/0/role"),
        (json!([{"role": "barista", "shop_id": "ord_00000000000000000000000001"}]), "/grants/0/shop_id"),
    ] {
        let answer = world.grant(&admin, anna.id, &grants).expect(422).json();

        assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
    }
    let many: Vec<_> = (0..201).map(|n| json!({"role": "barista", "shop_id": format!("shp_{n:026}")})).collect();
    world.grant(&admin, anna.id, &json!(many)).expect(422);
}

fn a_disabled_person_is_out_at_once_and_may_come_back(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    let path = format!("/users/{}", anna.id);
    let set = |disabled: bool| {
        world
            .ask("PATCH", &path, &admin)
            .header("if-match", "*")
            .json(&json!({"disabled": disabled}))
            .send()
            .expect(200)
    };

    assert_eq!(set(true).json()["disabled"], json!(true));

    assert!(world.who(&anna.access).is_none());
    world.try_refresh(&anna.refresh).expect(401);
    world.try_login("anna@example.org", PASSWORD).expect(401);
    world.assert_clean();
    set(false);
    world.try_refresh(&anna.refresh).expect(401);
    world.login("anna@example.org", PASSWORD);
}

fn the_last_administrator_stays(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let path = format!("/users/{}", admin.id);
    let disable = |id: UserId, by| {
        world.ask("PATCH", &format!("/users/{id}"), by).header("if-match", "*").json(&json!({"disabled": true})).send()
    };

    assert_eq!(disable(admin.id, &admin).expect(409).code(), "auth.last-admin");
    assert_eq!(world.grant(&admin, admin.id, &json!([])).expect(409).code(), "auth.last-admin");
    let second = world.admin_called("second@example.org");
    disable(second.id, &admin).expect(200);
    assert_eq!(disable(admin.id, &admin).expect(409).code(), "auth.last-admin", "a disabled one does not count");
    world.ask("GET", &path, &admin).send().expect(200);
}

fn two_administrators_who_remove_each_other_at_once_do_not_both_succeed(database: &TestDatabase) {
    let world = World::new(database);
    let (one, two) = (world.admin_called("one@example.org"), world.admin_called("two@example.org"));
    let (first, second) = (world.principal(&one), world.principal(&two));
    let barrier = Barrier::new(2);
    let remove = |id: UserId, by: &service::Principal| {
        let path = format!("/users/{id}/grants");
        barrier.wait();
        world.harness.put(&path).by(by).header("if-match", "*").json(&json!({"grants": []})).send().status.as_u16()
    };

    let mut statuses = std::thread::scope(|scope| {
        let a = scope.spawn(|| remove(two.id, &first));
        let b = scope.spawn(|| remove(one.id, &second));
        [a.join().unwrap(), b.join().unwrap()]
    });

    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

fn people_are_listed_in_pages(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    for n in 0..5 {
        world.clock().advance(std::time::Duration::from_millis(2));
        world.register(&format!("guest{n}@example.org"));
    }

    let first = world.ask("GET", "/users?limit=4", &admin).send().expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.ask("GET", &format!("/users?limit=4&cursor={cursor}"), &admin).send().expect(200).json();
    let one = world.ask("GET", "/users?email=GUEST3%40example.org", &admin).send().expect(200).json();

    let emails = |page: &serde_json::Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        emails(&first),
        ["guest4@example.org", "guest3@example.org", "guest2@example.org", "guest1@example.org"]
    );
    assert_eq!(emails(&second), ["guest0@example.org", "admin@example.org"]);
    assert_eq!(second["next_cursor"], json!(null));
    assert_eq!(emails(&one), ["guest3@example.org"]);
    assert_eq!(one["items"][0]["disabled"], json!(false));
    world.ask("GET", "/users?limit=101", &admin).send().expect(422);
    world.ask("GET", "/users?role=admin", &admin).send().expect(422);
}

fn what_is_not_there_is_not_found(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let nobody = UserId::from_bits(7);

    world.ask("GET", &format!("/users/{nobody}"), &admin).send().expect(404);
    world.ask("GET", "/users/anna", &admin).send().expect(404);
    let grants = world.ask("PUT", &format!("/users/{nobody}/grants"), &admin).header("if-match", "*");
    grants.json(&json!({"grants": []})).send().expect(404);
    let again = world.ask("PATCH", &format!("/users/{nobody}"), &admin).header("if-match", "*");
    again.json(&json!({"disabled": true})).send().expect(404);
    assert!(signed_in(&world.try_login("admin@example.org", PASSWORD)).id == admin.id);
}
