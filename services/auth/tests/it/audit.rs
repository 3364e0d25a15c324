//! Each check sees the damage that it is for.

use contracts::UserId;
use contracts::auth::{Profile, ProfileChange};
use kernel::{Clock as _, Event, Language};
use store::{Param, Statement, params};
use testkit::{TestDatabase, both_databases};

use crate::world::{SignedIn, World};

both_databases!(
    a_family_with_two_living_tokens_is_named,
    a_dead_family_with_a_living_token_is_named,
    other_damage_is_named,
    a_profile_that_nobody_was_told_of_is_named,
    a_profile_of_nobody_is_named,
    an_event_that_cannot_be_read_any_more_is_named,
    an_event_that_holds_a_secret_is_named,
    a_kept_answer_or_a_row_of_the_trail_that_holds_a_secret_is_named,
    a_person_may_be_called_like_a_secret
);

store::statements! {
    /// The constraint that holds AUT-1 in the first place.
    DROP_CONSTRAINT = "DROP INDEX refresh_tokens_one_live";
    /// A second token of every session.
    SECOND_TOKEN = "INSERT INTO refresh_tokens (hash, session_id, issued_at) SELECT 'x' || id, id, 0 FROM sessions";
    /// A session that ended without its token.
    END_SESSIONS = "UPDATE sessions SET ended_at = 1, end_reason = 'logout'";
    /// A user who was disabled beside the door.
    DISABLE_USERS = "UPDATE users SET disabled = 1";
    /// A change that nobody was told of.
    RENAME = "UPDATE users SET name = 'Boris', version = version + 1";
    /// Events of a type that nobody reads.
    OTHER_KIND = "UPDATE events SET kind = 'samovar.auth.profile.v0'";
    /// A user without a password.
    DROP_CREDENTIALS = "DELETE FROM credentials";
}

fn damage(world: &World, statement: &'static Statement) {
    let none: [Param<'static>; 0] = params![];
    world.harness.db().write_blocking(move |tx| tx.execute(statement, &none)).unwrap();
}

const fn sql(sql: &'static str) -> Statement {
    Statement { name: "PLANTED", sql }
}

fn findings(world: &World, check: &str) -> Vec<String> {
    let report = world.harness.audit();
    let outcome = report.checks.iter().find(|outcome| outcome.id == check).expect("the check is made");
    outcome.findings.iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect()
}

fn a_person(database: &TestDatabase) -> (World, SignedIn, String) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    world.assert_clean();
    let session = world.session_of(&anna).to_string();
    (world, anna, session)
}

fn a_family_with_two_living_tokens_is_named(database: &TestDatabase) {
    let (world, _, session) = a_person(database);
    let refused = world.harness.db().write_blocking(|tx| tx.execute(&SECOND_TOKEN, &[]));
    assert!(refused.unwrap_err().violates("refresh_tokens_one_live"), "the database refuses it by itself");
    // The fence keeps a service from changing the schema: the damage is done beside it.
    let kit = world.harness.store().kit(
        "auth_damage",
        &[store::Migration {
            name: "0001_damage",
            sqlite: DROP_CONSTRAINT.sql,
            postgres: "DROP INDEX auth.refresh_tokens_one_live",
        }],
    );
    kit.unwrap();

    damage(&world, &SECOND_TOKEN);

    let found = findings(&world, "AUT-1");
    assert_eq!(found, [format!("session {session}: is live and has 2 live refresh tokens, not 1")]);
}

fn a_dead_family_with_a_living_token_is_named(database: &TestDatabase) {
    let (world, _, session) = a_person(database);

    damage(&world, &END_SESSIONS);

    let found = findings(&world, "AUT-1");
    assert_eq!(found, [format!("session {session}: is ended and has 1 live refresh tokens, not 0")]);
}

fn other_damage_is_named(database: &TestDatabase) {
    let (world, anna, session) = a_person(database);

    damage(&world, &DISABLE_USERS);
    damage(&world, &DROP_CREDENTIALS);

    assert_eq!(findings(&world, "AUT-2"), [format!("session {session}: is live although {} is disabled", anna.id)]);
    assert_eq!(findings(&world, "AUTH-1"), [format!("user {}: has no password and can never sign in", anna.id)]);
}

/// EVT-1.
fn a_profile_that_nobody_was_told_of_is_named(database: &TestDatabase) {
    let (world, anna, _) = a_person(database);

    damage(&world, &RENAME);

    assert_eq!(findings(&world, "EVT-1"), [format!("user {}: no event tells what its version 2 is", anna.id)]);
}

fn profile(world: &World, name: &str) -> Profile {
    Profile {
        user_id: UserId::from_bits(1),
        change: ProfileChange::Registered,
        name: Some(name.to_owned()),
        email: None,
        language: Language::En,
        at: world.clock().now(),
    }
}

/// EVT-1: of a registration that was rolled back.
fn a_profile_of_nobody_is_named(database: &TestDatabase) {
    let (world, _, _) = a_person(database);

    world.harness.publish("auth", &profile(&world, "Nobody"));

    let found = findings(&world, "EVT-1");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with(&format!("of user {}, which never came to be", UserId::from_bits(1))), "{found:?}");
}

fn an_event_that_cannot_be_read_any_more_is_named(database: &TestDatabase) {
    let (world, _, _) = a_person(database);

    world.harness.damage_log(&OTHER_KIND);

    let found = findings(&world, "EVT-5");
    assert!(found[0].ends_with("nobody reads a samovar.auth.profile.v0 on profiles"), "{found:?}");
}

/// An event as it must not be: with something in it that nobody typed.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Leak {
    user_id: UserId,
    session: String,
}

impl Event for Leak {
    const TOPIC: &'static str = Profile::TOPIC;
    const TYPE: &'static str = Profile::TYPE;
    const SOURCE: &'static str = Profile::SOURCE;

    fn key(&self) -> String {
        self.user_id.to_string()
    }
}

/// Nobody may turn the audit red by what he calls himself.
fn a_person_may_be_called_like_a_secret(database: &TestDatabase) {
    let (world, _, _) = a_person(database);

    for name in ["4242 4242  4242 4242", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln", "$argon2id$v=19$x"] {
        world.harness.publish("auth", &profile(&world, name));
    }

    assert_eq!(findings(&world, "AUT-4"), Vec::<String>::new());
}

fn an_event_that_holds_a_secret_is_named(database: &TestDatabase) {
    let (world, _, _) = a_person(database);
    for (told, secret) in
        ["4242 4242 4242 4242", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln", "$argon2id$v=19$x"].into_iter().enumerate()
    {
        world.harness.publish("auth", &Leak { user_id: UserId::from_bits(1), session: secret.to_owned() });

        let found = findings(&world, "AUT-4");
        assert_eq!(found.len(), told + 1, "{secret}: {found:?}");
        assert!(found.iter().all(|finding| finding.contains(": holds ")), "{found:?}");
    }
}

fn a_kept_answer_or_a_row_of_the_trail_that_holds_a_secret_is_named(database: &TestDatabase) {
    static PLANTED: [Statement; 4] = [
        sql(
            "INSERT INTO idempotency_keys (principal, route, key, body_hash, resource_id, token, lease_until_at, created_at, \
            status, headers, body) VALUES ('usr_1', 'POST /orders', 'k1', '', '', 1, 0, 0, 201, '{}', '{\"comment\": \"$argon2\"}')",
        ),
        sql("INSERT INTO audit_trail (service, recorded_at, actor, action, subject, state_after) \
            VALUES ('auth', 0, 'system', 'x', 'y', '{\"reason\": \"$argon2\"}')"),
        sql(
            "INSERT INTO idempotency_keys (principal, route, key, body_hash, resource_id, token, lease_until_at, created_at, \
            status, headers, body) VALUES ('usr_1', 'POST /orders', 'k2', '', '', 1, 0, 0, 201, '{}', '{\"hash\": \"$argon2\"}')",
        ),
        sql("INSERT INTO audit_trail (service, recorded_at, actor, action, subject, state_before) \
            VALUES ('auth', 0, 'system', 'x', 'y', '{\"card\": [\"4242 4242 4242 4242\"]}')"),
    ];
    let (world, _, _) = a_person(database);
    let found = |planted: &'static Statement| {
        world.harness.damage_log(planted);
        findings(&world, "AUT-4")
    };

    assert_eq!(found(&PLANTED[0]), [""; 0], "what somebody typed");
    assert_eq!(found(&PLANTED[1]), [""; 0], "what somebody typed");
    assert_eq!(found(&PLANTED[2]), ["answer of POST /orders to usr_1: holds the hash of a password"]);
    let both = found(&PLANTED[3]);
    assert!(both[0].starts_with("audit trail, row ") && both[0].ends_with(": holds a card number"), "{both:?}");
}
