//! The SQL.

/// The columns that an order is read from, in the order of [`super::columns::order`].
macro_rules! order_columns {
    () => {
        "id, feed_id, shop_id, guest_id, channel, number, due_day, state, version, payment_method, payment_state, \
         paid_by, paid_at, captured_minor, refunded_minor, fulfilment_kind, is_asap, due_at, slot_from_at, \
         slot_to_at, is_slot_held, time_zone, currency, items_minor, discount_minor, points_minor, delivery_minor, \
         lines, comment, placed_at, expires_at"
    };
}

/// Who may see an order: its guest, and staff of its shop. The list of shops is `*` for all of them, else their ids
/// one after another; ids have one length and one alphabet, so one is contained in the list or it is not.
macro_rules! visible_to {
    ($guest:literal, $shops:literal) => {
        concat!("(guest_id = ", $guest, " OR ", $shops, " = '*' OR replace(", $shops, ", shop_id, '') <> ", $shops, ")")
    };
}

/// What a list may be narrowed by; an empty text is any.
macro_rules! filtered {
    () => {
        "id < $1 AND id >= $2 AND placed_at >= $3 AND placed_at < $4 AND ($5 = '' OR state = $5)"
    };
}

/// The states of the index `orders_on_board`, word for word as it says them.
macro_rules! live {
    () => {
        "state IN ('placed', 'paid', 'preparing', 'ready')"
    };
}

/// One column of a board. What waits to be paid online is no barista's matter.
macro_rules! on_board {
    () => {
        concat!(
            " FROM orders WHERE shop_id = $1 AND state = $2 AND ",
            live!(),
            " AND (state <> 'placed' OR payment_method = 'counter')"
        )
    };
}

store::statements! {
    /// A new order.
    INSERT_ORDER = "INSERT INTO orders \
        (id, feed_id, shop_id, guest_id, channel, number, due_day, state, version, payment_method, payment_state, \
         captured_minor, refunded_minor, fulfilment_kind, is_asap, due_at, slot_from_at, slot_to_at, is_slot_held, \
         time_zone, currency, items_minor, discount_minor, points_minor, delivery_minor, total_minor, lines, comment, \
         placed_at, expires_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24, $25, $26, $27, $28, $29, $30, $29)";
    /// An order.
    LOAD_ORDER = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1");
    /// An order, and where its history says that it was and since when, the oldest first, in one text.
    LOAD_WITH_PASSAGES = concat!("SELECT ", order_columns!(), ", (SELECT STRING_AGG(h.state || ' ' || h.at, ',' ORDER BY h.version) \
        FROM order_history h WHERE h.order_id = $1) FROM orders WHERE id = $1");
    /// An order, to change it.
    LOCK_ORDER = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1 FOR UPDATE");
    /// An order, if this person may see it.
    LOAD_VISIBLE_ORDER =
        concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1 AND ", visible_to!("$2", "$3"));
    /// An order, to change it, if this person may see it.
    LOCK_VISIBLE_ORDER =
        concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1 AND ", visible_to!("$2", "$3"), " FOR UPDATE");
    /// Unpaid orders past their time, to end them: the longest past it are looked for, and then locked in the order of
    /// their keys, if nobody has moved them meanwhile.
    LOCK_EXPIRED_ORDERS = concat!(
        "SELECT ", order_columns!(), " FROM orders WHERE state = 'placed' AND expires_at <= $1 AND id IN \
         (SELECT id FROM orders WHERE state = 'placed' AND expires_at <= $1 ORDER BY expires_at LIMIT $2) \
         ORDER BY id FOR UPDATE"
    );
    /// Unpaid orders past their time.
    EXPIRED_ORDERS = "SELECT id FROM orders WHERE state = 'placed' AND expires_at <= $1 ORDER BY expires_at LIMIT $2";
    /// An order that moved. The old version guards against a lost update.
    UPDATE_ORDER = "UPDATE orders SET state = $3, version = version + 1, payment_state = $4, paid_by = $5, \
        paid_at = $6, captured_minor = $7, refunded_minor = $8, is_slot_held = $9, updated_at = $10, \
         payment_method = $11, expires_at = COALESCE(CAST($12 AS BIGINT), expires_at), retaking_until_at = NULL \
        WHERE id = $1 AND version = $2";
    /// An expired order whose stock is about to be taken again.
    MARK_RETAKING = "UPDATE orders SET retaking_until_at = $2 WHERE id = $1 AND state = 'expired'";
    /// A guest's orders, the latest first.
    LIST_OF_GUEST = concat!(
        "SELECT ", order_columns!(), " FROM orders WHERE ", filtered!(),
        " AND guest_id = $6 AND ($7 = '' OR shop_id = $7) ORDER BY id DESC LIMIT $8"
    );
    /// A shop's orders, the latest first.
    LIST_OF_SHOP = concat!(
        "SELECT ", order_columns!(), " FROM orders WHERE ", filtered!(), " AND shop_id = $6 ORDER BY id DESC LIMIT $7"
    );
    /// A shop's orders in a state that somebody has to do something about, the latest first: they are few, and the
    /// board's index has them alone. The ids are hidden from the planner, which would walk the shop's whole history.
    LIST_LIVE_OF_SHOP = concat!(
        "SELECT ", order_columns!(), " FROM orders WHERE (id || '') < $1 AND (id || '') >= $2 AND placed_at >= $3 \
         AND placed_at < $4 AND state = $5 AND ", live!(), " AND shop_id = $6 ORDER BY (id || '') DESC LIMIT $7"
    );
    /// All orders, the latest first.
    LIST_ALL = concat!("SELECT ", order_columns!(), " FROM orders WHERE ", filtered!(), " ORDER BY id DESC LIMIT $6");
    /// A column of a shop's board, the most urgent first.
    LIST_ON_BOARD = concat!("SELECT ", order_columns!(), on_board!(), " ORDER BY due_at, id LIMIT $3");
    /// A column of a shop's board, the least urgent first.
    LIST_LATEST_ON_BOARD =
        concat!("SELECT ", order_columns!(), on_board!(), " ORDER BY due_at DESC, id DESC LIMIT $3");
    /// Orders in the order of their ids, a chunk at a time, for the audit.
    ORDERS_AFTER = concat!("SELECT ", order_columns!(), ", total_minor FROM orders WHERE id > $1 ORDER BY id LIMIT $2");
    /// What is with us of the money of orders that money came for, for the audit.
    MONEY_OF_ORDERS = "SELECT id, captured_minor - refunded_minor, currency FROM orders WHERE captured_minor > 0";
    /// Where the orders are that are not at an end, for the audit.
    LIVE_ORDERS = "SELECT id, state FROM orders \
        WHERE state IN ('placed', 'paid', 'preparing', 'ready', 'delivering')";
    /// Where the orders are whose guests have paid for their goods, for the audit.
    SOLD_ORDERS = "SELECT id, state FROM orders \
        WHERE state IN ('paid', 'preparing', 'ready', 'delivering', 'closed')";
    /// Orders that nobody makes while money of their guests is here, for the audit.
    MONEY_WITHOUT_ORDER = "SELECT id, state, captured_minor - refunded_minor, currency FROM orders \
        WHERE state IN ('placed', 'expired', 'cancelled') AND captured_minor > refunded_minor ORDER BY id";
    /// Orders that are paid by an attempt which did not take their total, for the audit.
    PAID_WITHOUT_MONEY = "SELECT o.id, o.state FROM orders o \
        LEFT JOIN order_payments p ON p.order_id = o.id AND p.payment_id = o.paid_by \
         AND p.currency = o.currency AND p.captured_minor = o.total_minor \
        WHERE o.state IN ('paid', 'preparing', 'ready', 'delivering', 'closed') AND p.order_id IS NULL ORDER BY o.id";
    /// Unpaid orders that should have ended by then, for the audit.
    PAST_THEIR_TIME = "SELECT id, expires_at FROM orders WHERE state = 'placed' AND expires_at < $1 ORDER BY id";

    /// What happened to an order.
    INSERT_HISTORY = "INSERT INTO order_history (order_id, version, state, payment_state, moved_by, reason, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// Declares an order dead that nobody knows; nothing if it was born meanwhile.
    ENTOMB = "INSERT INTO order_history (order_id, version, state, payment_state, moved_by, at) \
        VALUES ($1, 1, 'entombed', 'pending', 'system', $2) ON CONFLICT (order_id, version) DO NOTHING";
    /// How an order began and where it is: nothing for an id that was never heard of.
    FIRST_ENTRY = "SELECT h.state, o.state, o.expires_at, o.retaking_until_at FROM order_history h \
        LEFT JOIN orders o ON o.id = h.order_id WHERE h.order_id = $1 AND h.version = 1";
    /// The history of an order, the oldest first.
    HISTORY_OF_ORDER = "SELECT version, state, payment_state, moved_by, at FROM order_history \
        WHERE order_id = $1 ORDER BY version";
    /// The last of the next so many orders that have a history, for the audit.
    HISTORIES_UP_TO = "SELECT MAX(order_id) FROM (SELECT order_id FROM order_history WHERE order_id > $1 \
        GROUP BY order_id ORDER BY order_id LIMIT $2) AS chunk";
    /// Their histories beside what is stored of each order, for the audit.
    HISTORIES_BETWEEN = "SELECT h.order_id, h.version, h.state, h.payment_state, o.state, o.version, o.payment_state, \
        o.fulfilment_kind FROM order_history h LEFT JOIN orders o ON o.id = h.order_id \
        WHERE h.order_id > $1 AND h.order_id <= $2 ORDER BY h.order_id, h.version";
    /// Their entries that brought another state since a time, for the audit.
    STATES_ENTERED = "SELECT h.order_id, h.version, h.state FROM order_history h \
        LEFT JOIN order_history b ON b.order_id = h.order_id AND b.version = h.version - 1 \
        WHERE h.order_id > $1 AND h.order_id <= $2 AND h.at >= $3 AND h.state <> 'entombed' \
         AND (b.state IS NULL OR b.state <> h.state) ORDER BY h.order_id, h.version";
    /// The state that a version of an order entered or kept, for the audit.
    STATE_OF_VERSION = "SELECT state FROM order_history WHERE order_id = $1 AND version = $2";
    /// Orders without a history, for the audit.
    WITHOUT_HISTORY = "SELECT o.id FROM orders o \
        LEFT JOIN order_history h ON h.order_id = o.id AND h.version = 1 WHERE h.order_id IS NULL ORDER BY o.id";

    /// What payments told of an attempt, unless it told later things before.
    HEAR_PAYMENT = "INSERT INTO order_payments \
        (order_id, payment_id, attempt, version, state, currency, captured_minor, refunded_minor) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (order_id, payment_id) DO UPDATE SET version = excluded.version, state = excluded.state, \
         captured_minor = excluded.captured_minor, refunded_minor = excluded.refunded_minor \
        WHERE order_payments.version < excluded.version";
    /// Every attempt to pay for an order.
    PAYMENTS_OF_ORDER = "SELECT payment_id, attempt, version, state, currency, captured_minor, refunded_minor \
        FROM order_payments WHERE order_id = $1 ORDER BY attempt, payment_id";
    /// Orders that say that something else came and went than their attempts add up to, for the audit.
    UNTRUE_TENDERS = "SELECT o.id, o.captured_minor, o.refunded_minor, \
         CAST(COALESCE(SUM(p.captured_minor), 0) AS BIGINT), CAST(COALESCE(SUM(p.refunded_minor), 0) AS BIGINT) \
        FROM orders o LEFT JOIN order_payments p ON p.order_id = o.id AND p.currency = o.currency \
        WHERE o.captured_minor > 0 OR p.captured_minor > 0 \
        GROUP BY o.id, o.captured_minor, o.refunded_minor \
        HAVING o.captured_minor <> COALESCE(SUM(p.captured_minor), 0) \
         OR o.refunded_minor <> COALESCE(SUM(p.refunded_minor), 0) ORDER BY o.id";

    /// Takes a place in a slot that was taken before, if there is one as far as is known.
    TAKE_SLOT = "UPDATE order_slots SET taken = taken + 1, capacity = $4 \
        WHERE shop_id = $1 AND from_at = $2 AND to_at = $3 AND taken + elsewhere < $4";
    /// Holds the right to count a shop's slots: a sequence that nothing is taken of.
    HOLD_SLOTS_OF_SHOP = "INSERT INTO order_sequences (name, taken) VALUES ($1, 0) \
        ON CONFLICT (name) DO UPDATE SET taken = order_sequences.taken";
    /// The slots that overlap this one, and itself, to count them.
    LOCK_SLOTS = "SELECT from_at FROM order_slots \
        WHERE shop_id = $1 AND from_at > $4 AND from_at < $3 AND to_at > $2 ORDER BY from_at FOR UPDATE";
    /// Takes a place in a slot for the first time, or in one that is full as far as is known: what is taken of slots of
    /// another length that overlap it is counted anew.
    OPEN_SLOT = "INSERT INTO order_slots (shop_id, from_at, to_at, taken, elsewhere, capacity) \
        SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), 1, others.taken, CAST($4 AS BIGINT) FROM \
         (SELECT CAST(COALESCE(SUM(taken), 0) AS BIGINT) AS taken FROM order_slots \
          WHERE shop_id = $1 AND from_at > $5 AND from_at < $3 AND to_at > $2 AND from_at <> $2) AS others \
        WHERE others.taken < $4 \
        ON CONFLICT (shop_id, from_at) DO UPDATE SET taken = order_slots.taken + 1, elsewhere = excluded.elsewhere, \
         capacity = excluded.capacity, \
         to_at = CASE WHEN order_slots.to_at > excluded.to_at THEN order_slots.to_at ELSE excluded.to_at END \
        WHERE order_slots.taken + excluded.elsewhere < excluded.capacity";
    /// A place was taken beside these slots: whoever wants one of theirs next finds them full as far as is known.
    DOUBT_SLOTS = "UPDATE order_slots SET elsewhere = 1000000000 \
        WHERE shop_id = $1 AND from_at > $4 AND from_at < $3 AND to_at > $2 AND from_at <> $2";
    /// Gives a place back.
    GIVE_BACK_SLOT = "UPDATE order_slots SET taken = taken - 1 WHERE shop_id = $1 AND from_at = $2";
    /// What is taken of a shop's slots in a stretch of time.
    SLOTS_BETWEEN = "SELECT from_at, to_at, taken FROM order_slots \
        WHERE shop_id = $1 AND from_at > $2 AND from_at < $3 AND taken > 0 ORDER BY from_at";
    /// Slots that count other orders than those that hold a place in them, for the audit.
    UNTRUE_SLOTS = "SELECT shop_id, from_at, CAST(SUM(taken) AS BIGINT), CAST(SUM(held) AS BIGINT) FROM \
        (SELECT shop_id, from_at, taken, 0 AS held FROM order_slots \
         UNION ALL SELECT shop_id, slot_from_at, 0, 1 FROM orders WHERE is_slot_held = 1) AS both_sides \
        GROUP BY shop_id, from_at HAVING SUM(taken) <> SUM(held) ORDER BY shop_id, from_at";

    /// Opens one more unpaid order of a guest, if the cap leaves room.
    TAKE_UNPAID = "INSERT INTO order_guests (guest_id, payment_method, unpaid) VALUES ($1, $2, 1) \
        ON CONFLICT (guest_id, payment_method) DO UPDATE SET unpaid = order_guests.unpaid + 1 \
        WHERE order_guests.unpaid < $3";
    /// One unpaid order less.
    GIVE_BACK_UNPAID = "UPDATE order_guests SET unpaid = unpaid - 1 WHERE guest_id = $1 AND payment_method = $2";
    /// A guest's counters as they are, to change several: one without a row gets one.
    HOLD_UNPAID = "INSERT INTO order_guests (guest_id, payment_method, unpaid) VALUES ($1, $2, 0) \
        ON CONFLICT (guest_id, payment_method) DO UPDATE SET unpaid = order_guests.unpaid";
    /// How many unpaid orders a guest has open.
    UNPAID_OF_GUEST = "SELECT unpaid FROM order_guests WHERE guest_id = $1 AND payment_method = $2";
    /// Guests' counters that are not how many unpaid orders they have, for the audit.
    UNTRUE_GUESTS = "SELECT guest_id, payment_method, CAST(SUM(counted) AS BIGINT), CAST(SUM(open) AS BIGINT) FROM \
        (SELECT guest_id, payment_method, unpaid AS counted, 0 AS open FROM order_guests \
         UNION ALL SELECT guest_id, payment_method, 0, 1 FROM orders WHERE state = 'placed') AS both_sides \
        GROUP BY guest_id, payment_method HAVING SUM(counted) <> SUM(open) ORDER BY guest_id, payment_method";

    /// Takes a block of numbers; the last one taken.
    TAKE_BLOCK = "INSERT INTO order_sequences (name, taken) VALUES ($1, $2) \
        ON CONFLICT (name) DO UPDATE SET taken = order_sequences.taken + excluded.taken RETURNING taken";

    /// Placements that were answered without an order, for the audit (ORD-3). Whatever stands before the route's path.
    ANSWERED_WITHOUT_ORDER = "SELECT k.resource_id FROM idempotency_keys k LEFT JOIN orders o ON o.id = k.resource_id \
        WHERE k.route LIKE 'POST %/orders' AND k.status IS NOT NULL AND o.id IS NULL ORDER BY k.resource_id";
}
