//! The first administrator, and what every service shows.

use auth::{CreateAdminError, NewAdmin, create_admin};
use kernel::Coded as _;
use serde_json::json;
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World};

both_databases!(
    there_is_nobody_before_the_first_administrator,
    the_command_line_keeps_the_rules_for_passwords,
    every_statement_prepares,
);

fn new(email: &str, password: &str) -> NewAdmin {
    NewAdmin { email: email.to_owned(), password: password.to_owned().into(), name: Some("Хозяин".to_owned()) }
}

fn there_is_nobody_before_the_first_administrator(database: &TestDatabase) {
    let world = World::new(database);
    for (email, password) in [("admin@example.org", "admin"), ("admin", "admin"), ("root@localhost", "toor")] {
        world.try_login(email, password).expect(401);
    }

    let id = create_admin(world.harness.db(), &new("admin@example.org", PASSWORD)).unwrap();
    let admin = world.login("admin@example.org", PASSWORD);

    assert_eq!(admin.id, id);
    let me = world.ask("GET", "/auth/me", &admin).send().expect(200).json();
    assert_eq!(me["grants"], json!([{"role": "admin", "shop_id": null}]));
    world.assert_clean();
}

fn the_command_line_keeps_the_rules_for_passwords(database: &TestDatabase) {
    let world = World::new(database);
    let db = world.harness.db();

    let common = create_admin(db, &new("admin@example.org", "password1")).unwrap_err();
    let short = create_admin(db, &new("admin@example.org", "samovar")).unwrap_err();
    let address = create_admin(db, &new("admin", PASSWORD)).unwrap_err();
    create_admin(db, &new("admin@example.org", PASSWORD)).unwrap();
    let again = create_admin(db, &new("ADMIN@example.org", PASSWORD)).unwrap_err();

    assert_eq!(common.to_string(), "the password is one of those that are tried first");
    assert!(matches!(short, CreateAdminError::Password(faults) if faults.len() == 2));
    assert!(matches!(address, CreateAdminError::Email(_)));
    assert!(matches!(again, CreateAdminError::Auth(error) if error.code().code == "auth.email-taken"));
}

fn every_statement_prepares(database: &TestDatabase) {
    let mut world = World::new(database);

    world.harness.platform().prepare_all().unwrap();
}
