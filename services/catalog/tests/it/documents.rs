//! What is promised on paper: every statement prepares, the API is documented, codes are unique.

use std::collections::BTreeSet;

use service::{Access, ApiDocument, Ground, Outline, Platform, Role, Settings, Sources};
use testkit::{FakeClock, ScriptedOutbound, SeededRng, TestDatabase};

use crate::cafe::Cafe;

testkit::both_databases!(every_statement_prepares);

fn every_statement_prepares(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);

    cafe.harness.platform().prepare_all().unwrap();
}

#[test]
fn the_document_of_the_routes_lacks_nothing() {
    let parts = [catalog_document()];
    let outline = Outline { title: "catalog", version: "0", description: "", base_path: "/api/v1" };

    let document = ApiDocument::assemble(&outline, parts, |_, _| Some(Access::Roles(vec![Role::Manager])));

    assert_eq!(document.violations(), Vec::<String>::new());
}

fn catalog_document() -> utoipa::openapi::OpenApi {
    let database = TestDatabase::sqlite();
    let clock = FakeClock::default().shared();
    let ground = Ground {
        store: database.open(),
        settings: Settings::load(&[catalog::SETTINGS], &Sources::default()).unwrap(),
        clock,
        rng: SeededRng::new(1).shared(),
        outbound: ScriptedOutbound::silent().shared(),
    };
    let mut platform = Platform::mount(&ground, &[crate::cafe::mount()], Vec::new()).unwrap();
    let (_, routes) = platform.take_routes().remove(0);
    routes.into_openapi()
}

#[test]
fn every_code_of_a_failure_is_its_own() {
    let database = TestDatabase::sqlite();
    let mut cafe = Cafe::open(&database);

    let codes: Vec<&str> = cafe.harness.platform().errors().map(|code| code.code).collect();

    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    assert!(codes.iter().all(|code| code.starts_with("catalog.")), "{codes:?}");
}
