//! The table of failures, and the sentences of faults.

use kernel::Text;

service::codes! { pub(crate) static CODES;
    /// No such order for this person.
    NO_SUCH_ORDER = "orders.not-found", NotFound,
        "There is no such order", "Такого заказа нет",
        "Check the id.", "Проверьте номер заказа.";
    /// No such shop for this person.
    NO_SUCH_SHOP = "orders.no-such-shop", NotFound,
        "There is no such shop", "Такого заведения нет",
        "Check the id.", "Проверьте идентификатор.";
    /// It costs something else than the guest was told.
    PRICE_CHANGED = "orders.price-changed", Conflict,
        "The price has changed", "Цена изменилась",
        "Show the guest the new \"quote\" and send its total.", "Покажите гостю новый расчёт «quote» и передайте его сумму.",
        with ["quote"];
    /// Not enough is left.
    OUT_OF_STOCK = "orders.out-of-stock", Conflict,
        "Not enough is left", "Столько не осталось",
        "Take at most what \"lines\" says is available.", "Возьмите не больше, чем указано в «lines».",
        with ["lines"];
    /// The shop is closed then.
    SHOP_CLOSED = "orders.shop-closed", Conflict,
        "The shop is closed at that time", "В это время заведение закрыто",
        "Order for a time after \"opens_at\".", "Закажите на время после «opens_at».",
        with ["opens_at"];
    /// Every place is taken.
    SLOT_FULL = "orders.slot-full", Conflict,
        "This time is fully booked", "На это время всё занято",
        "Take \"earliest_at\" or another slot.", "Выберите «earliest_at» или другое время.",
        with ["earliest_at"];
    /// Earlier than the order could be ready.
    TOO_SOON = "orders.too-soon", Conflict,
        "The order cannot be ready by then", "К этому времени заказ не будет готов",
        "Take \"earliest_at\" or later.", "Выберите «earliest_at» или позже.",
        with ["earliest_at"];
    /// As many unpaid orders as one may have.
    TOO_MANY_UNPAID = "orders.too-many-unpaid", Conflict,
        "Too many orders are open and unpaid", "Слишком много неоплаченных заказов",
        "Pay or cancel one of them first.", "Сначала оплатите или отмените один из них.",
        with ["unpaid_max"];
    /// There is no bank to pay at.
    ONLINE_UNAVAILABLE = "orders.online-unavailable", Conflict,
        "Nothing is paid online here", "Онлайн-оплаты здесь нет",
        "Choose to pay at the counter.", "Выберите оплату на кассе.";
    /// No way from this state to that one.
    ILLEGAL_TRANSITION = "orders.illegal-transition", Conflict,
        "The order's state does not allow this", "Состояние заказа этого не позволяет",
        "Read the order again; \"from\" says where it is.", "Прочтите заказ снова: «from» показывает, где он.",
        with ["from", "to"];
    /// Nothing of its money is left.
    GIVEN_BACK = "orders.given-back", Conflict,
        "All that was paid for the order was given back", "Все деньги за заказ возвращены",
        "Cancel the order.", "Отмените заказ.",
        with ["state"];
    /// Too late to cancel.
    CANNOT_CANCEL = "orders.cannot-cancel", Conflict,
        "The order cannot be cancelled any more", "Заказ уже нельзя отменить",
        "Ask the staff of the shop.", "Обратитесь к сотрудникам заведения.",
        with ["state"];
    /// The placement was given up before it ended.
    TOOK_TOO_LONG = "orders.took-too-long", Unavailable,
        "Placing the order took too long", "Оформление заняло слишком много времени",
        "Send the same request again.", "Отправьте тот же запрос ещё раз.";
}

/// No slot begins at the wanted time.
pub(crate) const NOT_A_SLOT: Text =
    Text { en: "no slot begins at this time", ru: "в это время слот не начинается" };

/// Too far ahead.
pub(crate) const TOO_FAR: Text = Text {
    en: "orders are not taken so far ahead",
    ru: "так далеко вперёд заказы не принимаются",
};
