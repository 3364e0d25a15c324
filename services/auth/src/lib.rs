//! Who people are, what they may do, and for how long they have shown it: registration, login, sessions, roles.
//!
//! A session is one sign-in on one device and the family of its refresh tokens. Access tokens are signed here and
//! checked at the door without asking back, so whatever ends a session also tells the door, at the commit. Deliberately
//! absent: who may call which route, which is the gateway's table, and whose order it is, which is the owner's query.

mod app;
mod checks;
pub mod error;
mod hasher;
mod http;
mod jobs;
mod key_ring;
mod model;
mod refresh_token;
mod secret;
mod settings;
mod store;
mod throttle;
mod use_cases;

use std::sync::Arc;

use ::store::Migration;
use contracts::auth::{Revocations as RevocationsCall, RevocationsReply, RevocationsRequest};
use service::{Deps, Service};

use crate::app::App;
pub use crate::error::Error;
pub use crate::hasher::PasswordCost;
use crate::key_ring::KeyRing;
pub use crate::secret::Secret;
pub use crate::settings::SETTINGS;
pub use crate::use_cases::create_admin::{CreateAdminError, NewAdmin, create_admin};

/// Its tables.
pub static MIGRATIONS: &[Migration] = ::store::migrations!["0001_auth"];

/// The service.
///
/// Reads the signing keys and what is revoked before it returns, so that tokens of before a restart are good at once and
/// those of ended sessions are not; where the database does not answer, the timer tries again. It writes nothing: a key
/// is made, where one is wanted, when the process begins to serve, and without one to sign with it does not begin.
#[must_use]
pub fn service(deps: Deps) -> Service {
    service_with(deps, PasswordCost::OWASP)
}

/// [`service`] with another cost of a password than that of the product: for tests that are not about it.
#[must_use]
pub fn service_with(deps: Deps, cost: PasswordCost) -> Service {
    let Deps { db, settings, revocations, keys: public_keys, .. } = deps;
    let secret = Secret::new(settings.secret("auth.key_secret").to_owned());
    let keys = Arc::new(KeyRing::new(db.clone(), &secret, public_keys));
    let app = Arc::new(App::new(db, &settings, cost, keys, revocations));
    if let Err(error) = jobs::read(&app) {
        tracing::error!(%error, "the signing keys and revocations cannot be read yet");
    }
    let (asked, started) = (Arc::clone(&app), Arc::clone(&app));
    let mut service = Service::new("auth")
        .start(move || started.keys.start().map_err(|error| error.to_string()))
        .routes(http::router(Arc::clone(&app)))
        .call::<RevocationsCall, _, _, _>(move |request| ended_since(Arc::clone(&asked), request))
        .statements(crate::store::sql::STATEMENTS)
        .errors(error::CODES)
        .settings(SETTINGS);
    for timer in jobs::timers(&app, settings.duration("auth.key_rotation")) {
        service = service.timer(timer);
    }
    for check in checks::all(&app.db) {
        service = service.check(check);
    }
    service
}

/// `auth.revocations`: what ended since a moment. Users are not in it, since whatever is taken from a user ends each
/// of their sessions.
async fn ended_since(app: Arc<App>, request: RevocationsRequest) -> Result<RevocationsReply, Error> {
    let at = app.clock.now();
    let sessions = app.db.read(move |snapshot| crate::store::sessions::ended_since(snapshot, request.since)).await?;
    Ok(RevocationsReply { sessions, users: Vec::new(), at })
}
