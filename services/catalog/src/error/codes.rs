//! The failures that catalog itself can name.

service::codes! {
    pub(crate) static CODES;

    /// No such shop.
    UNKNOWN_SHOP = "catalog.unknown-shop", NotFound,
        "There is no such shop", "Такой точки нет",
        "Choose one of GET /shops.", "Выберите точку из GET /shops.";
    /// No such thing in the menu.
    UNKNOWN = "catalog.unknown", NotFound,
        "There is no such thing on the menu", "В меню такого нет",
        "Read the menu again.", "Обновите меню.";
    /// Lines that cannot be priced.
    INVALID_LINES = "catalog.invalid-lines", Invalid,
        "Some lines cannot be ordered", "Некоторые позиции заказать нельзя",
        "Mend every place listed in \"errors\".", "Исправьте все места из списка «errors».";
    /// Not enough is left.
    OUT_OF_STOCK = "catalog.out-of-stock", Conflict,
        "Not enough is left", "Столько не осталось",
        "Take as many as \"lines\" says are available, or another product.",
        "Возьмите столько, сколько указано в «lines», или другой товар.",
        with ["lines"];
    /// The price is another by now.
    PRICE_CHANGED = "catalog.price-changed", Conflict,
        "The price has changed", "Цена изменилась",
        "Ask for a new quote.", "Запросите новый расчёт.",
        with ["items_total"];
    /// A hold that cannot be taken again.
    HOLD_ENDED = "catalog.hold-ended", Conflict,
        "The order was cancelled and takes no stock any more", "Заказ отменён и больше не занимает товар",
        "Place a new order.", "Оформите новый заказ.";
    /// An article number or slug of something else.
    TAKEN = "catalog.taken", Conflict,
        "This article number or slug is taken", "Этот артикул или slug уже занят",
        "Choose another, or edit what has it.", "Выберите другой или измените то, что его носит.",
        with ["taken"];
    /// Stock of something that has none.
    UNTRACKED = "catalog.untracked", Conflict,
        "The product is made to order and has no stock", "Товар делают на заказ, остатков у него нет",
        "Set \"tracked\" on the product first.", "Сначала включите «tracked» у товара.";
    /// What is held for orders cannot be taken off the shelf.
    NOT_ENOUGH = "catalog.not-enough-stock", Conflict,
        "Fewer would be left than are held for orders", "Осталось бы меньше, чем отложено под заказы",
        "Take off at most what is available, or cancel orders first.",
        "Спишите не больше доступного или сначала отмените заказы.",
        with ["available"];
    /// The menu changed again and again while lines were priced.
    MENU_MOVES = "catalog.menu-moves", Unavailable,
        "The menu is being edited", "Меню редактируют",
        "Try again in a moment.", "Повторите через несколько секунд.";
    /// Stock and holds disagree.
    STOCK_BROKEN = "catalog.stock-broken", Internal,
        "Something went wrong on our side", "У нас что-то сломалось",
        "Tell us the request id.", "Сообщите нам request_id.";
}
