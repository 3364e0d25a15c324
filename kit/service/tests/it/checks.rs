//! The audit: which findings count, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use service::{Audited, Auditor, Check, FactSet, Finding, Pass, Report};
use store::{Db, Migration, params};
use testkit::TestDatabase;

store::statements! {
    /// A row.
    PUT = "INSERT INTO numbers (id, n) VALUES ($1, $2)";
    /// Rows that break the rule.
    ODD = "SELECT id FROM numbers WHERE n % 2 <> 0 ORDER BY id";
    /// All rows.
    ALL = "SELECT id, n FROM numbers ORDER BY id";
}

static TABLE: &str = "CREATE TABLE numbers (id TEXT PRIMARY KEY, n BIGINT NOT NULL);";
static MIGRATIONS: &[Migration] = &[Migration { name: "0001_numbers", sqlite: TABLE, postgres: TABLE }];

testkit::both_databases!(a_local_check_names_the_rows, facts_of_two_services_are_compared_without_their_tables);

fn numbers(database: &TestDatabase, rows: &'static [(&'static str, i64)]) -> Db {
    let db = database.open().db("numbers", MIGRATIONS).unwrap();
    let written =
        db.write_blocking(move |tx| rows.iter().try_for_each(|(id, n)| tx.execute(&PUT, &params![*id, *n]).map(drop)));
    written.unwrap_or_else(|e: store::StoreError| panic!("{e}"));
    db
}

fn even() -> Check {
    Check::local("NUM-1", |snapshot| {
        snapshot.list(&ODD, &[], |row| Ok(Finding::new(format!("number {}", row.get::<String>(0)?), "it is odd")))
    })
}

fn nothing_undelivered() -> Result<BTreeSet<String>, store::StoreError> {
    Ok(BTreeSet::new())
}

fn pass(auditor: &Auditor) -> Pass {
    auditor.pass(&mut |_| {})
}

fn subjects(report: &Report, id: &str) -> Vec<String> {
    let checks = report.checks.iter().filter(|check| check.id == id);
    checks.flat_map(|check| check.findings.iter().map(|finding| finding.subject.clone())).collect()
}

fn a_local_check_names_the_rows(database: &TestDatabase) {
    let db = numbers(database, &[("a", 2), ("b", 3), ("c", 5)]);
    let audited = Audited { service: "numbers", db, checks: vec![even()], facts: Vec::new() };

    let report = pass(&Auditor::new(vec![audited], nothing_undelivered)).report();

    assert!(!report.clean);
    assert_eq!(subjects(&report, "NUM-1"), ["number b", "number c"]);
    let text = report.to_string();
    assert!(text.contains("NUM-1") && text.contains("    number b: it is odd\n"), "{text}");
    assert!(text.ends_with("2 rows break a rule"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checks"][0]["findings"][1]["subject"], "number c");
}

fn facts_of_two_services_are_compared_without_their_tables(database: &TestDatabase) {
    let db = numbers(database, &[("a", 2), ("b", 4)]);
    let told = FactSet::new("numbers.all", |snapshot| {
        snapshot.list(&ALL, &[], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))
    });
    let theirs = FactSet::new("bills.all", |_| Ok(vec![("a".to_owned(), 2_i64), ("b".to_owned(), 5)]));
    let same = Check::across("NUM-2", |facts| {
        let ours: BTreeMap<String, i64> = facts.of("numbers.all")?;
        let theirs: BTreeMap<String, i64> = facts.of("bills.all")?;
        let differing = ours.iter().filter(|(key, n)| theirs.get(*key) != Some(n));
        Ok(differing.map(|(key, _)| Finding::new(format!("number {key}"), "they differ").of_key(key)).collect())
    });
    let untold = Check::across("NUM-3", |facts| facts.of::<i64>("nobody.tells").map(|_| Vec::new()));
    let audited = vec![
        Audited { service: "numbers", db: db.clone(), checks: vec![same, untold], facts: vec![told] },
        Audited { service: "bills", db, checks: Vec::new(), facts: vec![theirs] },
    ];

    let report = pass(&Auditor::new(audited, nothing_undelivered)).report();

    assert_eq!(subjects(&report, "NUM-2"), ["number b"]);
    let untold = report.checks.iter().find(|check| check.id == "NUM-3").unwrap();
    assert_eq!(untold.not_made.as_deref(), Some("the facts nobody.tells are not told"));
    assert!(report.to_string().ends_with("1 rows break a rule; 1 checks could not be made"), "{report}");
}

/// A world in which a quiescent and a permanent check find what the test says, and these keys are on their way.
#[derive(Clone, Default)]
struct World {
    found: Arc<Mutex<Vec<Finding>>>,
    on_the_way: Arc<Mutex<BTreeSet<String>>>,
}

impl World {
    fn auditor(&self, database: &TestDatabase) -> Auditor {
        let (quiescent, permanent) = (Arc::clone(&self.found), Arc::clone(&self.found));
        let checks = vec![
            Check::local("QUIET-1", move |_| Ok(quiescent.lock().unwrap().clone())).quiescent(),
            Check::local("EVER-1", move |_| Ok(permanent.lock().unwrap().clone())),
        ];
        let audited = Audited { service: "world", db: numbers(database, &[]), checks, facts: Vec::new() };
        let on_the_way = Arc::clone(&self.on_the_way);
        Auditor::new(vec![audited], move || Ok(on_the_way.lock().unwrap().clone()))
    }

    fn finds(&self, orders: &[&str]) {
        let findings = orders.iter().map(|order| Finding::new(format!("order {order}"), "unpaid").of_key(*order));
        *self.found.lock().unwrap() = findings.collect();
    }

    fn undelivered(&self, keys: &[&str]) {
        *self.on_the_way.lock().unwrap() = keys.iter().map(|key| (*key).to_owned()).collect();
    }
}

#[test]
fn on_a_live_instance_a_quiescent_finding_counts_if_it_stood_in_both_passes() {
    let (world, database) = (World::default(), TestDatabase::sqlite());
    let auditor = world.auditor(&database);

    world.finds(&["stands", "goes"]);
    let earlier = pass(&auditor);
    assert!(earlier.needs_second());
    world.finds(&["stands", "comes"]);
    let report = pass(&auditor).report_after(&earlier);

    assert_eq!(subjects(&report, "QUIET-1"), ["order stands"]);
    assert_eq!(subjects(&report, "EVER-1"), ["order stands", "order comes"], "the others count at once");
    assert!(report.to_string().contains("1 row (1 on the way)"), "{report}");
}

#[test]
fn of_two_checks_under_one_id_each_is_held_against_its_own_earlier_pass() {
    let database = TestDatabase::sqlite();
    let half = |row: &'static str| Check::local("MON-5", move |_| Ok(vec![Finding::new(row, "stray")])).quiescent();
    let checks = vec![half("order a"), half("order b")];
    let audited = Audited { service: "world", db: numbers(&database, &[]), checks, facts: Vec::new() };
    let auditor = Auditor::new(vec![audited], nothing_undelivered);

    let earlier = pass(&auditor);
    let report = pass(&auditor).report_after(&earlier);

    assert_eq!(subjects(&report, "MON-5"), ["order a", "order b"]);
}

#[test]
fn an_event_on_its_way_excuses_the_findings_of_its_key() {
    let (world, database) = (World::default(), TestDatabase::sqlite());
    let auditor = world.auditor(&database);
    world.finds(&["excused", "not"]);
    world.undelivered(&["excused", "somebody else"]);

    let earlier = pass(&auditor);
    let live = pass(&auditor).report_after(&earlier);
    let stopped = pass(&auditor).report();

    for report in [live, stopped] {
        assert_eq!(subjects(&report, "QUIET-1"), ["order not"]);
        assert_eq!(subjects(&report, "EVER-1"), ["order excused", "order not"], "a permanent rule knows no excuse");
    }
}

#[test]
fn nothing_quiescent_to_find_needs_no_second_pass() {
    let (world, database) = (World::default(), TestDatabase::sqlite());

    assert!(!pass(&world.auditor(&database)).needs_second());
}

#[test]
fn a_check_that_cannot_be_made_is_not_clean() {
    let database = TestDatabase::sqlite();
    let bank = Check::outside("MON-8", || Err("the bank is away".to_owned()));
    let audited = Audited { service: "payments", db: numbers(&database, &[]), checks: vec![bank], facts: Vec::new() };

    let report = pass(&Auditor::new(vec![audited], nothing_undelivered)).report();

    assert!(!report.clean);
    assert!(report.to_string().contains("not made: the bank is away"), "{report}");
}

#[test]
fn a_check_that_is_left_out_is_listed_with_its_reason_and_leaves_the_rest_clean() {
    let database = TestDatabase::sqlite();
    let checks = vec![even(), Check::left_out("MON-8", "no bank is configured")];
    let audited = Audited { service: "payments", db: numbers(&database, &[]), checks, facts: Vec::new() };

    let report = pass(&Auditor::new(vec![audited], nothing_undelivered)).report();

    assert!(report.clean);
    let text = report.to_string();
    assert!(text.contains("MON-8    payments       not made: no bank is configured\n"), "{text}");
    assert!(text.ends_with("clean: 1 checks, 1 not made"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checks"][0]["not_made"], "no bank is configured");
    assert_eq!(json["checks"][0]["left_out"], true);
}

#[test]
fn progress_is_told_check_by_check() {
    let database = TestDatabase::sqlite();
    let audited =
        Audited { service: "numbers", db: numbers(&database, &[]), checks: vec![even(), even()], facts: Vec::new() };
    let auditor = Auditor::new(vec![audited], nothing_undelivered);
    let mut made = Vec::new();

    let report = auditor.pass(&mut |id| made.push(id)).report();

    assert_eq!((made, auditor.len()), (vec!["NUM-1", "NUM-1"], 2));
    assert!(report.clean);
    assert!(report.to_string().ends_with("clean: 2 checks"), "{report}");
}
