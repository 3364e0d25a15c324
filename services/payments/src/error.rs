//! What can go wrong, by what the caller can do about it.

pub(crate) mod members;

use contracts::payments::PaymentState;
use kernel::{Code, Coded, ErrorKind, Money, Text};
use serde_json::{Map, Value};
use service::members_of;
use store::StoreError;

use self::members::{NoSuchPaymentStep, Refundable};
use crate::model::refund::LineFault;

/// A failure of payments.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such order, or it is not the caller's.
    #[error("there is no such order")]
    UnknownOrder,
    /// There is no such payment, or it is not the caller's.
    #[error("there is no such payment")]
    UnknownPayment,
    /// There is no such provider, or it does not call back.
    #[error("there is no such provider")]
    UnknownProvider,
    /// The order was cancelled or has expired.
    #[error("the order has ended and cannot be paid")]
    OrderEnded,
    /// There is no bank to pay at.
    #[error("no bank is configured here")]
    OnlineUnavailable,
    /// The order is paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// The guest tried too often.
    #[error("the order had {0} attempts to pay, which is all it may have")]
    TooManyAttempts(i64),
    /// The payment is not one that a barista receives.
    #[error("the payment is not made at the counter")]
    NotAtCounter,
    /// The state does not permit it.
    #[error("a payment that is {from} cannot become {to}")]
    IllegalTransition {
        /// Where it is.
        from: PaymentState,
        /// Where it was to go.
        to: PaymentState,
    },
    /// There is not so much left to give back.
    #[error("only {0} can still be given back")]
    RefundExceedsCaptured(Money),
    /// Lines of the refund were not sold, or not so often.
    #[error("{} lines cannot be given back so", .0.len())]
    InvalidLines(Vec<LineFault>),
    /// The refund is in another currency than the payment.
    #[error("the payment is in {0}")]
    WrongCurrency(kernel::Currency),
    /// The callback is not the provider's own.
    #[error("the callback is not signed as it must be")]
    CallbackRefused,
    /// The callback is signed and cannot be read.
    #[error("the callback cannot be read: {0}")]
    CallbackMalformed(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

macro_rules! codes {
    ($($name:ident = $code:literal, $kind:ident, $en:literal, $ru:literal, $hint_en:literal, $hint_ru:literal
        $(, with [$($member:literal),+])?;)+) => {
        $(pub(crate) static $name: Code = Code {
            code: $code,
            kind: ErrorKind::$kind,
            title: Text { en: $en, ru: $ru },
            hint: Text { en: $hint_en, ru: $hint_ru },
            members: &[$($($member),+)?],
        };)+
        /// Every failure of payments.
        pub static CODES: &[&Code] = &[$(&$name),+];
    };
}

codes! {
    UNKNOWN_ORDER = "payments.unknown-order", NotFound,
        "No such order", "Нет такого заказа",
        "Check the id; an order that was placed a moment ago appears here within a second.",
        "Проверьте номер; только что сделанный заказ появляется здесь в течение секунды.";
    UNKNOWN_PAYMENT = "payments.unknown-payment", NotFound,
        "No such payment", "Нет такого платежа",
        "Check the id.", "Проверьте номер.";
    UNKNOWN_PROVIDER = "payments.unknown-provider", NotFound,
        "No such payment provider", "Нет такого платёжного провайдера",
        "Check the callback address.", "Проверьте адрес обратного вызова.";
    ORDER_ENDED = "payments.order-ended", Conflict,
        "The order has ended", "Заказ завершён",
        "Place the order anew.", "Сделайте заказ заново.";
    ONLINE_UNAVAILABLE = "payments.online-unavailable", Conflict,
        "Nothing is paid online here", "Онлайн-оплаты здесь нет",
        "Choose to pay at the counter.", "Выберите оплату на кассе.";
    ALREADY_PAID = "payments.already-paid", Conflict,
        "The order is paid", "Заказ уже оплачен",
        "Nothing is left to pay.", "Платить больше не нужно.";
    TOO_MANY_ATTEMPTS = "payments.too-many-attempts", Conflict,
        "Too many attempts to pay", "Слишком много попыток оплаты",
        "Place the order anew, or pay at the counter.", "Сделайте заказ заново или заплатите на кассе.";
    NOT_AT_COUNTER = "payments.not-at-counter", Conflict,
        "The payment is not made at the counter", "Этот платёж проходит не на кассе",
        "Let the guest choose to pay at the counter first.", "Сначала гость должен выбрать оплату на кассе.";
    ILLEGAL_TRANSITION = "payments.illegal-transition", Conflict,
        "The payment's state does not permit it", "Состояние платежа этого не допускает",
        "Read the payment again.", "Запросите платёж снова.",
        with ["from", "to"];
    REFUND_EXCEEDS_CAPTURED = "payments.refund-exceeds-captured", Conflict,
        "More than was paid cannot be given back", "Нельзя вернуть больше, чем было оплачено",
        "Ask for at most `refundable`.", "Запросите не больше, чем указано в `refundable`.",
        with ["refundable"];
    INVALID_LINES = "payments.invalid-lines", Invalid,
        "These lines cannot be given back", "Эти строки нельзя вернуть",
        "`errors` names each of them; read the order for its lines.", "Каждая названа в `errors`; строки есть в заказе.",
        with ["errors"];
    WRONG_CURRENCY = "payments.wrong-currency", Invalid,
        "The refund is in another currency", "Возврат в другой валюте",
        "Use the currency of the payment.", "Используйте валюту платежа.";
    CALLBACK_REFUSED = "payments.callback-refused", Unauthenticated,
        "The callback is not genuine", "Обратный вызов не подлинный",
        "Sign the raw body anew for each attempt.", "Подписывайте тело заново при каждой попытке.";
    CALLBACK_MALFORMED = "payments.callback-malformed", Malformed,
        "The callback cannot be read", "Обратный вызов не читается",
        "Send the documented JSON.", "Отправьте описанный JSON.";
}

impl Coded for Error {
    fn code(&self) -> &'static Code {
        match self {
            Self::UnknownOrder => &UNKNOWN_ORDER,
            Self::UnknownPayment => &UNKNOWN_PAYMENT,
            Self::UnknownProvider => &UNKNOWN_PROVIDER,
            Self::OrderEnded => &ORDER_ENDED,
            Self::OnlineUnavailable => &ONLINE_UNAVAILABLE,
            Self::AlreadyPaid => &ALREADY_PAID,
            Self::TooManyAttempts(_) => &TOO_MANY_ATTEMPTS,
            Self::NotAtCounter => &NOT_AT_COUNTER,
            Self::IllegalTransition { .. } => &ILLEGAL_TRANSITION,
            Self::RefundExceedsCaptured(_) => &REFUND_EXCEEDS_CAPTURED,
            Self::InvalidLines(_) => &INVALID_LINES,
            Self::WrongCurrency(_) => &WRONG_CURRENCY,
            Self::CallbackRefused => &CALLBACK_REFUSED,
            Self::CallbackMalformed(_) => &CALLBACK_MALFORMED,
            Self::Store(error) => error.code(),
        }
    }

    fn members(&self) -> Map<String, Value> {
        match self {
            Self::IllegalTransition { from, to } => members_of(&NoSuchPaymentStep { from: *from, to: *to }),
            Self::RefundExceedsCaptured(left) => members_of(&Refundable { refundable: *left }),
            Self::UnknownOrder
            | Self::UnknownPayment
            | Self::UnknownProvider
            | Self::OrderEnded
            | Self::OnlineUnavailable
            | Self::AlreadyPaid
            | Self::TooManyAttempts(_)
            | Self::NotAtCounter
            | Self::InvalidLines(_)
            | Self::WrongCurrency(_)
            | Self::CallbackRefused
            | Self::CallbackMalformed(_)
            | Self::Store(_) => Map::new(),
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Store(error) => error.retry_after_s(),
            Self::UnknownOrder
            | Self::UnknownPayment
            | Self::UnknownProvider
            | Self::OrderEnded
            | Self::OnlineUnavailable
            | Self::AlreadyPaid
            | Self::TooManyAttempts(_)
            | Self::NotAtCounter
            | Self::IllegalTransition { .. }
            | Self::RefundExceedsCaptured(_)
            | Self::InvalidLines(_)
            | Self::WrongCurrency(_)
            | Self::CallbackRefused
            | Self::CallbackMalformed(_) => None,
        }
    }
}

/// A consumer meets rules that a request would be told about: what it was asked to do cannot be done, ever.
impl From<Error> for eventlog::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::UnknownOrder
            | Error::UnknownPayment
            | Error::UnknownProvider
            | Error::OrderEnded
            | Error::OnlineUnavailable
            | Error::AlreadyPaid
            | Error::TooManyAttempts(_)
            | Error::NotAtCounter
            | Error::IllegalTransition { .. }
            | Error::RefundExceedsCaptured(_)
            | Error::InvalidLines(_)
            | Error::WrongCurrency(_)
            | Error::CallbackRefused
            | Error::CallbackMalformed(_) => Self::GiveUp(error.to_string()),
        }
    }
}
