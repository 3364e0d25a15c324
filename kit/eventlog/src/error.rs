//! What can go wrong when somebody asks the log for something, and its table of codes.

use kernel::{Code, Coded, ErrorKind, Text};
use store::StoreError;

/// A failure of the log's own commands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// No consumer of this name has ever run.
    #[error("there is no consumer {asked:?}; {}", all(known))]
    NoSuchConsumer {
        /// The name that was asked for.
        asked: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// This event is not a dead letter of this consumer: it never was, or it was replayed or dropped.
    #[error("{consumer:?} has no dead letter with the sequence number {seq}")]
    NoSuchDeadLetter {
        /// The consumer that was asked.
        consumer: String,
        /// The event's place in the log.
        seq: i64,
    },
    /// The database.
    #[error("the event log cannot be reached")]
    Store(#[from] StoreError),
}

fn all(known: &[String]) -> String {
    if known.is_empty() { "none has run yet".to_owned() } else { format!("there are {}", known.join(", ")) }
}

impl Coded for LogError {
    fn code(&self) -> &'static Code {
        match self {
            Self::NoSuchConsumer { .. } => &NO_SUCH_CONSUMER,
            Self::NoSuchDeadLetter { .. } => &NO_SUCH_DEAD_LETTER,
            Self::Store(error) => error.code(),
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::NoSuchConsumer { .. } | Self::NoSuchDeadLetter { .. } => None,
            Self::Store(error) => error.retry_after_s(),
        }
    }
}

/// Every failure that the log itself can name; those of the store come through under their own codes.
pub static CODES: &[&Code] = &[&NO_SUCH_CONSUMER, &NO_SUCH_DEAD_LETTER];

static NO_SUCH_CONSUMER: Code = Code {
    code: "events.no-such-consumer",
    kind: ErrorKind::NotFound,
    title: Text { en: "There is no such consumer", ru: "Такого потребителя событий нет" },
    hint: Text {
        en: "Consumers are named after their service, like orders.feed; the list of lags names them all.",
        ru: "Потребители называются по сервису, например orders.feed; все имена есть в списке отставаний.",
    },
    members: &[],
};

static NO_SUCH_DEAD_LETTER: Code = Code {
    code: "events.no-such-dead-letter",
    kind: ErrorKind::NotFound,
    title: Text {
        en: "There is no such dead letter", ru: "Такого недоставленного события нет"
    },
    hint: Text {
        en: "It may have been replayed or dropped already; list the dead letters again.",
        ru: "Возможно, его уже повторили или отбросили; запросите список ещё раз.",
    },
    members: &[],
};
