//! Services put together, as the harness of their suites mounts them.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{Consumer, Failure};
use kernel::{Call, Code, Coded, Event};
use serde::{Deserialize, Serialize};
use service::{
    CallError, Check, Deps, Finding, Ground, Health, Metrics, Mount, Platform, Principal, Service, Setting,
    SettingKind, Settings, Supervisor, TELEMETRY_SETTINGS, Timer,
};
use store::{AuditEntry, Db, Migration, Statement, StoreError, params};
use testkit::{Barista, FakeCalls, Guest, HarnessOptions, ServiceHarness, TestDatabase};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

store::statements! {
    /// Counts what was heard.
    COUNT = "INSERT INTO tallies (key, n) VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = tallies.n + 1";
    /// A count.
    READ = "SELECT n FROM tallies WHERE key = $1";
    /// Counts above the limit.
    ABOVE = "SELECT key FROM tallies WHERE n > $1 ORDER BY key";
}

static TABLE: &str = "CREATE TABLE tallies (key TEXT PRIMARY KEY, n BIGINT NOT NULL);";
static MIGRATIONS: &[Migration] = &[Migration { name: "0001_tallies", sqlite: TABLE, postgres: TABLE }];
static SETTINGS: &[Setting] = &[Setting {
    key: "tally.limit",
    default: "2",
    kind: SettingKind::Int { min: 0, max: 10 },
    doc: "How much is too much.",
}];

static TALLY: Mount = Mount { name: "tally", migrations: MIGRATIONS, settings: SETTINGS, service: tally };

testkit::both_databases!(
    an_event_reaches_its_consumer,
    a_request_is_answered_on_behalf_of_a_person,
    a_service_asks_and_answers_calls,
    timed_work_runs_when_time_passes,
    old_events_are_forgotten_also_where_they_were_passed_by_before,
    the_audit_covers_the_services_and_the_log,
    the_audit_trail_is_sealed_by_itself_and_a_changed_row_is_named,
    every_statement_prepares,
    metrics_show_the_store_and_the_consumers,
    consumers_run_on_threads_until_the_process_stops,
);

/// Something happened.
#[derive(Clone, Serialize, Deserialize)]
struct Happened {
    what: String,
}

impl Event for Happened {
    const TOPIC: &'static str = "happenings";
    const TYPE: &'static str = "samovar.test.happened.v1";
    const SOURCE: &'static str = "/test";

    fn key(&self) -> String {
        self.what.clone()
    }
}

/// How often something happened.
struct HowOften;

impl Call for HowOften {
    type Request = String;
    type Reply = i64;
    const NAME: &'static str = "tally.how-often";
    const TIMEOUT_MS: u32 = 2000;
    const IDEMPOTENT: bool = true;
}

/// Another service's word on it.
struct Opinion;

impl Call for Opinion {
    type Request = i64;
    type Reply = String;
    const NAME: &'static str = "critic.opinion";
    const TIMEOUT_MS: u32 = 2000;
    const IDEMPOTENT: bool = true;
}

fn read(db: &Db, key: &str) -> i64 {
    let key = key.to_owned();
    let n = db.read_blocking(move |snapshot| snapshot.one(&READ, &params![&key], |row| row.get(0)));
    n.unwrap_or_else(|e: StoreError| panic!("{e}")).unwrap_or(0)
}

/// Which roles the caller has, by the principal.
#[utoipa::path(get, path = "/whoami", responses((status = 200, body = String)))]
async fn whoami(principal: Principal) -> String {
    let roles: Vec<_> = principal.grants.iter().map(|grant| grant.role.as_str()).collect();
    format!("{} {}", principal.user_id, roles.join(","))
}

fn tally(deps: Deps) -> Service {
    let Deps { db: of_call, calls, settings, .. } = deps;
    let (limit, of_timer) = (settings.int("tally.limit"), of_call.clone());
    Service::new("tally")
        .routes(OpenApiRouter::new().routes(routes!(whoami)))
        .call::<HowOften, _, _, StoreError>(move |key: String| {
            let db = of_call.clone();
            async move {
                let n = db.read(move |snapshot| snapshot.one(&READ, &params![&key], |row| row.get(0))).await?;
                Ok(n.unwrap_or(0))
            }
        })
        .consumer(Consumer::apply("tally.count", &["happenings"], |tx, event| {
            let happened = event.decode::<Happened>()?;
            tx.execute(&COUNT, &params![&happened.what])?;
            Ok::<(), Failure>(())
        }))
        .timer(Timer::new("tally.tick", Duration::from_secs(60), move |_| {
            let ticked = of_timer.write_blocking(|tx| tx.execute(&COUNT, &params!["tick"]));
            ticked.map(drop).map_err(|e: StoreError| e.to_string())
        }))
        .timer(Timer::new("tally.ask", Duration::from_secs(3600), move |_| {
            calls.call_blocking::<Opinion>(&limit).map(drop).map_err(|e| e.to_string())
        }))
        .check(Check::local("TAL-1", move |snapshot| {
            snapshot.list(&ABOVE, &params![limit], |row| Ok(Finding::new(row.get::<String>(0)?, "too often")))
        }))
        .statements(STATEMENTS)
}

fn mounted(database: &TestDatabase) -> ServiceHarness {
    let calls = FakeCalls::new().answering::<Opinion>(|limit| Ok(format!("{limit} is a lot")));
    ServiceHarness::mount_with(database, TALLY, HarnessOptions { calls, ..HarnessOptions::default() })
}

fn happened(what: &str) -> Happened {
    Happened { what: what.to_owned() }
}

fn an_event_reaches_its_consumer(database: &TestDatabase) {
    let mut service = mounted(database);

    service.publish("test", &happened("rain"));
    assert_eq!(read(service.db(), "rain"), 0, "nothing runs before the test says so");
    service.settle();
    service.settle();

    assert_eq!(read(service.db(), "rain"), 1);
}

fn a_request_is_answered_on_behalf_of_a_person(database: &TestDatabase) {
    let service = mounted(database);

    let nobody = service.get("/whoami").send().expect(401);
    assert_eq!(nobody.code(), "http.unauthenticated");
    let guest = service.get("/whoami").by(&Guest(1)).send().expect(200);
    assert_eq!(guest.body, format!("{} ", Guest(1).user_id()).into_bytes());
    let shop = contracts::ShopId::from_bits(9);
    let barista = service.get("/whoami").by(&Barista(shop)).send().expect(200);
    assert!(String::from_utf8(barista.body).unwrap().ends_with(" barista"));
}

fn a_service_asks_and_answers_calls(database: &TestDatabase) {
    let mut service = mounted(database);
    service.publish("test", &happened("snow"));
    service.settle();

    assert_eq!(service.calls().call_blocking::<HowOften>(&"snow".to_owned()).unwrap(), 1);
    let from_a_task = testkit::runtime().block_on(service.calls().call::<HowOften>("snow".to_owned()));
    assert_eq!(from_a_task.unwrap(), 1);
}

fn timed_work_runs_when_time_passes(database: &TestDatabase) {
    let mut service = mounted(database);

    service.settle();
    service.pass(Duration::from_secs(30));
    assert_eq!(read(service.db(), "tick"), 1);
    service.pass(Duration::from_secs(30));

    assert_eq!(read(service.db(), "tick"), 2);
}

/// The consumer stands still for longer than events are kept, so that the first look at them leaves them there.
fn old_events_are_forgotten_also_where_they_were_passed_by_before(database: &TestDatabase) {
    let mut service = mounted(database);
    service.settle();
    let other = service.other_db("test");
    for first in [0, 200, 400] {
        let numbers = move || first..first + 200;
        let published =
            other.write_blocking(move |tx| numbers().try_for_each(|n| tx.publish(&happened(&n.to_string()))));
        published.unwrap_or_else(|e: StoreError| panic!("{e}"));
    }
    let left = |service: &mut ServiceHarness| service.platform().log().tail(0, &[], 1000).unwrap().len();

    let step = |service: &mut ServiceHarness| {
        let now = kernel::Clock::now(service.clock());
        service.platform().step(now).unwrap()
    };

    // Each step lets the consumer hear a batch of 32 before the timers have their turn.
    service.clock().advance(eventlog::KEPT_FOR - Duration::from_secs(12 * 3600));
    assert!(step(&mut service));
    service.clock().advance(Duration::from_secs(13 * 3600));
    assert!(step(&mut service));
    assert_eq!(left(&mut service), 600 - 64, "what was heard is forgotten");
    service.settle();
    service.pass(Duration::from_secs(3600));
    assert_eq!(left(&mut service), 500 - 64, "what was passed by is not looked at again so soon");
    service.pass(Duration::from_secs(24 * 3600));
    service.pass(Duration::from_secs(3600));

    assert_eq!(left(&mut service), 0);
    let report = service.audit();
    let of_log = report.checks.iter().filter(|check| check.id.starts_with("EVT"));
    assert_eq!(of_log.map(|check| check.findings.len()).sum::<usize>(), 0, "{report}");
}

fn the_audit_covers_the_services_and_the_log(database: &TestDatabase) {
    let mut service = mounted(database);
    service.publish("test", &happened("hail"));
    let with_lag = service.audit();
    service.settle();
    assert!(service.audit().clean, "{}", service.audit());

    for _ in 0..3 {
        service.publish("test", &happened("hail"));
    }
    service.settle();
    let report = service.audit();

    let ids: Vec<_> = report.checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, ["AUT-4", "EVT-2", "EVT-3", "EVT-3", "EVT-4", "TAL-1", "TRL-1"]);
    assert_eq!(report.findings(), 1, "{report}");
    assert!(report.to_string().contains("    hail: too often\n"), "{report}");
    assert!(with_lag.clean, "a consumer that has never run has nothing to catch up: {with_lag}");
}

/// Somebody with the database in their hands takes the triggers away first.
fn the_audit_trail_is_sealed_by_itself_and_a_changed_row_is_named(database: &TestDatabase) {
    static DISARM: Statement = Statement { name: "DISARM", sql: "DROP TRIGGER audit_trail_stands" };
    static DISARM_SERVER: Statement =
        Statement { name: "DISARM_SERVER", sql: "ALTER TABLE audit_trail DISABLE TRIGGER USER" };
    static UNSEALED: Statement =
        Statement { name: "UNSEALED", sql: "SELECT COUNT(*) FROM audit_trail WHERE place IS NULL" };
    static FORGE: Statement =
        Statement { name: "FORGE", sql: "UPDATE audit_trail SET actor = 'usr_2' WHERE place = 2" };
    let mut service = mounted(database);
    let kit = service.store().kit("nothing", &[]).unwrap();
    let run = |statement| kit.write_blocking::<_, StoreError, _>(move |tx| tx.execute(statement, &[])).unwrap();
    let unsealed = || {
        let count = kit.read_blocking(|snapshot| snapshot.one(&UNSEALED, &[], |row| row.get::<i64>(0)));
        count.unwrap_or_else(|e: StoreError| panic!("{e}"))
    };
    let reads_of_audit = |service: &ServiceHarness| {
        let before = service.store().stats().reads;
        assert!(service.audit().clean, "{}", service.audit());
        service.store().stats().reads - before
    };
    service.settle();
    let reads_of_nothing = reads_of_audit(&service);
    let written = service.db().write_blocking(|tx| {
        (0..1_200).try_for_each(|number| tx.audit(AuditEntry::new("usr_1", "tally.reset", format!("tly_{number}"))))
    });
    written.unwrap_or_else(|e: StoreError| panic!("{e}"));
    assert_eq!(unsealed(), Some(1_200));

    service.pass(Duration::from_secs(61));
    assert_eq!(unsealed(), Some(0));
    let of_two_checks = reads_of_nothing + 2 * 3;
    assert_eq!(reads_of_audit(&service), of_two_checks, "each stretch of 500 in a snapshot of its own");
    run(if database.is_postgres() { &DISARM_SERVER } else { &DISARM });
    assert_eq!(run(&FORGE), 1);

    let report = service.audit();
    let named = "    audit trail, place 2: the row is not the one that was sealed\n";
    assert!(!report.clean && report.to_string().contains(named), "{report}");
}

fn every_statement_prepares(database: &TestDatabase) {
    mounted(database).platform().prepare_all().unwrap();
}

fn metrics_show_the_store_and_the_consumers(database: &TestDatabase) {
    let mut service = mounted(database);
    service.publish("test", &happened("fog"));
    service.settle();
    let (health, metrics) = (Health::new(service.clock().shared()), Metrics::new());

    service.platform().watch(&health, &metrics);

    assert!(health.report().ready);
    let page = metrics.text();
    for line in [
        "samovar_consumer_handled_total{consumer=\"tally.count\"} 1\n",
        "samovar_consumer_lag{consumer=\"tally.count\"} 0\n",
        "samovar_consumer_dead_letters{consumer=\"tally.count\"} 0\n",
        "samovar_store_write_queue{store=\"main\"} 0\n",
        "samovar_store_log_bytes{store=\"main\"} ",
        "samovar_store_batch_closures_bucket{le=\"+Inf\",store=\"main\"} ",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
}

/// Longer than anything here takes; a test that waits so long has failed.
const BOUND: Duration = Duration::from_secs(20);

fn consumers_run_on_threads_until_the_process_stops(database: &TestDatabase) {
    let clock: Arc<dyn kernel::Clock> = Arc::new(kernel::SystemClock::new());
    let store = database.open();
    let ground = Ground {
        store: store.clone(),
        settings: Settings::defaults(&[SETTINGS, TELEMETRY_SETTINGS]),
        clock: Arc::clone(&clock),
        rng: Arc::new(kernel::OsRng),
        outbound: testkit::ScriptedOutbound::silent().shared(),
    };
    let opinions = FakeCalls::new().answering::<Opinion>(|_| Ok(String::new())).into_handlers();
    let platform = Platform::mount(&ground, &[TALLY], opinions).unwrap();
    let db = platform.db("tally").unwrap().clone();
    let calls = platform.calls().clone();
    let inside = testkit::runtime().enter();
    let health = Arc::new(Health::new(Arc::clone(&clock)));
    let mut supervisor = Supervisor::new(Arc::clone(&clock), health, platform.closing().clone());
    platform.supervise(&mut supervisor);
    drop(inside);
    let front = supervisor.front().clone();

    let running = testkit::runtime().spawn(supervisor.run(BOUND));
    let published = store.db("test", &[]).unwrap().write_blocking(|tx| tx.publish(&happened("storm")));
    published.unwrap_or_else(|e: StoreError| panic!("{e}"));
    let begun = clock.elapsed();
    while calls.call_blocking::<HowOften>(&"storm".to_owned()).unwrap() == 0 || read(&db, "tick") == 0 {
        assert!(clock.elapsed() - begun < BOUND, "the consumer or the timer did not run");
        std::thread::yield_now();
    }
    front.ask();

    assert_eq!(testkit::runtime().block_on(running).unwrap(), Ok(()));
    assert_eq!(read(&db, "storm"), 1);
}

#[test]
fn a_rejection_of_the_store_is_told_to_the_asker() {
    let service = mounted(&TestDatabase::sqlite());
    service.store().shutdown();

    let failed: CallError = service.calls().call_blocking::<HowOften>(&"x".to_owned()).unwrap_err();

    let code: &Code = failed.code();
    assert!(code.code.starts_with("store."), "{code:?}");
    assert!(!failed.is_rejection());
}
