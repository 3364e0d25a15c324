//! Somebody who is signed in, and stays so: access tokens live ten minutes, a day is longer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kernel::Timestamp;
use serde_json::{Value, json};

use super::client::Client;
use super::folder::Login;

/// A token is refreshed when it is older than this.
const FRESH: Duration = Duration::from_secs(8 * 60);

/// A signed-in person.
#[derive(Debug)]
pub(crate) struct Person {
    id: String,
    login: Login,
    session: Mutex<Session>,
}

#[derive(Debug)]
struct Session {
    client: Client,
    refresh_token: String,
    since: Timestamp,
}

impl Person {
    /// Registers and is signed in.
    pub(crate) fn register(nobody: &Client, name: &str, login: Login) -> Result<Self> {
        let body = json!({"email": login.email, "password": login.password, "name": name, "language": "ru", "session": "token"});
        let answer = nobody.post("register", "/auth/register", &body)?;
        Self::of(nobody, login, &answer)
    }

    /// Signs in.
    pub(crate) fn sign_in(nobody: &Client, login: &Login) -> Result<Self> {
        let body = json!({"email": login.email, "password": login.password, "session": "token"});
        let answer = nobody.post("sign in", "/auth/login", &body)?;
        Self::of(nobody, login.clone(), &answer)
    }

    /// Signs in once more: new rights are in new tokens.
    pub(crate) fn sign_in_again(&self, nobody: &Client) -> Result<Self> {
        Self::sign_in(nobody, &self.login)
    }

    /// The user's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// How to sign in as this person.
    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    /// The person's line to the API, with a token that is still good.
    pub(crate) fn client(&self) -> Result<Client> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session.client.now().since(session.since) > FRESH {
            *session = session.renewed(&self.login)?;
        }
        Ok(session.client.clone())
    }

    fn of(nobody: &Client, login: Login, answer: &Value) -> Result<Self> {
        let id = answer["user"]["id"].as_str().context("an answer without a user")?.to_owned();
        Ok(Self { id, login, session: Mutex::new(Session::of(nobody, answer)?) })
    }
}

impl Session {
    /// With a new token; who was idle for too long signs in again.
    fn renewed(&self, login: &Login) -> Result<Self> {
        let nobody = self.client.nobody();
        let answer = nobody.refresh("refresh a token", &self.refresh_token)?;
        if answer.status == 401 {
            let body = json!({"email": login.email, "password": login.password, "session": "token"});
            return Self::of(&nobody, &nobody.post("sign in", "/auth/login", &body)?);
        }
        Self::of(&nobody, &answer.json()?)
    }

    fn of(line: &Client, answer: &Value) -> Result<Self> {
        let text = |field: &str| -> Result<&str> {
            answer[field].as_str().with_context(|| format!("an answer without {field}"))
        };
        Ok(Self {
            client: line.signed_in(text("access_token")?),
            refresh_token: text("refresh_token")?.to_owned(),
            since: line.now(),
        })
    }
}
