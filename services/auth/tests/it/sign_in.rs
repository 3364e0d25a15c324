//! Registration and login.

use serde_json::{Value, json};
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World, signed_in};

both_databases!(
    registration_answers_the_person_and_their_tokens,
    an_email_is_taken_in_every_spelling,
    two_who_register_one_email_at_once_are_one_person,
    all_faults_of_a_registration_are_told_at_once,
    nothing_but_the_documented_fields_is_taken,
    a_wrong_password_an_unknown_email_and_a_disabled_person_get_the_same_answer,
    a_person_signs_in_on_many_devices_and_the_oldest_one_ends,
    no_row_holds_a_password_or_a_token,
);

fn registration_answers_the_person_and_their_tokens(database: &TestDatabase) {
    let world = World::new(database);
    let body = json!({"email": "Anna@example.org", "password": PASSWORD, "name": " Анна ", "language": "ru", "session": "token"});

    let answer = world.post("/auth/register", &body).expect(201).json();

    assert!(answer["user"]["id"].as_str().unwrap().starts_with("usr_"));
    assert_eq!(answer["user"]["email"], "Anna@example.org");
    assert_eq!(answer["user"]["name"], "Анна");
    assert_eq!(answer["user"]["grants"], json!([]));
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(answer["refresh_token"].as_str().unwrap().len(), 43, "256 bits in base64url");
    let token = world.who(answer["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(token.user_id.to_string(), answer["user"]["id"].as_str().unwrap());
    assert_eq!(token.grants, []);
    world.assert_clean();
}

fn an_email_is_taken_in_every_spelling(database: &TestDatabase) {
    let world = World::new(database);
    world.register("anna@example.org");

    let again = world.post("/auth/register", &json!({"email": "ANNA@Example.org", "password": PASSWORD})).expect(409);

    assert_eq!(again.code(), "auth.email-taken");
    assert_eq!(world.login("Anna@EXAMPLE.org", PASSWORD).id, world.login("anna@example.org", PASSWORD).id);
}

fn two_who_register_one_email_at_once_are_one_person(database: &TestDatabase) {
    let world = World::new(database);
    let body = json!({"email": "anna@example.org", "password": PASSWORD});

    let mut statuses = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..4).map(|_| scope.spawn(|| world.post("/auth/register", &body).status.as_u16())).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });

    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
    world.assert_clean();
}

fn all_faults_of_a_registration_are_told_at_once(database: &TestDatabase) {
    let world = World::new(database);
    let body = json!({"email": "no address", "password": "samovar", "name": "a\nb", "language": "de", "role": "admin"});

    let answer = world.post("/auth/register", &body).expect(422).json();

    let mut pointers: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    pointers.dedup();
    assert_eq!(pointers, ["/email", "/language", "/name", "/password", "/role"], "{answer}");
    let body = json!({"email": "no address", "password": "samovar", "name": "a\nb"});
    let answer = world.post("/auth/register", &body).expect(422).json();
    let faults: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|e| (pointer(e), code(e))).collect();
    assert!(faults.contains(&("/email", "format")), "{answer}");
    assert!(faults.contains(&("/password", "too-short")), "{answer}");
    assert!(faults.contains(&("/password", "guessable-password")), "{answer}");
    assert!(faults.contains(&("/name", "format")), "{answer}");
    assert!(!answer.to_string().contains("samovar\""), "a fault repeats the password");
}

fn pointer(fault: &Value) -> &str {
    fault["pointer"].as_str().unwrap()
}

fn code(fault: &Value) -> &str {
    fault["code"].as_str().unwrap()
}

fn nothing_but_the_documented_fields_is_taken(database: &TestDatabase) {
    let world = World::new(database);
    for name in ["id", "role", "grants", "disabled", "version", "created_at", "password_hash", "shop_ids", "verified"] {
        let mut body = json!({"email": "anna@example.org", "password": PASSWORD});
        body[name] = json!("x");

        world.post("/auth/register", &body).expect(422);
    }
    let twice = format!(r#"{{"email":"a@b.org","email":"c@d.org","password":"{PASSWORD}"}}"#);
    world.harness.post("/auth/register").bytes("application/json", twice.into_bytes()).send().expect(422);
    let form = b"email=a%40b.org&password=x".to_vec();
    world.harness.post("/auth/login").bytes("application/x-www-form-urlencoded", form).send().expect(415);
    world.try_login("anna@example.org", PASSWORD).expect(401);
}

fn a_wrong_password_an_unknown_email_and_a_disabled_person_get_the_same_answer(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    let boris = world.register("boris@example.org");
    let path = format!("/users/{}", boris.id);
    world.ask("PATCH", &path, &admin).header("if-match", "*").json(&json!({"disabled": true})).send().expect(200);

    let answers = [
        world.try_login("anna@example.org", "a wrong password"),
        world.try_login("nobody@example.org", PASSWORD),
        world.try_login("boris@example.org", PASSWORD),
        world.try_login("not an address at all", PASSWORD),
    ];

    let without_id = |answer: &testkit::Answer| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status.as_u16(), answer.headers.clone(), body)
    };
    assert_eq!(answers[0].clone().expect(401).code(), "auth.invalid-credentials");
    for answer in &answers[1..] {
        assert_eq!(without_id(answer), without_id(&answers[0]));
    }
    assert!(world.who(&anna.access).is_some());
}

fn a_person_signs_in_on_many_devices_and_the_oldest_one_ends(database: &TestDatabase) {
    let world = World::with(database, &[("auth.sessions_max", "3")]);
    let first = world.register("anna@example.org");
    let others: Vec<_> = (0..2).map(|_| world.login("anna@example.org", PASSWORD)).collect();
    assert!(world.who(&first.access).is_some());

    let newest = world.login("anna@example.org", PASSWORD);

    assert!(world.who(&first.access).is_none(), "the fourth session ends the first");
    assert_eq!(world.try_refresh(&first.refresh).expect(401).code(), "auth.session-ended");
    assert!(others.iter().chain([&newest]).all(|session| world.who(&session.access).is_some()));
    world.assert_clean();
}

store::statements! {
    /// Every text that auth keeps.
    ALL_TEXTS = "SELECT email || ' ' || COALESCE(name, '') FROM users
        UNION ALL SELECT password_hash FROM credentials
        UNION ALL SELECT hash FROM refresh_tokens
        UNION ALL SELECT device || ' ' || network FROM sessions";
}

fn no_row_holds_a_password_or_a_token(database: &TestDatabase) {
    let mut world = World::new(database);
    let body = json!({"email": "anna@example.org", "password": PASSWORD, "session": "token"});
    let anna = signed_in(
        &world.harness.post("/auth/register").header("user-agent", "teapot/1").json(&body).send().expect(201),
    );
    let again = signed_in(&world.try_refresh(&anna.refresh).expect(200));

    let mut texts: Vec<String> = world
        .harness
        .db()
        .read_blocking(|snapshot| snapshot.list(&ALL_TEXTS, &[], |row| row.get::<String>(0)))
        .unwrap();
    let events = world.harness.platform().log().tail(0, &["profiles"], 100).unwrap();
    texts.extend(events.iter().map(|event| format!("{event:?}")));

    assert!(texts.iter().any(|text| text.contains("teapot/1")) && texts.iter().any(|text| text.contains("anna@")));
    for secret in [PASSWORD, &anna.refresh, &again.refresh, &anna.access] {
        assert!(texts.iter().all(|text| !text.contains(secret)), "{secret} was stored");
    }
    assert!(events.iter().all(|event| !event.payload.contains("argon2")), "a hash was published");
}
