//! auth on a database of its own, and people who have tokens.

use std::sync::Arc;
use std::time::Duration;

use auth::{NewAdmin, PasswordCost, create_admin};
use contracts::{SessionId, UserId};
use kernel::Clock as _;
use serde_json::{Value, json};
use service::token::{AccessToken, verify};
use service::{Mount, Principal, Revocations, VerificationKeys};
use testkit::{Answer, FakeClock, HarnessOptions, SeededRng, ServiceHarness, TestDatabase, TestRequest};

pub(crate) const PASSWORD: &str = "щука плыла против течения";
pub(crate) const OTHER_PASSWORD: &str = "correct horse battery staple";

/// As the program has it.
const OF_THE_PRODUCT: Mount =
    Mount { name: "auth", migrations: auth::MIGRATIONS, settings: auth::SETTINGS, service: auth::service };

/// Where a password costs next to nothing: a hash of the product's takes longer than most of what is tested.
const MOUNT: Mount = Mount { service: |deps| auth::service_with(deps, PasswordCost::LEAST), ..OF_THE_PRODUCT };

/// The service and what the gateway knows of it.
pub(crate) struct World {
    pub(crate) harness: ServiceHarness,
    pub(crate) keys: Arc<VerificationKeys>,
    pub(crate) revocations: Arc<Revocations>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) id: UserId,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl World {
    pub(crate) fn new(database: &TestDatabase) -> Self {
        Self::with(database, &[])
    }

    /// With settings that differ from their defaults.
    pub(crate) fn with(database: &TestDatabase, settings: &[(&'static str, &'static str)]) -> Self {
        Self::at(database, FakeClock::default(), settings)
    }

    /// At a time of the test's choice: an instance that starts again, or beside another.
    pub(crate) fn at(database: &TestDatabase, clock: FakeClock, settings: &[(&'static str, &'static str)]) -> Self {
        // Each start draws other numbers than the ones before it, as long as it is later.
        let rng = SeededRng::new(clock.now().as_micros().unsigned_abs());
        let options = HarnessOptions { clock, rng, settings: settings.to_vec(), ..HarnessOptions::default() };
        Self::mounted(ServiceHarness::mount_with(database, MOUNT, options))
    }

    /// With what a password costs outside of tests.
    pub(crate) fn of_the_product(database: &TestDatabase) -> Self {
        Self::mounted(ServiceHarness::mount(database, OF_THE_PRODUCT))
    }

    fn mounted(mut harness: ServiceHarness) -> Self {
        let (keys, revocations) = (harness.platform().keys().clone(), harness.platform().revocations().clone());
        Self { harness, keys, revocations }
    }

    pub(crate) fn clock(&self) -> &FakeClock {
        self.harness.clock()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.harness.post(path).json(body).send()
    }

    /// A guest who registers with [`PASSWORD`].
    pub(crate) fn register(&self, email: &str) -> SignedIn {
        let body = json!({"email": email, "password": PASSWORD, "name": "Анна", "language": "ru"});
        signed_in(&self.post("/auth/register", &body).expect(201))
    }

    /// A moment later, so that the order of sign-ins is that of their ids.
    pub(crate) fn try_login(&self, email: &str, password: &str) -> Answer {
        self.clock().advance(Duration::from_millis(2));
        self.post("/auth/login", &json!({"email": email, "password": password}))
    }

    pub(crate) fn login(&self, email: &str, password: &str) -> SignedIn {
        signed_in(&self.try_login(email, password).expect(200))
    }

    pub(crate) fn try_refresh(&self, token: &str) -> Answer {
        self.post("/auth/refresh", &json!({"refresh_token": token}))
    }

    /// An administrator who is signed in.
    pub(crate) fn admin(&self) -> SignedIn {
        self.admin_called("admin@example.org")
    }

    pub(crate) fn admin_called(&self, email: &str) -> SignedIn {
        let admin = NewAdmin { email: email.to_owned(), password: PASSWORD.to_owned().into(), name: None };
        create_admin(self.harness.db(), &admin).unwrap();
        self.login(email, PASSWORD)
    }

    /// What the gateway finds out about a token: who it is, or `None` when it is refused.
    pub(crate) fn who(&self, access: &str) -> Option<AccessToken> {
        let token = verify(access, &self.keys, self.clock().now()).ok()?;
        let (session, user) = (token.session_id.to_string(), token.user_id.to_string());
        (!self.revocations.refuses(&session, &user, token.issued_at)).then_some(token)
    }

    pub(crate) fn session_of(&self, person: &SignedIn) -> SessionId {
        self.who(&person.access).expect("the token is good").session_id
    }

    /// The person as the gateway passes them on; they must still be signed in.
    pub(crate) fn principal(&self, person: &SignedIn) -> Principal {
        let token = self.who(&person.access).expect("the access token is refused");
        Principal {
            user_id: token.user_id,
            session_id: token.session_id,
            grants: token.grants.into(),
            auth_time: token.auth_time,
        }
    }

    /// A request of theirs.
    pub(crate) fn ask<'w>(&'w self, method: &str, path: &str, person: &SignedIn) -> TestRequest<'w> {
        let method = method.parse().unwrap();
        self.harness.request(method, path).by(&self.principal(person))
    }

    pub(crate) fn grant(&self, admin: &SignedIn, to: UserId, grants: &Value) -> Answer {
        let path = format!("/users/{to}");
        let version = self.ask("GET", &path, admin).send().expect(200);
        let tag = version.header("etag").unwrap().to_owned();
        let path = format!("/users/{to}/grants");
        self.ask("PUT", &path, admin).header("if-match", &tag).json(&json!({"grants": grants})).send()
    }

    /// Every invariant holds.
    pub(crate) fn assert_clean(&self) {
        let report = self.harness.audit();
        assert!(report.clean, "{report}");
    }
}

pub(crate) fn signed_in(answer: &Answer) -> SignedIn {
    let body = answer.json();
    SignedIn {
        id: body["user"]["id"].as_str().unwrap().parse().unwrap(),
        access: body["access_token"].as_str().unwrap().to_owned(),
        refresh: body["refresh_token"].as_str().unwrap_or_default().to_owned(),
    }
}
