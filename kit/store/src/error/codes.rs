//! The table of failures, as clients and `docs/errors.md` see it.

use kernel::{Code, ErrorKind, Text};

const OUR_FAULT: Text = Text {
    en: "Quote the request id to the support.", ru: "Сообщите поддержке номер запроса."
};
const TRY_AGAIN: Text = Text {
    en: "Try again after the stated time, with the same Idempotency-Key.",
    ru: "Повторите позже с тем же Idempotency-Key.",
};

/// Declares the rows and the list of them.
macro_rules! codes {
    ($($name:ident = $code:literal, $kind:ident, $en:literal, $ru:literal, $hint:expr;)+) => {
        $(pub(crate) static $name: Code = Code {
            code: $code,
            kind: ErrorKind::$kind,
            title: Text { en: $en, ru: $ru },
            hint: $hint,
            members: &[],
        };)+
        /// Every failure that the store can name.
        pub static CODES: &[&Code] = &[$(&$name),+];
    };
}

codes! {
    CONSTRAINT = "store.constraint", Internal,
        "A rule of the database was broken", "Нарушено правило базы данных", OUR_FAULT;
    CORRUPT = "store.corrupt", Internal,
        "A stored value cannot be read", "Сохранённое значение не читается", OUR_FAULT;
    OVERLOADED = "store.overloaded", Unavailable,
        "Too much is waiting to be written", "Слишком много запросов ждут записи", TRY_AGAIN;
    BUSY = "store.busy", Unavailable,
        "Others are changing the same things", "Те же данные сейчас меняют другие", TRY_AGAIN;
    UNAVAILABLE = "store.unavailable", Unavailable,
        "The database is away", "База данных недоступна", TRY_AGAIN;
    OUTCOME_UNKNOWN = "store.outcome-unknown", Unavailable,
        "It is not known whether the change was made", "Неизвестно, сохранено ли изменение", TRY_AGAIN;
    STOPPED = "store.stopped", Unavailable,
        "The database cannot be written", "База данных не может записывать", TRY_AGAIN;
    LEASE_LOST = "store.lease-lost", Unavailable,
        "Somebody else has taken over this work", "Эту работу уже выполняет другой", TRY_AGAIN;
    FENCED = "store.fenced", Internal,
        "A service reached for another one's table", "Сервис обратился к чужой таблице", OUR_FAULT;
    MIGRATION = "store.migration", Internal,
        "The database does not fit this version", "База данных не подходит к этой версии", OUR_FAULT;
    CONFIGURATION = "store.configuration", Internal,
        "The database cannot be opened", "База данных не открывается", OUR_FAULT;
    FAULT = "store.fault", Internal,
        "Something went wrong on our side", "Что-то сломалось на нашей стороне", OUR_FAULT;
}
