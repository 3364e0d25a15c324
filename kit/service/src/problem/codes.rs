//! The failures of the HTTP edge itself.

/// Declares a table of failures: a static row each, and `CODES` with all of them for `docs/errors.md`. What a problem
/// document has beside its standard members stands behind `with`.
///
/// ```text
/// service::codes! { pub(crate) static CODES;
///     /// Fewer are left than were asked for.
///     OUT_OF_STOCK = "orders.out-of-stock", Conflict,
///         "Not enough is left", "Столько не осталось",
///         "Take fewer or another product.", "Возьмите меньше или другой товар.",
///         with ["lines"];
/// }
/// ```
#[macro_export]
macro_rules! codes {
    ($vis:vis static $codes:ident; $($(#[$doc:meta])* $name:ident = $code:literal, $kind:ident,
        $title_en:literal, $title_ru:literal, $hint_en:literal, $hint_ru:literal
        $(, with [$($member:literal),+])?;)+) => {
        $(
            $(#[$doc])*
            $vis static $name: ::kernel::Code = ::kernel::Code {
                code: $code,
                kind: ::kernel::ErrorKind::$kind,
                title: ::kernel::Text { en: $title_en, ru: $title_ru },
                hint: ::kernel::Text { en: $hint_en, ru: $hint_ru },
                members: &[$($($member),+)?],
            };
        )+

        /// Every row of the table.
        $vis static $codes: &[&::kernel::Code] = &[$(&$name),+];
    };
}

codes! { pub static CODES;
    /// The request line or the headers cannot be read.
    MALFORMED_REQUEST = "http.malformed-request", Malformed,
        "The request cannot be read", "Запрос не читается",
        "See the detail and send the request again.", "Исправьте запрос и отправьте его снова.";
    /// The body is not JSON in UTF-8.
    MALFORMED_JSON = "http.malformed-json", Malformed,
        "The body is not JSON", "Тело запроса — не JSON",
        "Send one JSON document in UTF-8.", "Отправьте один документ JSON в кодировке UTF-8.";
    /// The JSON is nested too deep.
    TOO_DEEP = "http.too-deep", Malformed,
        "The body is nested too deep", "Слишком большая вложенность",
        "Nest objects and arrays at most 64 deep.", "Вкладывайте объекты и списки не глубже 64.";
    /// The request was read and breaks rules; each is listed.
    INVALID = "http.invalid", Invalid,
        "The request breaks the rules of this operation", "Запрос нарушает правила этой операции",
        "Mend every place listed in \"errors\".", "Исправьте все места из списка «errors».";
    /// The media type is not one that the route reads.
    UNSUPPORTED_MEDIA_TYPE = "http.unsupported-media-type", UnsupportedMedia,
        "This media type is not read here", "Этот тип содержимого здесь не принимается",
        "Set Content-Type to the type named in the detail.", "Укажите в Content-Type тип, названный в detail.";
    /// The body is compressed.
    UNSUPPORTED_CONTENT_ENCODING = "http.unsupported-content-encoding", UnsupportedMedia,
        "No content encoding is read here", "Сжатое содержимое здесь не принимается",
        "Send the body as it is, without Content-Encoding.", "Отправьте тело как есть, без Content-Encoding.";
    /// The body is larger than the limit.
    TOO_LARGE = "http.too-large", TooLarge,
        "The body is too large", "Тело запроса слишком велико",
        "Send less than the limit named in the detail.", "Отправьте меньше указанного предела.";
    /// The request line or the headers are larger than the limit.
    HEAD_TOO_LARGE = "http.head-too-large", HeadTooLarge,
        "The headers are too large", "Заголовки слишком велики",
        "Send at most 100 headers and 64 KiB with the request line.",
        "Отправьте не больше 100 заголовков и 64 КиБ вместе со строкой запроса.";
    /// Nothing is there, or it is not the caller's to see.
    NOT_FOUND = "http.not-found", NotFound,
        "There is nothing here", "Здесь ничего нет",
        "Check the address and the id.", "Проверьте адрес и идентификатор.";
    /// The path is known, the method is not.
    METHOD_NOT_ALLOWED = "http.method-not-allowed", MethodNotAllowed,
        "This method is not possible here", "Этот метод здесь невозможен",
        "Use one of the methods in the Allow header.", "Используйте метод из заголовка Allow.";
    /// Nobody is signed in.
    UNAUTHENTICATED = "http.unauthenticated", Unauthenticated,
        "Sign in first", "Сначала войдите",
        "Send a valid access token: Authorization: Bearer …", "Передайте действующий токен: Authorization: Bearer …";
    /// The caller's roles do not allow it.
    FORBIDDEN = "http.forbidden", Forbidden,
        "Your role does not allow this", "Ваша роль этого не позволяет",
        "Ask an administrator for the role that the document names.", "Попросите администратора выдать нужную роль.";
    /// A key is needed so that trying again is safe.
    IDEMPOTENCY_KEY_REQUIRED = "http.idempotency-key-required", Malformed,
        "This operation needs an Idempotency-Key", "Этой операции нужен Idempotency-Key",
        "Make a random key for each intention and send the same one with every try.",
        "Создайте случайный ключ для каждого намерения и повторяйте его при каждой попытке.";
    /// The key is not one.
    IDEMPOTENCY_KEY_MALFORMED = "http.idempotency-key-malformed", Malformed,
        "The Idempotency-Key cannot be used", "Такой Idempotency-Key не годится",
        "Use 1 to 128 letters, digits or any of - _ . : +", "Используйте от 1 до 128 букв, цифр или знаков - _ . : +";
    /// The key was used for another request.
    IDEMPOTENCY_KEY_REUSED = "http.idempotency-key-reused", Invalid,
        "This Idempotency-Key belongs to another request", "Этот Idempotency-Key уже занят другим запросом",
        "Use a new key for a new request.", "Для нового запроса возьмите новый ключ.";
    /// The first request with this key still runs.
    REQUEST_IN_PROGRESS = "http.request-in-progress", Conflict,
        "The first request with this key still runs", "Первый запрос с этим ключом ещё выполняется",
        "Ask again after the time in Retry-After.", "Повторите через время из Retry-After.";
    /// The caller must say which version it means.
    IF_MATCH_REQUIRED = "http.if-match-required", PreconditionRequired,
        "Say which version you mean to change", "Укажите, какую версию вы меняете",
        "Read the resource and send its ETag as If-Match.", "Прочтите ресурс и передайте его ETag в If-Match.";
    /// Somebody else was faster.
    STALE = "http.stale", Stale,
        "It was changed by somebody else in the meantime", "Тем временем это изменил кто-то другой",
        "Read it again, repeat your change on the new version.", "Прочтите снова и повторите изменение на новой версии.",
        with ["version"];
    /// Too many requests of one caller.
    RATE_LIMITED = "http.rate-limited", TooMany,
        "Too many requests", "Слишком много запросов",
        "Wait for the time in Retry-After.", "Подождите время из Retry-After.";
    /// More work than the machine can do in time.
    OVERLOADED = "http.overloaded", Unavailable,
        "Too much is going on at the moment", "Сейчас слишком большая нагрузка",
        "Try again after the time in Retry-After.", "Повторите через время из Retry-After.";
    /// The answer was not ready within the time limit.
    TIMEOUT = "http.timeout", Unavailable,
        "The answer took too long", "Ответ занял слишком много времени",
        "Try again; use the same Idempotency-Key if there is one.", "Повторите с тем же Idempotency-Key, если он был.";
    /// Our fault.
    INTERNAL = "http.internal", Internal,
        "Something went wrong on our side", "У нас что-то сломалось",
        "Tell us the request id.", "Сообщите нам request_id.";
}
