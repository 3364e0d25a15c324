//! What can go wrong in auth, by what the caller can do about it.

use kernel::{Code, Coded};
use service::Stale;
use store::StoreError;

service::codes! { pub(crate) static CODES;
    /// E-mail and password do not belong together.
    INVALID_CREDENTIALS = "auth.invalid-credentials", Unauthenticated,
        "E-mail or password is wrong", "Неверная почта или пароль",
        "Check both and try again.", "Проверьте оба поля и попробуйте снова.";
    /// The refresh token is none of ours.
    INVALID_REFRESH_TOKEN = "auth.invalid-refresh-token", Unauthenticated,
        "The refresh token is not known", "Токен обновления неизвестен",
        "Sign in again.", "Войдите снова.";
    /// The refresh token was used before.
    TOKEN_REUSED = "auth.token-reused", Unauthenticated,
        "The refresh token was used twice, so the session was ended", "Токен обновления использован дважды, сессия завершена",
        "Sign in again. If you did not use it twice, change your password.",
        "Войдите снова. Если вы не использовали его дважды, смените пароль.";
    /// The session was ended, or its time is over.
    SESSION_ENDED = "auth.session-ended", Unauthenticated,
        "The session is over", "Сессия завершена",
        "Sign in again.", "Войдите снова.";
    /// Somebody has this e-mail.
    EMAIL_TAKEN = "auth.email-taken", Conflict,
        "There is an account with this e-mail", "С этой почтой уже есть учётная запись",
        "Sign in, or use another e-mail.", "Войдите или укажите другую почту.";
    /// The password has to be shown again for this.
    FRESH_LOGIN_REQUIRED = "auth.fresh-login-required", Forbidden,
        "Sign in once more to do this", "Для этого войдите ещё раз",
        "Sign in with your password and repeat the request with the new token.",
        "Войдите с паролем и повторите запрос с новым токеном.";
    /// The current password is not the one that was sent.
    WRONG_PASSWORD = "auth.wrong-password", Forbidden,
        "The current password is wrong", "Текущий пароль неверен",
        "Send the password that you sign in with now.", "Укажите пароль, с которым вы входите сейчас.";
    /// Too many attempts from one address or on one account.
    TOO_MANY_ATTEMPTS = "auth.too-many-attempts", TooMany,
        "Too many attempts", "Слишком много попыток",
        "Wait for the time in Retry-After.", "Подождите время из Retry-After.";
    /// The password hasher has more to do than it can take.
    BUSY = "auth.busy", Unavailable,
        "Too many people are signing in at the moment", "Сейчас входит слишком много людей",
        "Try again after the time in Retry-After.", "Повторите через время из Retry-After.";
    /// Nobody would be left to run the installation.
    LAST_ADMIN = "auth.last-admin", Conflict,
        "This is the last administrator", "Это последний администратор",
        "Make another person an administrator first.", "Сначала назначьте администратором другого человека.";
    /// A request with the cookie that may come from another site.
    CROSS_SITE = "auth.cross-site", Forbidden,
        "The cookie is not taken from another site", "Cookie не принимается с чужого сайта",
        "Send the request from this site's own pages, or with the header Samovar-Session: cookie.",
        "Отправьте запрос со страниц этого сайта или с заголовком Samovar-Session: cookie.";
    /// There is no such user or session.
    NOT_FOUND = "auth.not-found", NotFound,
        "There is no such user or session", "Такого пользователя или сессии нет",
        "Check the id.", "Проверьте идентификатор.";
    /// No key to sign tokens with.
    NO_SIGNING_KEY = "auth.no-signing-key", Unavailable,
        "Nobody can sign in at the moment", "Сейчас войти нельзя",
        "Try again in a minute.", "Повторите через минуту.";
}

/// A failure of auth.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// See [`INVALID_CREDENTIALS`]; the same for a wrong password, an unknown e-mail and a disabled user.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// See [`INVALID_REFRESH_TOKEN`].
    #[error("the refresh token is not known")]
    InvalidRefreshToken,
    /// See [`TOKEN_REUSED`].
    #[error("the refresh token was used before")]
    TokenReused,
    /// See [`SESSION_ENDED`].
    #[error("the session is over")]
    SessionEnded,
    /// See [`EMAIL_TAKEN`].
    #[error("there is an account with this e-mail")]
    EmailTaken,
    /// See [`FRESH_LOGIN_REQUIRED`].
    #[error("the password was shown too long ago")]
    FreshLoginRequired,
    /// See [`WRONG_PASSWORD`].
    #[error("the current password is wrong")]
    WrongPassword,
    /// See [`TOO_MANY_ATTEMPTS`].
    #[error("there were too many attempts; wait {retry_after_s} s")]
    TooManyAttempts {
        /// How long to wait.
        retry_after_s: u32,
    },
    /// See [`BUSY`].
    #[error("the queue of the password hasher is full")]
    Busy,
    /// See [`LAST_ADMIN`].
    #[error("nobody would be left to run the installation")]
    LastAdmin,
    /// See [`CROSS_SITE`].
    #[error("the request may come from another site")]
    CrossSite,
    /// See [`NOT_FOUND`].
    #[error("there is no such user or session")]
    NotFound,
    /// The version that the change was made on is not the current one.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// See [`NO_SIGNING_KEY`].
    #[error("no signing key can be used: {0}")]
    NoSigningKey(String),
    /// The store's own.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Coded for Error {
    fn code(&self) -> &'static Code {
        match self {
            Self::InvalidCredentials => &INVALID_CREDENTIALS,
            Self::InvalidRefreshToken => &INVALID_REFRESH_TOKEN,
            Self::TokenReused => &TOKEN_REUSED,
            Self::SessionEnded => &SESSION_ENDED,
            Self::EmailTaken => &EMAIL_TAKEN,
            Self::FreshLoginRequired => &FRESH_LOGIN_REQUIRED,
            Self::WrongPassword => &WRONG_PASSWORD,
            Self::TooManyAttempts { .. } => &TOO_MANY_ATTEMPTS,
            Self::Busy => &BUSY,
            Self::LastAdmin => &LAST_ADMIN,
            Self::CrossSite => &CROSS_SITE,
            Self::NotFound => &NOT_FOUND,
            Self::Stale(stale) => stale.code(),
            Self::NoSigningKey(_) => &NO_SIGNING_KEY,
            Self::Store(error) => error.code(),
        }
    }

    fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        match self {
            Self::Stale(stale) => stale.members(),
            Self::Store(error) => error.members(),
            Self::InvalidCredentials
            | Self::InvalidRefreshToken
            | Self::TokenReused
            | Self::SessionEnded
            | Self::EmailTaken
            | Self::FreshLoginRequired
            | Self::WrongPassword
            | Self::TooManyAttempts { .. }
            | Self::Busy
            | Self::LastAdmin
            | Self::CrossSite
            | Self::NotFound
            | Self::NoSigningKey(_) => serde_json::Map::new(),
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::TooManyAttempts { retry_after_s } => Some(*retry_after_s),
            Self::Busy => Some(2),
            Self::NoSigningKey(_) => Some(60),
            Self::Store(error) => error.retry_after_s(),
            Self::InvalidCredentials
            | Self::InvalidRefreshToken
            | Self::TokenReused
            | Self::SessionEnded
            | Self::EmailTaken
            | Self::FreshLoginRequired
            | Self::WrongPassword
            | Self::LastAdmin
            | Self::CrossSite
            | Self::NotFound
            | Self::Stale(_) => None,
        }
    }
}
