//! Whoever may not come in costs the same work, so that time tells nobody which accounts exist: hashes are counted, not
//! the clock.

use std::sync::Arc;

use service::{ClientAddress, Settings, VerificationKeys};
use store::{Db, Tx};
use testkit::{TestDatabase, runtime};

use super::login;
use crate::app::{App, Device};
use crate::error::Error;
use crate::hasher::{Counted, Hasher, PasswordCost};
use crate::key_ring::KeyRing;
use crate::model::user::User;
use crate::secret::Secret;
use crate::store::users;
use crate::use_cases::create_admin::{NewAdmin, create_admin};

testkit::both_databases!(who_may_not_come_in_costs_the_same_hash_as_who_may);

const PASSWORD: &str = "correct horse battery staple";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn app(db: Db) -> (App, Arc<Counted>) {
    let settings = Settings::defaults(&[crate::SETTINGS, service::RATE_SETTINGS]);
    let keys = KeyRing::new(db.clone(), &secret(""), Arc::<VerificationKeys>::default());
    keys.start().unwrap();
    let (hasher, counted) = Hasher::counting(Arc::clone(db.rng()));
    let app = App::new(db, &settings, PasswordCost::OWASP, Arc::new(keys), Arc::default());
    (App { hasher, ..app }, counted)
}

fn who_may_not_come_in_costs_the_same_hash_as_who_may(database: &TestDatabase) {
    let store = database.open();
    let (app, counted) = app(store.db("auth", crate::MIGRATIONS).unwrap());
    for email in ["anna@example.org", "gone@example.org"] {
        let new = NewAdmin { email: email.to_owned(), password: secret(PASSWORD), name: None };
        let id = create_admin(&app.db, &new).unwrap();
        if email.starts_with("gone") {
            let disable = move |tx: &mut Tx<'_>| {
                let user = users::lock(tx, id)?.unwrap();
                users::update(tx, &User { disabled: true, ..user })
            };
            app.db.write_blocking(disable).unwrap();
        }
    }
    let device = Device { name: String::new(), address: ClientAddress([203, 0, 113, 7].into()) };
    let tried = |email: &str, password: &str| {
        let result = runtime().block_on(login(&app, email, secret(password), &device));
        (counted.take(), result.map(drop))
    };

    let (of_anna, let_in) = tried("anna@example.org", PASSWORD);
    assert!(let_in.is_ok(), "{let_in:?}");
    assert_eq!(of_anna.len(), 1, "one hash of today's parameters: {of_anna:?}");
    for (email, password) in [
        ("anna@example.org", "another horse battery staple"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("gone@example.org", "another horse battery staple"),
    ] {
        let (cost, refused) = tried(email, password);
        assert!(matches!(refused, Err(Error::InvalidCredentials)), "{email}: {refused:?}");
        assert_eq!(cost, of_anna, "{email} with {password}");
    }
}
