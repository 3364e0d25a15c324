//! A rejection that came from another service, unchanged; or the news that no answer came.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use kernel::{Code, Coded, ErrorKind, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

static TIMEOUT: Code = Code {
    code: "call.timeout",
    kind: ErrorKind::Unavailable,
    title: Text {
        en: "Part of the system took too long to answer", ru: "Часть системы отвечает слишком долго"
    },
    hint: Text { en: "Try again in a moment.", ru: "Повторите через несколько секунд." },
    members: &[],
};

static UNANSWERED: Code = Code {
    code: "call.unanswered",
    kind: ErrorKind::Unavailable,
    title: Text { en: "Part of the system is not running", ru: "Часть системы не запущена" },
    hint: Text { en: "Try again in a moment.", ru: "Повторите через несколько секунд." },
    members: &[],
};

static FAILED: Code = Code {
    code: "call.failed",
    kind: ErrorKind::Internal,
    title: Text { en: "Part of the system failed", ru: "Сбой в части системы" },
    hint: Text {
        en: "Give the request id to support; the cause is in the log.",
        ru: "Сообщите поддержке номер запроса; причина записана в журнале.",
    },
    members: &[],
};

/// The failures of calls themselves.
pub static CALL_CODES: &[&Code] = &[&TIMEOUT, &UNANSWERED, &FAILED];

/// Seconds to wait before asking again when there was no answer.
const RETRY_AFTER_S: u32 = 1;

/// Codes that other services may introduce; more than all services together will ever have. A peer that invents
/// codes without end gets [`FAILED`] for the rest instead of our memory.
const FOREIGN_CODES_MAX: usize = 4096;

/// Why a call has no reply. A rejection has the code, detail and members that the handler gave it.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct CallError {
    call: &'static str,
    code: &'static Code,
    detail: String,
    members: Map<String, Value>,
    retry_after_s: Option<u32>,
}

/// A rejection as it crosses a wire.
#[derive(Serialize, Deserialize)]
struct Wire {
    code: String,
    kind: ErrorKind,
    title: WireText,
    hint: WireText,
    detail: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    members: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u32>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Hash, Clone)]
struct WireText {
    en: String,
    ru: String,
}

impl CallError {
    /// The rejection `code` with its detail, as a handler of `call` would give it. For handlers in tests.
    #[must_use]
    pub fn rejected(call: &'static str, code: &'static Code, detail: impl Into<String>) -> Self {
        Self { call, code, detail: detail.into(), members: Map::new(), retry_after_s: None }
    }

    /// The call that was asked.
    #[must_use]
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// What the asker can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.code.kind
    }

    /// Whether it is the failure with this stable code, `catalog.out-of-stock`.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.code == code
    }

    /// Whether the handler decided against the request. Otherwise it may never have seen it, or may have done it.
    #[must_use]
    pub fn is_rejection(&self) -> bool {
        match self.code.kind {
            ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::TooMany => false,
            ErrorKind::Malformed
            | ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::PreconditionRequired
            | ErrorKind::TooLarge
            | ErrorKind::HeadTooLarge
            | ErrorKind::UnsupportedMedia
            | ErrorKind::MethodNotAllowed => true,
        }
    }

    pub(super) fn timeout(call: &'static str, limit_ms: u32) -> Self {
        let detail = format!("{call} did not answer within {limit_ms} ms");
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::rejected(call, &TIMEOUT, detail) }
    }

    pub(super) fn unanswered(call: &'static str) -> Self {
        let detail = format!("nothing in this process answers {call}");
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::rejected(call, &UNANSWERED, detail) }
    }

    pub(super) fn panicked(call: &'static str) -> Self {
        Self::rejected(call, &FAILED, format!("the handler of {call} panicked"))
    }

    pub(super) fn unreadable(call: &'static str, what: &str, error: &serde_json::Error) -> Self {
        Self::rejected(call, &FAILED, format!("the {what} of {call} cannot be read: {error}"))
    }

    /// The rejection as the asker would read it from a wire.
    pub(super) fn through_bytes(call: &'static str, rejection: &impl Coded) -> Self {
        let written = serde_json::to_vec(&Wire::of(rejection));
        match written.and_then(|bytes| serde_json::from_slice::<Wire>(&bytes)) {
            Ok(wire) => wire.into_error(call),
            Err(error) => Self::unreadable(call, "rejection", &error),
        }
    }
}

impl Coded for CallError {
    fn code(&self) -> &'static Code {
        self.code
    }

    fn members(&self) -> Map<String, Value> {
        self.members.clone()
    }

    fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }
}

/// What a consumer does with a call that has no reply, unless it looks closer: wait while the other side is away,
/// try again after a fault, give up on a rejection, which would only be repeated.
impl From<CallError> for eventlog::Failure {
    fn from(error: CallError) -> Self {
        let reason = format!("{}: {}", error.code.code, error.detail);
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::TooMany => Self::Unavailable { destination: error.call, reason },
            ErrorKind::Internal => Self::Retry(reason),
            ErrorKind::Malformed
            | ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::PreconditionRequired
            | ErrorKind::TooLarge
            | ErrorKind::HeadTooLarge
            | ErrorKind::UnsupportedMedia
            | ErrorKind::MethodNotAllowed => Self::GiveUp(reason),
        }
    }
}

impl Wire {
    fn of(rejection: &impl Coded) -> Self {
        let code = rejection.code();
        Self {
            code: code.code.to_owned(),
            kind: code.kind,
            title: WireText::of(code.title),
            hint: WireText::of(code.hint),
            detail: rejection.to_string(),
            members: rejection.members(),
            retry_after_s: rejection.retry_after_s(),
        }
    }

    fn into_error(self, call: &'static str) -> CallError {
        let code = known(self.code, self.kind, self.title, self.hint);
        CallError { call, code, detail: self.detail, members: self.members, retry_after_s: self.retry_after_s }
    }
}

impl WireText {
    fn of(text: Text) -> Self {
        Self { en: text.en.to_owned(), ru: text.ru.to_owned() }
    }
}

type CodeKey = (String, ErrorKind, WireText, WireText);

/// Codes of other services live as long as the process, so that an error may point at them like at its own.
static FOREIGN: LazyLock<Mutex<HashMap<CodeKey, &'static Code>>> = LazyLock::new(Mutex::default);

fn known(code: String, kind: ErrorKind, title: WireText, hint: WireText) -> &'static Code {
    let mut foreign = FOREIGN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (code, kind, title, hint);
    if let Some(&code) = foreign.get(&key) {
        return code;
    }
    if foreign.len() >= FOREIGN_CODES_MAX {
        return &FAILED;
    }
    let (name, kind, title, hint) = key.clone();
    let code: &'static Code =
        Box::leak(Box::new(Code { code: name.leak(), kind, title: leaked(title), hint: leaked(hint), members: &[] }));
    foreign.insert(key, code);
    code
}

fn leaked(text: WireText) -> Text {
    Text { en: text.en.leak(), ru: text.ru.leak() }
}
