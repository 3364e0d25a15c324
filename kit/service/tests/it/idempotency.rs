//! One effect per key, on both databases: the form of one transaction and the form of several steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body as RawBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post as on_post;
use contracts::{SessionId, UserId};
use http::{Request, StatusCode};
use kernel::{OsRng, Timestamp};
use serde::{Deserialize, Serialize};
use service::{
    Answer, Begun, Grant, Keyed, MaybeKeyed, Principal, Problem, Role, Validate, begin, finish, once, release,
};
use store::idempotency::LEASE;
use store::{Db, Migration, params, statements};
use testkit::{FakeClock, TestDatabase};
use tower::ServiceExt as _;
use utoipa::ToSchema;

use crate::asked::{Answered, read};

statements! {
    /// One effect.
    INSERT_NOTE = "INSERT INTO notes (id, text) VALUES ($1, $2)";
    /// How many effects there were.
    COUNT_NOTES = "SELECT COUNT(*) FROM notes";
}

static MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_notes",
    sqlite: "CREATE TABLE notes (id TEXT NOT NULL, text TEXT NOT NULL);",
    postgres: "CREATE TABLE notes (id TEXT NOT NULL, text TEXT NOT NULL);",
}];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

impl Validate for Note {}

#[derive(Debug, Serialize)]
struct Noted {
    id: String,
    text: String,
}

struct App {
    db: Db,
    clock: FakeClock,
    /// How many ids were drawn.
    drawn: AtomicU64,
}

/// One transaction: the text `bad` is rejected.
async fn note(State(app): State<Arc<App>>, keyed: Keyed<Note>) -> Result<Response, Problem> {
    write_once(&app, Some(keyed.intent), keyed.body.text).await
}

async fn maybe_note(State(app): State<Arc<App>>, keyed: MaybeKeyed<Note>) -> Result<Response, Problem> {
    write_once(&app, keyed.intent, keyed.body.text).await
}

async fn write_once(app: &App, intent: Option<service::Intent>, text: String) -> Result<Response, Problem> {
    once(&app.db, intent, move |tx| {
        let id = format!("note-{}", tx.one(&COUNT_NOTES, &params![], |row| row.get::<i64>(0))?.unwrap_or(0));
        tx.execute(&INSERT_NOTE, &params![&id, &text])?;
        if text == "bad" {
            return Err(Problem::new(&service::codes::FORBIDDEN));
        }
        let answer = Answer::created(&Noted { id: id.clone(), text: text.clone() })?;
        Ok::<_, Problem>(answer.location(&format!("/notes/{id}")).version(1))
    })
    .await
}

/// Several steps: a claim, something outside, and the last transaction. The text says how it goes.
async fn steps(State(app): State<Arc<App>>, keyed: Keyed<Note>) -> Result<Response, Problem> {
    let fresh_id = format!("id-{}", app.drawn.fetch_add(1, Ordering::Relaxed));
    let held = match begin(&app.db, keyed.intent, fresh_id).await? {
        Begun::Replay(answer) => return Ok(answer.into_response()),
        Begun::Fresh(held) if keyed.body.text == "dies" => {
            drop(held);
            return Err(Problem::internal("the process died between two steps"));
        }
        Begun::Fresh(held) | Begun::TakenOver(held) => held,
    };
    if keyed.body.text == "bad" {
        release(&app.db, held).await?;
        return Err(Problem::new(&service::codes::FORBIDDEN));
    }
    let answer = app.db.write(move |tx| {
        tx.execute(&INSERT_NOTE, &params![&held.resource, &keyed.body.text])?;
        let answer = Answer::created(&Noted { id: held.resource.clone(), text: keyed.body.text.clone() })?;
        finish(tx, &held, &answer)?;
        Ok::<_, Problem>(answer)
    });
    answer.await.map(IntoResponse::into_response)
}

struct Scene {
    router: Router,
    app: Arc<App>,
    runtime: tokio::runtime::Runtime,
}

fn a_scene(database: &TestDatabase) -> Scene {
    let clock = FakeClock::default();
    let store = database.open_with(clock.shared(), Arc::new(OsRng));
    let db = store.db("notes", MIGRATIONS).unwrap();
    let app = Arc::new(App { db, clock, drawn: AtomicU64::new(0) });
    let router = Router::new()
        .route("/notes", on_post(note))
        .route("/maybe", on_post(maybe_note))
        .route("/steps", on_post(steps))
        .with_state(app.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    Scene { router, app, runtime }
}

fn principal(user: u128) -> Principal {
    let grants: Arc<[Grant]> = Arc::new([Grant { role: Role::Barista, shop_id: None }]);
    let auth_time = Timestamp::from_micros(0);
    Principal { user_id: UserId::from_bits(user), session_id: SessionId::from_bits(1), grants, auth_time }
}

fn request(path: &str, key: Option<&str>, text: &str) -> Request<RawBody> {
    let mut builder = Request::post(path).header("content-type", "application/json");
    if let Some(key) = key {
        builder = builder.header("idempotency-key", key);
    }
    let body = serde_json::json!({ "text": text }).to_string();
    builder.extension(principal(7)).body(body.into()).unwrap()
}

impl Scene {
    fn ask(&self, request: Request<RawBody>) -> Answered {
        self.runtime.block_on(async { read(self.router.clone().oneshot(request).await.unwrap()).await })
    }

    fn post(&self, path: &str, key: &str, text: &str) -> Answered {
        self.ask(request(path, Some(key), text))
    }

    fn notes(&self) -> i64 {
        let count = self.app.db.read_blocking(|s| s.one(&COUNT_NOTES, &params![], |row| row.get::<i64>(0)));
        let count: Result<_, store::StoreError> = count;
        count.unwrap().unwrap()
    }
}

fn the_same_request_has_one_effect_and_one_answer(database: &TestDatabase) {
    let scene = a_scene(database);

    for path in ["/notes", "/steps"] {
        let before = scene.notes();
        let first = scene.post(path, "key-1", "hello");
        let second = scene.post(path, "\"key-1\"", "hello");

        assert_eq!(first.status, StatusCode::CREATED, "{path}: {:?}", String::from_utf8_lossy(&first.body));
        assert_eq!((second.status, &second.body), (StatusCode::CREATED, &first.body));
        assert_eq!(
            (first.header("location"), first.header("etag")),
            (second.header("location"), second.header("etag"))
        );
        assert_eq!((first.header("idempotent-replayed"), second.header("idempotent-replayed")), ("", "true"));
        assert_eq!(scene.notes(), before + 1);
    }
}

fn another_body_or_query_under_the_key_is_refused(database: &TestDatabase) {
    let scene = a_scene(database);
    scene.post("/notes", "key", "hello");

    for other in [request("/notes", Some("key"), "other"), request("/notes?x=1", Some("key"), "hello")] {
        let answer = scene.ask(other);

        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.code(), "http.idempotency-key-reused");
    }
    assert_eq!(scene.notes(), 1);
}

fn a_key_belongs_to_its_caller_and_route(database: &TestDatabase) {
    let scene = a_scene(database);
    let mut of_another = request("/notes", Some("key"), "hello");
    of_another.extensions_mut().insert(principal(8));

    let answers = [scene.post("/notes", "key", "hello"), scene.ask(of_another), scene.post("/steps", "key", "hello")];

    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED));
    assert_eq!(scene.notes(), 3);
}

fn a_rejection_lets_go_of_the_key(database: &TestDatabase) {
    let scene = a_scene(database);

    for path in ["/notes", "/steps"] {
        assert_eq!(scene.post(path, "key", "bad").status, StatusCode::FORBIDDEN);
        assert_eq!(scene.post(path, "key", "mended").status, StatusCode::CREATED);
    }
    assert_eq!(scene.notes(), 2);
}

fn a_try_that_died_is_taken_over_with_its_id(database: &TestDatabase) {
    let scene = a_scene(database);
    assert_eq!(scene.post("/steps", "key", "dies").status, StatusCode::INTERNAL_SERVER_ERROR);

    let waiting = scene.post("/steps", "key", "dies");
    scene.app.clock.advance(LEASE + Duration::from_secs(1));
    let taken_over = scene.post("/steps", "key", "dies");

    assert_eq!((waiting.status, waiting.code().as_str()), (StatusCode::CONFLICT, "http.request-in-progress"));
    assert!(waiting.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!((taken_over.status, taken_over.json()["id"].as_str()), (StatusCode::CREATED, Some("id-0")));
}

fn twenty_at_once_have_one_effect(database: &TestDatabase) {
    let scene = a_scene(database);

    for path in ["/notes", "/steps"] {
        let before = scene.notes();
        let answers = scene.runtime.block_on(async {
            let asked = (0..20).map(|_| {
                let router = scene.router.clone();
                tokio::spawn(
                    async move { read(router.oneshot(request(path, Some("key"), "hello")).await.unwrap()).await },
                )
            });
            futures_util::future::join_all(asked).await
        });

        let answers: Vec<Answered> = answers.into_iter().map(Result::unwrap).collect();
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).collect();
        let refused = answers.iter().filter(|answer| answer.status == StatusCode::CONFLICT).count();
        assert!(!made.is_empty() && made.iter().all(|answer| answer.body == made[0].body));
        assert_eq!(made.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count(), 1);
        assert_eq!(made.len() + refused, 20, "{path}: {answers:?}");
        assert_eq!(scene.notes(), before + 1);
    }
}

fn a_key_is_required_honoured_or_refused(database: &TestDatabase) {
    let scene = a_scene(database);

    let missing = scene.ask(request("/notes", None, "a"));
    assert_eq!((missing.status, missing.code().as_str()), (StatusCode::BAD_REQUEST, "http.idempotency-key-required"));
    for key in ["", " ", "a b", "é", "a/b", &"k".repeat(129)] {
        let answer = scene.post("/maybe", key, "a");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::BAD_REQUEST, "http.idempotency-key-malformed"),
            "{key:?}"
        );
    }
    assert_eq!(scene.ask(request("/maybe", None, "a")).status, StatusCode::CREATED);
    assert_eq!(scene.ask(request("/maybe", None, "a")).status, StatusCode::CREATED);
    scene.post("/maybe", "key", "b");
    assert_eq!(scene.post("/maybe", "key", "b").header("idempotent-replayed"), "true");
    assert_eq!(scene.notes(), 3);

    let mut nobody = request("/notes", Some("key"), "a");
    nobody.extensions_mut().remove::<Principal>();
    assert_eq!(scene.ask(nobody).status, StatusCode::UNAUTHORIZED);
}

testkit::both_databases!(
    the_same_request_has_one_effect_and_one_answer,
    another_body_or_query_under_the_key_is_refused,
    a_key_belongs_to_its_caller_and_route,
    a_rejection_lets_go_of_the_key,
    a_try_that_died_is_taken_over_with_its_id,
    twenty_at_once_have_one_effect,
    a_key_is_required_honoured_or_refused,
);
