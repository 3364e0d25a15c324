//! What may be sent. Closed types, one per action; every fault at once.

use kernel::{Language, Text};
use serde::{Deserialize, Deserializer};
use service::{Fault, Grant, Validate};
use utoipa::{IntoParams, ToSchema};

use crate::model::email::EmailAddress;
use crate::model::grants::{self, GRANTS_MAX, GrantFault};
use crate::model::password;
use crate::model::profile::PersonName;
use crate::secret::Secret;
use crate::use_cases::profile::ProfilePatch;

/// Where the refresh token goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SessionMode {
    /// Into the body, for programs.
    #[default]
    Token,
    /// Into a cookie that no script can read, for browsers.
    Cookie,
}

/// A registration.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterRequest {
    /// What you sign in with.
    #[schema(format = "email", max_length = 254, example = "anna@example.org")]
    pub(super) email: String,
    /// 8 to 1024 characters of any kind; none of those that are tried first, nor your own name.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024, example = "щука плыла против течения")]
    pub(super) password: Secret,
    /// How you are called.
    #[schema(min_length = 1, max_length = 100, example = "Анна")]
    pub(super) name: Option<String>,
    /// What you read; without it the language of the request.
    pub(super) language: Option<Language>,
    /// Where the refresh token goes.
    #[serde(default)]
    pub(super) session: SessionMode,
}

impl Validate for RegisterRequest {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = email_faults(&self.email);
        let local_part = self.email.rsplit_once('@').map_or(&*self.email, |(local, _)| local);
        let name = self.name.as_deref().unwrap_or_default();
        let password = password_faults("/password", &self.password, &[local_part, name]).into_iter();
        faults.extend(password.map(|fault| fault.beside("/email").beside("/name")));
        faults.extend(self.name.as_deref().map(name_faults).unwrap_or_default());
        faults
    }
}

/// A sign-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    /// The e-mail of the account.
    #[schema(max_length = 254, example = "anna@example.org")]
    pub(super) email: String,
    /// Its password.
    #[schema(value_type = String, format = Password, max_length = 1024, example = "щука плыла против течения")]
    pub(super) password: Secret,
    /// Where the refresh token goes.
    #[serde(default)]
    pub(super) session: SessionMode,
}

impl Validate for LoginRequest {
    /// A text that no account can have is not hashed and counted, but refused: it tells nothing about accounts.
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.email.chars().count() > crate::model::email::EMAIL_CHARS_MAX {
            faults.push(Fault::new("/email", "too-long", TOO_LONG));
        }
        if self.password.expose().chars().count() > password::PASSWORD_CHARS_MAX {
            faults.push(Fault::new("/password", "too-long", TOO_LONG));
        }
        faults
    }
}

/// A refresh token to change; without one it is that of the cookie.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshRequest {
    /// The refresh token; left out when it is in the cookie.
    #[schema(value_type = Option<String>, max_length = 256, example = "v0yF4b6Qm8sQe9m1jz3c7T2kLxRk5nWZ0a1b2c3d4e5")]
    pub(super) refresh_token: Option<Secret>,
    /// Where the new refresh token goes. One from the cookie stays in the cookie.
    pub(super) session: Option<SessionMode>,
}

impl Validate for RefreshRequest {
    fn faults(&self) -> Vec<Fault> {
        match (&self.refresh_token, self.session) {
            (Some(token), _) if token.expose().len() > 256 => vec![Fault::new("/refresh_token", "too-long", TOO_LONG)],
            (None, Some(SessionMode::Token)) => {
                vec![Fault::new("/refresh_token", "required", MISSING).beside("/session")]
            }
            (Some(_), _) | (None, Some(SessionMode::Cookie) | None) => Vec::new(),
        }
    }
}

/// Changes of one's own profile; what is left out stays (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeMeRequest {
    /// Another e-mail; the password must have been shown within five minutes.
    #[schema(format = "email", max_length = 254, example = "anna@example.org")]
    pub(super) email: Option<String>,
    /// Another name; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Анна")]
    pub(super) name: Option<Option<String>>,
    /// Another language.
    pub(super) language: Option<Language>,
}

impl Validate for ChangeMeRequest {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = self.email.as_deref().map(email_faults).unwrap_or_default();
        faults.extend(self.name.iter().flatten().flat_map(|name| name_faults(name)));
        faults
    }
}

impl ChangeMeRequest {
    pub(super) fn into_patch(self) -> ProfilePatch {
        ProfilePatch {
            email: self.email.as_deref().map(checked_email),
            name: self.name.map(|name| name.as_deref().map(checked_name)),
            language: self.language,
        }
    }
}

/// The current password and the one to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePasswordRequest {
    /// What you sign in with now.
    #[schema(value_type = String, format = Password, max_length = 1024, example = "щука плыла против течения")]
    pub(super) current_password: Secret,
    /// What you want to sign in with: 8 to 1024 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024, example = "correct horse battery staple")]
    pub(super) new_password: Secret,
}

impl Validate for ChangePasswordRequest {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.current_password.expose().chars().count() > password::PASSWORD_CHARS_MAX {
            faults.push(Fault::new("/current_password", "too-long", TOO_LONG));
        }
        faults.extend(password_faults("/new_password", &self.new_password, &[]));
        faults
    }
}

/// Which users are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UserFilter {
    /// Only the one with this e-mail.
    #[param(max_length = 254, example = "anna@example.org")]
    pub(super) email: Option<String>,
}

impl Validate for UserFilter {}

/// Whether a person may sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeUserRequest {
    /// True keeps them out: every session of theirs ends.
    pub(super) disabled: bool,
}

impl Validate for ChangeUserRequest {}

/// What a person may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceGrantsRequest {
    /// All of it: what is not here is taken away.
    #[schema(max_items = 200)]
    pub(super) grants: Vec<Grant>,
}

impl Validate for ReplaceGrantsRequest {
    fn faults(&self) -> Vec<Fault> {
        if self.grants.len() > GRANTS_MAX {
            return vec![Fault::new("/grants", "too-many", TOO_MANY)];
        }
        grants::faults(&self.grants).into_iter().map(|(place, fault)| grant_fault(place, fault)).collect()
    }
}

const TOO_LONG: Text = Text { en: "is too long", ru: "слишком длинное значение" };
const TOO_MANY: Text =
    Text { en: "must have at most 200 items", ru: "должно быть не больше 200 элементов" };
const MISSING: Text = Text { en: "is missing", ru: "не указано" };
const NOT_AN_EMAIL: Text = Text { en: "is not an e-mail address", ru: "не похоже на адрес почты" };
const NOT_A_NAME: Text = Text {
    en: "must be one line of 1 to 100 characters",
    ru: "должно быть одной строкой от 1 до 100 символов",
};

/// The address of a request whose faults were told already.
pub(super) fn checked_email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("the request's own rules refuse what is no address")
}

/// The name of a request whose faults were told already.
pub(super) fn checked_name(text: &str) -> PersonName {
    PersonName::parse(text).expect("the request's own rules refuse what is no name")
}

fn email_faults(text: &str) -> Vec<Fault> {
    let fault = EmailAddress::parse(text).err().map(|_| Fault::new("/email", "format", NOT_AN_EMAIL));
    fault.into_iter().collect()
}

fn name_faults(text: &str) -> Vec<Fault> {
    let fault = PersonName::parse(text).err().map(|_| Fault::new("/name", "format", NOT_A_NAME));
    fault.into_iter().collect()
}

/// What is wrong with a wanted password, with the pointer to its field.
pub(super) fn password_faults(pointer: &'static str, password: &Secret, personal: &[&str]) -> Vec<Fault> {
    let faults = password::faults(password, personal);
    faults.into_iter().map(|fault| Fault::new(pointer, fault.code(), fault.words())).collect()
}

fn grant_fault(place: usize, fault: GrantFault) -> Fault {
    let (code, text) = match fault {
        GrantFault::Repeated => ("repeated", Text { en: "stands here twice", ru: "указано дважды" }),
        GrantFault::AdminOfOneShop => (
            "admin-of-one-shop",
            Text {
                en: "an administrator has shop_id null: all shops",
                ru: "у администратора shop_id — null: все магазины",
            },
        ),
        GrantFault::GuestIsEverybody => (
            "guest-is-everybody",
            Text {
                en: "everybody is a guest without a grant", ru: "гостем является каждый, без назначения"
            },
        ),
    };
    Fault::new(format!("/grants/{place}"), code, text).beside("/grants")
}

/// Tells a field that is null from one that is missing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
